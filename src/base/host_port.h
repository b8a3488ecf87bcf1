/* Words that name a host, and perhaps a port of it: "host", "host:port", "[host]", "[host]:port", or an IPv6 address
 * without brackets, whose colons are no port. */
#ifndef SSHIO_BASE_HOST_PORT_H
#define SSHIO_BASE_HOST_PORT_H

struct host_port {
    char *host;
    char *port; /* 1 to 65535; NULL = there is none */
};

/* Cuts the text in place. NULL, or what is wrong with it; then it may be cut all the same, and parts is untouched. */
const char *host_port_cut(char *text, struct host_port *parts);

#endif
