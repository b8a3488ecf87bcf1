/* Byte counts ("2m512k"), time intervals ("1w2d3h"), points in time ("20301231", "+52w", "now"), and limits of startups
 * ("10:30:100").
 * The public functions sshio_parse_… are these. */
#ifndef SSHIO_BASE_UNITS_H
#define SSHIO_BASE_UNITS_H

#include <stdint.h>

#include "base/error.h"

int units_byte_count(const char *text, uint64_t *bytes, struct error *e);
int units_interval(const char *text, double *seconds, struct error *e);
int units_time(const char *text, int64_t now, int64_t *unix_time, struct error *e);
int units_int(const char *text, int64_t min, int64_t max, int64_t *value,
              struct error *e); /* a decimal number and nothing else */

/* How many connections may be on their way to a login: below begin all are taken, from full on none, and in between
 * one is refused with a chance that grows from percent to 100. */
struct startups {
    uint32_t begin, percent, full;
};

/* "10:30:100", or one number for both ends: 1 ≤ begin ≤ full, and 1 to 100 percent. */
int units_startups(const char *text, struct startups *startups, struct error *e);
/* The chance, in percent, with which the next one is refused when there are count of them. */
uint32_t startups_chance(const struct startups *startups, uint32_t count);

#endif
