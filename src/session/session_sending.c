/* The channel requests that we send, as a client or as a server. None but those of client_session.c waits for a reply.
 * (RFC 4254 sections 6.7 to 6.10, RFC 4335) */
#include <string.h>

#include "io/last_error.h"
#include "session/chan.h"
#include "session/signals.h"

#define EXIT_MASK 0xffu
#define EXIT_SIGNAL_MAX_LEN (32u * 1024)

int session_send(sshio_chan *chan, const char *name, bool want_reply, struct writer *fields)
{
    int rc = writer_failed(fields) ? fields->no_memory ? SSHIO_ENOMEM : SSHIO_ELIMIT
                                   : channel_request(chan->ch, name, want_reply, writer_span(fields));
    writer_done(fields);
    return rc == 0 ? 0 : fail(rc, "request \"%s\" could not be sent: %s", name, sshio_error_text(rc));
}

/* Whether a session of this side sends such things, and still can. */
static int check(const sshio_chan *chan, bool by_server, const char *what)
{
    if (chan->kind != CHAN_SESSION || chan->server != by_server)
        return fail(SSHIO_EINVAL, "%s: only a %s's session sends that", what, by_server ? "server" : "client");
    if (chan->ch == NULL || channel_is_closed(chan->ch))
        return fail(SSHIO_ECLOSED, "channel is not open");
    return 0;
}

/* ---- clients ---- */

/* The name of a signal that is given by its number, in decimal; NULL = it has none here. */
static const char *name_of_number(const char *digits)
{
    int number = 0;
    for (; *digits != '\0' && number < 1000; digits++)
        number = number * 10 + (*digits - '0');
    return *digits == '\0' ? signal_name(number) : NULL;
}

int sshio_chan_send_signal(sshio_chan *chan, const char *signal)
{
    struct writer fields;
    if (signal == NULL || signal[0] == '\0' || strlen(signal) > SIGNAL_NAME_MAX_LEN)
        return fail(SSHIO_EINVAL, "no signal was named, or one of more than %u bytes", SIGNAL_NAME_MAX_LEN);
    const char *name = signal[strspn(signal, "0123456789")] == '\0' ? name_of_number(signal) : signal;
    if (name == NULL)
        return fail(SSHIO_EINVAL, "no signal has the number %s here", signal);
    int rc = check(chan, false, "signal");
    if (rc != 0)
        return rc;
    writer_init(&fields, 4 + SIGNAL_NAME_MAX_LEN);
    put_text(&fields, name);
    return session_send(chan, "signal", false, &fields);
}

int sshio_chan_terminate(sshio_chan *chan)
{
    return sshio_chan_send_signal(chan, "TERM");
}

int sshio_chan_kill(sshio_chan *chan)
{
    return sshio_chan_send_signal(chan, "KILL");
}

int sshio_chan_send_break(sshio_chan *chan, int msec)
{
    struct writer fields;
    if (msec < 0)
        return fail(SSHIO_EINVAL, "length of a break is negative: %d ms", msec);
    int rc = check(chan, false, "break");
    if (rc != 0)
        return rc;
    writer_init(&fields, 4);
    put_u32(&fields, (uint32_t)msec);
    return session_send(chan, "break", false, &fields);
}

int sshio_chan_change_terminal_size(sshio_chan *chan, sshio_term_size term_size)
{
    struct writer fields;
    int rc = terminal_check(NULL, &term_size, NULL, last_error());
    if (rc == 0)
        rc = check(chan, false, "window-change");
    if (rc != 0)
        return rc;
    writer_init(&fields, 16);
    put_term_size(&fields, &term_size);
    return session_send(chan, "window-change", false, &fields);
}

/* ---- servers ---- */

int sshio_chan_set_xon_xoff(sshio_chan *chan, bool client_can_do)
{
    struct writer fields;
    int rc = check(chan, true, "xon-xoff");
    if (rc != 0)
        return rc;
    writer_init(&fields, 1);
    put_bool(&fields, client_can_do);
    return session_send(chan, "xon-xoff", false, &fields);
}

/* Nothing more is to be said once the end was told, or the channel asked to close. */
static bool has_ended(const sshio_chan *chan)
{
    return chan->exit_sent || (chan->ch != NULL && channel_is_closed(chan->ch));
}

int sshio_chan_exit(sshio_chan *chan, int status)
{
    struct writer fields;
    if (chan->server && has_ended(chan))
        return 0;
    int rc = check(chan, true, "exit-status");
    if (rc != 0)
        return rc;
    chan->exit_sent = true;
    writer_init(&fields, 4);
    put_u32(&fields, (uint32_t)status & EXIT_MASK);
    rc = session_send(chan, "exit-status", false, &fields);
    sshio_chan_close(chan);
    return rc;
}

int sshio_chan_exit_with_signal(sshio_chan *chan, const sshio_exit_signal *signal)
{
    struct writer fields;
    if (signal == NULL || signal->name == NULL)
        return fail(SSHIO_EINVAL, "no signal was named");
    if (chan->server && has_ended(chan))
        return 0;
    int rc = check(chan, true, "exit-signal");
    if (rc != 0)
        return rc;
    chan->exit_sent = true;
    writer_init(&fields, EXIT_SIGNAL_MAX_LEN);
    put_text(&fields, signal->name);
    put_bool(&fields, signal->core_dumped);
    put_text(&fields, signal->msg != NULL ? signal->msg : "");
    put_text(&fields, signal->lang != NULL ? signal->lang : "en-US");
    rc = session_send(chan, "exit-signal", false, &fields);
    sshio_chan_close(chan);
    return rc;
}
