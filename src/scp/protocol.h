/* The lines of the SCP protocol, as rcp had them: what a source and a sink say to each other besides the bytes of
 * files.
 *
 *     C0644 1234 name     a file of 1234 bytes, which follow
 *     D0755 0 name        a directory: what comes next is in it
 *     E                   the end of that directory
 *     T1700000000 0 1700000001 0      modified and accessed, for the next C or D
 *     \0                  yes; \1 and \2 with a text: no, and no, and that was all
 *
 * Pure text to values and back; nothing here waits or knows a file. A name is one component, as it stands on the wire,
 * behind the mode and the size up to the end of the line. (OpenSSH scp.c; CVE-2018-20685) */
#ifndef SSHIO_SCP_PROTOCOL_H
#define SSHIO_SCP_PROTOCOL_H

#include "base/bytes.h"
#include "base/error.h"

#define SCP_LINE_MAX 4096u /* with its first byte, without the \n */
#define SCP_MODE_MASK 07777u

enum scp_kind {
    SCP_OK,
    SCP_WARNING = 1, /* something failed, the rest goes on */
    SCP_FATAL = 2,
    SCP_FILE = 'C',
    SCP_DIRECTORY = 'D',
    SCP_END = 'E',
    SCP_TIMES = 'T',
    SCP_OTHER = 0x100 /* none of these: the text of a shell, mostly */
};

struct scp_line {
    enum scp_kind kind;
    struct span text;     /* WARNING, FATAL, OTHER: what it says, without the \n */
    uint32_t mode;        /* FILE, DIRECTORY: permissions alone */
    uint64_t size;        /* FILE: bytes, below 2^63 */
    struct span name;     /* FILE, DIRECTORY: checked, but see name_is_dot */
    bool name_is_dot;     /* DIRECTORY: it is ".", which is legal in one place only */
    int64_t mtime, atime; /* TIMES: seconds since 1970 */
};

/* A line without its \n; the spans point into it. SSHIO_ESFTP_BAD_MESSAGE: it is one of the four and malformed, or has
 * a name that is none. */
int scp_line_parse(struct span line, struct scp_line *parsed, struct error *e);

/* One component of a path, and nothing that a system would take for more. */
bool scp_name_is_safe(struct span name);

/* Each puts a whole line with its \n. A name with a \n in it cannot be said: the writer fails. Of times before 1970
 * there are none. */
void scp_put_file(struct writer *w, uint32_t mode, uint64_t size, const char *name);
void scp_put_directory(struct writer *w, uint32_t mode, const char *name);
void scp_put_end(struct writer *w);
void scp_put_times(struct writer *w, int64_t mtime, int64_t atime);
/* "scp: text", escaped and cut so that it is one line. */
void scp_put_message(struct writer *w, enum scp_kind kind, const char *text);

#endif
