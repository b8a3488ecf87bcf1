/* What a program does with connections, as scenes that are played from their begin to their end: for the test that
 * interrupts each of their waits. Each is written as a careful program would be: whatever a call says, what is held is
 * given back. */
#ifndef TESTS_SCENES_H
#define TESTS_SCENES_H

#include "session/run.h"

/* One of the two. In a task: 0; or why it did not come to its end. */
struct scene {
    const char *name;
    int (*play)(struct loopback *l);
    int (*on_connection)(sshio_conn *conn); /* which is there already, and given back afterwards */
    bool times_out;                         /* it is about a time limit, which may be faster than anything else */
};

const struct scene *scene_at(size_t number); /* NULL = there are no more */
int scene_play(const struct scene *scene, struct loopback *l);

/* The server of all scenes, before it starts: that of prepare_auth, with more to ask for. */
void scenes_prepare(struct loopback *l);

/* The options of who is let in without a login, and asked about the server's key. */
sshio_client_options scenes_client(struct loopback *l);
extern int scenes_port; /* the server's: where "here" leads to, for those who have no struct loopback */

/* The scene's own waits begin here; those before it are another scene's. By who plays. */
void scene_begins(void);

/* The end of a scene that is about a failure: 0 for that one. */
int scene_failed(int rc, int expected);

/* What a program that is run with these words does instead of its tests: it joins its stdin and stdout with a port
 * here. Exit status. */
#define SCENES_RELAY "relay"
int scenes_relay(const char *port);

/* The tables; each ends with an empty row. */
extern const struct scene connecting_scenes[], session_scenes[];

#endif
