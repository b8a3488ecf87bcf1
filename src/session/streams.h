/* Streams over a channel: the readers and writers of one session, which share its window and its life.
 *
 * Readers hold what arrives until it is taken, together at most `limit` bytes and what somebody waits for in one piece;
 * then the channel is paused, so that the peer's window stays shut. A reader that nobody reads stalls the other one:
 * read both, or redirect one. A redirected reader has a sink instead, which may hold the channel back as well. */
#ifndef SSHIO_SESSION_STREAMS_H
#define SSHIO_SESSION_STREAMS_H

#include <sshio/stream.h>

#include "base/error.h"
#include "io/completion.h"
#include "session/chan.h"
#include "session/in_band.h"
#include "session/read_buffer.h"

#define STREAMS_READERS 2 /* client: stdout, stderr; server: stdin */
#define STREAMS_WRITERS 2 /* client: stdin; server: stdout, stderr */

struct streams;

/* Takes data away from a reader, for redirection. */
struct reader_sink {
    void (*data)(void *user, const void *bytes, size_t len);
    void (*in_band)(void *user, const struct in_band *event); /* NULL = they are dropped */
    void (*end)(void *user);                                  /* EOF, or the channel is gone; once */
    void *user;
};

struct sshio_reader {
    struct streams *streams;
    struct read_buffer buffer;
    uint64_t taken; /* bytes that left the buffer: in_band counts from the very first one */
    struct in_band_queue in_band;
    struct list calls; /* of reading functions, which are served in order */
    struct waiters waiters;
    size_t wanted; /* so many bytes are waited for in one piece: they do not count against the limit */
    char *lent;    /* what readline and readuntil handed out */
    size_t lent_size;
    const struct reader_sink *sink; /* NULL = buffered */
};

/* A writer may be fed by a redirection, one at a time. */
struct writer_source {
    void (*writable)(void *user); /* the queue is low again */
    void (*lost)(void *user);     /* the channel is gone: the writer takes nothing more */
    void *user;
};

struct sshio_writer {
    struct streams *streams;
    int datatype;
    const struct writer_source *source; /* NULL = nothing feeds it */
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
    unsigned held_back;          /* by so many sinks and users */
    bool paused;                 /* the channel, for one of these two reasons */
    bool merged;                 /* stderr counts as stdout */
    bool eof;                    /* nothing more will arrive */
    struct error error;          /* why; none = clean */
    struct waiters writable;     /* who drains */
    void (*started)(void *user); /* the program may run */
    void *user;
    /* Takes what is in-band instead of the reader; NULL = none. */
    void (*on_in_band)(void *user, const struct in_band *event);
    void *on_in_band_user;
};

struct streams *streams_new(sshio_conn *conn, size_t limit); /* one reference; NULL = out of memory */
void streams_hold(struct streams *s);
void streams_release(struct streams *s); /* takes NULL */
void streams_user_ref(struct streams *s);
void streams_user_unref(struct streams *s);
void streams_attach(struct streams *s, sshio_chan *chan); /* holds the chan from now on; by itself when that is made */
void streams_set_limit(struct streams *s, size_t limit);  /* SIZE_MAX = none */
void streams_set_ceiling(struct streams *s, size_t ceiling); /* 0 = none */
bool streams_full(const struct streams *s);                  /* the limit is reached */
void streams_hold_back(struct streams *s);                   /* nothing is to arrive until … */
void streams_let_go(struct streams *s);                      /* … as many calls of this one */
void streams_merge(struct streams *s, bool merged);          /* stderr into stdout, from what is buffered on */
int streams_feed(struct sshio_reader *reader, const void *data, size_t len); /* as if it had arrived; ELIMIT, ENOMEM */
void streams_feed_eof(struct streams *s);
void streams_in_band(struct streams *s, const struct in_band *event);
void streams_wake_writers(struct streams *s);

/* Of one reader. */
size_t reader_available(const sshio_reader *reader); /* bytes in front of the next in-band event */
void reader_took(sshio_reader *reader, size_t len);  /* len bytes left its buffer */
void reader_want(sshio_reader *reader, size_t wanted);
int reader_take_all(sshio_reader *reader, sshio_bytes *bytes);              /* what is available now; ENOMEM */
void reader_set_sink(sshio_reader *reader, const struct reader_sink *sink); /* what is buffered goes there first; NULL:
                                                                               it is buffered again */

/* The handlers of a session whose user is a struct streams. */
extern const sshio_session_handlers streams_handlers;

#endif
