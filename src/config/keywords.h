/* The keywords of ssh_config and sshd_config: one table for files, -o and everything that lists them.
 *
 * A row says what a value may look like; what it means is said where it is used. A keyword that client and server read
 * differently has a row for each. Adding a keyword is adding a row. */
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
    VALUE_STRING, /* one argument; "none" is no value, which also blocks later lines */
    VALUE_NUMBER, /* a decimal number from min to max */
    VALUE_CHOICE, /* one of the words of the row, in any case */
    VALUE_LIST,   /* all arguments; "none" alone is the empty list */
    VALUE_APPEND, /* one argument a line, added; "none" alone is the empty list */
    VALUE_REKEY,  /* byte count or "default", then a time or "none" or nothing */
};

/* X(id, name, kind, sides, min, max, choices, help) */
#define KEYWORDS(X)                                                                                                    \
    X(PORT, "Port", VALUE_NUMBER, CONFIG_CLIENT | CONFIG_SERVER, 1, 65535, NULL, "port to connect to or to listen on") \
    X(USER, "User", VALUE_STRING, CONFIG_CLIENT, 0, 0, NULL, "user to log in as")                                      \
    X(IDENTITY_FILE, "IdentityFile", VALUE_APPEND, CONFIG_CLIENT, 0, 0, NULL, "private key to offer; may be repeated") \
    X(USER_KNOWN_HOSTS_FILE, "UserKnownHostsFile", VALUE_LIST, CONFIG_CLIENT, 0, 0, NULL,                              \
      "files with the keys of known hosts")                                                                            \
    X(GLOBAL_KNOWN_HOSTS_FILE, "GlobalKnownHostsFile", VALUE_LIST, CONFIG_CLIENT, 0, 0, NULL,                          \
      "more such files, of the whole machine")                                                                         \
    X(STRICT_HOST_KEY_CHECKING, "StrictHostKeyChecking", VALUE_CHOICE, CONFIG_CLIENT, 0, 0,                            \
      "yes true no false off ask accept-new", "refuse hosts whose key is not known")                                   \
    X(BATCH_MODE, "BatchMode", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false", "ask the user nothing")         \
    X(IDENTITIES_ONLY, "IdentitiesOnly", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false",                       \
      "offer no keys but the configured ones")                                                                         \
    X(PREFERRED_AUTHENTICATIONS, "PreferredAuthentications", VALUE_STRING, CONFIG_CLIENT, 0, 0, NULL,                  \
      "methods to log in by, in their order")                                                                          \
    X(PUBKEY_AUTHENTICATION, "PubkeyAuthentication", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false",           \
      "log in by keys")                                                                                                \
    X(PASSWORD_AUTHENTICATION, "PasswordAuthentication", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false",       \
      "log in by passwords")                                                                                           \
    X(KBDINT_AUTHENTICATION, "KbdInteractiveAuthentication", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false",   \
      "log in by answering questions")                                                                                 \
    X(CIPHERS, "Ciphers", VALUE_STRING, CONFIG_CLIENT | CONFIG_SERVER, 0, 0, NULL, "encryption algorithms")            \
    X(MACS, "MACs", VALUE_STRING, CONFIG_CLIENT | CONFIG_SERVER, 0, 0, NULL,                                           \
      "message authentication codes, beside ciphers that need one")                                                    \
    X(COMPRESSION, "Compression", VALUE_CHOICE, CONFIG_CLIENT, 0, 0, "yes no true false", "prefer to compress")        \
    X(SERVER_COMPRESSION, "Compression", VALUE_CHOICE, CONFIG_SERVER, 0, 0, "yes no true false delayed",               \
      "prefer to compress, once a user is logged in")                                                                  \
    X(KEX_ALGORITHMS, "KexAlgorithms", VALUE_STRING, CONFIG_CLIENT | CONFIG_SERVER, 0, 0, NULL,                        \
      "key exchange methods")                                                                                          \
    X(HOST_KEY_ALGORITHMS, "HostKeyAlgorithms", VALUE_STRING, CONFIG_CLIENT, 0, 0, NULL,                               \
      "algorithms of host keys that are accepted")                                                                     \
    X(PUBKEY_ACCEPTED_ALGORITHMS, "PubkeyAcceptedAlgorithms", VALUE_STRING, CONFIG_CLIENT | CONFIG_SERVER, 0, 0, NULL, \
      "signature algorithms to log in with")                                                                           \
    X(REQUIRED_RSA_SIZE, "RequiredRSASize", VALUE_NUMBER, CONFIG_CLIENT | CONFIG_SERVER, 1024, 16384, NULL,            \
      "bits that RSA keys of hosts and users must have")                                                               \
    X(REKEY_LIMIT, "RekeyLimit", VALUE_REKEY, CONFIG_CLIENT | CONFIG_SERVER, 0, 0, NULL,                               \
      "bytes and time after which keys are exchanged again")                                                           \
    X(LOG_LEVEL, "LogLevel", VALUE_CHOICE, CONFIG_CLIENT | CONFIG_SERVER, 0, 0,                                        \
      "QUIET FATAL ERROR INFO VERBOSE DEBUG DEBUG1 DEBUG2 DEBUG3", "how much to say")                                  \
    X(LISTEN_ADDRESS, "ListenAddress", VALUE_APPEND, CONFIG_SERVER, 0, 0, NULL,                                        \
      "address to listen on; may be repeated")                                                                         \
    X(HOST_KEY, "HostKey", VALUE_APPEND, CONFIG_SERVER, 0, 0, NULL, "private host key; may be repeated")               \
    X(AUTHORIZED_KEYS_FILE, "AuthorizedKeysFile", VALUE_LIST, CONFIG_SERVER, 0, 0, NULL,                               \
      "files with the keys that may log in")                                                                           \
    X(MAX_SESSIONS, "MaxSessions", VALUE_NUMBER, CONFIG_SERVER, 0, INT32_MAX, NULL, "sessions of one connection")

#define KEYWORD_ID(id, name, kind, sides, min, max, choices, help) KEYWORD_##id,
enum keyword_id { KEYWORDS(KEYWORD_ID) KEYWORD_COUNT };

struct keyword {
    const char *name;
    enum value_kind kind;
    unsigned sides;
    int64_t min;
    int64_t max;
    const char *choices; /* words with a space between them */
    const char *help;
};

const struct keyword *keyword_at(enum keyword_id id);

/* Letter case does not matter; older names count as those of today. False = there is no such keyword on this side. */
bool keyword_find(struct span name, enum config_side side, enum keyword_id *id);

#endif
