/* Opens many sessions on one connection, all before the first one is written to, and expects from each its own line
 * back.
 *
 *     many_channels PORT USER IDENTITY KNOWN_HOSTS COUNT
 *
 * Each session is a task of its own that runs `cat`; prints "sessions COUNT". */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

struct crowd {
    sshio_conn *conn;
    sshio_event *all_open;
    size_t count, open;
};

struct member {
    struct crowd *crowd;
    size_t number;
};

static int expect_line(sshio_client_process *process, const char *expected)
{
    sshio_result *result = NULL;
    int rc = sshio_client_process_wait(process, true, 0, &result);

    if (rc == 0 && (result->out.len != strlen(expected) || memcmp(result->out.data, expected, result->out.len) != 0))
        rc = sshio_raise(SSHIO_EPROCESS, "expected %sgot \"%.*s\"", expected, (int)result->out.len, result->out.data);
    sshio_result_free(result);
    return rc;
}

static int talk(struct member *member, sshio_client_process *process)
{
    struct crowd *crowd = member->crowd;
    char line[32];

    if (++crowd->open == crowd->count)
        sshio_event_set(crowd->all_open);
    int rc = sshio_event_wait(crowd->all_open);
    if (rc != 0)
        return rc;
    snprintf(line, sizeof line, "line %zu\n", member->number);
    rc = sshio_puts(sshio_client_process_stdin(process), line);
    if (rc == 0)
        rc = sshio_write_eof(sshio_client_process_stdin(process));
    return rc == 0 ? expect_line(process, line) : rc;
}

static int run_member(void *arg)
{
    struct member *member = arg;
    sshio_client_process *process = NULL;
    int rc = sshio_create_process(member->crowd->conn, SSHIO_SESSION(.command = "cat"), &process);

    if (rc == 0)
        rc = talk(member, process);
    if (rc != 0)
        sshio_report("session");
    sshio_client_process_unref(process);
    return rc;
}

static int run_crowd(struct crowd *crowd)
{
    struct member *members = calloc(crowd->count, sizeof *members);

    if (members == NULL)
        return SSHIO_ENOMEM;
    for (size_t i = 0; i < crowd->count; i++)
        members[i] = (struct member){ crowd, i };
    int rc = sshio_gather(run_member, members, crowd->count, sizeof *members);
    free(members);
    if (rc == 0)
        printf("sessions %zu\n", crowd->count);
    return rc;
}

static int run(void *arg)
{
    char **argv = arg;
    struct crowd crowd = { .count = strtoul(argv[5], NULL, 10) };
    int rc = sshio_event_new(&crowd.all_open);

    if (rc == 0)
        rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2],
                                        .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                                        .known_hosts = SSHIO_FILES(argv[4])),
                           &crowd.conn);
    if (rc == 0)
        rc = run_crowd(&crowd);
    else
        sshio_report("connect");
    sshio_conn_unref(crowd.conn);
    sshio_event_free(crowd.all_open);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    return sshio_main(run, argv) == 0 ? 0 : 1;
}
