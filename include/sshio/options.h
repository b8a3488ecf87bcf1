/* sshio/options.h: keyword arguments of connections.
 *
 * A field that is zero takes the default named with it; SSHIO_NONE, SSHIO_NO, SSHIO_NEVER mean explicitly nothing. A
 * word in brackets is the OpenSSH config keyword whose form the text takes, and which fills the field from .config.
 * Lists and texts are copied. One `user` goes to every function in the struct and in its handlers. Reference:
 * "Connection options" (SSHClientConnectionOptions, SSHServerConnectionOptions). */
#ifndef SSHIO_OPTIONS_H
#define SSHIO_OPTIONS_H
#include "base.h"
SSHIO_BEGIN

struct sshio_client_handlers;
struct sshio_server_handlers;
struct sshio_sftp_server_options;

/* Which address family to use. */
typedef enum sshio_family {
    SSHIO_FAMILY_UNSET = 0,
    SSHIO_FAMILY_ANY,
    SSHIO_FAMILY_INET,
    SSHIO_FAMILY_INET6
} sshio_family;

/* Whether a session asks for a terminal: YES, when a terminal type is set; FORCE, always; AUTO, when a terminal type is
 * set and the session is a shell. */
typedef enum sshio_pty_choice {
    SSHIO_REQUEST_PTY_UNSET = 0,
    SSHIO_REQUEST_PTY_YES,
    SSHIO_REQUEST_PTY_NO,
    SSHIO_REQUEST_PTY_FORCE,
    SSHIO_REQUEST_PTY_AUTO
} sshio_pty_choice;

/* What is done with bytes that are not in the encoding of a session, and with text that it cannot carry: STRICT ends
 * the session, or the write fails with SSHIO_EDECODE; REPLACE puts U+FFFD, or "?"; BACKSLASHREPLACE puts "\xe9";
 * SURROGATEESCAPE carries bytes as lone surrogates (three bytes each) and turns these into the bytes again. Texts for
 * people in messages of the peer's, which should be UTF-8, are treated alike by .utf8_decode_errors, but that STRICT
 * ends the connection with SSHIO_EPROTOCOL. */
typedef enum sshio_text_errors {
    SSHIO_ERRORS_UNSET = 0,
    SSHIO_ERRORS_STRICT,
    SSHIO_ERRORS_IGNORE,
    SSHIO_ERRORS_REPLACE,
    SSHIO_ERRORS_BACKSLASHREPLACE,
    SSHIO_ERRORS_SURROGATEESCAPE
} sshio_text_errors;

/* Called with each connection when it is authenticated. Task; a negative result closes conn. */
typedef int (*sshio_acceptor_fn)(sshio_conn *conn, void *user);
/* Called with a connection that ended before it was authenticated. Callback; error NULL = a clean end. */
typedef void (*sshio_error_fn)(sshio_conn *conn, const sshio_error *error, void *user);
/* The program that we are for a client. Task; its return ends the process, with exit status 0 unless another was sent.
 */
typedef void (*sshio_process_fn)(sshio_process *process, void *user);
/* The program that we are for a client, with streams alone. Task; its return closes the channel. */
typedef void (*sshio_session_fn)(sshio_reader *in, sshio_writer *out, sshio_writer *err, void *user);
/* task; who serves an SFTP session: sshio_answer_sftp_server, SSHIO_ACCEPT = local files without a root, 0 = nobody */
typedef int (*sshio_sftp_factory_fn)(sshio_chan *chan, sshio_request *req, void *user);

struct sshio_client_options;
/* Sets what a host on the way to another is connected with. options come with .username and .port of the text, .config
 * of the connection that this is for (unless that was loaded for its host), .tunnel to the host before, .user and
 * .jump_handler; what is set is to stay until this host has been connected to. Task; a negative code ends all of it. */
typedef int (*sshio_jump_fn)(const char *host, struct sshio_client_options *options, void *user);

/* Arguments of the functions that start clients: SSHIO_CLIENT(.username = "guest"). Reference:
 * SSHClientConnectionOptions. */
