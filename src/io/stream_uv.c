/* Streams over descriptors: sockets, and pairs of pipes.
 *
 * libuv tells when a descriptor is ready; reading and writing are ours, for two reasons. A socket
 * is written with MSG_NOSIGNAL, because the library takes no signal away from the program. And
 * input goes into large blocks that belong to nobody while a stream is idle.
 *
 * Input: between reads the unused rest stays in its block, or in a small allocation when it is
 * short. The next read goes behind it. Output: the owner is asked for pieces until it has no more
 * or the kernel takes no more; then libuv watches for room.
 *
 * A broken socket may still hold input, such as the message that says why. So a failed write first
 * reads what is there and then ends the stream. With a pair of pipes the input goes on: a program
 * may close its input long before its output. */
#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/stream_file.h"

#define READS_PER_WAKEUP 4
#define PIECES_PER_TURN 16
#define LEAST_READ (64u * 1024) /* with less room behind it, a rest is moved to the front */
#define MUCH (64u * 1024)       /* so large a read is a part of a batch */
#define MOST_LUCK 8
#define LAST_READS 64 /* of 4 KiB, dropped when a socket is closed */

struct port {
    uv_poll_t poll;
    struct uv_stream *stream;
    int fd;      /* -1 = closed */
    bool shared; /* others use it too: it is left as it was found */
    int flags;   /* shared: as they were found */
    int armed;   /* events that libuv watches for */
    bool is_socket;
};

struct uv_stream {
    struct stream base;
    struct port ports[2];
    struct port *in;
    struct port *out; /* the same, for a socket */
    unsigned open_handles;
    uint8_t *data; /* a block of the pool, or a short rest */
    size_t start;
    size_t len;
    bool data_is_short;
    bool reading; /* wanted by the owner */
    bool input_ended;
    bool blocked;     /* the kernel takes no more output now */
    bool writing;     /* on the stack */
    int read_on_luck; /* below 0: so many batches are not read on at once */
    bool shut;        /* no more output after what there is */
    bool shut_done;
    bool closing;
    bool failed; /* the owner was told, or will be */
    int write_errno;
    struct turn_hook flush;
    struct deferred redeliver;
    struct deferred fail;
};

static struct uv_stream *self_of(struct stream *s)
{
    return LIST_ENTRY(s, struct uv_stream, base);
}

/* ---- what is watched ---- */

static void polled(uv_poll_t *handle, int status, int events);

static void arm(struct port *port, int events)
{
    if (port->fd < 0 || port->armed == events)
        return;
    port->armed = events;
    if (events != 0)
        uv_poll_start(&port->poll, events, polled);
    else
        uv_poll_stop(&port->poll);
}

/* Most pauses are over before the next input comes, and to watch no more costs two system calls: a port that is only no
 * longer to be read stays watched until input does come. */
static void arm_lazily(struct port *port, int events)
{
    if ((port->armed & ~events) != UV_READABLE || (events & ~port->armed) != 0)
        arm(port, events);
}

static bool block_is_full(const struct uv_stream *s)
{
    return s->data != NULL && s->len == LOOP_INPUT_BLOCK;
}

static bool wants_input(const struct uv_stream *s)
{
    return s->reading && !s->input_ended && !s->failed && !block_is_full(s);
}

static void watch(struct uv_stream *s, void (*set)(struct port *port, int events))
{
    if (s->closing)
        return;
    int in = wants_input(s) ? UV_READABLE : 0;
    int out = s->blocked && !s->failed ? UV_WRITABLE : 0;
    if (s->in == s->out) {
        set(s->in, in | out);
        return;
    }
    set(s->in, in);
    set(s->out, out);
}

static void update(struct uv_stream *s)
{
    watch(s, arm_lazily);
}

/* ---- blocks ---- */

static struct pool *pool_of(const struct uv_stream *s)
{
    return s->data_is_short ? loop_rest_pool(s->base.loop) : loop_input_pool(s->base.loop);
}

static void drop_data(struct uv_stream *s)
{
    pool_give(pool_of(s), s->data);
    s->data = NULL;
    s->data_is_short = false;
    s->start = s->len = 0;
}

/* Makes room behind the rest; false = out of memory. */
static bool make_room(struct uv_stream *s)
{
    if (s->data != NULL && !s->data_is_short) {
        if (LOOP_INPUT_BLOCK - (s->start + s->len) < LEAST_READ) {
            memmove(s->data, s->data + s->start, s->len);
            s->start = 0;
        }
        return true;
    }
    uint8_t *block = pool_take(loop_input_pool(s->base.loop));
    if (block == NULL)
        return false;
    size_t len = s->len;
    if (len > 0)
        memcpy(block, s->data + s->start, len);
    drop_data(s);
    s->data = block;
    s->len = len;
    return true;
}

