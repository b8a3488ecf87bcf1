/* Lines, answers and bytes of SCP over a stream; see wire.h. */
#include "scp/wire.h"

#include <string.h>

#include <sshio/constants.h>

#include "base/log.h"
#include "io/last_error.h"

void wire_init(struct scp_wire *w)
{
    *w = (struct scp_wire){ .context = NULL };
}

int wire_lost(struct scp_wire *w)
{
    char shown[512];
    if (w->context == NULL || w->context[0] == '\0')
        return error_set_reason(last_error(), SSHIO_ESFTP_CONNECTION_LOST, SSHIO_FX_CONNECTION_LOST, "Connection lost");
    return error_set_reason(last_error(), SSHIO_ESFTP_CONNECTION_LOST, SSHIO_FX_CONNECTION_LOST, "Connection lost: %s",
                            log_escaped(span_of(w->context), shown, sizeof shown));
}

int wire_fail_told(struct scp_wire *w, struct span text)
{
    char shown[1024];
    (void)w;
    return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s",
                            log_escaped(text, shown, sizeof shown));
}

/* ---- reading ---- */

/* More bytes behind those that are there. */
static int fill(struct scp_wire *w)
{
    size_t got = 0;
    memmove(w->buffer, w->buffer + w->at, w->len);
    w->at = 0;
    int rc = w->read(w, w->buffer + w->len, sizeof w->buffer - w->len, &got);
    if (rc == 0)
        w->len += got;
    return rc;
}

static struct span take(struct scp_wire *w, size_t len)
{
    struct span taken = SPAN(w->buffer + w->at, len);
    w->at += len;
    w->len -= len;
    return taken;
}

/* Yes is a byte alone, everything else a line. The end of the stream ends the last line too. */
int wire_read_line(struct scp_wire *w, struct span *line)
{
    for (;;) {
        const uint8_t *start = w->buffer + w->at;
        const uint8_t *end = w->len != 0 ? memchr(start, '\n', w->len) : NULL;
        if (w->len != 0 && start[0] == SCP_OK) {
            *line = take(w, 1);
            return 0;
        }
        if (end != NULL) {
            *line = take(w, (size_t)(end - start) + 1);
            line->len--;
            return 0;
        }
        if (w->len == sizeof w->buffer)
            return error_set_reason(last_error(), SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                                    "Line of more than %u bytes", SCP_LINE_MAX);
        int rc = fill(w);
        if (rc == SSHIO_EEOF && w->len != 0) {
            *line = take(w, w->len);
            return 0;
        }
        if (rc != 0)
            return rc;
    }
}

int wire_read_data(struct scp_wire *w, void *buffer, size_t size)
{
    size_t have = w->len < size ? w->len : size;
    if (have != 0)
        memcpy(buffer, take(w, have).data, have);
    while (have < size) {
        size_t got = 0;
        int rc = w->read(w, (uint8_t *)buffer + have, size - have, &got);
        if (rc != 0)
            return rc == SSHIO_EEOF ? wire_lost(w) : rc;
        have += got;
    }
    return 0;
}

int wire_read_answer(struct scp_wire *w)
{
    struct span line;
    int rc = wire_read_line(w, &line);
    if (rc != 0)
        return rc == SSHIO_EEOF ? wire_lost(w) : rc;
    if (line.len != 0 && line.data[0] == SCP_OK)
        return 0;
    bool warning = line.len != 0 && line.data[0] == SCP_WARNING;
    bool framed = warning || (line.len != 0 && line.data[0] == SCP_FATAL);
    rc = wire_fail_told(w, framed ? SPAN(line.data + 1, line.len - 1) : line);
    return warning ? SCP_REFUSED : rc;
}

/* ---- writing ---- */

int wire_answer_ok(struct scp_wire *w)
{
    return w->write(w, "\0", 1);
}

int wire_answer(struct scp_wire *w, enum scp_kind kind, const char *text)
{
    struct writer line;
    writer_init(&line, SCP_LINE_MAX + 1);
    scp_put_message(&line, kind, text);
    return wire_send(w, &line);
}

int wire_send(struct scp_wire *w, struct writer *line)
{
    int rc = writer_failed(line) ? error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE,
                                                    "Invalid filename: it does not fit into a line")
                                 : w->write(w, line->data, line->len);
    writer_done(line);
    return rc;
}
