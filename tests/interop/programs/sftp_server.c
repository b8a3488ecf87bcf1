/* An SFTP server. Prints "listening PORT"; with "-" for HOST_KEY it serves one session on its stdin and stdout instead.
 *
 *     sftp_server HOST_KEY AUTHORIZED_KEYS [root=DIRECTORY] [start=DIRECTORY] [version=N] [umask=OCTAL] [read_only]
 *                 [scp] [deny=write] [follow] [handlers=default|factory] [password=TEXT]
 *
 * handlers=default: every operation is a handler, which does what happens without one. handlers=factory: the session is
 * decided by a factory, which waits a moment, and refuses whoever has set REFUSE. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sshio_sftp_server_options options;
static const char *const no_writes[] = { "write", NULL };

/* ---- each operation as it is without a handler ---- */

#define S sshio_sftp_server *server
#define ANSWER_TEXT(call)                                                                                              \
    char *text = NULL;                                                                                                 \
    int rc = call;                                                                                                     \
    (void)user;                                                                                                        \
    if (rc == 0)                                                                                                       \
        rc = sshio_answer_text(req, text);                                                                             \
    sshio_free(text);                                                                                                  \
    return rc
#define ANSWER_ATTRS(call)                                                                                             \
    sshio_sftp_attrs *attrs = NULL;                                                                                    \
    int rc = call;                                                                                                     \
    (void)user;                                                                                                        \
    if (rc == 0)                                                                                                       \
        rc = sshio_answer_attrs(req, attrs);                                                                           \
    sshio_sftp_attrs_free(attrs);                                                                                      \
    return rc

static int on_open(S, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs, void **file, void *user)
{
    (void)user;
    sshio_sftp_server_set_user(server, "something opened");
    return sshio_sftp_server_open(server, path, pflags, attrs, file);
}

static int on_open56(S, const char *path, uint32_t access, uint32_t flags, const sshio_sftp_attrs *attrs, void **file,
                     void *user)
{
    (void)user;
    return sshio_sftp_server_open56(server, path, access, flags, attrs, file);
}

static int on_close(S, void *file, void *user)
{
    (void)user;
    return sshio_sftp_server_close(server, file);
}

static int on_read(S, void *file, uint64_t offset, void *buffer, size_t size, size_t *got, void *user)
{
    (void)user;
    return sshio_sftp_server_read(server, file, offset, buffer, size, got);
}

static int on_write(S, void *file, uint64_t offset, const void *data, size_t len, void *user)
{
    (void)user;
    return sshio_sftp_server_write(server, file, offset, data, len);
}

static int on_rename(S, const char *from, const char *to, void *user)
{
    (void)user;
    return sshio_sftp_server_rename(server, from, to);
}

static int on_posix_rename(S, const char *from, const char *to, void *user)
{
    (void)user;
    return sshio_sftp_server_posix_rename(server, from, to);
}

static int on_remove(S, const char *path, void *user)
{
    (void)user;
    return sshio_sftp_server_remove(server, path);
}

static int on_readlink(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_readlink(server, path, &text));
}

static int on_symlink(S, const char *from, const char *to, void *user)
{
    (void)user;
    return sshio_sftp_server_symlink(server, from, to);
}

static int on_link(S, const char *from, const char *to, void *user)
{
    (void)user;
    return sshio_sftp_server_link(server, from, to);
}

static int on_realpath(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_realpath(server, path, &text));
}

static int on_stat(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_ATTRS(sshio_sftp_server_stat(server, path, &attrs));
}

static int on_lstat(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_ATTRS(sshio_sftp_server_lstat(server, path, &attrs));
}

static int on_fstat(S, void *file, sshio_request *req, void *user)
{
    ANSWER_ATTRS(sshio_sftp_server_fstat(server, file, &attrs));
}

static int on_setstat(S, const char *path, const sshio_sftp_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_setstat(server, path, attrs);
}

static int on_lsetstat(S, const char *path, const sshio_sftp_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_lsetstat(server, path, attrs);
}

static int on_fsetstat(S, void *file, const sshio_sftp_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_fsetstat(server, file, attrs);
}

static int on_statvfs(S, const char *path, sshio_sftp_vfs_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_statvfs(server, path, attrs);
}

static int on_fstatvfs(S, void *file, sshio_sftp_vfs_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_fstatvfs(server, file, attrs);
}

static int on_lock(S, void *file, uint64_t offset, uint64_t length, uint32_t flags, void *user)
{
    (void)user;
    return sshio_sftp_server_lock(server, file, offset, length, flags);
}

static int on_unlock(S, void *file, uint64_t offset, uint64_t length, void *user)
{
    (void)user;
    return sshio_sftp_server_unlock(server, file, offset, length);
}

static int on_fsync(S, void *file, void *user)
{
    (void)user;
    return sshio_sftp_server_fsync(server, file);
}

static int on_mkdir(S, const char *path, const sshio_sftp_attrs *attrs, void *user)
{
    (void)user;
    return sshio_sftp_server_mkdir(server, path, attrs);
}

static int on_rmdir(S, const char *path, void *user)
{
    (void)user;
    return sshio_sftp_server_rmdir(server, path);
}

static int on_scandir(S, const char *path, sshio_request *req, void *user)
{
    (void)user;
    return sshio_sftp_server_scandir(server, path, req);
}

