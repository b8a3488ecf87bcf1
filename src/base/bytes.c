/* Bounded reader and capped writer; the contract stands in bytes.h. */
#include "base/bytes.h"

#include <string.h>

#include "base/memory.h"

struct span span_of(const char *text)
{
    return text == NULL ? SPAN(NULL, 0) : SPAN(text, strlen(text));
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_of(text));
}

bool span_has_nul(struct span a)
{
    return a.len != 0 && memchr(a.data, 0, a.len) != NULL;
}

char *span_dup_text(struct span a)
{
    if (span_has_nul(a))
        return NULL;
    char *text = mem_alloc(a.len + 1);
    if (text == NULL)
        return NULL;
    if (a.len != 0)
        memcpy(text, a.data, a.len);
    text[a.len] = '\0';
    return text;
}

bool span_dup(struct span a, uint8_t **data)
{
    uint8_t *copy = mem_alloc(a.len + 1);
    if (copy == NULL)
        return false;
    if (a.len != 0)
        memcpy(copy, a.data, a.len);
    copy[a.len] = 0;
    *data = copy;
    return true;
}

void reader_init(struct reader *r, const void *data, size_t len)
{
    static const uint8_t nothing[1];

    r->at = data != NULL ? data : nothing;
    r->end = data != NULL ? r->at + len : nothing;
    r->failed = false;
}

size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

bool reader_failed(const struct reader *r)
{
    return r->failed;
}

bool reader_done(const struct reader *r)
{
    return !r->failed && r->at == r->end;
}

static void reader_fail(struct reader *r)
{
    r->failed = true;
    r->at = r->end;
}

/* The next len bytes, or NULL with the error set. */
static const uint8_t *take(struct reader *r, size_t len)
{
    if (r->failed || len > reader_left(r)) {
        reader_fail(r);
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += len;
    return at;
}

uint8_t read_u8(struct reader *r)
{
    const uint8_t *p = take(r, 1);
    return p != NULL ? *p : 0;
}

uint32_t read_u32(struct reader *r)
{
    const uint8_t *p = take(r, 4);
    return p != NULL ? load_u32(p) : 0;
}

uint64_t read_u64(struct reader *r)
{
    uint64_t high = read_u32(r);
    return high << 32 | read_u32(r);
}

bool read_bool(struct reader *r)
{
    return read_u8(r) != 0;
}

struct span read_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return p != NULL ? SPAN(p, len) : SPAN(NULL, 0);
}

struct span read_string(struct reader *r)
{
    uint32_t len = read_u32(r);
    return read_bytes(r, len);
}

struct span read_text(struct reader *r)
{
    struct span s = read_string(r);
    if (span_has_nul(s)) {
        reader_fail(r);
        return SPAN(NULL, 0);
    }
    return s;
}

struct span read_mpint(struct reader *r)
{
    struct span s = read_string(r);
    if (s.len == 0)
        return s;
    bool padded = s.data[0] == 0;
    bool negative = (s.data[0] & 0x80) != 0;
    bool minimal = !padded || (s.len > 1 && (s.data[1] & 0x80) != 0);
    if (negative || !minimal) {
        reader_fail(r);
        return SPAN(NULL, 0);
    }
    return padded ? SPAN(s.data + 1, s.len - 1) : s;
}

bool name_list_is_valid(struct span list)
{
    bool empty_name = list.len != 0; /* a comma, or the end, right after the start of a name */
    for (size_t i = 0; i < list.len; i++) {
        if (list.data[i] <= 0x20 || list.data[i] > 0x7e || (list.data[i] == ',' && empty_name))
            return false;
        empty_name = list.data[i] == ',';
    }
    return !empty_name;
}

struct span read_name_list(struct reader *r)
{
    struct span s = read_string(r);
    if (name_list_is_valid(s))
        return s;
    reader_fail(r);
    return SPAN(NULL, 0);
}

struct span read_rest(struct reader *r)
{
    return read_bytes(r, reader_left(r));
}

bool name_list_next(struct span *rest, struct span *name)
{
    if (rest->len == 0)
        return false;
    const uint8_t *comma = memchr(rest->data, ',', rest->len);
    size_t len = comma != NULL ? (size_t)(comma - rest->data) : rest->len;
    size_t used = comma != NULL ? len + 1 : len;
    *name = SPAN(rest->data, len);
    *rest = SPAN(rest->data + used, rest->len - used);
    return true;
}

bool name_list_has(struct span list, const char *name)
{
    struct span one;
    while (name_list_next(&list, &one))
        if (span_is(one, name))
            return true;
    return false;
}

