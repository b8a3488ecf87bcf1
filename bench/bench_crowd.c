/* Many sessions on several connections, all at once. One of them may be slow: it reads nothing until all others have
 * ended. So it shows whether a slow reader holds anybody up. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_client.h"

#define SLOW_BYTES 16000000 /* more than a window will take */

struct crowd;

struct member {
    struct crowd *crowd;
    sshio_chan *chan;
    uint64_t expected, received;
    double began;
    bool is_slow, ended;
};

struct crowd {
    struct client *client;
    sshio_event *changed; /* how many are connected, or have ended */
    uint64_t connections, sessions, bytes, with_slow;
    bool is_broken; /* a connection was: the others need not wait */
    size_t next, connected, ended, failed;
    double start, last; /* of the first session, of the last that ended but for the slow one */
    double *samples;    /* how long each took, but for the slow one, in ms */
    struct member *members;
};

static void take_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)chan, (void)data, (void)datatype;
    ((struct member *)user)->received += len;
}

static void hold_back(sshio_chan *chan, void *user)
{
    if (((struct member *)user)->is_slow)
        sshio_chan_pause_reading(chan);
}

static void take_end(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct member *m = user;
    struct crowd *crowd = m->crowd;

    (void)chan;
    m->ended = true;
    crowd->failed += error != NULL || m->received != m->expected;
    if (m->is_slow)
        return;
    crowd->last = bench_now();
    crowd->samples[crowd->ended++] = (crowd->last - m->began) * 1e3;
    sshio_event_set(crowd->changed);
}

static const sshio_session_handlers handlers = {
    .session_started = hold_back,
    .data_received = take_data,
    .connection_lost = take_end,
};

static int wait_for(struct crowd *crowd, const size_t *count, size_t wanted)
{
    int rc = 0;

    while (rc == 0 && *count < wanted && !crowd->is_broken) {
        sshio_event_clear(crowd->changed);
        rc = sshio_event_wait(crowd->changed);
    }
    return rc;
}

static int open_sessions(struct crowd *crowd, sshio_conn *conn, struct member *members)
{
    char command[64];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < crowd->sessions; i++) {
        struct member *m = &members[i];
        m->crowd = crowd;
        m->is_slow = m == crowd->members && crowd->with_slow != 0;
        m->expected = m->is_slow ? SLOW_BYTES : crowd->bytes;
        m->began = bench_now();
        snprintf(command, sizeof command, "bench source %llu", (unsigned long long)m->expected);
        rc = sshio_create_session(conn, &handlers, m, SSHIO_SESSION(.command = command), &m->chan);
    }
    return rc;
}

/* The slow one has to be there still when all others have ended. */
static int end_slow(struct member *m)
{
    if (m->ended)
        return sshio_raise(SSHIO_EPROCESS, "the slow session ended, though nobody read");
    sshio_chan_resume_reading(m->chan);
    return sshio_chan_wait_closed(m->chan);
}

/* One connection of the crowd. */
static int run_connection(void *arg)
{
    struct crowd *crowd = *(struct crowd **)arg;
    struct member *members = crowd->members + crowd->next++ * crowd->sessions;
    sshio_conn *conn = NULL;
    int rc = client_connect(crowd->client, &conn);

    crowd->connected++;
    sshio_event_set(crowd->changed);
    if (rc == 0)
        rc = wait_for(crowd, &crowd->connected, crowd->connections);
    if (crowd->start == 0)
        crowd->start = bench_now();
    if (rc == 0)
        rc = open_sessions(crowd, conn, members);
    if (rc == 0)
        rc = wait_for(crowd, &crowd->ended, crowd->connections * crowd->sessions - (crowd->with_slow != 0));
    if (rc == 0 && members[0].is_slow)
        rc = end_slow(&members[0]);
    if (rc != 0)
        crowd->is_broken = true;
    sshio_event_set(crowd->changed);
    for (size_t i = 0; i < crowd->sessions; i++)
        sshio_chan_unref(members[i].chan);
    sshio_conn_unref(conn);
    return rc;
}

static int run(struct crowd *crowd)
{
    size_t count = crowd->connections * crowd->sessions;
    struct crowd **items = calloc(crowd->connections, sizeof(struct crowd *));

    crowd->members = calloc(count, sizeof *crowd->members);
    crowd->samples = calloc(count, sizeof *crowd->samples);
    int rc = items == NULL || crowd->members == NULL || crowd->samples == NULL ? SSHIO_ENOMEM
                                                                               : sshio_event_new(&crowd->changed);
    for (size_t i = 0; rc == 0 && i < crowd->connections; i++)
        items[i] = crowd;
    if (rc == 0)
        rc = sshio_gather(run_connection, items, crowd->connections, sizeof(struct crowd *));
    if (rc == 0 && crowd->failed > 0)
        rc = sshio_raise(SSHIO_EPROCESS, "%zu sessions did not get all that they asked for", crowd->failed);
    free(items);
    return rc;
}

int client_run_crowd(struct client *client)
{
    struct crowd crowd = { .client = client };
    uint64_t *numbers[] = { &crowd.connections, &crowd.sessions, &crowd.bytes, &crowd.with_slow };

    for (int i = 0; i < 4; i++)
        if (!bench_parse_count(client->args->words[i + 1], numbers[i]) || (i < 3 && *numbers[i] == 0))
            return client_bad_word(client->args->words[i + 1]);
    int rc = run(&crowd);
    if (rc == 0) {
        client_sort_samples(crowd.samples, crowd.ended);
        printf("{\"seconds\": %.6f, \"sessions\": %zu, \"median_ms\": %.3f, \"last_ms\": %.3f}\n",
               crowd.last - crowd.start, crowd.ended, crowd.samples[crowd.ended / 2], crowd.samples[crowd.ended - 1]);
    }
    sshio_event_free(crowd.changed);
    free(crowd.members);
    free(crowd.samples);
    return rc;
}
