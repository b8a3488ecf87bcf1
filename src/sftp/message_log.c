/* SFTP packets as text; see message_log.h. */
#include "sftp/message_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sftp/messages.h"

#define LINE_LEN 1024
#define HANDLE_SHOWN 16u /* octets */

/* The fields behind the id, a letter and a name each, as far as they are worth showing. "t": text or a path. "h": a
 * handle. "d": data, of which the length is shown. "n", "o": a number of 32 or 64 bits. "x": bits. "v": not behind an
 * id, but in its place. */
struct layout {
    uint8_t type;
    int first_version; /* the last row that fits counts */
    const char *fields;
};

static const struct layout layouts[] = {
    { FXP_INIT, 3, "vversion" },
    { FXP_VERSION, 3, "vversion" },
    { FXP_OPEN, 3, "tpath xflags" },
    { FXP_OPEN, 5, "tpath xaccess xflags" },
    { FXP_CLOSE, 3, "hhandle" },
    { FXP_READ, 3, "hhandle ooffset nlength" },
    { FXP_WRITE, 3, "hhandle ooffset ddata" },
    { FXP_LSTAT, 3, "tpath" },
    { FXP_FSTAT, 3, "hhandle" },
    { FXP_SETSTAT, 3, "tpath xvalid" },
    { FXP_FSETSTAT, 3, "hhandle xvalid" },
    { FXP_OPENDIR, 3, "tpath" },
    { FXP_READDIR, 3, "hhandle" },
    { FXP_REMOVE, 3, "tpath" },
    { FXP_MKDIR, 3, "tpath xvalid" },
    { FXP_RMDIR, 3, "tpath" },
    { FXP_REALPATH, 3, "tpath" },
    { FXP_STAT, 3, "tpath" },
    { FXP_RENAME, 3, "told tnew" },
    { FXP_RENAME, 5, "told tnew xflags" },
    { FXP_READLINK, 3, "tpath" },
    { FXP_SYMLINK, 3, "tfirst tsecond" },
    { FXP_LINK, 6, "tnew texisting" },
    { FXP_BLOCK, 6, "hhandle ooffset olength xmask" },
    { FXP_UNBLOCK, 6, "hhandle ooffset olength" },
    { FXP_STATUS, 3, "ncode tmessage" },
    { FXP_HANDLE, 3, "hhandle" },
    { FXP_DATA, 3, "ddata" },
    { FXP_NAME, 3, "ncount" },
    { FXP_ATTRS, 3, "xvalid" },
    { FXP_EXTENDED, 3, "trequest" },
    { FXP_EXTENDED_REPLY, 3, "" },
};

static const char *fields_of(uint8_t type, int version)
{
    const char *fields = "";
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].type == type && layouts[i].first_version <= version)
            fields = layouts[i].fields;
    return fields;
}

struct line {
    char text[LINE_LEN];
    size_t len;
};

static void SSHIO_PRINTF(2, 3) add(struct line *line, const char *format, ...)
{
    size_t left = LINE_LEN - line->len;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->len, left, format, args);
    va_end(args);
    line->len += (size_t)n < left ? (size_t)n : left - 1;
}

static void add_text(struct line *line, struct span text)
{
    char escaped[LINE_LEN / 4];
    add(line, "\"%s\"", log_escaped(text, escaped, sizeof escaped));
}

static void add_handle(struct line *line, struct span handle)
{
    for (size_t i = 0; i < handle.len && i < HANDLE_SHOWN; i++)
        add(line, "%02x", handle.data[i]);
    if (handle.len > HANDLE_SHOWN)
        add(line, "...");
}

static void add_value(struct line *line, char kind, struct reader *r)
{
    if (kind == 't')
        add_text(line, read_string(r));
    else if (kind == 'h')
        add_handle(line, read_string(r));
    else if (kind == 'o')
        add(line, "%" PRIu64, read_u64(r));
    else if (kind == 'd')
        add(line, "%" PRIu32 " bytes", read_u32(r));
    else
        add(line, kind == 'x' ? "%#" PRIx32 : "%" PRIu32, read_u32(r));
}

static void add_fields(struct line *line, const char *fields, struct reader *r)
{
    while (fields[0] != '\0' && reader_left(r) != 0 && !reader_failed(r)) {
        size_t len = strcspn(fields + 1, " ");
        add(line, ", %.*s ", (int)len, fields + 1);
        add_value(line, fields[0], r);
        fields += 1 + len + (fields[1 + len] == ' ');
    }
}

static void describe(struct line *line, int version, struct span head)
{
    struct reader r;
    reader_init(&r, head.data, head.len);
    uint8_t type = read_u8(&r);
    const char *fields = fields_of(type, version);
    add(line, "%s", sftp_message_name(type));
    if (fields[0] != 'v' && reader_left(&r) >= 4)
        add(line, ", id %" PRIu32, read_u32(&r));
    add_fields(line, fields, &r);
}

void message_log(sshio_logger *logger, bool sent, int version, struct span head, struct span data)
{
    struct line line = { .len = 0 };
    if (!log_enabled(logger, SSHIO_LOG_DEBUG, 1))
        return;
    describe(&line, version, head);
    if (log_enabled(logger, SSHIO_LOG_DEBUG, 2))
        log_debug(logger, 2, "%s %s: %zu bytes", sent ? "Sent" : "Received", line.text, head.len + data.len);
    else
        log_debug(logger, 1, "%s %s", sent ? "Sent" : "Received", line.text);
    log_dump(logger, head);
    log_dump(logger, data);
}
