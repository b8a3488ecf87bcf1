/* A whole session of one engine with a peer that says what the input says, from the version line on or from login on.
 *
 * The engine is whole, too: framing, key exchanges, compression and clocks run as they do in earnest, with the
 * algorithms of null_suite.h. What it sends is opened again, and held against what must never leave in which state. */
#ifndef SSHIO_TESTS_FUZZ_SESSION_H
#define SSHIO_TESTS_FUZZ_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Operations beside those of owner.h. What they do goes by the first byte, or by how many bytes there are. */
enum session_operation {
    SESSION_FIRST = 230,
    SESSION_SETUP = SESSION_FIRST, /* counts as the first record only: the bits below */
    SESSION_RAW,                   /* bytes of the peer as they are: its version, broken packets */
    SESSION_TIME,                  /* goes by: 250 ms a byte */
    SESSION_REKEY,
    SESSION_DECIDE,       /* what a question of the key exchange waits for */
    SESSION_AUTHENTICATE, /* owner_authenticate */
    SESSION_EXTRAS,       /* IGNORE, DEBUG, a banner, holding the input */
    SESSION_DISCONNECT,
    SESSION_STALL, /* an even number of bytes: what is sent stays; odd: it is taken */
    SESSION_DISTRUST,
    SESSION_LAST = SESSION_DISTRUST
};

#define SETUP_COMPRESS 0x01
#define SETUP_LATE 0x02  /* answers to questions of the key exchange */
#define SETUP_REKEY 0x04 /* after 2,000 bytes */
#define SETUP_TIGHT 0x08 /* limits */
#define SETUP_KEEPALIVE 0x10
#define SETUP_STRICT_ONLY 0x20

void session_run(bool server, bool logged_in, const uint8_t *data, size_t size);

#endif
