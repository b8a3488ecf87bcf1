/* Wildcard matching; the contract stands in pattern.h.
 *
 * Only the last '*' seen is ever taken back: an earlier one could gain nothing that the later one cannot. So the work
 * is bounded by pattern length × text length, however many stars a hostile pattern has. */
#include "base/pattern.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same(uint8_t a, uint8_t b, bool nocase)
{
    return a == b || (nocase && lower(a) == lower(b));
}

/* Where the next character starts: UTF-8 continuation bytes belong to the one before them. */
static size_t next_char(struct span text, size_t at)
{
    at++;
    while (at < text.len && (text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static bool match(struct span pattern, struct span text, bool nocase)
{
    bool starred = false;
    size_t p = 0, t = 0;
    size_t after_star = 0, star_end = 0; /* the pattern after the last star, and how far that star reaches */

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            starred = true;
            after_star = ++p;
            star_end = t;
        } else if (p < pattern.len && pattern.data[p] == '?') {
            p++;
            t = next_char(text, t);
        } else if (p < pattern.len && same(pattern.data[p], text.data[t], nocase)) {
            p++;
            t++;
        } else if (starred) {
            p = after_star;
            t = star_end = next_char(text, star_end);
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

bool pattern_match(struct span pattern, struct span text)
{
    return match(pattern, text, false);
}

bool pattern_match_nocase(struct span pattern, struct span text)
{
    return match(pattern, text, true);
}

static bool match_list(struct span list, struct span text, bool nocase)
{
    bool matched = false;
    struct span pattern;
    while (name_list_next(&list, &pattern)) {
        bool negated = pattern.len != 0 && pattern.data[0] == '!';
        if (negated)
            pattern = SPAN(pattern.data + 1, pattern.len - 1);
        if (pattern.len == 0 || !match(pattern, text, nocase))
            continue;
        if (negated)
            return false;
        matched = true;
    }
    return matched;
}

bool pattern_list_match(struct span list, struct span text)
{
    return match_list(list, text, false);
}

bool pattern_list_match_nocase(struct span list, struct span text)
{
    return match_list(list, text, true);
}
