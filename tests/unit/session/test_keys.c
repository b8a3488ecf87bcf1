/* Key types in connections: which host key is asked for, which signatures are made and taken, how long keys must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "key/fixtures.h"
#include "session/loopback.h"

enum { ED25519, ECDSA, RSA, RSA_1024, KEYS };

/* A server that has a host key of each type but the short one, and lets all four in. */
struct house {
    sshio_key *keys[KEYS]; /* of hosts and of users */
    sshio_key *stranger;   /* an ECDSA key that nobody knows */
    sshio_listener *server;
    int port;
};

static sshio_key *import(const struct key_fixture *f)
{
    sshio_key *key = NULL;
    assert_int_equal(sshio_import_private_key(f->openssh, strlen(f->openssh), NULL, &key), 0);
    return key;
}

static void house_init(struct house *h)
{
    *h = (struct house){ .port = 0 };
    assert_int_equal(sshio_generate_private_key("ssh-ed25519", NULL, &h->keys[ED25519]), 0);
    h->keys[ECDSA] = import(FIXTURE_ECDSA_256);
    h->keys[RSA] = import(FIXTURE_RSA_2048);
    h->keys[RSA_1024] = import(FIXTURE_RSA_1024);
    assert_int_equal(sshio_generate_private_key("ecdsa-sha2-nistp256", NULL, &h->stranger), 0);
}

static void add_line(char *text, size_t size, const char *name, const sshio_key *key)
{
    sshio_bytes line = { 0 };
    size_t len = strlen(text);
    assert_int_equal(sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &line), 0);
    assert_true((size_t)snprintf(text + len, size - len, "%s%s", name, line.data) < size - len);
    sshio_bytes_free(&line);
}

static void house_open(struct house *h, sshio_server_options options)
{
    const sshio_keyref host_keys[] = { { .key = h->keys[RSA] },
                                       { .key = h->keys[ED25519] },
                                       { .key = h->keys[ECDSA] },
                                       { .key = h->keys[RSA_1024] },
                                       { 0 } };
    char authorized[4096] = "";
    for (int i = 0; i < KEYS; i++)
        add_line(authorized, sizeof authorized, "", h->keys[i]);
    const sshio_source source = { .data = { authorized, strlen(authorized) } };
    if (options.host_keys == NULL)
        options.host_keys = host_keys;
    options.authorized_keys = &source;
    if (sshio_listen("127.0.0.1", 0, &options, &h->server) != 0)
        fail_msg("listen: %s", sshio_error_message());
    h->port = sshio_listener_get_port(h->server);
}

static void house_close(struct house *h)
{
    sshio_listener_close(h->server);
    assert_int_equal(sshio_listener_wait_closed(h->server), 0);
    sshio_listener_unref(h->server);
    h->server = NULL;
}

static void house_done(struct house *h)
{
    for (int i = 0; i < KEYS; i++)
        sshio_key_unref(h->keys[i]);
    sshio_key_unref(h->stranger);
}

static sshio_server_options server_defaults(void)
{
    sshio_server_options options;
    sshio_server_options_init(&options);
    return options;
}

/* Logs in with one key, where the host is known by others; NULL = by nobody, but taken as it is. */
static int log_in(struct house *h, const sshio_key *user_key, const char *known_by, sshio_client_options options,
                  sshio_conn **conn)
{
    const sshio_keyref keys[] = { { .key = (sshio_key *)(uintptr_t)user_key }, { 0 } };
    char name[64], hosts[4096] = "";
    snprintf(name, sizeof name, "[127.0.0.1]:%d ", h->port);
    for (const char *c = known_by != NULL ? known_by : ""; *c != '\0'; c++)
        add_line(hosts, sizeof hosts, name, *c == '?' ? h->stranger : h->keys[*c - '0']);
    const sshio_source source = { .data = { hosts, strlen(hosts) } };
    options.username = "guest";
    options.port = h->port;
    options.client_keys = keys;
    options.known_hosts = known_by != NULL ? &source : SSHIO_NONE;
    return sshio_connect("127.0.0.1", &options, conn);
}

static sshio_client_options client_defaults(void)
{
    sshio_client_options options;
    sshio_client_options_init(&options);
    return options;
}

static void run(sshio_task_fn fn)
{
    struct house h;
    house_init(&h);
    assert_int_equal(sshio_main(fn, &h), 0);
    house_done(&h);
}

/* ---- host keys ---- */

