/* What a client tells about its terminal: pty-req and window-change. (RFC 4254 6.2, 6.7, 8) */
#include "base/memory.h"
#include "session/chan.h"

/* Asks the session; what it refuses is not kept. Takes type and modes over. */
static bool grant(sshio_chan *chan, struct terminal *asked)
{
    const sshio_session_handlers *h = &chan->handlers;
    bool granted = chan->conn->settings->allow_pty && chan->terminal.type == NULL;
    if (granted && h->pty_requested != NULL)
        granted = h->pty_requested(chan, asked->type, &asked->size, terminal_modes(asked), chan->user) > 0;
    if (granted) {
        terminal_done(&chan->terminal);
        chan->terminal = *asked;
    } else {
        terminal_done(asked);
    }
    return granted;
}

bool on_pty_req(sshio_chan *chan, struct reader *r)
{
    struct terminal asked = { .type = NULL };
    struct span type = read_text(r);
    asked.size = read_term_size(r);
    struct span modes = read_string(r);
    if (!reader_done(r) || !terminal_type_is_valid(type) || term_modes_from(modes, &asked.modes) != 0)
        return false;
    asked.type = span_dup_text(type);
    if (asked.type != NULL)
        return grant(chan, &asked);
    terminal_done(&asked);
    return false;
}

/* Legal without a terminal, too, and before the program runs: then it is just noted. */
bool on_window_change(sshio_chan *chan, struct reader *r)
{
    sshio_term_size size = read_term_size(r);
    if (!reader_done(r))
        return false;
    chan->terminal.size = size;
    if (chan->started && chan->handlers.terminal_size_changed != NULL)
        chan->handlers.terminal_size_changed(chan, &size, chan->user);
    return true;
}
