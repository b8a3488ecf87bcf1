/* Options that cannot be right: each is refused with SSHIO_EINVAL, or the code of what it names, before anything is
 * looked up, connected to or listened on, and the message says which it is and what was given. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/run.h"

#define LONG_TEXT_LEN 1100
static char long_text[LONG_TEXT_LEN + 1];

static const int no_socket = -1;
static const sshio_term_mode bad_modes[] = { { 160, 1 }, { 0, 0 } };
static const char *const bad_env[] = { "A=1", "B", NULL };
static const char *const nameless_env[] = { "=1", NULL };
static const char *const no_words[] = { NULL };
static const char *const some_words[] = { "true", NULL };
static const char *const bad_lists[] = { "publickey", "publickey,iris-scan", NULL };
static const char *const empty_lists[] = { "", NULL };

static int failures;       /* of rows; all are shown */
static int listening = -1; /* where clients would arrive */
static int listening_port;

struct client_row {
    const char *says; /* a part of the message */
    const sshio_client_options *options;
    int code; /* 0 = EINVAL */
};

struct server_row {
    const char *says;
    const sshio_server_options *options;
    int code;
};

/* ---- the bed ---- */

static void open_listening(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listening, 10), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    listening_port = ntohs(address.sin_port);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void check_refused(const char *kind, int rc, int code, const char *says)
{
    int expected = code != 0 ? code : SSHIO_EINVAL;
    if (rc == expected && strstr(sshio_error_message(), says) != NULL)
        return;
    print_error("%s, \"%s\" expected: %s, \"%s\"\n", kind, says, sshio_error_name(rc),
                rc != 0 ? sshio_error_message() : "");
    failures++;
}

static void nobody_came(void)
{
    int fd = accept(listening, NULL, NULL);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, EAGAIN);
}

static void check_client(const struct client_row *row)
{
    sshio_client_options options = *row->options;
    sshio_conn *conn = NULL;
    if (options.port == 0)
        options.port = listening_port;
    if (options.username == NULL)
        options.username = "guest";
    int before = open_descriptors();
    int rc = sshio_connect("127.0.0.1", &options, &conn);
    check_refused("client", rc, row->code, row->says);
    sshio_conn_unref(conn);
    assert_int_equal(open_descriptors(), before);
    nobody_came();
}

static void check_server(struct loopback *l, const struct server_row *row)
{
    sshio_server_options options = *row->options;
    sshio_listener *listener = NULL;
    sshio_keyref keys[2] = { { .key = l->host_key } };
    if (options.host_keys == NULL)
        options.host_keys = keys;
    int before = open_descriptors();
    int rc = sshio_listen("127.0.0.1", 0, &options, &listener);
    check_refused("server", rc, row->code, row->says);
    sshio_listener_unref(listener);
    assert_int_equal(open_descriptors(), before);
}

/* ---- clients ---- */

