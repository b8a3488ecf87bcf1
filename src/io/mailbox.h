/* The way into a loop from other threads. Messages are embedded in their owners, so that sending
 * cannot fail for lack of memory. The mailbox outlives its loop for those who still hold it. */
#ifndef SSHIO_IO_MAILBOX_H
#define SSHIO_IO_MAILBOX_H

#include <stdbool.h>

#include <uv.h>

#include "base/list.h"

struct mailbox;

struct message {
    struct list link;
    void (*run)(struct message *message); /* in the loop's ready phase; off all lists */
};

struct mailbox *mailbox_new(uv_async_t *async); /* NULL = out of memory */
struct mailbox *mailbox_ref(struct mailbox *box);
void mailbox_unref(struct mailbox *box);                         /* takes NULL */
void mailbox_close(struct mailbox *box);                         /* the loop goes; what is inside is forgotten */
bool mailbox_send(struct mailbox *box, struct message *message); /* false = the loop is gone */
/* All there are, in order; false = none. */
bool mailbox_collect(struct mailbox *box, struct list *messages);
void mailbox_retract(struct mailbox *box,
                     struct message *message); /* by the loop's thread; it may be anywhere or nowhere */

#endif
