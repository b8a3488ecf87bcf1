/* SFTP sessions of a server: life, packets in and out, the end; see server.h. */
#include "sftp/message_log.h"
#include "sftp/server.h"

#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/task.h"
#include "io/worker.h"
#include "session/chan.h"

#define OUT_MAX (1024u * 1024) /* of one reply */
#define BLOCKS_KEPT 8u
#define REQUESTS_KEPT 64u

/* ---- memory ---- */

static void *take_memory(void *user, size_t size, size_t *capacity)
{
    sshio_sftp_server *server = user;
    *capacity = size <= SERVER_BLOCK_LEN ? SERVER_BLOCK_LEN : size;
    return size <= SERVER_BLOCK_LEN ? pool_take(&server->blocks) : mem_alloc(size);
}

static void give_memory(void *user, void *memory, size_t capacity)
{
    sshio_sftp_server *server = user;
    if (capacity == SERVER_BLOCK_LEN)
        pool_give(&server->blocks, memory);
    else
        mem_free(memory);
}

const struct framer_memory sftp_server_memory = { take_memory, give_memory };

uint8_t *sftp_server_block(sshio_sftp_server *server)
{
    return pool_take(&server->blocks);
}

/* ---- life ---- */

struct making {
    struct local_options options;
    struct local *local;
};

static int make_local(void *arg)
{
    struct making *making = arg;
    return local_new(&making->options, &making->local);
}

static bool has_handlers(const sshio_sftp_server_handlers *handlers)
{
    static const sshio_sftp_server_handlers none;
    sshio_sftp_server_handlers asked = *handlers;
    asked.exit = NULL;
    return memcmp(&asked, &none, sizeof none) != 0;
}

static void apply(sshio_sftp_server *server, const sshio_sftp_server_options *o)
{
    if (o->handlers != NULL)
        server->handlers = *o->handlers;
    server->user = o->user;
    server->has_handlers = has_handlers(&server->handlers);
    server->serial = server->has_handlers && !o->concurrent;
    server->read_only = o->read_only;
    server->may_name_users = o->chroot == NULL;
    server->max_version = o->sftp_version;
}

static int make(sshio_sftp_server *server, const sshio_sftp_server_options *o)
{
    struct making making = { { o->chroot, o->start_dir, o->umask, o->follow_outside_links }, NULL };
    if (o->sftp_version != 0 && (o->sftp_version < SSHIO_MIN_SFTP_VERSION || o->sftp_version > SSHIO_MAX_SFTP_VERSION))
        return fail(SSHIO_EINVAL, "SFTP version %d, which must be 3 to 6", o->sftp_version);
    apply(server, o);
    int rc = handles_init(server);
    if (rc == 0)
        rc = sftp_server_deny_requests(server, o->allow_requests, o->deny_requests);
    if (rc == 0)
        rc = worker_run(make_local, &making);
    server->local = making.local;
    return rc;
}

int sftp_server_new(const sshio_sftp_server_options *options, sshio_sftp_server **made)
{
    sshio_sftp_server_options known;
    int rc = OPTIONS_TAKE(&known, options);
    sshio_sftp_server *server = rc == 0 ? mem_zalloc(sizeof *server) : NULL;
    if (server == NULL)
        return rc != 0 ? rc : fail_nomem();
    server->refs = 1;
    server->loop = loop_current();
    list_init(&server->requests);
    list_init(&server->files);
    pool_init(&server->blocks, SERVER_BLOCK_LEN, BLOCKS_KEPT);
    pool_init(&server->request_pool, sizeof(struct sftp_request), REQUESTS_KEPT);
    framer_init(&server->framer, false, &sftp_server_memory, server);
    writer_init(&server->out, OUT_MAX);
    rc = make(server, &known);
    if (rc == 0)
        *made = server;
    else
        sftp_server_release(server);
    return rc;
}

void sftp_server_serve_channel(sshio_sftp_server *server, sshio_chan *chan)
{
    server->chan = chan;
    chan_hold(chan);
}

static int close_files(void *arg)
{
    sshio_sftp_server *server = arg;
    for (uint32_t i = 0; server->handles != NULL && i < server->handle_slots; i++)
        if (server->handles[i] != NULL)
            local_closedir(server->handles[i]->dir);
    LIST_EACH_SAFE(node, &server->files)
    {
        local_close(LIST_ENTRY(node, struct local_file, link));
    }
    return 0;
}

void sftp_server_release(sshio_sftp_server *server)
{
    if (server == NULL || --server->refs > 0)
        return;
    close_files(server); /* a handler that outlived the session may have opened one */
    if (server->chan != NULL)
        chan_release(server->chan);
    framer_done(&server->framer);
    pool_give(&server->blocks, server->read_block);
    pool_done(&server->blocks);
    pool_done(&server->request_pool);
    writer_done(&server->out);
    texts_done(&server->env);
    mem_free(server->handles);
    local_free(server->local);
    logger_unref(server->logger);
    mem_free(server);
}

void sftp_server_start(sshio_sftp_server *server, const struct sftp_port_ops *port, void *user, sshio_logger *logger,
                       int version)
{
    server->port = port;
    server->port_user = user;
    server->logger = logger_new(logger, "sftp", NULL);
    if (server->max_version == 0)
        server->max_version = version;
    server->dialect = (struct dialect){ .version = SSHIO_MIN_SFTP_VERSION, .server = true };
    log_info(server->logger, "Starting SFTP server");
}

/* ---- packets ---- */

