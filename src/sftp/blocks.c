/* Moving the bytes of files; see blocks.h. */
#include "sftp/blocks_inside.h"

#include "base/memory.h"
#include "io/last_error.h"

#define AT_ONCE_BYTES (4u * 1024 * 1024) /* under way at first */
#define AT_ONCE_MIN 16u
#define AT_ONCE_MAX 128u
#define GROWN_BYTES (32u * 1024 * 1024) /* and at most */
#define GROWN_MAX 512u
#define APART_MAX (64u * 1024 * 1024) /* bytes between the oldest block under way and the newest */

#define DATA_MAX ((size_t)SFTP_PACKET_MAX - 1024)
#define USUAL_PACKET_MAX (256u * 1024) /* of servers that do not say: OpenSSH and proftpd end the session on more */
/* A WRITE besides its data: length, type, id, handle, offset, length of the data. */
#define WRITE_HEAD_MAX (4 + 1 + 4 + 4 + CLIENT_HANDLE_MAX + 8 + 4)

size_t blocks_size(const sshio_sftp *s, bool reads, bool writes, int64_t wanted)
{
    uint64_t size = wanted > 0 ? (uint64_t)wanted : CLIENT_BUFFER;
    uint64_t packet = s->limits.max_packet_len != 0 ? s->limits.max_packet_len : USUAL_PACKET_MAX;
    if (wanted <= 0 && reads && s->limits.max_read_len < size)
        size = s->limits.max_read_len;
    if (wanted <= 0 && writes && s->limits.max_write_len < size)
        size = s->limits.max_write_len;
    if (writes && packet > 2 * WRITE_HEAD_MAX && size > packet - WRITE_HEAD_MAX)
        size = packet - WRITE_HEAD_MAX; /* however much is wanted */
    return size < DATA_MAX ? (size_t)size : DATA_MAX;
}

size_t blocks_single(uint64_t len)
{
    return len < DATA_MAX ? (size_t)len : DATA_MAX;
}

unsigned blocks_window(size_t block)
{
    size_t count = AT_ONCE_BYTES / block;
    return count < AT_ONCE_MIN ? AT_ONCE_MIN : count > AT_ONCE_MAX ? AT_ONCE_MAX : (unsigned)count;
}

/* ---- the end ---- */

static bool work_is_left(const struct blocks *b)
{
    return !b->stopped && b->range < b->range_count && b->next < b->eof;
}

void blocks_wake(struct blocks *b, int result)
{
    if (b->waiting)
        completion_complete(&b->completion, result);
    b->waiting = false;
}

void blocks_wake_if_idle(struct blocks *b)
{
    if (b->cancelled != 0 && b->jobs == 0)
        blocks_wake(b, b->cancelled);
    else if (b->under_way == 0 && (b->starved || !work_is_left(b)))
        blocks_wake(b, 0);
}

/* The first failure counts. e is moved. */
void blocks_stop(struct blocks *b, struct error *e)
{
    b->stopped = true;
    if (error_code(&b->error) == 0)
        error_move(&b->error, e);
    else
        error_clear(e);
}

void blocks_stop_nomem(struct blocks *b)
{
    struct error e;
    error_init(&e);
    error_nomem(&e);
    blocks_stop(b, &e);
}

void blocks_note_end(struct blocks *b, uint64_t offset)
{
    if (offset < b->eof)
        b->eof = offset;
}

/* ---- blocks ---- */

struct block *blocks_take(struct blocks *b, uint64_t offset, uint32_t len)
{
    struct list *node = list_take(&b->unused);
    struct block *block = node != NULL ? LIST_ENTRY(node, struct block, link) : mem_alloc(sizeof *block);
    if (block == NULL) {
        blocks_stop_nomem(b);
        return NULL;
    }
    *block = (struct block){ .b = b, .offset = offset, .len = len };
    list_init(&block->link);
    list_init(&block->order);
    b->under_way++;
    return block;
}

