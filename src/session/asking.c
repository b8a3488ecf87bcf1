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
    mem_free(a->dest_host);
    mem_free(a->orig_host);
    conn_release(a->conn);
    mem_free(a);
}

struct asking *asking_of(sshio_request *req, const struct question *kind, const struct question *other,
                         const char *function)
{
    struct asking *a = req != NULL ? req->session : NULL;
    if (a != NULL && a->ch != NULL && (a->question == kind || a->question == other))
        return a;
    fail(SSHIO_EINVAL, "%s: this question is not answered so, or was answered", function);
    return NULL;
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
