/* Settings: what the options of a connection come to, checked and loaded once. Immutable, counted, shared by all
 * connections of a listener; the engine's configuration is part of it. */
#ifndef SSHIO_CONN_SETTINGS_H
#define SSHIO_CONN_SETTINGS_H

#include <stdbool.h>

#include <sshio/client.h>
#include <sshio/known_hosts.h>
#include <sshio/options.h>
#include <sshio/server.h>
#include <sshio/sftp.h>

#include "base/error.h"
#include "base/texts.h"
#include "base/units.h"
#include "conn/terminal.h"
#include "engine/engine.h"

enum probe { /* client: what it only asks for, and hangs up */
             PROBE_NOTHING,
             PROBE_AUTH_METHODS,
             PROBE_HOST_KEY
};

struct settings {
    int refs;
    bool server;
    struct engine_config engine;
    /* owned arrays that engine points to */
    const void **kex_algs, **cipher_algs, **mac_algs, **compression_algs, **host_key_algs;
    const void **sig_algs; /* of user keys */
    struct engine_host_key *host_keys;
    char *host_key_algs_text; /* client: the option; NULL = not given, see host_key_offer */
    char *sig_algs_text;
    char *version;

    sshio_key **keys; /* to log in with, or to be known by; ends with NULL */
    uint64_t linger_ms;
    bool tcp_keepalive;
    bool public_key_auth, password_auth, kbdint_auth;
    int required_rsa_size;
    uint32_t window, max_packet; /* of channels */
    void *user;

    /* client */
    sshio_client_handlers client;
    char *username, *password; /* password wiped when freed */
    sshio_ask_fn password_handler;
    char *preferred_auth; /* methods, in their order */
    bool disable_trivial_auth;
    enum probe probe;
    sshio_known_hosts *known_hosts; /* NULL = none is known */
    bool check_host;
    char *host_key_alias;
    /* of sessions */
    char *command, *subsystem;
    struct texts env, send_env;
    sshio_pty_choice request_pty;
    struct terminal terminal;
    char *encoding; /* NULL = bytes */
    sshio_text_errors errors;

    /* server */
    sshio_server_handlers handlers;
    sshio_authorized_keys *authorized_keys; /* NULL = none */
    struct texts required_auth;             /* lists of methods; none = any method */
    sshio_process_fn process_handler;
    sshio_session_fn session_handler;
    struct sftp_settings *sftp_server; /* NULL = not served, or by sftp_factory */
    sshio_sftp_factory_fn sftp_factory;
    int sftp_version;
    bool allow_scp;
    sshio_acceptor_fn acceptor;
    sshio_error_fn error_handler;
    struct startups max_startups;
    uint32_t max_sessions;
    bool allow_pty;
    double auth_failure_delay; /* s; 0 = the default range */
};

/* Both wait (key files are read on a worker). EINVAL, SSHIO_E_KEY, ESYSTEM, ENOMEM. */
int settings_client(const sshio_client_options *options, struct settings **settings, struct error *e);
/* host_key_algs: the selection of a configuration; NULL = the defaults. */
int settings_server(const sshio_server_options *options, const char *host_key_algs, struct settings **settings,
                    struct error *e);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* A copy of the options, which points to what it owns (settings_sftp.c). */
struct sftp_settings {
    sshio_sftp_server_options options;
    sshio_sftp_server_handlers handlers;
    char *chroot, *start_dir;
    struct texts allow, deny;
};
int settings_set_sftp(struct settings *s, const sshio_server_options *o, struct error *e); /* EINVAL, ENOMEM */
void sftp_settings_free(struct sftp_settings *sftp);                                       /* takes NULL */

/* What client and server options have in common (settings.c). */
struct settings_common {
    const char *kex_algs, *encryption_algs, *mac_algs, *compression_algs, *signature_algs, *rekey_limit, *version;
    double login_timeout, keepalive_interval, linger;
    int keepalive_count_max;
    sshio_tri require_strict_kex, tcp_keepalive, public_key_auth, password_auth, kbdint_auth;
    uint32_t window, max_pktsize;
    int required_rsa_size;
    sshio_text_errors errors, utf8_decode_errors;
};

/* From either options struct: both name these fields alike. */
#define SETTINGS_COMMON(o, own_version)                                                                                \
    {                                                                                                                  \
        .kex_algs = (o)->kex_algs, .encryption_algs = (o)->encryption_algs, .mac_algs = (o)->mac_algs,                 \
        .compression_algs = (o)->compression_algs, .signature_algs = (o)->signature_algs,                              \
        .rekey_limit = (o)->rekey_limit, .login_timeout = (o)->login_timeout,                                          \
        .keepalive_interval = (o)->keepalive_interval, .linger = (o)->linger,                                          \
        .keepalive_count_max = (o)->keepalive_count_max, .require_strict_kex = (o)->require_strict_kex,                \
        .tcp_keepalive = (o)->tcp_keepalive, .public_key_auth = (o)->public_key_auth,                                  \
        .password_auth = (o)->password_auth, .kbdint_auth = (o)->kbdint_auth, .window = (o)->window,                   \
        .max_pktsize = (o)->max_pktsize, .required_rsa_size = (o)->required_rsa_size, .errors = (o)->errors,           \
        .utf8_decode_errors = (o)->utf8_decode_errors, .version = (own_version)                                        \
    }
int settings_set_common(struct settings *s, const struct settings_common *c, struct error *e);
int settings_load_keys(struct settings *s, const sshio_keyref *refs, struct error *e); /* waits */
int settings_keepalive_ms(double interval, uint32_t *ms, struct error *e); /* 0 and SSHIO_NEVER give 0: off */
bool settings_tri(sshio_tri tri, bool otherwise);
int settings_check_env(const char *const *env, struct error *e); /* each entry is NAME=value */
int settings_text(char **to, const char *text, struct error *e); /* copies; NULL and SSHIO_NONE give NULL */

#endif
