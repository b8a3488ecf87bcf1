/* A long way on the loopback interface: connections to one port are carried on to another, and every byte arrives a
 * constant time later, in either direction. There is no limit of the rate but what the processor carries.
 *
 *     delay_proxy PORT TARGET_PORT DELAY_MS
 *
 * Each direction is a ring of bytes, and a ring of marks that say up to where it may leave when. What arrives within
 * MARK_NS shares a mark and waits for the last of it. A ring that is full stops the reading: HELD_MAX is more than any
 * connection on this interface brings in the longest delay. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 16
#define HELD_MAX ((uint64_t)1 << 28) /* bytes of a ring, which take memory only once they are used */
#define MARKS_MAX 16384
#define MARK_NS 100000
#define IO_LEN ((size_t)1 << 20)
#define MS_NS 1000000
#define SECOND_NS 1000000000
#define NEVER UINT64_MAX

struct mark {
    uint64_t end; /* position in the stream */
    uint64_t first, due;
};

/* One direction. Positions count from the start of the stream. */
struct way {
    int from, to;
    uint8_t *ring;
    struct mark *marks;
    uint64_t read, written, free_to_go;
    size_t first_mark, mark_count;
    uint64_t end_due; /* when the reader learns of the end; NEVER = there is none yet */
    bool blocked;     /* the other side does not take more */
    bool over;        /* the end has been passed on */
};

struct connection {
    bool used;
    struct way ways[2];
};

static struct connection connections[MAX_CONNECTIONS];
static uint64_t delay_ns;

