/* Socket addresses; see address.h. */
#include "io/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* An abstract path begins with a NUL, which is shown as '@'; others end at their first NUL or with
 * the address. */
static void unix_name(const struct sockaddr_un *un, socklen_t len, char *text)
{
    size_t size = len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;
    if (size > sizeof un->sun_path)
        size = sizeof un->sun_path;
    if (size > 1 && un->sun_path[0] == '\0')
        snprintf(text, ADDRESS_TEXT_SIZE, "@%.*s", (int)(size - 1), un->sun_path + 1);
    else
        snprintf(text, ADDRESS_TEXT_SIZE, "%.*s", (int)size, un->sun_path);
}

static int port_of(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
    if (sa->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
    return 0;
}

void address_name(const struct sockaddr *sa, socklen_t len, sshio_address *address, char *text)
{
    text[0] = '\0';
    if (sa->sa_family == AF_UNIX)
        unix_name((const struct sockaddr_un *)(const void *)sa, len, text);
    else if (getnameinfo(sa, len, text, ADDRESS_TEXT_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        text[0] = '\0';
    *address = (sshio_address){ text, port_of(sa) };
}

static void name_of(int fd, int (*get)(int fd, struct sockaddr *sa, socklen_t *len), sshio_address *address, char *text)
{
    struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof storage;
    if (get(fd, (struct sockaddr *)&storage, &len) != 0)
        len = 0;
    address_name((struct sockaddr *)&storage, len, address, text);
}

static int get_socket_name(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getsockname(fd, sa, len);
}

static int get_peer_name(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getpeername(fd, sa, len);
}

void address_of_socket(int fd, sshio_address *address, char *text)
{
    name_of(fd, get_socket_name, address, text);
}

void address_of_peer(int fd, sshio_address *address, char *text)
{
    name_of(fd, get_peer_name, address, text);
}
