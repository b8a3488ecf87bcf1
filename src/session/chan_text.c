/* The way of data through a channel's encoding; see encoding.h. What is not text in it ends that channel alone: it was
 * the program at the other end that wrote it. */
#include <sshio/constants.h>

#include "io/last_error.h"
#include "session/chan.h"

static unsigned slot_of(uint32_t datatype)
{
    return datatype == SSHIO_EXTENDED_DATA_STDERR ? 1 : 0;
}

/* ---- in ---- */

struct delivery {
    sshio_chan *chan;
    uint32_t datatype;
};

static void deliver(void *user, const void *text, size_t len)
{
    const struct delivery *d = user;
    sshio_chan *chan = d->chan;
    if (chan->handlers.data_received != NULL && conn_is_open(chan->conn))
        chan->handlers.data_received(chan, text, len, (int)d->datatype, chan->user);
}

static void fail_text(sshio_chan *chan, int rc)
{
    chan->text_failed = true;
    if (rc == SSHIO_ENOMEM)
        error_nomem(&chan->error);
    else
        error_set_reason(&chan->error, SSHIO_EPROTOCOL, SSHIO_DISC_PROTOCOL_ERROR,
                         "what was received is not text in the encoding %s", encoding_name(chan->encoding));
    sshio_chan_abort(chan);
}

static void decode(sshio_chan *chan, uint32_t datatype, struct span bytes, bool last)
{
    struct delivery d = { chan, datatype };
    if (chan->text_failed)
        return;
    int rc = encoding_decode(chan->encoding, slot_of(datatype), bytes, last, deliver, &d);
    if (rc != 0)
        fail_text(chan, rc);
}

void chan_text_received(sshio_chan *chan, uint32_t datatype, struct span bytes)
{
    decode(chan, datatype, bytes, false);
}

void chan_text_ended(sshio_chan *chan)
{
    decode(chan, 0, SPAN(NULL, 0), true);
    decode(chan, SSHIO_EXTENDED_DATA_STDERR, SPAN(NULL, 0), true);
}

/* ---- out ---- */

static void collect(void *user, const void *bytes, size_t len)
{
    put_bytes(user, bytes, len);
}

/* Bytes go to the channel only when all of the text could be converted. */
static int encode(sshio_chan *chan, int datatype, struct span text, bool last)
{
    struct writer bytes;
    writer_init(&bytes, SIZE_MAX);
    int rc = encoding_encode(chan->encoding, slot_of((uint32_t)datatype), text, last, collect, &bytes);
    if (rc == SSHIO_EDECODE)
        fail(rc, "what was written is not text that the encoding %s has", encoding_name(chan->encoding));
    else if (rc != 0 || writer_failed(&bytes))
        rc = fail_nomem();
    if (rc == 0)
        rc = chan_write_bytes(chan, writer_span(&bytes).data, writer_span(&bytes).len, datatype);
    writer_done(&bytes);
    return rc;
}

int chan_text_write(sshio_chan *chan, const void *text, size_t len, int datatype)
{
    struct span in = SPAN(text, len);
    if (len == 0 || encoding_passes(chan->encoding, slot_of((uint32_t)datatype), in))
        return chan_write_bytes(chan, text, len, datatype);
    int rc = chan_write_bytes(chan, text, 0, datatype); /* may it be written to at all? */
    return rc == 0 ? encode(chan, datatype, in, false) : rc;
}

void chan_text_finish(sshio_chan *chan)
{
    int types = chan->server ? 2 : 1;
    for (int type = 0; type < types; type++)
        if (encode(chan, type, SPAN(NULL, 0), true) != 0)
            log_warning(sshio_chan_logger(chan), "the end of what was written is no text: %s", sshio_error_message());
}

/* ---- choosing ---- */

int chan_use_encoding(sshio_chan *chan, const char *name, sshio_text_errors errors)
{
    struct encoding *before = chan->encoding, *enc = NULL;
    if (name != NULL && name != sshio_none && (enc = encoding_new(name, errors, last_error())) == NULL)
        return error_code(last_error());
    if (before != NULL && chan->ch != NULL) {
        chan_text_ended(chan);
        if (!chan->closing)
            chan_text_finish(chan);
    }
    chan->encoding = enc;
    encoding_unref(before);
    return 0;
}

int sshio_chan_set_encoding(sshio_chan *chan, const char *encoding, sshio_text_errors errors)
{
    return chan_use_encoding(chan, encoding, errors);
}

const char *sshio_chan_get_encoding(const sshio_chan *chan)
{
    return chan->encoding != NULL ? encoding_name(chan->encoding) : NULL;
}
