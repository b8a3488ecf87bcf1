/* A server and clients of it in one process and one loop, over 127.0.0.1. The server's programs are chosen by the
 * command. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <sshio.h>

struct loopback {
    sshio_key *host_key, *user_key, *other_key; /* other_key: one that nobody knows */
    sshio_listener *server;
    int port;
    char known_hosts[512];
    sshio_server_options server_options; /* may be changed before loopback_start */
    char authorized[512];
};

void loopback_init(struct loopback *l); /* keys and options; in a task or outside */
void loopback_start(struct loopback *l);
void loopback_stop(struct loopback *l);

/* Connects as "guest" with the user's key; options may be NULL. Fails the test if that fails. */
sshio_conn *loopback_connect(struct loopback *l);

/* The options that loopback_connect uses, to be changed. */
sshio_client_options loopback_client(struct loopback *l);

#endif
