/* Redirection between sessions: what a reader gets goes to a writer, which may be of another connection of this thread.
 * A full writer holds the reader's channel back. What a server's client does with its terminal goes on to the program
 * behind a client's channel. See redirect.h. */
#include "base/memory.h"
#include "io/last_error.h"
#include "session/redirect.h"

struct relay {
    struct redirect base;
    struct streams *from, *to; /* held; one of them is the owner */
    bool pass_eof;
    bool holding; /* the reader's channel back */
};

static void let_go(struct relay *relay)
{
    if (relay->holding)
        streams_let_go(relay->from);
    relay->holding = false;
}

static void stop(struct redirect *r)
{
    let_go((struct relay *)r);
}

static void free_ends(struct redirect *r)
{
    struct relay *relay = (struct relay *)r;
    streams_release(relay->from);
    streams_release(relay->to);
}

static void data(void *user, const void *bytes, size_t len)
{
    struct relay *relay = user;
    if (relay->base.done)
        return; /* the writer is gone: discarded */
    if (sshio_write(relay->base.writer, bytes, len) != 0) {
        redirect_finish(&relay->base);
        return;
    }
    if (!relay->holding && relay->to->chan->writing_paused) {
        relay->holding = true;
        streams_hold_back(relay->from);
    }
}

static void writable(void *user)
{
    let_go(user);
}

static void end(void *user)
{
    struct relay *relay = user;
    if (relay->base.done)
        return;
    if (relay->pass_eof)
        sshio_write_eof(relay->base.writer);
    redirect_finish(&relay->base);
}

static void in_band(void *user, const struct in_band *event)
{
    struct relay *relay = user;
    sshio_chan *to = relay->to->chan;
    if (relay->base.done || to->server)
        return;
    switch (event->code) {
    case SSHIO_EBREAK_RECEIVED:
        sshio_chan_send_break(to, event->msec);
        break;
    case SSHIO_ESIGNAL_RECEIVED:
        sshio_chan_send_signal(to, event->signal);
        break;
    default:
        sshio_chan_change_terminal_size(to, event->term_size);
        break;
    }
}

int redirect_between(sshio_reader *from, sshio_writer *to, bool pass_eof, struct streams *owner,
                     struct redirect **redirect)
{
    static const struct reader_sink sink = { .data = data, .in_band = in_band, .end = end };
    struct relay *relay = mem_zalloc(sizeof *relay);
    if (relay == NULL)
        return fail_nomem();
    if (from->streams->chan->conn->loop != to->streams->chan->conn->loop) {
        mem_free(relay);
        return fail(SSHIO_EINVAL, "sessions of two threads cannot be joined");
    }
    redirect_init(&relay->base, owner);
    relay->base.stop = stop;
    relay->base.free = free_ends;
    relay->pass_eof = pass_eof;
    relay->from = from->streams;
    relay->to = to->streams;
    streams_hold(relay->from);
    streams_hold(relay->to);
    int rc = redirect_feed(&relay->base, to, writable);
    if (rc == 0)
        rc = redirect_empty(&relay->base, from, &sink);
    if (rc == 0)
        *redirect = &relay->base;
    else
        redirect_free(&relay->base);
    return rc;
}
