/* sshio sshd: listening, the connections that come of it, signals, and the end.
 *
 * One task waits for signals, which a thread of their own takes, and does what they say: SIGHUP reads the configuration
 * again for connections to come; SIGTERM stops listening and lets those who are logged in finish; a second one, SIGINT
 * or SIGQUIT end everything, and programs that still run get SIGHUP. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sshd.h"
#include "talk.h"

/* ---- connections ---- */

struct client *client_ref(struct client *client)
{
    client->refs++;
    return client;
}

void client_unref(struct client *client)
{
    if (--client->refs > 0)
        return;
    service_unref(client->service);
    free(client);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* False = its address has to wait, or there is no memory: the connection is given up. */
static bool take_client(struct service *service, sshio_conn *conn)
{
    struct server *server = service->server;
    const sshio_address *peer = sshio_conn_peername(conn);

    if (service->penalises && penalties_refuse(server->penalties, peer->host, seconds_now())) {
        say("drop connection from [%s]:%d: penalty for earlier failures", peer->host, peer->port);
        return false;
    }
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return false;
    *client = (struct client){ .refs = 1, .service = service_ref(service), .conn = conn, .next = server->clients };
    client->link = &server->clients;
    if (client->next != NULL)
        client->next->link = &client->next;
    server->clients = client;
    server->had_client = true;
    sshio_conn_set_user(conn, client);
    if (server->settings.debug > 0 && server->listeners != NULL)
        sshio_event_set(server->woken);
    return true;
}

static void connection_made(sshio_conn *conn, void *user)
{
    if (take_client(user, conn))
        return;
    sshio_conn_set_user(conn, NULL);
    sshio_conn_abort(conn);
}

static void auth_completed(sshio_conn *conn, void *user)
{
    struct client *client = user;
    const sshio_address *peer = sshio_conn_peername(conn);

    client->let_in = true;
    say("Accepted login of %s from %s port %d", sshio_conn_username(conn), peer->host, peer->port);
}

static enum penalty penalty_for(const struct client *client, const sshio_error *error)
{
    if (client->has_failed)
        return PENALTY_REFUSED;
    return error != NULL && error->code == SSHIO_ETIMEDOUT ? PENALTY_TOO_SLOW : PENALTY_NO_LOGIN;
}

static void connection_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    struct client *client = user;
    if (client == NULL)
        return;
    struct service *service = client->service;
    struct server *server = service->server;
    const sshio_address *peer = sshio_conn_peername(conn);

    if (error != NULL)
        say("Connection from %s port %d: %s", peer->host, peer->port, error->message);
    if (!client->let_in && service->penalises)
        penalties_add(server->penalties, &service->penalty_rules, peer->host, penalty_for(client, error),
                      seconds_now());
    *client->link = client->next;
    if (client->next != NULL)
        client->next->link = client->link;
    client->conn = NULL;
    client_unref(client);
    if (server->clients == NULL && server->woken != NULL)
        sshio_event_set(server->woken);
}

static const sshio_server_handlers handlers = {
    .connection_made = connection_made,
    .connection_lost = connection_lost,
    .begin_auth = login_begin,
    .auth_completed = auth_completed,
    .public_key_auth_supported = login_takes_keys,
    .validate_public_key = login_refuse_key,
    .password_auth_supported = login_takes_passwords,
    .validate_password = login_check_password,
    .kbdint_auth_supported = login_takes_passwords,
    .get_kbdint_challenge = login_ask_password,
    .validate_kbdint_response = login_check_answer,
    .connection_requested = session_forward,
};

/* ---- options of connections ---- */

static void fill_options(struct service *service, const sshio_source *config, sshio_server_options *arguments)
{
    static const sshio_source nobody = { .data = { "", 0 } };

    sshio_server_options_init(arguments);
    arguments->config = config;
    arguments->host_keys = service->host_keys;
    arguments->authorized_keys = &nobody; /* read anew at each login, by login_begin */
    arguments->handlers = &handlers;
    arguments->user = service;
    arguments->process_handler = session_handle;
    arguments->sftp_factory = service->serves_sftp ? session_serve_sftp : NULL;
    arguments->sftp_version = SSHIO_MAX_SFTP_VERSION;
}

/* ---- listening ---- */

