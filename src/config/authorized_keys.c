/* See authorized_keys.h. */
#include "config/authorized_keys.h"

#include <stdatomic.h>

#include "base/memory.h"
#include "base/texts.h"
#include "config/text_lines.h"
#include "key/key.h"

struct sshio_authorized_keys {
    atomic_int refs;
    sshio_key **keys;
    size_t count;
    size_t capacity;
    struct texts refused;
};

sshio_authorized_keys *authorized_keys_new(void)
{
    sshio_authorized_keys *keys = mem_zalloc(sizeof *keys);
    if (keys != NULL)
        atomic_init(&keys->refs, 1);
    return keys;
}

sshio_authorized_keys *authorized_keys_ref(sshio_authorized_keys *keys)
{
    if (keys != NULL)
        atomic_fetch_add(&keys->refs, 1);
    return keys;
}

void authorized_keys_unref(sshio_authorized_keys *keys)
{
    if (keys == NULL || atomic_fetch_sub(&keys->refs, 1) != 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        sshio_key_unref(keys->keys[i]);
    mem_free(keys->keys);
    texts_done(&keys->refused);
    mem_free(keys);
}

static bool make_room(sshio_authorized_keys *keys)
{
    if (keys->count < keys->capacity)
        return true;
    size_t capacity = keys->capacity != 0 ? 2 * keys->capacity : 8;
    sshio_key **grown = mem_grow(keys->keys, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    keys->keys = grown;
    keys->capacity = capacity;
    return true;
}

static bool refuse(sshio_authorized_keys *keys, const char *filename, int line, const char *reason)
{
    if (filename == NULL)
        return texts_addf(&keys->refused, "line %d: %s", line, reason);
    return texts_addf(&keys->refused, "%s line %d: %s", filename, line, reason);
}

/* The rest of a line after its option field: blanks inside double quotes belong to the field, and \" is no end of the
 * quotes. */
static struct span skip_options(struct span line)
{
    bool quoted = false;
    size_t i = 0;

    for (; i < line.len && (quoted || !text_is_blank(line.data[i])); i++) {
        if (line.data[i] == '\\' && i + 1 < line.len && line.data[i + 1] == '"')
            i++;
        else if (line.data[i] == '"')
            quoted = !quoted;
    }
    return text_trim(SPAN(line.data + i, line.len - i));
}

/* Why a line that is no bare key gives none. */
static const char *explain(struct span line)
{
    sshio_key *key = NULL;

    if (key_from_public_text(skip_options(line), &key, NULL) != 0)
        return "there is no key of a known type in it";
    sshio_key_unref(key);
    return "options are not supported, the line is refused";
}

static bool parse_line(sshio_authorized_keys *keys, struct span line, const char *filename, int number)
{
    if (text_line_too_long(line))
        return refuse(keys, filename, number, "too long, the line is refused");
    if (text_line_is_empty(line))
        return true;
    if (!make_room(keys))
        return false;
    int rc = key_from_public_text(line, &keys->keys[keys->count], NULL);
    if (rc == 0)
        keys->count++;
    else if (rc != SSHIO_ENOMEM)
        return refuse(keys, filename, number, explain(line));
    return rc != SSHIO_ENOMEM;
}

int authorized_keys_parse(sshio_authorized_keys *keys, struct span text, const char *filename, struct error *e)
{
    struct text_lines lines;
    struct span line;

    text_lines_init(&lines, text);
    while (text_lines_next(&lines, &line))
        if (!parse_line(keys, line, filename, lines.number))
            return error_nomem(e);
    return 0;
}

size_t authorized_keys_count(const sshio_authorized_keys *keys)
{
    return keys->count;
}

const char *const *authorized_keys_refused(const sshio_authorized_keys *keys)
{
    return texts_items(&keys->refused);
}

bool authorized_keys_find(const sshio_authorized_keys *keys, struct span blob)
{
    for (size_t i = 0; i < keys->count; i++)
        if (span_equal(key_public_blob(keys->keys[i]), blob))
            return true;
    return false;
}