void writer_init(struct writer *w, size_t max)
{
    *w = (struct writer){ .max = max };
}

void writer_init_fixed(struct writer *w, void *memory, size_t capacity)
{
    *w = (struct writer){ .data = memory, .capacity = capacity, .max = capacity, .fixed = true };
}

void writer_done(struct writer *w)
{
    if (w->data != NULL) {
        mem_wipe(w->data, w->len);
        if (!w->fixed)
            mem_free(w->data);
    }
    *w = (struct writer){ .max = 0, .failed = true };
}

void writer_reset(struct writer *w)
{
    if (w->data != NULL)
        mem_wipe(w->data, w->len);
    w->len = 0;
    w->failed = w->no_memory = false;
}

bool writer_failed(const struct writer *w)
{
    return w->failed;
}

struct span writer_span(const struct writer *w)
{
    return SPAN(w->data, w->len);
}

int writer_take(struct writer *w, uint8_t **data, size_t *len)
{
    if (w->failed || w->fixed)
        return w->no_memory ? SSHIO_ENOMEM : SSHIO_ELIMIT;
    if (w->data == NULL && (w->data = mem_alloc(1)) == NULL)
        return SSHIO_ENOMEM;
    *data = w->data;
    *len = w->len;
    *w = (struct writer){ .max = 0, .failed = true };
    return 0;
}

int writer_take_bytes(struct writer *w, sshio_bytes *bytes)
{
    uint8_t *data = NULL;
    size_t size = 0;
    put_u8(w, 0);
    int rc = writer_take(w, &data, &size);
    if (rc == 0)
        *bytes = (sshio_bytes){ (char *)data, size - 1 };
    return rc;
}

/* Grown by copying, never by realloc, so that no secret stays behind in freed memory. */
static bool grow(struct writer *w, size_t needed)
{
    size_t capacity = w->capacity != 0 ? w->capacity : 64;
    while (capacity < needed)
        capacity = capacity > w->max / 2 ? w->max : capacity * 2;
    uint8_t *data = mem_alloc(capacity);
    w->no_memory = data == NULL;
    if (data == NULL)
        return false;
    if (w->data != NULL) {
        memcpy(data, w->data, w->len);
        mem_wipe(w->data, w->len);
        mem_free(w->data);
    }
    w->data = data;
    w->capacity = capacity;
    return true;
}

/* Room for len more bytes, or NULL with the error set. */
static uint8_t *reserve(struct writer *w, size_t len)
{
    if (w->failed || len > w->max - w->len || (w->len + len > w->capacity && (w->fixed || !grow(w, w->len + len)))) {
        w->failed = true;
        return NULL;
    }
    uint8_t *at = w->data + w->len;
    w->len += len;
    return at;
}

void put_u8(struct writer *w, uint8_t value)
{
    uint8_t *p = reserve(w, 1);
    if (p != NULL)
        *p = value;
}

void put_u32(struct writer *w, uint32_t value)
{
    uint8_t *p = reserve(w, 4);
    if (p != NULL)
        store_u32(p, value);
}

void put_u64(struct writer *w, uint64_t value)
{
    uint8_t *p = reserve(w, 8);
    if (p != NULL)
        store_u64(p, value);
}

void put_bool(struct writer *w, bool value)
{
    put_u8(w, value ? 1 : 0);
}

void put_bytes(struct writer *w, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *p = reserve(w, len);
    if (p != NULL)
        memcpy(p, data, len);
}

void put_string(struct writer *w, const void *data, size_t len)
{
    if (len > UINT32_MAX) {
        w->failed = true;
        return;
    }
    put_u32(w, (uint32_t)len);
    put_bytes(w, data, len);
}

void put_span(struct writer *w, struct span s)
{
    put_string(w, s.data, s.len);
}

void put_text(struct writer *w, const char *text)
{
    put_span(w, span_of(text));
}

void put_chars(struct writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

void put_mpint(struct writer *w, const void *magnitude, size_t len)
{
    const uint8_t *at = magnitude;
    while (len != 0 && *at == 0) {
        at++;
        len--;
    }
    bool pad = len != 0 && (*at & 0x80) != 0;
    if (len >= UINT32_MAX) {
        w->failed = true;
        return;
    }
    put_u32(w, (uint32_t)(len + (pad ? 1 : 0)));
    if (pad)
        put_u8(w, 0);
    put_bytes(w, at, len);
}

size_t put_open(struct writer *w)
{
    size_t mark = w->len;
    put_u32(w, 0);
    return mark;
}

void put_close(struct writer *w, size_t mark)
{
    if (!w->failed)
        store_u32(w->data + mark, (uint32_t)(w->len - mark - 4));
}
