/* Mailboxes; see mailbox.h. The lock is held while the loop is woken, so that the handle cannot be
 * closed under the sender. */
#include "io/mailbox.h"

#include <pthread.h>

#include "base/memory.h"

struct mailbox {
    pthread_mutex_t lock;
    unsigned refs;
    uv_async_t *async; /* NULL = the loop is gone */
    struct list messages;
};

struct mailbox *mailbox_new(uv_async_t *async)
{
    struct mailbox *box = mem_zalloc(sizeof *box);
    if (box == NULL)
        return NULL;
    pthread_mutex_init(&box->lock, NULL);
    box->refs = 1;
    box->async = async;
    list_init(&box->messages);
    return box;
}

struct mailbox *mailbox_ref(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->refs++;
    pthread_mutex_unlock(&box->lock);
    return box;
}

void mailbox_unref(struct mailbox *box)
{
    if (box == NULL)
        return;
    pthread_mutex_lock(&box->lock);
    unsigned left = --box->refs;
    pthread_mutex_unlock(&box->lock);
    if (left != 0)
        return;
    pthread_mutex_destroy(&box->lock);
    mem_free(box);
}

void mailbox_close(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->async = NULL;
    while (list_take(&box->messages) != NULL)
        ;
    pthread_mutex_unlock(&box->lock);
}

bool mailbox_send(struct mailbox *box, struct message *message)
{
    pthread_mutex_lock(&box->lock);
    bool open = box->async != NULL;
    if (open) {
        list_append(&box->messages, &message->link);
        uv_async_send(box->async);
    }
    pthread_mutex_unlock(&box->lock);
    return open;
}

bool mailbox_collect(struct mailbox *box, struct list *messages)
{
    pthread_mutex_lock(&box->lock);
    bool any = !list_empty(&box->messages);
    list_splice(&box->messages, messages);
    pthread_mutex_unlock(&box->lock);
    return any;
}

void mailbox_retract(struct mailbox *box, struct message *message)
{
    pthread_mutex_lock(&box->lock);
    list_remove(&message->link);
    pthread_mutex_unlock(&box->lock);
}
