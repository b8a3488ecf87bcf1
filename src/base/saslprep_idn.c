/* SASLprep by GNU libidn, whose tables are those of Unicode 3.2 that RFC 3454 names. Characters that were unassigned
 * then are refused, as for stored strings (RFC 4013 2.5). */
#include <stringprep.h>

#include "base/memory.h"
#include "base/saslprep.h"

#include <string.h>

/* Normalisation makes a text at most 18 times as long (Unicode, annex 15); what does not fit is no name anyway. */
#define GROWTH 18

enum saslprep_result saslprep_unicode(const char *text, char **prepared)
{
    size_t len = strlen(text), size = len * GROWTH + 1;
    char *buffer = mem_alloc(size);
    if (buffer == NULL)
        return SASLPREP_NO_MEMORY;
    memcpy(buffer, text, len + 1);
    int rc = stringprep(buffer, size, STRINGPREP_NO_UNASSIGNED, stringprep_saslprep);
    char *copy = rc == STRINGPREP_OK ? mem_strdup(buffer) : NULL;
    mem_free_secret(buffer, size);
    if (rc == STRINGPREP_OK && copy != NULL)
        *prepared = copy;
    if (rc != STRINGPREP_OK)
        return rc == STRINGPREP_MALLOC_ERROR ? SASLPREP_NO_MEMORY : SASLPREP_PROHIBITED;
    return copy != NULL ? SASLPREP_OK : SASLPREP_NO_MEMORY;
}

bool saslprep_has_unicode(void)
{
    return true;
}
