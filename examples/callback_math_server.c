/* The math server with handlers: no tasks, and what belongs to a session hangs on its channel.
 *
 *     callback_math_server [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

struct sum {
    char line[256];
    size_t len;
    long total;
};

static void connection_made(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_set_user(chan, calloc(1, sizeof(struct sum))); /* all other handlers get it */
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan;
    (void)error;
    free(user);
}

static int shell_requested(sshio_chan *chan, void *user)
{
    (void)chan;
    return user != NULL;
}

static void session_started(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_puts(chan, "Enter numbers one per line, or EOF when done:\n");
}

static void add_line(sshio_chan *chan, struct sum *sum)
{
    char *end, message[300];

    sum->line[sum->len] = '\0';
    sum->len = 0;
    long number = strtol(sum->line, &end, 10);
    if (end != sum->line && *end == '\0') {
        sum->total += number;
    } else {
        int len = snprintf(message, sizeof message, "Invalid number: %s\n", sum->line);
        sshio_chan_write_stderr(chan, message, (size_t)len);
    }
}

/* What arrives may be half a line, or many. */
static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct sum *sum = (struct sum *)user;
    const char *text = (const char *)data;

    (void)datatype;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            add_line(chan, sum);
        else if (sum->len < sizeof sum->line - 1)
            sum->line[sum->len++] = text[i];
    }
}

static int eof_received(sshio_chan *chan, void *user)
{
    sshio_chan_printf(chan, "Total = %ld\n", ((struct sum *)user)->total);
    sshio_chan_exit(chan, 0);
    return 0;
}

static int break_received(sshio_chan *chan, int msec, void *user)
{
    (void)msec;
    return eof_received(chan, user);
}

static const sshio_session_handlers math = {
    .connection_made = connection_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
    .shell_requested = shell_requested,
    .break_received = break_received,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn;
    (void)user;
    return sshio_accept_session(req, &math, NULL, NULL);
}

static const sshio_server_handlers handlers = { .session_requested = session_requested };

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 8022;
    const char *host_key = argc > 3 ? argv[3] : "ssh_host_key";
    const char *authorized_keys = argc > 4 ? argv[4] : "authorized_keys";
    sshio_listener *server = NULL;

    if (sshio_create_server(&handlers, NULL, host, port,
                            SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = host_key }),
                                         .authorized_keys = SSHIO_FILES(authorized_keys)),
                            &server) != 0)
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
