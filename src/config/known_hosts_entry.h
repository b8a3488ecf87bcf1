/* Inside of known hosts, for its files only. */
#ifndef SSHIO_CONFIG_KNOWN_HOSTS_ENTRY_H
#define SSHIO_CONFIG_KNOWN_HOSTS_ENTRY_H

#include <stdatomic.h>

#include "config/known_hosts.h"

#define SALT_MAX_LEN 64
#define SHA1_LEN 20

enum host_marker {
    MARKER_NONE,
    MARKER_CERT_AUTHORITY,
    MARKER_REVOKED,
};

struct hashed_name {
    uint8_t salt[SALT_MAX_LEN];
    size_t salt_len;
    uint8_t hash[SHA1_LEN];
};

struct host_entry {
    enum host_marker marker;
    char *patterns; /* the comma list; NULL = the name is hashed */
    struct hashed_name *hashed;
    uint8_t *blob; /* RFC 4253 6.6; NULL = key data that is skipped */
    size_t blob_len;
    const char *filename; /* one of the object's */
    int line;
};

struct sshio_known_hosts {
    atomic_int refs;
    struct texts filenames;
    struct host_entry *entries;
    size_t count;
    size_t capacity;
};

struct span known_hosts_blob_type(struct span blob); /* its first string: the name of the key's type */

/* Visits the entries that are about the host, in the order of the file; port counts instead of the query's. False: out
 * of memory, or some entry could not be looked at, which may be the one that revokes. */
bool known_hosts_walk(const sshio_known_hosts *hosts, const struct host_query *query, int port,
                      void (*visit)(void *user, const struct host_entry *entry), void *user);
bool known_hosts_is_default_port(int port);

/* The name to look for: in lower case, and "[name]:port" unless the port is the default one. */
void known_hosts_put_name(struct writer *w, const char *name, int port);

#endif
