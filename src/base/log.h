/* Loggers: a name, a level and a context such as "conn=3, chan=0", inherited by children.
 *
 * Messages go to the handler that the application set; without one, warnings and worse go to stderr. A NULL logger is
 * the base logger. Text from a peer must pass log_escaped first. log_enabled is cheap, so that nothing is formatted in
 * vain. */
#ifndef SSHIO_BASE_LOG_H
#define SSHIO_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <sshio/base.h>

#include "base/bytes.h"

bool log_enabled(const sshio_logger *logger, sshio_log_level level, int debug_level);
sshio_logger *log_base(void); /* "sshio" */
/* A child's name is "parent.name", its context "parent's, own"; without a name it has the parent's. Contexts are cut at
 * 127 bytes. */
sshio_logger *logger_new(sshio_logger *parent, const char *name, const char *context_format, ...)
    SSHIO_PRINTF(3, 4); /* NULL when out of memory */
sshio_logger *logger_child(sshio_logger *parent, const char *name,
                           const char *context); /* the same with a ready text; both may be NULL */
sshio_logger *logger_ref(sshio_logger *logger);
void logger_unref(sshio_logger *logger);

void log_error(sshio_logger *logger, const char *format, ...) SSHIO_PRINTF(2, 3);
void log_warning(sshio_logger *logger, const char *format, ...) SSHIO_PRINTF(2, 3);
void log_info(sshio_logger *logger, const char *format, ...) SSHIO_PRINTF(2, 3);
void log_debug(sshio_logger *logger, int debug_level, const char *format, ...) SSHIO_PRINTF(3, 4);
void log_dump(sshio_logger *logger, struct span data); /* hex and ASCII lines at debug level 3 */

/* Levels of the whole process; false = no such level, nothing changed. */
bool log_set_level(int level);
bool log_set_sftp_level(int level);
bool log_set_debug_level(int level);

/* Peer text made harmless for a log or a terminal: controls, marks that turn the writing direction, and bytes
 * that are not UTF-8 as \xNN; cut to size at the border of a character. Returns buffer. */
const char *log_escaped(struct span text, char *buffer, size_t size);

#endif
