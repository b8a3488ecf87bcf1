/* A client during authentication: whatever the server sends, an answer is reported only to a request that is out, and
 * nobody is logged in by anything but the answer to one. */
#include "fuzz_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner o;
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, data, size);
    fuzz_engine_start(&o, false, size % 2 == 0 ? AUTH_SERVICE : AUTH_RUNNING);
    while (!engine_ended(o.e) && fuzz_next(&r, &record)) {
        if (record.operation >= FUZZ_LOCAL)
            owner_authenticate(&o, record.operation);
        else
            fuzz_receive(o.e, record.operation, record.bytes);
        fuzz_drop_output(o.e);
    }
    fuzz_engine_done(&o);
    return 0;
}
