/* The client of sshio-bench: one task that logs in, does the operation and prints what it took. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_client.h"

#define IDLE_PARALLEL 16

struct operation {
    const char *name;
    int min_words, max_words; /* with the name */
    bool needs_connection;
    int (*run)(struct client *client);
};

int client_connect(struct client *client, sshio_conn **conn)
{
    const struct bench_args *args = client->args;

    return sshio_connect(BENCH_HOST,
                         SSHIO_CLIENT(.username = args->user, .port = args->port,
                                      .client_keys = SSHIO_KEYS({ .key = client->key }), .known_hosts = SSHIO_NONE,
                                      .encryption_algs = args->cipher, .mac_algs = args->mac),
                         conn);
}

int client_bad_word(const char *word)
{
    return sshio_raise(SSHIO_EINVAL, "\"%s\" is not a number", word);
}

static void print_transfer(double seconds, uint64_t bytes)
{
    printf("{\"seconds\": %.6f, \"bytes\": %llu}\n", seconds, (unsigned long long)bytes);
}

/* On a worker thread: the loop goes on meanwhile. */
static int wait_for_input_end(void *arg)
{
    char buffer[256];

    (void)arg;
    while (read(STDIN_FILENO, buffer, sizeof buffer) > 0)
        continue;
    return 0;
}

int client_hold(void)
{
    fflush(stdout);
    return sshio_offload(wait_for_input_end, NULL);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void client_sort_samples(double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare_doubles);
}

/* ---- get and put ---- */

struct transfer {
    uint64_t received;
    struct pump pump;
    bool is_subsystem; /* else a command */
    int status;
};

static void count_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct transfer *transfer = user;

    (void)chan;
    (void)data;
    if (datatype == 0)
        transfer->received += len;
}

static void take_status(sshio_chan *chan, int status, void *user)
{
    struct transfer *transfer = user;

    (void)chan;
    transfer->status = status;
}

static void run_pump(sshio_chan *chan, void *user)
{
    struct transfer *transfer = user;

    if (pump_run(&transfer->pump, chan))
        sshio_chan_write_eof(chan);
}

static void pause_pump(sshio_chan *chan, void *user)
{
    struct transfer *transfer = user;

    (void)chan;
    transfer->pump.paused = true;
}

static void resume_pump(sshio_chan *chan, void *user)
{
    struct transfer *transfer = user;

    transfer->pump.paused = false;
    run_pump(chan, user);
}

static int keep_open(sshio_chan *chan, void *user)
{
    (void)chan;
    (void)user;
    return 1;
}

static const sshio_session_handlers get_handlers = {
    .data_received = count_data,
    .exit_status_received = take_status,
};

static const sshio_session_handlers put_handlers = {
    .session_started = run_pump,
    .data_received = count_data,
    .eof_received = keep_open,
    .exit_status_received = take_status,
    .pause_writing = pause_pump,
    .resume_writing = resume_pump,
};

/* From opening the session until it is closed. */
static int run_transfer(struct client *client, const sshio_session_handlers *handlers, struct transfer *transfer,
                        double *seconds)
{
    sshio_chan *chan = NULL;
    sshio_session_options options;
    double start = bench_now();

    sshio_session_options_init(&options);
    if (transfer->is_subsystem)
        options.subsystem = client->args->words[1];
    else
        options.command = client->args->words[1];
    transfer->status = SSHIO_NO_STATUS;
    int rc = sshio_create_session(client->conn, handlers, transfer, &options, &chan);
    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    *seconds = bench_now() - start;
    sshio_chan_unref(chan);
    if (rc == 0 && transfer->status != 0)
        rc = sshio_raise(SSHIO_EPROCESS, "\"%s\" ended with status %d", client->args->words[1], transfer->status);
    return rc;
}

static int run_get(struct client *client)
{
    struct transfer transfer = { .received = 0 };
    uint64_t expected;
    double seconds;

    if (!bench_parse_count(client->args->words[2], &expected))
        return client_bad_word(client->args->words[2]);
    int rc = run_transfer(client, &get_handlers, &transfer, &seconds);
    if (rc == 0 && transfer.received != expected)
        rc = sshio_raise(SSHIO_EPROCESS, "%llu of %llu bytes came", (unsigned long long)transfer.received,
                         (unsigned long long)expected);
    if (rc == 0)
        print_transfer(seconds, transfer.received);
    return rc;
}

