/* Moving the bytes of files: blocks of a range, many under way at a time, each from its source to its target.
 *
 *     remote to local     READ, pwrite            local to remote     pread, WRITE
 *     remote to memory    READ                    memory to remote    WRITE
 *     remote to remote    READ, WRITE             remote to task      READ, a function that is called where one waits
 *
 * A block is under way from when its source is asked until its target has it. The next one starts when any has ended,
 * in the order of the ranges; there is no order among those under way, nor need there be, as all that is written has
 * its place. Data arrives in the memory where it is wanted, or in a buffer that is taken when it begins to arrive; what
 * is sent is sealed from the buffer that was read into, which is free again then. So there are few buffers however many
 * requests are under way. A block that came short is asked for again from where it ended.
 *
 * The first failure is the one that counts: no more is started then, and what is under way is waited for. When the wait
 * is cancelled, requests are given up, and only what a worker still does is waited for. */
#ifndef SSHIO_SFTP_BLOCKS_H
#define SSHIO_SFTP_BLOCKS_H

#include "sftp/client.h"

enum end_kind { END_REMOTE, END_LOCAL, END_MEMORY, END_TASK };

struct end {
    enum end_kind kind;
    const struct handle *handle; /* REMOTE */
    int fd;                      /* LOCAL */
    bool at_once;                /* LOCAL: in memory, so that it never takes long */
    uint8_t *memory;             /* MEMORY: of offset `base` */
    uint64_t base;
    sshio_block_fn block; /* TASK */
    void *user;
};

struct blocks {
    /* what is to be done */
    sshio_sftp *sftp;
    struct end from, to;
    const struct range *ranges;
    size_t range_count;
    uint64_t shift;   /* a block at offset o goes to o + shift, modulo 2^64 */
    size_t block;     /* bytes */
    unsigned window;  /* blocks; 0 = to begin with by the size of a block, and then as the way is long */
    const char *what; /* what errors name: a path */
    int (*moved)(void *user, uint64_t len); /* callback: so much more is at its target; negative ends it */
    void *user;

    /* what came of it */
    uint64_t done; /* bytes */
    uint64_t eof;  /* offset where the source ended, UINT64_MAX = beyond what was asked for */

    /* inside */
    size_t range; /* the current one, and where in it the next block starts */
    uint64_t next;
    unsigned window_max, under_way, jobs;
    bool grows, stopped, starved, waiting, pumping, reads_miss;
    uint64_t latency_ms; /* the shortest seen */
    uint32_t short_len;  /* of the last short replies */
    unsigned short_count;
    struct list active, sending, ready, unused; /* of struct block */
    struct writable writable;
    struct completion completion;
    struct error error;
    int cancelled;
};

/* Waits. 0: all of it was moved, or all up to eof; else the error, as the last one. */
int blocks_run(struct blocks *b);

/* The size of blocks that both sides take, and how many are under way at first. wanted 0 = as is best; of more than a
 * packet to the server may have, what it may. */
size_t blocks_size(const sshio_sftp *s, bool reads, bool writes, int64_t wanted);
size_t blocks_single(uint64_t len); /* for all in one request, which the server may not take */
unsigned blocks_window(size_t block);

#endif
