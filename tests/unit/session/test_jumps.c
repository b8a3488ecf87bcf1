/* Connecting over other hosts (.proxy_jump): all of them are the same server here, which forwards to itself.
 * (1-connections 1.1.7) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* What the server saw, and what the handler was told. */
static struct {
    struct loopback *l;
    int made, lost, forwarded;
    char told[512];
    int refuse;       /* the code to answer with */
    bool silent;      /* the server never decides about a connection */
    sshio_task *task; /* that connects; it is cancelled at this step */
    int cancel_at, steps;
} site;

/* Something happens on the way. */
static void step(void)
{
    if (++site.steps == site.cancel_at)
        sshio_cancel(site.task);
}

static void connection_made(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    site.made++;
    step();
}

static void connection_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn, (void)error, (void)user;
    site.lost++;
}

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)conn, (void)orig_port, (void)req, (void)user;
    assert_string_equal(orig_host, "");
    assert_int_equal(dest_port, site.l->port);
    site.forwarded++;
    step();
    while (site.silent && sshio_sleep(60) == 0)
        ;
    return strcmp(dest_host, "127.0.0.1") == 0;
}

static const sshio_server_handlers server = {
    .connection_made = connection_made,
    .connection_lost = connection_lost,
    .connection_requested = connection_requested,
};

static void prepare(struct loopback *l)
{
    memset(&site, 0, sizeof site);
    site.l = l;
    l->server_options.handlers = &server;
}

/* Gives a hop the keys of the test, and notes what it came with. */
static int prepare_hop(const char *host, sshio_client_options *options, void *user)
{
    sshio_client_options known = loopback_client(site.l);
    size_t len = strlen(site.told);
    assert_string_equal(user, "user");
    assert_ptr_equal(options->user, user);
    snprintf(site.told + len, sizeof site.told - len, "%s@%s:%d%s%s ",
             options->username != NULL ? options->username : "", host, options->port - site.l->port,
             options->tunnel != NULL ? " tunnelled" : "", options->config != NULL ? " configured" : "");
    options->client_keys = known.client_keys;
    options->known_hosts = known.known_hosts;
    step();
    if (sshio_sleep(0.001) != 0) /* it may wait */
        return SSHIO_ECANCELED;
    if (site.refuse != 0)
        return site.refuse == SSHIO_EUNSUPPORTED ? sshio_raise(SSHIO_EUNSUPPORTED, "not that way") : site.refuse;
    return 0;
}

static sshio_client_options over(const char *way)
{
    sshio_client_options options = loopback_client(site.l);
    options.proxy_jump = way;
    options.jump_handler = prepare_hop;
    options.user = "user";
    return options;
}

static void check_echo(sshio_conn *conn)
{
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("far away")), &result), 0);
    assert_string_equal(result->out.data, "far away");
    sshio_result_free(result);
}

/* Nothing is left open of what was opened. */
static void wait_for_the_end(int made)
{
    assert_int_equal(site.made, made);
    while (site.lost < made)
        assert_int_equal(sshio_sleep(0.001), 0);
}

static void ways(struct loopback *l)
{
    char way[256];
    sshio_conn *conn = NULL;
    snprintf(way, sizeof way, "guest@127.0.0.1:%d,ssh://guest@[127.0.0.1]:%d/", l->port, l->port);
    sshio_client_options options = over(way);
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_string_equal(site.told, "guest@127.0.0.1:0 guest@127.0.0.1:0 tunnelled ");
    assert_int_equal(site.forwarded, 2);
    assert_string_equal(sshio_conn_peername(conn)->host, "");
    check_echo(conn);
    sshio_conn_unref(conn);
    wait_for_the_end(3);
}

static void test_hosts_are_reached_through_those_before(void **state)
{
    (void)state;
    run_with(ways, prepare);
}

