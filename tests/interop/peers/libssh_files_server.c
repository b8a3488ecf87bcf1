/* A server of files on libssh, version 3, as whoever runs it. Prints "listening PORT"; each connection is a process.
 * libssh_files_server PORT HOST_KEY PUBLIC_KEY: the port to listen on, and the file of the one key that may log in. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#define WITH_SERVER
#include <libssh/sftp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_MAX 32768
#define NAMES_AT_ONCE 50

struct open_file {
    int fd;   /* -1 = a folder */
    DIR *dir; /* NULL = a file */
};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(125);
}

/* ---- files ---- */

static int status_of(int error)
{
    switch (error) {
    case 0:
        return SSH_FX_OK;
    case ENOENT:
    case ENOTDIR:
        return SSH_FX_NO_SUCH_FILE;
    case EACCES:
    case EPERM:
        return SSH_FX_PERMISSION_DENIED;
    default:
        return SSH_FX_FAILURE;
    }
}

/* rc: of a call that sets errno. */
static void reply(sftp_client_message m, int rc)
{
    int error = rc < 0 ? errno : 0;

    sftp_reply_status(m, (uint32_t)status_of(error), error != 0 ? strerror(error) : "");
}

static struct sftp_attributes_struct attributes_of(const struct stat *found)
{
    return (struct sftp_attributes_struct){ .flags = SSH_FILEXFER_ATTR_SIZE | SSH_FILEXFER_ATTR_UIDGID |
                                                     SSH_FILEXFER_ATTR_PERMISSIONS | SSH_FILEXFER_ATTR_ACMODTIME,
                                            .size = (uint64_t)found->st_size,
                                            .uid = found->st_uid,
                                            .gid = found->st_gid,
                                            .permissions = found->st_mode,
                                            .atime = (uint32_t)found->st_atime,
                                            .mtime = (uint32_t)found->st_mtime };
}

static void reply_attributes(sftp_client_message m, int rc, const struct stat *found)
{
    struct sftp_attributes_struct attributes;

    if (rc < 0) {
        reply(m, rc);
        return;
    }
    attributes = attributes_of(found);
    sftp_reply_attr(m, &attributes);
}

static void reply_handle(sftp_client_message m, struct open_file opened)
{
    struct open_file *file = malloc(sizeof *file);
    ssh_string handle;

    if (file == NULL)
        fail("memory");
    *file = opened;
    handle = sftp_handle_alloc(m->sftp, file);
    if (handle == NULL) {
        sftp_reply_status(m, SSH_FX_FAILURE, "too many are open");
        return;
    }
    sftp_reply_handle(m, handle);
    ssh_string_free(handle);
}

static void do_open(sftp_client_message m)
{
    uint32_t f = m->flags;
    int flags = (f & SSH_FXF_READ) && (f & SSH_FXF_WRITE) ? O_RDWR : (f & SSH_FXF_WRITE) ? O_WRONLY : O_RDONLY;

    flags |= (f & SSH_FXF_APPEND ? O_APPEND : 0) | (f & SSH_FXF_CREAT ? O_CREAT : 0) |
             (f & SSH_FXF_TRUNC ? O_TRUNC : 0) | (f & SSH_FXF_EXCL ? O_EXCL : 0);
    int fd = open(m->filename, flags, 0666);
    if (fd < 0)
        reply(m, -1);
    else
        reply_handle(m, (struct open_file){ .fd = fd });
}

static void do_opendir(sftp_client_message m)
{
    DIR *dir = opendir(m->filename);

    if (dir == NULL)
        reply(m, -1);
    else
        reply_handle(m, (struct open_file){ .fd = -1, .dir = dir });
}

static struct open_file *file_of(sftp_client_message m)
{
    struct open_file *file = sftp_handle(m->sftp, m->handle);

    if (file == NULL)
        sftp_reply_status(m, SSH_FX_FAILURE, "no such handle");
    return file;
}

static void do_close(sftp_client_message m)
{
    struct open_file *file = file_of(m);

    if (file == NULL)
        return;
    sftp_handle_remove(m->sftp, file);
    reply(m, file->dir != NULL ? closedir(file->dir) : close(file->fd));
    free(file);
}

static void do_read(sftp_client_message m)
{
    static char data[READ_MAX];
    struct open_file *file = file_of(m);

    if (file == NULL)
        return;
    ssize_t got = pread(file->fd, data, m->len < READ_MAX ? m->len : READ_MAX, (off_t)m->offset);
    if (got > 0)
        sftp_reply_data(m, data, (int)got);
    else if (got == 0)
        sftp_reply_status(m, SSH_FX_EOF, "end");
    else
        reply(m, -1);
}

