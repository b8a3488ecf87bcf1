/* Streams over descriptors: what arrives, what is left over, back-pressure, ends. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/stream.h"

#include <cmocka.h>

/* One end of a connection as its owner sees it. */
struct end {
    struct stream *stream;
    uint8_t *in; /* what was received and used */
    size_t in_len, in_size;
    size_t take;   /* at most so many bytes are used at once; 0 = none */
    size_t unused; /* what the last call left */
    unsigned calls;
    const uint8_t *out;
    size_t out_len, out_done;
    bool eof, failed, closed;
    bool close_when_received;
    int os_errno;
};

static size_t received(void *owner, uint8_t *data, size_t len)
{
    struct end *end = owner;
    size_t used = len < end->take ? len : end->take;
    end->calls++;
    assert_true(end->in_len + used <= end->in_size);
    memcpy(end->in + end->in_len, data, used);
    end->in_len += used;
    end->unused = len - used;
    if (end->close_when_received)
        stream_close(end->stream);
    return used;
}

static void ended(void *owner, const struct error *error)
{
    struct end *end = owner;
    assert_false(end->failed);
    assert_false(error == NULL && end->eof);
    end->eof = end->eof || error == NULL;
    end->failed = error != NULL;
    end->os_errno = error != NULL ? error->pub.os_errno : 0;
}

static struct span output(void *owner)
{
    struct end *end = owner;
    return SPAN(end->out + end->out_done, end->out_len - end->out_done);
}

static void sent(void *owner, size_t len)
{
    struct end *end = owner;
    end->out_done += len;
    assert_true(end->out_done <= end->out_len);
}

static void closed(void *owner)
{
    struct end *end = owner;
    assert_false(end->closed);
    end->closed = true;
}

static const struct stream_events events = { received, ended, output, sent, closed };

#define PLENTY ((size_t)4 * 1024 * 1024)

static void own(struct end *end, struct stream *stream)
{
    *end = (struct end){ .stream = stream, .in = malloc(PLENTY), .in_size = PLENTY, .take = SIZE_MAX };
    stream_set_owner(stream, &events, end);
}

static void make_end(struct end *end, int fd)
{
    struct stream *stream = NULL;
    assert_int_equal(stream_from_socket(loop_current(), fd, true, &stream, NULL), 0);
    own(end, stream);
}

static void make_pair(struct end *a, struct end *b)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    make_end(a, fds[0]);
    make_end(b, fds[1]);
}

static void close_end(struct end *end)
{
    if (!end->closed) {
        stream_close(end->stream);
        loop_run_until(loop_current(), &end->closed);
    }
    assert_true(end->closed);
    free(end->in);
}

static void turn(void)
{
    assert_int_equal(sshio_sleep(0), 0);
}

static uint8_t *pattern(size_t len)
{
    uint8_t *data = malloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 8));
    return data;
}

static void send_all(struct end *from, const uint8_t *data, size_t len)
{
    from->out = data;
    from->out_len = len;
    from->out_done = 0;
    stream_want_write(from->stream);
}

/* ---- both ways ---- */

static void test_bytes_arrive_both_ways(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    stream_read_start(a.stream);
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"hello", 5);
    send_all(&b, (const uint8_t *)"there", 5);
    while (a.in_len < 5 || b.in_len < 5)
        turn();
    assert_memory_equal(b.in, "hello", 5);
    assert_memory_equal(a.in, "there", 5);
    close_end(&a);
    close_end(&b);
}

static void test_flush_writes_at_once(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    send_all(&a, (const uint8_t *)"now", 3);
    stream_flush(a.stream);
    assert_int_equal(a.out_done, 3);
    close_end(&a);
    close_end(&b);
}

static void test_large_transfer_passes_through_small_buffers(void **state)
{
    (void)state;
    size_t len = 3 * 1024 * 1024;
    uint8_t *data = pattern(len);
    struct end a, b;
    make_pair(&a, &b);
    stream_read_start(b.stream);
    send_all(&a, data, len);
    while (b.in_len < len)
        turn();
    assert_int_equal(a.out_done, len);
    assert_memory_equal(b.in, data, len);
    close_end(&a);
    close_end(&b);
    free(data);
}

