/* See text_lines.h. */
#include "config/text_lines.h"

#include <string.h>

static struct span span_after(struct span text, size_t count)
{
    return SPAN(text.data + count, text.len - count);
}

/* Where the first c stands, or the length. */
static size_t find_byte(struct span text, uint8_t c)
{
    const uint8_t *at = text.len != 0 ? memchr(text.data, c, text.len) : NULL;
    return at != NULL ? (size_t)(at - text.data) : text.len;
}

void text_lines_init(struct text_lines *lines, struct span text)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };

    if (text.len >= sizeof mark && memcmp(text.data, mark, sizeof mark) == 0)
        text = span_after(text, sizeof mark);
    *lines = (struct text_lines){ .rest = text };
}

bool text_lines_next(struct text_lines *lines, struct span *line)
{
    if (lines->rest.len == 0)
        return false;
    size_t len = find_byte(lines->rest, '\n');
    *line = text_trim(SPAN(lines->rest.data, len));
    lines->rest = span_after(lines->rest, len < lines->rest.len ? len + 1 : len);
    lines->number++;
    return true;
}

bool text_line_too_long(struct span line)
{
    return line.len > TEXT_LINE_MAX_LEN;
}

bool text_line_is_empty(struct span line)
{
    return line.len == 0 || line.data[0] == '#';
}

bool text_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

struct span text_trim(struct span text)
{
    while (text.len != 0 && text_is_blank(text.data[0]))
        text = span_after(text, 1);
    while (text.len != 0 && text_is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct span text_word(struct span *rest)
{
    size_t start = 0;
    while (start < rest->len && text_is_blank(rest->data[start]))
        start++;
    size_t end = start;
    while (end < rest->len && !text_is_blank(rest->data[end]))
        end++;
    struct span word = SPAN(rest->data + start, end - start);
    *rest = span_after(*rest, end);
    return word;
}

bool text_comma_next(struct span *rest, struct span *element)
{
    if (rest->data == NULL)
        return false;
    size_t len = find_byte(*rest, ',');
    *element = SPAN(rest->data, len);
    *rest = len < rest->len ? span_after(*rest, len + 1) : (struct span){ 0 };
    return true;
}
