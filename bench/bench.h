/* What the parts of sshio-bench share. It uses the public API alone. */
#ifndef BENCH_H
#define BENCH_H

#include <sshio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_HOST "127.0.0.1"
#define BENCH_PIECE ((size_t)256 << 10) /* handed over by one write */

/* How much of a stream is still to be written. The bytes are zeros from one block. */
struct pump {
    uint64_t left;
    bool paused;
    bool done;
};

/* Writes until the queue is above its mark; true when it has just written the last byte. To be called again by
 * resume_writing. */
bool pump_run(struct pump *pump, sshio_chan *chan);

struct bench_args {
    int port;
    bool holds; /* SFTP operations end when stdin does */
    const char *user, *identity, *cipher, *mac, *host_key, *authorized_keys;
    int word_count; /* the operation and its arguments */
    char **words;
};

int bench_serve(const struct bench_args *args);
int bench_client(const struct bench_args *args);

bool bench_parse_count(const char *text, uint64_t *count);
void bench_raise_descriptor_limit(void);
double bench_now(void); /* seconds, monotonic */

#endif
