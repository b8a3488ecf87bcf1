/* A server during authentication: whatever comes, a verdict has been given before anybody is logged in, and no request
 * is shown that breaks what engine.h promises of it. */
#include "fuzz_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner o;
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, data, size);
    fuzz_engine_start(&o, true, size % 2 == 0 ? AUTH_SERVICE : AUTH_RUNNING);
    while (!engine_ended(o.e) && fuzz_next(&r, &record)) {
        if (record.operation >= FUZZ_LOCAL)
            owner_authenticate(&o, record.operation);
        else if (!engine_waiting(o.e))
            fuzz_receive(o.e, record.operation, record.bytes);
        must(engine_is_authenticated(o.e) == o.server.accepted || engine_ended(o.e));
        fuzz_drop_output(o.e);
    }
    fuzz_engine_done(&o);
    return 0;
}
