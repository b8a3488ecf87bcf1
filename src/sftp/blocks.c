/* Moving the bytes of files; see blocks.h. */
#include "sftp/blocks.h"

#include <errno.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local_io.h"

#define AT_ONCE_BYTES (4u * 1024 * 1024) /* under way at first */
#define AT_ONCE_MIN 16u
#define AT_ONCE_MAX 128u
#define GROWN_BYTES (16u * 1024 * 1024) /* and at most */
#define GROWN_MAX 512u
#define APART_MAX (32u * 1024 * 1024) /* bytes between the oldest block under way and the newest */
#define SHORT_MIN 512u
#define SHORTS 3u      /* so many of the same length: that is what the server gives */
#define LONG_WAY_MS 2u /* a reply that takes less says nothing about the way */

struct block {
    struct request rq;
    struct list order; /* in active */
    struct list link;  /* in sending, ready or unused */
    struct blocks *b;
    uint64_t offset;
    uint32_t len;
    uint8_t *buffer; /* of `size` bytes; NULL = the data lies where it is to be, or there is none */
    size_t size;
    bool empty_before;
    bool in_job;
    uint64_t sent_ms;
    struct local_io io;
};

size_t blocks_size(const sshio_sftp *s, bool reads, bool writes, int64_t wanted)
{
    uint64_t size = wanted > 0 ? (uint64_t)wanted : CLIENT_BUFFER;
    if (wanted <= 0 && reads && s->limits.max_read_len < size)
        size = s->limits.max_read_len;
    if (wanted <= 0 && writes && s->limits.max_write_len < size)
        size = s->limits.max_write_len;
    return size < SFTP_PACKET_MAX - 1024 ? (size_t)size : SFTP_PACKET_MAX - 1024;
}

unsigned blocks_window(size_t block)
{
    size_t count = AT_ONCE_BYTES / block;
    return count < AT_ONCE_MIN ? AT_ONCE_MIN : count > AT_ONCE_MAX ? AT_ONCE_MAX : (unsigned)count;
}

/* ---- the end ---- */

static void pump(struct blocks *b);

static bool work_is_left(const struct blocks *b)
{
    return !b->stopped && b->range < b->range_count && b->next < b->eof;
}

static void wake(struct blocks *b, int result)
{
    if (b->waiting)
        completion_complete(&b->completion, result);
    b->waiting = false;
}

static void wake_if_idle(struct blocks *b)
{
    if (b->cancelled != 0 && b->jobs == 0)
        wake(b, b->cancelled);
    else if (b->under_way == 0 && (b->starved || !work_is_left(b)))
        wake(b, 0);
}

/* The first failure counts. e is moved. */
static void stop(struct blocks *b, struct error *e)
{
    b->stopped = true;
    if (error_code(&b->error) == 0)
        error_move(&b->error, e);
    else
        error_clear(e);
}

static void stop_nomem(struct blocks *b)
{
    struct error e;
    error_init(&e);
    error_nomem(&e);
    stop(b, &e);
}

static void note_end(struct blocks *b, uint64_t offset)
{
    if (offset < b->eof)
        b->eof = offset;
}

/* ---- blocks ---- */

static struct block *take_block(struct blocks *b, uint64_t offset, uint32_t len)
{
    struct list *node = list_take(&b->unused);
    struct block *block = node != NULL ? LIST_ENTRY(node, struct block, link) : mem_alloc(sizeof *block);
    if (block == NULL) {
        stop_nomem(b);
        return NULL;
    }
    *block = (struct block){ .b = b, .offset = offset, .len = len };
    list_init(&block->link);
    list_init(&block->order);
    b->under_way++;
    return block;
}

static void give_buffer(struct block *block)
{
    client_give_buffer(block->b->sftp, block->buffer, block->size);
    block->buffer = NULL;
}

/* It is off all lists but that of the unused. */
static void put_away(struct block *block)
{
    struct blocks *b = block->b;
    give_buffer(block);
    list_remove(&block->order);
    list_remove(&block->link);
    list_append(&b->unused, &block->link);
    b->under_way--;
}

/* What is below the oldest failure, or the end of the source, is intact. */
static void note_hole(struct blocks *b, const struct block *block)
{
    if (block->offset < b->intact)
        b->intact = block->offset;
}

static void drop(struct block *block, struct error *e)
{
    struct blocks *b = block->b;
    note_hole(b, block);
    put_away(block);
    if (e != NULL)
        stop(b, e);
    pump(b);
}

static void handler_failed(struct blocks *b, int rc)
{
    struct error e;
    error_init(&e);
    if (error_code(last_error()) == rc)
        error_copy(&e, last_error());
    else
        error_set(&e, rc, "the progress handler ended the transfer");
    stop(b, &e);
}

