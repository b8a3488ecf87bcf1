/* Bytes as text that may stand in a log or on a terminal: peer text with everything dangerous escaped, and dumps of
 * packets.
 *
 * Escaped are: control characters of ASCII and of Latin-1 (a terminal obeys both), separators that start a new line,
 * marks that turn the direction of writing, and what is not UTF-8. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

/* The ranges of code points that are not shown as they are. */
static const struct {
    uint32_t first, last;
} dangerous[] = {
    { 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x061c, 0x061c }, { 0x200e, 0x200f },
    { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

static bool is_dangerous(uint32_t code_point)
{
    for (size_t i = 0; i < sizeof dangerous / sizeof dangerous[0]; i++)
        if (code_point >= dangerous[i].first && code_point <= dangerous[i].last)
            return true;
    return false;
}

/* The length of the character at the start of a text, 0 when it must be escaped. */
static size_t harmless_len(struct span text)
{
    uint32_t code_point = 0;
    size_t len = utf8_char(text, &code_point);
    return len != 0 && !is_dangerous(code_point) ? len : 0;
}

const char *log_escaped(struct span text, char *buffer, size_t size)
{
    struct writer w;
    if (size == 0)
        return "";
    writer_init_fixed(&w, buffer, size - 1);
    while (text.len != 0) {
        size_t len = harmless_len(text);
        char escape[] = { '\\', 'x', hex_digits[text.data[0] >> 4], hex_digits[text.data[0] & 15] };
        if (len != 0)
            put_bytes(&w, text.data, len);
        else
            put_bytes(&w, escape, sizeof escape);
        if (writer_failed(&w))
            break; /* cut at the border of a character */
        len = len != 0 ? len : 1;
        text = SPAN(text.data + len, text.len - len);
    }
    buffer[w.len] = '\0';
    return buffer;
}

/* "  00000010: 73 73 68 …  ssh…" for up to 16 bytes. */
static void dump_line(sshio_logger *logger, size_t offset, struct span bytes)
{
    char hex[3 * 16 + 1], ascii[16 + 1];
    for (size_t i = 0; i < 16; i++) {
        bool here = i < bytes.len;
        hex[3 * i] = here ? hex_digits[bytes.data[i] >> 4] : ' ';
        hex[3 * i + 1] = here ? hex_digits[bytes.data[i] & 15] : ' ';
        hex[3 * i + 2] = ' ';
        ascii[i] = !here ? '\0' : bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? (char)bytes.data[i] : '.';
    }
    hex[48] = ascii[16] = '\0';
    log_debug(logger, 3, "  %08zx: %s %s", offset, hex, ascii);
}

void log_dump(sshio_logger *logger, struct span data)
{
    if (!log_enabled(logger, SSHIO_LOG_DEBUG, 3))
        return;
    for (size_t offset = 0; offset < data.len; offset += 16) {
        size_t left = data.len - offset;
        dump_line(logger, offset, SPAN(data.data + offset, left < 16 ? left : 16));
    }
}
