/* Expansion of algorithm selections.
 *
 * A selection is "default", nothing, or a comma list of wildcard patterns with at most one prefix
 * for the whole: ^ puts the matches before the default list, + behind it, - takes them out of it;
 * without a prefix the matches alone count. A name stands in the result once, where it came first.
 * A pattern that the caller wrote must match something; one from a config file may be meant for a
 * newer version. */
#include "crypto/selection.h"

#include <string.h>

#include "base/pattern.h"

struct expansion {
    const struct selection_name *possible;
    size_t count;
    const struct selection_rules *rules;
    struct error *e;
};

static int add_once(struct texts *names, const char *name, struct error *e)
{
    return texts_has(names, name) || texts_add(names, name) ? 0 : error_nomem(e);
}

static int add_list(const struct expansion *x, const struct texts *from, const struct texts *without,
                    struct texts *names)
{
    for (size_t i = 0; i < from->count; i++)
        if ((without == NULL || !texts_has(without, from->items[i])) && add_once(names, from->items[i], x->e) != 0)
            return SSHIO_ENOMEM;
    return 0;
}

static int add_defaults(const struct expansion *x, struct texts *names)
{
    if (x->rules->defaults != NULL)
        return add_list(x, x->rules->defaults, NULL, names);
    for (size_t i = 0; i < x->count; i++)
        if (x->possible[i].is_default && add_once(names, x->possible[i].name, x->e) != 0)
            return SSHIO_ENOMEM;
    return 0;
}

static int add_matches(const struct expansion *x, struct span pattern, struct texts *names)
{
    bool matched = false;

    if (pattern.len != 0 && pattern.data[0] == '!')
        return error_set(x->e, SSHIO_EINVAL, "\"%.*s\" is negated, which is not allowed in %s algorithms",
                         (int)pattern.len, (const char *)pattern.data, x->rules->kind);
    for (size_t i = 0; i < x->count; i++) {
        if (!pattern_match(pattern, span_of(x->possible[i].name)))
            continue;
        matched = true;
        if (add_once(names, x->possible[i].name, x->e) != 0)
            return SSHIO_ENOMEM;
    }
    if (!matched && !x->rules->from_config)
        return error_set(x->e, SSHIO_EINVAL, "\"%.*s\" matches no valid %s algorithms", (int)pattern.len,
                         (const char *)pattern.data, x->rules->kind);
    return 0;
}

static int add_all_matches(const struct expansion *x, const char *patterns, struct texts *names)
{
    const char *at = patterns;
    for (;;) {
        size_t len = strcspn(at, ",");
        int rc = add_matches(x, SPAN(at, len), names);
        if (rc != 0 || at[len] == '\0')
            return rc;
        at += len + 1;
    }
}

static int combine(const struct expansion *x, char prefix, const struct texts *matches, struct texts *names)
{
    struct texts defaults = { 0 };
    int rc = prefix != '\0' ? add_defaults(x, &defaults) : 0;

    if (rc == 0 && prefix == '-')
        rc = add_list(x, &defaults, matches, names);
    else if (rc == 0 && prefix == '+')
        rc = add_list(x, &defaults, NULL, names);
    if (rc == 0 && prefix != '-')
        rc = add_list(x, matches, NULL, names);
    if (rc == 0 && prefix == '^')
        rc = add_list(x, &defaults, NULL, names);
    texts_done(&defaults);
    return rc;
}

static int expand_patterns(const struct expansion *x, const char *text, struct texts *names)
{
    struct texts matches = { 0 };
    char prefix = strchr("^+-", text[0]) != NULL ? text[0] : '\0';
    int rc = add_all_matches(x, prefix != '\0' ? text + 1 : text, &matches);
    if (rc == 0)
        rc = combine(x, prefix, &matches, names);
    texts_done(&matches);
    return rc;
}

static int none_selected(const struct expansion *x)
{
    return error_set(x->e, SSHIO_EINVAL, "No %s algorithms selected", x->rules->kind);
}

/* Nothing asked for: no compression is the algorithm "none", no MAC is the empty list. */
static int expand_nothing(const struct expansion *x, struct texts *names)
{
    if (!x->rules->empty_allowed)
        return none_selected(x);
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->possible[i].name, "none") == 0)
            return add_once(names, "none", x->e);
    return 0;
}

static int expand(const struct expansion *x, const char *text, struct texts *names)
{
    if (text == NULL || strcmp(text, "default") == 0)
        return add_defaults(x, names);
    if (text[0] == '\0' || (x->rules->from_config && strcmp(text, "none") == 0))
        return expand_nothing(x, names);
    int rc = expand_patterns(x, text, names);
    return rc == 0 && names->count == 0 ? none_selected(x) : rc;
}

int selection_expand(const struct selection_name *possible, size_t count, const char *text,
                     const struct selection_rules *rules, struct texts *names, struct error *e)
{
    struct expansion x = { possible, count, rules, e };
    struct texts result = { 0 };
    int rc = expand(&x, text, &result);
    if (rc != 0) {
        texts_done(&result);
        return rc;
    }
    texts_done(names);
    *names = result;
    return 0;
}
