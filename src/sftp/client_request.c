/* Requests and their replies; see client.h. (draft-ietf-secsh-filexfer-13 sections 3, 6 and 9.1) */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/client.h"
#include "sftp/message_log.h"
#include "sftp/status.h"

#define SLOTS_FIRST 64u
#define PACKET_HEAD 9u       /* length, type, id */
#define BUFFERS_HELD_MAX 32u /* then nothing more is taken from the port, until half of them are written */
#define SMALL_BUFFER (32u * 1024)

/* ---- the table ---- */

bool client_has_room(const sshio_sftp *s)
{
    return s->slots_used < CLIENT_REQUESTS_MAX;
}

static struct slot *slot_of(const sshio_sftp *s, uint32_t id)
{
    struct slot *slot = s->slots != NULL ? &s->slots[id & (s->slot_count - 1)] : NULL;
    return slot != NULL && slot->type != 0 && slot->id == id ? slot : NULL;
}

/* Ids that differ in their low bits keep their places apart in the larger table. */
static bool grow_table(sshio_sftp *s)
{
    uint32_t count = s->slot_count != 0 ? s->slot_count * 2 : SLOTS_FIRST;
    struct slot *slots = mem_array(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].type != 0)
            slots[s->slots[i].id & (count - 1)] = s->slots[i];
    mem_free(s->slots);
    s->slots = slots;
    s->slot_count = count;
    return true;
}

/* Numbers whose place is taken by an older request are passed over. */
static struct slot *take_slot(sshio_sftp *s)
{
    if (s->slots_used == s->slot_count && !grow_table(s))
        return NULL;
    while (s->slots[s->next_id & (s->slot_count - 1)].type != 0)
        s->next_id++;
    struct slot *slot = &s->slots[s->next_id & (s->slot_count - 1)];
    slot->id = s->next_id++;
    s->slots_used++;
    return slot;
}

static void free_slot(sshio_sftp *s, struct slot *slot)
{
    *slot = (struct slot){ .type = 0 };
    s->slots_used--;
    waiters_wake(&s->room, 0);
}

/* ---- sending ---- */

struct writer *request_begin(sshio_sftp *s, uint8_t type)
{
    writer_reset(&s->out);
    put_u32(&s->out, 0);
    put_u8(&s->out, type);
    if (type != FXP_INIT)
        put_u32(&s->out, 0);
    return &s->out;
}

/* The fields, and data behind them. */
static int write_pieces(sshio_sftp *s, uint8_t *data, size_t len, bool has_room)
{
    struct writer *w = &s->out;
    if (has_room) {
        memcpy(data - w->len, w->data, w->len);
        return s->port->write(s, data - w->len, w->len + len);
    }
    int rc = s->port->write(s, w->data, w->len);
    return rc == 0 && len != 0 ? s->port->write(s, data, len) : rc;
}

static int write_packet(sshio_sftp *s, uint8_t *data, size_t len, bool has_room, struct error *e)
{
    struct writer *w = &s->out;
    uint64_t max = s->limits.max_packet_len;
    if (w->no_memory)
        return error_nomem(e);
    if (writer_failed(w) || (max != 0 && w->len + len - 4 > max))
        return error_set(e, SSHIO_EINVAL, "a request of %zu bytes is longer than the server takes", w->len + len);
    store_u32(w->data, (uint32_t)(w->len + len - 4));
    int rc = write_pieces(s, data, len, has_room);
    if (rc == SSHIO_ECLOSED)
        return error_set(e, SSHIO_ESFTP_NO_CONNECTION, "Connection not open");
    return rc == 0 ? 0 : error_nomem(e);
}

int request_send_data(sshio_sftp *s, struct request *rq, uint8_t *data, size_t len, bool has_room, struct error *e)
{
    if (s->ended || s->exited)
        return error_set(e, SSHIO_ESFTP_NO_CONNECTION, "Connection not open");
    if (s->slots_used >= 2 * CLIENT_REQUESTS_MAX)
        return error_set(e, SSHIO_ELIMIT, "%u SFTP requests are under way", s->slots_used);
    struct slot *slot = take_slot(s);
    if (slot == NULL)
        return error_nomem(e);
    uint8_t type = s->out.len > 4 ? s->out.data[4] : 0;
    if (s->out.len >= PACKET_HEAD)
        store_u32(s->out.data + 5, slot->id);
    int rc = write_packet(s, data, len, has_room, e);
    if (rc != 0) {
        slot->type = type;
        free_slot(s, slot);
        return rc;
    }
    slot->type = type;
    slot->rq = rq;
    message_log(s->logger, true, s->dialect.version, SPAN(s->out.data + 4, s->out.len - 4), SPAN(data, len));
    if (rq != NULL) {
        rq->id = slot->id;
        rq->type = type;
        rq->under_way = true;
    }
    return 0;
}