static void clients(struct loopback *l)
{
    (void)l;
    const struct client_row rows[] = {
        { "port -1", SSHIO_CLIENT(.port = -1) },
        { "port 65536", SSHIO_CLIENT(.port = 65536) },
        { "User name of 1100 bytes", SSHIO_CLIENT(.username = long_text) },
        { "User name", SSHIO_CLIENT(.username = "\xff") },
        { "no-such-key", SSHIO_CLIENT(.client_keys = SSHIO_KEYS({ .file = "/nonexistent/no-such-key" })),
          SSHIO_ESYSTEM },
        { "no-such-hosts", SSHIO_CLIENT(.known_hosts = SSHIO_FILES("/nonexistent/no-such-hosts")), SSHIO_ESYSTEM },
        { "no-such-config", SSHIO_CLIENT(.config = SSHIO_FILES("/nonexistent/no-such-config")), SSHIO_ESYSTEM },
        { "klingon", SSHIO_CLIENT(.config = SSHIO_SOURCE(.data = { "Port klingon", 12 })), SSHIO_ECONFIG_PARSE },
        { "proxy_jump", SSHIO_CLIENT(.proxy_jump = "a,,b") },
        { "proxy_jump", SSHIO_CLIENT(.proxy_jump = "@a") },
        { "proxy_jump", SSHIO_CLIENT(.proxy_jump = "a:99999") },
        { "proxy_command", SSHIO_CLIENT(.proxy_command = "   ") },
        { "proxy_command", SSHIO_CLIENT(.proxy_command = "nc \"%h") },
        { "proxy_argv", SSHIO_CLIENT(.proxy_argv = no_words) },
        { "proxy_argv", SSHIO_CLIENT(.proxy_argv = some_words, .proxy_command = "true") },
        { "connect_timeout", SSHIO_CLIENT(.connect_timeout = -5) },
        { "connect_timeout", SSHIO_CLIENT(.connect_timeout = NAN) },
        { "login_timeout", SSHIO_CLIENT(.login_timeout = -5) },
        { "login_timeout", SSHIO_CLIENT(.login_timeout = NAN) },
        { "login_timeout", SSHIO_CLIENT(.login_timeout = 1e10) },
        { "keepalive_interval", SSHIO_CLIENT(.keepalive_interval = -5) },
        { "keepalive_interval", SSHIO_CLIENT(.keepalive_interval = NAN) },
        { "keepalive_count_max", SSHIO_CLIENT(.keepalive_count_max = -1) },
        { "linger", SSHIO_CLIENT(.linger = -5) },
        { "linger", SSHIO_CLIENT(.linger = NAN) },
        { "env", SSHIO_CLIENT(.env = bad_env) },
        { "env", SSHIO_CLIENT(.env = nameless_env) },
        { "request_pty", SSHIO_CLIENT(.request_pty = (sshio_pty_choice)9) },
        { "term_type", SSHIO_CLIENT(.term_type = "vt\x80") },
        { "term_size", SSHIO_CLIENT(.term_size = { .width = -1 }) },
        { "term_modes", SSHIO_CLIENT(.term_modes = bad_modes) },
        { "encoding", SSHIO_CLIENT(.encoding = "klingon") },
        { "errors", SSHIO_CLIENT(.errors = (sshio_text_errors)9) },
        { "utf8_decode_errors", SSHIO_CLIENT(.utf8_decode_errors = (sshio_text_errors)9) },
        { "preferred_auth", SSHIO_CLIENT(.preferred_auth = "") },
        { "preferred_auth", SSHIO_CLIENT(.preferred_auth = "password,,publickey") },
        { "public_key_auth", SSHIO_CLIENT(.public_key_auth = (sshio_tri)9) },
        { "password_auth", SSHIO_CLIENT(.password_auth = (sshio_tri)9) },
        { "kbdint_auth", SSHIO_CLIENT(.kbdint_auth = (sshio_tri)9) },
        { "disable_trivial_auth", SSHIO_CLIENT(.disable_trivial_auth = (sshio_tri)9) },
        { "require_strict_kex", SSHIO_CLIENT(.require_strict_kex = (sshio_tri)9) },
        { "tcp_keepalive", SSHIO_CLIENT(.tcp_keepalive = (sshio_tri)9) },
        { "ssh-klingon", SSHIO_CLIENT(.server_host_key_algs = "ssh-klingon") },
        { "host key", SSHIO_CLIENT(.server_host_key_algs = "-*") },
        { "klingon-sha2", SSHIO_CLIENT(.kex_algs = "klingon-sha2") },
        { "key exchange", SSHIO_CLIENT(.kex_algs = "-*") },
        { "klingon-ctr", SSHIO_CLIENT(.encryption_algs = "aes128-ctr,klingon-ctr") },
        { "encryption", SSHIO_CLIENT(.encryption_algs = "") },
        { "hmac-klingon", SSHIO_CLIENT(.mac_algs = "hmac-klingon") },
        { "klingzip", SSHIO_CLIENT(.compression_algs = "klingzip") },
        { "ssh-klingon", SSHIO_CLIENT(.signature_algs = "ssh-klingon") },
        { "signature", SSHIO_CLIENT(.signature_algs = "") },
        { "Rekey bytes", SSHIO_CLIENT(.rekey_limit = "0") },
        { "RekeyLimit", SSHIO_CLIENT(.rekey_limit = "") },
        { "1x", SSHIO_CLIENT(.rekey_limit = "1x") },
        { "-1", SSHIO_CLIENT(.rekey_limit = "-1") },
        { "1 0", SSHIO_CLIENT(.rekey_limit = "1 0") },
        { "1y", SSHIO_CLIENT(.rekey_limit = "1g 1y") },
        { "1g 1h more", SSHIO_CLIENT(.rekey_limit = "1g 1h more") },
        { "required_rsa_size 1023", SSHIO_CLIENT(.required_rsa_size = 1023) },
        { "required_rsa_size 16385", SSHIO_CLIENT(.required_rsa_size = 16385) },
        { "version", SSHIO_CLIENT(.client_version = "") },
        { "version", SSHIO_CLIENT(.client_version = long_text) },
        { "version", SSHIO_CLIENT(.client_version = "two\nlines") },
        { "version", SSHIO_CLIENT(.client_version = "caf\xc3\xa9") },
        { "family", SSHIO_CLIENT(.family = (sshio_family)9) },
        { "cannot resolve not an address", SSHIO_CLIENT(.bind_address = "not an address"), SSHIO_ERESOLVE },
        { "bind_port", SSHIO_CLIENT(.bind_port = -1) },
        { "bind_port", SSHIO_CLIENT(.bind_port = 65536) },
        { "sock", SSHIO_CLIENT(.sock = &no_socket) },
    };
    failures = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_client(&rows[i]);
    assert_int_equal(failures, 0);
}

