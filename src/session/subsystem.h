/* Sessions that the library serves by itself. The table stands in the layer above all that serve, so that sessions know
 * nothing of them. */
#ifndef SSHIO_SESSION_SUBSYSTEM_H
#define SSHIO_SESSION_SUBSYSTEM_H

#include "session/chan.h"

struct own_subsystem {
    const char *name;    /* of a subsystem; NULL = none */
    const char *command; /* how commands begin; NULL = none */
    bool (*is_served)(const struct settings *settings);
    /* Takes the session over: its handlers, and its user; false = out of memory. The handlers that it had are told of
     * the end. */
    bool (*take)(sshio_chan *chan);
};

extern const struct own_subsystem own_subsystems[]; /* ends with is_served NULL */

#endif
