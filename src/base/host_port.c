/* See host_port.h. */
#include "base/host_port.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535
#define PORT_DIGITS 5u

static const char *check_port(const char *port)
{
    size_t len = strspn(port, "0123456789");
    long number = len <= PORT_DIGITS ? strtol(port, NULL, 10) : 0;
    return port[len] == '\0' && number >= 1 && number <= PORT_MAX ? NULL : "the port is no number from 1 to 65535";
}

/* Behind the opening bracket. */
static const char *cut_brackets(char *text, struct host_port *parts)
{
    char *end = strchr(text, ']');

    if (end == NULL)
        return "a bracket is not closed";
    if (end[1] != '\0' && end[1] != ':')
        return "something stands behind the brackets that is no port";
    *end = '\0';
    *parts = (struct host_port){ text, end[1] == ':' ? end + 2 : NULL };
    return NULL;
}

const char *host_port_cut(char *text, struct host_port *parts)
{
    struct host_port found = { text, NULL };
    char *colon = strchr(text, ':');
    const char *wrong = text[0] == '[' ? cut_brackets(text + 1, &found) : NULL;

    if (text[0] != '[' && colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        found.port = colon + 1;
    }
    if (wrong == NULL && found.host[0] == '\0')
        wrong = "no host is named";
    if (wrong == NULL && found.port != NULL)
        wrong = check_port(found.port);
    if (wrong == NULL)
        *parts = found;
    return wrong;
}
