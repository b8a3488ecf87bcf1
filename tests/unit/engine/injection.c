/* See injection.h. One test at a time uses it. */
#include "engine/injection.h"

#include <stdlib.h>

static struct injection current;
static struct kex_alg wrapped;
static struct kex_method wrapper;
static const struct kex_method *inner;

static bool is_due(const struct engine *e, enum place place)
{
    return current.place == place && e->config->server == (current.from == SERVER);
}

static void inject(struct engine *e)
{
    if (transport_seal(&e->transport, SPAN(current.payload, current.len), SPAN(NULL, 0), 0, NULL) < 0)
        abort();
    engine_wants_output(e);
}

static void before_kexinit(void *owner, const char *line)
{
    struct pair_side *s = owner;
    (void)line;
    if (is_due(s->engine, BEFORE_KEXINIT))
        inject(s->engine);
}

static bool start(struct engine *e, struct exchange *x)
{
    if (is_due(e, AFTER_KEXINIT) || is_due(e, INSTEAD_OF_INIT))
        inject(e);
    if (is_due(e, INSTEAD_OF_INIT))
        return true;
    return inner->start(e, x);
}

static void receive(struct engine *e, struct exchange *x, struct reader *r)
{
    if (is_due(e, BEFORE_NEWKEYS) && !e->config->server)
        inject(e);
    inner->receive(e, x, r);
}

static void reply(struct engine *e, struct exchange *x, struct span signature)
{
    inner->reply(e, x, signature);
    if (is_due(e, BEFORE_NEWKEYS))
        inject(e);
}

static void free_state(void *state)
{
    inner->free_state(state);
}

void injection_set(struct pair *p, const struct kex_alg *alg, const struct injection *injection)
{
    current = *injection;
    inner = alg->method;
    wrapper = (struct kex_method){ .start = start, .receive = receive, .reply = reply, .free_state = free_state };
    wrapped = *alg;
    wrapped.method = &wrapper;
    p->kex_algs[0] = &wrapped;
    for (int i = 0; i < 2; i++)
        p->side[i].hooks.version_received = before_kexinit;
}

void pair_without_markers(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        p->side[i].engine->kex.first_kexinit_sent = true;
}
