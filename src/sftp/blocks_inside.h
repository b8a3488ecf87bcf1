/* What the two files that move blocks share; see blocks.h. blocks.c has which blocks there are and who waits for them,
 * blocks_move.c how one gets from its source to its target. */
#ifndef SSHIO_SFTP_BLOCKS_INSIDE_H
#define SSHIO_SFTP_BLOCKS_INSIDE_H

#include "sftp/blocks.h"
#include "sftp/local_io.h"

struct block {
    struct request rq;
    struct list order; /* in active */
    struct list link;  /* in sending, ready or unused */
    struct blocks *b;
    uint64_t offset;
    uint32_t len;
    uint8_t *buffer; /* of `size` bytes; NULL = the data lies where it is to be, or there is none */
    size_t size;
    bool empty_before;
    bool in_job;
    uint64_t sent_ms;
    struct local_io io;
};

/* blocks.c */
struct block *blocks_take(struct blocks *b, uint64_t offset, uint32_t len); /* NULL = stopped, out of memory */
void blocks_put_away(struct block *block);                                  /* it is under way no more */
void blocks_give_buffer(struct block *block);
void blocks_finish(struct block *block, uint32_t len);   /* len bytes of it are at their target */
void blocks_drop(struct block *block, struct error *e);  /* it failed; e NULL = there was nothing more */
void blocks_note_end(struct blocks *b, uint64_t offset); /* of the source */
void blocks_stop(struct blocks *b, struct error *e);     /* no more are started; e is moved */
void blocks_stop_nomem(struct blocks *b);
void blocks_pump(struct blocks *b); /* starts as many as may be */
void blocks_wake(struct blocks *b, int result);
void blocks_wake_if_idle(struct blocks *b);

/* blocks_move.c */
bool blocks_ask(struct block *block);  /* the source; false = it could not be, and is put away */
void blocks_send(struct block *block); /* to the server, when the channel takes it */

#endif
