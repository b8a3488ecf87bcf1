/* Keepalive requests; see keepalive.h.
 *
 * Whatever arrives shows that the peer is alive, its answers among it. The deadline is not moved for every packet: when
 * it comes, it is moved to where the last bytes put it. During a key exchange requests are held back like all others,
 * and the clock runs on, so that a peer that dies in the middle of one is noticed too. */
#include "engine/keepalive.h"

#include "engine/internal.h"

void keepalive_init(struct keepalive *k, uint32_t interval_ms, uint32_t count_max, uint64_t now_ms)
{
    *k = (struct keepalive){
        .interval_ms = interval_ms, .count_max = count_max, .heard_ms = now_ms, .deadline_ms = UINT64_MAX
    };
}

void keepalive_start(struct engine *e)
{
    struct keepalive *k = &e->keepalive;
    k->deadline_ms = k->interval_ms != 0 ? e->now_ms + k->interval_ms : UINT64_MAX;
    k->unanswered = 0;
}

void keepalive_heard(struct engine *e)
{
    e->keepalive.heard_ms = e->now_ms;
    e->keepalive.unanswered = 0;
}

static void answered(void *user, bool ok, struct span data)
{
    (void)user, (void)ok, (void)data; /* that it came was noticed already */
}

void keepalive_tick(struct engine *e)
{
    struct keepalive *k = &e->keepalive;
    if (e->ended || e->now_ms < k->deadline_ms)
        return;
    if (k->unanswered == 0 && e->now_ms - k->heard_ms < k->interval_ms) {
        k->deadline_ms = k->heard_ms + k->interval_ms;
        return;
    }
    if (++k->unanswered > k->count_max) {
        engine_error(e, SSHIO_ECONNECTION_LOST, "%s not responding to keepalive",
                     e->config->server ? "Client" : "Server");
        return;
    }
    k->deadline_ms = e->now_ms + k->interval_ms;
    engine_global_request(e, "keepalive@openssh.com", SPAN(NULL, 0), answered, NULL);
}

void engine_set_keepalive(struct engine *e, uint32_t interval_ms, uint32_t count_max)
{
    e->keepalive.interval_ms = interval_ms;
    e->keepalive.count_max = count_max;
    if (e->auth.stage == AUTH_DONE)
        keepalive_start(e);
}

void engine_keepalive(const struct engine *e, uint32_t *interval_ms, uint32_t *count_max)
{
    *interval_ms = e->keepalive.interval_ms;
    *count_max = e->keepalive.count_max;
}
