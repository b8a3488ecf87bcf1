/* How a file is opened: the flags of versions 3 and 4, the access and flags of 5 and 6, and from one to the other.
 * (draft-ietf-secsh-filexfer-02 section 6.3, -13 section 8.1.1) */
#ifndef SSHIO_SFTP_OPEN_FLAGS_H
#define SSHIO_SFTP_OPEN_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

/* "r", "w", "a", "x", each also with "+"; a "b" anywhere is left out of account. false = no such mode. */
bool open_mode_parse(const char *mode, uint32_t *pflags);

void open_flags_to_v5(uint32_t pflags, uint32_t *access, uint32_t *flags);

#endif
