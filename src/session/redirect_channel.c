/* sshio_redirect_streams: both directions of one channel, joined with something else until it is over. */
#include <sshio/process.h>

#include "io/last_error.h"
#include "io/options.h"
#include "session/redirect.h"

static int join(sshio_reader *reader, sshio_writer *writer, const sshio_redirect_options *options, struct redirect **in,
                struct redirect **out)
{
    struct redirect_options o = redirect_options_of(options);
    int rc = redirect_reader(reader, &options->out, &o, out);
    return rc == 0 ? redirect_writer(writer, &options->in, &o, in) : rc;
}

int sshio_redirect_streams(sshio_reader *reader, sshio_writer *writer, const sshio_redirect_options *options)
{
    sshio_redirect_options known;
    struct redirect *in = NULL, *out = NULL;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    struct streams *s = reader->streams;
    if (writer->streams != s)
        return fail(SSHIO_EINVAL, "the reader and the writer are not of one channel");
    streams_hold(s);
    rc = join(reader, writer, &known, &in, &out);
    if (rc == 0)
        rc = redirect_wait(out);
    if (rc == 0)
        rc = sshio_chan_wait_closed(s->chan);
    if (rc == 0 && error_code(&s->chan->error) != 0)
        rc = fail_with(&s->chan->error);
    redirect_free(in);
    redirect_free(out);
    streams_release(s);
    return rc;
}
