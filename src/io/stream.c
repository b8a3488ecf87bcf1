/* Streams as their users call them; what they are made of stands behind stream_ops. */
#include "io/stream.h"

void stream_read_start(struct stream *s)
{
    s->ops->read_start(s);
}

void stream_read_stop(struct stream *s)
{
    s->ops->read_stop(s);
}

void stream_read_again(struct stream *s)
{
    s->ops->again(s);
}

void stream_want_write(struct stream *s)
{
    s->ops->want_write(s);
}

void stream_flush(struct stream *s)
{
    s->ops->flush(s);
}

void stream_shutdown(struct stream *s)
{
    s->ops->shutdown(s);
}

void stream_close(struct stream *s)
{
    s->ops->close(s);
}

static void nobody_told(void *owner)
{
    (void)owner;
}

void stream_drop(struct stream *s)
{
    static const struct stream_events nobody = { .closed = nobody_told };
    stream_set_owner(s, &nobody, NULL);
    stream_close(s);
}

int stream_names(struct stream *s, struct sshio_address *local, struct sshio_address *peer, char *texts)
{
    return s->ops->names(s, local, peer, texts, STREAM_NAMES_SIZE);
}
