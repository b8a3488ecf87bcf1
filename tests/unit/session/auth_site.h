/* A server with every method of authentication, and a client with every handler, whose handlers say that they run: for
 * the tests of authentication from end to end.
 *
 * The server knows "guest", by any key, by the password "secret" ("old" has to be changed to "new", "weak" will not
 * do), and by the answers "blue", "1234" and then "yes"; "open", who is let in; and "trivial", who is greeted and let
 * in. */
#ifndef TESTS_AUTH_SITE_H
#define TESTS_AUTH_SITE_H

#include "session/run.h"

/* What happened, as names of handlers in their order. */
extern char client_story[1024], server_story[1024];
void tell(char *story, const char *word);

/* The handler of this name fails with SSHIO_ELIMIT and "<name> failed"; when waited is 1, it waits instead, with
 * waited 2, until something interrupts it, and that is in waited then. */
extern const char *failing;
extern int waited;

/* What a connection of the server that did not get in ended with; 0 = none yet, 1 = nothing. */
extern int server_error;
extern char server_message[256];

int auth_site_setup(void **state); /* for cmocka: nothing has happened */

extern const sshio_server_handlers all_methods, passwords_only;
void prepare_auth(struct loopback *l);      /* all methods */
void prepare_passwords(struct loopback *l); /* passwords only, which keyboard-interactive asks for too */

/* All handlers; the key handler gives the keys of .user one by one, the one for keyboard-interactive takes part once,
 * with the submethods "pam". */
extern const sshio_client_handlers all_handlers;

#define AUTH_SITE_KEYS 3
struct keys {
    sshio_key *keys[AUTH_SITE_KEYS];
    size_t next;
};

sshio_client_options client_options(struct loopback *l); /* "guest", no credentials; begins new stories */
void connect_expecting(const sshio_client_options *options, int expected); /* and closes again */

#endif
