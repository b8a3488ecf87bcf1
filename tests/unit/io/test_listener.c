/* Listening and connecting, over loopback. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "io/last_error.h"
#include "io/loop.h"
#include "io/net_listener.h"
#include "io/resolver.h"
#include "io/stream.h"

#include <cmocka.h>

struct server {
    struct net_listener *listener;
    int port;
    struct stream *streams[8];
    unsigned count;
    bool closed;
    char text[16]; /* what a refused client read */
    bool ended;
};

static void accepted(void *owner, struct stream *stream)
{
    struct server *server = owner;
    assert_true(server->count < 8);
    server->streams[server->count++] = stream;
}

static void closed(void *owner)
{
    struct server *server = owner;
    server->closed = true;
}

static const struct net_listener_events events = { .accepted = accepted };

static int listen_with(struct server *server, struct listen_options o, struct error *e)
{
    const sshio_address *addresses;
    *server = (struct server){ .listener = NULL };
    int rc = net_listener_open(loop_current(), &o, &events, server, NULL, &server->listener, e);
    if (rc == 0) {
        assert_true(net_listener_addresses(server->listener, &addresses) > 0);
        server->port = addresses[0].port;
    }
    return rc;
}

static void stream_closed(void *owner)
{
    *(bool *)owner = true;
}

static const struct stream_events only_closed = { .closed = stream_closed };

static void close_stream(struct stream *stream)
{
    bool done = false;
    stream_set_owner(stream, &only_closed, &done);
    stream_close(stream);
    assert_int_equal(loop_run_until(loop_current(), &done), 0);
}

static void start(struct server *server)
{
    assert_int_equal(listen_with(server, (struct listen_options){ .host = "127.0.0.1", .reuse_address = true }, NULL),
                     0);
}

static void stop(struct server *server)
{
    net_listener_close(server->listener, closed);
    assert_int_equal(loop_run_until(loop_current(), &server->closed), 0);
    for (unsigned i = 0; i < server->count; i++)
        close_stream(server->streams[i]);
}

static int connect_to(const char *host, int port, struct stream **stream, struct error *e)
{
    struct connect_options o = { .host = host, .port = port, .family = AF_UNSPEC, .keepalive = true };
    *stream = NULL;
    return stream_connect(loop_current(), &o, stream, e);
}

#define DESCRIPTORS 256

static bool inherited[DESCRIPTORS]; /* from the shell, or valgrind */

