/* Starting libcrypto. */
#ifndef SSHIO_CRYPTO_START_H
#define SSHIO_CRYPTO_START_H

/* libcrypto cleans up when the process exits, in an exit handler that it registers when it is first used. Who ends
 * threads that use it in an exit handler calls this before registering its own, which then runs first. May be repeated.
 */
void crypto_start(void);

#endif
