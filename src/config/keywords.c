/* See keywords.h. */
#include "config/keywords.h"

#include <string.h>
#include <strings.h>

#define KEYWORD_ROW(id, name, kind, sides, min, max, choices, help)                                                    \
    [KEYWORD_##id] = { name, kind, sides, min, max, choices, help },
static const struct keyword rows[KEYWORD_COUNT] = { KEYWORDS(KEYWORD_ROW) };

const struct keyword *keyword_at(enum keyword_id id)
{
    return &rows[id];
}

/* Names that keywords had. */
static const struct {
    const char *name;
    enum keyword_id id;
} old_names[] = {
    { "ChallengeResponseAuthentication", KEYWORD_KBDINT_AUTHENTICATION },
};

static bool is_name(struct span name, const char *text)
{
    return strlen(text) == name.len && strncasecmp(text, (const char *)name.data, name.len) == 0;
}

bool keyword_find(struct span name, enum config_side side, enum keyword_id *id)
{
    for (size_t i = 0; i < sizeof old_names / sizeof old_names[0]; i++)
        if (is_name(name, old_names[i].name))
            name = span_of(rows[old_names[i].id].name);
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if ((rows[i].sides & side) == 0 || !is_name(name, rows[i].name))
            continue;
        *id = (enum keyword_id)i;
        return true;
    }
    return false;
}
