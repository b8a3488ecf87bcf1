/* Files for the client on libssh; see libssh_files.h. */
#include "libssh_files.h"
#include "tree_copy.h"

#include <fcntl.h>
#include <libssh/sftp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#define BLOCK 32000
#define AT_ONCE 16

static void need(sftp_session sftp, int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s, status %d\n", what, ssh_get_error(sftp->session), sftp_get_error(sftp));
    exit(125);
}

static struct found look(void *sftp, const char *path)
{
    sftp_attributes found = sftp_lstat(sftp, path);

    need(sftp, found != NULL, path);
    struct found answer = { .kind = found->type == SSH_FILEXFER_TYPE_SYMLINK     ? FOUND_LINK
                                    : found->type == SSH_FILEXFER_TYPE_DIRECTORY ? FOUND_FOLDER
                                                                                 : FOUND_FILE,
                            .mode = found->permissions & 0777,
                            .mtime = found->mtime };
    sftp_attributes_free(found);
    return answer;
}

static char *read_link(void *sftp, const char *path)
{
    char *text = sftp_readlink(sftp, path);

    need(sftp, text != NULL, path);
    char *copy = strcpy(must_alloc(NULL, strlen(text) + 1), text);
    ssh_string_free_char(text);
    return copy;
}

static void make_link(void *sftp, const char *text, const char *path)
{
    need(sftp, sftp_symlink(sftp, text, path) == SSH_OK, path);
}

static struct names list(void *sftp, const char *path)
{
    struct names names = { 0 };
    sftp_dir folder = sftp_opendir(sftp, path);
    sftp_attributes entry;

    need(sftp, folder != NULL, path);
    while ((entry = sftp_readdir(sftp, folder)) != NULL) {
        names_add(&names, entry->name);
        sftp_attributes_free(entry);
    }
    need(sftp, sftp_dir_eof(folder), path);
    sftp_closedir(folder);
    return names;
}

static void make_folder(void *sftp, const char *path)
{
    need(sftp, sftp_mkdir(sftp, path, 0777) == SSH_OK, path);
}

/* Keeps several requests under way. A reply may only be short at the end of the file. */
static char *read_file(void *sftp, const char *path, size_t *len)
{
    sftp_file file = sftp_open(sftp, path, O_RDONLY, 0);
    char *data = NULL;
    int ids[AT_ONCE], head = 0, tail = 0, got = 1;

    need(sftp, file != NULL, path);
    *len = 0;
    while (got > 0) {
        while (head - tail < AT_ONCE) {
            int id = sftp_async_read_begin(file, BLOCK);
            need(sftp, id >= 0, path);
            ids[head++ % AT_ONCE] = id;
        }
        data = must_alloc(data, *len + BLOCK);
        got = sftp_async_read(file, data + *len, BLOCK, (uint32_t)ids[tail++ % AT_ONCE]);
        need(sftp, got >= 0, path);
        *len += (size_t)got;
    }
    for (; tail < head; tail++)
        sftp_async_read(file, (char[BLOCK]){ 0 }, BLOCK, (uint32_t)ids[tail % AT_ONCE]);
    need(sftp, sftp_close(file) == SSH_OK, path);
    return data;
}

