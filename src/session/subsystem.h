/* Subsystems that the library serves by itself. The table stands in the layer above, so that sessions know nothing of
 * it. */
#ifndef SSHIO_SESSION_SUBSYSTEM_H
#define SSHIO_SESSION_SUBSYSTEM_H

#include "session/chan.h"

struct own_subsystem {
    const char *name;
    bool (*is_served)(const struct settings *settings);
    /* Takes the session over: its handlers, and its user; false = out of memory. The handlers that it had are told of
     * the end. */
    bool (*take)(sshio_chan *chan);
};

extern const struct own_subsystem own_subsystems[]; /* ends with name NULL */

#endif
