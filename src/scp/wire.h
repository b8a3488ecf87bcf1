/* Lines, answers and bytes of SCP over a stream. Whoever has the stream gives the two functions that move bytes; what
 * was read behind a line waits here for the next call. */
#ifndef SSHIO_SCP_WIRE_H
#define SSHIO_SCP_WIRE_H

#include "scp/protocol.h"

#define SCP_REFUSED 1 /* beside 0 and errors: an answer said no, and the last error has its text */

struct scp_wire {
    int (*read)(struct scp_wire *w, void *buffer, size_t size, size_t *got); /* waits; SSHIO_EEOF */
    int (*write)(struct scp_wire *w, const void *data, size_t len);          /* waits while much is queued */
    void *user;
    const char *context; /* what the other side said besides, for errors; NULL = nothing */
    size_t at, len;      /* of the buffer, what has not been taken */
    uint8_t buffer[SCP_LINE_MAX + 1];
};

void wire_init(struct scp_wire *w); /* before its members are set */

/* All wait, and record their errors as the last one. */
int wire_read_line(struct scp_wire *w, struct span *line); /* without \n; borrowed until the next read; SSHIO_EEOF:
                                                              there is none; BAD_MESSAGE: too long */
int wire_read_data(struct scp_wire *w, void *buffer, size_t size); /* all of it; ESFTP_CONNECTION_LOST */
/* The answer to what was sent: 0, SCP_REFUSED for \1 (the job goes on), or an error: \2 or text of anybody's
 * (ESFTP_FAILURE), the end (ESFTP_CONNECTION_LOST). */
int wire_read_answer(struct scp_wire *w);
int wire_answer_ok(struct scp_wire *w);
int wire_answer(struct scp_wire *w, enum scp_kind kind, const char *text);
int wire_send(struct scp_wire *w,
              struct writer *line); /* ESFTP_FAILURE: it did not fit; the writer is done afterwards */

int wire_lost(struct scp_wire *w);                        /* records ESFTP_CONNECTION_LOST */
int wire_fail_told(struct scp_wire *w, struct span text); /* records what the other side said: ESFTP_FAILURE */

#endif
