/* What the targets of SCP share. */
#ifndef TESTS_FUZZ_SCP_BED_H
#define TESTS_FUZZ_SCP_BED_H

#include "fuzz.h"

#include "scp/job.h"

/* What a job does about an item that failed. */
static inline int go_on(struct scp_job *job)
{
    (void)job;
    return 0;
}

static inline int stop(struct scp_job *job)
{
    (void)job;
    return SSHIO_ESFTP_FAILURE;
}

/* A source hears nothing but answers. */
static inline void check_answers(struct span said)
{
    for (size_t at = 0; at < said.len;) {
        const uint8_t *end = said.data[at] == SCP_OK ? said.data + at : memchr(said.data + at, '\n', said.len - at);
        must(said.data[at] <= SCP_FATAL && end != NULL);
        at = (size_t)(end - said.data) + 1;
    }
}

#endif
