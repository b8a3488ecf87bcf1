/* What the tools say: on stderr or to the system log, never on stdout, which is data. Control characters, which a peer
 * may have put into a message, are shown as \xNN. */
#ifndef SSHIO_TOOLS_TALK_H
#define SSHIO_TOOLS_TALK_H

#include <stdbool.h>

#include <sshio.h>

void talk_as(const char *name);                       /* the prefix of what is said: "ssh"; NULL = none */
void talk_to_system_log(void);                        /* from now on */
bool talk_to_facility(const char *name);              /* likewise: "AUTH", "LOCAL3"; false = no such one */
bool talk_to_file(const char *path);                  /* likewise, at its end; false = it cannot be opened, see errno */
void talk_on_raw_terminal(bool raw);                  /* lines end with a carriage return too */
void say(const char *format, ...) SSHIO_PRINTF(1, 2); /* one line: line ends are escaped too */
void say_line(const char *text);                      /* without the prefix; may be several lines */
void say_line_about(const char *what, const char *file, int os_errno); /* "what file: reason" */

/* Sets up the library's log by a LogLevel of the config and the number of -v. quiet: information is said only from
 * VERBOSE on. */
void talk_set_log(const sshio_config *config, int verbose, bool quiet);
/* The same by the name of a LogLevel alone. */
bool talk_knows_level(const char *name);
void talk_set_level(const char *name);
bool talk_is_silenced(void); /* LogLevel QUIET or FATAL */
bool talk_tells_notes(void); /* LogLevel INFO or more: what is good to know */

/* Copies as much of a text as fits, with what is not printable escaped; line ends and tabs are left. */
void talk_escape(const char *text, char *out, size_t size);

#endif