static int note_inherited(void **state)
{
    (void)state;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        inherited[fd] = fcntl(fd, F_GETFD) >= 0;
    return 0;
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void check_descriptors_end_at_exec(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        assert_true(inherited[fd] || fcntl(fd, F_GETFD) < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

/* ---- connections ---- */

static void test_connection_is_accepted(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream;
    char texts[STREAM_NAMES_SIZE];
    sshio_address local, peer;
    start(&server);
    assert_int_equal(connect_to("127.0.0.1", server.port, &stream, NULL), 0);
    while (server.count == 0)
        assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(stream_names(stream, &local, &peer, texts), 0);
    assert_string_equal(local.host, "127.0.0.1");
    assert_string_equal(peer.host, "127.0.0.1");
    assert_int_equal(peer.port, server.port);
    check_descriptors_end_at_exec();
    close_stream(stream);
    stop(&server);
}

static const char *refuse(void *owner)
{
    (void)owner;
    return "full\r\n";
}

static size_t note_text(void *owner, uint8_t *data, size_t len)
{
    struct server *server = owner;
    memcpy(server->text, data, len < sizeof server->text ? len : 0);
    return len;
}

static void note_end(void *owner, const struct error *error)
{
    struct server *server = owner;
    server->ended = error == NULL;
}

static void test_refused_connection_hears_why_and_is_closed(void **state)
{
    (void)state;
    static const struct net_listener_events refusing = { .refusal = refuse, .accepted = accepted };
    static const struct stream_events reading = { .received = note_text, .ended = note_end };
    struct server server = { .count = 0 };
    struct listen_options o = { .host = "127.0.0.1" };
    struct stream *stream;
    const sshio_address *addresses;
    assert_int_equal(net_listener_open(loop_current(), &o, &refusing, &server, NULL, &server.listener, NULL), 0);
    assert_int_equal(net_listener_addresses(server.listener, &addresses), 1);
    assert_int_equal(connect_to("127.0.0.1", addresses[0].port, &stream, NULL), 0);
    stream_set_owner(stream, &reading, &server);
    stream_read_start(stream);
    while (!server.ended)
        assert_int_equal(sshio_sleep(0), 0);
    assert_string_equal(server.text, "full\r\n");
    assert_int_equal(server.count, 0);
    close_stream(stream);
    stop(&server);
}

static void test_names_are_looked_up(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream;
    start(&server);
    assert_int_equal(connect_to("localhost", server.port, &stream, NULL), 0);
    close_stream(stream);
    stop(&server);
}

static void test_local_address_is_bound(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream = NULL;
    char texts[STREAM_NAMES_SIZE];
    sshio_address local;
    start(&server);
    struct connect_options o = { .host = "127.0.0.1", .port = server.port, .bind_address = "127.0.0.2" };
    assert_int_equal(stream_connect(loop_current(), &o, &stream, NULL), 0);
    assert_int_equal(stream_names(stream, &local, NULL, texts), 0);
    assert_string_equal(local.host, "127.0.0.2");
    close_stream(stream);
    struct error e;
    error_init(&e);
    o.bind_address = "192.0.2.1";
    assert_int_equal(stream_connect(loop_current(), &o, &stream, &e), SSHIO_ESYSTEM);
    assert_int_equal(e.pub.os_errno, EADDRNOTAVAIL);
    error_clear(&e);
    stop(&server);
}

static void test_refused_connection_names_host_and_port(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream;
    struct error e;
    char expected[80];
    error_init(&e);
    start(&server);
    stop(&server);
    int before = count_descriptors();
    assert_int_equal(connect_to("127.0.0.1", server.port, &stream, &e), SSHIO_ESYSTEM);
    snprintf(expected, sizeof expected, "cannot connect to 127.0.0.1 port %d: Connection refused", server.port);
    assert_string_equal(error_message(&e), expected);
    assert_int_equal(e.pub.os_errno, ECONNREFUSED);
    assert_int_equal(count_descriptors(), before);
    error_clear(&e);
}

static void test_bad_names_and_ports_are_refused(void **state)
{
    (void)state;
    struct stream *stream;
    struct error e;
    error_init(&e);
    assert_int_equal(connect_to("no.such.host.invalid", 22, &stream, &e), SSHIO_ERESOLVE);
    assert_non_null(strstr(error_message(&e), "no.such.host.invalid"));
    assert_int_equal(connect_to("127.0.0.1", 65536, &stream, &e), SSHIO_EINVAL);
    assert_int_equal(connect_to("127.0.0.1", -1, &stream, &e), SSHIO_EINVAL);
    error_clear(&e);
}

struct attempt {
    const char *host;
    int port;
    struct stream *stream;
};

static int attempt(void *arg)
{
    struct attempt *a = arg;
    return connect_to(a->host, a->port, &a->stream, last_error());
}

/* A listener whose queue is full answers nobody, so that a connect to it lasts. */
static int make_deaf_listener(int *port, int *fillers, int count)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr any = { .sa_family = AF_INET, .sa_data = { 0, 0, 127, 0, 0, 1 } };
    assert_int_equal(bind(fd, &any, 16), 0);
    assert_int_equal(listen(fd, 0), 0);
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    for (int i = 0; i < count; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&sa, len);
    }
    *port = (sa.ss_family == AF_INET) ? ((uint8_t *)&sa)[2] << 8 | ((uint8_t *)&sa)[3] : 0;
    return fd;
}

static void test_connecting_can_be_cancelled_and_timed_out(void **state)
{
    (void)state;
    int fillers[8];
    struct attempt a = { .host = "127.0.0.1" };
    int fd = make_deaf_listener(&a.port, fillers, 8);
    int before = count_descriptors();
    assert_int_equal(sshio_with_timeout(0.01, attempt, &a), SSHIO_ETIMEDOUT);
    sshio_task *task;
    int result;
    assert_int_equal(sshio_spawn(attempt, &a, &task), 0);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_cancel(task);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, SSHIO_ECANCELED);
    assert_null(a.stream);
    assert_int_equal(count_descriptors(), before);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

static int look_up(void *arg)
{
    struct addrinfo *list = NULL;
    int rc = resolver_lookup(loop_current(), arg, 22, AF_UNSPEC, 0, &list, last_error());
    resolver_free(list);
    return rc;
}

/* Name look-ups go on in their thread; whoever waited is gone. */
static void test_look_up_can_be_cancelled(void **state)
{
    (void)state;
    sshio_task *task;
    int result;
    assert_int_equal(sshio_spawn(look_up, "localhost", &task), 0);
    sshio_cancel(task);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, SSHIO_ECANCELED);
    assert_int_equal(look_up("localhost"), 0);
}

static void test_look_up_has_no_duplicates(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    assert_int_equal(resolver_lookup(loop_current(), "localhost", 22, AF_UNSPEC, 0, &list, NULL), 0);
    for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
        for (struct addrinfo *b = a->ai_next; b != NULL; b = b->ai_next)
            assert_false(a->ai_addrlen == b->ai_addrlen && memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0);
    resolver_free(list);
}

/* ---- listeners ---- */

static void test_used_port_fails_and_leaves_nothing(void **state)
{
    (void)state;
    struct server server, second;
    struct error e;
    char expected[80];
    error_init(&e);
    start(&server);
    int before = count_descriptors();
    struct listen_options o = { .host = "127.0.0.1", .port = server.port };
    assert_int_equal(listen_with(&second, o, &e), SSHIO_ESYSTEM);
    snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1 port %d: Address already in use", server.port);
    assert_string_equal(error_message(&e), expected);
    assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(count_descriptors(), before);
    error_clear(&e);
    stop(&server);
}

