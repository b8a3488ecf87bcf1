/* sshio/config.h: values of OpenSSH's configuration keywords, as -o of a command line gives them. */
#ifndef SSHIO_CONFIG_H
#define SSHIO_CONFIG_H
#include "base.h"
SSHIO_BEGIN

typedef struct sshio_config
    sshio_config; /* values for a client (ssh_config) or a server (sshd_config); not shared by threads */

/* Both start with nothing set. SSHIO_ENOMEM. */
SSHIO_API int sshio_config_new_client(sshio_config **config);
SSHIO_API int sshio_config_new_server(sshio_config **config);

/* Applies "Keyword=value" or "Keyword value", with the quoting of the files. The first value of a keyword wins; some,
 * such as IdentityFile and HostKey, collect theirs. SSHIO_ECONFIG_PARSE: there is no such keyword, or the value does
 * not fit it. */
SSHIO_API int sshio_config_set(sshio_config *config, const char *assignment);

/* The values of a keyword, ended by NULL: most have one, lists have any number, "none" gives none at all. NULL = not
 * set. Borrowed until the next set. */
SSHIO_API const char *const *sshio_config_get(const sshio_config *config, const char *keyword);

SSHIO_API void sshio_config_unref(sshio_config *config); /* takes NULL */

SSHIO_END
#endif
