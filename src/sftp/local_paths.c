/* Texts of paths; nothing here looks at the file system. See local.h. */
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"

/* Adds the components of a path to a clean one, of which there is room enough. */
static size_t add_components(char *clean, size_t len, const char *path)
{
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (len > 0 && clean[--len] != '/')
                ;
        } else if (n != 0 && !(n == 1 && path[0] == '.')) {
            clean[len++] = '/';
            memcpy(clean + len, path, n);
            len += n;
        }
        path += n + (path[n] == '/');
    }
    return len;
}

int path_clean(const char *base, const char *path, char **clean)
{
    char *text = mem_alloc(strlen(base) + strlen(path) + 4);
    if (text == NULL)
        return fail_nomem();
    size_t len = path[0] == '/' ? 0 : add_components(text, 0, base);
    len = add_components(text, len, path);
    if (len == 0)
        text[len++] = '/';
    text[len] = '\0';
    *clean = text;
    return 0;
}

const char *path_below(const char *root, const char *path)
{
    size_t len = strlen(root);
    if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return NULL;
    return path + len;
}

int path_join(const char *front, const char *back, char **joined)
{
    size_t front_len = strlen(front), size = front_len + strlen(back) + 1;
    char *text = mem_alloc(size);
    if (text == NULL)
        return fail_nomem();
    memcpy(text, front, front_len);
    memcpy(text + front_len, back, size - front_len);
    *joined = text;
    return 0;
}

/* Below a root every path is seen from there, whatever it begins with. */
int local_map(const struct local *local, const char *path, char **mapped)
{
    char *clean;
    if (local->root < 0 && (path[0] == '/' || local->start_dir == NULL))
        return path_join(path[0] == '\0' ? "." : "", path, mapped);
    int rc = path_clean(local->start_dir != NULL ? local->start_dir : "/", path, &clean);
    if (rc != 0 || local->root < 0) {
        if (rc == 0)
            *mapped = clean;
        return rc;
    }
    rc = path_join(local->root_path, clean, mapped);
    mem_free(clean);
    return rc;
}

int local_reverse_map(const struct local *local, const char *path, char **mapped)
{
    if (local->root < 0)
        return path_join("", path, mapped);
    const char *below = path_below(local->root_path, path);
    if (below == NULL)
        return local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "File not found");
    return path_join(below[0] == '\0' ? "/" : "", below, mapped);
}