static void test_all_addresses_get_the_same_free_port(void **state)
{
    (void)state;
    struct server server;
    const sshio_address *addresses;
    assert_int_equal(listen_with(&server, (struct listen_options){ .host = "localhost" }, NULL), 0);
    size_t count = net_listener_addresses(server.listener, &addresses);
    for (size_t i = 0; i < count; i++) {
        assert_true(addresses[i].port > 0);
        assert_int_equal(addresses[i].port, addresses[0].port);
    }
    stop(&server);
}

static void test_bound_socket_is_taken_over(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr sa = { .sa_family = AF_INET, .sa_data = { 0, 0, 127, 0, 0, 1 } };
    assert_int_equal(bind(fd, &sa, 16), 0);
    assert_int_equal(listen_with(&server, (struct listen_options){ .sock = &fd }, NULL), 0);
    assert_int_equal(connect_to("127.0.0.1", server.port, &stream, NULL), 0);
    close_stream(stream);
    stop(&server);
}

static void test_unix_path_is_listened_on_and_removed(void **state)
{
    (void)state;
    struct server server, second;
    struct stream *stream = NULL;
    struct stat st;
    char path[] = "/tmp/sshio-listener-XXXXXX";
    close(mkstemp(path));
    struct error e;
    error_init(&e);
    assert_int_equal(listen_with(&second, (struct listen_options){ .path = path }, &e), SSHIO_ESYSTEM);
    assert_int_equal(lstat(path, &st), 0); /* F9: what was there stays */
    unlink(path);
    assert_int_equal(stream_connect_unix(loop_current(), path, &stream, &e), SSHIO_ESYSTEM);
    assert_int_equal(e.pub.os_errno, ENOENT);
    error_clear(&e);
    assert_int_equal(listen_with(&server, (struct listen_options){ .path = path }, NULL), 0);
    assert_int_equal(stream_connect_unix(loop_current(), path, &stream, NULL), 0);
    close_stream(stream);
    stop(&server);
    assert_int_equal(lstat(path, &st), -1);
}

static void note_log(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    (void)logger;
    (void)context;
    assert_int_equal(level, SSHIO_LOG_WARNING);
    assert_non_null(strstr(text, "Too many open files"));
    (*(unsigned *)user)++;
}

/* Too many descriptors: accepting pauses, one warning is logged, and then it goes on. */
static void test_listener_survives_lack_of_descriptors(void **state)
{
    (void)state;
    struct server server;
    struct stream *stream;
    struct rlimit before, few;
    unsigned warnings = 0;
    if (RUNNING_ON_VALGRIND)
        return; /* it has a limit of its own, and does not lower it */
    start(&server);
    assert_int_equal(connect_to("127.0.0.1", server.port, &stream, NULL), 0);
    while (server.count == 0)
        assert_int_equal(sshio_sleep(0), 0);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char port[2] = { (char)(server.port >> 8), (char)server.port };
    struct sockaddr sa = { .sa_family = AF_INET, .sa_data = { port[0], port[1], 127, 0, 0, 1 } };
    sshio_set_log_handler(note_log, &warnings);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)dup(0); /* the lowest free number */
    close((int)few.rlim_cur);
    setrlimit(RLIMIT_NOFILE, &few);
    assert_int_equal(connect(peer, &sa, sizeof sa), 0);
    while (warnings == 0)
        assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(server.count, 1);
    setrlimit(RLIMIT_NOFILE, &before);
    while (server.count == 1)
        assert_int_equal(sshio_sleep(0.01), 0);
    assert_int_equal(warnings, 1);
    sshio_set_log_handler(NULL, NULL);
    close(peer);
    close_stream(stream);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_is_accepted),
        cmocka_unit_test(test_refused_connection_hears_why_and_is_closed),
        cmocka_unit_test(test_names_are_looked_up),
        cmocka_unit_test(test_local_address_is_bound),
        cmocka_unit_test(test_refused_connection_names_host_and_port),
        cmocka_unit_test(test_bad_names_and_ports_are_refused),
        cmocka_unit_test(test_connecting_can_be_cancelled_and_timed_out),
        cmocka_unit_test(test_look_up_can_be_cancelled),
        cmocka_unit_test(test_look_up_has_no_duplicates),
        cmocka_unit_test(test_used_port_fails_and_leaves_nothing),
        cmocka_unit_test(test_all_addresses_get_the_same_free_port),
        cmocka_unit_test(test_bound_socket_is_taken_over),
        cmocka_unit_test(test_unix_path_is_listened_on_and_removed),
        cmocka_unit_test(test_listener_survives_lack_of_descriptors),
    };
    return cmocka_run_group_tests_name("listener", tests, note_inherited, NULL);
}
