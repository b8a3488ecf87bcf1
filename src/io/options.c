/* Option structs of callers; see options.h. */
#include "io/options.h"

#include <string.h>

#include <sshio/base.h>

#include "io/last_error.h"

int options_take(void *to, size_t size, const void *options)
{
    size_t given = size;
    memset(to, 0, size);
    if (options != NULL) {
        memcpy(&given, options, sizeof given);
        if (given < sizeof given)
            return fail(SSHIO_EINVAL,
                        "options without a size: they are made by their macro, or set up by their _init function");
        memcpy(to, options, given < size ? given : size);
    }
    memcpy(to, &size, sizeof size);
    return 0;
}
