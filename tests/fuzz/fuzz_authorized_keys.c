/* authorized_keys: any text is parsed; a line gives at most one key or one refusal. */
#include "fuzz.h"

#include "config/authorized_keys.h"

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sshio_authorized_keys *keys = authorized_keys_new();

    if (keys != NULL && authorized_keys_parse(keys, SPAN(data, size), NULL, NULL) == 0) {
        size_t count = authorized_keys_count(keys);
        for (const char *const *refused = authorized_keys_refused(keys); *refused != NULL; refused++)
            count++;
        must(count <= count_lines(data, size) && !authorized_keys_find(keys, SPAN(data, size)));
    }
    authorized_keys_unref(keys);
    return 0;
}
