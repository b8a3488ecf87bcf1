/* See jump.h. The first host may have a way of its own by its configuration, which its connection opens: so a circle of
 * configurations is a recursion, and ends when no jumps are left. */
#include "conn/jump.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sshio/connection.h>

#include "base/host_port.h"
#include "base/log.h"
#include "base/memory.h"
#include "conn/client.h"
#include "io/last_error.h"

#define SCHEME "ssh://"

struct hop {
    char *username; /* NULL = as configured */
    char *host;
    int port; /* 0 = as configured */
};

/* ---- "[user@]host[:port]", "[user@][host]:port", "ssh://…" ---- */

/* Works in the text, which the hop points into. */
static int parse_hop(char *text, struct hop *hop)
{
    *hop = (struct hop){ .host = text };
    if (strncasecmp(text, SCHEME, sizeof SCHEME - 1) == 0) {
        hop->host += sizeof SCHEME - 1;
        size_t len = strlen(hop->host);
        if (len != 0 && hop->host[len - 1] == '/')
            hop->host[len - 1] = '\0';
    }
    char *at = strrchr(hop->host, '@');
    if (at != NULL) {
        *at = '\0';
        hop->username = hop->host;
        hop->host = at + 1;
    }
    struct host_port parts;
    char shown[256];
    log_escaped(span_of(hop->host), shown, sizeof shown);
    const char *wrong = host_port_cut(hop->host, &parts);
    if (wrong != NULL)
        return fail(SSHIO_EINVAL, "proxy_jump: \"%s\" is no host to connect through: %s", shown, wrong);
    hop->host = parts.host;
    hop->port = parts.port != NULL ? atoi(parts.port) : 0;
    if (hop->host[0] == '-' || (hop->username != NULL && hop->username[0] == '\0'))
        return fail(SSHIO_EINVAL, "proxy_jump: \"%s\" is no host to connect through, or has no user in front of it",
                    shown);
    return 0;
}

/* ---- the way ---- */

bool jump_is_wanted(const char *text)
{
    return text != NULL && text != (const char *)sshio_none && strcmp(text, "none") != 0;
}

static int too_many(void)
{
    return fail(SSHIO_EINVAL, "more than %u hosts on the way: do their ProxyJumps lead in a circle?", JUMPS_MAX);
}

static int ask_handler(const sshio_client_options *outer, const struct hop *hop, sshio_client_options *options)
{
    int rc = outer->jump_handler != NULL ? outer->jump_handler(hop->host, options, outer->user) : 0;
    if (rc >= 0)
        return 0;
    return error_code(last_error()) == rc ? rc : fail(rc, "no way over %s: its handler failed", hop->host);
}

/* A configuration that is loaded is of the host that all this is for, and not of this one. */
static const sshio_source *config_of(const sshio_client_options *outer)
{
    bool none = outer->config == NULL || (const void *)outer->config == sshio_none;
    return none || outer->config->config != NULL ? NULL : outer->config;
}

static int open_hop(const sshio_client_options *outer, const struct hop *hop, sshio_conn *before, unsigned *jumps_left,
                    sshio_conn **conn)
{
    sshio_client_options options;

    if (*jumps_left == 0)
        return too_many();
    --*jumps_left;
    sshio_client_options_init(&options);
    options.username = hop->username;
    options.port = hop->port;
    options.config = config_of(outer);
    options.tunnel = before;
    options.user = outer->user;
    options.jump_handler = outer->jump_handler;
    int rc = ask_handler(outer, hop, &options);
    return rc == 0 ? client_connect_hop(hop->host, &options, jumps_left, conn) : rc;
}

static int open_hops(const sshio_client_options *options, const struct hop *hops, size_t count, unsigned *jumps_left,
                     sshio_conn **last)
{
    sshio_conn *reached = NULL;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        sshio_conn *next = NULL;
        rc = open_hop(options, &hops[i], reached, jumps_left, &next);
        sshio_conn_unref(reached); /* the new one keeps it */
        reached = next;
    }
    if (rc == 0)
        *last = reached;
    return rc;
}

int jump_open(const sshio_client_options *options, unsigned *jumps_left, sshio_conn **last)
{
    struct hop hops[JUMPS_MAX];
    size_t count = 0;
    char *copy = mem_strdup(options->proxy_jump);
    char *rest = copy, *text;
    int rc = copy != NULL ? 0 : fail_nomem();

    while (rc == 0 && (text = strsep(&rest, ",")) != NULL) {
        rc = count < JUMPS_MAX ? parse_hop(text, &hops[count]) : too_many();
        count++;
    }
    if (rc == 0)
        rc = open_hops(options, hops, count, jumps_left, last);
    mem_free(copy);
    return rc;
}