typedef struct sshio_client_options {
    size_t size;
    const char *username;            /* [User]; default the local user */
    int port;                        /* [Port]; default 22 */
    const char *password;            /* used once; default none */
    sshio_ask_fn password_handler;   /* task; asked with the user name, after .password, until it says 0 */
    const sshio_keyref *client_keys; /* [IdentityFile] keys to log in with; default none; SSHIO_NONE: none */
    const sshio_source *known_hosts; /* [UserKnownHostsFile]; default no host is known;
                                        SSHIO_NONE: no host checking at all (unsafe) */
    const sshio_source *config;      /* ssh_config files, whose values fill what is not set here; default none */
    sshio_conn *tunnel;              /* connect through this one, a client's, which it keeps open; SSHIO_NONE: directly,
                                        whatever the config says; default none */
    const char *proxy_jump;        /* [ProxyJump] "[user@]host[:port],…": connect through these, each reached through
                                      the one before, with what .config says of it and what .jump_handler sets;
                                      they close with the connection; default none; SSHIO_NONE */
    const char *proxy_command;     /* [ProxyCommand] program whose stdin and stdout is the connection; its words are
                                      quoted as for a shell, but none runs it; default none; SSHIO_NONE */
    const char *const *proxy_argv; /* the same as words; default none */
    double connect_timeout;        /* [ConnectTimeout] s, until authenticated; default never */
    double login_timeout;          /* s, from open to authenticated; default 120; SSHIO_NEVER */
    double keepalive_interval;     /* [ServerAliveInterval] s of silence before the server is asked whether it is there;
                                      default never */
    int keepalive_count_max;       /* [ServerAliveCountMax] questions that may stay unanswered; default 3 */
    const struct sshio_client_handlers *handlers; /* copied; default none */
    void *user;                                   /* for all functions here and in .handlers */
    const char *command;               /* this and the next 11: defaults of sessions; default none: a shell */
    const char *subsystem;             /* default none */
    const char *const *env;            /* [SetEnv] "NAME=value"; default none */
    const char *const *send_env;       /* [SendEnv] names and patterns; default none */
    sshio_pty_choice request_pty;      /* [RequestTTY]; default yes: when a terminal type is set */
    const char *term_type;             /* default none */
    sshio_term_size term_size;         /* default zeros: unknown */
    const sshio_term_mode *term_modes; /* default none */
    const char *encoding;              /* of sessions, as iconv has it; default bytes */
    sshio_text_errors errors;          /* default strict */
    uint32_t window;                   /* bytes; default 2 MiB, from where it grows as the way needs */
    uint32_t max_pktsize;              /* bytes; default 32 KiB */
    const char *preferred_auth;        /* [PreferredAuthentications] order and filter of methods; default
                                          "publickey,keyboard-interactive,password" */
    sshio_tri public_key_auth;         /* [PubkeyAuthentication]; default yes */
    sshio_tri password_auth;           /* [PasswordAuthentication]; default yes */
    sshio_tri kbdint_auth;             /* [KbdInteractiveAuthentication]; default yes */
    sshio_tri disable_trivial_auth;    /* refuse a server that demanded nothing; default no */
    const char *host_key_alias;        /* [HostKeyAlias] name looked up in known hosts; default the host */
    const char *server_host_key_algs;  /* [HostKeyAlgorithms]; default those of the keys known for the host,
                                          else, or with "default", the defaults of this build */
    const char *kex_algs;              /* [KexAlgorithms] */
    const char *encryption_algs;       /* [Ciphers] */
    const char *mac_algs;              /* [MACs], beside ciphers that need one */
    const char *compression_algs;      /* default "none,zlib@openssh.com"; SSHIO_NONE: no compression */
    const char *signature_algs;        /* [PubkeyAcceptedAlgorithms] to log in with */
    const char *rekey_limit;           /* [RekeyLimit] "1g 1h"; default "1g 1h"; "1g none" */
    sshio_tri require_strict_kex;      /* refuse servers without strict key exchange; default no */
    int required_rsa_size;             /* [RequiredRSASize] bits, 1024 to 16384; default 1024 */
    const char *client_version;        /* default "sshio_<version>" */
    sshio_family family;               /* [AddressFamily]; default any */
    const char *bind_address;          /* [BindAddress]; default any */
    int bind_port;                     /* default any */
    int resolver_flags;                /* AI_…; default 0 */
    sshio_tri tcp_keepalive;           /* [TCPKeepAlive]; default yes */
    const int *sock;                   /* a connected socket to take over, instead of connecting; default none */
    double linger;                     /* s, how long close flushes; default 5 */
    sshio_jump_fn jump_handler;        /* each host of .proxy_jump, before it is connected to; default none */
    /* For what the server says to people (banner, reasons, debug messages) and is not UTF-8; default strict */
    sshio_text_errors utf8_decode_errors;
} sshio_client_options;
#define SSHIO_CLIENT(...) SSHIO_OPTIONS(sshio_client_options, __VA_ARGS__)

/* Arguments of the functions that start servers: SSHIO_SERVER(.host_keys = …). Reference: SSHServerConnectionOptions.
 */
