/* Files for the client on libssh2; see libssh2_files.h. */
#include "libssh2_files.h"
#include "tree_copy.h"

#include <libssh2_sftp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 1000000 /* it makes many requests of one call */

static void need(LIBSSH2_SFTP *sftp, int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: status %lu\n", what, libssh2_sftp_last_error(sftp));
    exit(125);
}

static struct found look(void *sftp, const char *path)
{
    LIBSSH2_SFTP_ATTRIBUTES found;

    need(sftp, libssh2_sftp_lstat(sftp, path, &found) == 0, path);
    return (struct found){ .kind = LIBSSH2_SFTP_S_ISLNK(found.permissions)   ? FOUND_LINK
                                   : LIBSSH2_SFTP_S_ISDIR(found.permissions) ? FOUND_FOLDER
                                                                             : FOUND_FILE,
                           .mode = found.permissions & 0777,
                           .mtime = (uint32_t)found.mtime };
}

static char *read_link(void *sftp, const char *path)
{
    char *text = must_alloc(NULL, 4096);
    int len = libssh2_sftp_readlink(sftp, path, text, 4095);

    need(sftp, len >= 0, path);
    text[len] = '\0';
    return text;
}

/* The text goes first over the wire, whatever the header calls it. The call says that it failed, with any server. */
static void make_link(void *sftp, const char *text, const char *path)
{
    libssh2_sftp_symlink(sftp, text, (char *)path);
}

static struct names list(void *sftp, const char *path)
{
    struct names names = { 0 };
    LIBSSH2_SFTP_HANDLE *folder = libssh2_sftp_opendir(sftp, path);
    char name[512];
    int len;

    need(sftp, folder != NULL, path);
    while ((len = libssh2_sftp_readdir(folder, name, sizeof name - 1, NULL)) > 0) {
        name[len] = '\0';
        names_add(&names, name);
    }
    need(sftp, len == 0 && libssh2_sftp_closedir(folder) == 0, path);
    return names;
}

static void make_folder(void *sftp, const char *path)
{
    need(sftp, libssh2_sftp_mkdir(sftp, path, 0777) == 0, path);
}

static char *read_file(void *sftp, const char *path, size_t *len)
{
    LIBSSH2_SFTP_HANDLE *file = libssh2_sftp_open(sftp, path, LIBSSH2_FXF_READ, 0);
    char *data = NULL;
    ssize_t got;

    need(sftp, file != NULL, path);
    *len = 0;
    do {
        data = must_alloc(data, *len + BLOCK);
        got = libssh2_sftp_read(file, data + *len, BLOCK);
        need(sftp, got >= 0, path);
        *len += (size_t)got;
    } while (got > 0);
    need(sftp, libssh2_sftp_close(file) == 0, path);
    return data;
}

static void write_file(void *sftp, const char *path, const char *data, size_t len)
{
    LIBSSH2_SFTP_HANDLE *file = libssh2_sftp_open(sftp, path, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC,
                                                  0666);

    need(sftp, file != NULL, path);
    for (size_t at = 0; at < len;) {
        ssize_t sent = libssh2_sftp_write(file, data + at, len - at < BLOCK ? len - at : BLOCK);
        need(sftp, sent > 0, path);
        at += (size_t)sent;
    }
    need(sftp, libssh2_sftp_close(file) == 0, path);
}

static void set(void *sftp, const char *path, const struct found *found)
{
    LIBSSH2_SFTP_ATTRIBUTES attrs = { .flags = LIBSSH2_SFTP_ATTR_PERMISSIONS | LIBSSH2_SFTP_ATTR_ACMODTIME,
                                      .permissions = found->mode,
                                      .atime = found->mtime,
                                      .mtime = found->mtime };

    need(sftp, libssh2_sftp_setstat(sftp, path, &attrs) == 0, path);
}

/* ---- what the library can do ---- */

