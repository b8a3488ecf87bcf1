/* Names and paths; see path.h. */
#include "sftp/path.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

char *path_append(const char *path, const char *name)
{
    size_t len = strlen(path);
    if (len == 0 || name[0] == '/')
        return mem_strdup(name);
    const char *slash = path[len - 1] == '/' ? "" : "/";
    size_t size = len + strlen(slash) + strlen(name) + 1;
    char *whole = mem_alloc(size);
    if (whole != NULL)
        snprintf(whole, size, "%s%s%s", path, slash, name);
    return whole;
}

bool path_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return path_is_dots(name) ? name + strlen(name) : name;
}

bool path_name_is_safe(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && !path_is_dots(name);
}

bool path_entry_is_taken(const char *name, sshio_logger *logger)
{
    char shown[512];
    bool taken = path_name_is_safe(name);
    if (!taken && !path_is_dots(name))
        log_warning(logger, "Unsafe file name in directory listing: %s",
                    log_escaped(span_of(name), shown, sizeof shown));
    return taken;
}
