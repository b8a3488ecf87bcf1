/* Error records: what went wrong, with which value, and where.
 *
 * The detail is recorded once, where the failure is understood, in a record that belongs to an object (connection,
 * channel, parser call). At the edge of the API it becomes the last error of the task (io/last_error.h). Codes and
 * their texts stand in one list, SSHIO_ERRORS in sshio/base.h. */
#ifndef SSHIO_BASE_ERROR_H
#define SSHIO_BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#include <sshio/base.h>

#include "base/texts.h"

struct error {
    sshio_error pub; /* what users see; its texts point into the owned members below */
    char *message;
    char *lang;
    char *filename;
    char *signal;
    char *srcpath, *dstpath;
    struct texts unknown_names;
    void (*free_result)(struct sshio_result *result); /* for pub.result, which is owned when this is set */
};

void error_init(struct error *e);                            /* no error */
void error_clear(struct error *e);                           /* frees what it holds; no error afterwards */
int error_code(const struct error *e);                       /* 0 = none */
const char *error_message(const struct error *e);            /* never NULL */
void error_copy(struct error *to, const struct error *from); /* falls back to the general text when out of memory */
void error_move(struct error *to, struct error *from);       /* from is empty afterwards */

/* Each records an error, replacing what was there, and returns its code. e may be NULL: then only the code counts. */
int error_set(struct error *e, int code, const char *format, ...) SSHIO_PRINTF(3, 4);
int error_setv(struct error *e, int code, const char *format, va_list args) SSHIO_PRINTF(3, 0);
int error_set_reason(struct error *e, int code, uint32_t reason, const char *format, ...) SSHIO_PRINTF(4, 5);
int error_set_errno(struct error *e, int os_errno, const char *format, ...)
    SSHIO_PRINTF(3, 4); /* SSHIO_ESYSTEM, ": strerror" appended */
int error_set_file(struct error *e, int code, const char *filename, int line, const char *format, ...)
    SSHIO_PRINTF(5, 6); /* "file line n: …" */
void error_attach_result(struct error *e, struct sshio_result *result,
                         void (*free_result)(struct sshio_result *)); /* owned from now on */
int error_set_signal(struct error *e, const char *signal);            /* SSHIO_ESIGNAL_RECEIVED; the name is copied */
void error_set_lang(struct error *e, const char *lang);               /* of the message; copied. NULL = ours */
void error_set_paths(struct error *e, const char *srcpath, const char *dstpath); /* of a transfer; copied */
void error_take_names(struct error *e, struct texts *names); /* pub.unknown_names; they are the error's then */
int error_nomem(struct error *e);                            /* SSHIO_ENOMEM; allocates nothing */

/* DISCONNECT reason codes (RFC 4253 11.1) and the error codes they stand for, both ways. */
int error_of_disconnect(uint32_t reason); /* SSHIO_EDISCONNECT for those without a code of their own */
uint32_t disconnect_of_error(int code);   /* 0 = none is sent for this one */

#endif
