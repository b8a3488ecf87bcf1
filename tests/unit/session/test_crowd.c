/* Many sessions at once, one of which does not read: its own window stays shut, and nobody else waits for it, neither
 * on its connection nor on others. (RFC 4254 5.2) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

#define CONNECTIONS 50u
#define SESSIONS 20u /* on each */
#define COUNT (CONNECTIONS * SESSIONS)
#define SENT 16384u
#define SLOW_BYTES 6000000u /* more than a window, so that it cannot all lie here unread */

struct crowd {
    sshio_conn *conns[CONNECTIONS];
    struct member {
        struct crowd *crowd;
        sshio_chan *chan;
        size_t received;
        bool ended;
    } members[COUNT]; /* the first one is slow */
    size_t ended;
    sshio_event *all_ended; /* but for the slow one */
};

static void count_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)chan, (void)data, (void)datatype;
    ((struct member *)user)->received += len;
}

static void count_end(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct member *m = user;
    (void)chan;
    assert_null(error);
    m->ended = true;
    if (m != m->crowd->members && ++m->crowd->ended == COUNT - 1)
        sshio_event_set(m->crowd->all_ended);
}

static const sshio_session_handlers handlers = { .data_received = count_data, .connection_lost = count_end };

static void open_session(struct crowd *crowd, size_t i, const char *command)
{
    struct member *m = &crowd->members[i];
    m->crowd = crowd;
    if (sshio_create_session(crowd->conns[i / SESSIONS], &handlers, m, SSHIO_SESSION(.command = command), &m->chan) !=
        0)
        fail_msg("session %zu: %s", i, sshio_error_message());
}

static void open_all(struct crowd *crowd, struct loopback *l)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        crowd->conns[i] = loopback_connect(l);
    open_session(crowd, 0, "source 6000000");
    sshio_chan_pause_reading(crowd->members[0].chan);
    for (size_t i = 1; i < COUNT; i++)
        open_session(crowd, i, "echo");
}

static void talk_with_all(struct crowd *crowd)
{
    static const char block[SENT];
    for (size_t i = 1; i < COUNT; i++) {
        assert_int_equal(sshio_chan_write(crowd->members[i].chan, block, SENT, 0), 0);
        assert_int_equal(sshio_chan_write_eof(crowd->members[i].chan), 0);
    }
    assert_int_equal(sshio_event_wait(crowd->all_ended), 0);
    for (size_t i = 1; i < COUNT; i++)
        assert_int_equal(crowd->members[i].received, SENT);
}

static void end_slow(struct member *slow)
{
    assert_false(slow->ended);
    assert_true(slow->received < SLOW_BYTES);
    sshio_chan_resume_reading(slow->chan);
    assert_int_equal(sshio_chan_wait_closed(slow->chan), 0);
    assert_int_equal(slow->received, SLOW_BYTES);
}

static void one_does_not_read(struct loopback *l)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    assert_int_equal(sshio_event_new(&crowd->all_ended), 0);
    open_all(crowd, l);
    talk_with_all(crowd);
    end_slow(&crowd->members[0]);
    for (size_t i = 0; i < COUNT; i++)
        sshio_chan_unref(crowd->members[i].chan);
    for (size_t i = 0; i < CONNECTIONS; i++)
        sshio_conn_unref(crowd->conns[i]);
    sshio_event_free(crowd->all_ended);
    free(crowd);
}

static void test_a_slow_reader_among_1000_sessions_stalls_nobody(void **state)
{
    (void)state;
    run_with(one_does_not_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_slow_reader_among_1000_sessions_stalls_nobody) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
