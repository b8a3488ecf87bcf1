/* What can be asked of a channel: its surroundings, what was asked for on it, and how its program ended. */
#include <string.h>

#include <sshio/constants.h>

#include "session/chan.h"
#include "session/signals.h"

#define UNKNOWN_SIGNAL (-99) /* return code for a signal that this system does not have */

void sshio_chan_set_user(sshio_chan *chan, void *user)
{
    chan->user = user;
}

void *sshio_chan_user(const sshio_chan *chan)
{
    return chan->user;
}

sshio_conn *sshio_chan_conn(const sshio_chan *chan)
{
    return chan->conn;
}

sshio_logger *sshio_chan_logger(const sshio_chan *chan)
{
    sshio_chan *own = (sshio_chan *)chan; /* making the logger changes nothing that can be seen */
    if (own->logger == NULL && chan->numbered)
        own->logger = logger_new(chan->conn->logger, NULL, "chan=%u", (unsigned)chan->number);
    return own->logger != NULL ? own->logger : chan->conn->logger;
}

const char *sshio_chan_get_extra_info(const sshio_chan *chan, const char *name, const char *def)
{
    const char *own = texts_value(&chan->extra, name);
    if (own == NULL)
        return sshio_conn_get_extra_info(chan->conn, name, def);
    return own[0] != '\0' ? own : def; /* "" hides what the connection would say */
}

int sshio_chan_set_extra_info(sshio_chan *chan, const char *name, const char *value)
{
    return extra_info_set(&chan->extra, name, value);
}

static const sshio_address *name_of(const sshio_address *address)
{
    return address->host != NULL ? address : NULL;
}

const sshio_address *sshio_chan_local_peername(const sshio_chan *chan)
{
    return name_of(&chan->local);
}

const sshio_address *sshio_chan_remote_peername(const sshio_chan *chan)
{
    return name_of(&chan->remote);
}

/* ---- sessions ---- */

const char *const *sshio_chan_get_environment(const sshio_chan *chan)
{
    return texts_items(&chan->env);
}

const char *sshio_chan_get_command(const sshio_chan *chan)
{
    return chan->command;
}

const char *sshio_chan_get_subsystem(const sshio_chan *chan)
{
    return chan->subsystem;
}

const char *sshio_chan_get_terminal_type(const sshio_chan *chan)
{
    return chan->server ? chan->terminal.type : NULL;
}

sshio_term_size sshio_chan_get_terminal_size(const sshio_chan *chan)
{
    return chan->server ? chan->terminal.size : (sshio_term_size){ 0 };
}

const sshio_term_mode *sshio_chan_get_terminal_modes(const sshio_chan *chan)
{
    static const struct terminal none;
    return terminal_modes(chan->server ? &chan->terminal : &none);
}

bool sshio_chan_get_terminal_mode(const sshio_chan *chan, uint8_t op, uint32_t *value)
{
    for (const sshio_term_mode *mode = sshio_chan_get_terminal_modes(chan); mode->op != SSHIO_PTY_OP_END; mode++) {
        if (mode->op != op)
            continue;
        *value = mode->value;
        return true;
    }
    return false;
}

/* ---- how it ended ---- */

int sshio_chan_get_exit_status(const sshio_chan *chan)
{
    if (chan->exit_status == SSHIO_NO_STATUS && chan->signal_name != NULL)
        return -1;
    return chan->exit_status;
}

const sshio_exit_signal *sshio_chan_get_exit_signal(const sshio_chan *chan)
{
    return chan->signal_name != NULL ? &chan->exit_signal : NULL;
}

int sshio_chan_get_returncode(const sshio_chan *chan)
{
    if (chan->exit_status != SSHIO_NO_STATUS || chan->signal_name == NULL)
        return chan->exit_status;
    int number = signal_number(chan->signal_name);
    return number != 0 ? -number : UNKNOWN_SIGNAL;
}
