/* Decoding of UTF-8; see utf8.h. */
#include "base/utf8.h"

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

bool utf8_valid(struct span text)
{
    while (text.len != 0) {
        uint32_t code_point;
        size_t len = utf8_char(text, &code_point);
        if (len == 0)
            return false;
        text = SPAN(text.data + len, text.len - len);
    }
    return true;
}