/* The same by a configuration, whose rows for the hosts on the way count for these. */
static void configured(struct loopback *l)
{
    char text[512];
    sshio_conn *conn = NULL;
    snprintf(text, sizeof text,
             "Host inner\n  Hostname 127.0.0.1\n  ProxyJump second\n"
             "Host second\n  Hostname 127.0.0.1\n  ProxyJump guest@first\n"
             "Host first\n  Hostname 127.0.0.1\n"
             "Host *\n  HostKeyAlias 127.0.0.1\n  Port %d\n  User guest\n",
             l->port);
    sshio_client_options options = over(NULL);
    sshio_source config = { .data = { text, strlen(text) } };
    options.config = &config;
    options.port = 0;
    assert_int_equal(sshio_connect("inner", &options, &conn), 0);
    check_echo(conn);
    assert_int_equal(site.forwarded, 2);
    assert_non_null(strstr(site.told, "@second:"));
    assert_non_null(strstr(site.told, "guest@first:"));
    assert_null(strstr(site.told, "tunnelled")); /* each is the first one of its own way */
    sshio_conn_unref(conn);
    wait_for_the_end(3);
    conn = NULL;
    options.proxy_jump = SSHIO_NONE; /* wins over the configuration */
    assert_int_equal(sshio_connect("inner", &options, &conn), 0);
    assert_int_equal(site.forwarded, 2);
    sshio_conn_unref(conn);
    conn = NULL;
    options.proxy_jump = "none";
    assert_int_equal(sshio_connect("inner", &options, &conn), 0);
    assert_int_equal(site.forwarded, 2);
    sshio_conn_unref(conn);
    wait_for_the_end(5);
}

static void test_configuration_says_the_way(void **state)
{
    (void)state;
    run_with(configured, prepare);
}

static void circle(struct loopback *l)
{
    static const char text[] = "Host a\n ProxyJump b\nHost b\n ProxyJump a\n";
    sshio_source config = { .data = { text, sizeof text - 1 } };
    sshio_client_options options = over(NULL);
    sshio_conn *conn = NULL;
    (void)l;
    options.config = &config;
    assert_int_equal(sshio_connect("a", &options, &conn), SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "more than 16 hosts on the way: do their ProxyJumps lead in a circle?");
    assert_int_equal(site.made, 0);
}

static void test_circle_of_hosts_ends(void **state)
{
    (void)state;
    run_with(circle, prepare);
}

static void bad_ways(struct loopback *l)
{
    static const char *const texts[] = { "",    ",",       "h,",   "@h",   "-h", "u@",   "h:",
                                         "h:0", "h:65536", "h:2x", "h,g,", "[h", "[]:2", "ssh://" };
    sshio_conn *conn = NULL;
    (void)l;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sshio_client_options options = over(texts[i]);
        assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EINVAL);
    }
    assert_string_equal(site.told, ""); /* before anything was opened */
}

static void test_ways_that_are_none_are_refused(void **state)
{
    (void)state;
    run_with(bad_ways, prepare);
}

/* Whatever fails on the way is the error of it all, and what was opened before is closed. */
static void failures(struct loopback *l)
{
    char way[256];
    sshio_conn *conn = NULL;
    snprintf(way, sizeof way, "guest@127.0.0.1:%d,guest@nowhere:%d", l->port, l->port);
    sshio_client_options options = over(way);
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_ECHANNEL_OPEN);
    assert_non_null(strstr(sshio_error_message(), "nowhere"));
    wait_for_the_end(1);
    snprintf(way, sizeof way, "guest@127.0.0.1:%d", l->port);
    options.jump_handler = NULL; /* no host is known then */
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    wait_for_the_end(2);
    options.jump_handler = prepare_hop;
    site.refuse = SSHIO_EUNSUPPORTED;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EUNSUPPORTED);
    assert_string_equal(sshio_error_message(), "not that way");
    site.refuse = SSHIO_ECLOSED;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_ECLOSED);
    assert_non_null(strstr(sshio_error_message(), "127.0.0.1"));
    wait_for_the_end(2);
}

