/* See config_file.h. */
#include "config/config_file.h"

#include <string.h>
#include <strings.h>

#include "base/pattern.h"
#include "config/text_lines.h"

struct file { /* one text that is being read */
    struct config_reader *reader;
    struct config_where where;
    bool active; /* the present block is */
    struct error *e;
};

static int bad_line(const struct file *file, const char *reason, const char *what)
{
    return error_set_file(file->e, SSHIO_ECONFIG_PARSE, file->where.filename, file->where.line, "%s%s", reason, what);
}

static bool is_name(struct span name, const char *text)
{
    return strlen(text) == name.len && strncasecmp(text, (const char *)name.data, name.len) == 0;
}

const char *config_host(const sshio_config *config, const struct config_subject *subject)
{
    return config_text(config, KEYWORD_HOSTNAME, subject->host);
}

/* ---- Host ---- */

/* Some pattern matches, and none of those behind a "!" does. Elements of a comma list count as arguments. */
static bool host_matches(const struct texts *patterns, const char *host)
{
    bool found = false;

    for (size_t i = 0; i < patterns->count; i++) {
        struct span rest = span_of(patterns->items[i]);
        struct span pattern;
        while (text_comma_next(&rest, &pattern)) {
            bool negated = pattern.len != 0 && pattern.data[0] == '!';
            if (negated)
                pattern = SPAN(pattern.data + 1, pattern.len - 1);
            if (pattern.len == 0 || !pattern_match_nocase(pattern, span_of(host)))
                continue;
            if (negated)
                return false;
            found = true;
        }
    }
    return found;
}

static int begin_host(struct file *file, const struct texts *patterns)
{
    const char *host = file->reader->subject->host;

    if (file->reader->config->side == CONFIG_SERVER)
        return bad_line(file, "Bad configuration option: ", "Host");
    if (patterns->count == 0)
        return bad_line(file, "Missing Host value", "");
    file->active = host != NULL && host_matches(patterns, host);
    return 0;
}

/* ---- Match ---- */

enum criterion_target { TARGET_NONE, TARGET_HOST, TARGET_ORIGINAL_HOST, TARGET_USER, TARGET_LOCAL_USER };

#define MATCH_LEN (sizeof "Match " - 1)

static const struct criterion {
    const char *line;             /* how a line with it begins */
    enum criterion_target target; /* what its patterns are matched with; none = it takes no argument and holds */
} criteria[] = {
    { "Match all", TARGET_NONE },
    { "Match host", TARGET_HOST },
    { "Match originalhost", TARGET_ORIGINAL_HOST },
    { "Match user", TARGET_USER },
    { "Match localuser", TARGET_LOCAL_USER },
};

static const struct criterion *find_criterion(struct span name)
{
    for (size_t i = 0; i < sizeof criteria / sizeof criteria[0]; i++)
        if (is_name(name, criteria[i].line + MATCH_LEN))
            return &criteria[i];
    return NULL;
}

static const char *target_text(const struct file *file, enum criterion_target target)
{
    const struct config_reader *r = file->reader;
    const struct config_subject *subject = r->subject;

    switch (target) {
    case TARGET_HOST:
        return config_host(r->config, subject);
    case TARGET_ORIGINAL_HOST:
        return subject->host;
    case TARGET_USER:
        return config_text(r->config, KEYWORD_USER, subject->user != NULL ? subject->user : subject->local_user);
    case TARGET_LOCAL_USER:
        return subject->local_user;
    case TARGET_NONE:
        break;
    }
    return NULL;
}

static bool criterion_holds(const struct file *file, const struct criterion *criterion, const char *patterns)
{
    if (criterion->target == TARGET_NONE)
        return true;
    const char *text = target_text(file, criterion->target);
    bool nocase = criterion->target == TARGET_HOST || criterion->target == TARGET_ORIGINAL_HOST;
    if (text == NULL)
        return false;
    return nocase ? pattern_list_match_nocase(span_of(patterns), span_of(text))
                  : pattern_list_match(span_of(patterns), span_of(text));
}

/* The words of a Match line, one criterion after the other: "name argument", "name=argument", "name = argument". */
struct match_words {
    const struct texts *arguments;
    size_t next;
};

static const char *take_pattern(struct match_words *words, const char *behind_name)
{
    const struct texts *arguments = words->arguments;

    if (behind_name != NULL && behind_name[0] != '\0')
        return behind_name;
    if (behind_name == NULL && words->next < arguments->count && arguments->items[words->next][0] == '=') {
        const char *text = arguments->items[words->next++];
        if (text[1] != '\0')
            return text + 1;
    }
    return words->next < arguments->count ? arguments->items[words->next++] : NULL;
}

