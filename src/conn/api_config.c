/* Public functions of configurations: arguments are checked, failures become the last error. */
#include "conn/config_dump.h"
#include "conn/config_load.h"
#include "io/completion.h"
#include "io/last_error.h"
#include "io/options.h"

void sshio_config_query_init(sshio_config_query *query)
{
    OPTIONS_TAKE(query, NULL);
}

static int load(enum config_side side, const sshio_source *files, const sshio_config_query *query,
                sshio_config **config)
{
    static const sshio_source nothing = { .files = NULL };
    sshio_config_query known;
    int rc = completion_can_wait();

    if (rc == 0)
        rc = OPTIONS_TAKE(&known, query);
    if (rc != 0)
        return rc;
    if (config == NULL || (const void *)files == sshio_none)
        return fail(SSHIO_EINVAL, "load_config: no place for the result, or no source");
    return config_load(side, files != NULL ? files : &nothing, &known, config, last_error());
}

int sshio_load_client_config(const sshio_source *files, const sshio_config_query *query, sshio_config **config)
{
    return load(CONFIG_CLIENT, files, query, config);
}

int sshio_load_server_config(const sshio_source *files, const sshio_config_query *query, sshio_config **config)
{
    return load(CONFIG_SERVER, files, query, config);
}

const char *const *sshio_config_get(const sshio_config *config, const char *keyword)
{
    enum keyword_id id;

    if (config == NULL || keyword == NULL || !keyword_find(span_of(keyword), config->side, &id) ||
        !config_is_set(config, id))
        return NULL;
    return config_texts(config, id);
}

int sshio_config_dump(const sshio_config *config, sshio_bytes *text)
{
    if (config == NULL || text == NULL)
        return fail(SSHIO_EINVAL, "config_dump: no config, or no place for the result");
    return config_dump(config, text, last_error());
}

void sshio_config_unref(sshio_config *config)
{
    config_unref(config);
}