/* "host", "host:port", "[host]:port" or an IPv6 address; the text is cut in place. False = bad port. */
static bool split_address(char *text, const char **host, int *port)
{
    char *colon = strrchr(text, ':');
    char *end;

    *host = text;
    if (text[0] == '[' && strchr(text, ']') != NULL) {
        *host = text + 1;
        end = strchr(text, ']');
        *end = '\0';
        colon = end[1] == ':' ? end + 1 : NULL;
        if (colon == NULL && end[1] != '\0')
            return false;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL;
    }
    if (colon == NULL)
        return true;
    *colon = '\0';
    long number = strtol(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || number < 1 || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

static bool listen_on(struct service *service, const char *address, sshio_listener **listener)
{
    const sshio_source config = { .config = service->config };
    sshio_server_options arguments;
    int port = atoi(options_text(service->config, "Port", "22"));
    const char *host = NULL;
    char *text = strdup(address);

    fill_options(service, &config, &arguments);
    bool ok = text != NULL && split_address(text, &host, &port);
    if (!ok)
        say("bad address to listen on: %s", address);
    else if (sshio_listen(host, port, &arguments, listener) != 0) {
        say("Cannot listen on %s port %d: %s", host[0] != '\0' ? host : "*", port, sshio_error_message());
        ok = false;
    }
    free(text);
    return ok;
}

static void stop_listening(struct server *server)
{
    sshio_listener **listeners = server->listeners;

    server->listeners = NULL;
    for (size_t i = 0; listeners != NULL && listeners[i] != NULL; i++) {
        sshio_listener_close(listeners[i]);
        sshio_listener_wait_closed(listeners[i]);
        sshio_listener_unref(listeners[i]);
    }
    free(listeners);
}

static bool listen_on_all(struct server *server)
{
    static const char *const everywhere[] = { "", NULL };
    const char *const *addresses = sshio_config_get(server->service->config, "ListenAddress");
    size_t count = 0;
    bool ok = true;

    if (addresses == NULL)
        addresses = everywhere;
    while (addresses[count] != NULL)
        count++;
    server->listeners = calloc(count + 1, sizeof(sshio_listener *));
    for (size_t i = 0; ok && i < count; i++)
        ok = server->listeners != NULL && listen_on(server->service, addresses[i], &server->listeners[i]);
    if (!ok)
        stop_listening(server);
    return ok;
}

static void announce(const struct server *server)
{
    sshio_addresses addresses;

    for (size_t i = 0; server->listeners != NULL && server->listeners[i] != NULL; i++) {
        if (sshio_listener_get_addresses(server->listeners[i], &addresses) != 0)
            continue;
        for (size_t k = 0; k < addresses.count; k++)
            say("Server listening on %s port %d.", addresses.items[k].host, addresses.items[k].port);
        sshio_addresses_free(&addresses);
    }
}

/* ---- signals ---- */

static const int watched_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof watched_signals / sizeof watched_signals[0]; i++)
        sigaddset(set, watched_signals[i]);
}

#define BIT(signal) (1u << (signal))
#define THREAD_ENDS BIT(0)

static void *watch_signals(void *arg)
{
    struct server *server = arg;
    sigset_t set;
    int number;

    fill_signals(&set);
    while (sigwait(&set, &number) == 0 && (atomic_load(&server->signals) & THREAD_ENDS) == 0) {
        atomic_fetch_or(&server->signals, BIT(number));
        sshio_event_set(server->woken);
    }
    return NULL;
}

/* ---- what signals do ---- */

/* When the new configuration cannot be used, the old one goes on. False = neither of them listens. */
static bool reload(struct server *server)
{
    say("Received SIGHUP; restarting.");
    struct service *fresh = service_load(server);
    if (fresh == NULL) {
        say("The configuration stays what it was.");
        return true;
    }
    struct service *old = server->service;
    stop_listening(server);
    server->service = fresh;
    if (listen_on_all(server)) {
        service_unref(old);
        announce(server);
        return true;
    }
    say("The configuration stays what it was.");
    server->service = old;
    service_unref(fresh);
    return listen_on_all(server);
}

/* Returns how many are left. */
static size_t close_clients(struct server *server, bool also_let_in)
{
    struct client *next;
    size_t left = 0;

    for (struct client *client = server->clients; client != NULL; client = next) {
        next = client->next;
        if (client->let_in && !also_let_in)
            left++;
        else
            sshio_conn_close(client->conn);
    }
    return left;
}

static void drain(struct server *server)
{
    server->draining = true;
    stop_listening(server);
    size_t count = close_clients(server, false);
    if (count != 0)
        say("Received SIGTERM; %zu connections may finish, until the next one.", count);
    else
        say("Received signal 15; terminating.");
}

/* False = the server ends. */
static bool obey(struct server *server)
{
    unsigned int signals = atomic_exchange(&server->signals, 0);

    if ((signals & (BIT(SIGINT) | BIT(SIGQUIT))) != 0 || ((signals & BIT(SIGTERM)) != 0 && server->draining))
        return false;
    if ((signals & BIT(SIGTERM)) != 0)
        drain(server);
    else if ((signals & BIT(SIGHUP)) != 0 && !server->draining && !reload(server))
        return false;
    return true;
}

/* -d serves the first connection only. */
static bool is_done(struct server *server)
{
    if (server->settings.debug > 0 && server->had_client) {
        stop_listening(server);
        server->draining = true;
    }
    return server->draining && server->clients == NULL;
}

