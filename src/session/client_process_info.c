/* SSHClientProcess: what it tells, and what is sent to it. */
#include "session/client_process.h"

sshio_writer *sshio_client_process_stdin(const sshio_client_process *process)
{
    return process->in == NULL ? &process->streams->writers[0] : NULL;
}

sshio_reader *sshio_client_process_stdout(const sshio_client_process *process)
{
    return process->out == NULL ? &process->streams->readers[0] : NULL;
}

sshio_reader *sshio_client_process_stderr(const sshio_client_process *process)
{
    return process->err == NULL && !process->streams->merged ? &process->streams->readers[1] : NULL;
}

sshio_chan *sshio_client_process_channel(const sshio_client_process *process)
{
    return process->streams->chan;
}

sshio_logger *sshio_client_process_logger(const sshio_client_process *process)
{
    return sshio_chan_logger(process->streams->chan);
}

const char *sshio_client_process_get_extra_info(const sshio_client_process *process, const char *name, const char *def)
{
    return sshio_chan_get_extra_info(process->streams->chan, name, def);
}

const char *const *sshio_client_process_env(const sshio_client_process *process)
{
    return sshio_chan_get_environment(process->streams->chan);
}

const char *sshio_client_process_command(const sshio_client_process *process)
{
    return process->streams->chan->command;
}

const char *sshio_client_process_subsystem(const sshio_client_process *process)
{
    return process->streams->chan->subsystem;
}

int sshio_client_process_exit_status(const sshio_client_process *process)
{
    return sshio_chan_get_exit_status(process->streams->chan);
}

const sshio_exit_signal *sshio_client_process_exit_signal(const sshio_client_process *process)
{
    return sshio_chan_get_exit_signal(process->streams->chan);
}

int sshio_client_process_returncode(const sshio_client_process *process)
{
    return sshio_chan_get_returncode(process->streams->chan);
}

int sshio_client_process_change_terminal_size(sshio_client_process *process, sshio_term_size term_size)
{
    return sshio_chan_change_terminal_size(process->streams->chan, term_size);
}

int sshio_client_process_send_break(sshio_client_process *process, int msec)
{
    return sshio_chan_send_break(process->streams->chan, msec);
}

int sshio_client_process_send_signal(sshio_client_process *process, const char *signal)
{
    return sshio_chan_send_signal(process->streams->chan, signal);
}

int sshio_client_process_terminate(sshio_client_process *process)
{
    return sshio_chan_terminate(process->streams->chan);
}

int sshio_client_process_kill(sshio_client_process *process)
{
    return sshio_chan_kill(process->streams->chan);
}

void sshio_client_process_close(sshio_client_process *process)
{
    sshio_chan_close(process->streams->chan);
}

bool sshio_client_process_is_closing(const sshio_client_process *process)
{
    return sshio_chan_is_closing(process->streams->chan);
}

int sshio_client_process_wait_closed(sshio_client_process *process)
{
    int rc = sshio_chan_wait_closed(process->streams->chan);
    if (rc == 0)
        rc = redirect_wait(process->out);
    if (rc == 0)
        rc = redirect_wait(process->err);
    return rc;
}
