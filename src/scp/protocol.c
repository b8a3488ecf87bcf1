/* The lines of the SCP protocol; see protocol.h. */
#include "scp/protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sshio/constants.h>

#include "base/log.h"

#define MODE_DIGITS_MIN 4u
#define MODE_DIGITS_MAX 7u
#define NUMBER_DIGITS_MAX 19u /* those of 2^63 */
#define FRACTION_MAX 999999u
#define MESSAGE_MAX 1024u

/* ---- reading ---- */

static int bad(struct error *e, const char *what, struct span line)
{
    char shown[256];
    return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s: \"%s\"", what,
                            log_escaped(line, shown, sizeof shown));
}

/* Digits of a base up to `end`, which is taken as well; end '\0' is the end of the line. */
static bool take_number(struct span *rest, unsigned base, char end, uint64_t *value, size_t *digits)
{
    uint64_t sum = 0;
    size_t at = 0;
    while (at < rest->len && rest->data[at] >= '0' && rest->data[at] < '0' + base && at < NUMBER_DIGITS_MAX)
        sum = sum * base + (rest->data[at++] - (unsigned)'0');
    bool ended = end == '\0' ? at == rest->len : at < rest->len && rest->data[at] == (uint8_t)end;
    if (at == 0 || !ended || sum > INT64_MAX)
        return false;
    size_t taken = at + (end != '\0');
    *rest = SPAN(rest->data + taken, rest->len - taken);
    *value = sum;
    *digits = at;
    return true;
}

bool scp_name_is_safe(struct span name)
{
    if (name.len == 0 || span_is(name, ".") || span_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '/' || name.data[i] == '\\' || name.data[i] == '\0' || name.data[i] == '\n')
            return false;
    return true;
}

static int parse_entry(struct span line, struct scp_line *parsed, struct error *e)
{
    struct span rest = SPAN(line.data + 1, line.len - 1);
    uint64_t mode = 0;
    size_t digits = 0, size_digits;
    bool valid = take_number(&rest, 8, ' ', &mode, &digits) && digits >= MODE_DIGITS_MIN && digits <= MODE_DIGITS_MAX &&
                 take_number(&rest, 10, ' ', &parsed->size, &size_digits);
    if (!valid)
        return bad(e, "Invalid copy or dir request", line);
    parsed->mode = (uint32_t)mode & SCP_MODE_MASK;
    parsed->name = rest;
    parsed->name_is_dot = parsed->kind == SCP_DIRECTORY && span_is(rest, ".");
    if (!parsed->name_is_dot && !scp_name_is_safe(rest))
        return bad(e, "Invalid filename", line);
    return 0;
}

static bool take_time(struct span *rest, char end, int64_t *seconds)
{
    uint64_t whole = 0, fraction = 0;
    size_t digits;
    if (!take_number(rest, 10, ' ', &whole, &digits) || !take_number(rest, 10, end, &fraction, &digits))
        return false;
    *seconds = (int64_t)whole;
    return fraction <= FRACTION_MAX;
}

static int parse_times(struct span line, struct scp_line *parsed, struct error *e)
{
    struct span rest = SPAN(line.data + 1, line.len - 1);
    bool valid = take_time(&rest, ' ', &parsed->mtime) && take_time(&rest, '\0', &parsed->atime);
    return valid ? 0 : bad(e, "Invalid time request", line);
}

static enum scp_kind kind_of(struct span line)
{
    uint8_t first = line.len != 0 ? line.data[0] : (uint8_t)'\n';
    switch (first) {
    case SCP_OK:
    case SCP_END:
        return line.len == 1 ? (enum scp_kind)first : SCP_OTHER;
    case SCP_WARNING:
    case SCP_FATAL:
    case SCP_FILE:
    case SCP_DIRECTORY:
    case SCP_TIMES:
        return (enum scp_kind)first;
    default:
        return SCP_OTHER;
    }
}

int scp_line_parse(struct span line, struct scp_line *parsed, struct error *e)
{
    struct scp_line found = { .kind = kind_of(line) };
    int rc = 0;
    if (found.kind == SCP_FILE || found.kind == SCP_DIRECTORY)
        rc = parse_entry(line, &found, e);
    else if (found.kind == SCP_TIMES)
        rc = parse_times(line, &found, e);
    else if (found.kind == SCP_WARNING || found.kind == SCP_FATAL)
        found.text = SPAN(line.data + 1, line.len - 1);
    else if (found.kind == SCP_OTHER)
        found.text = line;
    if (rc == 0)
        *parsed = found;
    return rc;
}

/* ---- writing ---- */

static void put_entry(struct writer *w, enum scp_kind kind, uint32_t mode, uint64_t size, const char *name)
{
    char head[64];
    if (strchr(name, '\n') != NULL) {
        w->failed = true;
        return;
    }
    snprintf(head, sizeof head, "%c%04o %" PRIu64 " ", (char)kind, mode & SCP_MODE_MASK, size);
    put_chars(w, head);
    put_chars(w, name);
    put_u8(w, '\n');
}

void scp_put_file(struct writer *w, uint32_t mode, uint64_t size, const char *name)
{
    put_entry(w, SCP_FILE, mode, size, name);
}

void scp_put_directory(struct writer *w, uint32_t mode, const char *name)
{
    put_entry(w, SCP_DIRECTORY, mode, 0, name);
}

void scp_put_end(struct writer *w)
{
    put_chars(w, "E\n");
}

static int64_t not_before_1970(int64_t seconds)
{
    return seconds > 0 ? seconds : 0;
}

void scp_put_times(struct writer *w, int64_t mtime, int64_t atime)
{
    char line[64];
    snprintf(line, sizeof line, "T%" PRId64 " 0 %" PRId64 " 0\n", not_before_1970(mtime), not_before_1970(atime));
    put_chars(w, line);
}

void scp_put_message(struct writer *w, enum scp_kind kind, const char *text)
{
    char shown[MESSAGE_MAX];
    put_u8(w, (uint8_t)kind);
    put_chars(w, "scp: ");
    put_chars(w, log_escaped(span_of(text), shown, sizeof shown));
    put_u8(w, '\n');
}