static void die(const char *what)
{
    fprintf(stderr, "delay_proxy: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* ---- one direction ---- */

static void way_init(struct way *way, int from, int to)
{
    *way = (struct way){ .from = from, .to = to, .ring = way->ring, .marks = way->marks, .end_due = NEVER };
    if (way->ring != NULL)
        return; /* of an earlier connection, and in memory already */
    way->ring = mmap(NULL, HELD_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    way->marks = calloc(MARKS_MAX, sizeof *way->marks);
    if (way->ring == MAP_FAILED || way->marks == NULL)
        die("memory");
}

static bool wants_to_read(const struct way *way)
{
    return way->end_due == NEVER && way->read - way->written < HELD_MAX && way->mark_count < MARKS_MAX;
}

/* From position on, as far as it lies in one piece. */
static uint8_t *piece(const struct way *way, uint64_t position, uint64_t *len)
{
    uint64_t at = position % HELD_MAX;

    if (*len > HELD_MAX - at)
        *len = HELD_MAX - at;
    return way->ring + at;
}

static void put_mark(struct way *way)
{
    uint64_t time = now();
    struct mark *last = &way->marks[(way->first_mark + way->mark_count - 1) % MARKS_MAX];

    if (way->mark_count == 0 || time - last->first >= MARK_NS) {
        last = &way->marks[(way->first_mark + way->mark_count++) % MARKS_MAX];
        last->first = time;
    }
    last->due = time + delay_ns;
    last->end = way->read;
}

/* False: the connection has failed. */
static bool way_read(struct way *way)
{
    if (way->read == way->written)
        way->read = way->written = way->free_to_go = 0; /* the same memory again, which is in the cache */
    uint64_t room = HELD_MAX - (way->read - way->written);
    uint8_t *at = piece(way, way->read, &room);
    ssize_t got = recv(way->from, at, room < IO_LEN ? room : IO_LEN, MSG_DONTWAIT);

    if (got > 0) {
        way->read += (uint64_t)got;
        put_mark(way);
    } else if (got == 0) {
        way->end_due = now() + delay_ns;
    }
    return got >= 0 || errno == EAGAIN || errno == EINTR;
}

static void take_due_marks(struct way *way, uint64_t time)
{
    while (way->mark_count > 0 && way->marks[way->first_mark].due <= time) {
        way->free_to_go = way->marks[way->first_mark].end;
        way->first_mark = (way->first_mark + 1) % MARKS_MAX;
        way->mark_count--;
    }
}

static bool way_write(struct way *way)
{
    take_due_marks(way, now());
    while (way->written < way->free_to_go && !way->blocked) {
        uint64_t len = way->free_to_go - way->written;
        const uint8_t *at = piece(way, way->written, &len);
        ssize_t sent = send(way->to, at, len < IO_LEN ? len : IO_LEN, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            way->written += (uint64_t)sent;
        else if (errno == EAGAIN)
            way->blocked = true;
        else if (errno != EINTR)
            return false;
    }
    if (!way->over && way->end_due <= now() && way->written == way->read) {
        way->over = true;
        shutdown(way->to, SHUT_WR);
    }
    return true;
}

/* When there is something to be written, if the other side takes it. */
static uint64_t way_due(const struct way *way)
{
    if (way->written < way->free_to_go)
        return way->blocked ? NEVER : 0;
    if (way->mark_count > 0)
        return way->marks[way->first_mark].due;
    return way->over ? NEVER : way->end_due;
}

/* ---- connections ---- */

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int listen_on(int port)
{
    struct sockaddr_in address = address_of(port);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, MAX_CONNECTIONS) != 0)
        die("listen");
    return listener;
}

static void take_connection(int listener, int target_port)
{
    struct sockaddr_in address = address_of(target_port);
    struct connection *c = connections;
    int on = 1, near = accept(listener, NULL, NULL), far = socket(AF_INET, SOCK_STREAM, 0);

    while (c->used)
        c++; /* one is unused: prepare_to_poll asks for no more than that */
    if (near < 0 || far < 0 || connect(far, (struct sockaddr *)&address, sizeof address) != 0) {
        close(near);
        close(far);
        return;
    }
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->used = true;
    way_init(&c->ways[0], near, far);
    way_init(&c->ways[1], far, near);
}

static void connection_end(struct connection *c)
{
    close(c->ways[0].from);
    close(c->ways[0].to);
    c->used = false;
}

static short events_of(const struct way *reads, const struct way *writes)
{
    return (short)((wants_to_read(reads) ? POLLIN : 0) | (writes->blocked ? POLLOUT : 0));
}

/* ready: what poll said of the two sockets that the ways read from. */
static void connection_run(struct connection *c, const struct pollfd *ready)
{
    bool alive = true;

    for (int i = 0; i < 2; i++) {
        struct way *reads = &c->ways[i], *writes = &c->ways[1 - i];
        if ((ready[i].revents & (POLLOUT | POLLERR)) != 0)
            writes->blocked = false;
        if ((ready[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && wants_to_read(reads))
            alive = way_read(reads) && alive;
    }
    for (int i = 0; i < 2; i++)
        alive = way_write(&c->ways[i]) && alive;
    if (!alive || (c->ways[0].over && c->ways[1].over))
        connection_end(c);
}

/* ---- the loop ---- */

/* Two sockets for each connection, and the listener behind them. */
static struct pollfd polled[2 * MAX_CONNECTIONS + 1];

static uint64_t prepare_to_poll(int listener)
{
    uint64_t due = NEVER;
    size_t used = 0;

    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        for (int j = 0; j < 2; j++) {
            struct way *way = &c->ways[j];
            polled[2 * i + j] = (struct pollfd){ .fd = -1 };
            if (!c->used)
                continue;
            short events = events_of(way, &c->ways[1 - j]);
            if (events != 0)
                polled[2 * i + j] = (struct pollfd){ .fd = way->from, .events = events };
            due = way_due(way) < due ? way_due(way) : due;
        }
        used += c->used;
    }
    polled[2 * MAX_CONNECTIONS] = (struct pollfd){ .fd = used < MAX_CONNECTIONS ? listener : -1, .events = POLLIN };
    return due;
}

static void wait_for_events(int listener)
{
    uint64_t due = prepare_to_poll(listener), time = now(), left = due > time ? due - time : 0;
    struct timespec timeout = { .tv_sec = (time_t)(left / SECOND_NS), .tv_nsec = (long)(left % SECOND_NS) };

    if (ppoll(polled, sizeof polled / sizeof polled[0], due == NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        die("poll");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: delay_proxy PORT TARGET_PORT DELAY_MS\n", stderr);
        return 2;
    }
    int listener = listen_on(atoi(argv[1])), target_port = atoi(argv[2]);
    delay_ns = strtoull(argv[3], NULL, 10) * MS_NS;
    for (;;) {
        wait_for_events(listener);
        for (size_t i = 0; i < MAX_CONNECTIONS; i++)
            if (connections[i].used)
                connection_run(&connections[i], &polled[2 * i]);
        if (polled[2 * MAX_CONNECTIONS].revents != 0)
            take_connection(listener, target_port);
    }
}