int request_send(sshio_sftp *s, struct request *rq, struct error *e)
{
    return request_send_data(s, rq, NULL, 0, false, e);
}

void request_send_and_forget(sshio_sftp *s)
{
    request_send(s, NULL, NULL);
}

void request_abandon(sshio_sftp *s, struct request *rq)
{
    struct slot *slot = rq->under_way ? slot_of(s, rq->id) : NULL;
    rq->under_way = false;
    if (slot != NULL && slot->rq == rq)
        slot->rq = NULL;
    if (s->placing == rq) {
        framer_forget_place(&s->framer);
        s->placing = NULL;
    }
    if (s->hello == rq)
        s->hello = NULL;
}

bool client_is_full(const sshio_sftp *s)
{
    return s->port->is_full(s);
}

void client_when_writable(sshio_sftp *s, struct writable *w)
{
    if (!list_linked(&w->link))
        list_append(&s->blocked, &w->link);
}

/* ---- buffers ---- */

static bool is_pooled(size_t len)
{
    return len > SMALL_BUFFER && len <= CLIENT_BUFFER;
}

uint8_t *client_take_buffer(sshio_sftp *s, size_t len)
{
    uint8_t *memory = is_pooled(len) ? pool_take(&s->buffers) : mem_alloc(CLIENT_HEAD_ROOM + len);
    return memory != NULL ? memory + CLIENT_HEAD_ROOM : NULL;
}

void client_give_buffer(sshio_sftp *s, uint8_t *buffer, size_t len)
{
    if (buffer == NULL)
        return;
    if (is_pooled(len))
        pool_give(&s->buffers, buffer - CLIENT_HEAD_ROOM);
    else
        mem_free(buffer - CLIENT_HEAD_ROOM);
}

void client_hold_buffer(sshio_sftp *s)
{
    if (++s->held == BUFFERS_HELD_MAX)
        s->port->read_stop(s);
}

void client_let_buffer_go(sshio_sftp *s)
{
    if (--s->held == BUFFERS_HELD_MAX / 2)
        s->port->read_start(s);
}

/* ---- what replies say ---- */

static const char *name_of(const char *what, char *buffer, size_t size)
{
    return what != NULL ? log_escaped(span_of(what), buffer, size) : "";
}

static int bad_reply(const char *what, struct error *e, const char *text)
{
    char name[512];
    return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s%s%s",
                            name_of(what, name, sizeof name), what != NULL ? ": " : "", text);
}

/* The server's words, behind what they are about. */
static int fail_status(sshio_sftp *s, struct reader *body, const char *what, struct error *e)
{
    char name[512];
    struct error said;
    struct status status;
    int rc = status_read(body, s->dialect.version, s->lenient, &status, e);
    if (rc != 0)
        return rc;
    error_init(&said);
    rc = status_record(&status, &said);
    if (rc != 0 && what != NULL) {
        error_set_reason(e, rc, status.code, "%s: %s", name_of(what, name, sizeof name), error_message(&said));
        error_set_lang(e, said.pub.lang);
        if (said.unknown_names.count != 0)
            error_take_names(e, &said.unknown_names);
    } else if (rc != 0) {
        error_move(e, &said);
    }
    error_clear(&said);
    return rc;
}

int reply_check(sshio_sftp *s, uint8_t type, struct reader *body, uint8_t wanted, const char *what, struct error *e)
{
    if (type == 0) {
        error_copy(e, &s->error);
        return error_code(e);
    }
    if (type == FXP_STATUS) {
        int rc = fail_status(s, body, what, e);
        return rc != 0 || wanted == FXP_STATUS ? rc : bad_reply(what, e, "Unexpected FX_OK response");
    }
    if (type == wanted)
        return 0;
    char text[96];
    snprintf(text, sizeof text, "Unexpected response type %s (%u), where %s was due", sftp_message_name(type), type,
             sftp_message_name(wanted));
    return bad_reply(what, e, text);
}

