/* Public functions of configurations: arguments are checked, failures become the last error. */
#include "config/config.h"

#include "io/last_error.h"

static int make(enum config_side side, sshio_config **config)
{
    if (config == NULL)
        return fail(SSHIO_EINVAL, "config_new: no place for the result");
    sshio_config *made = config_new(side);
    if (made == NULL)
        return fail_nomem();
    *config = made;
    return 0;
}

int sshio_config_new_client(sshio_config **config)
{
    return make(CONFIG_CLIENT, config);
}

int sshio_config_new_server(sshio_config **config)
{
    return make(CONFIG_SERVER, config);
}

int sshio_config_set(sshio_config *config, const char *assignment)
{
    static const struct config_where nowhere = { .filename = NULL };

    if (config == NULL || assignment == NULL)
        return fail(SSHIO_EINVAL, "config_set: no config, or no text");
    return config_set(config, span_of(assignment), &nowhere, last_error());
}

const char *const *sshio_config_get(const sshio_config *config, const char *keyword)
{
    enum keyword_id id;

    if (config == NULL || keyword == NULL || !keyword_find(span_of(keyword), config->side, &id) ||
        !config_is_set(config, id))
        return NULL;
    return config_texts(config, id);
}

void sshio_config_unref(sshio_config *config)
{
    config_free(config);
}
