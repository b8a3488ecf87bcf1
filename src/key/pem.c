/* Finding and writing PEM blocks (RFC 7468). The body of one that was found is not decoded here; it is base64, in the
 * forms that are supported without headers. */
#include "key/types.h"
#include "key/pem.h"

#include <string.h>

#include "base/base64.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool line_next(struct span *rest, struct span *line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    size_t used = end != NULL ? len + 1 : len;
    *line = SPAN(rest->data, len);
    *rest = SPAN(rest->data + used, rest->len - used);
    while (line->len != 0 && is_space(line->data[line->len - 1]))
        line->len--;
    return true;
}

/* What stands between a beginning and an end, if the line has both. */
static bool between(struct span line, const char *before, const char *after, struct span *inner)
{
    size_t before_len = strlen(before), after_len = strlen(after);
    if (line.len < before_len + after_len || memcmp(line.data, before, before_len) != 0 ||
        memcmp(line.data + line.len - after_len, after, after_len) != 0)
        return false;
    *inner = SPAN(line.data + before_len, line.len - before_len - after_len);
    return true;
}

/* Whether a label is a kind with any words before it. */
static bool label_is(struct span label, const char *kind, struct span *words)
{
    if (!between(label, "", kind, words))
        return false;
    if (words->len == 0)
        return true;
    words->len--; /* the space before the kind */
    return words->data[words->len] == ' ';
}

static int find_end(struct span rest, struct span label, struct span *body)
{
    const uint8_t *start = rest.data;
    struct span line, end_label;
    for (const uint8_t *at = rest.data; line_next(&rest, &line); at = rest.data) {
        if (between(line, "-----END ", "-----", &end_label) && span_equal(label, end_label)) {
            *body = SPAN(start, (size_t)(at - start));
            return 1;
        }
    }
    return 0;
}

bool pem_begins(struct span line, const char *kind, struct span *words)
{
    struct span label;
    return between(line, "-----BEGIN ", "-----", &label) && label_is(label, kind, words);
}

int pem_find(struct span text, const char *kind, struct pem_block *block, struct error *e)
{
    struct span line, label;
    while (line_next(&text, &line)) {
        if (!between(line, "-----BEGIN ", "-----", &label) || !label_is(label, kind, &block->words))
            continue;
        if (find_end(text, label, &block->body))
            return 1;
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "missing PEM footer of the %s", kind);
    }
    return 0;
}

int pem_decode(struct span base64, struct writer *decoded, struct error *e)
{
    writer_init(decoded, KEY_MAX_TEXT_LEN);
    bool ok = base64_decode(base64, decoded);
    return writer_failed(decoded) ? error_nomem(e) : ok;
}

void pem_put(struct writer *w, const char *label, struct span data, size_t column)
{
    put_chars(w, "-----BEGIN ");
    put_chars(w, label);
    put_chars(w, "-----\n");
    put_base64(w, data, true, column);
    put_chars(w, "-----END ");
    put_chars(w, label);
    put_chars(w, "-----\n");
}