static void test_options_of_clients_that_are_wrong_are_named(void **state)
{
    (void)state;
    memset(long_text, 'x', LONG_TEXT_LEN);
    open_listening();
    run_with(clients, NULL);
    close(listening);
}

/* ---- servers ---- */

static void servers(struct loopback *l)
{
    const struct server_row rows[] = {
        { "host keys", SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = NULL })) },
        { "no-such-key", SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = "/nonexistent/no-such-key" })), SSHIO_ESYSTEM },
        { "no-such-users", SSHIO_SERVER(.authorized_keys = SSHIO_FILES("/nonexistent/no-such-users")), SSHIO_ESYSTEM },
        { "no-such-config", SSHIO_SERVER(.config = SSHIO_FILES("/nonexistent/no-such-config")), SSHIO_ESYSTEM },
        { "sftp_version", SSHIO_SERVER(.sftp_version = 2) },
        { "sftp_version", SSHIO_SERVER(.sftp_version = 7) },
        { "allow_scp", SSHIO_SERVER(.allow_scp = (sshio_tri)9) },
        { "login_timeout", SSHIO_SERVER(.login_timeout = -5) },
        { "keepalive_interval", SSHIO_SERVER(.keepalive_interval = -5) },
        { "keepalive_count_max", SSHIO_SERVER(.keepalive_count_max = -1) },
        { "connect_timeout", SSHIO_SERVER(.connect_timeout = -5) },
        { "max_auth_tries", SSHIO_SERVER(.max_auth_tries = -1) },
        { "max_sessions", SSHIO_SERVER(.max_sessions = -2) },
        { "auth_failure_delay", SSHIO_SERVER(.auth_failure_delay = -1) },
        { "auth_failure_delay", SSHIO_SERVER(.auth_failure_delay = NAN) },
        { "10:30", SSHIO_SERVER(.max_startups = "10:30") },
        { "10:101:20", SSHIO_SERVER(.max_startups = "10:101:20") },
        { "iris-scan", SSHIO_SERVER(.required_auth_methods = bad_lists) },
        { "authentication methods", SSHIO_SERVER(.required_auth_methods = empty_lists) },
        { "public_key_auth", SSHIO_SERVER(.public_key_auth = (sshio_tri)9) },
        { "password_auth", SSHIO_SERVER(.password_auth = (sshio_tri)9) },
        { "kbdint_auth", SSHIO_SERVER(.kbdint_auth = (sshio_tri)9) },
        { "allow_pty", SSHIO_SERVER(.allow_pty = (sshio_tri)9) },
        { "encoding", SSHIO_SERVER(.encoding = "klingon") },
        { "errors", SSHIO_SERVER(.errors = (sshio_text_errors)9) },
        { "utf8_decode_errors", SSHIO_SERVER(.utf8_decode_errors = (sshio_text_errors)9) },
        { "klingon-sha2", SSHIO_SERVER(.kex_algs = "klingon-sha2") },
        { "klingon-ctr", SSHIO_SERVER(.encryption_algs = "klingon-ctr") },
        { "hmac-klingon", SSHIO_SERVER(.mac_algs = "hmac-klingon") },
        { "klingzip", SSHIO_SERVER(.compression_algs = "klingzip") },
        { "ssh-klingon", SSHIO_SERVER(.signature_algs = "ssh-klingon") },
        { "Rekey bytes", SSHIO_SERVER(.rekey_limit = "0") },
        { "require_strict_kex", SSHIO_SERVER(.require_strict_kex = (sshio_tri)9) },
        { "required_rsa_size 1023", SSHIO_SERVER(.required_rsa_size = 1023) },
        { "version", SSHIO_SERVER(.server_version = "") },
        { "version", SSHIO_SERVER(.server_version = "two\nlines") },
        { "family", SSHIO_SERVER(.family = (sshio_family)9) },
        { "backlog", SSHIO_SERVER(.backlog = -1) },
        { "reuse_address", SSHIO_SERVER(.reuse_address = (sshio_tri)9) },
        { "reuse_port", SSHIO_SERVER(.reuse_port = (sshio_tri)9) },
        { "tcp_keepalive", SSHIO_SERVER(.tcp_keepalive = (sshio_tri)9) },
        { "sock", SSHIO_SERVER(.sock = &no_socket) },
        { "linger", SSHIO_SERVER(.linger = -5) },
    };
    failures = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_server(l, &rows[i]);
    assert_int_equal(failures, 0);
}

static void test_options_of_servers_that_are_wrong_are_named(void **state)
{
    (void)state;
    run_with(servers, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_clients_that_are_wrong_are_named),
        cmocka_unit_test(test_options_of_servers_that_are_wrong_are_named),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