static int run_put(struct client *client)
{
    struct transfer transfer = { .received = 0 };
    uint64_t bytes;
    double seconds;

    if (!bench_parse_count(client->args->words[2], &bytes))
        return client_bad_word(client->args->words[2]);
    transfer.pump.left = bytes;
    int rc = run_transfer(client, &put_handlers, &transfer, &seconds);
    if (rc == 0 && !transfer.pump.done)
        rc = sshio_raise(SSHIO_EPROCESS, "the command ended before all was written");
    if (rc == 0)
        print_transfer(seconds, bytes);
    return rc;
}

static int run_sessions(struct client *client, const sshio_session_handlers *handlers, bool is_subsystem)
{
    uint64_t count;
    double seconds, start = bench_now();
    int rc = 0;

    if (!bench_parse_count(client->args->words[2], &count))
        return client_bad_word(client->args->words[2]);
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        struct transfer transfer = { .is_subsystem = is_subsystem };
        rc = run_transfer(client, handlers, &transfer, &seconds);
    }
    if (rc == 0)
        print_transfer(bench_now() - start, count);
    return rc;
}

static int run_exec(struct client *client)
{
    return run_sessions(client, &get_handlers, false);
}

/* A subsystem ends when its input does. */
static int run_subsystem(struct client *client)
{
    return run_sessions(client, &put_handlers, true);
}

/* ---- echo ---- */

struct echo {
    uint8_t *message;
    size_t size, got;
    double *samples, sent_at;
    size_t count, done;
};

static void send_message(sshio_chan *chan, struct echo *echo)
{
    echo->sent_at = bench_now();
    if (sshio_chan_write(chan, echo->message, echo->size, 0) != 0)
        sshio_chan_abort(chan);
}

static void start_echo(sshio_chan *chan, void *user)
{
    send_message(chan, user);
}

static void take_echo(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct echo *echo = user;

    (void)data;
    (void)datatype;
    echo->got += len;
    if (echo->got < echo->size || echo->done == echo->count)
        return;
    echo->got = 0;
    echo->samples[echo->done++] = (bench_now() - echo->sent_at) * 1e6;
    if (echo->done < echo->count)
        send_message(chan, echo);
    else
        sshio_chan_write_eof(chan);
}

static const sshio_session_handlers echo_handlers = {
    .session_started = start_echo,
    .data_received = take_echo,
};

static int exchange(struct client *client, struct echo *echo)
{
    sshio_chan *chan = NULL;
    int rc = sshio_create_session(client->conn, &echo_handlers, echo, SSHIO_SESSION(.command = client->args->words[1]),
                                  &chan);

    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    sshio_chan_unref(chan);
    if (rc == 0 && echo->done < echo->count)
        rc = sshio_raise(SSHIO_EPROCESS, "%zu of %zu answers came", echo->done, echo->count);
    return rc;
}

static int run_echo(struct client *client)
{
    struct echo echo = { .got = 0 };
    uint64_t count, size;

    if (!bench_parse_count(client->args->words[2], &count) || count == 0)
        return client_bad_word(client->args->words[2]);
    if (!bench_parse_count(client->args->words[3], &size) || size == 0)
        return client_bad_word(client->args->words[3]);
    echo.count = (size_t)count;
    echo.size = (size_t)size;
    echo.message = calloc(1, echo.size);
    echo.samples = calloc(echo.count, sizeof *echo.samples);
    int rc = echo.message != NULL && echo.samples != NULL ? exchange(client, &echo) : SSHIO_ENOMEM;
    if (rc == 0) {
        client_sort_samples(echo.samples, echo.count);
        printf("{\"median_us\": %.2f, \"p99_us\": %.2f, \"min_us\": %.2f}\n", echo.samples[echo.count / 2],
               echo.samples[echo.count * 99 / 100], echo.samples[0]);
    }
    free(echo.message);
    free(echo.samples);
    return rc;
}

/* ---- handshakes ---- */

struct handshakes {
    struct client *client;
    double *samples;
    size_t count, next, done, fails;
    sshio_conn **kept; /* NULL = each is closed at once */
};

/* One of several tasks that take the next number until there is none left. */
static int run_logins(void *arg)
{
    struct handshakes *all = *(struct handshakes **)arg;

    while (all->next < all->count) {
        size_t number = all->next++;
        sshio_conn *conn = NULL;
        double start = bench_now();
        if (client_connect(all->client, &conn) != 0) {
            if (all->fails++ == 0)
                sshio_report("login");
            continue;
        }
        all->samples[all->done++] = (bench_now() - start) * 1e6;
        if (all->kept != NULL)
            all->kept[number] = conn;
        else
            sshio_conn_unref(conn);
    }
    return 0;
}

