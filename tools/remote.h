/* Hosts that sftp and scp work on: a connection as ssh makes it, with SFTP on it. */
#ifndef SSHIO_TOOLS_REMOTE_H
#define SSHIO_TOOLS_REMOTE_H

#include "program.h"
#include "ssh.h"

struct remote_settings { /* what the options say, of every host */
    struct config_lines lines;
    const char *config_file;
    int verbose;
    struct program_settings program;
};

struct destination { /* texts that are NULL were not given; all are cut out of one */
    char *text;
    const char *user, *host, *port, *path;
};

struct remote {
    struct login login;
    sshio_conn *conn; /* NULL = there is none, or another program has it */
    sshio_sftp *sftp;
    /* another program */
    const struct program_settings *program;
    const struct destination *destination;
    pid_t *children; /* that were not reaped yet */
    size_t child_count;
    bool child_failed;
};

/* "[user@]host[:path]", brackets around an address; or "scheme://[user@]host[:port][/path]". False: no host is in it,
 * which was said, or out of memory; destination is to be emptied all the same. */
bool destination_parse(const char *text, const char *scheme, struct destination *destination);
void destination_done(struct destination *destination);

/* Logs in; what fails is said as ssh says it. False = failed. */
bool remote_connect(struct remote *remote, const struct remote_settings *settings, const struct account *account,
                    const struct destination *destination);
bool remote_is_connected(const struct remote *remote);
bool remote_start_sftp(struct remote *remote, const char *subsystem); /* likewise */
/* Starts scp over there, for the protocol of old; as .start of an sshio_scp_path, whose user is the remote. */
int remote_start_scp(const char *command, int *in, int *out, void *user);
/* Waits for what other programs were started. False = one of them failed. */
bool remote_done(struct remote *remote);

/* What a failed call says: of the other side the sentences that OpenSSH has for its codes. */
const char *remote_reason(void);
/* The session is over, and no command will work any more. */
bool remote_is_lost(int rc);

#endif
