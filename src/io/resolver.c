/* Name look-up; see resolver.h. A look-up that is cancelled may be stuck for long: it is left to
 * end by itself. */
#include "io/resolver.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/internal.h"

struct lookup {
    uv_getaddrinfo_t request;
    struct loop *loop;
    struct completion *waiter; /* NULL = nobody any more */
    struct addrinfo *list;
    int status; /* libuv's */
};

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct lookup *lookup = request->data;
    loop_release(lookup->loop);
    if (lookup->waiter == NULL) {
        uv_freeaddrinfo(list);
        mem_free(lookup);
        return;
    }
    lookup->list = list;
    lookup->status = status;
    completion_complete(lookup->waiter, 0);
}

static void give_up(struct completion *c, int code)
{
    struct lookup *lookup = c->user;
    lookup->waiter = NULL;
    uv_cancel((uv_req_t *)&lookup->request);
    completion_complete(c, code);
}

static bool same_address(const struct addrinfo *a, const struct addrinfo *b)
{
    return a->ai_addrlen == b->ai_addrlen && memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0;
}

static bool appears_before(const struct addrinfo *list, const struct addrinfo *item)
{
    for (; list != item; list = list->ai_next)
        if (same_address(list, item))
            return true;
    return false;
}

static void remove_duplicates(struct addrinfo *list)
{
    for (struct addrinfo *before = list; before->ai_next != NULL;) {
        struct addrinfo *item = before->ai_next;
        if (!appears_before(list, item)) {
            before = item;
            continue;
        }
        before->ai_next = item->ai_next;
        item->ai_next = NULL;
        freeaddrinfo(item);
    }
}

/* Addresses in numbers need no thread. */
static bool is_number(const char *host, const char *service, struct addrinfo hints, struct addrinfo **list)
{
    hints.ai_flags |= AI_NUMERICHOST;
    return getaddrinfo(host, service, &hints, list) == 0;
}

/* Its result is how the wait ended; status is how the look-up did. */
static int ask(struct loop *loop, const char *host, const char *service, const struct addrinfo *hints,
               struct addrinfo **list, int *status)
{
    struct lookup *lookup = mem_zalloc(sizeof *lookup);
    if (lookup == NULL)
        return SSHIO_ENOMEM;
    struct completion done;
    completion_init(&done, give_up, lookup);
    lookup->loop = loop;
    lookup->waiter = &done;
    lookup->request.data = lookup;
    int rc = 0;
    lookup->status = uv_getaddrinfo(loop_uv(loop), &lookup->request, looked_up, host, service, hints);
    if (lookup->status == 0) {
        loop_hold(loop);
        rc = completion_wait(&done);
    }
    if (lookup->waiter == NULL)
        return rc;
    *list = lookup->list;
    *status = lookup->status;
    mem_free(lookup);
    return rc;
}

static int look_up(struct loop *loop, const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **list, struct error *e)
{
    if (is_number(host, service, *hints, list))
        return 0;
    int status = 0;
    int rc = ask(loop, host, service, hints, list, &status);
    if (rc == SSHIO_ENOMEM || status == UV_EAI_MEMORY || status == UV_ENOMEM)
        return error_nomem(e);
    if (rc != 0)
        return error_set(e, rc, "look-up of %s: %s", host, sshio_error_text(rc));
    if (status != 0)
        return error_set(e, SSHIO_ERESOLVE, "cannot resolve %s: %s", host, uv_strerror(status));
    return 0;
}

int resolver_lookup(struct loop *loop, const char *host, int port, int family, int flags, struct addrinfo **list,
                    struct error *e)
{
    char service[16];
    struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    if (port < 0 || port > 65535)
        return error_set(e, SSHIO_EINVAL, "port %d is not between 0 and 65535", port);
    if (completion_can_wait() != 0)
        return error_set(e, SSHIO_ENOTASK, "%s", sshio_error_text(SSHIO_ENOTASK));
    snprintf(service, sizeof service, "%d", port);
    int rc = look_up(loop, host, service, &hints, &found, e);
    if (rc != 0)
        return rc;
    remove_duplicates(found);
    *list = found;
    return 0;
}

void resolver_free(struct addrinfo *list)
{
    uv_freeaddrinfo(list);
}