static const struct {
    const char *known_by; /* numbers of keys */
    const char *option;
    const char *alg; /* NULL = refused … */
    int rc;          /* … like this */
} host_keys[] = {
    { "0", NULL, "ssh-ed25519", 0 },
    { "1", NULL, "ecdsa-sha2-nistp256", 0 },
    { "2", NULL, "rsa-sha2-256", 0 },
    { "21", NULL, "rsa-sha2-256", 0 }, /* in the order of the file */
    { "12", NULL, "ecdsa-sha2-nistp256", 0 },
    { "2", "^rsa-sha2-512", "rsa-sha2-512", 0 },
    { "2", "-rsa-sha2-256", "rsa-sha2-512", 0 },
    { "2", "rsa-sha2-512", "rsa-sha2-512", 0 },
    { "2", "+ssh-ed25519", "rsa-sha2-256", 0 },
    { "2", "ssh-rsa", NULL, SSHIO_EKEY_EXCHANGE_FAILED }, /* no server offers SHA-1 (C8) */
    { "2", "-rsa*", NULL, SSHIO_EINVAL },
    { "2", "default", NULL, SSHIO_EHOST_KEY_NOT_VERIFIABLE }, /* ssh-ed25519 is negotiated, and not known */
    { "2", "ssh-ed25519", NULL, SSHIO_EHOST_KEY_NOT_VERIFIABLE },
    { "", NULL, NULL, SSHIO_EHOST_KEY_NOT_VERIFIABLE },
    { "?", NULL, NULL, SSHIO_EHOST_KEY_NOT_VERIFIABLE },
    { "3", NULL, NULL, SSHIO_EHOST_KEY_NOT_VERIFIABLE }, /* the first key of a type serves it */
    { NULL, NULL, "ssh-ed25519", 0 },
    { NULL, "rsa*", "rsa-sha2-256", 0 },
};

static int ask_for_known_keys(void *arg)
{
    struct house *h = arg;
    house_open(h, server_defaults());
    for (size_t i = 0; i < sizeof host_keys / sizeof host_keys[0]; i++) {
        sshio_client_options options = client_defaults();
        sshio_conn *conn = NULL;
        options.server_host_key_algs = host_keys[i].option;
        assert_int_equal(log_in(h, h->keys[ED25519], host_keys[i].known_by, options, &conn), host_keys[i].rc);
        if (host_keys[i].alg != NULL)
            assert_string_equal(sshio_conn_get_extra_info(conn, "host_key_alg", ""), host_keys[i].alg);
        sshio_conn_unref(conn);
    }
    house_close(h);
    return 0;
}

static void test_host_is_asked_for_a_key_that_is_known(void **state)
{
    (void)state;
    run(ask_for_known_keys);
}

/* ---- user keys ---- */

static const struct {
    int key;
    const char *server_algs, *client_algs;
    bool let_in;
} logins[] = {
    { ED25519, NULL, NULL, true },
    { ECDSA, NULL, NULL, true },
    { RSA, NULL, NULL, true },
    { RSA, "rsa-sha2-512", NULL, true },
    { RSA, "rsa-sha2-256", "rsa-sha2-512,rsa-sha2-256", true },
    { RSA, "rsa-sha2-256", "rsa-sha2-512", false },
    { RSA, NULL, "ssh-rsa", false }, /* C8: the server takes no SHA-1 by itself … */
    { RSA, "+ssh-rsa", NULL, true }, /* … and the client makes none … */
    { RSA, "ssh-rsa", NULL, false },
    { RSA, "ssh-rsa", "ssh-rsa", true }, /* … unless both are told to */
    { RSA, "ssh-ed25519,ecdsa*", NULL, false },
    { ECDSA, "ssh-ed25519,rsa*", NULL, false }, /* A6 */
    { ECDSA, "ecdsa-sha2-nistp521", NULL, false },
    { ED25519, NULL, "-ssh-ed25519", false },
};

static int log_in_with_each(void *arg)
{
    struct house *h = arg;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        sshio_client_options options = client_defaults();
        sshio_server_options server = server_defaults();
        sshio_conn *conn = NULL;
        server.signature_algs = logins[i].server_algs;
        options.signature_algs = logins[i].client_algs;
        house_open(h, server);
        int rc = log_in(h, h->keys[logins[i].key], "0", options, &conn);
        assert_int_equal(rc, logins[i].let_in ? 0 : SSHIO_EPERMISSION_DENIED);
        sshio_conn_unref(conn);
        house_close(h);
    }
    return 0;
}

static void test_signature_algorithms_of_both_sides_decide(void **state)
{
    (void)state;
    run(log_in_with_each);
}

/* ---- sizes ---- */

