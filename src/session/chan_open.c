/* How channels come to be: ours, by asking the peer and waiting for it; and the peer's, by accepting them. */
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/chan.h"

static void cancel_waiting(struct completion *c, int code)
{
    sshio_chan *chan = c->user;
    chan->waiting = NULL;
    completion_complete(c, code);
}

int chan_wait_peer(sshio_chan *chan)
{
    struct completion c;
    if (!chan->ended) {
        completion_init(&c, cancel_waiting, chan);
        chan->waiting = &c;
        int rc = completion_wait(&c);
        if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
            return fail(rc, "%s while a channel was being opened", sshio_error_text(rc));
        if (rc >= 0)
            return rc; /* the answer came, even if the end has come right behind it */
    }
    return error_code(&chan->error) != 0 ? fail_with(&chan->error) : 0;
}

int chan_fail_open(uint32_t reason, const char *text)
{
    return error_set_reason(last_error(), SSHIO_ECHANNEL_OPEN, reason, "%s", text);
}

static void note_number(sshio_chan *chan)
{
    chan->numbered = true;
    chan->number = channel_number(chan->ch);
}

int chan_open(sshio_chan *chan, const char *type, uint32_t window, uint32_t max_packet, struct span data)
{
    const struct settings *s = chan->conn->settings;
    int rc = SSHIO_ECLOSED;
    chan_hold(chan); /* for the engine's channel */
    if (conn_is_open(chan->conn))
        rc = channel_open(chan->conn->engine, type, window != 0 ? window : s->window,
                          max_packet != 0 ? max_packet : s->max_packet, data, &chan_events, chan, &chan->ch,
                          last_error());
    if (rc != 0) {
        chan->ch = NULL;
        chan->ended = chan->is_closed = true;
        chan_release(chan);
        return rc == SSHIO_ECLOSED ? chan_fail_open(SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed") : rc;
    }
    note_number(chan);
    if (chan->kind == CHAN_SESSION)
        channel_allow_extended(chan->ch, 1u << SSHIO_EXTENDED_DATA_STDERR);
    rc = chan_wait_peer(chan);
    return rc == 0 ? chan_fail_open(SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed") : rc;
}

void chan_accept(sshio_chan *chan, struct channel *ch)
{
    const struct settings *s = chan->conn->settings;
    chan->ch = ch;
    note_number(chan);
    if (chan->kind == CHAN_SESSION) {
        chan->conn->sessions++;
        chan->counted = true;
    }
    channel_accept(ch, chan->window != 0 ? chan->window : s->window,
                   chan->max_packet != 0 ? chan->max_packet : s->max_packet, SPAN(NULL, 0), &chan_events, chan);
    if (chan->ch != NULL && !chan->started) {
        channel_pause(ch); /* until it starts; if it never does, nobody will read */
        channel_set_reader(ch, false);
    }
}

/* ---- names of the two ends ---- */

static bool set_name(sshio_chan *chan, sshio_address *to, const sshio_address *from, const char *info)
{
    to->host = mem_strdup(from->host);
    to->port = from->port;
    const char *text = conn_address_text(from);
    return to->host != NULL && (text == NULL || texts_set(&chan->extra, info, strlen(info), text, strlen(text)));
}

bool chan_set_names(sshio_chan *chan, const sshio_address *local, const sshio_address *remote)
{
    return set_name(chan, &chan->local, local, "local_peername") &&
           set_name(chan, &chan->remote, remote, "remote_peername") && texts_set(&chan->extra, "peername", 8, "", 0);
}
