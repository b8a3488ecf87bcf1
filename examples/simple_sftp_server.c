/* An SFTP server: whoever has one of the authorized keys gets at the files of this account.
 *
 *     simple_sftp_server HOST PORT HOST_KEY AUTHORIZED_KEYS          port 0: a free one
 *
 * Try it with: sftp -P PORT HOST */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    sshio_listener *server = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: simple_sftp_server HOST PORT HOST_KEY AUTHORIZED_KEYS\n");
        return 2;
    }
    if (sshio_listen(argv[1], atoi(argv[2]),
                     SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[3] }), .authorized_keys = SSHIO_FILES(argv[4]),
                                  .sftp_server = SSHIO_SFTP_SERVER()),
                     &server) != 0)
        return sshio_report("Error starting server");
    printf("listening %d\n", sshio_listener_get_port(server));
    fflush(stdout);
    return sshio_run_forever();
}