static void do_write(sftp_client_message m)
{
    struct open_file *file = file_of(m);
    size_t len = ssh_string_len(m->data);

    if (file != NULL)
        reply(m, pwrite(file->fd, ssh_string_data(m->data), len, (off_t)m->offset) == (ssize_t)len ? 0 : -1);
}

static void do_readdir(sftp_client_message m)
{
    struct open_file *file = file_of(m);
    struct dirent *entry;
    struct stat found;
    int count = 0;

    if (file == NULL)
        return;
    while (count < NAMES_AT_ONCE && (entry = readdir(file->dir)) != NULL) {
        if (fstatat(dirfd(file->dir), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        struct sftp_attributes_struct attributes = attributes_of(&found);
        sftp_reply_names_add(m, entry->d_name, entry->d_name, &attributes);
        count++;
    }
    if (count == 0)
        sftp_reply_status(m, SSH_FX_EOF, "end");
    else
        sftp_reply_names(m);
}

static void do_stat(sftp_client_message m)
{
    struct stat found;
    int rc = m->type == SSH_FXP_STAT ? stat(m->filename, &found) : lstat(m->filename, &found);

    reply_attributes(m, rc, &found);
}

static void do_fstat(sftp_client_message m)
{
    struct open_file *file = file_of(m);
    struct stat found;

    if (file != NULL)
        reply_attributes(m, fstat(file->fd, &found), &found);
}

static int set(const char *path, const struct sftp_attributes_struct *a)
{
    const struct timespec times[2] = { { .tv_sec = a->atime }, { .tv_sec = a->mtime } };

    if ((a->flags & SSH_FILEXFER_ATTR_SIZE) != 0 && truncate(path, (off_t)a->size) != 0)
        return -1;
    if ((a->flags & SSH_FILEXFER_ATTR_UIDGID) != 0 && chown(path, a->uid, a->gid) != 0)
        return -1;
    if ((a->flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 && chmod(path, a->permissions & 07777) != 0)
        return -1;
    return (a->flags & SSH_FILEXFER_ATTR_ACMODTIME) != 0 ? utimensat(AT_FDCWD, path, times, 0) : 0;
}

static void do_setstat(sftp_client_message m)
{
    reply(m, set(m->filename, m->attr));
}

static void do_fsetstat(sftp_client_message m)
{
    struct open_file *file = file_of(m);
    char path[64];

    if (file == NULL)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    reply(m, set(path, m->attr));
}

static void do_names(sftp_client_message m)
{
    char text[4096];
    ssize_t len = 0;

    if (m->type == SSH_FXP_READLINK) {
        len = readlink(m->filename, text, sizeof text - 1);
        text[len >= 0 ? len : 0] = '\0';
    } else if (realpath(m->filename[0] != '\0' ? m->filename : ".", text) == NULL) {
        len = -1;
    }
    if (len < 0)
        reply(m, -1);
    else
        sftp_reply_name(m, text, NULL);
}

static int rename_to_nothing(const char *from, const char *to)
{
    struct stat found;

    if (lstat(to, &found) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static void do_extended(sftp_client_message m)
{
    const char *what = sftp_client_message_get_submessage(m), *to = sftp_client_message_get_data(m);

    if (what != NULL && strcmp(what, "posix-rename@openssh.com") == 0)
        reply(m, rename(m->filename, to));
    else if (what != NULL && strcmp(what, "hardlink@openssh.com") == 0)
        reply(m, link(m->filename, to));
    else
        sftp_reply_status(m, SSH_FX_OP_UNSUPPORTED, "unknown");
}

static void do_two_paths(sftp_client_message m)
{
    const char *second = sftp_client_message_get_data(m);

    reply(m, m->type == SSH_FXP_RENAME ? rename_to_nothing(m->filename, second) : symlink(second, m->filename));
}

static void do_path(sftp_client_message m)
{
    int rc = m->type == SSH_FXP_REMOVE ? unlink(m->filename)
             : m->type == SSH_FXP_RMDIR
                 ? rmdir(m->filename)
                 : mkdir(m->filename,
                         m->attr->flags & SSH_FILEXFER_ATTR_PERMISSIONS ? m->attr->permissions & 07777 : 0777);

    reply(m, rc);
}

static void (*const requests[256])(sftp_client_message m) = {
    [SSH_FXP_OPEN] = do_open,         [SSH_FXP_CLOSE] = do_close,       [SSH_FXP_READ] = do_read,
    [SSH_FXP_WRITE] = do_write,       [SSH_FXP_LSTAT] = do_stat,        [SSH_FXP_FSTAT] = do_fstat,
    [SSH_FXP_SETSTAT] = do_setstat,   [SSH_FXP_FSETSTAT] = do_fsetstat, [SSH_FXP_OPENDIR] = do_opendir,
    [SSH_FXP_READDIR] = do_readdir,   [SSH_FXP_REMOVE] = do_path,       [SSH_FXP_MKDIR] = do_path,
    [SSH_FXP_RMDIR] = do_path,        [SSH_FXP_REALPATH] = do_names,    [SSH_FXP_STAT] = do_stat,
    [SSH_FXP_RENAME] = do_two_paths,  [SSH_FXP_READLINK] = do_names,    [SSH_FXP_SYMLINK] = do_two_paths,
    [SSH_FXP_EXTENDED] = do_extended,
};

static void serve_files(ssh_session session, ssh_channel channel)
{
    sftp_session sftp = sftp_server_new(session, channel);
    sftp_client_message m;

    if (sftp == NULL || sftp_server_init(sftp) != 0)
        fail("sftp");
    while ((m = sftp_get_client_message(sftp)) != NULL) {
        uint8_t type = sftp_client_message_get_type(m);
        if (requests[type] != NULL)
            requests[type](m);
        else
            sftp_reply_status(m, SSH_FX_OP_UNSUPPORTED, "unknown");
        sftp_client_message_free(m);
    }
    ssh_channel_request_send_exit_status(channel, 0);
    ssh_channel_send_eof(channel);
    ssh_channel_close(channel);
}

/* ---- the way there ---- */

static int answer_login(ssh_message m, ssh_key allowed)
{
    ssh_key key = ssh_message_subtype(m) == SSH_AUTH_METHOD_PUBLICKEY ? ssh_message_auth_pubkey(m) : NULL;

    if (key == NULL || ssh_key_cmp(key, allowed, SSH_KEY_CMP_PUBLIC) != 0) {
        ssh_message_auth_set_methods(m, SSH_AUTH_METHOD_PUBLICKEY);
        ssh_message_reply_default(m);
    } else if (ssh_message_auth_publickey_state(m) == SSH_PUBLICKEY_STATE_VALID) {
        ssh_message_auth_reply_success(m, 0);
        return 1;
    } else {
        ssh_message_auth_reply_pk_ok_simple(m);
    }
    return 0;
}

/* Logs in, opens a session and asks for files; anything else is refused. */
static void serve(ssh_session session, ssh_key allowed)
{
    ssh_channel channel = NULL;
    ssh_message m;
    int logged_in = 0, ready = 0;

    if (ssh_handle_key_exchange(session) != SSH_OK)
        fail(ssh_get_error(session));
    while (!ready && (m = ssh_message_get(session)) != NULL) {
        int type = ssh_message_type(m), subtype = ssh_message_subtype(m);
        if (type == SSH_REQUEST_AUTH && !logged_in)
            logged_in = answer_login(m, allowed);
        else if (logged_in && type == SSH_REQUEST_CHANNEL_OPEN && subtype == SSH_CHANNEL_SESSION && channel == NULL)
            channel = ssh_message_channel_request_open_reply_accept(m);
        else if (channel != NULL && type == SSH_REQUEST_CHANNEL && subtype == SSH_CHANNEL_REQUEST_SUBSYSTEM)
            ready = ssh_message_channel_request_reply_success(m) == SSH_OK;
        else
            ssh_message_reply_default(m);
        ssh_message_free(m);
    }
    if (ready)
        serve_files(session, channel);
    ssh_disconnect(session);
}

int main(int argc, char **argv)
{
    ssh_bind listener = ssh_bind_new();
    ssh_key allowed = NULL;

    if (argc != 4 || listener == NULL || ssh_pki_import_pubkey_file(argv[3], &allowed) != SSH_OK)
        return 124;
    signal(SIGCHLD, SIG_IGN);
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_PROCESS_CONFIG, &(int){ 0 });
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDPORT_STR, argv[1]);
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HOSTKEY, argv[2]);
    if (ssh_bind_listen(listener) != SSH_OK)
        fail(ssh_get_error(listener));
    printf("listening %s\n", argv[1]);
    fflush(stdout);
    for (;;) {
        ssh_session session = ssh_new();
        if (session == NULL || ssh_bind_accept(listener, session) != SSH_OK)
            fail(ssh_get_error(listener));
        if (fork() == 0) {
            ssh_bind_free(listener);
            serve(session, allowed);
            _exit(0);
        }
        ssh_silent_disconnect(session);
        ssh_free(session);
    }
}
