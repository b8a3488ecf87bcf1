/* The disk's side of a copy, and the walk through a tree; see tree_copy.h. */
#include "tree_copy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#define BLOCK 65536

void *must_alloc(void *block, size_t size)
{
    void *made = realloc(block, size);

    expect(made != NULL, "memory");
    return made;
}

void names_add(struct names *names, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    names->items = must_alloc(names->items, (names->count + 1) * sizeof names->items[0]);
    names->items[names->count++] = strcpy(must_alloc(NULL, strlen(name) + 1), name);
}

void expect(int true_here, const char *what)
{
    if (true_here)
        return;
    perror(what);
    exit(125);
}

const char *in(const char *folder, const char *name)
{
    static char places[4][4096];
    static size_t turn;
    char *place = places[turn++ % 4];

    expect(snprintf(place, sizeof places[0], "%s/%s", folder, name) < (int)sizeof places[0], "length of a path");
    return place;
}

/* ---- the disk ---- */

static struct found disk_look(void *server, const char *path)
{
    struct stat found;

    (void)server;
    expect(lstat(path, &found) == 0, path);
    return (struct found){ .kind = S_ISLNK(found.st_mode)   ? FOUND_LINK
                                   : S_ISDIR(found.st_mode) ? FOUND_FOLDER
                                                            : FOUND_FILE,
                           .mode = found.st_mode & 0777,
                           .mtime = (uint32_t)found.st_mtime };
}

static char *disk_read_link(void *server, const char *path)
{
    char *text = must_alloc(NULL, 4096);
    ssize_t len = readlink(path, text, 4095);

    (void)server;
    expect(len >= 0, path);
    text[len] = '\0';
    return text;
}

static void disk_make_link(void *server, const char *text, const char *path)
{
    (void)server;
    expect(symlink(text, path) == 0, path);
}

static struct names disk_list(void *server, const char *path)
{
    struct names names = { 0 };
    DIR *folder = opendir(path);

    (void)server;
    expect(folder != NULL, path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        names_add(&names, entry->d_name);
    closedir(folder);
    return names;
}

static void disk_make_folder(void *server, const char *path)
{
    (void)server;
    expect(mkdir(path, 0777) == 0, path);
}

static char *disk_read_file(void *server, const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    size_t got;

    (void)server;
    expect(file != NULL, path);
    *len = 0;
    do {
        data = must_alloc(data, *len + BLOCK);
        got = fread(data + *len, 1, BLOCK, file);
        *len += got;
    } while (got > 0);
    expect(!ferror(file), path);
    fclose(file);
    return data;
}

static void disk_write_file(void *server, const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    (void)server;
    expect(file != NULL && fwrite(data, 1, len, file) == len && fclose(file) == 0, path);
}

static void disk_set(void *server, const char *path, const struct found *found)
{
    (void)server;
    expect(chmod(path, found->mode) == 0, path);
    expect(utime(path, &(struct utimbuf){ found->mtime, found->mtime }) == 0, path);
}

const struct side disk = {
    .look = disk_look,
    .read_link = disk_read_link,
    .make_link = disk_make_link,
    .list = disk_list,
    .make_folder = disk_make_folder,
    .read_file = disk_read_file,
    .write_file = disk_write_file,
    .set = disk_set,
};

char *random_data(size_t len)
{
    FILE *file = fopen("/dev/urandom", "rb");
    char *data = must_alloc(NULL, len);

    expect(file != NULL && fread(data, 1, len, file) == len, "random bytes");
    fclose(file);
    return data;
}

void expect_file(const char *path, const char *data, size_t len)
{
    size_t there;
    char *found = disk_read_file(NULL, path, &there);

    expect(there == len && memcmp(found, data, len) == 0, path);
    free(found);
}

void expect_link(const char *path, const char *text)
{
    char *found = disk_read_link(NULL, path);

    expect(strcmp(found, text) == 0, path);
    free(found);
}

/* ---- the copy ---- */

static void copy_link(const struct side *from, const struct side *to, const char *source, const char *target)
{
    char *text = from->read_link(from->server, source);

    to->make_link(to->server, text, target);
    free(text);
}

static void copy_file(const struct side *from, const struct side *to, const char *source, const char *target)
{
    size_t len;
    char *data = from->read_file(from->server, source, &len);

    to->write_file(to->server, target, data, len);
    free(data);
}

static void copy_folder(const struct side *from, const struct side *to, const char *source, const char *target)
{
    struct names names = from->list(from->server, source);

    to->make_folder(to->server, target);
    for (size_t i = 0; i < names.count; i++) {
        char *one = strcpy(must_alloc(NULL, 4096), in(source, names.items[i]));
        char *other = strcpy(must_alloc(NULL, 4096), in(target, names.items[i]));
        copy_tree(from, to, one, other);
        free(one);
        free(other);
        free(names.items[i]);
    }
    free(names.items);
}

void copy_tree(const struct side *from, const struct side *to, const char *source, const char *target)
{
    struct found found = from->look(from->server, source);

    if (found.kind == FOUND_LINK) {
        copy_link(from, to, source, target);
        return;
    }
    if (found.kind == FOUND_FOLDER)
        copy_folder(from, to, source, target);
    else
        copy_file(from, to, source, target);
    to->set(to->server, target, &found);
}

void do_copy(const struct side *remote, char **words)
{
    int put = strcmp(words[0], "put") == 0;

    copy_tree(put ? &disk : remote, put ? remote : &disk, words[1], words[2]);
}
