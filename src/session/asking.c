/* Questions about channels; see asking.h. */
#include "session/asking.h"

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/task.h"

struct asking *asking_new(const struct question *question, sshio_conn *conn, struct channel *ch)
{
    struct asking *a = mem_zalloc(sizeof *a);
    if (a == NULL)
        return NULL;
    *a = (struct asking){ .question = question, .conn = conn, .ch = ch };
    request_init(&a->req, conn, TAKES_NOTHING);
    a->req.session = a;
    error_init(&a->error);
    conn_hold(conn);
    return a;
}

void asking_free(struct asking *a)
{
    request_done(&a->req);
    error_clear(&a->error);
    sshio_chan_unref(a->prepared);
    mem_free(a->dest_host);
    mem_free(a->orig_host);
    conn_release(a->conn);
    mem_free(a);
}

static bool fits(const struct asking *a, const sshio_chan *prepared)
{
    return prepared == NULL || (prepared->prepared && prepared->conn == a->conn && prepared->kind == a->question->kind);
}

struct asking *asking_of(sshio_request *req, const struct question *kind, const struct question *other,
                         sshio_chan *prepared, const char *function)
{
    struct asking *a = req != NULL ? req->session : NULL;
    bool known = a != NULL && a->ch != NULL && (a->question == kind || a->question == other);
    if (known && fits(a, prepared)) {
        sshio_chan_unref(a->prepared);
        a->prepared = prepared;
        return a;
    }
    sshio_chan_unref(prepared);
    fail(SSHIO_EINVAL, "%s: this %s", function,
         known ? "channel is of another kind or connection, or in use"
               : "question is not answered so, or was answered");
    return NULL;
}

static sshio_chan *new_chan(struct asking *a, const sshio_session_handlers *handlers, void *user)
{
    const struct settings *s = a->conn->settings;
    sshio_chan *chan = chan_new(a->conn, handlers, user);
    if (chan == NULL)
        return NULL;
    chan->kind = a->question->kind;
    if (chan->kind == CHAN_SESSION && chan_use_encoding(chan, s->encoding, s->errors) != 0) {
        chan_release(chan);
        return NULL;
    }
    return chan;
}

sshio_chan *asking_chan(struct asking *a, const sshio_session_handlers *handlers, void *user)
{
    sshio_chan *prepared = a->prepared;
    a->prepared = NULL;
    return prepared != NULL ? chan_of_prepared(prepared, handlers, user) : new_chan(a, handlers, user);
}

uint32_t asking_window(const struct asking *a)
{
    return a->prepared != NULL && a->prepared->window != 0 ? a->prepared->window : a->conn->settings->window;
}

static int run(void *arg)
{
    struct asking *a = arg;
    int answer = a->question->ask(a);
    if (answer < 0)
        error_copy(&a->error, last_error());
    return answer;
}

/* A negative answer is the connection's end, but that of raise_channel_open only the request's. */
static void done(int answer, void *arg)
{
    struct asking *a = arg;
    bool pending = a->ch != NULL && !engine_ended(a->conn->engine);
    if (pending && answer < 0 && answer != SSHIO_ECHANNEL_OPEN)
        conn_handler_failed(a->conn, answer, &a->error);
    else if (pending && answer < 0)
        channel_refuse(a->ch, a->error.pub.reason, error_message(&a->error));
    else if (pending)
        channel_refuse(a->ch, SSHIO_OPEN_CONNECT_FAILED, a->question->refusal);
    asking_free(a);
}

void asking_start(struct asking *a)
{
    struct error e;
    error_init(&e);
    if (task_start(a->conn->loop, run, a, done, NULL, &e) != 0) {
        channel_refuse(a->ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Out of memory");
        asking_free(a);
    }
    error_clear(&e);
}
