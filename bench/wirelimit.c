/* The wire limit: what two processes can move over one loopback connection when they do nothing but cipher and system
 * calls. 32 KiB packets are sealed and opened in place, in writes and reads of 1 MiB. With "--echo" it measures one
 * byte there and back instead, N times: over such a connection, or through the stdin and stdout of a program.
 *
 *     wirelimit [--bytes N] [CIPHER[+MAC] ...]
 *     wirelimit --echo N [PROGRAM ARGUMENT ...]
 *
 * One JSON line for each cipher. "none" frames without a cipher. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/random.h"

#define MEBI ((size_t)1 << 20)
#define DATA_LEN 32768
#define DATA_HEADER_LEN 9 /* message number, recipient channel, length of the data (RFC 4254 5.2) */
#define PADDING_MIN 4
#define BATCH_PACKETS 32
#define MAX_PACKET_LEN (DATA_LEN + 512)
#define READ_LEN MEBI

struct suite {
    const struct cipher_alg *cipher; /* NULL = none */
    const struct mac_alg *mac;       /* NULL beside AEAD */
};

struct line {
    struct cipher *cipher; /* NULL = none */
    struct cipher_shape shape;
    uint32_t seq;
    size_t padding_len;
    size_t packet_len; /* with length field and tag */
};

struct end { /* what one side used */
    double cpu_seconds;
    uint64_t bytes;
};

static void die(const char *what)
{
    fprintf(stderr, "wirelimit: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- packets ---- */

static struct cipher *make_cipher(const struct suite *suite, const uint8_t *secret, bool sealing)
{
    const struct cipher_keys keys = { secret, secret + CIPHER_MAX_KEY_LEN, secret };
    struct cipher *cipher = cipher_new(suite->cipher, suite->mac, &keys, sealing);

    if (cipher == NULL)
        die(suite->cipher->name);
    return cipher;
}

static void line_init(struct line *line, const struct suite *suite, const uint8_t *secret, bool sealing)
{
    *line = (struct line){ .shape = { .align = 8 } };
    if (suite->cipher != NULL) {
        line->cipher = make_cipher(suite, secret, sealing);
        line->shape = *cipher_shape(line->cipher);
    }
    size_t clear = 1 + DATA_HEADER_LEN + DATA_LEN + PADDING_MIN;
    size_t align = line->shape.align;
    size_t extra = (align - (4 - line->shape.aligned_from + clear) % align) % align;
    line->padding_len = PADDING_MIN + extra;
    line->packet_len = 4 + clear + extra + line->shape.tag_len;
}

static void seal(struct line *line, uint8_t *packet)
{
    size_t head_len = 1 + DATA_HEADER_LEN;
    const struct cipher_parts parts = {
        .head_len = head_len,
        .body = packet + 4 + head_len,
        .body_len = DATA_LEN,
        .tail_len = line->padding_len,
    };

    store_u32(packet, (uint32_t)(line->packet_len - 4 - line->shape.tag_len));
    packet[4] = (uint8_t)line->padding_len;
    if (line->cipher != NULL && !cipher_seal(line->cipher, line->seq++, packet, &parts))
        die("seal");
}

/* The length of the whole packet, 0 if more bytes are needed; opens it. */
static size_t open_packet(struct line *line, uint8_t *packet, size_t have)
{
    uint32_t length;

    if (have < line->packet_len)
        return 0;
    if (line->cipher == NULL)
        length = load_u32(packet);
    else if (!cipher_open_length(line->cipher, line->seq, packet, &length))
        die("open length");
    if (length + 4 + line->shape.tag_len != line->packet_len)
        die("length of a packet");
    if (line->cipher != NULL && !cipher_open(line->cipher, line->seq++, packet, length))
        die("open");
    return line->packet_len;
}

/* ---- the two sides ---- */

static void write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, data, len);
        if (written < 0)
            die("write");
        data += written;
        len -= (size_t)written;
    }
}

static void send_packets(int fd, struct line *line, uint64_t bytes)
{
    uint8_t *batch = calloc(BATCH_PACKETS, MAX_PACKET_LEN);

    if (batch == NULL)
        die("memory");
    for (uint64_t left = bytes / DATA_LEN; left > 0;) {
        size_t count = left < BATCH_PACKETS ? (size_t)left : BATCH_PACKETS;
        for (size_t i = 0; i < count; i++)
            seal(line, batch + i * line->packet_len);
        write_all(fd, batch, count * line->packet_len);
        left -= count;
    }
    free(batch);
}

static struct end receive_packets(int fd, struct line *line)
{
    uint8_t *buffer = malloc(READ_LEN + MAX_PACKET_LEN);
    size_t have = 0, length;
    uint64_t packets = 0;
    ssize_t got;

    if (buffer == NULL)
        die("memory");
    while ((got = read(fd, buffer + have, READ_LEN)) > 0) {
        size_t at = 0;
        have += (size_t)got;
        for (; (length = open_packet(line, buffer + at, have - at)) > 0; at += length)
            packets++;
        have -= at;
        memmove(buffer, buffer + at, have);
    }
    if (got < 0)
        die("read");
    free(buffer);
    return (struct end){ .cpu_seconds = cpu_seconds(), .bytes = packets * DATA_LEN };
}