/* len bytes of it are at their target, and that is all of it. */
static void finish(struct block *block, uint32_t len)
{
    struct blocks *b = block->b;
    put_away(block);
    b->done += len;
    int rc = b->moved != NULL && len != 0 && b->cancelled == 0 ? b->moved(b->user, len) : 0;
    if (rc < 0)
        handler_failed(b, rc);
    pump(b);
}

/* ---- to the target ---- */

/* A way on which replies take long, but no longer than at first, holds more. */
static void note_latency(struct blocks *b, const struct block *block)
{
    uint64_t ms = loop_now_ms(b->sftp->chan->conn->loop) - block->sent_ms;
    if (ms < b->latency_ms)
        b->latency_ms = ms;
    if (b->grows && b->under_way >= b->window && ms >= LONG_WAY_MS && ms <= 2 * b->latency_ms &&
        b->window < b->window_max)
        b->window++;
}

static void written(struct request *rq, uint8_t type, struct reader *body)
{
    struct block *block = LIST_ENTRY(rq, struct block, rq);
    struct blocks *b = block->b;
    struct error e;
    error_init(&e);
    note_latency(b, block);
    if (reply_check(b->sftp, type, body, FXP_STATUS, b->what, &e) == 0)
        finish(block, block->len);
    else
        drop(block, &e);
}

static uint8_t *data_of(const struct block *block)
{
    const struct end *from = &block->b->from;
    return from->kind == END_MEMORY ? from->memory + (block->offset - from->base) : block->buffer;
}

/* Sends while the channel takes it. */
static void send_block(struct block *block)
{
    struct blocks *b = block->b;
    struct error e;
    if (client_is_full(b->sftp)) {
        list_append(&b->sending, &block->link);
        client_when_writable(b->sftp, &b->writable);
        return;
    }
    error_init(&e);
    struct writer *w = request_begin(b->sftp, FXP_WRITE);
    put_string(w, b->to.handle->bytes, b->to.handle->len);
    put_u64(w, block->offset + b->shift);
    put_u32(w, block->len);
    block->rq.replied = written;
    block->sent_ms = loop_now_ms(b->sftp->chan->conn->loop);
    int rc = request_send_data(b->sftp, &block->rq, data_of(block), block->len, block->buffer != NULL, &e);
    give_buffer(block);
    if (rc != 0)
        drop(block, &e);
}

static void send_waiting(struct writable *w)
{
    struct blocks *b = LIST_ENTRY(w, struct blocks, writable);
    struct list waiting, *node;
    list_init(&waiting);
    list_splice(&b->sending, &waiting);
    while ((node = list_take(&waiting)) != NULL)
        send_block(LIST_ENTRY(node, struct block, link));
    pump(b);
}

static void job_done(struct local_io *io)
{
    struct block *block = LIST_ENTRY(io, struct block, io);
    struct blocks *b = block->b;
    struct error e;
    block->in_job = false;
    b->jobs--;
    if (io->writes)
        client_let_buffer_go(b->sftp);
    if (b->cancelled != 0) {
        note_hole(b, block);
        put_away(block);
        wake_if_idle(b);
        return;
    }
    error_init(&e);
    if (io->os_errno != 0) {
        error_set_errno(&e, io->os_errno, "%s %s", io->writes ? "write" : "read", b->what);
        drop(block, &e);
    } else if (io->writes) {
        finish(block, block->len);
    } else {
        if (io->done < block->len)
            note_end(b, block->offset + io->done);
        block->len = (uint32_t)io->done;
        if (block->len != 0)
            send_block(block);
        else
            finish(block, 0);
    }
}

/* Here where that cannot take long, else on a worker. */
static void run_io(struct block *block, int fd, bool at_once, bool writes)
{
    struct blocks *b = block->b;
    block->io = (struct local_io){ .fd = fd,
                                   .data = block->buffer,
                                   .len = block->len,
                                   .offset = block->offset + (writes ? b->shift : 0),
                                   .writes = writes,
                                   .done_fn = job_done };
    block->in_job = true;
    b->jobs++;
    if (writes)
        client_hold_buffer(b->sftp);
    local_io_start(&block->io, at_once, &b->reads_miss);
}

/* len bytes have arrived, all that this block is about. */
static void deliver(struct block *block)
{
    struct blocks *b = block->b;
    switch (b->to.kind) {
    case END_MEMORY:
        finish(block, block->len);
        break;
    case END_REMOTE:
        send_block(block);
        break;
    case END_LOCAL:
        run_io(block, b->to.fd, b->to.at_once, true);
        break;
    case END_TASK:
        list_append(&b->ready, &block->link);
        wake(b, 0);
        break;
    }
}

/* ---- from the source ---- */

static bool ask(struct block *block);

