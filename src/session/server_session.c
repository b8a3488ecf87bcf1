/* Sessions that a client opens on a server: who serves them, and how they start. (RFC 4254 6.1, 6.5) */
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/chan.h"
#include "session/process.h"
#include "session/server_session.h"
#include "session/subsystem.h"
#include "session/tcp_channel.h"

static int ask(struct asking *a)
{
    return a->conn->settings->handlers.session_requested(a->conn, &a->req, a->conn->user);
}

const struct question session_question = { CHAN_SESSION, ask, "Session refused" };

static sshio_chan *accept_channel(struct asking *a, const sshio_session_handlers *handlers, void *user)
{
    sshio_chan *chan = asking_chan(a, handlers, user);
    if (chan != NULL) {
        chan_accept(chan, a->ch);
        a->ch = NULL;
    }
    return chan;
}

/* ---- the three shapes of an answer ---- */

int sshio_accept_session(sshio_request *req, const sshio_session_handlers *handlers, void *user, sshio_chan *chan)
{
    struct asking *a = asking_of(req, &session_question, &tcp_question, chan, "sshio_accept_session");
    if (a == NULL)
        return SSHIO_EINVAL;
    if (handlers == NULL)
        return fail(SSHIO_EINVAL, "sshio_accept_session: no handlers");
    if (a->question == &tcp_question)
        return tcp_channel_accept(a, handlers, user) ? SSHIO_ANSWERED : fail_nomem();
    sshio_chan *accepted = accept_channel(a, handlers, user);
    if (accepted == NULL)
        return fail_nomem();
    chan_made(accepted);
    return SSHIO_ANSWERED;
}

static int accept_program(sshio_request *req, const struct server_program *program, sshio_chan *chan,
                          const char *function)
{
    struct asking *a = asking_of(req, &session_question, NULL, chan, function);
    if (a == NULL)
        return SSHIO_EINVAL;
    if (program->process == NULL && program->session == NULL)
        return fail(SSHIO_EINVAL, "%s: no handler", function);
    return server_session_serve(a, program) ? SSHIO_ANSWERED : fail_nomem();
}

int sshio_accept_process(sshio_request *req, sshio_process_fn handler, void *user, sshio_chan *chan)
{
    const struct server_program program = { .process = handler, .user = user };
    return accept_program(req, &program, chan, "sshio_accept_process");
}

int sshio_accept_session_streams(sshio_request *req, sshio_session_fn handler, void *user, sshio_chan *chan)
{
    const struct server_program program = { .session = handler, .user = user };
    return accept_program(req, &program, chan, "sshio_accept_session_streams");
}

bool server_session_serve(struct asking *a, const struct server_program *program)
{
    sshio_process *p = process_new(a->conn, asking_window(a), program);
    if (p == NULL) {
        if (program->release != NULL)
            program->release(program->user);
        return false;
    }
    sshio_chan *chan = accept_channel(a, &process_handlers, p);
    if (chan == NULL) {
        process_free(p);
        return false;
    }
    process_attach(p, chan);
    chan_made(chan);
    return true;
}

/* ---- the entry ---- */

static bool serves_itself(const struct settings *s)
{
    const struct own_subsystem *own = own_subsystems;
    while (own->is_served != NULL && !own->is_served(s))
        own++;
    return own->is_served != NULL;
}

/* A session that can become nothing but a subsystem of our own. */
static bool serve_only_own(struct asking *a)
{
    sshio_chan *chan = accept_channel(a, NULL, a->conn->user);
    if (chan != NULL)
        chan_made(chan);
    return chan != NULL;
}

static bool ask_application(sshio_conn *conn, struct channel *ch)
{
    struct asking *a = asking_new(&session_question, conn, ch);
    if (a != NULL)
        asking_start(a);
    return a != NULL;
}

void server_session_requested(sshio_conn *conn, struct channel *ch, struct span data)
{
    const struct settings *s = conn->settings;
    struct asking nobody = { .question = &session_question, .conn = conn, .ch = ch };
    bool served = false;
    if (data.len != 0) {
        channel_refuse(ch, SSHIO_OPEN_CONNECT_FAILED, "Session open request with extra data");
        return;
    }
    if (conn->sessions >= s->max_sessions) {
        channel_refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Too many sessions");
        return;
    }
    if (s->process_handler != NULL || s->session_handler != NULL) {
        served = server_session_serve(&nobody, &(struct server_program){ .process = s->process_handler,
                                                                         .session = s->session_handler,
                                                                         .user = conn->user });
    } else if (s->handlers.session_requested != NULL) {
        served = ask_application(conn, ch);
    } else if (serves_itself(s)) {
        served = serve_only_own(&nobody);
    } else {
        channel_refuse(ch, SSHIO_OPEN_CONNECT_FAILED, "Session refused");
        return;
    }
    if (!served)
        channel_refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Out of memory");
}

/* ---- starting ---- */

static bool is_for(const struct own_subsystem *own, const char *command, const char *subsystem)
{
    if (subsystem != NULL)
        return own->name != NULL && strcmp(own->name, subsystem) == 0;
    return command != NULL && own->command != NULL && strncmp(command, own->command, strlen(own->command)) == 0;
}

static const struct own_subsystem *find_own(const sshio_chan *chan, const char *command, const char *subsystem)
{
    const struct own_subsystem *own = own_subsystems;
    while (own->is_served != NULL && !(is_for(own, command, subsystem) && own->is_served(chan->conn->settings)))
        own++;
    return own->is_served != NULL ? own : NULL;
}

bool server_session_start(sshio_chan *chan, const char *command, const char *subsystem)
{
    const struct own_subsystem *own = find_own(chan, command, subsystem);
    if (own != NULL) {
        chan->start_pending = chan->ch != NULL && own->take(chan);
        return chan->start_pending;
    }
    const sshio_session_handlers *h = &chan->handlers;
    int answer = 0;
    if (command != NULL)
        answer = h->exec_requested != NULL ? h->exec_requested(chan, command, chan->user) : 0;
    else if (subsystem != NULL)
        answer = h->subsystem_requested != NULL ? h->subsystem_requested(chan, subsystem, chan->user) : 0;
    else
        answer = h->shell_requested != NULL ? h->shell_requested(chan, chan->user) : 0;
    chan->start_pending = answer > 0 && chan->ch != NULL;
    return answer > 0;
}
