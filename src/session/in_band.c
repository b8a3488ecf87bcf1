/* Events among the data; see in_band.h. */
#include "session/in_band.h"

#include "base/memory.h"
#include "io/last_error.h"

struct item {
    struct list link;
    uint64_t at;
    struct in_band event;
    char *signal;
};

void in_band_init(struct in_band_queue *q)
{
    list_init(&q->items);
    q->count = 0;
}

static void drop(struct in_band_queue *q, struct item *item)
{
    list_remove(&item->link);
    mem_free(item->signal);
    mem_free(item);
    q->count--;
}

void in_band_done(struct in_band_queue *q)
{
    while (q->count != 0)
        in_band_drop(q);
}

static struct item *first(const struct in_band_queue *q)
{
    return LIST_ENTRY(q->items.next, struct item, link);
}

static bool is_size(const struct item *item)
{
    return item->event.code == SSHIO_ETERMINAL_SIZE_CHANGED;
}

/* Takes the newest away when it is a size that nobody has seen, at the same place. */
static void drop_stale_size(struct in_band_queue *q, uint64_t at)
{
    struct item *newest = LIST_ENTRY(q->items.prev, struct item, link);
    if (q->count != 0 && is_size(newest) && newest->at == at)
        drop(q, newest);
}

/* When all places are taken, the oldest size that a later one replaces gives way. */
static bool make_room(struct in_band_queue *q, bool for_size)
{
    struct item *oldest = NULL;
    unsigned sizes = for_size ? 1 : 0;
    LIST_EACH(node, &q->items)
    {
        struct item *item = LIST_ENTRY(node, struct item, link);
        if (is_size(item) && sizes++ == (for_size ? 1u : 0u))
            oldest = item;
    }
    if (sizes < 2)
        return false;
    drop(q, oldest);
    return true;
}

int in_band_add(struct in_band_queue *q, const struct in_band *event, uint64_t at)
{
    bool size = event->code == SSHIO_ETERMINAL_SIZE_CHANGED;
    if (size)
        drop_stale_size(q, at);
    if (q->count >= IN_BAND_MAX && !make_room(q, size))
        return SSHIO_ELIMIT;
    struct item *item = mem_zalloc(sizeof *item);
    if (item == NULL)
        return SSHIO_ENOMEM;
    item->at = at;
    item->event = *event;
    item->event.signal = item->signal = mem_strdup(event->signal);
    if (event->signal != NULL && item->signal == NULL) {
        mem_free(item);
        return SSHIO_ENOMEM;
    }
    list_append(&q->items, &item->link);
    q->count++;
    return 0;
}

bool in_band_first(const struct in_band_queue *q, uint64_t *at)
{
    if (q->count == 0)
        return false;
    *at = first(q)->at;
    return true;
}

const struct in_band *in_band_head(const struct in_band_queue *q)
{
    return &first(q)->event;
}

void in_band_drop(struct in_band_queue *q)
{
    drop(q, first(q));
}

int in_band_raise(struct in_band_queue *q)
{
    struct error *e = last_error();
    const struct in_band *event = in_band_head(q);
    int code = event->code;
    if (code == SSHIO_ESIGNAL_RECEIVED)
        error_set_signal(e, event->signal);
    else if (code == SSHIO_EBREAK_RECEIVED)
        error_set(e, code, "break of %d ms received", event->msec);
    else
        error_set(e, code, "terminal size is %d columns and %d rows now", event->term_size.width,
                  event->term_size.height);
    e->pub.msec = event->msec;
    e->pub.term_size = event->term_size;
    in_band_drop(q);
    return code;
}