static int on_format_user(S, int64_t uid, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_format_user(server, uid, &text));
}

static int on_format_group(S, int64_t gid, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_format_group(server, gid, &text));
}

static int on_format_longname(S, const sshio_sftp_name *name, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_format_longname(server, name, &text));
}

static int on_map_path(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_map_path(server, path, &text));
}

static int on_reverse_map_path(S, const char *path, sshio_request *req, void *user)
{
    ANSWER_TEXT(sshio_sftp_server_reverse_map_path(server, path, &text));
}

/* Whose session it was, as its handlers can know it. */
static void on_exit_called(S, void *user)
{
    const sshio_conn *conn = sshio_sftp_server_connection(server);
    const char *const *env = sshio_sftp_server_env(server);

    fprintf(stderr, "exit, %s, user %s", sshio_sftp_server_channel(server) != NULL ? "channel" : "no channel",
            conn != NULL ? sshio_conn_username(conn) : "none");
    for (; *env != NULL; env++)
        fprintf(stderr, ", %s", *env);
    fprintf(stderr, ", %s\n", user != NULL ? (const char *)user : "nothing opened");
    sshio_log(sshio_sftp_server_logger(server), SSHIO_LOG_WARNING, "its last words");
}

static const sshio_sftp_server_handlers handlers = {
    .open = on_open,
    .open56 = on_open56,
    .close = on_close,
    .read = on_read,
    .write = on_write,
    .rename = on_rename,
    .posix_rename = on_posix_rename,
    .remove = on_remove,
    .readlink = on_readlink,
    .symlink = on_symlink,
    .link = on_link,
    .realpath = on_realpath,
    .stat = on_stat,
    .lstat = on_lstat,
    .fstat = on_fstat,
    .setstat = on_setstat,
    .lsetstat = on_lsetstat,
    .fsetstat = on_fsetstat,
    .statvfs = on_statvfs,
    .fstatvfs = on_fstatvfs,
    .lock = on_lock,
    .unlock = on_unlock,
    .fsync = on_fsync,
    .mkdir = on_mkdir,
    .rmdir = on_rmdir,
    .scandir = on_scandir,
    .format_user = on_format_user,
    .format_group = on_format_group,
    .format_longname = on_format_longname,
    .map_path = on_map_path,
    .reverse_map_path = on_reverse_map_path,
    .exit = on_exit_called,
};

/* ---- the server ---- */

static int decide(sshio_chan *chan, sshio_request *req, void *user)
{
    const char *const *env = sshio_chan_get_environment(chan);

    (void)user;
    sshio_sleep(0);
    for (; *env != NULL; env++)
        if (strncmp(*env, "REFUSE=", 7) == 0)
            return SSHIO_REFUSE;
    return sshio_answer_sftp_server(req, &options);
}

static const char *password;

static int passwords_supported(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return 1;
}

static int validate_password(sshio_conn *conn, const char *username, const char *given, void *user)
{
    (void)conn, (void)username, (void)user;
    return strcmp(given, password) == 0;
}

static const sshio_server_handlers with_password = { .password_auth_supported = passwords_supported,
                                                     .validate_password = validate_password };

static const char *value_of(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static void take_word(const char *word, sshio_server_options *to)
{
    const char *value;
    if ((value = value_of(word, "root")) != NULL)
        options.chroot = value;
    else if ((value = value_of(word, "start")) != NULL)
        options.start_dir = value;
    else if ((value = value_of(word, "version")) != NULL)
        options.sftp_version = atoi(value);
    else if ((value = value_of(word, "umask")) != NULL)
        options.umask = (uint32_t)strtoul(value, NULL, 8);
    else if ((value = value_of(word, "password")) != NULL) {
        password = value;
        to->handlers = &with_password;
    } else if (strcmp(word, "read_only") == 0)
        options.read_only = true;
    else if (strcmp(word, "scp") == 0)
        to->allow_scp = SSHIO_YES;
    else if (strcmp(word, "deny=write") == 0)
        options.deny_requests = no_writes;
    else if (strcmp(word, "follow") == 0)
        options.follow_outside_links = true;
    else if (strcmp(word, "handlers=default") == 0)
        options.handlers = &handlers;
    else if (strcmp(word, "handlers=factory") == 0)
        to->sftp_factory = decide;
}

int main(int argc, char **argv)
{
    sshio_server_options to;
    sshio_listener *listener = NULL;

    if (argc < 3)
        return 2;
    sshio_server_options_init(&to);
    sshio_sftp_server_options_init(&options);
    for (int i = 3; i < argc; i++)
        take_word(argv[i], &to);
    if (strcmp(argv[1], "-") == 0)
        return sshio_run_sftp_server(0, 1, &options) != 0 ? sshio_report("sftp") : 0;
    const sshio_keyref keys[] = { { .file = argv[1] }, { 0 } };
    to.host_keys = keys;
    to.authorized_keys = SSHIO_FILES(argv[2]);
    to.sftp_server = &options;
    if (sshio_listen("127.0.0.1", 0, &to, &listener) != 0)
        return sshio_report("listen");
    printf("listening %d\n", sshio_listener_get_port(listener));
    fflush(stdout);
    return sshio_run_forever();
}