static int require_sizes(void *arg)
{
    struct house *h = arg;
    const sshio_keyref short_key[] = { { .key = h->keys[RSA_1024] }, { 0 } };
    sshio_server_options server = server_defaults();
    sshio_client_options options = client_defaults();
    sshio_conn *conn = NULL;

    server.host_keys = short_key;
    house_open(h, server);
    assert_int_equal(log_in(h, h->keys[RSA_1024], "3", options, &conn), 0);
    sshio_conn_unref(conn);
    options.required_rsa_size = 2048; /* the host's key … */
    assert_int_equal(log_in(h, h->keys[RSA], "3", options, &conn), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_non_null(strstr(sshio_error_message(), "1024 bits is too short"));
    house_close(h);

    server = server_defaults();
    const sshio_keyref good_key[] = { { .key = h->keys[RSA] }, { 0 } };
    server.host_keys = good_key;
    house_open(h, server);
    assert_int_equal(log_in(h, h->keys[RSA_1024], "2", options, &conn), SSHIO_EPERMISSION_DENIED); /* … and one's own */
    options.required_rsa_size = 0;
    assert_int_equal(log_in(h, h->keys[RSA_1024], "2", options, &conn), 0);
    sshio_conn_unref(conn);
    house_close(h);

    server.required_rsa_size = 2048; /* a user's key */
    house_open(h, server);
    assert_int_equal(log_in(h, h->keys[RSA_1024], "2", options, &conn), SSHIO_EPERMISSION_DENIED);
    assert_int_equal(log_in(h, h->keys[RSA], "2", options, &conn), 0);
    sshio_conn_unref(conn);
    house_close(h);
    return 0;
}

static void test_short_rsa_keys_are_refused_everywhere(void **state)
{
    (void)state;
    run(require_sizes);
}

static int require_impossible(void *arg)
{
    struct house *h = arg;
    static const int sizes[] = { -1, 1, 1023, 16385 };
    sshio_server_options server = server_defaults();
    sshio_client_options options = client_defaults();
    const sshio_keyref short_key[] = { { .key = h->keys[RSA_1024] }, { 0 } };
    sshio_conn *conn = NULL;
    server.host_keys = short_key;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        server.required_rsa_size = options.required_rsa_size = sizes[i];
        assert_int_equal(sshio_listen("127.0.0.1", 0, &server, &h->server), SSHIO_EINVAL);
        h->port = 1;
        assert_int_equal(log_in(h, h->keys[RSA], "", options, &conn), SSHIO_EINVAL);
    }
    server.required_rsa_size = 2048;
    assert_int_equal(sshio_listen("127.0.0.1", 0, &server, &h->server), SSHIO_EKEY_IMPORT);
    assert_string_equal(sshio_error_message(), "an RSA key of 1024 bits is too short: 2048 are required");
    return 0;
}

static void test_size_that_cannot_be_required_is_an_error(void **state)
{
    (void)state;
    run(require_impossible);
}

/* ---- generation ---- */

static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int generate_beside(void *arg)
{
    sshio_key *key = NULL;
    sshio_task *task = NULL;
    bool flag = false;
    (void)arg;
    assert_int_equal(sshio_spawn(set_flag, &flag, &task), 0);
    assert_int_equal(sshio_generate_private_key("ssh-rsa", SSHIO_GENERATE(.key_size = 2048, .comment = "made"), &key),
                     0);
    assert_true(flag);
    assert_string_equal(sshio_key_get_comment(key), "made");
    sshio_key_unref(key);
    return sshio_join(task, NULL);
}

static void test_other_tasks_run_while_an_rsa_key_is_made(void **state)
{
    (void)state;
    assert_int_equal(sshio_main(generate_beside, NULL), 0);
}

static int generate_wrong(void *arg)
{
    sshio_key *key = NULL;
    (void)arg;
    assert_int_equal(sshio_generate_private_key("ssh-rsa", SSHIO_GENERATE(.key_size = 512), &key),
                     SSHIO_EKEY_GENERATION);
    assert_string_equal(sshio_error_message(), "ssh-rsa: key_size 512 is not between 2048 and 16384 bits");
    assert_null(key);
    return 0;
}

static void test_error_of_the_worker_is_the_last_error(void **state)
{
    (void)state;
    assert_int_equal(sshio_main(generate_wrong, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_is_asked_for_a_key_that_is_known),
        cmocka_unit_test(test_signature_algorithms_of_both_sides_decide),
        cmocka_unit_test(test_short_rsa_keys_are_refused_everywhere),
        cmocka_unit_test(test_size_that_cannot_be_required_is_an_error),
        cmocka_unit_test(test_other_tasks_run_while_an_rsa_key_is_made),
        cmocka_unit_test(test_error_of_the_worker_is_the_last_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
