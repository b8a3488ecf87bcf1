/* See remote.h. */
#include "remote.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include <sshio/constants.h>

#include "child.h"
#include "talk.h"

/* ---- destinations ---- */

static bool take_host(char *text, struct destination *d)
{
    bool is_named = text[0] != '\0' && text[0] != '-';

    if (is_named && sshio_parse_host(text, &d->host, &d->port) != 0) {
        say("%s", sshio_error_message());
        return false;
    }
    if (is_named && d->host[0] != '-')
        return true;
    say("no host in \"%s\"", text);
    return false;
}

/* Behind "scheme://": a user name may have colons and slashes. */
static bool split_uri(char *text, struct destination *d)
{
    char *slash = strchr(text, '/'), *at = memrchr(text, '@', slash != NULL ? (size_t)(slash - text) : strlen(text));

    if (slash != NULL) {
        *slash = '\0';
        d->path = slash + 1;
    }
    if (at != NULL) {
        *at = '\0';
        d->user = text;
        text = at + 1;
    }
    return take_host(text, d);
}

/* The host ends at the first colon that is not in brackets. */
static bool split_words(char *text, struct destination *d)
{
    char *end = strpbrk(text, ":/"), *at;

    at = text[0] == '[' ? NULL : memrchr(text, '@', end != NULL ? (size_t)(end - text) : strlen(text));
    if (at != NULL) {
        *at = '\0';
        d->user = text;
        text = at + 1;
    }
    end = strchr(text[0] == '[' && strchr(text, ']') != NULL ? strchr(text, ']') : text, ':');
    if (end != NULL) {
        *end = '\0';
        d->path = end + 1;
    }
    return take_host(text, d);
}

bool destination_parse(const char *text, const char *scheme, struct destination *destination)
{
    size_t len = strlen(scheme);
    bool is_uri = strncasecmp(text, scheme, len) == 0 && strncmp(text + len, "://", 3) == 0;

    *destination = (struct destination){ .text = strdup(is_uri ? text + len + 3 : text) };
    if (destination->text == NULL)
        return false;
    return is_uri ? split_uri(destination->text, destination) : split_words(destination->text, destination);
}

void destination_done(struct destination *destination)
{
    free(destination->text);
    *destination = (struct destination){ 0 };
}

/* ---- connections ---- */

static bool add_lines(struct config_lines *lines, const struct config_lines *more)
{
    lines->text = more->len != 0 ? strndup(more->text, more->len) : NULL;
    lines->len = lines->text != NULL ? more->len : 0;
    return more->len == 0 || lines->text != NULL;
}

static bool set_up(struct login *login, const struct remote_settings *settings, const struct destination *d)
{
    login->host = strdup(d->host);
    return login->host != NULL && add_lines(&login->lines, &settings->lines) &&
           (d->user == NULL || config_lines_add_value(&login->lines, "User", d->user)) &&
           (d->port == NULL || config_lines_add_value(&login->lines, "Port", d->port));
}

bool remote_connect(struct remote *remote, const struct remote_settings *settings, const struct account *account,
                    const struct destination *destination)
{
    struct login *login = &remote->login;

    talk_set_log(NULL, settings->verbose, true);
    remote->destination = destination;
    if (program_is_used(&settings->program)) {
        remote->program = &settings->program;
        return true;
    }
    if (!set_up(login, settings, destination) || !login_configure(login, account, settings->config_file))
        return false;
    talk_set_log(login->config, settings->verbose, true);
    return login_open(login, &remote->conn) == 0;
}

bool remote_is_connected(const struct remote *remote)
{
    return remote->conn != NULL || remote->program != NULL;
}

/* Those that have ended; with wait, all. */
static void reap_children(struct remote *remote, bool wait)
{
    size_t left = 0;

    for (size_t i = 0; i < remote->child_count; i++) {
        int status = 0;
        if (child_wait(remote->children[i], wait, &status))
            remote->child_failed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        else
            remote->children[left++] = remote->children[i];
    }
    remote->child_count = left;
}

static int start_program(struct remote *remote, const char *command, bool is_subsystem, int *fd)
{
    reap_children(remote, false);
    pid_t *children = realloc(remote->children, (remote->child_count + 1) * sizeof *children);
    if (children == NULL)
        return SSHIO_ENOMEM;
    remote->children = children;
    if (!program_start(remote->program, remote->destination, command, is_subsystem, &children[remote->child_count], fd))
        return SSHIO_ESYSTEM;
    remote->child_count++;
    return 0;
}

static int start_by_program(struct remote *remote, const char *subsystem)
{
    int fd;
    int rc = start_program(remote, subsystem, strchr(subsystem, '/') == NULL, &fd);

    if (rc != 0)
        return rc;
    rc = sshio_run_sftp_client(fd, fd, NULL, &remote->sftp);
    if (rc != 0 && !remote_is_lost(rc) && !talk_is_silenced()) /* else the program has said why */
        say("%s", sshio_error_message());
    return rc;
}

bool remote_start_sftp(struct remote *remote, const char *subsystem)
{
    if (remote->program != NULL)
        return start_by_program(remote, subsystem) == 0;
    if (sshio_start_sftp_client(remote->conn, NULL, &remote->sftp) == 0)
        return true;
    if (!talk_is_silenced())
        say("%s", sshio_error_message());
    return false;
}

int remote_start_scp(const char *command, int *in, int *out, void *user)
{
    int rc = start_program(user, command, false, in);
    *out = *in;
    return rc;
}

bool remote_done(struct remote *remote)
{
    if (remote->sftp != NULL && remote->program != NULL) {
        sshio_sftp_exit(remote->sftp);
        sshio_sftp_wait_closed(remote->sftp);
    }
    sshio_sftp_unref(remote->sftp);
    reap_children(remote, true);
    free(remote->children);
    bool ok = !remote->child_failed;
    sshio_conn_unref(remote->conn);
    login_done(&remote->login);
    *remote = (struct remote){ 0 };
    return ok;
}

/* ---- errors ---- */

const char *remote_reason(void)
{
    static const char *const sentences[] = {
        [SSHIO_FX_OK] = "No error",
        [SSHIO_FX_EOF] = "End of file",
        [SSHIO_FX_NO_SUCH_FILE] = "No such file or directory",
        [SSHIO_FX_PERMISSION_DENIED] = "Permission denied",
        [SSHIO_FX_FAILURE] = "Failure",
        [SSHIO_FX_BAD_MESSAGE] = "Bad message",
        [SSHIO_FX_NO_CONNECTION] = "No connection",
        [SSHIO_FX_CONNECTION_LOST] = "Connection lost",
        [SSHIO_FX_OP_UNSUPPORTED] = "Operation unsupported",
    };
    const sshio_error *error = sshio_error_last();

    if (error->code == SSHIO_ESYSTEM && error->os_errno != 0)
        return strerror(error->os_errno);
    if (error->code > SSHIO_ESFTP || error->code < SSHIO_ESFTP - SSHIO_FX_OP_UNSUPPORTED ||
        error->reason >= sizeof sentences / sizeof sentences[0] || error->reason == SSHIO_FX_OK)
        return error->message;
    return sentences[error->reason];
}

bool remote_is_lost(int rc)
{
    return rc == SSHIO_ESFTP_NO_CONNECTION || rc == SSHIO_ESFTP_CONNECTION_LOST || rc == SSHIO_ECONNECTION_LOST;
}
