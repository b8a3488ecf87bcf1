/* sshio/known_hosts.h: who a host is known to be. Immutable, may be shared by threads. */
#ifndef SSHIO_KNOWN_HOSTS_H
#define SSHIO_KNOWN_HOSTS_H
#include "base.h"
SSHIO_BEGIN

/* The known hosts in a text or in files of OpenSSH's form: names, wildcards, networks, ports, hashed names, @revoked.
 * Lines with keys of unknown types are skipped; anything else that is wrong is SSHIO_EINVAL with file and line.
 * @cert-authority lines trust no key by themselves. */
SSHIO_API int sshio_import_known_hosts(const char *data, size_t len, sshio_known_hosts **hosts);
SSHIO_API int sshio_read_known_hosts(const char *const *files,
                                     sshio_known_hosts **hosts); /* waits; ~ expanded; ESYSTEM: no such file */

/* Count references to known hosts: one more, which is also the result, and one given back. */
SSHIO_API sshio_known_hosts *sshio_known_hosts_ref(sshio_known_hosts *hosts);
SSHIO_API void sshio_known_hosts_unref(sshio_known_hosts *hosts); /* takes NULL */

/* What is known about a host and a key. */
typedef enum sshio_host_status {
    SSHIO_HOST_OK,         /* the key is the host's; the only status that is trust */
    SSHIO_HOST_UNKNOWN,    /* nothing is known about the host */
    SSHIO_HOST_CHANGED,    /* another key of the same type is known: maybe an attack */
    SSHIO_HOST_OTHER_TYPE, /* only keys of other types are known: as unknown */
    SSHIO_HOST_REVOKED     /* this key must not be used any more */
} sshio_host_status;

/* Looks a host and its key up. addr: the peer's address, NULL = not known. port: 0 = the default one; [host]:port
 * entries come first for another one, and when there are none, those without a port. */
SSHIO_API sshio_host_status sshio_known_hosts_status(const sshio_known_hosts *hosts, const char *host, const char *addr,
                                                     int port, const sshio_key *key);

/* Adds a line with this key of a host to a file, which is made if it is not there, with its directory, both for the
 * owner alone; a leading "~/" is the home directory. hash: the name is written as a hash. Waits. SSHIO_EINVAL: a
 * name with wildcards, commas or blanks; SSHIO_ESYSTEM. (newer than the reference) */
SSHIO_API int sshio_add_known_host(const char *file, const char *host, int port, const sshio_key *key, bool hash);

SSHIO_END
#endif
