/* The table of peers' quirks; see quirks.h. */
#include "engine/quirks.h"

#include <stddef.h>

#include "base/pattern.h"

static const struct {
    const char *pattern; /* of the version line */
    uint32_t quirks;
} rows[] = {
    /* Up to 2.10 at least nothing is held back during a re-exchange. */
    { "SSH-2.0-AsyncSSH_*", QUIRK_GOES_ON },
    { "*dropbear*", QUIRK_PACKETS_SHORT },
};

uint32_t quirks_of(const char *version)
{
    uint32_t quirks = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (pattern_match(span_of(rows[i].pattern), span_of(version)))
            quirks |= rows[i].quirks;
    return quirks;
}