/* A server that gives less each time is asked for less. */
static void note_short(struct blocks *b, uint32_t len)
{
    b->short_count = len == b->short_len ? b->short_count + 1 : 1;
    b->short_len = len;
    if (b->short_count >= SHORTS && len < b->block)
        b->block = len > SHORT_MIN ? len : SHORT_MIN;
}

/* The rest is asked for ahead of new blocks. */
static void ask_for_rest(struct block *block, uint32_t got)
{
    struct blocks *b = block->b;
    if (got >= block->len || block->offset + got >= b->eof)
        return;
    struct block *rest = take_block(b, block->offset + got, block->len - got);
    if (rest == NULL)
        return;
    list_insert(block->order.next, &rest->order);
    note_short(b, got);
    ask(rest);
}

static void nothing_arrived(struct block *block)
{
    struct blocks *b = block->b;
    struct error e;
    error_init(&e);
    if (!block->empty_before) {
        block->empty_before = true;
        ask(block);
        return;
    }
    error_set_reason(&e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s: the server answers with no data twice",
                     b->what);
    drop(block, &e);
}

/* The data of a reply lies where it was placed, or in the packet. */
static int take_data(struct block *block, struct reader *body, uint32_t *len, bool *eof, struct error *e)
{
    struct blocks *b = block->b;
    bool placed = framer_was_placed(&b->sftp->framer);
    *len = read_u32(body);
    struct span data = placed ? SPAN(NULL, 0) : read_bytes(body, *len);
    *eof = b->sftp->dialect.version >= 6 && reader_left(body) != 0 && read_bool(body);
    int rc = reply_end(b->sftp, body, b->what, e);
    if (rc == 0 && !placed && data.len != 0)
        rc = error_nomem(e); /* there was no memory to place it in */
    return rc;
}

static void arrived(struct request *rq, uint8_t type, struct reader *body)
{
    struct block *block = LIST_ENTRY(rq, struct block, rq);
    struct blocks *b = block->b;
    struct error e;
    uint32_t len = 0;
    bool eof = false;
    error_init(&e);
    note_latency(b, block);
    int rc = reply_check(b->sftp, type, body, FXP_DATA, b->what, &e);
    if (rc == 0)
        rc = take_data(block, body, &len, &eof, &e);
    if (rc == SSHIO_ESFTP_EOF) {
        error_clear(&e);
        note_end(b, block->offset);
        drop(block, NULL);
        return;
    }
    if (rc != 0) {
        drop(block, &e);
        return;
    }
    if (eof)
        note_end(b, block->offset + len);
    if (len == 0 && block->len != 0 && !eof) {
        nothing_arrived(block);
        return;
    }
    if (!b->stopped)
        ask_for_rest(block, len);
    block->len = len;
    deliver(block);
}

static uint8_t *place(struct request *rq, uint32_t len)
{
    struct block *block = LIST_ENTRY(rq, struct block, rq);
    struct blocks *b = block->b;
    (void)len;
    if (b->to.kind == END_MEMORY)
        return b->to.memory + (block->offset - b->to.base);
    give_buffer(block);
    block->size = block->len;
    block->buffer = client_take_buffer(b->sftp, block->size);
    return block->buffer;
}

static bool ask_remote(struct block *block)
{
    struct blocks *b = block->b;
    struct error e;
    error_init(&e);
    struct writer *w = request_begin(b->sftp, FXP_READ);
    put_string(w, b->from.handle->bytes, b->from.handle->len);
    put_u64(w, block->offset);
    put_u32(w, block->len);
    block->rq = (struct request){ .asked = block->len, .replied = arrived, .place = place };
    block->sent_ms = loop_now_ms(b->sftp->chan->conn->loop);
    int rc = request_send(b->sftp, &block->rq, &e);
    if (rc == 0)
        return true;
    note_hole(b, block);
    put_away(block);
    stop(b, &e);
    return false;
}

static bool ask_local(struct block *block)
{
    struct blocks *b = block->b;
    block->size = block->len;
    block->buffer = client_take_buffer(b->sftp, block->size);
    if (block->buffer == NULL) {
        note_hole(b, block);
        put_away(block);
        stop_nomem(b);
        return false;
    }
    run_io(block, b->from.fd, b->from.at_once, false);
    return true;
}

/* False = it could not be, and the block is put away. */
static bool ask(struct block *block)
{
    switch (block->b->from.kind) {
    case END_REMOTE:
        return ask_remote(block);
    case END_LOCAL:
        return ask_local(block);
    default:
        send_block(block);
        return true;
    }
}

/* ---- starting blocks ---- */

/* The oldest block under way holds the others back only when they have got far ahead of it. */
static bool is_far_ahead(const struct blocks *b)
{
    if (list_empty(&b->active))
        return false;
    const struct block *oldest = LIST_ENTRY(b->active.next, struct block, order);
    return b->next > oldest->offset && b->next - oldest->offset > APART_MAX;
}