int reply_end(sshio_sftp *s, struct reader *body, const char *what, struct error *e)
{
    if (reader_failed(body))
        return bad_reply(what, e, "Incomplete response");
    if (reader_left(body) != 0 && s->dialect.version < 6)
        return bad_reply(what, e, "Unexpected data at the end of a response");
    return 0;
}

/* ---- receiving ---- */

static void close_unwanted(sshio_sftp *s, uint8_t type, struct reader *body)
{
    struct span handle = type == FXP_HANDLE ? read_string(body) : SPAN(NULL, 0);
    if (handle.len == 0 || handle.len > CLIENT_HANDLE_MAX || s->exited)
        return;
    put_span(request_begin(s, FXP_CLOSE), handle);
    request_send_and_forget(s);
}

static void fail_text(sshio_sftp *s, const char *text)
{
    struct error e;
    error_init(&e);
    error_set_reason(&e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s", text);
    client_fail(s, &e);
    error_clear(&e);
}

static void dispatch_hello(sshio_sftp *s, uint8_t type, struct reader *r)
{
    struct request *rq = s->hello;
    s->hello = NULL;
    rq->under_way = false;
    rq->replied(rq, type, r);
}

static void dispatch(sshio_sftp *s, struct span packet)
{
    struct reader r;
    reader_init(&r, packet.data, packet.len);
    uint8_t type = read_u8(&r);
    message_log(s->logger, false, s->dialect.version, packet, SPAN(NULL, 0));
    if (s->hello != NULL) {
        dispatch_hello(s, type, &r);
        return;
    }
    uint32_t id = read_u32(&r);
    struct slot *slot = reader_failed(&r) ? NULL : slot_of(s, id);
    if (slot == NULL) {
        fail_text(s, reader_failed(&r) ? "Incomplete response" : "Invalid response id");
        return;
    }
    struct request *rq = slot->rq;
    uint8_t asked = slot->type;
    free_slot(s, slot);
    if (rq == NULL) {
        if (asked == FXP_OPEN || asked == FXP_OPENDIR)
            close_unwanted(s, type, &r);
        return;
    }
    rq->under_way = false;
    rq->replied(rq, type, &r);
}

/* False = more came than was asked for, which ends the session. */
static bool place_data(sshio_sftp *s)
{
    struct slot *slot = slot_of(s, framer_data_id(&s->framer));
    struct request *rq = slot != NULL && slot->type == FXP_READ ? slot->rq : NULL;
    uint32_t len = framer_data_len(&s->framer);
    if (rq != NULL && len > rq->asked)
        return false;
    uint8_t *place = rq != NULL && rq->place != NULL && len != 0 ? rq->place(rq, len) : NULL;
    framer_place(&s->framer, place);
    s->placing = place != NULL ? rq : NULL;
    return true;
}

void client_received(sshio_sftp *s, struct span bytes)
{
    struct error e;
    int rc = FRAMER_DATA;
    error_init(&e);
    client_hold(s);
    while (rc > FRAMER_MORE && !s->ended) {
        rc = framer_feed(&s->framer, &bytes, &e);
        if (rc == FRAMER_DATA && !place_data(s))
            fail_text(s, "The server sent more data than was asked for");
        if (rc == FRAMER_PACKET) {
            s->placing = NULL;
            dispatch(s, framer_packet(&s->framer));
        }
    }
    if (rc < 0) {
        e.pub.reason = SSHIO_FX_BAD_MESSAGE;
        client_fail(s, &e);
    }
    error_clear(&e);
    client_release(s);
}

void client_answer_all(sshio_sftp *s)
{
    s->placing = NULL;
    struct request *hello = s->hello;
    s->hello = NULL;
    if (hello != NULL) {
        hello->under_way = false;
        hello->replied(hello, 0, NULL);
    }
    for (uint32_t i = 0; i < s->slot_count; i++) {
        struct request *rq = s->slots[i].rq;
        if (s->slots[i].type == 0)
            continue;
        free_slot(s, &s->slots[i]);
        if (rq != NULL) {
            rq->under_way = false;
            rq->replied(rq, 0, NULL);
        }
    }
    waiters_wake(&s->room, 0);
}
