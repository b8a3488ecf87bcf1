/* Byte counts ("2m512k"), time intervals ("1w2d3h") and points in time ("20301231", "+52w", "now").
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

#endif