/* Room for others comes with an answer. */
static bool is_busy(const sshio_sftp_server *server)
{
    return server->request_count >= limits_default.sftp_requests || server->payload >= limits_default.sftp_payload;
}

static void take_packet(sshio_sftp_server *server)
{
    struct span packet = framer_packet(&server->framer);
    message_log(server->logger, false, server->dialect.version, packet, SPAN(NULL, 0));
    if (server->state == SERVER_HELLO)
        sftp_server_hello(server, packet);
    else
        sftp_server_packet(server, packet);
}

size_t sftp_server_feed(sshio_sftp_server *server, const uint8_t *data, size_t len)
{
    struct span bytes = SPAN(data, len);
    while (bytes.len != 0 && server->state <= SERVER_OPEN) {
        struct error e;
        if (is_busy(server)) {
            server->stopped = true;
            break;
        }
        error_init(&e);
        int rc = framer_feed(&server->framer, &bytes, &e);
        if (rc == FRAMER_PACKET)
            take_packet(server);
        if (rc < 0) {
            log_warning(server->logger, "SFTP session ends: %s", error_message(&e));
            sftp_server_end(server, 1);
        }
        error_clear(&e);
    }
    return server->state <= SERVER_OPEN ? len - bytes.len : len;
}

void sftp_server_send(sshio_sftp_server *server)
{
    put_close(&server->out, 0);
    if (writer_failed(&server->out)) {
        log_warning(server->logger, "SFTP session ends: a reply found no memory");
        sftp_server_end(server, 1);
        return;
    }
    message_log(server->logger, true, server->dialect.version, SPAN(server->out.data + 4, server->out.len - 4),
                SPAN(NULL, 0));
    server->port->write(server, server->out.data, server->out.len);
    writer_reset(&server->out);
}

/* Reading goes on when half of what was there is answered. */
static void read_on(sshio_sftp_server *server)
{
    bool room = server->request_count <= limits_default.sftp_requests / 2 &&
                server->payload <= limits_default.sftp_payload / 2;
    if (!server->stopped || !room || server->state > SERVER_OPEN)
        return;
    server->stopped = false;
    server->port->read_on(server);
}

void sftp_server_port_full(sshio_sftp_server *server, bool full)
{
    server->port_full = full;
    if (!full)
        sftp_server_schedule(server);
}

/* ---- the end ---- */

void sftp_server_eof(sshio_sftp_server *server)
{
    bool inside = framer_is_inside(&server->framer);
    if (server->state >= SERVER_ENDING)
        return;
    if (inside || server->state == SERVER_HELLO) {
        sftp_server_end(server, inside ? 1 : 0);
        return;
    }
    server->state = SERVER_ENDING;
    sftp_server_check_end(server);
}

void sftp_server_lost(sshio_sftp_server *server)
{
    sftp_server_end(server, 1);
}

/* What stands in the queue and was not begun is dropped. */
static void drop_requests(sshio_sftp_server *server)
{
    LIST_EACH_SAFE(node, &server->requests)
    {
        struct sftp_request *q = LIST_ENTRY(node, struct sftp_request, link);
        if (q->done)
            request_answer(q);
        else if (!q->running)
            request_free(q);
        else if (q->task != NULL)
            sshio_cancel(q->task);
    }
}

/* An application's files are its own to close, while it still can say so. */
static void close_handles(sshio_sftp_server *server)
{
    for (uint32_t i = 0; i < server->handle_slots; i++) {
        struct sftp_handle *handle = server->handles[i];
        if (handle == NULL)
            continue;
        listing_close(handle->listing);
        handle_remove(server, handle);
    }
}

static void cleaned(int result, void *arg)
{
    sshio_sftp_server *server = arg;
    (void)result;
    close_handles(server);
    server->state = SERVER_CLEANED;
    if (server->handlers.exit != NULL)
        server->handlers.exit(server, server->user);
    log_info(server->logger, "SFTP server exited");
    server->port->cleaned(server, server->status);
}

/* The handler's own close first, in a task, as it may wait. */
static int clean_in_task(void *arg)
{
    sshio_sftp_server *server = arg;
    for (uint32_t i = 0; i < server->handle_slots; i++) {
        struct sftp_handle *handle = server->handles[i];
        if (handle == NULL || handle->is_dir || handle->file == NULL || server->handlers.close == NULL)
            continue;
        server->handlers.close(server, handle->file, server->user); /* what is left is closed with the others */
    }
    worker_run(close_files, server);
    return 0;
}

static void clean(sshio_sftp_server *server)
{
    struct error e;
    error_init(&e);
    server->state = SERVER_CLEANING;
    bool begun = server->handlers.close != NULL
                     ? task_start(server->loop, clean_in_task, server, cleaned, NULL, &e) == 0
                     : worker_submit(close_files, server, cleaned) == 0;
    error_clear(&e);
    if (begun)
        return;
    close_files(server);
    cleaned(0, server);
}

void sftp_server_end(sshio_sftp_server *server, int status)
{
    if (server->state >= SERVER_ENDED)
        return;
    server->state = SERVER_ENDED;
    server->status = status;
    __atomic_store_n(&server->stop, true, __ATOMIC_RELAXED);
    drop_requests(server);
    sftp_server_check_end(server);
}

void sftp_server_check_end(sshio_sftp_server *server)
{
    if (server->state <= SERVER_OPEN)
        read_on(server);
    else if (server->state <= SERVER_ENDED && server->request_count == 0)
        clean(server);
}
