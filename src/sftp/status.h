/* SFTP status codes: which version has which, what they are as errors of this library and of the system, and how they
 * stand on the wire. (draft-ietf-secsh-filexfer-13 section 9.1) */
#ifndef SSHIO_SFTP_STATUS_H
#define SSHIO_SFTP_STATUS_H

#include <sshio/constants.h>

#include "base/bytes.h"
#include "base/error.h"

#define STATUS_LANG "en-US"

uint32_t status_for_version(uint32_t code, int version); /* what a peer that speaks this version is told instead */
uint32_t status_of_errno(int os_errno);
uint32_t status_of_error(const sshio_error *error); /* of any error of this library */
int error_of_status(uint32_t code);                 /* SSHIO_ESFTP_…; SSHIO_ESFTP for codes without one; 0 for OK */

/* The text that a peer is told, and its language: no path of ours is in it. Borrowed from error, or static. */
const char *status_text(const sshio_error *error);
const char *status_lang(const sshio_error *error);

/* The fields of FXP_STATUS behind the request id. Puts what the version has. */
void status_put(struct writer *w, int version, uint32_t code, const char *text, const char *lang);

struct status {
    uint32_t code;
    struct span message, lang; /* empty when they are not there */
    struct span names;         /* FX_UNKNOWN_PRINCIPAL: strings, as on the wire */
};
/* Reads it to the end of the packet. lenient takes messages that are no UTF-8, whose bytes are escaped later.
 * SSHIO_ESFTP_BAD_MESSAGE. */
int status_read(struct reader *r, int version, bool lenient, struct status *status, struct error *e);
/* Records what it says, escaped, with the code as reason; 0 for FX_OK. */
int status_record(const struct status *status, struct error *e);

#endif
