/* The default limits; see limits.h. */
#include "base/limits.h"

#define LIMITS_VALUE(field, type, value, meaning) .field = (value),
const struct limits limits_default = { LIMITS(LIMITS_VALUE) };
