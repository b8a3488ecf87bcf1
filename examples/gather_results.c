/* Runs a command on many hosts at once, and prints what came of it when all have answered.
 *
 *     gather_results [port [user [key [known_hosts [host ...]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

#define HOSTS_MAX 100

struct job {
    const char *host;
    sshio_result *result; /* NULL: there is none, and this is why: */
    char problem[200];
};

static int port = 22;
static const char *user; /* NULL = the local user */
static const char *key = "~/.ssh/id_ed25519";
static const char *known_hosts = "~/.ssh/known_hosts";

/* Straight-line code; a task runs it for each host. */
static int run_client(void *arg)
{
    struct job *job = (struct job *)arg;
    sshio_conn *conn = NULL;

    int rc = sshio_connect(job->host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "ls abc"), &job->result);
    if (rc != 0)
        snprintf(job->problem, sizeof job->problem, "%s", sshio_error_message());
    sshio_conn_unref(conn);
    return rc;
}

static void print_job(int number, const struct job *job)
{
    const sshio_result *result = job->result;

    printf("Task %d to host %s ", number, job->host);
    if (result == NULL)
        printf("failed: %s\n", job->problem);
    else if (result->exit_status != 0)
        printf("exited with status %d:\n%s", result->exit_status, result->err.data);
    else
        printf("succeeded:\n%s", result->out.data);
    puts("---------------------------------------------------------------------------");
}

int main(int argc, char **argv)
{
    static struct job jobs[HOSTS_MAX];
    int count = argc > 5 ? argc - 5 : 5;

    if (argc > 1)
        port = atoi(argv[1]);
    if (argc > 2)
        user = argv[2];
    if (argc > 3)
        key = argv[3];
    if (argc > 4)
        known_hosts = argv[4];
    if (count > HOSTS_MAX)
        count = HOSTS_MAX;
    for (int i = 0; i < count; i++)
        jobs[i].host = argc > 5 ? argv[5 + i] : "localhost";

    int failed = sshio_gather(run_client, jobs, (size_t)count, sizeof jobs[0]);
    for (int i = 0; i < count; i++) {
        print_job(i + 1, &jobs[i]);
        sshio_result_free(jobs[i].result);
    }
    return failed != 0;
}
