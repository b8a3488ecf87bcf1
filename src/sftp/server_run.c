/* Working on a request: at once where nothing can block, on a worker, or in a task where the application has handlers;
 * and what comes of it. See server.h. */
#include <inttypes.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/task.h"
#include "io/worker.h"
#include "sftp/server.h"
#include "sftp/status.h"

#define WRITE_NOW_MAX (256u * 1024) /* what may be copied on the loop */

struct local_file *request_file(const struct sftp_request *q)
{
    return q->local != NULL ? q->local : q->handle != NULL ? q->handle->local : NULL;
}

int request_work(void *request)
{
    struct sftp_request *q = request;
    return q->row->work(q);
}

/* What goes through a whole file, whose length the client chooses: a hole costs it nothing. */
static bool takes_long(const struct sftp_request *q)
{
    enum sftp_extension e = q->row->extension;
    return e == EXT_COPY_DATA || e == EXT_COPY_FILE || e == EXT_CHECK_FILE || e == EXT_CHECK_FILE_HANDLE ||
           e == EXT_CHECK_FILE_NAME;
}

/* A file that is about to be closed on a worker leaves the list of files here, on the loop's thread. */
static void detach(struct sftp_request *q)
{
    struct local_file *file = request_file(q);
    q->detached = q->row->type == FXP_CLOSE && file != NULL;
    if (q->detached)
        list_remove(&file->link);
}

/* ---- what comes of it ---- */

static bool is_reading(const struct sftp_request *q)
{
    return q->row->type == FXP_READ;
}

static bool opens(const struct sftp_request *q)
{
    return q->row->type == FXP_OPEN || q->row->type == FXP_OPENDIR;
}

/* What was opened all the same has nobody who could close it. */
static void undo_open(struct sftp_request *q)
{
    if (q->opened != NULL)
        local_close(q->opened);
    local_closedir(q->opened_dir);
    listing_close(q->opened_listing);
    handle_remove(q->server, q->handle);
    q->handle = NULL;
}

static void keep_open(struct sftp_request *q)
{
    struct sftp_handle *handle = q->handle;
    if (q->opened != NULL) {
        list_append(&q->server->files, &q->opened->link);
        q->file = q->opened;
    }
    handle->hidden = false;
    handle->is_dir = q->row->type == FXP_OPENDIR;
    handle->file = q->file;
    handle->local = sftp_server_local_file(q->server, q->file);
    if (handle->local != NULL) {
        handle->has_inode = true;
        handle->append = handle->local->append;
        handle->dev = handle->local->dev;
        handle->ino = handle->local->ino;
    }
    handle->dir = q->opened_dir;
    handle->listing = q->opened_listing;
    handle->path = mem_strdup(q->path);
}

static void log_handle(const struct sftp_request *q, const char *what)
{
    const struct sftp_handle *handle = q->handle;
    char path[512];
    if (!log_enabled(q->server->logger, SSHIO_LOG_INFO, 0) || handle->path == NULL)
        return;
    log_escaped(span_of(handle->path), path, sizeof path);
    if (handle->is_dir)
        log_info(q->server->logger, "%sdir \"%s\"", what, path);
    else if (q->row->type == FXP_CLOSE)
        log_info(q->server->logger, "%s \"%s\" bytes read %" PRIu64 " written %" PRIu64, what, path, handle->bytes_read,
                 handle->bytes_written);
    else
        log_info(q->server->logger, "%s \"%s\"", what, path);
}

/* Handles come and go on the loop's thread. */
static void settle(struct sftp_request *q)
{
    if (!q->begun)
        return;
    if (opens(q) && q->handle != NULL) {
        if (q->result != 0) {
            undo_open(q);
            return;
        }
        keep_open(q);
        log_handle(q, "open");
    }
    if (q->row->type == FXP_CLOSE && q->handle != NULL) {
        log_handle(q, "close");
        if (q->detached && q->handle->local != NULL) /* it did not come to that */
            list_append(&q->server->files, &q->handle->local->link);
        local_closedir(q->handle->dir);
        handle_remove(q->server, q->handle);
        q->handle = NULL;
    }
    if (q->result == 0 && is_reading(q))
        q->handle->bytes_read += q->got;
    if (q->result == 0 && q->row->type == FXP_WRITE)
        q->handle->bytes_written += q->length;
}

static void answer(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    static const uint8_t replies[] = { FXP_HANDLE, FXP_ATTRS, FXP_NAME, FXP_EXTENDED_REPLY };
    if (q->result != 0) {
        reply_error(server, q->id, &q->error);
    } else if (is_reading(q)) {
        reply_data(q);
    } else if (q->row->reply == NULL) {
        reply_status(server, q->id, SSHIO_FX_OK, "");
    } else {
        bool named = q->row->reply == reply_name || q->row->reply == reply_names;
        unsigned kind = q->row->reply == reply_handle ? 0 : q->row->reply == reply_attrs ? 1 : named ? 2 : 3;
        reply_begin(server, replies[kind], q->id);
        q->row->reply(q, &server->out);
        sftp_server_send(server);
    }
}

void request_answer(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    if (q->done)
        server->held--;
    q->done = false;
    if (server->state < SERVER_ENDED)
        answer(q);
    if (q->running)
        server->running--;
    if (q->block == server->read_block)
        q->block = NULL;
    q->running = false;
    if (list_linked(&q->link))
        request_free(q);
}