/* An idle stream holds no block. */
static void settle_rest(struct uv_stream *s)
{
    if (s->len == 0) {
        drop_data(s);
        return;
    }
    if (s->data_is_short || s->len > LOOP_REST_BLOCK)
        return;
    uint8_t *copy = pool_take(loop_rest_pool(s->base.loop));
    if (copy == NULL)
        return;
    size_t len = s->len;
    memcpy(copy, s->data + s->start, len);
    drop_data(s);
    s->data = copy;
    s->data_is_short = true;
    s->len = len;
}

/* ---- ends ---- */

static void tell_failure(struct uv_stream *s, int os_errno, const char *what)
{
    struct error e;
    s->failed = true;
    s->input_ended = true;
    s->blocked = false;
    update(s);
    error_init(&e);
    if (os_errno == ENOMEM)
        error_nomem(&e);
    else
        error_set_errno(&e, os_errno, "%s", what);
    s->base.events->ended(s->base.owner, &e);
    error_clear(&e);
}

static void tell_end(struct uv_stream *s)
{
    s->input_ended = true;
    update(s);
    s->base.events->ended(s->base.owner, NULL);
}

/* ---- reading ---- */

static void deliver(struct uv_stream *s)
{
    size_t used = s->base.events->received(s->base.owner, s->data + s->start, s->len);
    assert(used <= s->len);
    s->start += used;
    s->len -= used;
}

static ssize_t read_from(const struct port *port, void *data, size_t len)
{
    ssize_t n;
    do
        n = port->is_socket ? recv(port->fd, data, len, 0) : read(port->fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

enum amount { READ_NOTHING, READ_SOME, READ_MUCH, READ_ALL_THAT_FITS };

static enum amount read_once(struct uv_stream *s)
{
    if (!make_room(s)) {
        tell_failure(s, ENOMEM, "read");
        return READ_NOTHING;
    }
    size_t room = LOOP_INPUT_BLOCK - (s->start + s->len);
    if (room == 0)
        return READ_NOTHING;
    if (s->base.piece != 0 && s->base.piece < room)
        room = s->base.piece;
    ssize_t n = read_from(s->in, s->data + s->start + s->len, room);
    if (n > 0) {
        s->len += (size_t)n;
        deliver(s);
        if ((size_t)n == room)
            return READ_ALL_THAT_FITS;
        return (size_t)n >= MUCH ? READ_MUCH : READ_SOME;
    }
    if (n == 0)
        tell_end(s);
    else if (errno != EAGAIN)
        tell_failure(s, errno, "read");
    return READ_NOTHING;
}

static bool may_read(const struct uv_stream *s)
{
    return s->reading && !s->input_ended && !s->closing;
}

/* The first part of a large batch wakes the reader while the rest is on its way, and is there when the first part was
 * dealt with: to read on at once saves the way through the poll. Where that finds nothing it costs a call, so it is
 * left for a while when it did not pay. */
static void read_rest_of_batch(struct uv_stream *s)
{
    if (s->read_on_luck < 0) {
        s->read_on_luck++;
        return;
    }
    if (read_once(s) != READ_NOTHING)
        s->read_on_luck += s->read_on_luck < MOST_LUCK;
    else
        s->read_on_luck = s->read_on_luck > 0 ? s->read_on_luck - 1 : -MOST_LUCK;
}

static void read_some(struct uv_stream *s, unsigned reads)
{
    enum amount amount = READ_ALL_THAT_FITS;
    for (; reads > 0 && amount == READ_ALL_THAT_FITS && may_read(s); reads--)
        amount = read_once(s);
    if (amount == READ_MUCH && may_read(s))
        read_rest_of_batch(s);
    if (!s->closing)
        settle_rest(s);
}

static void redeliver(struct deferred *d)
{
    struct uv_stream *s = LIST_ENTRY(d, struct uv_stream, redeliver);
    if (s->closing || !s->reading || s->len == 0)
        return;
    deliver(s);
    if (s->closing)
        return;
    settle_rest(s);
    update(s);
}

/* ---- writing ---- */

/* A write into a pipe that nobody reads raises SIGPIPE, which is held back here and taken away
 * again, unless it was there before. */
static ssize_t write_pipe(int fd, const void *data, size_t len)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, data, len);
    int error = errno;
    if (n < 0 && error == EPIPE && !was_pending)
        sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0, 0 });
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

