/* Sessions that a client opens on a server: who serves them, and how they start. (RFC 4254 6.1, 6.5) */
#include <sshio/constants.h>

#include "base/memory.h"
#include "conn/request.h"
#include "io/last_error.h"
#include "io/task.h"
#include "session/chan.h"
#include "session/process.h"
#include "session/server_session.h"

/* A channel open that waits for session_requested. */
struct asking {
    sshio_conn *conn;
    struct channel *ch; /* NULL = decided */
    sshio_request req;
    struct error error;
};

static sshio_chan *accept_channel(sshio_conn *conn, struct channel *ch, const sshio_session_handlers *handlers,
                                  void *user)
{
    const struct settings *s = conn->settings;
    sshio_chan *chan = chan_new(conn, handlers, user);
    if (chan == NULL)
        return NULL;
    if (chan_use_encoding(chan, s->encoding, s->errors) != 0) {
        chan_release(chan);
        return NULL;
    }
    chan->ch = ch;
    conn->sessions++;
    chan->counted = true;
    channel_accept(ch, s->window, s->max_packet, SPAN(NULL, 0), &chan_events, chan);
    if (chan->ch != NULL && !chan->started) {
        channel_pause(ch); /* until the program runs; if it never does, nobody will read */
        channel_set_reader(ch, false);
    }
    return chan;
}

static void refuse(struct channel *ch, uint32_t code, const char *reason)
{
    channel_refuse(ch, code, reason);
}

/* ---- the three shapes of an answer ---- */

static struct asking *asking_of(sshio_request *req)
{
    return req->session;
}

int sshio_accept_session(sshio_request *req, const sshio_session_handlers *handlers, void *user)
{
    struct asking *a = asking_of(req);
    if (a == NULL || a->ch == NULL || handlers == NULL)
        return fail(SSHIO_EINVAL,
                    "sshio_accept_session: this question is not answered with a session, or was answered");
    struct channel *ch = a->ch;
    a->ch = NULL;
    sshio_chan *chan = accept_channel(a->conn, ch, handlers, user);
    if (chan == NULL) {
        a->ch = ch;
        return fail_nomem();
    }
    chan_made(chan);
    return SSHIO_ANSWERED;
}

static int accept_program(sshio_request *req, sshio_process_fn process, sshio_session_fn session, void *user)
{
    struct asking *a = asking_of(req);
    if (a == NULL || a->ch == NULL)
        return fail(SSHIO_EINVAL, "this question is not answered with a session, or was answered");
    struct channel *ch = a->ch;
    a->ch = NULL;
    if (server_session_serve(a->conn, ch, process, session, user))
        return SSHIO_ANSWERED;
    a->ch = ch;
    return fail_nomem();
}

int sshio_accept_process(sshio_request *req, sshio_process_fn handler, void *user)
{
    return accept_program(req, handler, NULL, user);
}

int sshio_accept_session_streams(sshio_request *req, sshio_session_fn handler, void *user)
{
    return accept_program(req, NULL, handler, user);
}

bool server_session_serve(sshio_conn *conn, struct channel *ch, sshio_process_fn process, sshio_session_fn session,
                          void *user)
{
    sshio_process *p = process_new(conn, process, session, user);
    if (p == NULL)
        return false;
    sshio_chan *chan = accept_channel(conn, ch, &process_handlers, p);
    if (chan == NULL) {
        process_free(p);
        return false;
    }
    process_attach(p, chan);
    chan_made(chan);
    return true;
}

/* ---- asking the application ---- */

static int run_question(void *arg)
{
    struct asking *a = arg;
    int answer = a->conn->settings->handlers.session_requested(a->conn, &a->req, a->conn->user);
    if (answer < 0)
        error_copy(&a->error, last_error());
    return answer;
}

/* A negative answer is the connection's end, but that of raise_channel_open only the request's. */
static void question_done(int answer, void *arg)
{
    struct asking *a = arg;
    bool pending = a->ch != NULL && !engine_ended(a->conn->engine);
    if (pending && answer < 0 && answer != SSHIO_ECHANNEL_OPEN)
        conn_handler_failed(a->conn, answer, &a->error);
    else if (pending && answer < 0)
        refuse(a->ch, a->error.pub.reason, error_message(&a->error));
    else if (pending)
        refuse(a->ch, SSHIO_OPEN_CONNECT_FAILED, "Session refused");
    request_done(&a->req);
    error_clear(&a->error);
    conn_release(a->conn);
    mem_free(a);
}

static bool ask(sshio_conn *conn, struct channel *ch)
{
    struct asking *a = mem_zalloc(sizeof *a);
    if (a == NULL)
        return false;
    *a = (struct asking){ .conn = conn, .ch = ch };
    request_init(&a->req, conn, TAKES_NOTHING);
    a->req.session = a;
    error_init(&a->error);
    conn_hold(conn);
    if (task_start(conn->loop, run_question, a, question_done, NULL, &a->error) == 0)
        return true;
    conn_release(conn);
    error_clear(&a->error);
    mem_free(a);
    return false;
}

void server_session_requested(sshio_conn *conn, struct channel *ch, struct span data)
{
    const struct settings *s = conn->settings;
    bool served = false;
    if (data.len != 0) {
        refuse(ch, SSHIO_OPEN_CONNECT_FAILED, "Session open request with extra data");
        return;
    }
    if (conn->sessions >= s->max_sessions) {
        refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Too many sessions");
        return;
    }
    if (s->process_handler != NULL || s->session_handler != NULL) {
        served = server_session_serve(conn, ch, s->process_handler,
                                      s->process_handler != NULL ? NULL : s->session_handler, conn->user);
    } else if (s->handlers.session_requested != NULL) {
        served = ask(conn, ch);
    } else {
        refuse(ch, SSHIO_OPEN_CONNECT_FAILED, "Session refused");
        return;
    }
    if (!served)
        refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Out of memory");
}

/* ---- starting ---- */

bool server_session_start(sshio_chan *chan, const char *command, const char *subsystem)
{
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
