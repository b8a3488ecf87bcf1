/* Bytes that wait to be written to a stream: what is being written stays put while more is added. Both buffers keep
 * their memory. */
#ifndef SSHIO_IO_OUTBOX_H
#define SSHIO_IO_OUTBOX_H

#include "base/bytes.h"

struct outbox {
    struct writer now, next; /* what is being written, and what comes behind it */
    size_t sent;             /* of now */
};

void outbox_init(struct outbox *box, size_t max); /* max: bytes in each of the two */
void outbox_done(struct outbox *box);
bool outbox_put(struct outbox *box, const void *data, size_t len); /* false = no memory, or more than max */
size_t outbox_len(const struct outbox *box);                       /* unsent */

/* As the events output and sent of a stream. */
struct span outbox_output(struct outbox *box);
void outbox_sent(struct outbox *box, size_t len);

#endif