/* The writer is stopped by the reader: what is not read stays with the writer. */
static void test_paused_reader_stops_the_writer(void **state)
{
    (void)state;
    size_t len = 3 * 1024 * 1024;
    uint8_t *data = pattern(len);
    struct end a, b;
    make_pair(&a, &b);
    send_all(&a, data, len);
    for (int i = 0; i < 50; i++)
        turn();
    assert_int_equal(b.in_len, 0);
    assert_true(a.out_done < len);
    stream_read_start(b.stream);
    while (b.in_len < len)
        turn();
    assert_memory_equal(b.in, data, len);
    close_end(&a);
    close_end(&b);
    free(data);
}

/* ---- what is left over ---- */

/* Whatever is left over comes again in front of the rest, for rests in blocks and small ones. */
static void test_partly_used_input_comes_again(void **state)
{
    (void)state;
    static const size_t takes[] = { 1000, 4095, 4097, 32768, 65537, 300000 };
    size_t len = 1024 * 1024;
    uint8_t *data = pattern(len);
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        struct end a, b;
        make_pair(&a, &b);
        b.take = takes[i];
        stream_read_start(b.stream);
        send_all(&a, data, len);
        while (b.in_len < len) {
            turn();
            stream_read_again(b.stream);
        }
        assert_int_equal(b.in_len, len);
        assert_memory_equal(b.in, data, len);
        close_end(&a);
        close_end(&b);
    }
    free(data);
}

static void test_read_stop_keeps_what_is_left(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    b.take = 2;
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"abcdef", 6);
    while (b.calls == 0)
        turn();
    stream_read_stop(b.stream);
    stream_read_again(b.stream);
    turn();
    assert_int_equal(b.in_len, 2);
    b.take = SIZE_MAX;
    stream_read_start(b.stream);
    turn();
    assert_int_equal(b.in_len, 6);
    assert_memory_equal(b.in, "abcdef", 6);
    close_end(&a);
    close_end(&b);
}

/* A reader that takes nothing is not asked for ever, and not given more than a block. */
static void test_full_block_stops_reading(void **state)
{
    (void)state;
    size_t len = 2 * 1024 * 1024;
    uint8_t *data = pattern(len);
    struct end a, b;
    make_pair(&a, &b);
    b.take = 0;
    stream_read_start(b.stream);
    send_all(&a, data, len);
    for (int i = 0; i < 100; i++)
        turn();
    assert_int_equal(b.unused, LOOP_INPUT_BLOCK);
    unsigned calls = b.calls;
    turn();
    assert_int_equal(b.calls, calls);
    b.take = SIZE_MAX;
    stream_read_again(b.stream);
    while (b.in_len < len)
        turn();
    assert_memory_equal(b.in, data, len);
    close_end(&a);
    close_end(&b);
    free(data);
}

/* An idle stream holds no block: all go back to the pool. */
static void test_short_rest_gives_its_block_back(void **state)
{
    (void)state;
    struct pool *pool = loop_input_pool(loop_current());
    struct end a, b;
    make_pair(&a, &b);
    b.take = 3;
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"12345", 5);
    while (b.calls == 0)
        turn();
    size_t free_now = pool->free_count;
    assert_true(free_now > 0);
    close_end(&a);
    close_end(&b);
    assert_int_equal(pool->free_count, free_now);
}

/* ---- ends ---- */

static void test_eof_comes_once_after_all_data(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"last", 4);
    stream_shutdown(a.stream);
    while (!b.eof)
        turn();
    assert_memory_equal(b.in, "last", 4);
    send_all(&b, (const uint8_t *)"still", 5); /* the other way is open */
    stream_read_start(a.stream);
    while (a.in_len < 5)
        turn();
    close_end(&a);
    close_end(&b);
}

