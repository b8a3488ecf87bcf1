/* A server that is logged in; see session.h. */
#include "fuzz.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_run(true, true, data, size);
    return 0;
}
