/* Questions and their answers; see request.h. */
#include "conn/request.h"

#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"

void request_init(sshio_request *req, sshio_conn *conn)
{
    *req = (sshio_request){ .conn = conn };
}

void request_done(sshio_request *req)
{
    if (req->text != NULL)
        mem_free_secret(req->text, strlen(req->text));
    req->text = NULL;
}

sshio_conn *sshio_request_conn(sshio_request *req)
{
    return req->conn;
}

int sshio_answer_text(sshio_request *req, const char *text)
{
    if (!req->wants_text || text == NULL)
        return fail(SSHIO_EINVAL, "sshio_answer_text: this question is not answered with a text");
    request_done(req);
    req->text = mem_strdup(text);
    return req->text != NULL ? SSHIO_ANSWERED : fail_nomem();
}
