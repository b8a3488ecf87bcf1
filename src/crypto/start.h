/* The start of libcrypto, which otherwise comes with its first use. */
#ifndef SSHIO_CRYPTO_START_H
#define SSHIO_CRYPTO_START_H

/* libcrypto takes itself down at the end of the process, by atexit. Whoever registers after this call ends before it
 * does: threads that have used it must be gone by then, or what it keeps for them is lost. */
void crypto_start(void);

#endif