static void test_failure_on_the_way_leaves_nothing_open(void **state)
{
    (void)state;
    run_with(failures, prepare);
}

struct attempt {
    sshio_client_options options;
    sshio_conn *conn;
};

static int try(void *arg)
{
    struct attempt *attempt = arg;
    return sshio_connect("127.0.0.1", &attempt->options, &attempt->conn);
}

/* Cancelled whenever something happens, at both ends: connecting fails, and all that was opened is closed. */
static void cancelled(struct loopback *l)
{
    char way[256];
    int rc = SSHIO_ECANCELED, reached = 0;
    snprintf(way, sizeof way, "guest@127.0.0.1:%d,guest@127.0.0.1:%d", l->port, l->port);
    for (int at = 1; rc != 0; at++) {
        struct attempt attempt = { over(way), NULL };
        site.cancel_at = at;
        site.steps = site.made = site.lost = 0;
        site.told[0] = '\0';
        assert_int_equal(sshio_spawn(try, &attempt, &site.task), 0);
        assert_int_equal(sshio_join(site.task, &rc), 0);
        assert_int_equal(rc, site.steps >= at ? SSHIO_ECANCELED : 0);
        assert_true((rc == 0) == (attempt.conn != NULL));
        sshio_conn_unref(attempt.conn);
        wait_for_the_end(site.made);
        reached = at;
    }
    assert_int_equal(reached, 3 + 2 + 2 + 1); /* connections, requests, hosts on the way; and then none */
}

static void test_cancelled_on_the_way_leaves_nothing_open(void **state)
{
    (void)state;
    run_with(cancelled, prepare);
}

/* The limit is over the whole way (1-connections 1.1.1, rule 7). */
static void late(struct loopback *l)
{
    char way[256];
    sshio_conn *conn = NULL;
    snprintf(way, sizeof way, "guest@127.0.0.1:%d", l->port);
    sshio_client_options options = over(way);
    options.connect_timeout = 0.2;
    site.silent = true;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_ETIMEDOUT);
    wait_for_the_end(site.made);
}

static void test_time_limit_is_for_the_whole_way(void **state)
{
    (void)state;
    run_with(late, prepare);
}

/* ---- the same by hand ---- */

static void on_login(sshio_conn *conn, void *user)
{
    (void)conn;
    ++*(int *)user;
}

static void by_hand(struct loopback *l)
{
    static const sshio_client_handlers handlers = { .auth_completed = on_login };
    sshio_conn *outer = loopback_connect(l), *inner = NULL, *watched = NULL;
    sshio_client_options options = loopback_client(l);
    int logins = 0;
    assert_int_equal(sshio_connect_ssh(outer, "127.0.0.1", &options, &inner), 0);
    assert_int_equal(site.forwarded, 1);
    options.proxy_jump = "nowhere"; /* the way is known */
    assert_int_equal(sshio_create_ssh_connection(inner, &handlers, &logins, "127.0.0.1", &options, &watched), 0);
    assert_int_equal(site.forwarded, 2);
    assert_int_equal(logins, 1);
    check_echo(watched);
    sshio_conn_unref(watched);
    sshio_conn_unref(inner);
    assert_false(sshio_conn_is_closed(outer));
    sshio_conn_unref(outer);
    wait_for_the_end(3);
}

static void test_connections_are_made_inside_others(void **state)
{
    (void)state;
    run_with(by_hand, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_are_reached_through_those_before),
        cmocka_unit_test(test_configuration_says_the_way),
        cmocka_unit_test(test_circle_of_hosts_ends),
        cmocka_unit_test(test_ways_that_are_none_are_refused),
        cmocka_unit_test(test_failure_on_the_way_leaves_nothing_open),
        cmocka_unit_test(test_cancelled_on_the_way_leaves_nothing_open),
        cmocka_unit_test(test_time_limit_is_for_the_whole_way),
        cmocka_unit_test(test_connections_are_made_inside_others),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
