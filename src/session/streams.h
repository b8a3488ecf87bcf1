/* Streams over a channel: the readers and writers of one session, which share its window and its life.
 *
 * Readers hold what arrives until it is taken, together at most `limit` bytes and what somebody waits for in one piece;
 * then the channel is paused, so that the peer's window stays shut. A reader that nobody reads stalls the other one:
 * read both, or redirect one. */
#ifndef SSHIO_SESSION_STREAMS_H
#define SSHIO_SESSION_STREAMS_H

#include <sshio/stream.h>

#include "base/error.h"
#include "io/completion.h"
#include "session/chan.h"
#include "session/read_buffer.h"

#define STREAMS_READERS 2 /* client: stdout, stderr; server: stdin */
#define STREAMS_WRITERS 2 /* client: stdin; server: stdout, stderr */

struct streams;

/* Takes data away from a reader's buffer, for redirection: returns false when it wants no more for now (streams_resume
 * goes on). */
struct reader_sink {
    bool (*data)(void *user, const void *bytes, size_t len);
    void (*end)(void *user); /* EOF, or the channel is gone; once */
    void *user;
};

struct sshio_reader {
    struct streams *streams;
    struct read_buffer buffer;
    size_t wanted; /* so many bytes are waited for in one piece: they do not count against the limit */
    char *lent;    /* what readline handed out */
    size_t lent_size;
    struct waiters waiters;
    const struct reader_sink *sink; /* NULL = buffered */
};

struct sshio_writer {
    struct streams *streams;
    int datatype;
    void (*writable)(void *user); /* for redirection: the queue is low again, or gone */
    void *user;
};

struct streams {
    int refs;
    int user_refs;    /* of all its readers and writers together; the last one closes the channel */
    sshio_chan *chan; /* NULL before streams_attach */
    struct sshio_reader readers[STREAMS_READERS];
    struct sshio_writer writers[STREAMS_WRITERS];
    size_t buffered; /* in all readers */
    size_t limit;
    size_t ceiling;              /* more than this is never buffered: the channel ends with SSHIO_ELIMIT; 0 = none */
    bool full;                   /* the channel was paused because of the limit */
    bool eof;                    /* nothing more will arrive */
    struct error error;          /* why; none = clean */
    struct waiters writable;     /* who drains */
    void (*started)(void *user); /* the program may run */
    void (*ended)(void *user);   /* the channel is gone: last of all */
    void *user;
};

struct streams *streams_new(sshio_conn *conn, size_t limit); /* one reference; NULL = out of memory */
void streams_hold(struct streams *s);
void streams_release(struct streams *s);
void streams_user_ref(struct streams *s);
void streams_user_unref(struct streams *s);
void streams_took(struct streams *s, size_t len); /* a reader gave len bytes out of its buffer */
void streams_want(struct sshio_reader *reader, size_t wanted);
int reader_take_all(sshio_reader *reader, sshio_bytes *bytes);                  /* what is buffered now; ENOMEM */
void streams_attach(struct streams *s, sshio_chan *chan);                       /* holds the chan from now on */
void streams_set_limit(struct streams *s, size_t limit);                        /* SIZE_MAX = none */
void streams_set_ceiling(struct streams *s, size_t ceiling);                    /* 0 = none */
void streams_sink(struct sshio_reader *reader, const struct reader_sink *sink); /* what is buffered goes there first */
void streams_resume(struct streams *s);                                         /* a sink takes data again */

/* The handlers of a session whose user is a struct streams. */
extern const sshio_session_handlers streams_handlers;

#endif
