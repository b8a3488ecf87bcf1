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

bool keyword_find(struct span name, enum config_side side, enum keyword_id *id)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if ((rows[i].sides & side) == 0 || strlen(rows[i].name) != name.len ||
            strncasecmp(rows[i].name, (const char *)name.data, name.len) != 0)
            continue;
        *id = (enum keyword_id)i;
        return true;
    }
    return false;
}
