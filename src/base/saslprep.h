/* SASLprep (RFC 4013): the one form of a user name or password that different keyboards may have given different bytes
 * for. RFC 4252 sections 5 and 8 ask for it.
 *
 * Printable ASCII is its own form. For everything else there is GNU libidn; a build without it (saslprep_none.c) says
 * SASLPREP_UNAVAILABLE, and the caller decides whether the text may stay as it is. */
#ifndef SSHIO_BASE_SASLPREP_H
#define SSHIO_BASE_SASLPREP_H

#include <stdbool.h>

enum saslprep_result {
    SASLPREP_OK,
    SASLPREP_PROHIBITED, /* not UTF-8, or with characters that have no place in names and passwords */
    SASLPREP_UNAVAILABLE,
    SASLPREP_NO_MEMORY,
};

/* On SASLPREP_OK the prepared text, owned, to be freed with mem_free_secret. */
enum saslprep_result saslprep(const char *text, char **prepared);

/* The part that needs tables: text is valid UTF-8 and not all of it is ASCII. */
enum saslprep_result saslprep_unicode(const char *text, char **prepared);
bool saslprep_has_unicode(void);

#endif
