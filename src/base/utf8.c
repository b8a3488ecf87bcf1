/* Decoding of UTF-8; see utf8.h. */
#include "base/utf8.h"

#include <string.h>

/* What the first byte says: the length of the sequence, 0 when none begins so. */
static size_t sequence_len(uint8_t first)
{
    if (first < 0x80)
        return 1;
    return first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t utf8_char(struct span text, uint32_t *code_point)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = text.len != 0 ? sequence_len(text.data[0]) : 0;
    if (len == 0 || len > text.len)
        return 0;
    uint32_t value = len == 1 ? text.data[0] : text.data[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < smallest[len] || value > 0x10ffff || surrogate)
        return 0;
    *code_point = value;
    return len;
}

/* Most text is ASCII, of which eight bytes at a time are passed over. */
static size_t ascii_words(struct span text)
{
    size_t len = 0;
    uint64_t word;
    for (; text.len - len >= sizeof word; len += sizeof word) {
        memcpy(&word, text.data + len, sizeof word);
        if ((word & 0x8080808080808080u) != 0)
            break;
    }
    return len;
}

size_t utf8_prefix(struct span text)
{
    size_t done = 0;
    while (done < text.len) {
        struct span rest = SPAN(text.data + done, text.len - done);
        uint32_t code_point;
        size_t len = ascii_words(rest);
        if (len == 0)
            len = utf8_char(rest, &code_point);
        if (len == 0)
            break;
        done += len;
    }
    return done;
}

bool utf8_valid(struct span text)
{
    return utf8_prefix(text) == text.len;
}

bool utf8_is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= 0x80)
            return false;
    return true;
}

/* The second byte decides whether a sequence is too long, a surrogate or beyond the last character. */
static bool second_fits(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

size_t utf8_begun(struct span text)
{
    size_t whole = text.len != 0 ? sequence_len(text.data[0]) : 0;
    size_t len = 1;
    if (whole < 2)
        return 0;
    while (len < whole - 1 && len < text.len && (text.data[len] & 0xc0) == 0x80 &&
           (len != 1 || second_fits(text.data[0], text.data[1])))
        len++;
    return len;
}
