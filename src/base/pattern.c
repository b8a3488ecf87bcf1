/* Wildcard matching; the contract stands in pattern.h.
 *
 * Only the last '*' seen is ever taken back: an earlier one could gain nothing that the later one cannot. So the work
 * is bounded by pattern length × text length, however many stars a hostile pattern has. */
#include "base/pattern.h"

#include "base/utf8.h"

enum flavour { PLAIN, NOCASE, GLOB };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same(uint8_t a, uint8_t b, enum flavour flavour)
{
    return a == b || (flavour == NOCASE && lower(a) == lower(b));
}

/* Where the next character starts: UTF-8 continuation bytes belong to the one before them. */
static size_t next_char(struct span text, size_t at)
{
    at++;
    while (at < text.len && (text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* ---- sets: "[a-z_]", "[!0-9]" ---- */

/* Behind the bracket that closes the set which begins at p; 0 = it is none. One that comes first is in the set. */
static size_t set_end(struct span pattern, size_t p)
{
    size_t at = p + 1;
    if (pattern.data[p] != '[')
        return 0;
    at += at < pattern.len && pattern.data[at] == '!';
    at += at < pattern.len && pattern.data[at] == ']';
    while (at < pattern.len && pattern.data[at] != ']')
        at++;
    return at < pattern.len ? at + 1 : 0;
}

/* The character at `at`, which is put behind it; a byte that begins none counts as one, and is like no other. */
static uint32_t take_char(struct span text, size_t *at)
{
    uint32_t code_point;
    size_t len = utf8_char(SPAN(text.data + *at, text.len - *at), &code_point);
    if (len == 0)
        code_point = 0x80000000u | text.data[*at];
    *at += len != 0 ? len : 1;
    return code_point;
}

/* Of the set between its brackets, the last one excluded. */
static bool set_has(struct span set, uint32_t wanted)
{
    size_t at = 1;
    bool negated = at < set.len && set.data[at] == '!', found = false;
    at += negated;
    while (at < set.len) {
        uint32_t first = take_char(set, &at), last = first;
        if (at + 1 < set.len && set.data[at] == '-') {
            at++;
            last = take_char(set, &at);
        }
        found = found || (wanted >= first && wanted <= last);
    }
    return found != negated;
}

/* ---- matching ---- */

/* Takes one character of the text by one element of the pattern, which is no star. */
static bool step(struct span pattern, size_t *p, struct span text, size_t *t, enum flavour flavour)
{
    size_t end;
    if (*p >= pattern.len)
        return false;
    if (pattern.data[*p] == '?') {
        ++*p;
        *t = next_char(text, *t);
        return true;
    }
    if (flavour == GLOB && (end = set_end(pattern, *p)) != 0) {
        size_t behind = *t;
        if (!set_has(SPAN(pattern.data + *p, end - 1 - *p), take_char(text, &behind)))
            return false;
        *p = end;
        *t = behind;
        return true;
    }
    if (!same(pattern.data[*p], text.data[*t], flavour))
        return false;
    ++*p;
    ++*t;
    return true;
}

static bool match(struct span pattern, struct span text, enum flavour flavour)
{
    bool starred = false;
    size_t p = 0, t = 0;
    size_t after_star = 0, star_end = 0; /* the pattern after the last star, and how far that star reaches */

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            starred = true;
            after_star = ++p;
            star_end = t;
        } else if (step(pattern, &p, text, &t, flavour)) {
            continue;
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
    return match(pattern, text, PLAIN);
}

bool pattern_match_nocase(struct span pattern, struct span text)
{
    return match(pattern, text, NOCASE);
}

bool pattern_match_glob(struct span pattern, struct span text)
{
    return match(pattern, text, GLOB);
}

bool pattern_has_glob(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '[' || text.data[i] == ']')
            return true;
    return false;
}

static bool match_list(struct span list, struct span text, enum flavour flavour)
{
    bool matched = false;
    struct span pattern;
    while (name_list_next(&list, &pattern)) {
        bool negated = pattern.len != 0 && pattern.data[0] == '!';
        if (negated)
            pattern = SPAN(pattern.data + 1, pattern.len - 1);
        if (pattern.len == 0 || !match(pattern, text, flavour))
            continue;
        if (negated)
            return false;
        matched = true;
    }
    return matched;
}

bool pattern_list_match(struct span list, struct span text)
{
    return match_list(list, text, PLAIN);
}

bool pattern_list_match_nocase(struct span list, struct span text)
{
    return match_list(list, text, NOCASE);
}
