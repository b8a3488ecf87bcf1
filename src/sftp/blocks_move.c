/* Moving the bytes of files: one block, from its source and to its target; see blocks.h. */
#include "io/last_error.h"
#include "sftp/blocks_inside.h"

#define SHORT_MIN 512u
#define SHORTS 3u      /* so many of the same length: that is what the server gives */
#define LONG_WAY_MS 2u /* a reply that takes less says nothing about the way */

/* ---- to the target ---- */

/* A way on which replies take long, but no longer than at first, holds more. */
static void note_latency(struct blocks *b, const struct block *block)
{
    uint64_t ms = loop_now_ms(b->sftp->loop) - block->sent_ms;
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
        blocks_finish(block, block->len);
    else
        blocks_drop(block, &e);
}

static uint8_t *data_of(const struct block *block)
{
    const struct end *from = &block->b->from;
    return from->kind == END_MEMORY ? from->memory + (block->offset - from->base) : block->buffer;
}

/* Sends while the port takes it. */
void blocks_send(struct block *block)
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
    block->sent_ms = loop_now_ms(b->sftp->loop);
    int rc = request_send_data(b->sftp, &block->rq, data_of(block), block->len, block->buffer != NULL, &e);
    blocks_give_buffer(block);
    if (rc != 0)
        blocks_drop(block, &e);
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
        blocks_put_away(block);
        blocks_wake_if_idle(b);
        return;
    }
    error_init(&e);
    if (io->os_errno != 0) {
        error_set_errno(&e, io->os_errno, "%s %s", io->writes ? "write" : "read", b->what);
        blocks_drop(block, &e);
    } else if (io->writes) {
        blocks_finish(block, block->len);
    } else {
        if (io->done < block->len)
            blocks_note_end(b, block->offset + io->done);
        block->len = (uint32_t)io->done;
        if (block->len != 0)
            blocks_send(block);
        else
            blocks_finish(block, 0);
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
        blocks_finish(block, block->len);
        break;
    case END_REMOTE:
        blocks_send(block);
        break;
    case END_LOCAL:
        run_io(block, b->to.fd, b->to.at_once, true);
        break;
    case END_TASK:
        list_append(&b->ready, &block->link);
        blocks_wake(b, 0);
        break;
    }
}

/* ---- from the source ---- */

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
    struct block *rest = blocks_take(b, block->offset + got, block->len - got);
    if (rest == NULL)
        return;
    list_insert(block->order.next, &rest->order);
    note_short(b, got);
    blocks_ask(rest);
}

static void nothing_arrived(struct block *block)
{
    struct blocks *b = block->b;
    struct error e;
    error_init(&e);
    if (!block->empty_before) {
        block->empty_before = true;
        blocks_ask(block);
        return;
    }
    error_set_reason(&e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s: the server answers with no data twice",
                     b->what);
    blocks_drop(block, &e);
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
        blocks_note_end(b, block->offset);
        blocks_drop(block, NULL);
        return;
    }
    if (rc != 0) {
        blocks_drop(block, &e);
        return;
    }
    if (eof)
        blocks_note_end(b, block->offset + len);
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
    blocks_give_buffer(block);
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
    block->sent_ms = loop_now_ms(b->sftp->loop);
    int rc = request_send(b->sftp, &block->rq, &e);
    if (rc == 0)
        return true;
    blocks_put_away(block);
    blocks_stop(b, &e);
    return false;
}

static bool ask_local(struct block *block)
{
    struct blocks *b = block->b;
    block->size = block->len;
    block->buffer = client_take_buffer(b->sftp, block->size);
    if (block->buffer == NULL) {
        blocks_put_away(block);
        blocks_stop_nomem(b);
        return false;
    }
    run_io(block, b->from.fd, b->from.at_once, false);
    return true;
}

/* False = it could not be, and the block is put away. */
bool blocks_ask(struct block *block)
{
    switch (block->b->from.kind) {
    case END_REMOTE:
        return ask_remote(block);
    case END_LOCAL:
        return ask_local(block);
    default:
        blocks_send(block);
        return true;
    }
}
