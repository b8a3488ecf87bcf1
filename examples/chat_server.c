/* A chat room: what one client types, all others see. A client is an object on the stack of its task, in a list.
 *
 *     chat_server [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNREAD_MAX 65536 /* bytes that wait for a client before it is passed over */

struct client {
    struct client *next;
    sshio_process *process;
    char name[64];
};

static struct client *clients;
static int client_count;

static bool is_listening(const struct client *client)
{
    return sshio_chan_get_write_buffer_size(sshio_process_channel(client->process)) < UNREAD_MAX;
}

static void broadcast(const struct client *from, const char *before, const char *text, const char *after)
{
    for (struct client *to = clients; to != NULL; to = to->next)
        if (to != from && is_listening(to))
            sshio_printf(sshio_process_stdout(to->process), "%s%s%s%s", before, from->name, text, after);
}

static void join_chat(struct client *self)
{
    self->next = clients;
    clients = self;
    client_count++;
    broadcast(self, "*** ", " has entered chat", " ***\n");
}

static void leave_chat(const struct client *self)
{
    struct client **link = &clients;

    broadcast(self, "*** ", " has left chat", " ***\n");
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    client_count--;
}

static void handle_client(sshio_process *process, void *user)
{
    struct client self = { NULL, process, "" };
    sshio_reader *in = sshio_process_stdin(process);
    sshio_writer *out = sshio_process_stdout(process);
    char *line;
    size_t len;

    (void)user;
    sshio_puts(out, "Welcome to chat!\n\nEnter your name: ");
    if (sshio_readline(in, &line, &len) != 0)
        return;
    snprintf(self.name, sizeof self.name, "%.*s", (int)strcspn(line, "\r\n"), line);
    sshio_printf(out, "\n%d other users are connected.\n\n", client_count);

    join_chat(&self);
    while (sshio_readline(in, &line, &len) == 0)
        broadcast(&self, "", ": ", line);
    leave_chat(&self);
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 8022;
    const char *host_key = argc > 3 ? argv[3] : "ssh_host_key";
    const char *authorized_keys = argc > 4 ? argv[4] : "authorized_keys";
    sshio_listener *server = NULL;

    if (sshio_listen(host, port,
                     SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = host_key }),
                                  .authorized_keys = SSHIO_FILES(authorized_keys), .process_handler = handle_client),
                     &server) != 0)
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
