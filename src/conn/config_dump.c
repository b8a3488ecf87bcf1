/* See config_dump.h. Where OpenSSH shows a value in another form than it is written in, so does this: times in seconds,
 * algorithms as the list that the selection comes to. */
#include "conn/config_dump.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/units.h"
#include "conn/algorithms.h"

#define DUMP_MAX_LEN (16u * 1024 * 1024)

static void put_keyword(struct writer *w, const struct keyword *keyword)
{
    for (const char *c = keyword->name; *c != '\0'; c++)
        put_u8(w, (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c));
    put_u8(w, ' ');
}

static void put_line(struct writer *w, const struct keyword *keyword, const char *value)
{
    put_keyword(w, keyword);
    put_chars(w, value);
    put_u8(w, '\n');
}

static void put_decimal(struct writer *w, uint64_t value)
{
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    put_bytes(w, digits + at, sizeof digits - at);
}

/* ---- algorithms ---- */

static const struct {
    enum keyword_id id;
    sshio_alg_kind kind;
} selections[] = {
    { KEYWORD_CIPHERS, SSHIO_ALG_ENCRYPTION },
    { KEYWORD_MACS, SSHIO_ALG_MAC },
    { KEYWORD_KEX_ALGORITHMS, SSHIO_ALG_KEX },
    { KEYWORD_HOST_KEY_ALGORITHMS, SSHIO_ALG_PUBLIC_KEY },
    { KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS, SSHIO_ALG_SIGNATURE },
};

static const sshio_alg_kind *selection_kind(enum keyword_id id)
{
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++)
        if (selections[i].id == id)
            return &selections[i].kind;
    return NULL;
}

static int put_selection(struct writer *w, const sshio_config *config, enum keyword_id id, sshio_alg_kind kind,
                         struct error *e)
{
    struct texts names = { 0 };
    const char *selection = config_text(config, id, NULL);
    bool is_none = config_is_set(config, id) && selection == NULL;
    int rc = is_none ? 0 : algorithms_select(kind, selection, true, &names, e);
    char *text = rc == 0 ? texts_join(&names, ",") : NULL;

    if (rc == 0 && text != NULL)
        put_line(w, keyword_at(id), is_none ? "none" : text);
    else if (rc == 0)
        rc = error_nomem(e);
    mem_free(text);
    texts_done(&names);
    return rc;
}

/* ---- values ---- */

/* "bytes seconds", where 0 is the default, or no limit. */
static void put_rekey(struct writer *w, const sshio_config *config)
{
    const char *text = config_text(config, KEYWORD_REKEY_LIMIT, "default");
    uint64_t bytes = 0;
    double seconds = 0;
    char first[64] = "";
    size_t len = strcspn(text, " ");

    if (len < sizeof first)
        memcpy(first, text, len);
    put_keyword(w, keyword_at(KEYWORD_REKEY_LIMIT));
    if (strcmp(first, "default") != 0)
        units_byte_count(first, &bytes, NULL);
    if (text[len] == ' ' && strcmp(text + len + 1, "none") != 0)
        units_interval(text + len + 1, &seconds, NULL);
    put_decimal(w, bytes);
    put_u8(w, ' ');
    put_decimal(w, (uint64_t)seconds);
    put_u8(w, '\n');
}

static void put_time(struct writer *w, const sshio_config *config, enum keyword_id id)
{
    double seconds = config_seconds(config, id, 0);

    put_keyword(w, keyword_at(id));
    if (config_text(config, id, NULL) == NULL)
        put_chars(w, "none");
    else
        put_decimal(w, (uint64_t)ceil(seconds));
    put_u8(w, '\n');
}

static bool is_repeated(enum value_kind kind)
{
    return kind == VALUE_APPEND || kind == VALUE_APPEND_LIST || kind == VALUE_NAMED;
}

static int put_value(struct writer *w, const sshio_config *config, enum keyword_id id, struct error *e)
{
    const struct keyword *keyword = keyword_at(id);
    const struct texts *items = &config->values[id].items;
    const sshio_alg_kind *kind = selection_kind(id);

    if (kind != NULL)
        return put_selection(w, config, id, *kind, e);
    if (id == KEYWORD_REKEY_LIMIT) {
        put_rekey(w, config);
    } else if (!config_is_set(config, id)) {
        if (keyword->fallback != NULL)
            put_line(w, keyword, keyword->fallback);
    } else if (keyword->kind == VALUE_TIME) {
        put_time(w, config, id);
    } else if (is_repeated(keyword->kind)) {
        for (size_t i = 0; i < items->count; i++)
            put_line(w, keyword, items->items[i]);
    } else {
        char *text = items->count != 0 ? texts_join(items, " ") : mem_strdup("none");
        if (text == NULL)
            return error_nomem(e);
        put_line(w, keyword, text);
        mem_free(text);
    }
    return 0;
}

int config_dump(const sshio_config *config, sshio_bytes *text, struct error *e)
{
    struct writer w;
    int rc = 0;

    writer_init(&w, DUMP_MAX_LEN);
    for (size_t i = 0; rc == 0 && i < KEYWORD_COUNT; i++)
        if ((keyword_at((enum keyword_id)i)->sides & config->side) != 0)
            rc = put_value(&w, config, (enum keyword_id)i, e);
    uint8_t *data = NULL;
    size_t size = 0;
    put_u8(&w, 0);
    if (rc == 0 && writer_take(&w, &data, &size) != 0)
        rc = error_nomem(e);
    if (rc == 0)
        *text = (sshio_bytes){ (char *)data, size - 1 };
    writer_done(&w);
    return rc;
}
