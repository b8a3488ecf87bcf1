/* Network addresses in patterns: the numeric forms of IPv4 and IPv6, and networks in CIDR notation (RFC 4632, RFC
 * 4291 2.3).
 *
 * An IPv4-mapped IPv6 address is the IPv4 address. A zone counts only for link-local addresses. */
#ifndef SSHIO_CONFIG_ADDRESS_H
#define SSHIO_CONFIG_ADDRESS_H

#include <stdbool.h>

#include "base/bytes.h"

struct address {
    uint8_t bytes[16];
    unsigned bits; /* 32 or 128; 0 = there is none */
    char zone[16]; /* of a link-local address, else "" */
};

struct network {
    struct address address;
    unsigned prefix; /* how many leading bits count */
};

bool address_parse(struct span text, struct address *address);

/* An address, or address/prefix without host bits. */
bool network_parse(struct span text, struct network *network);
bool network_contains(const struct network *network, const struct address *address);

#endif
