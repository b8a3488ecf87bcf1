/* Redirection: what feeds a writer, or where a reader's data goes, instead of the program.
 *
 *     redirect.c          choosing by kind: descriptors, files, other sessions, streams of the program
 *     redirect_stream.c   descriptors, files and uv streams: a stream below, joined to a writer or a reader's sink
 *     redirect_session.c  a reader of one session and a writer of another
 *     redirect_channel.c  both directions of a channel, for whoever waits until it is over
 *
 * Of a descriptor a duplicate is worked on, so that it stays the caller's. Back-pressure goes through: a full channel
 * stops the reading of the source, a slow target holds the channel back. When encodings are set, descriptors and files
 * have the bytes of the channel, and sessions exchange text. */
#ifndef SSHIO_SESSION_REDIRECT_H
#define SSHIO_SESSION_REDIRECT_H

#include <sshio/process.h>

#include "session/streams.h"

struct redirect_options {
    size_t bufsize; /* bytes that are read at a time at most; 0 = as many as suit */
    bool send_eof;  /* the end of a source is the end of its writer */
    bool recv_eof;  /* the end of a reader is the end of its target */
};

struct redirect_options redirect_options_of(const sshio_redirect_options *options);

/* One redirection. The object that it belongs to holds it, even when it is done. */
struct redirect {
    int refs;
    struct streams *streams; /* of the reader or writer that it belongs to; held */
    sshio_writer *writer;    /* that it feeds, or NULL */
    sshio_reader *reader;    /* that it empties, or NULL */
    struct writer_source source;
    struct reader_sink sink;
    bool done; /* a source has ended, a target has everything */
    struct waiters waiters;
    void (*stop)(struct redirect *r); /* lets go of what it works on; once */
    void (*free)(struct redirect *r); /* NULL = mem_free will do */
};

/* Both wait when they open a file. What is in *slot is detached first; a kind that needs no more work leaves NULL
 * there. Errors are recorded as the last one. */
int redirect_writer(sshio_writer *writer, const sshio_io *io, const struct redirect_options *options,
                    struct redirect **slot);
int redirect_reader(sshio_reader *reader, const sshio_io *io, const struct redirect_options *options,
                    struct redirect **slot);

int redirect_wait(struct redirect *r);  /* waits until it is done; takes NULL */
void redirect_free(struct redirect *r); /* detaches at once; takes NULL */

/* For the kinds. */
void redirect_init(struct redirect *r, struct streams *s);
void redirect_release(struct redirect *r);
int redirect_feed(struct redirect *r, sshio_writer *writer,
                  void (*writable)(void *user)); /* EINVAL: it is fed already */
int redirect_empty(struct redirect *r, sshio_reader *reader, const struct reader_sink *sink); /* the same */
void redirect_finish(struct redirect *r); /* it is done: detaches, stops, tells who waits; may be repeated */

struct stream;
int redirect_from_stream(sshio_writer *writer, struct stream *stream, const struct redirect_options *options,
                         struct redirect **redirect); /* takes the stream over */
/* stream NULL = discards. fd: below it, or -1. */
int redirect_to_stream(sshio_reader *reader, struct stream *stream, int fd, const struct redirect_options *options,
                       struct redirect **redirect);
int redirect_between(sshio_reader *from, sshio_writer *to, bool pass_eof, struct streams *owner,
                     struct redirect **redirect);

#endif
