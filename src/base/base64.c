/* Base64 (RFC 4648 section 4). Characters are mapped by arithmetic, not by tables or branches on their value, because
 * private keys pass through here and a table look-up leaves a trace in the cache. */
#include "base/base64.h"

/* All ones when low <= c <= high, else 0. */
static unsigned between(unsigned c, unsigned low, unsigned high)
{
    return 0u - (((low - 1 - c) & (c - high - 1)) >> 31);
}

static uint8_t char_of(unsigned value)
{
    unsigned c = 0;
    c |= between(value, 0, 25) & (value + 'A');
    c |= between(value, 26, 51) & (value - 26 + 'a');
    c |= between(value, 52, 61) & (value - 52 + '0');
    c |= between(value, 62, 62) & '+';
    c |= between(value, 63, 63) & '/';
    return (uint8_t)c;
}

/* The six bits of a character; 64 or more when it is not of the alphabet. */
static unsigned value_of(unsigned c)
{
    unsigned known = 0, value = 0;
    known |= between(c, 'A', 'Z');
    value |= between(c, 'A', 'Z') & (c - 'A');
    known |= between(c, 'a', 'z');
    value |= between(c, 'a', 'z') & (c - 'a' + 26);
    known |= between(c, '0', '9');
    value |= between(c, '0', '9') & (c - '0' + 52);
    known |= between(c, '+', '+') | between(c, '/', '/');
    value |= between(c, '+', '+') & 62;
    value |= between(c, '/', '/') & 63;
    return value | (~known & 64);
}

/* One group of up to three bytes as two to four characters. */
static void put_group(struct writer *w, struct span group, bool padded, size_t column, size_t *width)
{
    unsigned bits = 0;
    for (size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < group.len ? group.data[i] : 0u);
    for (size_t i = 0; i < 4; i++) {
        if (i <= group.len)
            put_u8(w, char_of(bits >> (18 - 6 * i) & 63));
        else if (padded)
            put_u8(w, '=');
        else
            break;
        if (column != 0 && ++*width == column) {
            put_u8(w, '\n');
            *width = 0;
        }
    }
}

void put_base64(struct writer *w, struct span data, bool padded, size_t column)
{
    struct reader r;
    size_t width = 0;
    reader_init(&r, data.data, data.len);
    while (reader_left(&r) != 0)
        put_group(w, read_bytes(&r, reader_left(&r) < 3 ? reader_left(&r) : 3), padded, column, &width);
    if (width != 0)
        put_u8(w, '\n');
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The bytes of a last group that was cut short: its spare bits must be zero, its padding complete. */
static bool put_last(struct writer *w, unsigned bits, size_t chars, size_t pads)
{
    if (chars == 0)
        return pads == 0;
    if (chars == 1 || chars + pads != 4)
        return false;
    if (chars == 2) {
        put_u8(w, (uint8_t)(bits >> 4));
        return (bits & 15) == 0;
    }
    put_u8(w, (uint8_t)(bits >> 10));
    put_u8(w, (uint8_t)(bits >> 2));
    return (bits & 3) == 0;
}

bool base64_decode(struct span text, struct writer *w)
{
    struct reader r;
    unsigned bits = 0;
    size_t chars = 0, pads = 0;

    reader_init(&r, text.data, text.len);
    while (reader_left(&r) != 0) {
        uint8_t c = read_u8(&r);
        if (is_space(c))
            continue;
        if (c == '=') {
            pads++;
            continue;
        }
        unsigned value = value_of(c);
        if (value >= 64 || pads != 0)
            return false;
        bits = bits << 6 | value;
        if (++chars == 4) {
            put_u8(w, (uint8_t)(bits >> 16));
            put_u8(w, (uint8_t)(bits >> 8));
            put_u8(w, (uint8_t)bits);
            bits = 0;
            chars = 0;
        }
    }
    return put_last(w, bits, chars, pads) && !writer_failed(w);
}
