/* The search for separators; see match.h. */
#include "session/match.h"

#include <stdbool.h>
#include <string.h>

static size_t match_here(const char *data, size_t len, const char *const *separators)
{
    for (size_t i = 0; separators[i] != NULL; i++) {
        size_t size = strlen(separators[i]);
        if (size <= len && memcmp(data, separators[i], size) == 0)
            return size;
    }
    return 0;
}

/* One separator is the usual case, and memmem is fast at it. */
static size_t match_only(const char *data, size_t len, size_t from, const char *separator)
{
    size_t size = strlen(separator);
    const char *found = from < len ? memmem(data + from, len - from, separator, size) : NULL;
    return found != NULL ? (size_t)(found - data) + size : 0;
}

size_t match_earliest(const char *data, size_t len, size_t from, const char *const *separators)
{
    bool begins[256] = { false };
    if (separators[1] == NULL)
        return match_only(data, len, from, separators[0]);
    for (size_t i = 0; separators[i] != NULL; i++)
        begins[(unsigned char)separators[i][0]] = true;
    for (size_t at = from; at < len; at++) {
        size_t size = begins[(unsigned char)data[at]] ? match_here(data + at, len - at, separators) : 0;
        if (size != 0)
            return at + size;
    }
    return 0;
}
