/* sshio/config.h: OpenSSH config files. Most programs only set .config of the options; this looks into what came out.
 *
 * The grammar is that of ssh_config(5) and sshd_config(5): the first value of a keyword wins, some keywords collect
 * theirs; Host, Match and Include work on the client, Include on the server. */
#ifndef SSHIO_CONFIG_H
#define SSHIO_CONFIG_H
#include "base.h"
SSHIO_BEGIN

typedef struct sshio_config sshio_config; /* a client or server configuration, evaluated; of one thread */

/* What Host, Match and the tokens see: SSHIO_QUERY(.host = "alpha"). */
typedef struct sshio_config_query {
    size_t size;          /* of this struct; the macro sets it */
    const char *host;     /* client: as the caller wrote it; default none, which no Host line but "*" fits */
    const char *username; /* client: the remote user, when the file may not change it; default User of the file */
    int port;             /* client: the same for the port */
    bool strict;          /* a keyword that nobody knows is an error; default no: it is passed over */
} sshio_config_query;
#define SSHIO_QUERY(...) SSHIO_OPTIONS(sshio_config_query, __VA_ARGS__)
SSHIO_API void sshio_config_query_init(sshio_config_query *query); /* all defaults, and the size */

/* Load a configuration: they read .data and then .files of the source as one stream of lines and evaluate them for the
 * query, which may be NULL; they wait. *config is the caller's. SSHIO_ECONFIG_PARSE, with file and line; SSHIO_ESYSTEM:
 * a file that was named cannot be read. Keywords of OpenSSH without effect here are warnings for a client and errors
 * for a server. (reference: SSHConfig.load) */
SSHIO_API int sshio_load_client_config(const sshio_source *files, const sshio_config_query *query,
                                       sshio_config **config);
SSHIO_API int sshio_load_server_config(const sshio_source *files, const sshio_config_query *query,
                                       sshio_config **config);

/* The values of a keyword, ended by NULL: most have one, lists have any number, "none" gives none at all. Tokens are
 * expanded, but for those of ProxyCommand. A client's Hostname and User are always there, if host and local user are.
 * NULL = not set. Borrowed as long as the configuration lives. */
SSHIO_API const char *const *sshio_config_get(const sshio_config *config, const char *keyword);

/* All keywords with their values or defaults as text, one a line, as ssh -G and sshd -T print them; those without
 * either are left out. *text is freed with sshio_bytes_free. SSHIO_ENOMEM. */
SSHIO_API int sshio_config_dump(const sshio_config *config, sshio_bytes *text);

SSHIO_API void sshio_config_unref(sshio_config *config); /* gives a configuration back; takes NULL */

SSHIO_END
#endif
