/* sshio/known_hosts.h: who a host is known to be. Immutable, may be shared by threads. */
#ifndef SSHIO_KNOWN_HOSTS_H
#define SSHIO_KNOWN_HOSTS_H
#include "base.h"
#include "key.h"
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

/* The keys that are known for a host. The lists end with an empty element; in each of the others .key is set. */
typedef struct sshio_host_keys {
    size_t size;
    const sshio_keyref *trusted_host_keys; /* its own */
    const sshio_keyref *trusted_ca_keys;   /* of authorities whose certificates it may have */
    const sshio_keyref *revoked_keys;      /* not to be trusted, whatever else is said */
} sshio_host_keys;
/* Looks up all keys of a host. host, addr and port are as of sshio_known_hosts_status; a port for which neither a key
 * nor an authority is known has those that are known without one. *keys is the caller's, to be freed with
 * sshio_host_keys_free. SSHIO_EINVAL, SSHIO_ENOMEM. Reference: SSHKnownHosts.match. */
SSHIO_API int sshio_known_hosts_match(const sshio_known_hosts *hosts, const char *host, const char *addr, int port,
                                      sshio_host_keys **keys);
/* The same for a source. Waits when that has files. Errors as sshio_read_known_hosts. Reference: match_known_hosts. */
SSHIO_API int sshio_match_known_hosts(const sshio_source *known_hosts, const char *host, const char *addr, int port,
                                      sshio_host_keys **keys);
SSHIO_API void sshio_host_keys_free(sshio_host_keys *keys); /* takes NULL */

/* Adds a line with this key of a host to a file, which is made if it is not there, with its directory, both for the
 * owner alone; a leading "~/" is the home directory. hash: the name is written as a hash. Waits. SSHIO_EINVAL: a
 * name with wildcards, commas or blanks; SSHIO_ESYSTEM. (newer than the reference) */
SSHIO_API int sshio_add_known_host(const char *file, const char *host, int port, const sshio_key *key, bool hash);

/* Removes the lines that are about this host and port, also by a hash or a wildcard, and counts them in *removed, which
 * may be NULL. Lines with a marker stay, and so does all that is not understood. A file that changes is written anew
 * with its mode and owner, and replaced at once. Waits. SSHIO_EINVAL, SSHIO_ESYSTEM, SSHIO_ENOMEM. (newer than the
 * reference) */
SSHIO_API int sshio_remove_known_host(const char *file, const char *host, int port, size_t *removed);

SSHIO_END
#endif
