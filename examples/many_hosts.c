/* Runs the same command on many hosts at once, each in a task of its own that reads like the program for one host.
 *
 *     many_hosts [port [user [key [known_hosts [host ...]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    const char *host;
    char text[200]; /* the first line of output, or what went wrong */
};

static int port = 22;
static const char *user = "guest";
static const char *key = "~/.ssh/id_ed25519";
static const char *known_hosts = "~/.ssh/known_hosts";

static int fetch(void *arg)
{
    struct job *job = (struct job *)arg;
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;

    int rc = sshio_connect(job->host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "uname -n", .check = true), &result);
    snprintf(job->text, sizeof job->text, "%s", rc == 0 ? result->out.data : sshio_error_message());
    sshio_result_free(result);
    sshio_conn_unref(conn);
    return rc;
}

struct jobs {
    struct job *items;
    int count;
};

static int fetch_all(void *arg)
{
    struct jobs *jobs = (struct jobs *)arg;
    sshio_task **tasks = (sshio_task **)calloc((size_t)jobs->count, sizeof *tasks);
    int failed = 0;

    if (tasks == NULL)
        return 1;
    for (int i = 0; i < jobs->count; i++)
        if (sshio_spawn(fetch, &jobs->items[i], &tasks[i]) != 0)
            snprintf(jobs->items[i].text, sizeof jobs->items[i].text, "%s", sshio_error_message());
    for (int i = 0; i < jobs->count; i++) {
        int rc = 1;
        if (tasks[i] != NULL)
            sshio_join(tasks[i], &rc);
        failed += rc != 0;
    }
    free(tasks);
    return failed;
}

int main(int argc, char **argv)
{
    char localhost[] = "localhost";
    char *default_hosts[] = { localhost, localhost, localhost, localhost, localhost };
    char **hosts = argc > 5 ? argv + 5 : default_hosts;
    struct jobs jobs = { NULL, argc > 5 ? argc - 5 : 5 };

    if (argc > 1)
        port = atoi(argv[1]);
    if (argc > 2)
        user = argv[2];
    if (argc > 3)
        key = argv[3];
    if (argc > 4)
        known_hosts = argv[4];
    jobs.items = (struct job *)calloc((size_t)jobs.count, sizeof *jobs.items);
    if (jobs.items == NULL)
        return 1;
    for (int i = 0; i < jobs.count; i++)
        jobs.items[i].host = hosts[i];
    int failed = sshio_main(fetch_all, &jobs);
    for (int i = 0; i < jobs.count; i++)
        printf("%d %s: %s\n", i + 1, jobs.items[i].host, jobs.items[i].text);
    free(jobs.items);
    return failed != 0;
}
