/* Events: tasks of one thread wait for them, any thread sets them. The waiters belong to the thread
 * that made the event; from others a message travels there. */
#include <pthread.h>
#include <stdint.h>

#include <sshio/base.h>

#include "base/memory.h"
#include "io/internal.h"
#include "io/last_error.h"

struct sshio_event {
    pthread_mutex_t lock; /* of the first three */
    bool set;
    uint64_t settings; /* tell that it was set even if it was cleared at once */
    bool message_sent;
    struct message message;
    struct mailbox *mailbox;
    struct loop *loop; /* compared with the current one only */
    struct waiters waiters;
};

static void message_arrived(struct message *message)
{
    sshio_event *event = LIST_ENTRY(message, sshio_event, message);
    pthread_mutex_lock(&event->lock);
    event->message_sent = false;
    pthread_mutex_unlock(&event->lock);
    waiters_wake(&event->waiters, 0);
}

int sshio_event_new(sshio_event **out)
{
    if (out == NULL)
        return fail(SSHIO_EINVAL, "sshio_event_new: no place for the event given");
    struct loop *loop = loop_current();
    sshio_event *event = loop != NULL ? mem_zalloc(sizeof *event) : NULL;
    if (event == NULL)
        return fail_nomem();
    pthread_mutex_init(&event->lock, NULL);
    list_init(&event->message.link);
    event->message.run = message_arrived;
    event->mailbox = mailbox_ref(loop->mailbox);
    event->loop = loop;
    waiters_init(&event->waiters);
    *out = event;
    return 0;
}

void sshio_event_set(sshio_event *event)
{
    if (event == NULL)
        return;
    bool here = loop_if_any() == event->loop;
    pthread_mutex_lock(&event->lock);
    event->set = true;
    event->settings++;
    if (!here && !event->message_sent)
        event->message_sent = mailbox_send(event->mailbox, &event->message);
    pthread_mutex_unlock(&event->lock);
    if (here)
        waiters_wake(&event->waiters, 0);
}

void sshio_event_clear(sshio_event *event)
{
    if (event == NULL)
        return;
    pthread_mutex_lock(&event->lock);
    event->set = false;
    pthread_mutex_unlock(&event->lock);
}

static bool is_set(sshio_event *event, uint64_t *settings)
{
    pthread_mutex_lock(&event->lock);
    bool set = event->set;
    *settings = event->settings;
    pthread_mutex_unlock(&event->lock);
    return set;
}

/* The loop is held, because the setter may be another thread. */
static int wait_here(sshio_event *event, uint64_t since)
{
    struct loop *loop = event->loop;
    uint64_t settings;
    int rc;
    loop_hold(loop);
    do
        rc = waiters_wait(&event->waiters);
    while (rc == 0 && !is_set(event, &settings) && settings == since);
    loop_release(loop);
    return rc; /* after a failure the event may be gone */
}

int sshio_event_wait(sshio_event *event)
{
    uint64_t settings;
    if (event == NULL)
        return fail(SSHIO_EINVAL, "sshio_event_wait: no event given");
    if (is_set(event, &settings))
        return 0;
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    if (loop_current() != event->loop)
        return fail(SSHIO_EINVAL, "sshio_event_wait: the event was made by another thread");
    return wait_here(event, settings);
}

void sshio_event_free(sshio_event *event)
{
    if (event == NULL)
        return;
    if (loop_if_any() == event->loop)
        waiters_wake(&event->waiters, SSHIO_ECLOSED);
    mailbox_retract(event->mailbox, &event->message);
    mailbox_unref(event->mailbox);
    pthread_mutex_destroy(&event->lock);
    mem_free(event);
}
