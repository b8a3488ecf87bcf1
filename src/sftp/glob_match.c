/* Matching one component of a path; see glob.h. Characters are those of UTF-8 where both texts are, else bytes. Time is
 * at most length of pattern × length of name. */
#include <string.h>

#include "base/utf8.h"
#include "sftp/glob.h"

bool glob_is_pattern(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("*?[]", text[i]) != NULL)
            return true;
    return false;
}

/* Takes the next character off the front. */
static uint32_t take(struct span *text, bool utf8)
{
    uint32_t c = text->data[0];
    size_t len = utf8 ? utf8_char(*text, &c) : 1;
    *text = SPAN(text->data + len, text->len - len);
    return c;
}

/* A set whose opening bracket has been taken: whether c is in it. Leaves the pattern behind it; false in *closed when
 * there is no end, so that the bracket stands for itself. */
static bool in_set(struct span *pattern, bool utf8, uint32_t c, bool *closed)
{
    struct span p = *pattern;
    bool negated = p.len != 0 && p.data[0] == '!', found = false, first = true;
    if (negated)
        take(&p, utf8);
    for (*closed = false; p.len != 0; first = false) {
        uint32_t low = take(&p, utf8), high = low;
        if (low == ']' && !first) {
            *closed = true;
            *pattern = p;
            return found != negated;
        }
        if (p.len >= 2 && p.data[0] == '-' && p.data[1] != ']') {
            take(&p, utf8);
            high = take(&p, utf8);
        }
        found |= low <= c && c <= high;
    }
    return false;
}

/* Whether the pattern's next element, which is no star, takes the character c. */
static bool take_element(struct span *pattern, bool utf8, uint32_t c)
{
    bool closed;
    uint32_t element = take(pattern, utf8);
    if (element == '?')
        return true;
    if (element == '[') {
        bool in = in_set(pattern, utf8, c, &closed);
        if (closed)
            return in;
    }
    return element == c;
}

bool glob_match(const char *pattern, const char *name)
{
    struct span p = span_of(pattern), t = span_of(name), after_star = SPAN(NULL, 0), from = t;
    bool utf8 = utf8_valid(p) && utf8_valid(t), star = false;
    while (t.len != 0) {
        if (p.len != 0 && p.data[0] == '*') {
            p = SPAN(p.data + 1, p.len - 1);
            after_star = p;
            from = t;
            star = true;
            continue;
        }
        struct span rest = t;
        uint32_t c = take(&rest, utf8);
        if (p.len != 0 && take_element(&p, utf8, c)) {
            t = rest;
        } else if (star) {
            take(&from, utf8); /* the star takes one more */
            t = from;
            p = after_star;
        } else {
            return false;
        }
    }
    while (p.len != 0 && p.data[0] == '*')
        p = SPAN(p.data + 1, p.len - 1);
    return p.len == 0;
}
