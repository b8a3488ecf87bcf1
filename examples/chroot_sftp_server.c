/* An SFTP server that shows every user a directory of their own as the root.
 *
 *     chroot_sftp_server HOST PORT HOST_KEY AUTHORIZED_KEYS DIRECTORY          port 0: a free one
 *
 * A user's root is DIRECTORY/NAME, which is made when it is first needed. No path and no link leads out of it.
 * Try it with: sftp -P PORT NAME@HOST */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The name is the client's: it must not lead anywhere else. */
static int own_directory(sshio_chan *chan, sshio_request *req, void *user)
{
    const char *name = sshio_conn_username(sshio_chan_conn(chan)), *directory = (const char *)user;
    char root[1024];

    if (name[0] == '.' || name[0] == '\0' || strchr(name, '/') != NULL)
        return SSHIO_REFUSE;
    if ((size_t)snprintf(root, sizeof root, "%s/%s", directory, name) >= sizeof root)
        return SSHIO_REFUSE;
    mkdir(root, 0700);
    return sshio_answer_sftp_server(req, SSHIO_SFTP_SERVER(.chroot = root));
}

int main(int argc, char **argv)
{
    sshio_listener *server = NULL;

    if (argc != 6) {
        fprintf(stderr, "usage: chroot_sftp_server HOST PORT HOST_KEY AUTHORIZED_KEYS DIRECTORY\n");
        return 2;
    }
    if (sshio_listen(argv[1], atoi(argv[2]),
                     SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[3] }), .authorized_keys = SSHIO_FILES(argv[4]),
                                  .user = argv[5], .sftp_factory = own_directory),
                     &server) != 0)
        return sshio_report("Error starting server");
    printf("listening %d\n", sshio_listener_get_port(server));
    fflush(stdout);
    return sshio_run_forever();
}
