/* Which request may be worked on while earlier ones are not done yet: what happens to one file, and to names, has to be
 * as if requests were done one after the other. See server.h. (draft-ietf-secsh-filexfer-13 section 4.1) */
#include "sftp/server.h"

static bool is_same_file(const struct sftp_handle *a, const struct sftp_handle *b)
{
    if (a == NULL || b == NULL)
        return false;
    return a == b || (a->has_inode && b->has_inode && a->dev == b->dev && a->ino == b->ino);
}

static bool touches(const struct sftp_request *a, const struct sftp_request *b)
{
    return is_same_file(a->handle, b->handle) || is_same_file(a->handle, b->handle2) ||
           is_same_file(a->handle2, b->handle) || is_same_file(a->handle2, b->handle2);
}

/* Appending writes go where the last one ended. */
static bool has_place(const struct sftp_request *q)
{
    return q->cls == CLASS_READ || (q->handle->has_inode && !q->handle->append);
}

static bool ends_behind(const struct sftp_request *q, uint64_t place)
{
    return q->offset >= place || place - q->offset < q->length;
}

/* A write that ends behind where a read begins may make the file so long that there is something to be read. */
static bool meet(const struct sftp_request *a, const struct sftp_request *b)
{
    if (!has_place(a) || !has_place(b))
        return true;
    if (a->cls == CLASS_READ || b->cls == CLASS_READ)
        return a->cls == CLASS_READ ? ends_behind(b, a->offset) : ends_behind(a, b->offset);
    return ends_behind(a, b->offset) && ends_behind(b, a->offset);
}

static bool is_transfer(const struct sftp_request *q)
{
    return q->cls == CLASS_READ || q->cls == CLASS_WRITE;
}

/* Can who looks at names see that it was done? */
static bool shows(const struct sftp_request *q)
{
    const struct local_file *file = q->handle != NULL ? q->handle->local : NULL;
    return q->row->writes || (q->row->type == FXP_CLOSE && file != NULL && file->is_doomed);
}

/* Has b to wait for a, which came before it? */
static bool conflicts(const struct sftp_request *a, const struct sftp_request *b)
{
    if (b->cls == CLASS_FREE || a->cls == CLASS_FREE)
        return false;
    if (a->cls == CLASS_CHANGE || b->cls == CLASS_CHANGE)
        return true;
    if (b->cls == CLASS_QUERY)
        return a->cls == CLASS_WRITE || a->cls == CLASS_HANDLE;
    if (a->cls == CLASS_QUERY)
        return shows(b);
    if (!touches(a, b))
        return false;
    if (is_transfer(a) && is_transfer(b))
        return (a->cls == CLASS_WRITE || b->cls == CLASS_WRITE) && meet(a, b);
    return true;
}

static bool may_start(const struct sftp_request *q)
{
    const sshio_sftp_server *server = q->server;
    if (server->serial)
        return q->link.prev == &server->requests;
    for (const struct list *node = q->link.prev; node != &server->requests; node = node->prev)
        if (conflicts(LIST_ENTRY(node, struct sftp_request, link), q))
            return false;
    return true;
}

/* OpenSSH's client cuts a file that it has uploaded where it saw the first reply out of order, and says nothing. So
 * reads and writes of a file are answered in the order in which they came, though they are done in any. */
bool request_is_held(const struct sftp_request *q)
{
    const struct list *first = &q->server->requests;
    if (q->row->type != FXP_READ && q->row->type != FXP_WRITE)
        return false;
    for (const struct list *node = q->link.prev; node != first; node = node->prev) {
        const struct sftp_request *before = LIST_ENTRY(node, struct sftp_request, link);
        if (before->handle == q->handle && is_transfer(before))
            return true;
    }
    return false;
}

static void answer_those_that_may(sshio_sftp_server *server)
{
    LIST_EACH_SAFE(node, &server->requests)
    {
        struct sftp_request *q = LIST_ENTRY(node, struct sftp_request, link);
        if (server->held == 0)
            return;
        if (q->done && !request_is_held(q))
            request_answer(q);
        if (server->state >= SERVER_ENDED) /* the others are gone */
            return;
    }
}

static bool can_work(const sshio_sftp_server *server)
{
    return server->state < SERVER_ENDED && !server->port_full && server->running < limits_default.sftp_jobs;
}

static void start_those_that_may(sshio_sftp_server *server)
{
    LIST_EACH_SAFE(node, &server->requests)
    {
        struct sftp_request *q = LIST_ENTRY(node, struct sftp_request, link);
        if (!can_work(server))
            return;
        if (!q->running && may_start(q))
            request_start(q);
        if (server->state >= SERVER_ENDED) /* the others are gone */
            return;
    }
}

/* One that is done at once may let others go that were passed by. */
void sftp_server_schedule(sshio_sftp_server *server)
{
    server->schedule_again = true;
    if (server->scheduling)
        return;
    server->scheduling = true;
    while (server->schedule_again) {
        server->schedule_again = false;
        answer_those_that_may(server);
        start_those_that_may(server);
    }
    server->scheduling = false;
    sftp_server_check_end(server);
}
