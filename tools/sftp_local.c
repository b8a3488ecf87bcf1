/* Commands of sftp that work on this side; see sftp.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sftp.h"
#include "talk.h"

int sftp_lcd(struct sftp *sftp, const struct call *call)
{
    const char *home = getenv("HOME");
    const char *path = call->operand_count > 0 ? call->operands[0].text : home != NULL ? home : "/";

    (void)sftp;
    if (chdir(path) == 0)
        return 0;
    say("Couldn't change local directory to \"%s\": %s", path, strerror(errno));
    return SSHIO_ESYSTEM;
}

int sftp_lmkdir(struct sftp *sftp, const struct call *call)
{
    (void)sftp;
    if (mkdir(call->operands[0].text, 0777) == 0)
        return 0;
    say("Couldn't create local directory \"%s\": %s", call->operands[0].text, strerror(errno));
    return SSHIO_ESYSTEM;
}

int sftp_lpwd(struct sftp *sftp, const struct call *call)
{
    char *path = getcwd(NULL, 0);

    (void)sftp, (void)call;
    if (path == NULL) {
        say("Couldn't get local cwd: %s", strerror(errno));
        return SSHIO_ESYSTEM;
    }
    printf("Local working directory: %s\n", path);
    free(path);
    return 0;
}

int sftp_lumask(struct sftp *sftp, const struct call *call)
{
    (void)sftp;
    umask(call->number & 0777);
    printf("Local umask: %03o\n", call->number & 0777);
    return 0;
}

int sftp_progress(struct sftp *sftp, const struct call *call)
{
    (void)call;
    sftp->meter.shown = !sftp->meter.shown;
    puts(sftp->meter.shown ? "Progress meter enabled" : "Progress meter disabled");
    return 0;
}

/* ---- the shell ---- */

/* How it ends is told, and stops no batch. */
static int run_shell(const char *command)
{
    const char *shell = getenv("SHELL");
    int status;

    if (shell == NULL || shell[0] == '\0')
        shell = "/bin/sh";
    char *const argv[] = { (char *)shell, command != NULL ? "-c" : NULL, (char *)command, NULL };
    int rc = child_run(argv, &status);
    if (rc != 0)
        return rc;
    if (!WIFEXITED(status))
        say("Shell exited abnormally");
    else if (WEXITSTATUS(status) != 0)
        say("Shell exited with status %d", WEXITSTATUS(status));
    return 0;
}

int sftp_shell(struct sftp *sftp, const struct call *call)
{
    (void)sftp;
    return run_shell(call->rest);
}

int sftp_lls(struct sftp *sftp, const struct call *call)
{
    char *command;

    (void)sftp;
    if (asprintf(&command, "ls %s", call->rest != NULL ? call->rest : "") < 0)
        return SSHIO_ENOMEM;
    int rc = run_shell(command);
    free(command);
    return rc;
}
