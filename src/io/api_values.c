/* The public functions over base that can fail: base knows no tasks, so their errors become the
 * last error here. */
#include <time.h>

#include <sshio/base.h>

#include "base/host_port.h"
#include "base/log.h"
#include "base/units.h"
#include "io/last_error.h"

/* ---- values as text ---- */

int sshio_parse_byte_count(const char *text, uint64_t *bytes)
{
    if (bytes == NULL)
        return fail(SSHIO_EINVAL, "sshio_parse_byte_count: no place for the result");
    return units_byte_count(text, bytes, last_error());
}

int sshio_parse_host(char *text, const char **host, const char **port)
{
    struct host_port parts;
    char shown[256];

    if (text == NULL || host == NULL || port == NULL)
        return fail(SSHIO_EINVAL, "sshio_parse_host: no text, or no place for the result");
    log_escaped(span_of(text), shown, sizeof shown);
    const char *wrong = host_port_cut(text, &parts);
    if (wrong != NULL)
        return fail(SSHIO_EINVAL, "\"%s\": %s", shown, wrong);
    *host = parts.host;
    *port = parts.port;
    return 0;
}

int sshio_parse_interval(const char *text, double *seconds)
{
    if (seconds == NULL)
        return fail(SSHIO_EINVAL, "sshio_parse_interval: no place for the result");
    return units_interval(text, seconds, last_error());
}

int sshio_parse_time(const char *text, int64_t *unix_time)
{
    if (unix_time == NULL)
        return fail(SSHIO_EINVAL, "sshio_parse_time: no place for the result");
    return units_time(text, time(NULL), unix_time, last_error());
}

/* ---- logging ---- */

int sshio_set_log_level(int level)
{
    if (!log_set_level(level))
        return fail(SSHIO_EINVAL, "Invalid log level: %d", level);
    return 0;
}

int sshio_set_sftp_log_level(int level)
{
    if (!log_set_sftp_level(level))
        return fail(SSHIO_EINVAL, "Invalid log level: %d", level);
    return 0;
}

int sshio_set_debug_level(int level)
{
    if (!log_set_debug_level(level))
        return fail(SSHIO_EINVAL, "Invalid debug level: %d is not between 1 and 3", level);
    return 0;
}

int sshio_logger_child(sshio_logger *logger, const char *name, const char *context, sshio_logger **child)
{
    if (child == NULL)
        return fail(SSHIO_EINVAL, "sshio_logger_child: no place for the result");
    sshio_logger *made = logger_child(logger, name, context);
    if (made == NULL)
        return fail_nomem();
    *child = made;
    return 0;
}
