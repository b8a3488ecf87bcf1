/* The application above an engine, for targets that drive one: it holds channels, logs in or lets log in, and does what
 * records say. What the engine promises its owner is checked in every event.
 *
 * A record is an operation (one octet), the length of its bytes (two octets) and the bytes. Operations below FUZZ_LOCAL
 * are messages of that number from the peer; the others are things that the application does. */
#ifndef SSHIO_TESTS_FUZZ_OWNER_H
#define SSHIO_TESTS_FUZZ_OWNER_H

#include <string.h>

#include "engine/internal.h"
#include "fuzz.h"

#define FUZZ_LOCAL 200
#define SLOTS 8

struct fuzz_record {
    uint8_t operation;
    struct span bytes;
};

static inline bool fuzz_next(struct reader *r, struct fuzz_record *record)
{
    if (reader_left(r) < 3)
        return false;
    record->operation = read_u8(r);
    size_t len = (size_t)read_u8(r) << 8;
    len |= read_u8(r);
    record->bytes = read_bytes(r, len < reader_left(r) ? len : reader_left(r));
    return true;
}

/* A channel that the application holds. */
struct slot {
    struct owner *owner;
    struct channel *ch; /* NULL = free */
    bool request_open;
};

struct owner {
    struct engine *e;
    struct slot slots[SLOTS];
    struct channel *undecided[SLOTS];
    bool global_open;
    uint8_t mood; /* what events of channels do, from the last record */
    struct {
        bool pending, query, kbdint;
        bool challenged, logged_in;
        size_t prompts;
    } client;
    struct {
        bool accepted, open;
        bool asked;     /* the last verdict was a challenge … */
        size_t prompts; /* … with so many prompts */
    } server;
    bool late;     /* questions of the key exchange wait for owner_decide_exchange */
    bool distrust; /* of host keys */
    bool has_ended;
};

extern const struct engine_events owner_events;

/* For all runs of a program: their blocks are large, and making them would take most of the time. */
struct engine_buffers *owner_buffers(void);

void owner_init(struct owner *o);
void owner_done(struct owner *o); /* after the end of the connection */

/* Channels and global requests: operation - FUZZ_LOCAL says what. */
void owner_act(struct owner *o, uint8_t operation, struct span bytes);
/* The next request of a client, or the verdict of a server. */
void owner_authenticate(struct owner *o, uint8_t operation);
void owner_decide_exchange(struct owner *o);

void owner_check(const struct owner *o); /* after each record */

/* For owner.c: the events of authentication. */
void owner_auth_ready(void *owner);
void owner_auth_failed(void *owner, struct span methods, bool partial_success);
void owner_auth_key_accepted(void *owner, struct span alg, struct span blob);
void owner_auth_password_change(void *owner, struct span prompt, struct span lang);
void owner_auth_challenged(void *owner, const struct auth_challenge *challenge);
void owner_auth_banner(void *owner, struct span msg, struct span lang);
void owner_auth_requested(void *owner, const struct auth_request *request);
void owner_authenticated(void *owner);

#endif
