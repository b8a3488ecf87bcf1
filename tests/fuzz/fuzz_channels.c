/* The connection protocol after login: messages of the peer and doings of the application in any order. */
#include "fuzz_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct owner o;
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, bytes, size);
    fuzz_engine_start(&o, size % 2 == 0, AUTH_DONE);
    while (!engine_ended(o.e) && fuzz_next(&r, &record)) {
        if (record.operation >= FUZZ_LOCAL)
            owner_act(&o, record.operation, record.bytes);
        else
            fuzz_receive(o.e, record.operation, record.bytes);
        owner_check(&o);
        if (record.bytes.len % 4 != 3)
            fuzz_drop_output(o.e);
    }
    fuzz_engine_done(&o);
    return 0;
}
