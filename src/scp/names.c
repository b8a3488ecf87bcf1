/* What a source may call what it sends; see names.h. Braces are those of a shell: "a{b,c}d" is "abd" and "acd", inside
 * each other too, and a brace without a comma or without its end stands for itself. */
#include "scp/names.h"

#include <string.h>

#include <sshio/constants.h>

#include "base/log.h"
#include "base/memory.h"
#include "scp/job.h"
#include "sftp/glob.h"

#define PATTERN_MAX 4096u
#define EXPANSIONS_MAX 4096u

static struct span component(const char *asked)
{
    size_t len;
    const char *base = scp_basename(asked, &len);
    return SPAN(base, len);
}

/* The shell there says what it stands for, or it has no name at all. */
static bool is_open(struct span base)
{
    return base.len == 0 || base.data[0] == '~' || span_is(base, ".") || span_is(base, "..") || span_is(base, "/");
}

/* ---- braces ---- */

struct braces {
    size_t open, close; /* of "{…}" */
};

/* The end of the alternative that begins at `at`: a comma or a brace on the same level. */
static size_t alternative_end(struct span pattern, size_t at)
{
    unsigned depth = 0;
    for (; at < pattern.len; at++) {
        uint8_t byte = pattern.data[at];
        if (depth == 0 && (byte == ',' || byte == '}'))
            break;
        depth = byte == '{' ? depth + 1 : byte == '}' ? depth - 1 : depth;
    }
    return at;
}

/* The first brace that has its end, and a comma in between. */
static bool find_braces(struct span pattern, struct braces *found)
{
    for (size_t open = 0; open < pattern.len; open++) {
        size_t at = open + 1, commas = 0;
        if (pattern.data[open] != '{')
            continue;
        for (at = alternative_end(pattern, at); at < pattern.len && pattern.data[at] == ',';
             at = alternative_end(pattern, at + 1))
            commas++;
        if (at < pattern.len && commas != 0) {
            *found = (struct braces){ .open = open, .close = at };
            return true;
        }
    }
    return false;
}

static bool match_alternatives(struct span pattern, const char *name, unsigned *left);

/* With the alternative in place of the braces. */
static bool match_one(struct span pattern, const struct braces *b, struct span alternative, const char *name,
                      unsigned *left)
{
    struct writer w;
    writer_init(&w, PATTERN_MAX);
    put_bytes(&w, pattern.data, b->open);
    put_bytes(&w, alternative.data, alternative.len);
    put_bytes(&w, pattern.data + b->close + 1, pattern.len - b->close - 1);
    bool matched = !writer_failed(&w) && match_alternatives(writer_span(&w), name, left);
    writer_done(&w);
    return matched;
}

/* What a backslash stands before stands for itself, as the shell there reads it: a set of one. */
static char *without_backslashes(const char *text)
{
    char *plain = mem_alloc(3 * strlen(text) + 1);
    size_t len = 0;
    for (; plain != NULL && *text != '\0'; text++) {
        bool escaped = text[0] == '\\' && text[1] != '\0';
        bool as_set = escaped && text[1] != '!';
        text += escaped;
        if (as_set)
            plain[len++] = '[';
        plain[len++] = *text;
        if (as_set)
            plain[len++] = ']';
    }
    if (plain != NULL)
        plain[len] = '\0';
    return plain;
}

static bool match_pattern(struct span pattern, const char *name)
{
    char *text = span_dup_text(pattern);
    char *plain = text != NULL && strchr(text, '\\') != NULL ? without_backslashes(text) : NULL;
    bool matched = text != NULL && (glob_match(text, name) || (plain != NULL && glob_match(plain, name)));
    mem_free(text);
    mem_free(plain);
    return matched;
}

static bool match_alternatives(struct span pattern, const char *name, unsigned *left)
{
    struct braces b;
    bool matched = false;
    if (*left == 0)
        return false;
    --*left;
    if (!find_braces(pattern, &b))
        return match_pattern(pattern, name);
    for (size_t at = b.open + 1; at <= b.close && !matched;) {
        size_t end = alternative_end(pattern, at);
        matched = match_one(pattern, &b, SPAN(pattern.data + at, end - at), name, left);
        at = end + 1;
    }
    return matched;
}

/* ---- the questions ---- */

bool scp_names_match(const char *asked, const char *name)
{
    struct span base = component(asked);
    unsigned left = EXPANSIONS_MAX;
    return is_open(base) || span_is(base, name) || match_alternatives(base, name, &left);
}

bool scp_names_many(const char *asked)
{
    struct span base = component(asked);
    struct braces b;
    return glob_is_pattern((const char *)base.data, base.len) || find_braces(base, &b) ||
           (is_open(base) && (base.len == 0 || base.data[0] != '~'));
}

int scp_names_check(const char *asked, const char *name, unsigned nth, struct error *e)
{
    char shown[256];
    if (scp_names_match(asked, name) && (nth <= 1 || scp_names_many(asked)))
        return 0;
    return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "Filename does not match request: %s",
                            log_escaped(span_of(name), shown, sizeof shown));
}

bool scp_names_contents(const char *asked)
{
    size_t len = strlen(asked);
    return len == 0 || asked[len - 1] == '/' || span_is(component(asked), ".");
}
