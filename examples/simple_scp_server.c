/* An SFTP server that speaks SCP as well: whoever has one of the authorized keys gets at the files of this account.
 *
 *     simple_scp_server HOST PORT HOST_KEY AUTHORIZED_KEYS          port 0: a free one
 *
 * Try it with: scp -O -P PORT FILE HOST: */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    sshio_listener *server = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: simple_scp_server HOST PORT HOST_KEY AUTHORIZED_KEYS\n");
        return 2;
    }
    if (sshio_listen(argv[1], atoi(argv[2]),
                     SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[3] }), .authorized_keys = SSHIO_FILES(argv[4]),
                                  .sftp_server = SSHIO_SFTP_SERVER(), .allow_scp = SSHIO_YES),
                     &server) != 0)
        return sshio_report("Error starting server");
    printf("listening %d\n", sshio_listener_get_port(server));
    fflush(stdout);
    return sshio_run_forever();
}