/* SIGPIPE must not reach the program, whatever the descriptor is. */
static void test_broken_socket_reports_input_then_error(void **state)
{
    (void)state;
    struct end a;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    make_end(&a, fds[0]);
    assert_int_equal(write(fds[1], "why", 3), 3);
    close(fds[1]);
    stream_read_start(a.stream);
    send_all(&a, (const uint8_t *)"x", 1);
    stream_flush(a.stream);
    while (!a.failed && !a.eof)
        turn();
    assert_memory_equal(a.in, "why", 3);
    assert_true(a.eof || a.os_errno == EPIPE);
    close_end(&a);
}

static void test_failed_write_is_told_without_reading(void **state)
{
    (void)state;
    struct end a;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    make_end(&a, fds[0]);
    close(fds[1]);
    send_all(&a, (const uint8_t *)"x", 1);
    while (!a.failed)
        turn();
    assert_int_equal(a.os_errno, EPIPE);
    assert_int_equal(a.out_done, 0);
    close_end(&a);
}

static void make_pipes(struct end *end, int *to, int *from)
{
    int in[2], out[2];
    struct stream *stream = NULL;
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(stream_from_pipes(loop_current(), in[0], out[1], &stream, NULL), 0);
    own(end, stream);
    *to = in[1];
    *from = out[0];
}

static void test_pipes_carry_both_ways(void **state)
{
    (void)state;
    struct end a;
    int to, from;
    char got[4];
    make_pipes(&a, &to, &from);
    stream_read_start(a.stream);
    send_all(&a, (const uint8_t *)"ping", 4);
    stream_shutdown(a.stream);
    assert_int_equal(write(to, "pong", 4), 4);
    close(to);
    while (!a.eof)
        turn();
    assert_memory_equal(a.in, "pong", 4);
    assert_int_equal(read(from, got, 4), 4);
    assert_memory_equal(got, "ping", 4);
    assert_int_equal(read(from, got, 4), 0);
    close(from);
    close_end(&a);
}

/* ---- files: what cannot be polled ---- */

static int temporary_file(const char *text)
{
    char name[] = "/tmp/sshio-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void make_file_end(struct end *end, int fd)
{
    struct stream *stream = NULL;
    assert_int_equal(stream_from_fd(loop_current(), fd, &stream, NULL), 0);
    own(end, stream);
}

static void test_file_is_read_to_its_end(void **state)
{
    (void)state;
    struct end a;
    make_file_end(&a, temporary_file("some text"));
    a.take = 4; /* the rest comes again */
    stream_read_start(a.stream);
    while (!a.eof) {
        turn();
        stream_read_again(a.stream);
    }
    assert_int_equal(a.in_len, 9);
    assert_memory_equal(a.in, "some text", 9);
    close_end(&a);
}

static void test_file_is_written_in_order(void **state)
{
    (void)state;
    struct end a;
    char got[10] = "";
    int fd = temporary_file("");
    int same = dup(fd);
    make_file_end(&a, fd);
    send_all(&a, (const uint8_t *)"some text", 9);
    while (a.out_done < 9)
        turn();
    close_end(&a);
    assert_int_equal(pread(same, got, 9, 0), 9);
    assert_string_equal(got, "some text");
    close(same);
}

static void test_file_stream_may_be_closed_when_it_delivers(void **state)
{
    (void)state;
    struct end a;
    make_file_end(&a, temporary_file("some text"));
    a.close_when_received = true;
    stream_read_start(a.stream);
    while (!a.closed)
        turn();
    turn();
    close_end(&a);
}

static void test_null_device_is_a_file_without_bytes(void **state)
{
    (void)state;
    struct end a;
    make_file_end(&a, open("/dev/null", O_RDWR | O_CLOEXEC));
    stream_read_start(a.stream);
    send_all(&a, (const uint8_t *)"gone", 4);
    while (!a.eof || a.out_done < 4)
        turn();
    assert_int_equal(a.in_len, 0);
    close_end(&a);
}

/* A descriptor that others share is left as it was found. */
static void test_shared_descriptor_is_switched_back(void **state)
{
    (void)state;
    struct end a;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    make_file_end(&a, dup(fds[0]));
    assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    close_end(&a);
    assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    close(fds[0]);
    close(fds[1]);
}

/* A program may close its input and go on writing. */
static void test_broken_pipe_leaves_the_input(void **state)
{
    (void)state;
    struct end a;
    int to, from;
    make_pipes(&a, &to, &from);
    stream_read_start(a.stream);
    close(from);
    send_all(&a, (const uint8_t *)"ping", 4);
    stream_flush(a.stream);
    turn();
    assert_false(a.failed);
    assert_int_equal(write(to, "pong", 4), 4);
    close(to);
    while (!a.eof)
        turn();
    assert_memory_equal(a.in, "pong", 4);
    close_end(&a);
}

/* F6: the owner closes inside a callback. */
static void test_stream_is_closed_inside_received(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    b.close_when_received = true;
    b.take = 1;
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"bye", 3);
    while (!b.closed)
        turn();
    assert_int_equal(b.in_len, 1);
    close_end(&b);
    close_end(&a);
}

