/* See scenes.h. */
#include "session/scenes.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "session/auth_site.h"

/* ---- the server ---- */

static sshio_process_fn run_program;
int scenes_port;

static void answer_lines(sshio_reader *reader, sshio_writer *writer, void *user)
{
    char *line;
    size_t len;
    (void)user;
    while (sshio_readline(reader, &line, &len) == 0 && sshio_write(writer, line, len) == 0)
        if (sshio_drain(writer) != 0)
            return;
}

static int go_there(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                    sshio_request *req, void *user)
{
    (void)conn, (void)dest_port, (void)orig_host, (void)orig_port, (void)user;
    int rc = sshio_sleep(0.001);
    if (rc != 0)
        return rc;
    if (strcmp(dest_host, "forbidden") == 0)
        return SSHIO_REFUSE;
    if (strcmp(dest_host, "lines") == 0)
        return sshio_accept_streams(req, answer_lines, NULL, NULL);
    return sshio_accept_forward_connection(req, "127.0.0.1", scenes_port);
}

/* Another host, in the client's place. */
static void run_elsewhere(sshio_process *p)
{
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.username = "open", .port = scenes_port, .known_hosts = SSHIO_NONE), &conn);
    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "both"), &result);
    if (rc == 0)
        sshio_write(sshio_process_stdout(p), result->out.data, result->out.len);
    sshio_process_exit(p, rc == 0 ? 0 : 1);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void exec_or_run(sshio_process *p, void *user)
{
    const char *command = sshio_process_command(p);
    if (command != NULL && strncmp(command, "exec ", 5) == 0) {
        const char *argv[] = { "/bin/sh", "-c", command + 5, NULL };
        if (sshio_process_exec(p, SSHIO_EXEC(.argv = argv)) != 0)
            sshio_process_exit(p, 126);
    } else if (command != NULL && strcmp(command, "from a file") == 0) {
        sshio_process_redirect(p, SSHIO_REDIRECT(.in = SSHIO_DEVNULL, .out = SSHIO_FILE("/etc/passwd")));
        sshio_drain(sshio_process_stdout(p)); /* which is until it has all been sent */
    } else if (command != NULL && strcmp(command, "elsewhere") == 0) {
        run_elsewhere(p);
    } else {
        run_program(p, user);
    }
}

static int accept_slowly(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return sshio_sleep(0.001);
}

void scenes_prepare(struct loopback *l)
{
    static sshio_server_handlers handlers;
    prepare_auth(l);
    handlers = all_methods;
    handlers.connection_requested = go_there;
    l->server_options.handlers = &handlers;
    l->server_options.acceptor = accept_slowly;
    run_program = l->server_options.process_handler;
    l->server_options.process_handler = exec_or_run;
}

int scenes_relay(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    char buffer[16384];
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(sock, (struct sockaddr *)&address, sizeof address) != 0)
        return 1;
    struct pollfd ends[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = sock, .events = POLLIN } };
    while (poll(ends, 2, -1) > 0)
        for (int i = 0; i < 2; i++) {
            if (ends[i].revents == 0)
                continue;
            ssize_t got = read(ends[i].fd, buffer, sizeof buffer);
            if (got <= 0 || write(i == 0 ? sock : STDOUT_FILENO, buffer, (size_t)got) != got)
                return 0;
        }
    return 1;
}

/* ---- the client ---- */

static int trust(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key, void *user)
{
    (void)conn, (void)host, (void)addr, (void)port, (void)key, (void)user;
    int rc = sshio_sleep(0.001);
    return rc != 0 ? rc : SSHIO_ACCEPT;
}

sshio_client_options scenes_client(struct loopback *l)
{
    static const sshio_client_handlers handlers = { .validate_host_public_key = trust };
    static const sshio_source nothing_known = { .data = { "# none\n", 7 } };
    sshio_client_options options = client_options(l);
    options.username = "open";
    options.known_hosts = &nothing_known;
    options.handlers = &handlers;
    scenes_port = l->port;
    return options;
}

/* ---- playing ---- */

const struct scene *scene_at(size_t number)
{
    static const struct scene *const tables[] = { connecting_scenes, session_scenes };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct scene *scene = tables[i]; scene->name != NULL; scene++)
            if (number-- == 0)
                return scene;
    return NULL;
}

int scene_failed(int rc, int expected)
{
    if (rc == 0)
        return sshio_raise(SSHIO_EINVAL, "no %s came", sshio_error_name(expected));
    return rc == expected ? 0 : rc;
}

static int play_on_connection(const struct scene *scene, struct loopback *l)
{
    sshio_client_options options = scenes_client(l);
    sshio_conn *conn = NULL;
    int rc = sshio_connect("127.0.0.1", &options, &conn);
    scene_begins();
    if (rc == 0)
        rc = scene->on_connection(conn);
    sshio_conn_unref(conn);
    return rc;
}

int scene_play(const struct scene *scene, struct loopback *l)
{
    return scene->play != NULL ? scene->play(l) : play_on_connection(scene, l);
}
