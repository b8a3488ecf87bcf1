/* See config.h. Each kind of value has one function that checks and puts into form what a line gives for it; the rest
 * is the same for all of them. */
#include "config/config.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/pattern.h"
#include "base/units.h"

#define EXPANDED_MAX_LEN (256u * 1024)

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
    if (config == NULL)
        return NULL;
    config->refs = 1;
    config->side = side;
    return config;
}

sshio_config *config_ref(sshio_config *config)
{
    config->refs++;
    return config;
}

void config_unref(sshio_config *config)
{
    if (config == NULL || --config->refs > 0)
        return;
    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        texts_done(&config->values[i].items);
    texts_done(&config->filenames);
    texts_done(&config->proxy_words);
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

static int set_time(struct setting *s)
{
    const char *argument = take(s);
    double seconds;

    if (is_none(argument))
        return 0;
    if (units_interval(argument, &seconds, NULL) != 0 || seconds < 0)
        return bad_value(s, " time", argument);
    return keep(s, argument);
}

static int set_flag(struct setting *s)
{
    const char *argument = take(s);

    if (strcasecmp(argument, "yes") == 0 || strcasecmp(argument, "true") == 0)
        return keep(s, "yes");
    if (strcasecmp(argument, "no") == 0 || strcasecmp(argument, "false") == 0)
        return keep(s, "no");
    return bad_value(s, " boolean", argument);
}

static int set_choice(struct setting *s)
{
    const char *argument = take(s);
    const char *word;
    size_t len;

    if (!keyword_is_one_of(s->keyword->choices, span_of(argument), &word, &len))
        return bad_value(s, "", argument);
    return texts_add_len(&s->values, word, len) ? 0 : error_nomem(s->e);
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

/* The name of a subsystem and its command, kept as "name command". */
static int set_named(struct setting *s)
{
    if (s->arguments.count < 2)
        return error_set_file(s->e, SSHIO_ECONFIG_PARSE, s->where->filename, s->where->line, "Missing %s command: %s",
                              s->keyword->name, s->arguments.items[0]);
    char *text = texts_join(&s->arguments, " ");
    int rc = text != NULL ? keep(s, text) : error_nomem(s->e);
    s->used = s->arguments.count;
    mem_free(text);
    return rc;
}

static int set_startups(struct setting *s)
{
    const char *argument = take(s);
    struct startups startups;

    return units_startups(argument, &startups, NULL) == 0 ? keep(s, argument) : bad_value(s, "", argument);
}

static int (*const kinds[])(struct setting *s) = {
    [VALUE_STRING] = set_string, [VALUE_NUMBER] = set_number,    [VALUE_TIME] = set_time,
    [VALUE_FLAG] = set_flag,     [VALUE_CHOICE] = set_choice,    [VALUE_LIST] = set_list,
    [VALUE_APPEND] = set_string, [VALUE_APPEND_LIST] = set_list, [VALUE_NAMED] = set_named,
    [VALUE_REST] = set_string,   [VALUE_REKEY] = set_rekey,      [VALUE_STARTUPS] = set_startups,
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
    int rc = s->keyword->kind == VALUE_REST ? config_line_whole(rest, s->where, &s->arguments, s->e)
                                            : config_line_arguments(rest, s->where, &s->arguments, s->e);
    if (rc != 0)
        return rc;
    if (s->arguments.count == 0 || s->arguments.items[0][0] == '\0')
        return error_set_file(s->e, SSHIO_ECONFIG_PARSE, s->where->filename, s->where->line, "Missing %s value",
                              s->keyword->name);
    rc = kinds[s->keyword->kind](s);
    return rc != 0 ? rc : check_extra(s);
}

/* Whether a named value of this name is there. */
static bool has_name(const struct texts *items, const char *value)
{
    size_t len = strcspn(value, " ");
    for (size_t i = 0; i < items->count; i++)
        if (strncmp(items->items[i], value, len) == 0 && items->items[i][len] == ' ')
            return true;
    return false;
}

/* An appended "none" adds nothing, but says that there is to be nothing. */
static int store(struct config_value *value, const struct setting *s)
{
    enum value_kind kind = s->keyword->kind;
    bool appends = kind == VALUE_APPEND || kind == VALUE_APPEND_LIST || kind == VALUE_NAMED;

    if (value->is_set && !appends)
        return 0;
    for (size_t i = 0; i < s->values.count; i++) {
        const char *item = s->values.items[i];
        if (!(kind == VALUE_NAMED && has_name(&value->items, item)) && !texts_add(&value->items, item))
            return error_nomem(s->e);
    }
    value->is_set = true;
    value->filename = s->where->filename;
    value->line = s->where->line;
    return 0;
}

static int bad_keyword(struct span name, const struct config_where *where, const char *what, struct error *e)
{
    return error_set_file(e, SSHIO_ECONFIG_PARSE, where->filename, where->line, "%s: %.*s", what,
                          (int)(name.len < 200 ? name.len : 200), (const char *)name.data);
}

/* A keyword that OpenSSH knows, but that has no effect here. To pass over one that restricts who may do what would be
 * dangerous on a server. */
static int pass_over(const sshio_config *config, const struct foreign_keyword *foreign, struct span rest,
                     const struct config_where *where, struct error *e)
{
    struct texts arguments = { 0 };
    const char *word;
    size_t len;
    int rc = config_line_arguments(rest, where, &arguments, e);
    struct span value = arguments.count != 0 ? span_of(arguments.items[0]) : SPAN(NULL, 0);
    bool harmless = value.len != 0 && keyword_is_one_of(foreign->harmless, value, &word, &len);
    bool optional = value.len != 0 && keyword_is_one_of(foreign->optional, value, &word, &len);

    if (rc == 0 && optional && !harmless) {
        log_debug(log_base(), 1, "%s line %d: nothing is done about \"%s\"",
                  where->filename != NULL ? where->filename : "command-line", where->line, foreign->name);
    } else if (rc == 0 && !harmless) {
        const char *what = foreign->retired ? "Deprecated option" : "Unsupported option";
        if (config->side == CONFIG_SERVER && !foreign->retired)
            rc = bad_keyword(span_of(foreign->name), where, what, e);
        else
            log_warning(log_base(), "%s line %d: %s \"%s\"", where->filename != NULL ? where->filename : "command-line",
                        where->line, what, foreign->name);
    }
    texts_done(&arguments);
    return rc;
}

static int pass_over_unknown(const sshio_config *config, struct span name, struct span rest,
                             const struct config_where *where, struct error *e)
{
    const struct foreign_keyword *foreign = keyword_find_foreign(name, config->side);
    const char *ignored = config_text(config, KEYWORD_IGNORE_UNKNOWN, "");
    char shown[64];
    struct texts arguments = { 0 };

    if (ignored != NULL && pattern_list_match_nocase(span_of(ignored), name))
        return 0;
    if (foreign != NULL)
        return pass_over(config, foreign, rest, where, e);
    if (config->strict)
        return bad_keyword(name, where, "Bad configuration option", e);
    log_debug(log_base(), 1, "%s line %d: unknown keyword %s", where->filename != NULL ? where->filename : "config",
              where->line, log_escaped(name, shown, sizeof shown));
    int rc = config_line_arguments(rest, where, &arguments, e);
    texts_done(&arguments);
    return rc;
}

static int set_keyword(sshio_config *config, enum keyword_id id, struct span rest, const struct config_where *where,
                       struct error *e)
{
    struct setting s = { .keyword = keyword_at(id), .where = where, .e = e };
    int rc = read_value(&s, rest);
    if (rc == 0)
        rc = store(&config->values[id], &s);
    texts_done(&s.arguments);
    texts_done(&s.values);
    return rc;
}

int config_set(sshio_config *config, struct span line, const struct config_where *where, struct error *e)
{
    struct span name;
    struct span rest;
    enum keyword_id id;

    if (!config_line_split(line, &name, &rest))
        return 0;
    if (!keyword_find(name, config->side, &id))
        return pass_over_unknown(config, name, rest, where, e);
    /* Of these two the first one wins. */
    if ((id == KEYWORD_PROXY_COMMAND && config_is_set(config, KEYWORD_PROXY_JUMP)) ||
        (id == KEYWORD_PROXY_JUMP && config_is_set(config, KEYWORD_PROXY_COMMAND)))
        return 0;
    return set_keyword(config, id, rest, where, e);
}

int config_preset(sshio_config *config, enum keyword_id id, const char *value, struct error *e)
{
    struct config_value *place = &config->values[id];

    if (place->is_set)
        return 0;
    if (!texts_add(&place->items, value))
        return error_nomem(e);
    place->is_set = true;
    return 0;
}

/* ---- tokens ---- */

static int expand_item(char **item, const char *allowed, const struct token_values *tokens, struct error *e)
{
    struct writer text;
    writer_init(&text, EXPANDED_MAX_LEN);
    int rc = tokens_expand(*item, allowed, tokens, &text, e);
    char *expanded = rc == 0 && !writer_failed(&text) ? span_dup_text(writer_span(&text)) : NULL;
    writer_done(&text);
    if (rc != 0)
        return rc;
    if (expanded == NULL)
        return error_nomem(e);
    mem_free(*item);
    *item = expanded;
    return 0;
}

int config_expand_texts(struct texts *texts, const char *allowed, const struct config_value *value,
                        const struct token_values *tokens, struct error *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < texts->count; i++) {
        struct error inner;
        error_init(&inner);
        rc = expand_item(&texts->items[i], allowed, tokens, &inner);
        if (rc != 0)
            error_set_file(e, rc, value->filename, value->line, "%s", error_message(&inner));
        error_clear(&inner);
    }
    return rc;
}

int config_expand_one(sshio_config *config, enum keyword_id id, const struct token_values *tokens, struct error *e)
{
    struct config_value *value = &config->values[id];
    const char *allowed = keyword_at(id)->tokens;

    return allowed != NULL ? config_expand_texts(&value->items, allowed, value, tokens, e) : 0;
}

int config_expand(sshio_config *config, const struct token_values *tokens, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < KEYWORD_COUNT; i++)
        if (i != KEYWORD_HOSTNAME && i != KEYWORD_PROXY_COMMAND)
            rc = config_expand_one(config, (enum keyword_id)i, tokens, e);
    return rc;
}

/* ---- getters ---- */

bool config_is_set(const sshio_config *config, enum keyword_id id)
{
    return config != NULL && config->values[id].is_set;
}

int64_t config_number(const sshio_config *config, enum keyword_id id, int64_t fallback)
{
    const struct keyword *keyword = keyword_at(id);
    const char *text = config_text(config, id, NULL);
    int64_t number;

    if (text == NULL || units_int(text, keyword->min, keyword->max, &number, NULL) != 0)
        return fallback;
    return number;
}

double config_seconds(const sshio_config *config, enum keyword_id id, double fallback)
{
    const char *text = config_text(config, id, NULL);
    double seconds;

    if (!config_is_set(config, id))
        return fallback;
    return text != NULL && units_interval(text, &seconds, NULL) == 0 ? seconds : 0;
}

const char *config_text(const sshio_config *config, enum keyword_id id, const char *fallback)
{
    if (!config_is_set(config, id))
        return fallback;
    const struct texts *items = &config->values[id].items;
    return items->count != 0 ? items->items[0] : NULL;
}

const char *const *config_texts(const sshio_config *config, enum keyword_id id)
{
    static const struct texts none = { 0 };
    return texts_items(config != NULL ? &config->values[id].items : &none);
}