static void test_names_of_unix_sockets_are_empty(void **state)
{
    (void)state;
    struct end a, b;
    char texts[STREAM_NAMES_SIZE];
    sshio_address local, peer;
    make_pair(&a, &b);
    assert_int_equal(stream_names(a.stream, &local, &peer, texts), 0);
    assert_string_equal(local.host, "");
    assert_int_equal(peer.port, 0);
    close_end(&a);
    close_end(&b);
}

static void test_bad_descriptor_is_refused(void **state)
{
    (void)state;
    struct stream *stream = NULL;
    struct error e;
    error_init(&e);
    assert_int_equal(stream_from_socket(loop_current(), 987, false, &stream, &e), SSHIO_ESYSTEM);
    assert_int_equal(e.pub.os_errno, EBADF);
    assert_null(stream);
    error_clear(&e);
}

static void test_running_out_of_memory_is_reported(void **state)
{
    (void)state;
    struct end a, b;
    make_pair(&a, &b);
    pool_done(loop_input_pool(loop_current()));
    stream_read_start(b.stream);
    send_all(&a, (const uint8_t *)"x", 1);
    stream_flush(a.stream);
    mem_fail_at(2); /* the first is the timer of turn() */
    turn();
    mem_fail_at(0);
    assert_true(b.failed);
    close_end(&a);
    close_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_arrive_both_ways),
        cmocka_unit_test(test_flush_writes_at_once),
        cmocka_unit_test(test_large_transfer_passes_through_small_buffers),
        cmocka_unit_test(test_paused_reader_stops_the_writer),
        cmocka_unit_test(test_partly_used_input_comes_again),
        cmocka_unit_test(test_read_stop_keeps_what_is_left),
        cmocka_unit_test(test_full_block_stops_reading),
        cmocka_unit_test(test_short_rest_gives_its_block_back),
        cmocka_unit_test(test_eof_comes_once_after_all_data),
        cmocka_unit_test(test_broken_socket_reports_input_then_error),
        cmocka_unit_test(test_failed_write_is_told_without_reading),
        cmocka_unit_test(test_pipes_carry_both_ways),
        cmocka_unit_test(test_file_is_read_to_its_end),
        cmocka_unit_test(test_file_is_written_in_order),
        cmocka_unit_test(test_file_stream_may_be_closed_when_it_delivers),
        cmocka_unit_test(test_null_device_is_a_file_without_bytes),
        cmocka_unit_test(test_shared_descriptor_is_switched_back),
        cmocka_unit_test(test_broken_pipe_leaves_the_input),
        cmocka_unit_test(test_stream_is_closed_inside_received),
        cmocka_unit_test(test_names_of_unix_sockets_are_empty),
        cmocka_unit_test(test_bad_descriptor_is_refused),
        cmocka_unit_test(test_running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