void blocks_give_buffer(struct block *block)
{
    client_give_buffer(block->b->sftp, block->buffer, block->size);
    block->buffer = NULL;
}

/* It is off all lists but that of the unused. */
void blocks_put_away(struct block *block)
{
    struct blocks *b = block->b;
    blocks_give_buffer(block);
    list_remove(&block->order);
    list_remove(&block->link);
    list_append(&b->unused, &block->link);
    b->under_way--;
}

void blocks_drop(struct block *block, struct error *e)
{
    struct blocks *b = block->b;
    blocks_put_away(block);
    if (e != NULL)
        blocks_stop(b, e);
    blocks_pump(b);
}

static void handler_failed(struct blocks *b, int rc)
{
    struct error e;
    error_init(&e);
    if (error_code(last_error()) == rc)
        error_copy(&e, last_error());
    else
        error_set(&e, rc, "the progress handler ended the transfer");
    blocks_stop(b, &e);
}

/* len bytes of it are at their target, and that is all of it. */
void blocks_finish(struct block *block, uint32_t len)
{
    struct blocks *b = block->b;
    blocks_put_away(block);
    b->done += len;
    int rc = b->moved != NULL && len != 0 && b->cancelled == 0 ? b->moved(b->user, len) : 0;
    if (rc < 0)
        handler_failed(b, rc);
    blocks_pump(b);
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
    struct block *block = blocks_take(b, b->next, len);
    if (block == NULL)
        return;
    list_append(&b->active, &block->order);
    b->next += len;
    next_range(b);
    blocks_ask(block);
}

/* Blocks that end while one is started start no others: the loop that is there already does. */
void blocks_pump(struct blocks *b)
{
    if (!b->pumping) {
        b->pumping = true;
        while (may_start(b))
            start_block(b);
        b->pumping = false;
    }
    blocks_wake_if_idle(b);
}

static void send_waiting(struct writable *w)
{
    struct blocks *b = LIST_ENTRY(w, struct blocks, writable);
    struct list waiting, *node;
    list_init(&waiting);
    list_splice(&b->sending, &waiting);
    while ((node = list_take(&waiting)) != NULL)
        blocks_send(LIST_ENTRY(node, struct block, link));
    blocks_pump(b);
}

/* ---- waiting ---- */

static void give_up(struct blocks *b)
{
    b->stopped = true;
    LIST_EACH_SAFE(node, &b->active)
    {
        struct block *block = LIST_ENTRY(node, struct block, order);
        request_abandon(b->sftp, &block->rq);
        if (!block->in_job)
            blocks_put_away(block);
    }
}

static void cancel(struct completion *c, int code)
{
    struct blocks *b = c->user;
    b->cancelled = code;
    give_up(b);
    blocks_wake_if_idle(b);
}

static void prepare(struct blocks *b)
{
    size_t most = GROWN_BYTES / b->block;
    b->grows = b->window == 0;
    if (b->window == 0)
        b->window = blocks_window(b->block);
    b->window_max = most > GROWN_MAX ? GROWN_MAX : most < b->window ? b->window : (unsigned)most;
    if (b->grows && b->sftp->port->is_far(b->sftp))
        b->window = b->window_max;
    b->latency_ms = UINT64_MAX / 2;
    b->eof = UINT64_MAX;
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
        blocks_finish(block, block->len);
    }
    return 0;
}

static int wait_for_some(struct blocks *b)
{
    if (b->starved && b->under_way == 0 && work_is_left(b)) {
        int rc = waiters_wait(&b->sftp->room);
        b->starved = false;
        if (rc == 0)
            blocks_pump(b);
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
    blocks_pump(b);
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
    free_blocks(b);
    if (rc == 0 && error_code(&b->error) != 0)
        rc = fail_with(&b->error);
    error_clear(&b->error);
    client_release(b->sftp);
    return rc;
}
