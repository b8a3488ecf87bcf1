/* SCP for a client: a session whose command is scp becomes a process of ours; see server.h. It reads and writes files
 * with the SFTP server that the application has for this session, and ends as scp does: 0 if nothing failed, else 1. */
#include "scp/server.h"

#include <sshio/process.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "scp/server_files.h"
#include "scp/session.h"
#include "session/process.h"

/* What the session was before, in the eyes of whom it belonged to: it only hears of the end. */
struct service {
    int refs; /* the channel's, and the process's task */
    sshio_session_handlers before;
    void *user_before;
    struct completion cleaned;
};

static void release(struct service *service)
{
    if (--service->refs == 0)
        mem_free(service);
}

/* ---- the job ---- */

struct serving {
    struct scp_wire wire;
    struct scp_job job;
    struct scp_files files;
};

static int serve_read(struct scp_wire *w, void *buffer, size_t size, size_t *got)
{
    return scp_stream_read(sshio_process_stdin(w->user), buffer, size, got);
}

static int serve_write(struct scp_wire *w, const void *data, size_t len)
{
    return scp_stream_write(sshio_process_stdout(w->user), data, len);
}

/* The client was told; what comes next is tried all the same. */
static int item_failed(struct scp_job *job)
{
    (void)job;
    return 0;
}

static int send_all(struct serving *s, const char *path)
{
    struct glob_list list = { .count = 0 };
    int rc = scp_source_begin(&s->job);
    if (rc != 0)
        return rc;
    rc = server_files_expand(&s->files, path, &list);
    if (rc < 0 && rc != SSHIO_ECANCELED) {
        s->job.any_failed = true;
        rc = wire_answer(&s->wire, SCP_WARNING, sshio_error_message());
    }
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = scp_source_send(&s->job, list.items[i].path);
    glob_list_done(&list);
    return rc;
}

static int serve_files(sshio_process *process, sshio_sftp_server *server, const struct scp_command *command)
{
    struct serving *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return fail_nomem();
    wire_init(&s->wire);
    s->wire.read = serve_read;
    s->wire.write = serve_write;
    s->wire.user = process;
    server_files_init(&s->files, server);
    int rc = scp_job_init(&s->job, &s->wire, &s->files, SCP_BLOCK);
    s->job.preserve = command->preserve;
    s->job.recurse = command->recurse;
    s->job.directory = command->directory;
    s->job.keep_special_modes = true; /* of files that are the client's own */
    s->job.failed = item_failed;
    if (rc == 0)
        rc = command->sink ? scp_sink_run(&s->job, command->path) : send_all(s, command->path);
    bool failed = rc != 0 || s->job.any_failed;
    scp_job_done(&s->job);
    mem_free(s);
    return failed ? 1 : 0;
}

/* ---- the SFTP server around it ---- */

static void port_write(sshio_sftp_server *server, const void *data, size_t len)
{
    (void)server, (void)data, (void)len; /* it speaks no SFTP */
}

static void port_read_on(sshio_sftp_server *server)
{
    (void)server;
}

static void port_cleaned(sshio_sftp_server *server, int status)
{
    struct service *service = server->port_user;
    completion_complete(&service->cleaned, status);
}

static const struct sftp_port_ops scp_port = { port_write, port_read_on, port_cleaned };

static void not_called_off(struct completion *c, int code)
{
    (void)c, (void)code; /* closing files ends by itself */
}

static int serve_with(sshio_process *process, struct service *service, sshio_sftp_server *server,
                      const struct scp_command *command)
{
    sshio_chan *chan = sshio_process_channel(process);
    char path[512];
    sftp_server_serve_channel(server, chan);
    texts_copy(&server->env, sshio_process_env(process));
    sftp_server_start(server, &scp_port, service, sshio_chan_logger(chan), chan->conn->settings->sftp_version);
    log_info(server->logger, "SCP %s of \"%s\"", command->sink ? "upload" : "download",
             log_escaped(span_of(command->path), path, sizeof path));
    int status = serve_files(process, server, command);
    completion_init(&service->cleaned, not_called_off, NULL);
    sftp_server_end(server, status);
    completion_wait(&service->cleaned);
    sftp_server_release(server);
    return status;
}

/* A line on stderr, as programs complain. */
static int complain(sshio_process *process, const char *text)
{
    char shown[512];
    sshio_printf(sshio_process_stderr(process), "scp: %s\n", log_escaped(span_of(text), shown, sizeof shown));
    return 1;
}

static int serve_command(sshio_process *process, struct service *service)
{
    struct scp_command command = { .path = NULL };
    sshio_sftp_server *server = NULL;
    if (scp_command_parse(sshio_process_command(process), &command, last_error()) != 0)
        return complain(process, sshio_error_message());
    int rc = sftp_server_decide(sshio_process_channel(process), &server);
    if (rc < 0)
        log_warning(sshio_process_logger(process), "an SCP session was not served: %s", sshio_error_text(rc));
    int status = server != NULL ? serve_with(process, service, server, &command)
                                : complain(process, "files are not served");
    mem_free(command.path);
    return status;
}

static void serve(sshio_process *process, void *user)
{
    struct service *service = user;
    service->refs++;
    sshio_process_exit(process, serve_command(process, service));
    release(service);
}

/* ---- the session ---- */

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    sshio_process *process = user;
    struct service *service = process->program.user;
    if (service->before.connection_lost != NULL)
        service->before.connection_lost(chan, error, service->user_before);
    process_handlers.connection_lost(chan, error, process);
    release(service);
}

bool scp_is_served(const struct settings *settings)
{
    return settings->allow_scp && sftp_is_served(settings);
}

bool scp_take_session(sshio_chan *chan)
{
    struct service *service = mem_zalloc(sizeof *service);
    const struct server_program program = { .process = serve, .user = service };
    sshio_process *process = service != NULL ? process_new(chan->conn, chan->conn->settings->window, &program) : NULL;
    if (process == NULL) {
        mem_free(service);
        return false;
    }
    *service = (struct service){ .refs = 1, .before = chan->handlers, .user_before = chan->user };
    chan->handlers = process_handlers;
    chan->handlers.connection_lost = connection_lost;
    chan->user = process;
    process_attach(process, chan);
    streams_hold(process->streams); /* for the channel, until connection_lost */
    encoding_unref(chan->encoding); /* file contents are bytes */
    chan->encoding = NULL;
    return true;
}