void request_finish(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    settle(q);
    q->done = server->state < SERVER_ENDED && request_is_held(q);
    if (q->done)
        server->held++;
    else
        request_answer(q);
    sftp_server_schedule(server);
}

static void fail_request(struct sftp_request *q, int rc)
{
    q->result = rc;
    if (rc < 0 && error_code(last_error()) == rc)
        error_copy(&q->error, last_error());
    else if (rc < 0)
        error_set(&q->error, rc, "%s", sshio_error_text(rc));
}

/* ---- on a worker ---- */

static void work_done(int result, void *arg)
{
    struct sftp_request *q = arg;
    fail_request(q, result);
    request_finish(q);
}

/* ---- in a task ---- */

/* What REALPATH of version 6 wants to know besides, when a handler gave the path. */
static int check_real(struct sftp_request *q)
{
    char *asked = q->path;
    if (q->control == SSHIO_FXRP_NO_CHECK)
        return 0;
    q->path = q->text;
    int rc = ask_stat(q);
    if (rc == SSHIO_DEFAULT && (rc = ask_map_paths(q)) == 0) {
        static const struct request_row row = { .work = work_stat };
        const struct request_row *own = q->row;
        q->row = &row;
        rc = worker_run(request_work, q);
        q->row = own;
    }
    q->path = asked;
    return rc != 0 && q->control == SSHIO_FXRP_STAT_IF_EXISTS ? 0 : rc;
}

static int work_in_task(struct sftp_request *q)
{
    int rc = ask_map_paths(q);
    if (rc == 0) {
        detach(q);
        rc = takes_long(q) ? worker_run_long(request_work, q) : worker_run(request_work, q);
    }
    if (rc == 0 && q->text != NULL && q->row->type == FXP_REALPATH)
        rc = ask_reverse_map(q);
    return rc;
}

static int run_task(void *arg)
{
    struct sftp_request *q = arg;
    int rc = q->row->ask(q);
    if (rc == SSHIO_DEFAULT)
        rc = work_in_task(q);
    else if (rc == 0 && q->row->type == FXP_REALPATH)
        rc = check_real(q);
    if (rc == 0 && q->row->type == FXP_READDIR)
        rc = ask_longnames(q);
    if (rc > 0)
        rc = fail(SSHIO_EINVAL, "handler of SFTP request %s gave %d", q->row->name, rc);
    fail_request(q, rc);
    return rc;
}

static void task_done(int result, void *arg)
{
    struct sftp_request *q = arg;
    (void)result;
    q->task = NULL;
    request_finish(q);
}

static void start_task(struct sftp_request *q)
{
    struct error e;
    error_init(&e);
    if (task_start(q->server->loop, run_task, q, task_done, &q->task, &e) != 0) {
        error_move(&q->error, &e);
        q->result = error_code(&q->error);
        request_finish(q);
    }
    error_clear(&e);
}

/* ---- at once ---- */

static bool read_now(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    const struct local_file *file = request_file(q);
    if (server->read_block == NULL && (server->read_block = sftp_server_block(server)) == NULL)
        return false;
    if (file == NULL || !local_read_now(file, q->offset, server->read_block + SERVER_DATA_HEAD, q->length, &q->got))
        return false;
    q->block = server->read_block;
    q->at_end = q->got < q->length;
    if (q->got == 0 && q->length != 0)
        q->result = error_set(&q->error, SSHIO_ESFTP_EOF, "%s", sshio_error_text(SSHIO_ESFTP_EOF));
    return true;
}

/* What takes no longer than to find a worker for it, when the file lies in memory. */
static bool is_short(const struct sftp_request *q)
{
    unsigned type = q->row->type;
    return type == FXP_CLOSE || type == FXP_FSTAT || type == FXP_FSETSTAT ||
           (type == FXP_WRITE && q->length <= WRITE_NOW_MAX);
}

static bool work_now(struct sftp_request *q)
{
    const struct local_file *file = request_file(q);
    if (q->row->work == work_nothing)
        return true;
    if (is_reading(q))
        return !request_is_held(q) && read_now(q); /* the block for that is wanted again at once */
    if (file == NULL || !file->never_waits || !is_short(q))
        return false;
    detach(q);
    fail_request(q, request_work(q));
    return true;
}

/* ---- starting ---- */

static bool prepare(struct sftp_request *q)
{
    if (opens(q) && (q->handle = handle_add(q->server)) == NULL)
        fail_request(q, error_code(last_error()));
    return q->result == 0;
}

/* The block that a READ fills when it cannot be done at once. */
static bool get_block(struct sftp_request *q)
{
    if (!is_reading(q) || q->block != NULL)
        return true;
    q->block = sftp_server_block(q->server);
    if (q->block == NULL)
        q->result = error_nomem(&q->error);
    return q->block != NULL;
}

static int submit(struct sftp_request *q)
{
    return takes_long(q) ? worker_submit_long(request_work, q, work_done) : worker_submit(request_work, q, work_done);
}

void request_start(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    q->running = true;
    server->running++;
    if (q->result != 0 || !prepare(q)) {
        request_finish(q);
        return;
    }
    q->begun = true;
    bool asks = server->has_handlers && q->row->ask != NULL;
    if (!asks && work_now(q)) {
        request_finish(q);
    } else if (!get_block(q)) {
        request_finish(q);
    } else if (asks) {
        start_task(q);
    } else if (server->alone) {
        detach(q);
        work_done(request_work(q), q);
    } else if (detach(q), submit(q) != 0) {
        fail_request(q, SSHIO_ENOMEM);
        request_finish(q);
    }
}
