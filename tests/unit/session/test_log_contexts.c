/* Whose a line of the log is: three connections at once, both ends of each, with two sessions on each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

#define CONNS 3
#define SESSIONS 2
#define LINES_MAX 2000

struct line {
    char context[32], text[256];
};

static struct line lines[LINES_MAX];
static size_t line_count;

static void record(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    (void)level, (void)user;
    assert_string_equal(logger, "sshio");
    assert_true(line_count < LINES_MAX);
    struct line *line = &lines[line_count++];
    snprintf(line->context, sizeof line->context, "%s", context);
    snprintf(line->text, sizeof line->text, "%s", text);
}

static size_t count(const char *context, const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < line_count; i++)
        found += strcmp(lines[i].context, context) == 0 && strstr(lines[i].text, text) != NULL;
    return found;
}

static size_t count_anywhere(const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < line_count; i++)
        found += strstr(lines[i].text, text) != NULL;
    return found;
}

/* ---- the bed ---- */

static int started; /* programs; each goes on when all run, so that the connections are there together */

static int let_in(sshio_conn *conn, const char *username, void *user)
{
    (void)conn, (void)username, (void)user;
    return SSHIO_ACCEPT;
}

static void program(sshio_process *p, void *user)
{
    (void)user;
    started++;
    while (started < CONNS * SESSIONS)
        sshio_sleep(0);
    sshio_log_debug(sshio_process_logger(p), 1, "program of %s", sshio_conn_username(sshio_process_conn(p)));
}

static const sshio_server_handlers server_handlers = { .begin_auth = let_in };

static void prepare(struct loopback *l)
{
    l->server_options.process_handler = program;
    l->server_options.handlers = &server_handlers;
}

/* One client, which has a name of its own, and a version line. */
struct guest {
    struct loopback *l;
    char name[16], version[16];
};

static int visit(void *arg)
{
    const struct guest *guest = arg;
    sshio_client_options options = loopback_client(guest->l);
    sshio_client_process *p[SESSIONS] = { NULL };
    sshio_conn *conn = NULL;
    options.username = guest->name;
    options.client_version = guest->version;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    for (int i = 0; i < SESSIONS; i++)
        assert_int_equal(sshio_create_process(conn, NULL, &p[i]), 0);
    for (int i = 0; i < SESSIONS; i++) {
        sshio_log_debug(sshio_client_process_logger(p[i]), 1, "session of %s", guest->name);
        assert_int_equal(sshio_client_process_wait_closed(p[i]), 0);
        sshio_client_process_unref(p[i]);
    }
    sshio_conn_unref(conn);
    return 0;
}

static void visit_at_once(struct loopback *l)
{
    struct guest guests[CONNS];
    for (int i = 0; i < CONNS; i++) {
        guests[i].l = l;
        snprintf(guests[i].name, sizeof guests[i].name, "guest-%d", i);
        snprintf(guests[i].version, sizeof guests[i].version, "client_%d", i);
    }
    started = 0;
    line_count = 0;
    assert_int_equal(sshio_gather(visit, guests, CONNS, sizeof guests[0]), 0);
    while (count_anywhere("Connection closed") < 2 * CONNS) /* the server's ends, too */
        sshio_sleep(0);
}

/* ---- what was logged ---- */

/* The context in which the server heard of this client: the one line that only it can have caused. */
static const char *context_of(const char *text)
{
    for (size_t i = 0; i < line_count; i++)
        if (strstr(lines[i].text, text) != NULL)
            return lines[i].context;
    fail_msg("nobody logged \"%s\"", text);
    return "";
}

static void check_end(const char *conn, const char *name, const char *from_program)
{
    char text[64], context[64];
    assert_int_equal(count(conn, "Beginning auth for user"), 1);
    snprintf(text, sizeof text, "Beginning auth for user %s", name);
    assert_int_equal(count(conn, text), 1);
    assert_int_equal(count(conn, "Our algorithms"), 1);
    assert_int_equal(count(conn, "The peer's algorithms"), 1);
    assert_int_equal(count(conn, "Connection closed"), 1);
    snprintf(text, sizeof text, "%s of %s", from_program, name);
    assert_int_equal(count_anywhere(text), SESSIONS);
    for (int chan = 0; chan < SESSIONS; chan++) {
        snprintf(context, sizeof context, "%s, chan=%d", conn, chan);
        assert_int_equal(count(context, text), 1);
    }
}

static void check_contexts(struct loopback *l)
{
    visit_at_once(l);
    char seen[2 * CONNS][32];
    for (int i = 0; i < CONNS; i++) {
        char text[64], name[16];
        snprintf(name, sizeof name, "guest-%d", i);
        snprintf(text, sizeof text, "Client version: SSH-2.0-client_%d", i);
        snprintf(seen[2 * i], sizeof seen[0], "%s", context_of(text));
        snprintf(text, sizeof text, "session of %s", name);
        snprintf(seen[2 * i + 1], sizeof seen[0], "%.*s", (int)strcspn(context_of(text), ","), context_of(text));
        check_end(seen[2 * i], name, "program");
        check_end(seen[2 * i + 1], name, "session");
    }
    for (int i = 0; i < 2 * CONNS; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
}

static void test_lines_have_the_context_of_their_connection_and_channel(void **state)
{
    (void)state;
    sshio_set_log_handler(record, NULL);
    sshio_set_log_level(SSHIO_LOG_DEBUG);
    sshio_set_debug_level(2);
    run_with(check_contexts, prepare);
    sshio_set_log_handler(NULL, NULL);
}

static void check_lists(struct loopback *l)
{
    visit_at_once(l);
    assert_int_equal(count_anywhere("  key exchange: "), 2 * 2 * CONNS);
    assert_int_equal(count_anywhere("curve25519-sha256,"), 2 * 2 * CONNS); /* on both sides, our list and the peer's */
    assert_int_equal(count_anywhere("aes256-gcm@openssh.com,"), 2 * 2 * 2 * CONNS); /* for both directions */
    assert_int_equal(count_anywhere("Chosen algorithms"), 2 * CONNS);
    sshio_set_debug_level(1);
    visit_at_once(l);
    assert_int_equal(count_anywhere("algorithms"), 0);
}

static void test_lists_of_algorithms_are_shown_at_level_2(void **state)
{
    (void)state;
    sshio_set_log_handler(record, NULL);
    sshio_set_log_level(SSHIO_LOG_DEBUG);
    sshio_set_debug_level(2);
    run_with(check_lists, prepare);
    sshio_set_log_handler(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_have_the_context_of_their_connection_and_channel),
        cmocka_unit_test(test_lists_of_algorithms_are_shown_at_level_2),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
