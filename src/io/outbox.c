/* See outbox.h. */
#include "io/outbox.h"

void outbox_init(struct outbox *box, size_t max)
{
    writer_init(&box->now, max);
    writer_init(&box->next, max);
    box->sent = 0;
}

void outbox_done(struct outbox *box)
{
    writer_done(&box->now);
    writer_done(&box->next);
}

bool outbox_put(struct outbox *box, const void *data, size_t len)
{
    put_bytes(&box->next, data, len);
    return !writer_failed(&box->next);
}

size_t outbox_len(const struct outbox *box)
{
    return box->now.len - box->sent + box->next.len;
}

struct span outbox_output(struct outbox *box)
{
    if (box->sent == box->now.len) {
        struct writer empty = box->now;
        writer_reset(&empty);
        box->now = box->next;
        box->next = empty;
        box->sent = 0;
    }
    return SPAN(box->now.data + box->sent, box->now.len - box->sent);
}

void outbox_sent(struct outbox *box, size_t len)
{
    box->sent += len;
}
