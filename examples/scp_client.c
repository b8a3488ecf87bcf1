/* Copies a file from or to another host with SCP, as scp does: hosts stand in front of paths, "host:path".
 *
 *     scp_client FROM TO [key [known_hosts]] */
#include <sshio.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *key = argc > 3 ? argv[3] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 4 ? argv[4] : "~/.ssh/known_hosts";

    if (argc < 3) {
        fprintf(stderr, "usage: scp_client FROM TO [key [known_hosts]]\n");
        return 2;
    }
    if (sshio_scp(argv[1], argv[2],
                  SSHIO_SCP(.connect = SSHIO_CLIENT(.client_keys = SSHIO_KEYS({ .file = key }),
                                                    .known_hosts = SSHIO_FILES(known_hosts)))) != 0)
        return sshio_report("SCP failed");
    return 0;
}