/* Two connected TCP sockets on the loopback interface. */
static void connect_pair(int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || ends[0] < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        connect(ends[0], (struct sockaddr *)&address, len) != 0 || (ends[1] = accept(listener, NULL, NULL)) < 0)
        die("loopback connection");
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(listener);
}

static void run_receiver(int fd, int result, struct line *line)
{
    struct end end = receive_packets(fd, line);
    write_all(result, (const uint8_t *)&end, sizeof end);
    exit(0);
}

static void measure_bulk(const char *name, const struct suite *suite, uint64_t bytes)
{
    uint8_t secret[CIPHER_MAX_KEY_LEN + CIPHER_MAX_IV_LEN];
    struct line sender, receiver;
    struct end received;
    int ends[2], result[2];

    if (!random_bytes(secret, sizeof secret) || pipe(result) != 0)
        die("start");
    line_init(&sender, suite, secret, true);
    line_init(&receiver, suite, secret, false);
    connect_pair(ends);
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(ends[0]);
        run_receiver(ends[1], result[1], &receiver);
    }
    close(ends[1]);
    double start = now(), cpu = cpu_seconds();
    send_packets(ends[0], &sender, bytes);
    close(ends[0]);
    if (read(result[0], &received, sizeof received) != (ssize_t)sizeof received)
        die("the receiver failed");
    double seconds = now() - start;
    printf("{\"cipher\": \"%s\", \"bytes\": %llu, \"seconds\": %.6f, \"send_cpu\": %.6f, \"recv_cpu\": %.6f}\n", name,
           (unsigned long long)received.bytes, seconds, cpu_seconds() - cpu, received.cpu_seconds);
    fflush(stdout);
    waitpid(child, NULL, 0);
    cipher_free(sender.cipher);
    cipher_free(receiver.cipher);
    close(result[0]);
    close(result[1]);
}

/* ---- one byte there and back ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void echo_forever(int fd)
{
    uint8_t byte;
    while (read(fd, &byte, 1) == 1)
        write_all(fd, &byte, 1);
    exit(0);
}

/* Where a byte is written that comes back, and where it is read then. */
struct way {
    int to, from;
    pid_t child;
};

static struct way way_over_tcp(void)
{
    int ends[2];

    connect_pair(ends);
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(ends[0]);
        echo_forever(ends[1]);
    }
    close(ends[1]);
    return (struct way){ ends[0], ends[0], child };
}

static struct way way_through(char **argv)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        die("pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execvp(argv[0], argv);
        die(argv[0]);
    }
    close(in[0]);
    close(out[1]);
    return (struct way){ in[1], out[0], child };
}

static double exchange_byte(const struct way *way)
{
    uint8_t byte = 0;
    double start = now();

    write_all(way->to, &byte, 1);
    if (read(way->from, &byte, 1) != 1)
        die("echo");
    return (now() - start) * 1e6;
}

static void measure_echo(size_t count, struct way way)
{
    double *samples = calloc(count, sizeof *samples);

    if (samples == NULL)
        die("memory");
    exchange_byte(&way); /* a program may have to log in before */
    for (size_t i = 0; i < count; i++)
        samples[i] = exchange_byte(&way);
    close(way.to);
    waitpid(way.child, NULL, 0);
    qsort(samples, count, sizeof *samples, compare_doubles);
    printf("{\"median_us\": %.2f, \"p99_us\": %.2f, \"min_us\": %.2f}\n", samples[count / 2], samples[count * 99 / 100],
           samples[0]);
    free(samples);
}

/* "CIPHER" or "CIPHER+MAC". */
static bool find_suite(const char *name, struct suite *suite)
{
    char cipher[64];
    const char *plus = strchr(name, '+');

    snprintf(cipher, sizeof cipher, "%.*s", (int)(plus != NULL ? plus - name : (long)strlen(name)), name);
    *suite = (struct suite){ cipher_find(cipher), plus != NULL ? mac_find(plus + 1) : NULL };
    if (suite->cipher == NULL)
        return strcmp(name, "none") == 0;
    return cipher_is_aead(suite->cipher) == (plus == NULL) && (plus == NULL || suite->mac != NULL);
}

static void measure_cipher(const char *name, uint64_t bytes)
{
    struct suite suite;

    if (!find_suite(name, &suite)) {
        fprintf(stderr, "wirelimit: %s is no cipher, or not with the MAC that it needs beside it\n", name);
        exit(2);
    }
    measure_bulk(name, &suite, bytes);
}

int main(int argc, char **argv)
{
    uint64_t bytes = 2048 * (uint64_t)MEBI;
    int at = 1;

    if (argc > 2 && strcmp(argv[1], "--echo") == 0) {
        size_t count = strtoul(argv[2], NULL, 10);
        measure_echo(count > 0 ? count : 1, argc > 3 ? way_through(argv + 3) : way_over_tcp());
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "--bytes") == 0) {
        bytes = strtoull(argv[2], NULL, 10);
        at = 3;
    }
    if (at == argc) {
        measure_cipher("aes128-gcm@openssh.com", bytes);
        measure_cipher("chacha20-poly1305@openssh.com", bytes);
    }
    for (; at < argc; at++)
        measure_cipher(argv[at], bytes);
    return 0;
}
