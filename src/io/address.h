/* Socket addresses as text: hosts in numbers, UNIX paths with port 0. */
#ifndef SSHIO_IO_ADDRESS_H
#define SSHIO_IO_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

#include <sshio/base.h>

#define ADDRESS_TEXT_SIZE 160 /* a UNIX path, or an IPv6 address with its zone */

/* text is the caller's, of ADDRESS_TEXT_SIZE; address->host points into it. What has no name gives
 * an empty host. */
void address_name(const struct sockaddr *sa, socklen_t len, sshio_address *address, char *text);

void address_of_socket(int fd, sshio_address *address, char *text);
void address_of_peer(int fd, sshio_address *address, char *text);

#endif
