/* A tour of the library with nothing prepared: a server with a fresh host key on a loopback port, and a client of it in the same process.
 * The client runs a command, holds a conversation line by line, and streams a gibibyte each way. Where ssh is installed, it logs in too:
 * the two files it needs lie in a temporary directory that is removed at the end.
 *
 *     demo [MEBIBYTES] */
#include <sshio.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST "127.0.0.1"
#define USER "demo"
#define PIECE ((size_t)128 << 10)

extern char **environ;

struct demo {
    uint64_t bulk_len;
    sshio_key *host_key, *user_key;
    sshio_listener *listener;
    sshio_conn *conn;
    int port;
    char directory[64];                 /* for ssh; empty = none was made */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the server: what its commands do ---- */

static int write_zeros(sshio_writer *out, uint64_t left)
{
    static const char block[PIECE];
    int rc = 0;

    while (rc == 0 && left > 0) {
        size_t len = left < sizeof block ? (size_t)left : sizeof block;
        rc = sshio_write(out, block, len);
        if (rc == 0)
            rc = sshio_drain(out);
        left -= len;
    }
    return rc;
}

static int count_bytes(sshio_reader *in, uint64_t *total)
{
    char *buffer = malloc(PIECE);       /* not on the stack: those of tasks are small */
    size_t got;
    int rc = buffer != NULL ? 0 : SSHIO_ENOMEM;

    *total = 0;
    while (rc == 0 && (rc = sshio_read(in, buffer, PIECE, &got)) == 0)
        *total += got;
    free(buffer);
    return rc == SSHIO_EEOF ? 0 : rc;
}

static void serve_hello(sshio_process *process, const char *argument)
{
    (void)argument;
    sshio_printf(sshio_process_stdout(process), "Hello %s, you are welcome.\n", sshio_conn_username(sshio_process_conn(process)));
    sshio_puts(sshio_process_stderr(process), "(This line went to stderr.)\n");
    sshio_process_exit(process, 3);
}

static void serve_adder(sshio_process *process, const char *argument)
{
    long total = 0;
    char *line;
    size_t len;

    (void)argument;
    while (sshio_readline(sshio_process_stdin(process), &line, &len) == 0) {
        total += strtol(line, NULL, 10);
        sshio_printf(sshio_process_stdout(process), "the sum is now %ld\n", total);
    }
    sshio_process_exit(process, 0);
}

static void serve_source(sshio_process *process, const char *argument)
{
    int rc = write_zeros(sshio_process_stdout(process), strtoull(argument, NULL, 10));
    sshio_process_exit(process, rc == 0 ? 0 : 1);
}

static void serve_sink(sshio_process *process, const char *argument)
{
    uint64_t total;

    (void)argument;
    int rc = count_bytes(sshio_process_stdin(process), &total);
    sshio_printf(sshio_process_stdout(process), "%llu", (unsigned long long)total);
    sshio_process_exit(process, rc == 0 ? 0 : 1);
}

static const struct {
    const char *name;
    void (*serve)(sshio_process *process, const char *argument);
} commands[] = {
    { "hello", serve_hello },
    { "adder", serve_adder },
    { "source", serve_source },
    { "sink", serve_sink },
};

/* Each session runs this in a task of its own. */
static void handle_process(sshio_process *process, void *user)
{
    const char *command = sshio_process_command(process);

    (void)user;
    for (size_t i = 0; command != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        size_t len = strlen(commands[i].name);
        if (strncmp(command, commands[i].name, len) == 0 && (command[len] == '\0' || command[len] == ' ')) {
            commands[i].serve(process, command + len);
            return;
        }
    }
    sshio_puts(sshio_process_stderr(process), "The commands are hello, adder, source and sink.\n");
    sshio_process_exit(process, 127);
}

/* The one key that may log in is the client's. */
static int start_server(struct demo *demo)
{
    sshio_bytes authorized = { NULL, 0 };
    int rc = sshio_generate_private_key("ssh-ed25519", NULL, &demo->host_key);

    if (rc == 0)
        rc = sshio_generate_private_key("ssh-ed25519", NULL, &demo->user_key);
    if (rc == 0)
        rc = sshio_key_export_public_key(demo->user_key, SSHIO_FORMAT_OPENSSH, &authorized);
    if (rc == 0)
        rc = sshio_listen(HOST, 0, SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .key = demo->host_key }),
                                                .authorized_keys = SSHIO_SOURCE(.data = { authorized.data, authorized.len }),
                                                .process_handler = handle_process), &demo->listener);
    if (rc == 0) {
        demo->port = sshio_listener_get_port(demo->listener);
        printf("Server: a fresh host key, listening on %s port %d.\n", HOST, demo->port);
    }
    sshio_bytes_free(&authorized);
    return rc;
}