static void check_file(LIBSSH2_SFTP *sftp, const char *folder)
{
    size_t len = 3000001;
    char *data = random_data(len), part[1000];
    LIBSSH2_SFTP_ATTRIBUTES found;
    LIBSSH2_SFTP_STATVFS space;

    write_file(sftp, in(folder, "file"), data, len);
    expect_file(in(folder, "file"), data, len);
    LIBSSH2_SFTP_HANDLE *file = libssh2_sftp_open(sftp, in(folder, "file"), LIBSSH2_FXF_READ | LIBSSH2_FXF_WRITE, 0);
    need(sftp, file != NULL, "open");
    libssh2_sftp_seek64(file, 2999901);
    need(sftp, libssh2_sftp_read(file, part, sizeof part) == 100 && memcmp(part, data + 2999901, 100) == 0, "the end");
    need(sftp, libssh2_sftp_read(file, part, sizeof part) == 0, "behind the end");
    need(sftp, libssh2_sftp_fstat(file, &found) == 0 && found.filesize == len, "attributes of a file");
    need(sftp, libssh2_sftp_fsync(file) == 0, "fsync");
    need(sftp, libssh2_sftp_fstatvfs(file, &space) == 0 && space.f_namemax == 255, "space");
    found = (LIBSSH2_SFTP_ATTRIBUTES){ .flags = LIBSSH2_SFTP_ATTR_SIZE, .filesize = 7 };
    need(sftp, libssh2_sftp_fsetstat(file, &found) == 0, "size");
    need(sftp, libssh2_sftp_close(file) == 0, "close");
    expect_file(in(folder, "file"), data, 7);
    file = libssh2_sftp_open(sftp, in(folder, "file"), LIBSSH2_FXF_WRITE | LIBSSH2_FXF_APPEND, 0);
    need(sftp, file != NULL && libssh2_sftp_write(file, data + 7, 5) == 5 && libssh2_sftp_close(file) == 0, "append");
    expect_file(in(folder, "file"), data, 12);
    need(sftp,
         libssh2_sftp_open(sftp, in(folder, "file"), LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL, 0666) ==
             NULL,
         "it is there already");
    free(data);
}

static void check_names(LIBSSH2_SFTP *sftp, const char *folder)
{
    LIBSSH2_SFTP_ATTRIBUTES found;
    char real[4096];
    int len = libssh2_sftp_realpath(sftp, in(folder, "x/../."), real, sizeof real - 1);

    need(sftp, len == (int)strlen(folder) && memcmp(real, folder, (size_t)len) == 0, "real path");
    make_link(sftp, "file", in(folder, "link"));
    expect_link(in(folder, "link"), "file");
    need(sftp, libssh2_sftp_rename(sftp, in(folder, "link"), in(folder, "file")) != 0, "a rename does not replace");
    need(sftp, libssh2_sftp_rename(sftp, in(folder, "link"), in(folder, "moved")) == 0, "rename");
    need(sftp, libssh2_sftp_mkdir(sftp, in(folder, "new"), 0700) == 0, "folder");
    need(sftp, libssh2_sftp_rmdir(sftp, in(folder, "new")) == 0, "no folder");
    need(sftp, libssh2_sftp_unlink(sftp, in(folder, "moved")) == 0, "remove");
    need(sftp, libssh2_sftp_stat(sftp, in(folder, "moved"), &found) != 0, "nothing there");
    need(sftp, libssh2_sftp_last_error(sftp) == LIBSSH2_FX_NO_SUCH_FILE, "its reason");
}

void do_files(LIBSSH2_SESSION *session, char **words)
{
    LIBSSH2_SFTP *sftp = libssh2_sftp_init(session);
    const struct side remote = { sftp, look, read_link, make_link, list, make_folder, read_file, write_file, set };

    if (sftp == NULL) {
        fprintf(stderr, "no sftp\n");
        exit(125);
    }
    if (strcmp(words[0], "check") == 0) {
        check_file(sftp, words[1]);
        check_names(sftp, words[1]);
    } else {
        do_copy(&remote, words);
    }
    libssh2_sftp_shutdown(sftp);
}
