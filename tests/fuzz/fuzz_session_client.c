/* A client from the version line on; see session.h. */
#include "fuzz.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_run(false, false, data, size);
    return 0;
}