/* ---- the client ---- */

/* A line of known_hosts for the server; to be freed with sshio_free of the text inside. */
static int format_known_host(const struct demo *demo, char **line)
{
    sshio_bytes key = { NULL, 0 };
    int rc = sshio_key_export_public_key(demo->host_key, SSHIO_FORMAT_OPENSSH, &key);

    if (rc == 0) {
        size_t size = key.len + 64;
        *line = malloc(size);
        if (*line == NULL)
            rc = sshio_raise(SSHIO_ENOMEM, "out of memory");
        else
            snprintf(*line, size, "[%s]:%d %s", HOST, demo->port, key.data);
    }
    sshio_bytes_free(&key);
    return rc;
}

static void show_connection(const sshio_conn *conn)
{
    static const char *const names[] = { "kex_alg", "host_key_alg", "send_cipher", "recv_cipher", "server_version", "strict_kex" };

    puts("Client: logged in; the host key is the one expected. Negotiated:");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        printf("    %-16s %s\n", names[i], sshio_conn_get_extra_info(conn, names[i], "-"));
}

static int start_client(struct demo *demo)
{
    char *known = NULL;
    int rc = format_known_host(demo, &known);

    if (rc == 0)
        rc = sshio_connect(HOST, SSHIO_CLIENT(.username = USER, .port = demo->port,
                                              .client_keys = SSHIO_KEYS({ .key = demo->user_key }),
                                              .known_hosts = SSHIO_SOURCE(.data = SSHIO_TEXT(known))), &demo->conn);
    if (rc == 0)
        show_connection(demo->conn);
    free(known);
    return rc;
}

static int run_hello(struct demo *demo)
{
    sshio_result *result = NULL;
    int rc = sshio_run(demo->conn, SSHIO_SESSION(.command = "hello"), &result);

    if (rc == 0)
        printf("\nA command: \"hello\" ended with status %d\n    stdout: %s    stderr: %s", result->exit_status, result->out.data,
               result->err.data);
    sshio_result_free(result);
    return rc;
}

static int ask(sshio_client_process *process, const char *number)
{
    char *line;
    size_t len;
    int rc = sshio_printf(sshio_client_process_stdin(process), "%s\n", number);

    if (rc == 0)
        rc = sshio_readline(sshio_client_process_stdout(process), &line, &len);
    if (rc == 0)
        printf("    > %-4s < %s", number, line);
    return rc;
}

static int hold_conversation(struct demo *demo)
{
    static const char *const numbers[] = { "12", "30", "-7" };
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    int rc = sshio_create_process(demo->conn, SSHIO_SESSION(.command = "adder"), &process);

    puts("\nA conversation with \"adder\":");
    for (size_t i = 0; rc == 0 && i < sizeof numbers / sizeof numbers[0]; i++)
        rc = ask(process, numbers[i]);
    if (rc == 0)
        rc = sshio_write_eof(sshio_client_process_stdin(process));
    if (rc == 0)
        rc = sshio_client_process_wait(process, true, 0, &result);
    sshio_result_free(result);
    sshio_client_process_unref(process);
    return rc;
}

/* ---- bulk ---- */

static void print_rate(const char *what, uint64_t bytes, double seconds)
{
    printf("    %s %llu MiB in %.2f s: %.0f MB/s\n", what, (unsigned long long)(bytes >> 20), seconds, (double)bytes / seconds / 1e6);
}

static int get_bulk(struct demo *demo)
{
    sshio_client_process *process = NULL;
    char command[64];
    uint64_t total = 0;
    double start = now();

    snprintf(command, sizeof command, "source %llu", (unsigned long long)demo->bulk_len);
    int rc = sshio_create_process(demo->conn, SSHIO_SESSION(.command = command), &process);
    if (rc == 0)
        rc = count_bytes(sshio_client_process_stdout(process), &total);
    if (rc == 0 && total != demo->bulk_len)
        rc = sshio_raise(SSHIO_EEOF, "%llu bytes came instead of %llu", (unsigned long long)total, (unsigned long long)demo->bulk_len);
    if (rc == 0)
        print_rate("got ", total, now() - start);
    sshio_client_process_unref(process);
    return rc;
}

