/* Lines of configurations: the first byte chooses client or server, each line is set; getters must then hold. */
#include "fuzz.h"

#include "config/config.h"
#include "config/text_lines.h"

static void check(const sshio_config *config)
{
    int64_t port = config_number(config, KEYWORD_PORT, 22);

    must(port >= 1 && port <= 65535);
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        const char *const *values = config_texts(config, (enum keyword_id)i);
        bool is_set = config_is_set(config, (enum keyword_id)i);
        must(values[0] == NULL || is_set);
        must(!is_set || (keyword_at((enum keyword_id)i)->sides & config->side) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config_where where = { .filename = "fuzz", .line = 1 };
    struct text_lines lines;
    struct span line;

    if (size == 0)
        return 0;
    sshio_config *config = config_new((data[0] & 1) != 0 ? CONFIG_CLIENT : CONFIG_SERVER);
    if (config == NULL)
        return 0;
    text_lines_init(&lines, SPAN(data + 1, size - 1));
    while (text_lines_next(&lines, &line))
        config_set(config, line, &where, NULL);
    check(config);
    config_unref(config);
    return 0;
}
