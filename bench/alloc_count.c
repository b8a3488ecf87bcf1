/* How many allocations one channel's bulk costs once it flows: client and server in this process, over loopback,
 * counted between two marks of the transfer. A library that allocates nothing once its pools are warm shows 0, whatever
 * the length.
 *
 *     alloc_count [--limit N] [FROM_BYTES TO_BYTES [CIPHER]]
 *
 * Prints a JSON line; with a limit, more allocations than that are a failure. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define PIECE ((size_t)256 << 10)
#define NO_REKEY "64g none" /* a key exchange allocates; it is not what is counted here */
#define PACKET_DATA_LEN 32768
#define AFTER_THE_MARK ((size_t)8 << 20) /* the end of the transfer is not counted either */

struct count {
    uint64_t from, to; /* marks, in bytes of data */
    const char *cipher;
    uint64_t left; /* the server's */
    bool paused;
    uint64_t received; /* the client's, as the rest */
    uint64_t at_from, at_to;
};

/* ---- the server ---- */

static void write_on(sshio_chan *chan, struct count *count)
{
    static const uint8_t block[PIECE];

    while (count->left > 0 && !count->paused) {
        size_t len = count->left < sizeof block ? (size_t)count->left : sizeof block;
        count->left -= len;
        if (sshio_chan_write(chan, block, len, 0) != 0)
            return;
        if (count->left == 0)
            sshio_chan_exit(chan, 0);
    }
}

static int exec_requested(sshio_chan *chan, const char *command, void *user)
{
    (void)chan;
    (void)command;
    (void)user;
    return 1;
}

static void session_started(sshio_chan *chan, void *user)
{
    write_on(chan, user);
}

static void pause_writing(sshio_chan *chan, void *user)
{
    struct count *count = user;

    (void)chan;
    count->paused = true;
}

static void resume_writing(sshio_chan *chan, void *user)
{
    struct count *count = user;

    count->paused = false;
    write_on(chan, count);
}

static const sshio_session_handlers source = {
    .session_started = session_started,
    .exec_requested = exec_requested,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn;
    return sshio_accept_session(req, &source, user, NULL);
}

/* Both ends are here: nobody else can get in before the count is over, and there is nothing to get. */
static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    (void)conn;
    (void)username;
    (void)user;
    return SSHIO_ACCEPT;
}

static const sshio_server_handlers server = { .begin_auth = begin_auth, .session_requested = session_requested };

/* ---- the client ---- */

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct count *count = user;
    uint64_t before = count->received;

    (void)chan;
    (void)data;
    (void)datatype;
    count->received += len;
    if (before < count->from && count->received >= count->from)
        count->at_from = mem_allocations();
    if (before < count->to && count->received >= count->to)
        count->at_to = mem_allocations();
}

static const sshio_session_handlers counter = { .data_received = data_received };

static int transfer(struct count *count, int port)
{
    sshio_conn *conn = NULL;
    sshio_chan *chan = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = port, .username = "count", .client_keys = SSHIO_NONE,
                                        .known_hosts = SSHIO_NONE, .encryption_algs = count->cipher,
                                        .rekey_limit = NO_REKEY),
                           &conn);
    if (rc == 0)
        rc = sshio_create_session(conn, &counter, count, SSHIO_SESSION(.command = "source"), &chan);
    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    if (rc == 0 && count->received < count->to)
        rc = sshio_raise(SSHIO_EEOF, "only %llu bytes came", (unsigned long long)count->received);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
    return rc;
}

static int run(void *arg)
{
    struct count *count = arg;
    sshio_listener *listener = NULL;
    sshio_key *key = NULL;
    int rc = sshio_generate_private_key("ssh-ed25519", NULL, &key);

    if (rc == 0)
        rc = sshio_create_server(&server, count, "127.0.0.1", 0,
                                 SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .key = key }), .rekey_limit = NO_REKEY),
                                 &listener);
    if (rc == 0)
        rc = transfer(count, sshio_listener_get_port(listener));
    if (rc != 0)
        sshio_report("alloc_count");
    if (listener != NULL)
        sshio_listener_close(listener);
    sshio_listener_unref(listener);
    sshio_key_unref(key);
    return rc;
}

int main(int argc, char **argv)
{
    struct count count = { .from = (uint64_t)64 << 20, .to = (uint64_t)1 << 30 };
    uint64_t limit = UINT64_MAX;

    if (argc > 2 && strcmp(argv[1], "--limit") == 0) {
        limit = strtoull(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc > 2) {
        count.from = strtoull(argv[1], NULL, 10);
        count.to = strtoull(argv[2], NULL, 10);
    }
    if (argc > 3)
        count.cipher = argv[3];
    count.left = count.to + AFTER_THE_MARK;
    if (sshio_main(run, &count) != 0)
        return 1;
    uint64_t allocations = count.at_to - count.at_from;
    uint64_t packets = (count.to - count.from) / PACKET_DATA_LEN;
    printf("{\"allocations\": %llu, \"packets\": %llu}\n", (unsigned long long)allocations,
           (unsigned long long)packets);
    return allocations <= limit ? 0 : 1;
}
