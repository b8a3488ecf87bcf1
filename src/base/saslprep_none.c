/* A build without libidn: only ASCII can be prepared. */
#include "base/saslprep.h"

enum saslprep_result saslprep_unicode(const char *text, char **prepared)
{
    (void)text, (void)prepared;
    return SASLPREP_UNAVAILABLE;
}

bool saslprep_has_unicode(void)
{
    return false;
}