static void write_file(void *sftp, const char *path, const char *data, size_t len)
{
    sftp_file file = sftp_open(sftp, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    need(sftp, file != NULL, path);
    for (size_t at = 0; at < len;) {
        ssize_t sent = sftp_write(file, data + at, len - at < BLOCK ? len - at : BLOCK);
        need(sftp, sent > 0, path);
        at += (size_t)sent;
    }
    need(sftp, sftp_close(file) == SSH_OK, path);
}

static void set(void *sftp, const char *path, const struct found *found)
{
    const struct timeval times[2] = { { .tv_sec = found->mtime }, { .tv_sec = found->mtime } };

    need(sftp, sftp_chmod(sftp, path, found->mode) == SSH_OK, path);
    need(sftp, sftp_utimes(sftp, path, times) == SSH_OK, path);
}

/* ---- what the library can do ---- */

static void check_file(sftp_session sftp, const char *folder)
{
    size_t len = 3000001;
    char *data = random_data(len), part[1000];

    write_file(sftp, in(folder, "file"), data, len);
    expect_file(in(folder, "file"), data, len);
    sftp_file file = sftp_open(sftp, in(folder, "file"), O_RDWR, 0);
    need(sftp, file != NULL && sftp_seek64(file, 2999901) == 0, "seek");
    need(sftp, sftp_read(file, part, sizeof part) == 100 && memcmp(part, data + 2999901, 100) == 0, "the end");
    need(sftp, sftp_read(file, part, sizeof part) == 0 && sftp_tell64(file) == len, "behind the end");
    sftp_attributes found = sftp_fstat(file);
    need(sftp, found != NULL && found->size == len, "attributes of a file");
    sftp_attributes_free(found);
    need(sftp, sftp_extension_supported(sftp, "fsync@openssh.com", "1") && sftp_fsync(file) == SSH_OK, "fsync");
    sftp_statvfs_t space = sftp_fstatvfs(file);
    need(sftp, space != NULL && space->f_namemax == 255, "space");
    sftp_statvfs_free(space);
    need(sftp, sftp_close(file) == SSH_OK, "close");
    need(sftp, sftp_open(sftp, in(folder, "file"), O_WRONLY | O_CREAT | O_EXCL, 0666) == NULL, "it is there already");
    free(data);
}

static void check_names(sftp_session sftp, const char *folder)
{
    struct stat found;
    char *real = sftp_canonicalize_path(sftp, in(folder, "x/../."));

    need(sftp, real != NULL && strcmp(real, folder) == 0, "real path");
    ssh_string_free_char(real);
    make_link(sftp, "file", in(folder, "link"));
    expect_link(in(folder, "link"), "file");
    need(sftp, sftp_rename(sftp, in(folder, "link"), in(folder, "moved")) == SSH_OK, "rename");
    need(sftp, sftp_chmod(sftp, in(folder, "file"), 04640) == SSH_OK, "mode");
    need(sftp, stat(in(folder, "file"), &found) == 0 && (found.st_mode & 07777) == 04640, "mode on the disk");
    need(sftp, sftp_chown(sftp, in(folder, "file"), found.st_uid, found.st_gid) == SSH_OK, "owner");
    sftp_attributes wanted = sftp_lstat(sftp, in(folder, "file"));
    wanted->flags = SSH_FILEXFER_ATTR_SIZE;
    wanted->size = 7;
    need(sftp, sftp_setstat(sftp, in(folder, "file"), wanted) == SSH_OK, "size");
    sftp_attributes_free(wanted);
    need(sftp, stat(in(folder, "file"), &found) == 0 && found.st_size == 7, "size on the disk");
    need(sftp, sftp_mkdir(sftp, in(folder, "new"), 0700) == SSH_OK, "folder");
    need(sftp, sftp_mkdir(sftp, in(folder, "new"), 0700) < 0, "a second one");
    need(sftp, sftp_rmdir(sftp, in(folder, "new")) == SSH_OK, "no folder");
    need(sftp, sftp_unlink(sftp, in(folder, "moved")) == SSH_OK, "remove");
    need(sftp, sftp_stat(sftp, in(folder, "moved")) == NULL, "nothing there");
    need(sftp, sftp_get_error(sftp) == SSH_FX_NO_SUCH_FILE, "its reason");
}

void do_files(ssh_session session, char **words)
{
    sftp_session sftp = sftp_new(session);
    const struct side remote = { sftp, look, read_link, make_link, list, make_folder, read_file, write_file, set };

    if (sftp == NULL || sftp_init(sftp) != SSH_OK) {
        fprintf(stderr, "sftp: %s\n", ssh_get_error(session));
        exit(125);
    }
    if (strcmp(words[0], "check") == 0) {
        check_file(sftp, words[1]);
        check_names(sftp, words[1]);
    } else {
        do_copy(&remote, words);
    }
    sftp_free(sftp);
}
