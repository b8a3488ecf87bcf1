/* SFTP packets in a stream of bytes; see framer.h. */
#include "sftp/framer.h"

#include <string.h>

#include "base/memory.h"
#include "sftp/messages.h"

#define LENGTH_LEN 4u
#define FIRST_MEMORY 4096u /* of a packet that comes in pieces */

static void *heap_take(void *user, size_t size, size_t *capacity)
{
    (void)user;
    *capacity = size;
    return mem_alloc(size);
}

static void heap_give(void *user, void *memory, size_t capacity)
{
    (void)user, (void)capacity;
    mem_free(memory);
}

const struct framer_memory framer_heap = { heap_take, heap_give };

void framer_init(struct framer *f, bool client, const struct framer_memory *memory, void *user)
{
    *f = (struct framer){ .client = client, .memory_ops = memory, .user = user };
}

static void give_memory(struct framer *f)
{
    if (f->memory != NULL)
        f->memory_ops->give(f->user, f->memory, f->capacity);
    f->memory = NULL;
    f->have = f->capacity = 0;
}

void framer_done(struct framer *f)
{
    give_memory(f);
    f->len = 0;
    f->head_len = 0;
}

bool framer_is_inside(const struct framer *f)
{
    return f->head_len != 0;
}

/* ---- the head ---- */

static uint32_t longest(const struct framer *f, uint8_t type)
{
    if (!f->client || type == FXP_DATA)
        return SFTP_PACKET_MAX;
    return type == FXP_NAME ? SFTP_NAME_PACKET_MAX : SFTP_REPLY_PACKET_MAX;
}

/* How many octets the head has, as far as it is known. */
static size_t head_size(const struct framer *f)
{
    if (f->head_len <= LENGTH_LEN)
        return LENGTH_LEN + 1;
    bool with_data = f->client && f->head[LENGTH_LEN] == FXP_DATA && f->len >= FRAMER_DATA_HEAD - LENGTH_LEN;
    return with_data ? FRAMER_DATA_HEAD : LENGTH_LEN + 1;
}

static int check_len(struct framer *f, struct error *e)
{
    uint8_t type = f->head[LENGTH_LEN];
    f->len = load_u32(f->head);
    if (f->len == 0)
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "SFTP packet of length 0");
    if (f->len > longest(f, type))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "SFTP packet %s of %u bytes, which must be at most %u",
                         sftp_message_name(type), (unsigned)f->len, (unsigned)longest(f, type));
    return 0;
}

static void take_front(struct span *bytes, size_t n)
{
    *bytes = SPAN(bytes->data + n, bytes->len - n);
}

/* True when the head is complete. */
static bool read_head(struct framer *f, struct span *bytes, int *rc, struct error *e)
{
    while (f->head_len < head_size(f) && bytes->len > 0) {
        f->head[f->head_len++] = bytes->data[0];
        take_front(bytes, 1);
        bool is_empty = f->head_len == LENGTH_LEN && load_u32(f->head) == 0; /* no type will follow */
        if ((is_empty || f->head_len == LENGTH_LEN + 1) && (*rc = check_len(f, e)) != 0)
            return false;
    }
    return f->head_len > LENGTH_LEN && f->head_len == head_size(f);
}

/* ---- the body ---- */

/* How much of the packet comes to lie in memory, or in the bytes that are fed. */
static size_t body_size(const struct framer *f)
{
    return f->placed ? f->len - f->data_len : f->len;
}

static int grow(struct framer *f, size_t needed, struct error *e)
{
    size_t size = f->capacity != 0 ? f->capacity * 2 : FIRST_MEMORY, capacity;
    while (size < needed)
        size *= 2;
    if (size > body_size(f))
        size = body_size(f);
    uint8_t *memory = f->memory_ops->take(f->user, size, &capacity);
    if (memory == NULL)
        return error_nomem(e);
    size_t have = f->have;
    if (have != 0)
        memcpy(memory, f->memory, have);
    give_memory(f);
    f->memory = memory;
    f->capacity = capacity;
    f->have = have;
    return 0;
}

