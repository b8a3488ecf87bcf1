/* Addresses that may not connect for a while, because of what happened on connections from there.
 *
 * Each failure adds time; an address is refused from when it has collected the least time until all of it has passed.
 * The table has a limit: when it is full, and nothing of it has passed, more addresses are not remembered. */
#ifndef SSHIO_TOOLS_PENALTIES_H
#define SSHIO_TOOLS_PENALTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum penalty {
    PENALTY_NO_LOGIN, /* went away without having tried to log in */
    PENALTY_REFUSED,  /* tried to log in, and did not get in */
    PENALTY_TOO_SLOW, /* did not log in within the time */
    PENALTY_COUNT,
};

/* Seconds. */
struct penalty_rules {
    double added[PENALTY_COUNT];
    double least, most;
    size_t max_addresses;
};

extern const struct penalty_rules penalty_rules_usual; /* those of OpenSSH */

/* "yes", "no", or "authfail:5 noauth:1 grace-exceeded:10 max:600 min:15", as values of PerSourcePenalties, NULL = not
 * set. False = it is none of this; *wrong is what is wrong then. */
bool penalty_rules_read(const char *const *values, struct penalty_rules *rules, bool *on, const char **wrong);

struct penalties;

struct penalties *penalties_new(uint64_t seed); /* of the hash of addresses; NULL = out of memory */
void penalties_free(struct penalties *penalties);

/* host: an address as text; those of the loopback are exempt. now: seconds of a clock that only goes forward. */
void penalties_add(struct penalties *penalties, const struct penalty_rules *rules, const char *host,
                   enum penalty penalty, double now);
bool penalties_refuse(struct penalties *penalties, const char *host, double now);
size_t penalties_count(const struct penalties *penalties);

#endif
