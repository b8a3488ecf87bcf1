/* A server that shows its clients what their terminals are like, and follows when a window is resized.
 *
 *     show_terminal [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL_C '\x03'
#define CTRL_D '\x04'

static void show_size(sshio_writer *out, const char *what, sshio_term_size size)
{
    sshio_printf(out, "%s: %dx%d", what, size.width, size.height);
    if (size.pixwidth != 0 && size.pixheight != 0)
        sshio_printf(out, " (%dx%d pixels)", size.pixwidth, size.pixheight);
    sshio_puts(out, "\r\n"); /* the client's terminal is raw */
}

static void handle_client(sshio_process *process, void *user)
{
    sshio_reader *in = sshio_process_stdin(process);
    sshio_writer *out = sshio_process_stdout(process);
    const char *type = sshio_process_term_type(process);
    char keys[64];
    size_t len = 0;
    int rc;

    (void)user;
    sshio_printf(out, "Terminal type: %s\r\n", type != NULL ? type : "none");
    show_size(out, "Window size", sshio_process_term_size(process));
    sshio_puts(out, "Try resizing your window! Ctrl-C ends it.\r\n");

    /* What happens beside the data comes at its place among them, as errors of reading. */
    while ((rc = sshio_read(in, keys, sizeof keys, &len)) == 0 || sshio_error_is(rc, SSHIO_E_IN_BAND)) {
        if (rc == SSHIO_ETERMINAL_SIZE_CHANGED)
            show_size(out, "New window size", sshio_error_last()->term_size);
        else if (rc == 0 && (memchr(keys, CTRL_C, len) != NULL || memchr(keys, CTRL_D, len) != NULL))
            break;
    }
    sshio_process_exit(process, 0);
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
