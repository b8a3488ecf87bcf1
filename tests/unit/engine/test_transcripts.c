/* What real peers said when they logged in and ran a command (transcripts/, written by tests/interop/
 * capture_transcripts.py), said again to our engine: it takes every message in its order, in both roles.
 *
 * The transcripts are in plain, and so is the replay: it begins behind the first key exchange, whose messages are only
 * read. The lines of the side that the engine plays tell what it does next: as a server it gives the verdicts that were
 * given then, as a client it makes the same requests. */
#include "engine/raw_peer.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/negotiation.h"
#include "engine/version.h"

#define LINE_MAX_LEN (2 * 32768)

static struct raw raw;
static struct channel *session; /* of the client; NULL = none yet, or gone */

struct transcript {
    FILE *file;
    bool server;  /* our role: the other one's lines are played */
    bool secured; /* behind NEWKEYS */
    char line[LINE_MAX_LEN];
    uint8_t payload[LINE_MAX_LEN / 2];
    size_t len;
};

/* ---- reading ---- */

static FILE *open_transcript(const char *name)
{
    const char *folder = getenv("SSHIO_UNIT_TESTS");
    char path[4096];
    snprintf(path, sizeof path, "%s/engine/transcripts/%s.txt", folder != NULL ? folder : "tests/unit", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    return file;
}

static size_t from_hex(const char *text, uint8_t *out)
{
    size_t len = 0;
    unsigned octet;
    while (sscanf(text + 2 * len, "%2x", &octet) == 1)
        out[len++] = (uint8_t)octet;
    return len;
}

/* The side that a line is of: 'v' the peer's version, 'c', 's'; 0 = the end. */
static char next_line(struct transcript *t)
{
    if (fgets(t->line, sizeof t->line, t->file) == NULL)
        return 0;
    const char *space = strchr(t->line, ' ');
    assert_non_null(space);
    t->len = from_hex(space + 1, t->payload);
    assert_true(t->len > 0);
    return t->line[0];
}

static struct reader fields_of(const struct transcript *t)
{
    struct reader r;
    reader_init(&r, t->payload + 1, t->len - 1);
    return r;
}

/* ---- what the peer says ---- */

static void take_version(struct transcript *t)
{
    struct version_line line;
    struct error error;
    error_init(&error);
    memcpy(t->payload + t->len, "\r\n", 2);
    assert_int_equal(version_read(SPAN(t->payload, t->len + 2), t->server, &limits_default, &line, &error),
                     VERSION_FOUND);
}

static void take_kexinit(const struct transcript *t)
{
    struct kexinit k;
    struct reader r = fields_of(t);
    assert_true(kexinit_read(&r, &k));
    assert_false(k.lists[0].len == 0);
}

static void take_message(struct transcript *t)
{
    uint8_t number = t->payload[0];
    if (!t->secured) {
        if (number == MSG_KEXINIT)
            take_kexinit(t);
        t->secured = number == MSG_NEWKEYS;
        return;
    }
    raw_send(&raw, number, "B", t->payload + 1, t->len - 1);
    if (engine_ended(raw.e) != (number == MSG_DISCONNECT))
        fail_msg("message %u ended the connection: %s", (unsigned)number, error_message(&raw.e->error));
}

/* ---- what we did ---- */

static void give_verdict(const struct transcript *t)
{
    switch (t->payload[0]) {
    case MSG_USERAUTH_FAILURE:
        engine_auth_refuse(raw.e, "publickey", false);
        break;
    case MSG_USERAUTH_PK_OK:
        engine_auth_key_ok(raw.e);
        break;
    case MSG_USERAUTH_SUCCESS:
        engine_auth_accept(raw.e);
        break;
    case MSG_CHANNEL_CLOSE:
        if (session != NULL)
            channel_close(session);
        break;
    default:
        return;
    }
    raw_feed(&raw);
}

static void ask_to_log_in(const struct transcript *t)
{
    struct reader r = fields_of(t);
    char *user = span_dup_text(read_string(&r));
    (void)read_string(&r);
    bool none = span_is(read_string(&r), "none");
    bool is_signed = !none && read_bool(&r);
    struct span alg = none ? SPAN(NULL, 0) : read_string(&r);
    struct span blob = none ? SPAN(NULL, 0) : read_string(&r);
    if (none)
        assert_int_equal(engine_auth_none(raw.e, user), 0);
    else if (is_signed)
        assert_int_equal(engine_auth_publickey(raw.e, user, alg, blob, read_string(&r)), 0);
    else
        assert_int_equal(engine_auth_query(raw.e, user, alg, blob), 0);
    mem_free(user);
}

static void ask_for_command(const struct transcript *t)
{
    struct reader r = fields_of(t);
    (void)read_u32(&r);
    char *name = span_dup_text(read_string(&r));
    bool want_reply = read_bool(&r);
    assert_int_equal(channel_request(session, name, want_reply, read_rest(&r)), 0);
    mem_free(name);
}

static void make_request(const struct transcript *t)
{
    if (t->payload[0] == MSG_USERAUTH_REQUEST)
        ask_to_log_in(t);
    if (t->payload[0] == MSG_CHANNEL_OPEN)
        assert_int_equal(channel_open(raw.e, "session", CHANNEL_WINDOW_DEFAULT, CHANNEL_PACKET_DEFAULT, SPAN(NULL, 0),
                                      &raw_channel_events, &raw, &session, NULL),
                         0);
    if (t->payload[0] == MSG_CHANNEL_REQUEST)
        ask_for_command(t);
}

/* ---- the replay ---- */

static void forget_session(struct raw *r, struct channel *ch)
{
    (void)r;
    if (ch == session)
        session = NULL;
}

static void expect_event(const char *event)
{
    raw.log[raw.log_len] = '\0';
    if (strstr(raw.log, event) == NULL)
        fail_msg("no \"%s\" in:\n%s", event, raw.log);
}

static void replay(const char *name)
{
    static struct transcript t;
    char side;
    t = (struct transcript){ .file = open_transcript(name), .server = strncmp(name, "client", 6) == 0 };
    raw_init(&raw, t.server, AUTH_SERVICE);
    raw.hook_name = "closed";
    raw.hook = forget_session;
    session = NULL;
    while ((side = next_line(&t)) != 0) {
        if (side == 'v')
            take_version(&t);
        else if (side == (t.server ? 'c' : 's'))
            take_message(&t);
        else if (t.server && t.secured)
            give_verdict(&t);
        else if (t.secured)
            make_request(&t);
        if (t.server && session == NULL && raw.channel_count == 1 && strstr(raw.log, "closed") == NULL)
            session = raw.channels[0];
        raw_drop_output(&raw);
    }
    fclose(t.file);
}

/* name: the peer's role and its program. dbclient does not close its channel, but the connection. */
static void check_client(const char *name)
{
    replay(name);
    expect_event("auth_requested somebody publickey ssh-ed25519 ");
    expect_event("authenticated\n");
    expect_event("channel_requested session \n");
    expect_event("request exec ");
    raw_done(&raw);
}

static void check_server(const char *name)
{
    replay(name);
    expect_event("auth_ready\n");
    expect_event("auth_key_accepted ssh-ed25519 ");
    expect_event("authenticated\n");
    expect_event("opened \n");
    expect_event("replied 1\n");
    expect_event("data 0 hello\n");
    expect_event("request exit-status 0 ");
    expect_event("closed 0\n");
    raw_done(&raw);
}

static void test_what_clients_said_is_taken(void **state)
{
    static const char *const names[] = { "client-openssh",  "client-dropbear", "client-putty",
                                         "client-asyncssh", "client-go",       "client-libssh" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_client(names[i]);
}

static void test_what_servers_said_is_taken(void **state)
{
    static const char *const names[] = { "server-openssh",  "server-dropbear", "server-tinysshd",
                                         "server-asyncssh", "server-go",       "server-erlang" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_server(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_said_is_taken),
        cmocka_unit_test(test_what_servers_said_is_taken),
    };
    return cmocka_run_group_tests_name("transcripts", tests, NULL, NULL);
}