typedef struct sshio_server_options {
    size_t size;
    const sshio_keyref *host_keys;                /* [HostKey]; needed */
    const sshio_source *authorized_keys;          /* [AuthorizedKeysFile] for every user name; default none */
    const struct sshio_server_handlers *handlers; /* copied; default: refuses everybody whose key is not authorized */
    void *user;                                   /* for all functions here and in .handlers */
    sshio_process_fn process_handler;             /* shells, commands and subsystems */
    sshio_session_fn session_handler;             /* the same with streams; .process_handler wins */
    const struct sshio_sftp_server_options *sftp_server; /* serve subsystem "sftp": SSHIO_SFTP_SERVER(…); default not */
    sshio_sftp_factory_fn sftp_factory;                  /* or decide for each session; wins */
    int sftp_version;                                    /* highest, 3 to 6; default 3 */
    sshio_tri allow_scp;                                 /* serve commands "scp …" with the same files; default no */
    const sshio_source *config;                          /* sshd_config files, whose values fill what is not set here;
                                                            default none */
    sshio_acceptor_fn acceptor;                          /* each connection when authenticated */
    sshio_error_fn error_handler;                        /* a connection that ended before that */
    double login_timeout;                                /* [LoginGraceTime] s; default 120; SSHIO_NEVER */
    double keepalive_interval; /* [ClientAliveInterval] s of silence before a client is asked; default never */
    int keepalive_count_max;   /* [ClientAliveCountMax] questions that may stay unanswered; default 3 */
    double connect_timeout;    /* s, of listening itself (name look-up); default never */
    int max_auth_tries;        /* [MaxAuthTries]; default 6 */
    const char *max_startups;  /* [MaxStartups] connections not yet logged in, "10:30:100": from 10 on one is refused
                                  with a chance of 30 %, which grows to all from 100 on; default "100" */
    int max_sessions;          /* [MaxSessions] sessions a connection; default 64; -1 = none */
    /* [AuthenticationMethods] "publickey,password": each one in its order, of one of the lists; "publickey,publickey"
     * takes two keys; "keyboard-interactive:device"; default any one */
    const char *const *required_auth_methods;
    double auth_failure_delay;           /* s, least time of a failed try; default 5 to 9 ms, by user */
    sshio_tri public_key_auth;           /* [PubkeyAuthentication]; default yes */
    sshio_tri password_auth;             /* [PasswordAuthentication]; default yes */
    sshio_tri kbdint_auth;               /* [KbdInteractiveAuthentication]; default yes */
    sshio_tri allow_pty;                 /* [PermitTTY] let sessions have terminals; default yes */
    const char *encoding;                /* of sessions, as iconv has it; default bytes */
    sshio_text_errors errors;            /* default strict */
    uint32_t window;                     /* bytes; default 2 MiB, from where it grows as the way needs */
    uint32_t max_pktsize;                /* bytes; default 32 KiB */
    const char *kex_algs;                /* [KexAlgorithms] */
    const char *encryption_algs;         /* [Ciphers] */
    const char *mac_algs;                /* [MACs], beside ciphers that need one */
    const char *compression_algs;        /* default "none,zlib@openssh.com"; SSHIO_NONE: no compression */
    const char *signature_algs;          /* [PubkeyAcceptedAlgorithms] accepted from users */
    const char *rekey_limit;             /* [RekeyLimit]; default "1g 1h" */
    sshio_tri require_strict_kex;        /* default no */
    int required_rsa_size;               /* [RequiredRSASize] bits, 1024 to 16384; default 1024 */
    const char *server_version;          /* default "sshio_<version>" */
    sshio_family family;                 /* [AddressFamily]; default any */
    int resolver_flags;                  /* AI_…; default AI_PASSIVE */
    int backlog;                         /* default 100 */
    sshio_tri reuse_address, reuse_port; /* default yes, no */
    sshio_tri tcp_keepalive;             /* [TCPKeepAlive]; default yes */
    const int *sock;                     /* a bound socket to take over, instead of binding; default none */
    double linger;                       /* s; default 5 */
    /* For what the client says to people (reasons, debug messages) and is not UTF-8; default strict */
    sshio_text_errors utf8_decode_errors;
} sshio_server_options;
#define SSHIO_SERVER(...) SSHIO_OPTIONS(sshio_server_options, __VA_ARGS__)

/* Sets all fields to their defaults and .size: for languages and language versions without the macros. */
SSHIO_API void sshio_client_options_init(sshio_client_options *options);
SSHIO_API void sshio_server_options_init(sshio_server_options *options);

SSHIO_END
#endif
