/* Scenes that make connections, serve them, or need none. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/auth_site.h"
#include "session/scenes.h"

/* ---- connecting ---- */

/* To the loopback server, in a way of its own that the scene is about. */
static int connect_by(const sshio_client_options *options)
{
    sshio_conn *conn = NULL;
    scene_begins();
    int rc = sshio_connect("127.0.0.1", options, &conn);
    if (rc == 0) {
        sshio_conn_close(conn);
        rc = sshio_conn_wait_closed(conn);
    }
    sshio_conn_unref(conn);
    return rc;
}

static int by_method(struct loopback *l, const char *method, const char *password,
                     const sshio_client_handlers *handlers)
{
    static struct keys none;
    sshio_client_options options = client_options(l);
    options.preferred_auth = method;
    options.password = password;
    options.handlers = handlers;
    options.user = &none;
    return connect_by(&options);
}

static int by_key(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[2] = { { .key = l->user_key } };
    options.client_keys = keys;
    return connect_by(&options);
}

static int by_asked_key(struct loopback *l)
{
    struct keys keys = { .keys = { l->user_key, l->other_key, l->host_key } };
    sshio_client_options options = client_options(l);
    options.preferred_auth = "publickey";
    options.handlers = &all_handlers;
    options.user = &keys;
    return connect_by(&options);
}

static int by_password(struct loopback *l)
{
    return by_method(l, "password", NULL, &all_handlers);
}

static int by_changed_password(struct loopback *l)
{
    return by_method(l, "password", "old", &all_handlers);
}

static int by_kbdint(struct loopback *l)
{
    return by_method(l, "keyboard-interactive", NULL, &all_handlers);
}

static int by_asking_for_the_host_key(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    return connect_by(&options);
}

static int by_name(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    sshio_conn *conn = NULL;
    scene_begins();
    int rc = sshio_connect("localhost", &options, &conn);
    sshio_conn_unref(conn);
    return rc;
}

static int by_proxy(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    char port[16];
    char self[4096] = ""; /* its name, because valgrind takes nothing else */
    const char *argv[] = { self, SCENES_RELAY, port, NULL };
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return sshio_raise_errno(errno, "/proc/self/exe");
    snprintf(port, sizeof port, "%d", l->port);
    options.proxy_argv = argv;
    return connect_by(&options);
}

/* ---- failing ---- */

static int nobody_listens(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    sshio_conn *none = NULL;
    options.port = 1;
    options.family = SSHIO_FAMILY_INET;
    scene_begins();
    return scene_failed(sshio_connect("localhost", &options, &none), SSHIO_ESYSTEM);
}

static int by_refusing_the_host_key(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    options.handlers = NULL;
    return scene_failed(connect_by(&options), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
}

static int by_a_wrong_password(struct loopback *l)
{
    return scene_failed(by_method(l, "password", "wrong", NULL), SSHIO_EPERMISSION_DENIED);
}

static int too_late(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    options.connect_timeout = 0.001; /* the server's first question to itself takes as long already */
    return scene_failed(connect_by(&options), SSHIO_ETIMEDOUT);
}

/* ---- asking a server ---- */

static int get_host_key(struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    sshio_key *key = NULL;
    scene_begins();
    int rc = sshio_get_server_host_key("127.0.0.1", &options, &key);
    sshio_key_unref(key);
    return rc;
}

static int get_methods(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_texts methods = { 0 };
    scene_begins();
    int rc = sshio_get_server_auth_methods("127.0.0.1", &options, &methods);
    sshio_texts_free(&methods);
    return rc;
}

/* ---- servers, and what needs no connection ---- */

static int serve(void *arg)
{
    struct loopback *l = arg;
    sshio_listener *listener = NULL;
    sshio_keyref host_keys[2] = { { .key = l->host_key } };
    int rc = sshio_listen("localhost", 0, SSHIO_SERVER(.host_keys = host_keys, .family = SSHIO_FAMILY_INET), &listener);
    if (rc == 0) {
        sshio_listener_close(listener);
        rc = sshio_listener_wait_closed(listener);
    }
    if (listener != NULL)
        sshio_listener_close(listener);
    sshio_listener_unref(listener);
    return rc;
}

static int listen_and_close(struct loopback *l)
{
    scene_begins();
    return serve(l);
}

struct end {
    struct loopback *l;
    int sock;
};

static int serve_socket(void *arg)
{
    struct end *end = arg;
    sshio_keyref host_keys[2] = { { .key = end->l->host_key } };
    sshio_server_options options = end->l->server_options;
    sshio_conn *conn = NULL;
    options.host_keys = host_keys;
    int rc = sshio_run_server(end->sock, &options, &conn);
    if (rc == 0)
        rc = sshio_conn_wait_closed(conn);
    sshio_conn_unref(conn);
    return rc;
}

static int socket_pair(struct loopback *l)
{
    int ends[2];
    sshio_client_options options = scenes_client(l);
    sshio_conn *conn = NULL;
    sshio_task *task = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return sshio_raise_errno(errno, "socketpair");
    struct end end = { l, ends[0] };
    scene_begins();
    int rc = sshio_spawn(serve_socket, &end, &task);
    if (rc == 0)
        rc = sshio_run_client(ends[1], &options, &conn);
    sshio_conn_unref(conn);
    for (int joined = -1; task != NULL && joined != 0; rc = rc != 0 ? rc : joined)
        if ((joined = sshio_join(task, NULL)) != 0)
            sshio_cancel(task);
    return rc;
}

static int nap(void *seconds)
{
    return sshio_sleep(*(const double *)seconds);
}

static int compute(void *arg)
{
    (void)arg;
    return 0;
}

static int tasks(struct loopback *l)
{
    static double naps[] = { 0.001, 0, 0.002 };
    (void)l;
    sshio_task *task = NULL;
    scene_begins();
    int rc = sshio_gather(nap, naps, 3, sizeof naps[0]);
    if (rc == 0)
        rc = sshio_spawn(nap, &naps[2], &task);
    if (rc == 0)
        rc = sshio_join(task, NULL);
    if (rc != 0)
        sshio_task_unref(task);
    return rc != 0 ? rc : sshio_offload(compute, NULL);
}

/* ---- all of them ---- */

const struct scene connecting_scenes[] = {
    { "connect with a key", by_key },
    { "connect with keys that are asked for", by_asked_key },
    { "connect with a password", by_password },
    { "connect with a password that is changed", by_changed_password },
    { "connect with keyboard-interactive", by_kbdint },
    { "connect, asking about the host key", by_asking_for_the_host_key },
    { "connect to a name", by_name },
    { "connect through a proxy command", by_proxy },
    { "connect where nobody listens", nobody_listens },
    { "connect, refusing the host key", by_refusing_the_host_key },
    { "connect with a wrong password", by_a_wrong_password },
    { "connect too late", too_late, .times_out = true },
    { "get a server's host key", get_host_key },
    { "get a server's methods", get_methods },
    { "client and server on a socket pair", socket_pair },
    { "listen", listen_and_close },
    { "tasks", tasks },
    { 0 },
};