static ssize_t write_to(const struct port *port, const void *data, size_t len)
{
    ssize_t n;
    do
        n = port->is_socket ? send(port->fd, data, len, MSG_NOSIGNAL) : write_pipe(port->fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static void handle_closed(uv_handle_t *handle);

static void close_port(struct port *port)
{
    if (port->fd < 0)
        return;
    uv_close((uv_handle_t *)&port->poll, handle_closed);
    if (port->shared)
        fcntl(port->fd, F_SETFL, port->flags);
    close(port->fd);
    port->fd = -1;
    port->armed = 0;
}

static void shut_now(struct uv_stream *s)
{
    s->shut_done = true;
    if (s->in == s->out)
        shutdown(s->out->fd, SHUT_WR);
    else
        close_port(s->out);
}

static void write_failed(struct uv_stream *s, int os_errno)
{
    s->write_errno = os_errno;
    s->blocked = false;
    if (s->in == s->out || !may_read(s))
        loop_defer(s->base.loop, &s->fail);
}

/* From a fresh stack, because the owner may be in the middle of something when its write fails. */
static void end_after_failed_write(struct deferred *d)
{
    struct uv_stream *s = LIST_ENTRY(d, struct uv_stream, fail);
    if (s->in == s->out)
        while (may_read(s) && read_once(s) == READ_ALL_THAT_FITS)
            ;
    if (s->closing || s->failed)
        return;
    settle_rest(s);
    tell_failure(s, s->write_errno, "write");
}

static bool may_write(const struct uv_stream *s)
{
    return !s->blocked && !s->closing && !s->failed && !s->shut_done && s->write_errno == 0;
}

/* Whether all of the next piece was written, so that another one may follow. */
static bool write_once(struct uv_stream *s)
{
    struct span piece = s->base.events->output(s->base.owner);
    if (s->closing)
        return false;
    if (piece.len == 0) {
        if (s->shut)
            shut_now(s);
        return false;
    }
    ssize_t n = write_to(s->out, piece.data, piece.len);
    if (n < 0 && errno != EAGAIN) {
        write_failed(s, errno);
        return false;
    }
    s->blocked = n < (ssize_t)piece.len;
    if (n > 0)
        s->base.events->sent(s->base.owner, (size_t)n);
    return !s->blocked;
}

static void write_some(struct uv_stream *s)
{
    if (s->writing)
        return;
    s->writing = true;
    unsigned pieces = PIECES_PER_TURN;
    while (pieces > 0 && may_write(s) && write_once(s))
        pieces--;
    s->writing = false;
    if (pieces == 0) /* the others have their turn; libuv calls back in the next one */
        s->blocked = true;
    update(s);
}

static void flush_turn(struct turn_hook *hook)
{
    write_some(LIST_ENTRY(hook, struct uv_stream, flush));
}

/* ---- events ---- */

/* On an error libuv stops watching; the read or write that follows tells which error it is. */
static void polled(uv_poll_t *handle, int status, int events)
{
    struct port *port = handle->data;
    struct uv_stream *s = port->stream;
    bool wanted = wants_input(s);
    if (status < 0) {
        events = port->armed;
        port->armed = 0;
    }
    if ((events & UV_WRITABLE) != 0) {
        s->blocked = false;
        write_some(s);
    }
    if ((events & UV_READABLE) != 0)
        read_some(s, READS_PER_WAKEUP);
    watch(s, wanted ? arm_lazily : arm);
}

static void handle_closed(uv_handle_t *handle)
{
    struct port *port = handle->data;
    struct uv_stream *s = port->stream;
    if (--s->open_handles > 0 || !s->closing)
        return;
    drop_data(s);
    s->base.events->closed(s->base.owner);
    mem_free(s);
}

/* ---- operations ---- */

static void read_start(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    if (s->reading || s->closing)
        return;
    s->reading = true;
    if (s->len > 0)
        loop_defer(stream->loop, &s->redeliver);
    update(s);
}

static void read_stop(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    s->reading = false;
    update(s);
}

static void again(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    if (s->len > 0 && !s->closing)
        loop_defer(stream->loop, &s->redeliver);
}

static void want_write(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    if (may_write(s))
        turn_hook_schedule(stream->loop, &s->flush);
}

static void flush(struct stream *stream)
{
    write_some(self_of(stream));
}

static void shut(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    s->shut = true;
    want_write(stream);
}

/* What was received and not read would make the kernel answer with a reset, which can cost the peer
 * our last words. */
static void drop_input(const struct port *port)
{
    char scrap[4096];
    for (unsigned reads = LAST_READS; reads > 0; reads--)
        if (recv(port->fd, scrap, sizeof scrap, MSG_DONTWAIT) < (ssize_t)sizeof scrap)
            break;
}

static void close_stream(struct stream *stream)
{
    struct uv_stream *s = self_of(stream);
    if (s->closing)
        return;
    s->closing = true;
    turn_hook_cancel(&s->flush);
    deferred_cancel(&s->redeliver);
    deferred_cancel(&s->fail);
    if (s->in->is_socket && s->in == s->out && !s->in->shared && !s->input_ended)
        drop_input(s->in);
    if (s->out != s->in)
        close_port(s->out);
    close_port(s->in);
}

static int names(struct stream *stream, sshio_address *local, sshio_address *peer, char *texts, size_t size)
{
    struct uv_stream *s = self_of(stream);
    static_assert(STREAM_NAMES_SIZE >= 2 * ADDRESS_TEXT_SIZE, "room for two texts");
    if (s->closing || size < 2 * ADDRESS_TEXT_SIZE)
        return SSHIO_EINVAL;
    if (local != NULL)
        address_of_socket(s->in->fd, local, texts);
    if (peer != NULL)
        address_of_peer(s->in->fd, peer, texts + ADDRESS_TEXT_SIZE);
    return 0;
}

static const struct stream_ops uv_stream_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .want_write = want_write,
    .flush = flush,
    .again = again,
    .shutdown = shut,
    .close = close_stream,
    .names = names,
};

/* ---- making ---- */

static bool is_socket(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int open_port(struct uv_stream *s, struct port *port, int fd, bool is_socket, struct error *e)
{
    int rc = uv_poll_init(loop_uv(s->base.loop), &port->poll, fd);
    if (rc != 0)
        return error_set_errno(e, -rc, "stream on descriptor %d", fd);
    port->poll.data = port;
    port->stream = s;
    port->fd = fd;
    port->is_socket = is_socket;
    s->open_handles++;
    return 0;
}

static struct uv_stream *new_stream(struct loop *loop)
{
    struct uv_stream *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->base.ops = &uv_stream_ops;
    s->base.loop = loop;
    s->ports[0].fd = s->ports[1].fd = -1;
    s->in = s->out = &s->ports[0];
    turn_hook_init(&s->flush, flush_turn);
    deferred_init(&s->redeliver, redeliver);
    deferred_init(&s->fail, end_after_failed_write);
    return s;
}

static void nothing_to_tell(void *owner)
{
    (void)owner;
}

static const struct stream_events silent = { .closed = nothing_to_tell };

/* One whose second descriptor could not be used; the first is a handle of libuv already. */
static void close_half_made(struct uv_stream *s)
{
    stream_set_owner(&s->base, &silent, NULL);
    close_stream(&s->base);
}

/* Whether it is a socket; one that lacks the option works as well. */
static bool set_option(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0 || errno != ENOTSOCK;
}

int stream_from_socket(struct loop *loop, int fd, bool keepalive, struct stream **out, struct error *e)
{
    struct uv_stream *s = new_stream(loop);
    int rc = s != NULL ? open_port(s, s->in, fd, true, e) : error_nomem(e);
    if (rc != 0) {
        mem_free(s);
        close(fd);
        return rc;
    }
    s->in->is_socket = set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (keepalive)
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
    *out = &s->base;
    return 0;
}

int stream_from_pipes(struct loop *loop, int in, int out_fd, struct stream **out, struct error *e)
{
    struct uv_stream *s = new_stream(loop);
    int rc = s != NULL ? open_port(s, s->in, in, is_socket(in), e) : error_nomem(e);
    if (rc != 0) {
        mem_free(s);
        close(in);
        if (out_fd != in)
            close(out_fd);
        return rc;
    }
    if (out_fd != in) {
        s->out = &s->ports[1];
        rc = open_port(s, s->out, out_fd, is_socket(out_fd), e);
    }
    if (rc != 0) {
        close(out_fd);
        close_half_made(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}

/* What epoll does not take is a file: libuv says so with EPERM. */
static bool can_be_polled(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
        return false;
    return !S_ISCHR(st.st_mode) || isatty(fd);
}

int stream_from_fd(struct loop *loop, int fd, struct stream **out, struct error *e)
{
    if (!can_be_polled(fd))
        return stream_from_file(loop, fd, out, e);
    int flags = fcntl(fd, F_GETFL);
    int rc = stream_from_pipes(loop, fd, fd, out, e);
    if (rc == 0) {
        self_of(*out)->in->shared = flags >= 0;
        self_of(*out)->in->flags = flags;
    }
    return rc;
}
