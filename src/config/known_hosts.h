/* known_hosts: which keys are known for which hosts. Immutable once it is shared; counted references, atomically.
 *
 * A line is "[@marker] hosts type base64 [comment]"; hosts is a comma list of names, addresses, wildcards, networks and
 * "[name]:port", with "!" before what is excluded, or one hashed name. Lines whose key cannot be read are skipped, so
 * that key types of the future do not break a file; all else that is wrong is an error with its line.
 *
 * A "@cert-authority" line is never plain trust in its key. A "@revoked" key is refused whatever other lines say. */
#ifndef SSHIO_CONFIG_KNOWN_HOSTS_H
#define SSHIO_CONFIG_KNOWN_HOSTS_H

#include <stdbool.h>

#include <sshio/known_hosts.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/texts.h"

struct host_query {
    const char *host; /* the name or address that the user gave, or its alias */
    const char *addr; /* the peer's address; NULL or "" = not known */
    int port;         /* 0 and 22 are the default port */
};

struct host_place {       /* where the entry that decided stands; line 0 = nowhere */
    const char *filename; /* borrowed from the known hosts; NULL = imported text */
    int line;
};

sshio_known_hosts *known_hosts_new(void); /* empty; NULL = out of memory */
sshio_known_hosts *known_hosts_ref(sshio_known_hosts *hosts);
void known_hosts_unref(sshio_known_hosts *hosts);

/* Adds the lines of a text, before the object is shared. SSHIO_EINVAL with file and line; then the object is only fit
 * to be given up. */
int known_hosts_parse(sshio_known_hosts *hosts, struct span text, const char *filename, struct error *e);

/* Only SSHIO_HOST_OK is trust. A revoked key is found before anything else; a key of a type that is not in the file is
 * SSHIO_HOST_OTHER_TYPE when the host is known by other types. place may be NULL. */
sshio_host_status known_hosts_match(const sshio_known_hosts *hosts, const struct host_query *query,
                                    const sshio_key *key, struct host_place *place);

/* The keys for a host, by what is said of them. For a port of its own first, and when that gives neither a key nor an
 * authority, without it, as in a match. */
int known_hosts_keys(const sshio_known_hosts *hosts, const struct host_query *query, sshio_host_keys **keys,
                     struct error *e);
void known_hosts_keys_free(sshio_host_keys *keys); /* takes NULL */

/* Adds the types of the keys that are trusted for a host, each once, in the order of the file: false = out of memory.
 */
bool known_hosts_types(const sshio_known_hosts *hosts, const struct host_query *query, struct texts *types);

#endif
