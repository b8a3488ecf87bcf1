/* Redirection: a descriptor as the source of a writer, or as the target of a reader. A duplicate is worked on, so that
 * the descriptor stays the caller's. Back-pressure goes through: a full channel stops the reading of the source, a slow
 * target pauses the channel. */
#ifndef SSHIO_SESSION_REDIRECT_H
#define SSHIO_SESSION_REDIRECT_H

#include "session/streams.h"

struct redirect;

/* 0, or an error that is recorded as the last one. The streams must outlive what they hand out. */
int redirect_source(sshio_writer *writer, const sshio_io *io, struct redirect **redirect);
int redirect_output(sshio_writer *writer, const sshio_io *io,
                    struct redirect **redirect); /* a source whose end is no EOF */
int redirect_target(sshio_reader *reader, const sshio_io *io, struct redirect **redirect);

int redirect_wait(struct redirect *r);  /* waits until a target has everything, or a source has ended; takes NULL */
void redirect_free(struct redirect *r); /* detaches at once; takes NULL */

#endif