static int bad_missing(const struct file *file, const char *name)
{
    return error_set_file(file->e, SSHIO_ECONFIG_PARSE, file->where.filename, file->where.line,
                          "Missing %s match pattern", name);
}

static int match_criterion(const struct file *file, struct match_words *words, bool *holds)
{
    const char *word = words->arguments->items[words->next++];
    bool negated = word[0] == '!';
    const char *equals = strchr(word, '=');
    struct span name = span_of(word + negated);

    if (equals != NULL)
        name.len = (size_t)(equals - word) - negated;
    const struct criterion *criterion = find_criterion(name);
    if (criterion == NULL)
        return bad_line(file, "Invalid match condition ", word);
    const char *patterns = NULL;
    if (criterion->target != TARGET_NONE) {
        patterns = take_pattern(words, equals != NULL ? equals + 1 : NULL);
        if (patterns == NULL)
            return bad_missing(file, criterion->line + MATCH_LEN);
    }
    *holds = criterion_holds(file, criterion, patterns) != negated;
    return 0;
}

/* A server would have to look at this again for each user; until it does, only what holds for everybody is taken. */
static int begin_match(struct file *file, const struct texts *arguments)
{
    struct match_words words = { .arguments = arguments };
    bool active = true;
    int rc = 0;

    if (arguments->count == 0)
        return bad_line(file, "Missing Match value", "");
    if (file->reader->config->side == CONFIG_SERVER &&
        (arguments->count != 1 || strcasecmp(arguments->items[0], "all") != 0))
        return bad_line(file, "Unsupported match condition ", arguments->items[0]);
    while (rc == 0 && words.next < arguments->count) {
        bool holds = false;
        rc = match_criterion(file, &words, &holds);
        active = active && holds;
    }
    if (rc == 0)
        file->active = active;
    return rc;
}

/* ---- Include ---- */

static int include(struct file *file, const struct texts *patterns)
{
    struct config_reader *r = file->reader;
    int rc = 0;

    if (patterns->count == 0)
        return bad_line(file, "Missing Include value", "");
    if (!file->active)
        return 0;
    if (r->depth >= INCLUDE_MAX_DEPTH)
        return bad_line(file, "Include nesting too deep", "");
    r->depth++;
    for (size_t i = 0; rc == 0 && i < patterns->count; i++)
        rc = r->include(r, patterns->items[i], file->e);
    r->depth--;
    return rc;
}

/* ---- lines ---- */

static const struct {
    const char *name;
    int (*run)(struct file *file, const struct texts *arguments);
} directives[] = {
    { "Host", begin_host },
    { "Match", begin_match },
    { "Include", include },
};

/* Hostname is needed by the lines behind it. */
static int set(struct file *file, struct span line)
{
    struct config_reader *r = file->reader;
    bool had_host = config_is_set(r->config, KEYWORD_HOSTNAME);
    int rc = config_set(r->config, line, &file->where, file->e);

    if (rc == 0 && !had_host && config_is_set(r->config, KEYWORD_HOSTNAME) && r->tokens != NULL)
        rc = config_expand_one(r->config, KEYWORD_HOSTNAME, r->tokens, file->e);
    return rc;
}

/* What an inactive line is held to. */
static int check_quotes(struct file *file, struct span name, struct span rest)
{
    struct texts arguments = { 0 };
    enum keyword_id id;

    if (keyword_find(name, file->reader->config->side, &id) && keyword_at(id)->kind == VALUE_REST)
        return 0;
    int rc = config_line_arguments(rest, &file->where, &arguments, file->e);
    texts_done(&arguments);
    return rc;
}

static int read_line(struct file *file, struct span line)
{
    struct texts arguments = { 0 };
    struct span name;
    struct span rest;

    if (text_line_too_long(line))
        return bad_line(file, "Line is too long", "");
    if (!config_line_split(line, &name, &rest))
        return 0;
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (!is_name(name, directives[i].name))
            continue;
        int rc = config_line_arguments(rest, &file->where, &arguments, file->e);
        if (rc == 0)
            rc = directives[i].run(file, &arguments);
        texts_done(&arguments);
        return rc;
    }
    return file->active ? set(file, line) : check_quotes(file, name, rest);
}

int config_read(struct config_reader *r, struct span text, const char *filename, struct error *e)
{
    struct file file = { .reader = r, .active = true, .e = e };
    struct texts *names = &r->config->filenames;
    struct text_lines lines;
    struct span line;
    int rc = 0;

    if (filename != NULL) {
        if (!texts_add(names, filename))
            return error_nomem(e);
        file.where.filename = names->items[names->count - 1];
    }
    text_lines_init(&lines, text);
    while (rc == 0 && text_lines_next(&lines, &line)) {
        file.where.line = lines.number;
        rc = read_line(&file, line);
    }
    return rc;
}
