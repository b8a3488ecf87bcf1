/* Writing lines of known_hosts. */
#ifndef SSHIO_CONFIG_KNOWN_HOSTS_WRITE_H
#define SSHIO_CONFIG_KNOWN_HOSTS_WRITE_H

#include "config/known_hosts.h"

/* Puts "host type base64 [comment]" and a line end. The host is written in lower case, as "[host]:port" unless the port
 * is the default one; hash: as a hashed name with a salt of its own. The key's comment is written if it is one line.
 * SSHIO_EINVAL: a name that would not be read as this one host; SSHIO_ENOMEM. */
int known_hosts_put_line(struct writer *w, const struct host_query *query, const sshio_key *key, bool hash,
                         struct error *e);

/* Puts the text without the lines that are about this host, and this port, and have no marker; all else stays byte for
 * byte, lines that are wrong included. SSHIO_ENOMEM. */
int known_hosts_put_without(struct writer *w, struct span text, const struct host_query *query, size_t *removed,
                            struct error *e);

#endif
