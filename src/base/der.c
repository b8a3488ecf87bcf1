/* Reading and writing DER; see der.h. Elements of 16 MiB or more are refused, as are tags of more than one byte. */
#include "base/der.h"

#define LONG_FORM 0x80
#define MOST_LENGTH_BYTES 3

/* A length in its shortest form: one byte below 128, else a count of bytes and no leading zero. */
static size_t read_length(struct reader *r)
{
    uint8_t first = read_u8(r);
    if (first < LONG_FORM)
        return first;
    struct span bytes = read_bytes(r, first & 0x7f);
    size_t len = 0;
    if (bytes.len == 0 || bytes.len > MOST_LENGTH_BYTES || bytes.data[0] == 0) {
        r->failed = true;
        return 0;
    }
    for (size_t i = 0; i < bytes.len; i++)
        len = len << 8 | bytes.data[i];
    if (len < LONG_FORM)
        r->failed = true;
    return len;
}

struct span read_der(struct reader *r, uint8_t tag)
{
    if (read_u8(r) != tag)
        r->failed = true;
    size_t len = read_length(r);
    return reader_failed(r) ? SPAN(NULL, 0) : read_bytes(r, len);
}

bool next_der_is(const struct reader *r, uint8_t tag)
{
    struct reader ahead = *r;
    return read_u8(&ahead) == tag && !reader_failed(&ahead);
}

struct span read_der_integer(struct reader *r)
{
    struct span content = read_der(r, DER_INTEGER);
    bool padded = content.len > 1 && content.data[0] == 0 && (content.data[1] & 0x80) == 0;
    if (reader_failed(r) || content.len == 0 || (content.data[0] & 0x80) != 0 || padded) {
        r->failed = true;
        return SPAN(NULL, 0);
    }
    return content.data[0] == 0 ? SPAN(content.data + 1, content.len - 1) : content;
}

struct span read_der_bits(struct reader *r, uint8_t tag)
{
    struct span content = read_der(r, tag);
    if (reader_failed(r) || content.len == 0 || content.data[0] != 0) {
        r->failed = true;
        return SPAN(NULL, 0);
    }
    return SPAN(content.data + 1, content.len - 1);
}

/* ---- writing ---- */

static void put_length(struct writer *w, size_t len)
{
    if (len >= (size_t)1 << 24) {
        w->failed = true;
        return;
    }
    int bytes = len >= 1 << 16 ? 3 : len >= 1 << 8 ? 2 : 1;
    if (len >= LONG_FORM)
        put_u8(w, (uint8_t)(LONG_FORM | bytes));
    for (int i = bytes - 1; i >= 0; i--)
        put_u8(w, (uint8_t)(len >> 8 * i));
}

void put_der(struct writer *w, uint8_t tag, struct span content)
{
    put_u8(w, tag);
    put_length(w, content.len);
    put_bytes(w, content.data, content.len);
}

/* A byte before the content: the sign of an integer, the unused bits of a bit string. */
static void put_der_with_zero(struct writer *w, uint8_t tag, struct span content)
{
    put_u8(w, tag);
    put_length(w, content.len + 1);
    put_u8(w, 0);
    put_bytes(w, content.data, content.len);
}

void put_der_integer(struct writer *w, struct span magnitude)
{
    while (magnitude.len != 0 && magnitude.data[0] == 0)
        magnitude = SPAN(magnitude.data + 1, magnitude.len - 1);
    if (magnitude.len == 0 || (magnitude.data[0] & 0x80) != 0)
        put_der_with_zero(w, DER_INTEGER, magnitude);
    else
        put_der(w, DER_INTEGER, magnitude);
}

void put_der_bits(struct writer *w, uint8_t tag, struct span content)
{
    put_der_with_zero(w, tag, content);
}
