/* See saslprep.h: what can be said without tables of Unicode. */
#include "base/saslprep.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/utf8.h"

enum saslprep_result saslprep(const char *text, char **prepared)
{
    struct span bytes = span_of(text);
    bool ascii = true;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f)
            return SASLPREP_PROHIBITED;
        ascii = ascii && bytes.data[i] < 0x80;
    }
    if (!ascii)
        return utf8_valid(bytes) ? saslprep_unicode(text, prepared) : SASLPREP_PROHIBITED;
    char *copy = mem_strdup(text);
    if (copy == NULL)
        return SASLPREP_NO_MEMORY;
    *prepared = copy;
    return SASLPREP_OK;
}
