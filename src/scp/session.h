/* A remote "scp -t" or "scp -f" on a session of its own, or wherever the application has started it, as the wire of a
 * job. */
#ifndef SSHIO_SCP_SESSION_H
#define SSHIO_SCP_SESSION_H

#include "scp/command.h"
#include "scp/pipes.h"
#include "scp/wire.h"
#include "session/streams.h"

#define SESSION_COMPLAINT 512u /* bytes of what the remote program says besides that are kept */

struct scp_session {
    struct scp_wire wire;
    struct scp_pipes *pipes; /* of the application; NULL = what follows is used */
    sshio_writer *in;
    sshio_reader *out, *err;
    struct reader_sink sink; /* of err */
    size_t complaint_len;
    char complaint[SESSION_COMPLAINT + 1];
};

/* Waits: starts it. As sshio_open_session, or .start of the path. The session does not move afterwards. */
int scp_session_open(struct scp_session *s, const sshio_scp_path *path, const struct scp_command *command,
                     sshio_scp_quoting quoting);
/* Ends it, and does not wait; at_once: without what is still queued. Nothing if it is not open. */
void scp_session_close(struct scp_session *s, bool at_once);

/* The bytes of a wire over streams, for whoever has them. */
int scp_stream_read(sshio_reader *reader, void *buffer, size_t size, size_t *got);
int scp_stream_write(sshio_writer *writer, const void *data, size_t len);

#endif
