/* See proxy.h. The program has one end of a socket pair as stdin and stdout, so it sees the end of the connection as
 * the end of its input; one that does not care is told by signals. */
#include "conn/proxy.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/words.h"
#include "io/child.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/timer.h"

#define KILL_AFTER_MS 2000

struct proxy {
    struct loop *loop;
    struct child *child;
    struct timer *timer;       /* until it is killed */
    struct loop_object object; /* while that is waited for */
    bool exited;
    bool ending;
};

static void proxy_free(struct proxy *proxy)
{
    loop_object_remove(&proxy->object);
    timer_free(proxy->timer);
    child_free(proxy->child);
    mem_free(proxy);
}

static void exited(void *user, int status)
{
    struct proxy *proxy = user;
    (void)status; /* the connection's end says what is to be said */
    proxy->exited = true;
    if (proxy->ending)
        proxy_free(proxy);
}

static void kill_now(void *user)
{
    struct proxy *proxy = user;
    child_signal(proxy->child, SIGKILL, true);
    proxy_free(proxy); /* it is reaped all the same */
}

static void close_object(struct loop_object *object)
{
    kill_now(LIST_ENTRY(object, struct proxy, object));
}

static int start_child(struct loop *loop, const char *const *argv, int fd, struct proxy *proxy, struct error *e)
{
    struct child_options options = {
        .file = argv[0],
        .argv = argv,
        .in = fd,
        .out = fd,
        .err = STDERR_FILENO,
        .new_session = true,
    };
    return child_start(loop, &options, exited, proxy, &proxy->child, e);
}

static int start(struct loop *loop, const char *const *argv, struct proxy **proxy, struct stream **stream,
                 struct error *e)
{
    int ends[2];

    if (argv[0] != NULL && strcmp(argv[0], "exec") == 0)
        argv++;
    if (argv[0] == NULL)
        return error_set(e, SSHIO_EINVAL, "proxy_command or proxy_argv has no words");
    struct proxy *made = mem_zalloc(sizeof *made);
    if (made == NULL)
        return error_nomem(e);
    made->loop = loop;
    made->object.close = close_object;
    list_init(&made->object.link);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        mem_free(made);
        return error_set_errno(e, errno, "a socket pair for %s could not be made", argv[0]);
    }
    int rc = start_child(loop, argv, ends[1], made, e);
    close(ends[1]);
    if (rc != 0) {
        close(ends[0]);
        mem_free(made);
        return rc;
    }
    rc = stream_from_socket(loop, ends[0], false, stream, e);
    if (rc != 0)
        proxy_end(made);
    else
        *proxy = made;
    return rc;
}

int proxy_start(struct loop *loop, const char *command, const char *const *argv, struct proxy **proxy,
                struct stream **stream, struct error *e)
{
    struct texts words = { 0 };
    int rc = argv == NULL ? words_split(command, &words, e) : 0;

    if (rc == SSHIO_EINVAL)
        error_set(e, rc, "proxy_command has a quotation without an end: %s", command);
    if (rc == 0)
        rc = start(loop, argv != NULL ? argv : texts_items(&words), proxy, stream, e);
    texts_done(&words);
    return rc;
}

void proxy_end(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    proxy->ending = true;
    if (proxy->exited) {
        proxy_free(proxy);
        return;
    }
    child_signal(proxy->child, SIGTERM, true);
    proxy->timer = timer_new(proxy->loop, kill_now, proxy);
    if (proxy->timer == NULL) {
        kill_now(proxy);
        return;
    }
    loop_object_add(proxy->loop, &proxy->object);
    timer_at(proxy->timer, loop_now_ms(proxy->loop) + KILL_AFTER_MS);
}
