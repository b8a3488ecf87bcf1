/* Texts of configurations: the first byte chooses client or server; getters must hold whatever was read. */
#include "fuzz.h"

#include "config/config_file.h"

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

/* Every included file is the input again, so that nesting ends at its limit. */
static int include(struct config_reader *r, const char *pattern, struct error *e)
{
    (void)pattern;
    return config_read(r, *(const struct span *)r->world, "included", e);
}

static const char *no_variable(const char *name)
{
    (void)name;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config_subject subject = { .host = "host", .local_user = "me" };
    static const struct token_values tokens = { .letters = { ['h'] = "host", ['n'] = "host" }, .env = no_variable };

    if (size == 0 || size > 1024)
        return 0;
    struct span text = SPAN(data + 1, size - 1);
    sshio_config *config = config_new((data[0] & 1) != 0 ? CONFIG_CLIENT : CONFIG_SERVER);
    if (config == NULL)
        return 0;
    struct config_reader reader = {
        .config = config,
        .subject = &subject,
        .tokens = &tokens,
        .include = include,
        .world = &text,
    };
    config->strict = (data[0] & 2) != 0;
    if (config_read(&reader, text, NULL, NULL) == 0)
        config_expand(config, &tokens, NULL);
    check(config);
    config_unref(config);
    return 0;
}
