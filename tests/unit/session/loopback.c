/* The test server: see loopback.h. Its programs:
 *     echo         what comes is sent back until EOF
 *     upper-lines  a conversation: a greeting, then each line in capitals; "bye" ends it
 *     both         "out" to stdout, "err" to stderr, exit status 3
 *     source N     N bytes of a pattern
 *     sink         reads to EOF and says how much and which sum
 *     signal       ends by signal TERM
 *     silent       waits for EOF without a word
 *     env NAME     the value of a variable
 *     no-status    closes without an exit status */
#include "session/run.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIECE (64 * 1024)

static uint32_t checksum(uint32_t sum, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + data[i];
    return sum;
}

static void program_echo(sshio_process *p)
{
    char buffer[4096];
    size_t got;
    while (sshio_read(sshio_process_stdin(p), buffer, sizeof buffer, &got) == 0)
        if (sshio_write(sshio_process_stdout(p), buffer, got) != 0 || sshio_drain(sshio_process_stdout(p)) != 0)
            return;
}

static void program_upper_lines(sshio_process *p)
{
    char *line;
    size_t len;
    sshio_puts(sshio_process_stdout(p), "hello\n");
    while (sshio_readline(sshio_process_stdin(p), &line, &len) == 0 && strcmp(line, "bye\n") != 0) {
        for (size_t i = 0; i < len; i++)
            line[i] = (char)toupper((unsigned char)line[i]);
        sshio_write(sshio_process_stdout(p), line, len);
    }
}

static void program_source(sshio_process *p, size_t count)
{
    unsigned char piece[4096];
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (unsigned char)(i * 7);
    while (count > 0) {
        size_t len = count < sizeof piece ? count : sizeof piece;
        if (sshio_write(sshio_process_stdout(p), piece, len) != 0 || sshio_drain(sshio_process_stdout(p)) != 0)
            return;
        count -= len;
    }
}

static void program_sink(sshio_process *p)
{
    unsigned char *buffer = malloc(PIECE);
    size_t got, total = 0;
    uint32_t sum = 0;
    while (sshio_read(sshio_process_stdin(p), buffer, PIECE, &got) == 0) {
        sum = checksum(sum, buffer, got);
        total += got;
    }
    free(buffer);
    sshio_printf(sshio_process_stdout(p), "%zu %u\n", total, (unsigned)sum);
}

static void program_signal(sshio_process *p)
{
    sshio_exit_signal signal = { .name = "TERM", .core_dumped = true, .msg = "ended", .lang = "" };
    sshio_process_exit_with_signal(p, &signal);
}

static void program_silent(sshio_process *p)
{
    char byte;
    size_t got;
    while (sshio_read(sshio_process_stdin(p), &byte, 1, &got) == 0)
        continue;
}

static void run_program(sshio_process *p, void *user)
{
    const char *command = sshio_process_command(p);
    (void)user;
    if (command == NULL || strcmp(command, "upper-lines") == 0) {
        program_upper_lines(p);
    } else if (strcmp(command, "echo") == 0) {
        program_echo(p);
    } else if (strcmp(command, "both") == 0) {
        sshio_puts(sshio_process_stdout(p), "out");
        sshio_puts(sshio_process_stderr(p), "err");
        sshio_process_exit(p, 3);
    } else if (strncmp(command, "source ", 7) == 0) {
        program_source(p, strtoul(command + 7, NULL, 10));
    } else if (strcmp(command, "sink") == 0) {
        program_sink(p);
    } else if (strcmp(command, "signal") == 0) {
        program_signal(p);
    } else if (strcmp(command, "silent") == 0) {
        program_silent(p);
    } else if (strncmp(command, "env ", 4) == 0) {
        const char *value = sshio_process_getenv(p, command + 4);
        sshio_puts(sshio_process_stdout(p), value != NULL ? value : "(unset)");
    } else if (strcmp(command, "no-status") == 0) {
        sshio_process_close(p);
    } else {
        sshio_process_exit(p, 127);
    }
}

static void generate(sshio_key **key)
{
    assert_int_equal(sshio_generate_private_key("ssh-ed25519", NULL, key), 0);
}

/* "name type base64\n" or "type base64\n" */
static void public_line(const sshio_key *key, const char *name, char *line, size_t size)
{
    sshio_bytes text = { 0 };
    assert_int_equal(sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &text), 0);
    assert_true((size_t)snprintf(line, size, "%s%s%.*s", name, name[0] != '\0' ? " " : "", (int)text.len, text.data) <
                size);
    sshio_bytes_free(&text);
}

void loopback_init(struct loopback *l)
{
    *l = (struct loopback){ .port = 0 };
    generate(&l->host_key);
    generate(&l->user_key);
    generate(&l->other_key);
    public_line(l->user_key, "", l->authorized, sizeof l->authorized);
    sshio_server_options_init(&l->server_options);
    l->server_options.process_handler = run_program;
}

void loopback_start(struct loopback *l)
{
    sshio_keyref host_keys[2] = { { .key = l->host_key } };
    sshio_source authorized = { .data = { l->authorized, strlen(l->authorized) } };
    sshio_server_options options = l->server_options;
    char name[64];
    options.host_keys = host_keys;
    options.authorized_keys = &authorized;
    if (sshio_listen("127.0.0.1", 0, &options, &l->server) != 0)
        fail_msg("listen: %s", sshio_error_message());
    l->port = sshio_listener_get_port(l->server);
    snprintf(name, sizeof name, "[127.0.0.1]:%d", l->port);
    public_line(l->host_key, name, l->known_hosts, sizeof l->known_hosts);
}

void loopback_stop(struct loopback *l)
{
    if (l->server != NULL) {
        sshio_listener_close(l->server);
        assert_int_equal(sshio_listener_wait_closed(l->server), 0);
    }
    sshio_listener_unref(l->server);
    sshio_key_unref(l->host_key);
    sshio_key_unref(l->user_key);
    sshio_key_unref(l->other_key);
}

sshio_client_options loopback_client(struct loopback *l)
{
    static sshio_keyref keys[2];
    static sshio_source hosts;
    sshio_client_options options;
    keys[0] = (sshio_keyref){ .key = l->user_key };
    hosts = (sshio_source){ .data = { l->known_hosts, strlen(l->known_hosts) } };
    sshio_client_options_init(&options);
    options.username = "guest";
    options.port = l->port;
    options.client_keys = keys;
    options.known_hosts = &hosts;
    return options;
}

sshio_conn *loopback_connect(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    if (sshio_connect("127.0.0.1", &options, &conn) != 0)
        fail_msg("connect: %s", sshio_error_message());
    return conn;
}

struct run {
    loopback_fn test, prepare;
};

static int run_task(void *arg)
{
    struct run *run = arg;
    struct loopback l;
    loopback_init(&l);
    if (run->prepare != NULL)
        run->prepare(&l);
    loopback_start(&l);
    run->test(&l);
    loopback_stop(&l);
    return 0;
}

void run_with(loopback_fn test, loopback_fn prepare)
{
    struct run run = { test, prepare };
    assert_int_equal(sshio_main(run_task, &run), 0);
}
