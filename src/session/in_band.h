/* What is no data but has its place among it: breaks, signals and changes of the terminal's size, on the stdin of a
 * server's session. Each stands at a count of bytes, and is raised by the read that comes to it. They cost the peer no
 * window, so their number is limited. */
#ifndef SSHIO_SESSION_IN_BAND_H
#define SSHIO_SESSION_IN_BAND_H

#include <stdbool.h>
#include <stdint.h>

#include <sshio/base.h>

#include "base/list.h"

#define IN_BAND_MAX 256u /* that wait in one reader */

struct in_band {
    int code;                  /* SSHIO_EBREAK_RECEIVED, SSHIO_ESIGNAL_RECEIVED or SSHIO_ETERMINAL_SIZE_CHANGED */
    int msec;                  /* of a break */
    const char *signal;        /* its name */
    sshio_term_size term_size; /* the new one */
};

struct in_band_queue {
    struct list items;
    unsigned count;
};

void in_band_init(struct in_band_queue *q);
void in_band_done(struct in_band_queue *q);

/* Puts a copy behind at bytes. Size changes of one place are one. 0; SSHIO_ELIMIT: too many wait; SSHIO_ENOMEM. */
int in_band_add(struct in_band_queue *q, const struct in_band *event, uint64_t at);
bool in_band_first(const struct in_band_queue *q, uint64_t *at); /* false = there is none */
const struct in_band *in_band_head(const struct in_band_queue *q);
void in_band_drop(struct in_band_queue *q); /* the first */
int in_band_raise(struct in_band_queue *q); /* the first becomes the last error; its code */

#endif
