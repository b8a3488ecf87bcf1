/* How the tests of this folder run: each as the main task, with a loopback server that is up. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include "session/loopback.h"

typedef void (*loopback_fn)(struct loopback *l);

void run_with(loopback_fn test, loopback_fn prepare); /* prepare, which may be NULL, changes the server's options */

#endif
