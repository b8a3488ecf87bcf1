/* Lines before and with the version. The first byte says which role reads them. */
#include "fuzz.h"

#include "engine/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool server = data[0] & 1;
    struct span rest = SPAN(data + 1, size - 1);
    for (;;) {
        struct version_line line = { .used = 0 };
        struct error error;
        error_init(&error);
        enum version_result result = version_read(rest, server, &limits_default, &line, &error);
        must((result == VERSION_BAD) == (error_code(&error) != 0));
        error_clear(&error);
        if (result == VERSION_FOUND)
            must(line.text.len <= VERSION_MAX_LEN && !span_has_nul(line.text));
        if (result != VERSION_TEXT)
            return 0;
        must(!server && line.used > 0 && line.used <= rest.len);
        rest = SPAN(rest.data + line.used, rest.len - line.used);
    }
}
