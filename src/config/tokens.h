/* Tokens and environment variables in values: %h, %%, ${NAME}.
 *
 * A value is expanded in one pass from left to right; what is put in is never looked at again. Where the values come
 * from is the caller's business: nothing here asks the system. */
#ifndef SSHIO_CONFIG_TOKENS_H
#define SSHIO_CONFIG_TOKENS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

#define TOKEN_LETTERS 128

struct token_values {
    const char *letters[TOKEN_LETTERS];   /* by the letter; NULL = it is not available */
    const char *(*env)(const char *name); /* NULL = variables are literal text */
};

/* Writes text with its tokens expanded; allowed lists those that may stand in it: "%% %h". SSHIO_ECONFIG_PARSE. */
int tokens_expand(const char *text, const char *allowed, const struct token_values *values, struct writer *to,
                  struct error *e);

/* Whether a host or user name may be put where a shell might read it, as OpenSSH decides since CVE-2023-51385. */
bool token_host_is_safe(const char *host);
bool token_user_is_safe(const char *user);

#endif
