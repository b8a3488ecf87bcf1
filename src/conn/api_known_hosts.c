/* Public functions of known hosts: arguments are checked, failures become the last error. */
#include "config/known_hosts.h"

#include "conn/sources.h"
#include "io/last_error.h"

int sshio_import_known_hosts(const char *data, size_t len, sshio_known_hosts **hosts)
{
    if (hosts == NULL || (data == NULL && len != 0))
        return fail(SSHIO_EINVAL, "import_known_hosts: no text, or no place for the result");
    const sshio_source source = { .data = { data, len } };
    return source_known_hosts(&source, hosts);
}

int sshio_read_known_hosts(const char *const *files, sshio_known_hosts **hosts)
{
    if (hosts == NULL || files == NULL)
        return fail(SSHIO_EINVAL, "read_known_hosts: no files, or no place for the result");
    const sshio_source source = { .files = files };
    return source_known_hosts(&source, hosts);
}

sshio_known_hosts *sshio_known_hosts_ref(sshio_known_hosts *hosts)
{
    return known_hosts_ref(hosts);
}

void sshio_known_hosts_unref(sshio_known_hosts *hosts)
{
    known_hosts_unref(hosts);
}

sshio_host_status sshio_known_hosts_status(const sshio_known_hosts *hosts, const char *host, const char *addr, int port,
                                           const sshio_key *key)
{
    const struct host_query query = { .host = host, .addr = addr, .port = port };

    if (hosts == NULL || key == NULL || port < 0)
        return SSHIO_HOST_UNKNOWN;
    return known_hosts_match(hosts, &query, key, NULL);
}