static int add(struct framer *f, const uint8_t *data, size_t len, struct error *e)
{
    if (f->have + len > f->capacity) {
        int rc = grow(f, f->have + len, e);
        if (rc != 0)
            return rc;
    }
    memcpy(f->memory + f->have, data, len);
    f->have += len;
    return 0;
}

/* A packet that lies whole in the bytes needs no memory: its type is the octet in front of them. */
static bool lies_whole(const struct framer *f, const struct span *bytes, const uint8_t *start)
{
    return f->memory == NULL && !f->placed && bytes->data - start >= (ptrdiff_t)(f->head_len - LENGTH_LEN) &&
           bytes->len >= f->len - (f->head_len - LENGTH_LEN);
}

static int finish(struct framer *f, struct span packet)
{
    f->packet = packet;
    f->head_len = 0;
    return FRAMER_PACKET;
}

static int read_body(struct framer *f, struct span *bytes, const uint8_t *start, struct error *e)
{
    size_t head = f->head_len - LENGTH_LEN;
    if (lies_whole(f, bytes, start)) {
        const uint8_t *packet = bytes->data - head;
        take_front(bytes, f->len - head);
        return finish(f, SPAN(packet, f->len));
    }
    int rc = f->have == 0 ? add(f, f->head + LENGTH_LEN, head, e) : 0;
    size_t part = body_size(f) - f->have;
    if (part > bytes->len)
        part = bytes->len;
    if (rc == 0 && part != 0)
        rc = add(f, bytes->data, part, e);
    if (rc != 0)
        return rc;
    take_front(bytes, part);
    return f->have == body_size(f) ? finish(f, SPAN(f->memory, f->have)) : FRAMER_MORE;
}

/* ---- the data of a DATA packet ---- */

static void begin_data(struct framer *f)
{
    uint32_t room = f->len - (FRAMER_DATA_HEAD - LENGTH_LEN);
    f->data_id = load_u32(f->head + LENGTH_LEN + 1);
    f->data_len = load_u32(f->head + LENGTH_LEN + 5);
    f->asking = f->data_len <= room; /* else the packet is malformed, which its reader finds */
}

void framer_place(struct framer *f, uint8_t *place)
{
    f->asking = false;
    f->placed = f->placing = place != NULL;
    f->place = place;
    f->data_left = f->data_len;
}

void framer_forget_place(struct framer *f)
{
    f->place = NULL;
}

static bool read_data(struct framer *f, struct span *bytes)
{
    size_t part = f->data_left < bytes->len ? f->data_left : bytes->len;
    if (part != 0 && f->place != NULL)
        memcpy(f->place + (f->data_len - f->data_left), bytes->data, part);
    take_front(bytes, part);
    f->data_left -= (uint32_t)part;
    f->placing = f->data_left != 0;
    return !f->placing;
}

static void begin_packet(struct framer *f)
{
    give_memory(f);
    f->len = 0;
    f->placed = f->placing = f->asking = false;
    f->packet = SPAN(NULL, 0);
}

int framer_feed(struct framer *f, struct span *bytes, struct error *e)
{
    const uint8_t *start = bytes->data;
    if (f->head_len == 0)
        begin_packet(f);
    if (f->len == 0 || f->head_len < head_size(f)) {
        int rc = 0;
        if (!read_head(f, bytes, &rc, e))
            return rc;
        if (f->head_len == FRAMER_DATA_HEAD)
            begin_data(f);
    }
    if (f->asking)
        return FRAMER_DATA;
    if (f->placing && !read_data(f, bytes))
        return FRAMER_MORE;
    return read_body(f, bytes, start, e);
}

struct span framer_packet(const struct framer *f)
{
    return f->packet;
}

bool framer_was_placed(const struct framer *f)
{
    return f->placed;
}

uint32_t framer_data_id(const struct framer *f)
{
    return f->data_id;
}

uint32_t framer_data_len(const struct framer *f)
{
    return f->data_len;
}

uint8_t *framer_take(struct framer *f, size_t *capacity)
{
    uint8_t *memory = f->memory;
    *capacity = f->capacity;
    f->memory = NULL;
    f->have = f->capacity = 0;
    return memory;
}