static int put_bulk(struct demo *demo)
{
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    double start = now();
    int rc = sshio_create_process(demo->conn, SSHIO_SESSION(.command = "sink"), &process);

    if (rc == 0)
        rc = write_zeros(sshio_client_process_stdin(process), demo->bulk_len);
    if (rc == 0)
        rc = sshio_write_eof(sshio_client_process_stdin(process));
    if (rc == 0)
        rc = sshio_client_process_wait(process, true, 0, &result);
    if (rc == 0 && strtoull(result->out.data, NULL, 10) != demo->bulk_len)
        rc = sshio_raise(SSHIO_EEOF, "the server counted %s bytes", result->out.data);
    if (rc == 0)
        print_rate("sent", demo->bulk_len, now() - start);
    sshio_result_free(result);
    sshio_client_process_unref(process);
    return rc;
}

static int stream_bulk(struct demo *demo)
{
    puts("\nBulk, client and server in one thread:");
    int rc = get_bulk(demo);
    return rc == 0 ? put_bulk(demo) : rc;
}

/* ---- a login by ssh ---- */

static int write_known_hosts(const struct demo *demo, const char *path)
{
    char *line = NULL;
    int rc = format_known_host(demo, &line);
    FILE *file = rc == 0 ? fopen(path, "w") : NULL;

    if (rc == 0 && (file == NULL || fputs(line, file) < 0 || fclose(file) != 0))
        rc = sshio_raise_errno(errno, "%s: %s", path, strerror(errno));
    free(line);
    return rc;
}

/* Runs on a worker thread, so that the server can answer meanwhile. The child's status, or -1 when it could not be started. */
static int run_child(void *arg)
{
    char **argv = arg;
    pid_t child;
    int status;

    if (posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int login_by_ssh(struct demo *demo)
{
    char key[96], known_hosts[96], known_option[128], port[16];
    char *argv[] = { "ssh", "-F", "none", "-o", known_option, "-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
                     "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-i", key, "-p", port, USER "@" HOST, "hello", NULL };

    snprintf(key, sizeof key, "%s/id", demo->directory);
    snprintf(known_hosts, sizeof known_hosts, "%s/known_hosts", demo->directory);
    snprintf(known_option, sizeof known_option, "UserKnownHostsFile=%s", known_hosts);
    snprintf(port, sizeof port, "%d", demo->port);
    int rc = sshio_key_write_private_key(demo->user_key, key, NULL);
    if (rc == 0)
        rc = write_known_hosts(demo, known_hosts);
    if (rc == 0) {
        puts("\nThe same command by ssh:");
        fflush(stdout);
        int status = sshio_offload(run_child, argv);
        if (status == -1 || status == 127)
            puts("    (ssh is not installed)");
        else if (status != 3)
            rc = sshio_raise(SSHIO_EPROCESS, "ssh ended with status %d", status);
        else
            puts("    ssh ended with status 3");
    }
    unlink(key);
    unlink(known_hosts);
    return rc;
}

static int try_ssh(struct demo *demo)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL || strlen(parent) > 40)
        parent = "/tmp";
    snprintf(demo->directory, sizeof demo->directory, "%s/sshio-demo-XXXXXX", parent);
    if (mkdtemp(demo->directory) == NULL)
        return sshio_raise_errno(errno, "%s: %s", demo->directory, strerror(errno));
    int rc = login_by_ssh(demo);
    rmdir(demo->directory);
    return rc;
}

/* ---- all of it ---- */

static int run(void *arg)
{
    static int (*const steps[])(struct demo *) = {
        start_server, start_client, run_hello, hold_conversation, stream_bulk, try_ssh,
    };
    struct demo *demo = arg;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++) {
        rc = steps[i](demo);
        fflush(stdout);
    }
    if (rc != 0)
        sshio_report("demo");
    sshio_conn_unref(demo->conn);
    if (demo->listener != NULL)
        sshio_listener_close(demo->listener);
    sshio_listener_unref(demo->listener);
    sshio_key_unref(demo->user_key);
    sshio_key_unref(demo->host_key);
    return rc;
}

int main(int argc, char **argv)
{
    uint64_t mebibytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 1024;
    struct demo demo = { .bulk_len = mebibytes << 20 };

    signal(SIGPIPE, SIG_IGN);
    if (sshio_main(run, &demo) != 0)
        return 1;
    puts("\nDone.");
    return 0;
}
