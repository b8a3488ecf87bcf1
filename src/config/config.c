/* See config.h. Each kind of value has one function that checks and puts into form what a line gives for it; the rest
 * is the same for all of them. */
#include "config/config.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/units.h"

struct setting { /* a line on its way into a value */
    const struct keyword *keyword;
    const struct config_where *where;
    struct texts arguments;
    size_t used;         /* arguments that the kind has taken */
    struct texts values; /* in the form that is kept */
    struct error *e;
};

sshio_config *config_new(enum config_side side)
{
    sshio_config *config = mem_zalloc(sizeof *config);
    if (config != NULL)
        config->side = side;
    return config;
}

void config_free(sshio_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        texts_done(&config->values[i].items);
    mem_free(config);
}

/* ---- the kinds ---- */

static int bad_value(const struct setting *s, const char *kind, const char *value)
{
    return error_set_file(s->e, SSHIO_ECONFIG_PARSE, s->where->filename, s->where->line, "Invalid %s%s value: %s",
                          s->keyword->name, kind, value);
}

static int keep(struct setting *s, const char *text)
{
    return texts_add(&s->values, text) ? 0 : error_nomem(s->e);
}

static const char *take(struct setting *s)
{
    return s->used < s->arguments.count ? s->arguments.items[s->used++] : NULL;
}

static bool is_none(const char *argument)
{
    return strcasecmp(argument, "none") == 0;
}

static int set_string(struct setting *s)
{
    const char *argument = take(s);
    return is_none(argument) ? 0 : keep(s, argument);
}

static int set_number(struct setting *s)
{
    const char *argument = take(s);
    int64_t number;

    if (units_int(argument, s->keyword->min, s->keyword->max, &number, NULL) != 0)
        return bad_value(s, " integer", argument);
    return keep(s, argument);
}

/* Keeps the word as the table spells it. */
static int set_choice(struct setting *s)
{
    const char *argument = take(s);
    size_t len = strlen(argument);

    for (const char *word = s->keyword->choices; *word != '\0';) {
        size_t word_len = strcspn(word, " ");
        if (word_len == len && strncasecmp(word, argument, len) == 0)
            return texts_add_len(&s->values, word, word_len) ? 0 : error_nomem(s->e);
        word += word_len;
        word += *word == ' ';
    }
    return bad_value(s, "", argument);
}

static int set_list(struct setting *s)
{
    if (s->arguments.count == 1 && is_none(s->arguments.items[0])) {
        s->used = 1;
        return 0;
    }
    int rc = 0;
    for (const char *argument = take(s); rc == 0 && argument != NULL; argument = take(s))
        rc = keep(s, argument);
    return rc;
}

static bool is_rekey_bytes(const char *text)
{
    uint64_t bytes;
    return strcasecmp(text, "default") == 0 || (units_byte_count(text, &bytes, NULL) == 0 && bytes > 0);
}

static bool is_rekey_time(const char *text)
{
    double seconds;
    return is_none(text) || (units_interval(text, &seconds, NULL) == 0 && seconds > 0);
}

/* Kept as one text, "1g 1h". */
static int set_rekey(struct setting *s)
{
    const char *bytes = take(s);
    const char *time = take(s);

    if (!is_rekey_bytes(bytes))
        return bad_value(s, "", bytes);
    if (time == NULL)
        return keep(s, bytes);
    if (!is_rekey_time(time))
        return bad_value(s, "", time);
    return texts_addf(&s->values, "%s %s", bytes, time) ? 0 : error_nomem(s->e);
}

static int (*const kinds[])(struct setting *s) = {
    [VALUE_STRING] = set_string, [VALUE_NUMBER] = set_number, [VALUE_CHOICE] = set_choice,
    [VALUE_LIST] = set_list,     [VALUE_APPEND] = set_string, [VALUE_REKEY] = set_rekey,
};

/* ---- lines ---- */

static int check_extra(const struct setting *s)
{
    if (s->used >= s->arguments.count)
        return 0;
    const struct texts extra = { s->arguments.count - s->used, s->arguments.items + s->used };
    char *text = texts_join(&extra, " ");
    int rc = error_set_file(s->e, SSHIO_ECONFIG_PARSE, s->where->filename, s->where->line, "Extra data at end: %s",
                            text != NULL ? text : "");
    mem_free(text);
    return rc;
}

static int read_value(struct setting *s, struct span rest)
{
    int rc = config_line_arguments(rest, s->where, &s->arguments, s->e);
    if (rc != 0)
        return rc;
    if (s->arguments.count == 0 || s->arguments.items[0][0] == '\0')
        return error_set_file(s->e, SSHIO_ECONFIG_PARSE, s->where->filename, s->where->line, "Missing %s value",
                              s->keyword->name);
    rc = kinds[s->keyword->kind](s);
    return rc != 0 ? rc : check_extra(s);
}

/* An appended "none" adds nothing, but says that there is to be nothing. */
static int store(struct config_value *value, const struct setting *s)
{
    bool appends = s->keyword->kind == VALUE_APPEND;

    if (value->is_set && !appends)
        return 0;
    for (size_t i = 0; i < s->values.count; i++)
        if (!texts_add(&value->items, s->values.items[i]))
            return error_nomem(s->e);
    value->is_set = true;
    return 0;
}

int config_set(sshio_config *config, struct span line, const struct config_where *where, struct error *e)
{
    struct span name;
    struct span rest;
    enum keyword_id id;

    if (!config_line_split(line, &name, &rest))
        return 0;
    if (!keyword_find(name, config->side, &id))
        return error_set_file(e, SSHIO_ECONFIG_PARSE, where->filename, where->line, "Bad configuration option: %.*s",
                              (int)(name.len < 200 ? name.len : 200), (const char *)name.data);
    struct setting s = { .keyword = keyword_at(id), .where = where, .e = e };
    int rc = read_value(&s, rest);
    if (rc == 0)
        rc = store(&config->values[id], &s);
    texts_done(&s.arguments);
    texts_done(&s.values);
    return rc;
}

/* ---- getters ---- */

bool config_is_set(const sshio_config *config, enum keyword_id id)
{
    return config->values[id].is_set;
}

int64_t config_number(const sshio_config *config, enum keyword_id id, int64_t fallback)
{
    const struct config_value *value = &config->values[id];
    const struct keyword *keyword = keyword_at(id);
    int64_t number;

    if (value->items.count == 0 || units_int(value->items.items[0], keyword->min, keyword->max, &number, NULL) != 0)
        return fallback;
    return number;
}

const char *config_text(const sshio_config *config, enum keyword_id id, const char *fallback)
{
    const struct config_value *value = &config->values[id];
    if (!value->is_set)
        return fallback;
    return value->items.count != 0 ? value->items.items[0] : NULL;
}

const char *const *config_texts(const sshio_config *config, enum keyword_id id)
{
    return texts_items(&config->values[id].items);
}
