/* Checks of options; see option_checks.h. */
#include "conn/option_checks.h"

#include <stddef.h>
#include <string.h>

#include "base/charset.h"

#define PORT_MAX 65535
#define ROW(type, option, limit)                                                                                       \
    {                                                                                                                  \
        .name = #option, .offset = offsetof(type, option), .last = (limit)                                             \
    }
#define CLIENT(option, limit) ROW(sshio_client_options, option, limit)
#define SERVER(option, limit) ROW(sshio_server_options, option, limit)

struct row {
    const char *name;
    size_t offset; /* of its field */
    int last;      /* the largest value */
};

/* Fields that are an enum, whose smallest value is 0, or an int that counts from 0. */
_Static_assert(sizeof(sshio_tri) == sizeof(int) && sizeof(sshio_family) == sizeof(int), "read as an int");
static const struct row client_choices[] = {
    CLIENT(port, PORT_MAX),
    CLIENT(bind_port, PORT_MAX),
    CLIENT(request_pty, SSHIO_REQUEST_PTY_AUTO),
    CLIENT(errors, SSHIO_ERRORS_SURROGATEESCAPE),
    CLIENT(utf8_decode_errors, SSHIO_ERRORS_SURROGATEESCAPE),
    CLIENT(family, SSHIO_FAMILY_INET6),
    CLIENT(public_key_auth, SSHIO_NO),
    CLIENT(password_auth, SSHIO_NO),
    CLIENT(kbdint_auth, SSHIO_NO),
    CLIENT(disable_trivial_auth, SSHIO_NO),
    CLIENT(require_strict_kex, SSHIO_NO),
    CLIENT(tcp_keepalive, SSHIO_NO),
    { .name = NULL },
};
static const struct row server_choices[] = {
    SERVER(allow_scp, SSHIO_NO),
    SERVER(allow_pty, SSHIO_NO),
    SERVER(errors, SSHIO_ERRORS_SURROGATEESCAPE),
    SERVER(utf8_decode_errors, SSHIO_ERRORS_SURROGATEESCAPE),
    SERVER(family, SSHIO_FAMILY_INET6),
    SERVER(public_key_auth, SSHIO_NO),
    SERVER(password_auth, SSHIO_NO),
    SERVER(kbdint_auth, SSHIO_NO),
    SERVER(require_strict_kex, SSHIO_NO),
    SERVER(reuse_address, SSHIO_NO),
    SERVER(reuse_port, SSHIO_NO),
    SERVER(tcp_keepalive, SSHIO_NO),
    SERVER(backlog, PORT_MAX),
    { .name = NULL },
};

static const struct row client_times[] = {
    CLIENT(connect_timeout, 0), CLIENT(login_timeout, 0), CLIENT(keepalive_interval, 0),
    CLIENT(linger, 0),          { .name = NULL },
};
static const struct row server_times[] = {
    SERVER(connect_timeout, 0), SERVER(login_timeout, 0), SERVER(keepalive_interval, 0),
    SERVER(linger, 0),          { .name = NULL },
};

static int check_choices(const struct row *rows, const void *options, struct error *e)
{
    for (const struct row *row = rows; row->name != NULL; row++) {
        int value;
        memcpy(&value, (const char *)options + row->offset, sizeof value);
        if (value < 0 || value > row->last)
            return error_set(e, SSHIO_EINVAL, "%s %d is not between 0 and %d", row->name, value, row->last);
    }
    return 0;
}

/* What is no number passes no comparison. */
int check_seconds(const char *option, double seconds, struct error *e)
{
    if ((seconds >= 0 && seconds <= OPTION_SECONDS_MAX) || seconds == SSHIO_NEVER)
        return 0;
    return error_set(e, SSHIO_EINVAL, "%s of %g s is not between 0 and %.0f s", option, seconds, OPTION_SECONDS_MAX);
}

static int check_times(const struct row *rows, const void *options, struct error *e)
{
    int rc = 0;
    for (const struct row *row = rows; rc == 0 && row->name != NULL; row++) {
        double seconds;
        memcpy(&seconds, (const char *)options + row->offset, sizeof seconds);
        rc = check_seconds(row->name, seconds, e);
    }
    return rc;
}

static int check_encoding(const char *encoding, struct error *e)
{
    if (encoding == NULL || encoding == sshio_none || charset_is_known(encoding))
        return 0;
    return error_set(e, SSHIO_EINVAL, "encoding \"%s\" is not known here", encoding);
}

static int check_socket(const int *sock, struct error *e)
{
    if (sock == NULL || *sock >= 0)
        return 0;
    return error_set(e, SSHIO_EINVAL, "sock %d is no descriptor", *sock);
}

int check_client_options(const sshio_client_options *options, struct error *e)
{
    int rc = check_choices(client_choices, options, e);
    if (rc == 0)
        rc = check_times(client_times, options, e);
    if (rc == 0)
        rc = check_socket(options->sock, e);
    return rc == 0 ? check_encoding(options->encoding, e) : rc;
}

int check_server_options(const sshio_server_options *options, struct error *e)
{
    int rc = check_choices(server_choices, options, e);
    if (rc == 0)
        rc = check_times(server_times, options, e);
    if (rc == 0)
        rc = check_socket(options->sock, e);
    return rc == 0 ? check_encoding(options->encoding, e) : rc;
}