/* ---- the listening server ---- */

/* Tells the parent that we listen, and lets go of its terminal. */
static void leave_parent(const struct server *server, int ready)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        if (!server->settings.log_to_stderr)
            dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
    ssize_t written = write(ready, "", 1);
    (void)written; /* a parent that is gone does not matter */
    close(ready);
}

static bool write_pid_file(const char *name)
{
    FILE *file = name != NULL ? fopen(name, "we") : NULL;
    if (name == NULL)
        return true;
    bool ok = file != NULL && fprintf(file, "%ld\n", (long)getpid()) > 0;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        say("Couldn't create pid file \"%s\": %s", name, strerror(errno));
    return ok;
}

struct run {
    struct server *server;
    int ready;
};

static int run_listening(void *arg)
{
    const struct run *run = arg;
    struct server *server = run->server;

    if (!listen_on_all(server))
        return 1;
    char *pid_file = NULL;
    const char *name = options_text(server->service->config, "PidFile", NULL);
    if (name != NULL && server->settings.debug == 0 && write_pid_file(name))
        pid_file = strdup(name);
    if (run->ready >= 0)
        leave_parent(server, run->ready);
    if (server->settings.log_to_stderr == 0)
        talk_to_system_log(); /* until now somebody may have been looking on */
    announce(server);
    bool goes_on = true;
    while (goes_on && !is_done(server)) {
        int rc = sshio_event_wait(server->woken);
        sshio_event_clear(server->woken);
        goes_on = rc == 0 && obey(server);
    }
    stop_listening(server);
    close_clients(server, true);
    if (pid_file != NULL)
        unlink(pid_file);
    free(pid_file);
    return 0;
}

static bool prepare_server(struct server *server)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed || (server->penalties = penalties_new(seed)) == NULL) {
        say("cannot start: %s", strerror(errno));
        return false;
    }
    server->service = service_load(server);
    return server->service != NULL;
}

int serve_listening(struct server *server, int ready)
{
    struct run run = { server, ready };
    sigset_t set;
    pthread_t thread;
    int status = 1;

    fill_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (!prepare_server(server) || sshio_event_new(&server->woken) != 0)
        return 1;
    if (pthread_create(&thread, NULL, watch_signals, server) == 0) {
        status = sshio_main(run_listening, &run);
        atomic_fetch_or(&server->signals, THREAD_ENDS);
        pthread_kill(thread, SIGTERM);
        pthread_join(thread, NULL);
    }
    sshio_event_free(server->woken);
    server->woken = NULL;
    return status == 0 ? 0 : 1;
}

/* ---- one connection on stdin and stdout ---- */

struct pump {
    int from, to;
};

static bool write_all(int fd, const char *data, size_t len)
{
    while (len != 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Copies until the end, and passes it on. */
static void *copy(void *arg)
{
    struct pump pump = *(struct pump *)arg;
    char data[16384];
    ssize_t len;

    do
        len = read(pump.from, data, sizeof data);
    while ((len > 0 && write_all(pump.to, data, (size_t)len)) || (len < 0 && errno == EINTR));
    shutdown(pump.to, SHUT_WR);
    close(pump.to);
    return NULL;
}

/* Two pipes become one socket by two threads that copy. -1 = failed. */
static int join_pipes(struct pump *pumps, pthread_t *output)
{
    pthread_t input;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pumps[0] = (struct pump){ fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), fcntl(ends[1], F_DUPFD_CLOEXEC, 3) };
    pumps[1] = (struct pump){ ends[1], fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) };
    if (pthread_create(&input, NULL, copy, &pumps[0]) != 0 || pthread_create(output, NULL, copy, &pumps[1]) != 0)
        return -1;
    pthread_detach(input);
    return ends[0];
}

struct single {
    struct server *server;
    int sock;
};

static int run_single(void *arg)
{
    const struct single *single = arg;
    const sshio_source config = { .config = single->server->service->config };
    sshio_server_options arguments;
    sshio_conn *conn = NULL;

    fill_options(single->server->service, &config, &arguments);
    int rc = sshio_run_server(single->sock, &arguments, &conn);
    if (rc != 0)
        return 255;
    sshio_conn_wait_closed(conn);
    sshio_conn_unref(conn);
    return 0;
}

int serve_stdin(struct server *server)
{
    struct pump pumps[2];
    pthread_t output;
    int type;
    socklen_t size = sizeof type;
    bool is_socket = getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) == 0;

    if (!prepare_server(server))
        return 1;
    int sock = is_socket ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : join_pipes(pumps, &output);
    if (sock < 0) {
        say("no connection on stdin: %s", strerror(errno));
        return 1;
    }
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        close(nowhere);
    }
    struct single single = { server, sock };
    int status = sshio_main(run_single, &single);
    if (!is_socket)
        pthread_join(output, NULL);
    return status == 0 ? 0 : 255;
}