static int run_parallel(struct handshakes *all, size_t parallel)
{
    struct handshakes **items = calloc(parallel, sizeof(struct handshakes *));

    all->samples = calloc(all->count + 1, sizeof *all->samples);
    int rc = items != NULL && all->samples != NULL ? 0 : SSHIO_ENOMEM;
    for (size_t i = 0; rc == 0 && i < parallel; i++)
        items[i] = all;
    if (rc == 0)
        rc = sshio_gather(run_logins, items, parallel, sizeof *items);
    free(items);
    return rc;
}

static int run_handshake(struct client *client)
{
    struct handshakes all = { .client = client };
    uint64_t count, parallel = 1;

    if (!bench_parse_count(client->args->words[1], &count) || count == 0)
        return client_bad_word(client->args->words[1]);
    if (client->args->word_count > 2 && (!bench_parse_count(client->args->words[2], &parallel) || parallel == 0))
        return client_bad_word(client->args->words[2]);
    all.count = (size_t)count;
    double start = bench_now();
    int rc = run_parallel(&all, (size_t)parallel);
    double seconds = bench_now() - start;
    if (rc == 0) {
        client_sort_samples(all.samples, all.done);
        printf("{\"seconds\": %.6f, \"bytes\": %zu, \"median_us\": %.2f, \"p99_us\": %.2f, \"fails\": %zu}\n", seconds,
               all.done, all.samples[all.done / 2], all.samples[all.done * 99 / 100], all.fails);
    }
    free(all.samples);
    return rc;
}

static int run_idle(struct client *client)
{
    struct handshakes all = { .client = client };
    uint64_t count;

    if (!bench_parse_count(client->args->words[1], &count))
        return client_bad_word(client->args->words[1]);
    all.count = (size_t)count;
    all.kept = calloc(all.count + 1, sizeof(sshio_conn *));
    int rc = all.kept != NULL ? run_parallel(&all, IDLE_PARALLEL) : SSHIO_ENOMEM;
    if (rc == 0 && all.fails > 0)
        rc = sshio_raise(SSHIO_EPROCESS, "%zu logins failed", all.fails);
    if (rc == 0) {
        printf("ready %zu\n", all.done);
        rc = client_hold();
    }
    for (size_t i = 0; all.kept != NULL && i < all.count; i++)
        sshio_conn_unref(all.kept[i]);
    free(all.kept);
    free(all.samples);
    return rc;
}

/* ---- the operations ---- */

static const struct operation operations[] = {
    { "get", 3, 3, true, run_get },
    { "put", 3, 3, true, run_put },
    { "exec", 3, 3, true, run_exec },
    { "subsystem", 3, 3, true, run_subsystem },
    { "crowd", 5, 5, false, client_run_crowd },
    { "sftp-get", 3, 3, true, client_run_sftp_get },
    { "sftp-put", 3, 3, true, client_run_sftp_put },
    { "sftp-list", 2, 2, true, client_run_sftp_list },
    { "echo", 4, 4, true, run_echo },
    { "handshake", 2, 3, false, run_handshake },
    { "idle", 2, 2, false, run_idle },
};

static const struct operation *find_operation(const struct bench_args *args)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(operations[i].name, args->words[0]) == 0 && args->word_count >= operations[i].min_words &&
            args->word_count <= operations[i].max_words)
            return &operations[i];
    return NULL;
}

static int run_client(void *arg)
{
    struct client *client = arg;
    const struct operation *operation = find_operation(client->args);

    if (operation == NULL)
        return sshio_raise(SSHIO_EINVAL, "unknown operation \"%s\", or not its number of arguments",
                           client->args->words[0]);
    int rc = sshio_read_private_key(client->args->identity, NULL, &client->key);
    if (rc == 0 && operation->needs_connection)
        rc = client_connect(client, &client->conn);
    if (rc == 0)
        rc = operation->run(client);
    if (rc != 0)
        sshio_report("sshio-bench client");
    sshio_conn_unref(client->conn);
    sshio_key_unref(client->key);
    return rc;
}

int bench_client(const struct bench_args *args)
{
    struct client client = { .args = args };
    return sshio_main(run_client, &client) == 0 ? 0 : 1;
}
