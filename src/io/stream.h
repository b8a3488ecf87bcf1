/* Byte streams with back-pressure: TCP and UNIX sockets, pipes of children, and (made by layers above) SSH channels.
 *
 * Reading pushes: the stream reads into a block of the loop's pool and gives it to received, which uses what it can;
 * the rest is kept and comes again in front of what is read next. A stream that has nothing left over holds no block (a
 * short rest is moved to a small one). Writing pulls: stream_want_write says that the owner has output; at the end of
 * the turn the stream asks output for the next piece, writes as much as the kernel takes, counts it off with sent, and
 * goes on when the kernel is ready. Bytes given by output must stay put until counted off. After stream_close no event
 * comes any more but closed, which comes once, later; then the stream is gone. */
#ifndef SSHIO_IO_STREAM_H
#define SSHIO_IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sshio/base.h>

#include "base/bytes.h"
#include "base/error.h"

struct loop;
struct stream;

struct stream_events {
    /* Returns how many bytes were used; may write into data. Called again with more behind what was left, or by
     * stream_read_again; with a rest as large as a block nothing more is read. */
    size_t (*received)(void *owner, uint8_t *data, size_t len);
    /* EOF (error NULL, once), or a read or write failure, after which nothing more is read or written. After EOF
     * writing goes on, so that one failure may still follow. A failed write of a pair of pipes waits for the end of the
     * input, if that is being read. */
    void (*ended)(void *owner, const struct error *error);
    struct span (*output)(void *owner); /* empty = nothing (more) */
    void (*sent)(void *owner, size_t len);
    void (*closed)(void *owner);
};

/* What a stream is made of; io/stream_uv.c has the one over libuv. */
struct stream_ops {
    void (*read_start)(struct stream *s);
    void (*read_stop)(struct stream *s);
    void (*want_write)(struct stream *s);
    void (*flush)(struct stream *s);    /* writes now what the kernel takes, without waiting for the end of the turn */
    void (*again)(struct stream *s);    /* gives what was left over to received once more, in this turn */
    void (*shutdown)(struct stream *s); /* after what is to be written: no more writing */
    void (*close)(struct stream *s);
    int (*names)(struct stream *s, struct sshio_address *local, struct sshio_address *peer, char *texts, size_t size);
};

struct stream {
    const struct stream_ops *ops;
    const struct stream_events *events;
    void *owner;
    struct loop *loop;
    size_t piece; /* bytes that are read at a time at most; 0 = as many as suit */
};

static inline void stream_set_owner(struct stream *s, const struct stream_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
}

static inline void stream_set_piece(struct stream *s, size_t piece)
{
    s->piece = piece;
}

void stream_read_start(
    struct stream *s); /* may be called again and again; off at first; what was left over comes again */
void stream_read_stop(struct stream *s);  /* what is left over stays */
void stream_read_again(struct stream *s); /* later in this turn; nothing while reading is stopped */
void stream_want_write(struct stream *s);
void stream_flush(struct stream *s);
void stream_shutdown(struct stream *s);
void stream_close(struct stream *s); /* drops what is unwritten; once */
void stream_drop(struct stream *s);  /* closes one that got no owner: nobody hears of it */

/* Takes a connected socket over (TCP or UNIX; closed on failure). TCP gets TCP_NODELAY, and SO_KEEPALIVE if asked for.
 */
int stream_from_socket(struct loop *loop, int fd, bool keepalive, struct stream **s, struct error *e);

/* A descriptor of any kind (pipe, terminal, socket, file, device), which it takes over. If it was switched to
 * non-blocking, it is switched back when the stream is closed: others may share it. */
int stream_from_fd(struct loop *loop, int fd, struct stream **s, struct error *e);

/* A stream of the program's own, on this loop: a uv_stream_t, which is neither closed nor freed, and must not be while
 * this lives. While it is read, its data pointer is ours. EINVAL. */
int stream_from_uv(struct loop *loop, void *uv_stream, struct stream **s, struct error *e);

/* A pair of descriptors, read from in, written to out (a child's pipes; they may be equal). Takes both over. */
int stream_from_pipes(struct loop *loop, int in, int out, struct stream **s, struct error *e);

/* Where the socket is: hosts as numbers, UNIX paths with port 0. Texts live in the caller's buffer. */
#define STREAM_NAMES_SIZE 320
int stream_names(struct stream *s, struct sshio_address *local, struct sshio_address *peer, char *texts);

/* Waits: resolves host and tries all its addresses in order. ERESOLVE, ESYSTEM with the causes, ECANCELED, ETIMEDOUT;
 * leaves nothing behind. */
struct connect_options {
    const char *host;
    int port;
    int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
    int resolver_flags;
    const char *bind_address; /* NULL = any */
    int bind_port;
    bool keepalive;
};
int stream_connect(struct loop *loop, const struct connect_options *options, struct stream **s, struct error *e);
int stream_connect_unix(struct loop *loop, const char *path, struct stream **s, struct error *e); /* waits */

#endif