static bool may_start(struct blocks *b)
{
    if (!work_is_left(b) || b->under_way >= b->window || is_far_ahead(b))
        return false;
    if (b->to.kind == END_REMOTE && (client_is_full(b->sftp) || !list_empty(&b->sending))) {
        client_when_writable(b->sftp, &b->writable);
        return false;
    }
    b->starved = !client_has_room(b->sftp);
    return !b->starved;
}

static void next_range(struct blocks *b)
{
    const struct range *r = &b->ranges[b->range];
    if (b->next < r->offset + r->len)
        return;
    b->range++;
    if (b->range < b->range_count)
        b->next = b->ranges[b->range].offset;
}

static void start_block(struct blocks *b)
{
    const struct range *r = &b->ranges[b->range];
    uint64_t left = r->offset + r->len - b->next;
    uint32_t len = (uint32_t)(left < b->block ? left : b->block);
    struct block *block = take_block(b, b->next, len);
    if (block == NULL)
        return;
    list_append(&b->active, &block->order);
    b->next += len;
    next_range(b);
    ask(block);
}

/* Blocks that end while one is started start no others: the loop that is there already does. */
static void pump(struct blocks *b)
{
    if (!b->pumping) {
        b->pumping = true;
        while (may_start(b))
            start_block(b);
        b->pumping = false;
    }
    wake_if_idle(b);
}

/* ---- waiting ---- */

static void give_up(struct blocks *b)
{
    b->stopped = true;
    LIST_EACH_SAFE(node, &b->active)
    {
        struct block *block = LIST_ENTRY(node, struct block, order);
        request_abandon(b->sftp, &block->rq);
        if (!block->in_job) {
            note_hole(b, block);
            put_away(block);
        }
    }
}

static void cancel(struct completion *c, int code)
{
    struct blocks *b = c->user;
    b->cancelled = code;
    give_up(b);
    wake_if_idle(b);
}

static void prepare(struct blocks *b)
{
    size_t most = GROWN_BYTES / b->block;
    b->grows = b->window == 0;
    if (b->window == 0)
        b->window = blocks_window(b->block);
    b->window_max = most > GROWN_MAX ? GROWN_MAX : most < b->window ? b->window : (unsigned)most;
    b->latency_ms = UINT64_MAX / 2;
    b->eof = b->intact = UINT64_MAX;
    b->next = b->range_count != 0 ? b->ranges[0].offset : 0;
    list_init(&b->active);
    list_init(&b->sending);
    list_init(&b->ready);
    list_init(&b->unused);
    b->writable = (struct writable){ .run = send_waiting };
    list_init(&b->writable.link);
    error_init(&b->error);
}

/* Calls the application's function for the blocks that have arrived; the first result that is not 0 ends it. */
static int hand_out(struct blocks *b)
{
    struct list *node;
    while ((node = list_take(&b->ready)) != NULL) {
        struct block *block = LIST_ENTRY(node, struct block, link);
        int rc = block->offset < b->eof ? b->to.block(block->offset, block->buffer, block->len, b->to.user) : 0;
        if (rc != 0) {
            list_append(&b->ready, node);
            give_up(b);
            return rc;
        }
        finish(block, block->len);
    }
    return 0;
}

static int wait_for_some(struct blocks *b)
{
    if (b->starved && b->under_way == 0 && work_is_left(b)) {
        int rc = waiters_wait(&b->sftp->room);
        b->starved = false;
        if (rc == 0)
            pump(b);
        return rc;
    }
    completion_init(&b->completion, cancel, b);
    b->waiting = true;
    int rc = completion_wait(&b->completion);
    b->waiting = false;
    return rc;
}

static int run(struct blocks *b)
{
    pump(b);
    int rc = hand_out(b);
    while (rc == 0 && (b->under_way != 0 || work_is_left(b))) {
        rc = wait_for_some(b);
        if (rc == 0)
            rc = hand_out(b);
    }
    return rc;
}

static void free_blocks(struct blocks *b)
{
    struct list *node;
    give_up(b);
    list_remove(&b->writable.link);
    while ((node = list_take(&b->unused)) != NULL)
        mem_free(LIST_ENTRY(node, struct block, link));
}

int blocks_run(struct blocks *b)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    prepare(b);
    client_hold(b->sftp);
    rc = run(b);
    uint64_t reached = b->next < b->eof ? b->next : b->eof;
    if (reached < b->intact)
        b->intact = reached;
    free_blocks(b);
    if (rc == 0 && error_code(&b->error) != 0)
        rc = fail_with(&b->error);
    error_clear(&b->error);
    client_release(b->sftp);
    return rc;
}
