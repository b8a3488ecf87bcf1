/* The keywords of ssh_config and sshd_config: one table for files, -o and everything that lists them.
 *
 * A row says what a value may look like; what it means is said where it is used. A keyword that client and server read
 * differently has a row for each. Adding a keyword is adding its id here and its row in keywords.c. */
#ifndef SSHIO_CONFIG_KEYWORDS_H
#define SSHIO_CONFIG_KEYWORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum config_side {
    CONFIG_CLIENT = 1,
    CONFIG_SERVER = 2,
};

enum value_kind {
    VALUE_STRING,      /* one argument; "none" is no value, which also blocks later lines */
    VALUE_NUMBER,      /* a decimal number from min to max */
    VALUE_TIME,        /* an interval; "none" is no value */
    VALUE_FLAG,        /* yes, no, true, false in any case; kept as yes or no */
    VALUE_CHOICE,      /* one of the words of the row, in any case; kept as the row spells it */
    VALUE_LIST,        /* all arguments; "none" alone is the empty list */
    VALUE_APPEND,      /* one argument a line, added; "none" alone is the empty list */
    VALUE_APPEND_LIST, /* all arguments, added */
    VALUE_NAMED,       /* a name, kept with the words after it, which count once for each name */
    VALUE_REST,        /* the rest of the line as it is; "none" is no value */
    VALUE_REKEY,       /* byte count or "default", then a time or "none" or nothing */
    VALUE_STARTUPS,    /* "10" or "10:30:100" */
};

/* In the order in which a dump shows them. */
enum keyword_id {
    KEYWORD_HOSTNAME,
    KEYWORD_USER,
    KEYWORD_PORT,
    KEYWORD_ADDRESS_FAMILY,
    KEYWORD_BIND_ADDRESS,
    KEYWORD_LISTEN_ADDRESS,
    KEYWORD_HOST_KEY,
    KEYWORD_BATCH_MODE,
    KEYWORD_COMPRESSION,
    KEYWORD_SERVER_COMPRESSION,
    KEYWORD_CONNECT_TIMEOUT,
    KEYWORD_LOGIN_GRACE_TIME,
    KEYWORD_ESCAPE_CHAR,
    KEYWORD_HASH_KNOWN_HOSTS,
    KEYWORD_IDENTITIES_ONLY,
    KEYWORD_IDENTITY_FILE,
    KEYWORD_PUBKEY_AUTHENTICATION,
    KEYWORD_PASSWORD_AUTHENTICATION,
    KEYWORD_KBDINT_AUTHENTICATION,
    KEYWORD_PREFERRED_AUTHENTICATIONS,
    KEYWORD_AUTHENTICATION_METHODS,
    KEYWORD_AUTHORIZED_KEYS_FILE,
    KEYWORD_STRICT_MODES,
    KEYWORD_PERMIT_ROOT_LOGIN,
    KEYWORD_PERMIT_TTY,
    KEYWORD_ALLOW_TCP_FORWARDING,
    KEYWORD_MAX_AUTH_TRIES,
    KEYWORD_MAX_SESSIONS,
    KEYWORD_MAX_STARTUPS,
    KEYWORD_PER_SOURCE_PENALTIES,
    KEYWORD_NUMBER_OF_PASSWORD_PROMPTS,
    KEYWORD_STRICT_HOST_KEY_CHECKING,
    KEYWORD_HOST_KEY_ALIAS,
    KEYWORD_USER_KNOWN_HOSTS_FILE,
    KEYWORD_GLOBAL_KNOWN_HOSTS_FILE,
    KEYWORD_REQUEST_TTY,
    KEYWORD_REMOTE_COMMAND,
    KEYWORD_SEND_ENV,
    KEYWORD_SET_ENV,
    KEYWORD_ACCEPT_ENV,
    KEYWORD_SUBSYSTEM,
    KEYWORD_FORCE_COMMAND,
    KEYWORD_CHROOT_DIRECTORY,
    KEYWORD_BANNER,
    KEYWORD_PID_FILE,
    KEYWORD_USE_DNS,
    KEYWORD_TCP_KEEP_ALIVE,
    KEYWORD_SERVER_ALIVE_INTERVAL,
    KEYWORD_SERVER_ALIVE_COUNT_MAX,
    KEYWORD_CLIENT_ALIVE_INTERVAL,
    KEYWORD_CLIENT_ALIVE_COUNT_MAX,
    KEYWORD_PROXY_COMMAND,
    KEYWORD_PROXY_JUMP,
    KEYWORD_CIPHERS,
    KEYWORD_MACS,
    KEYWORD_KEX_ALGORITHMS,
    KEYWORD_HOST_KEY_ALGORITHMS,
    KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS,
    KEYWORD_REQUIRED_RSA_SIZE,
    KEYWORD_REKEY_LIMIT,
    KEYWORD_LOG_LEVEL,
    KEYWORD_IGNORE_UNKNOWN,
    KEYWORD_COUNT
};

struct keyword {
    const char *name;
    enum value_kind kind;
    unsigned sides;
    int64_t min, max;
    const char *choices;  /* words with a space between them */
    const char *tokens;   /* those that may stand in a value; NULL = values are literal */
    const char *fallback; /* what a dump shows when there is no value; NULL = nothing */
    const char *help;
};

const struct keyword *keyword_at(enum keyword_id id);

/* Letter case does not matter; older names count as those of today. False = there is no such keyword on this side. */
bool keyword_find(struct span name, enum config_side side, enum keyword_id *id);

/* Keywords that OpenSSH has, or had, and that do nothing here. */
struct foreign_keyword {
    const char *name;
    unsigned sides;
    bool retired;         /* OpenSSH gave it up too */
    const char *harmless; /* values that ask for what is so anyway, with a space between them; "*" = any; NULL = none */
    const char *optional; /* values that can be done without: they are only noted; written alike */
};

/* NULL = nobody knows this name. */
const struct foreign_keyword *keyword_find_foreign(struct span name, enum config_side side);

/* Whether value is one of these words, in any case; words may be NULL. */
bool keyword_is_one_of(const char *words, struct span value, const char **word, size_t *word_len);

#endif
