/* sshio-bench: a server and a client that measure the library from outside.
 *
 *     sshio-bench server --port P --host-key FILE --authorized-keys FILE
 *     sshio-bench client --port P --user U --identity FILE [--cipher C] [--mac M] [--hold] OP ...
 *
 * The server listens on 127.0.0.1 until it is ended; any user name may log in with a public key. Its commands run
 * inside the process: "bench source N" writes N bytes, "bench sink" reads to the end, "bench echo", "bench noop". Its
 * subsystem "sftp" serves local files. The client takes any host key (it measures, and both ends are here) and prints
 * one JSON line; its seconds are those of the operation alone. With --hold an SFTP operation keeps its session then
 * until stdin ends, so that what both ends have used can be read. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool bench_parse_count(const char *text, uint64_t *count)
{
    char *end;

    errno = 0;
    *count = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

/* Many connections need many descriptors; what the system allows is taken. */
void bench_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool pump_run(struct pump *pump, sshio_chan *chan)
{
    static const uint8_t block[BENCH_PIECE];

    while (pump->left > 0 && !pump->paused) {
        size_t len = pump->left < sizeof block ? (size_t)pump->left : sizeof block;
        pump->left -= len; /* before the write: it may pause, resume and come back here */
        if (sshio_chan_write(chan, block, len, 0) != 0) {
            sshio_chan_abort(chan);
            return false;
        }
    }
    if (pump->left > 0 || pump->done)
        return false;
    pump->done = true;
    return true;
}

static int usage(void)
{
    fputs("usage: sshio-bench server --port P --host-key FILE --authorized-keys FILE\n"
          "       sshio-bench client --port P --user U --identity FILE [--cipher C] [--mac M] [--hold] OP ...\n"
          "OP:    get CMD BYTES | put CMD BYTES | exec CMD COUNT | subsystem NAME COUNT | echo CMD COUNT SIZE\n"
          "       crowd CONNECTIONS SESSIONS BYTES SLOW | handshake COUNT [PARALLEL] | idle COUNT\n"
          "       sftp-get REMOTE LOCAL | sftp-put LOCAL REMOTE | sftp-list DIRECTORY   (files, and trees)\n",
          stderr);
    return 2;
}

static bool take_port(struct bench_args *args, const char *value)
{
    uint64_t port;

    if (!bench_parse_count(value, &port) || port > 65535)
        return false;
    args->port = (int)port;
    return true;
}

static bool take_option(struct bench_args *args, const char *name, const char *value)
{
    struct {
        const char *name;
        const char **place;
    } const texts[] = {
        { "--user", &args->user }, { "--identity", &args->identity }, { "--cipher", &args->cipher },
        { "--mac", &args->mac },   { "--host-key", &args->host_key }, { "--authorized-keys", &args->authorized_keys },
    };

    if (strcmp(name, "--port") == 0)
        return take_port(args, value);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].place = value;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct bench_args args = { .user = "bench" };
    int at = 2;

    if (argc < 2)
        return usage();
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--hold") == 0)
            args.holds = true;
        else if (!take_option(&args, argv[at], argv[at + 1]))
            return usage();
        else
            at++;
    }
    args.word_count = argc - at;
    args.words = argv + at;
    bench_raise_descriptor_limit();
    if (strcmp(argv[1], "server") == 0 && args.host_key != NULL && args.authorized_keys != NULL && args.word_count == 0)
        return bench_serve(&args);
    if (strcmp(argv[1], "client") == 0 && args.identity != NULL && args.word_count >= 2)
        return bench_client(&args);
    return usage();
}
