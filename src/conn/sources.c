/* See sources.h. Files are read on the worker pool, one after the other, and parsed by the caller: known_hosts files
 * are small. */
#include "conn/sources.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/authorized_keys.h"
#include "config/known_hosts.h"
#include "config/text_lines.h"
#include "io/last_error.h"
#include "io/worker.h"

static char *home_directory(void)
{
    const char *home = getenv("HOME");
    if (home != NULL && home[0] != '\0')
        return mem_strdup(home);
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return mem_strdup("/");
    return mem_strdup(found->pw_dir);
}

char *expand_home(const char *path)
{
    if (path[0] != '~' || (path[1] != '/' && path[1] != '\0'))
        return mem_strdup(path);
    char *home = home_directory();
    size_t size = home != NULL ? strlen(home) + strlen(path) : 0;
    char *expanded = home != NULL ? mem_alloc(size) : NULL;
    if (expanded != NULL)
        snprintf(expanded, size, "%s%s", home, path + 1);
    mem_free(home);
    return expanded;
}

/* What takes the text of one file. */
typedef int parse_fn(void *object, struct span text, const char *filename, struct error *e);

static int parse_file(const char *name, parse_fn *parse, void *object, struct error *e)
{
    uint8_t *data = NULL;
    size_t len = 0;
    char *path = expand_home(name);

    if (path == NULL)
        return error_nomem(e);
    int rc = worker_read_file(path, TEXT_FILE_MAX_LEN, &data, &len, e);
    if (rc == 0)
        rc = parse(object, SPAN(data, len), path, e);
    mem_free_secret(data, len);
    mem_free(path);
    return rc;
}

static int parse_source(const sshio_source *source, parse_fn *parse, void *object)
{
    struct error e;
    int rc = 0;

    error_init(&e);
    if (source->data.data != NULL)
        rc = parse(object, SPAN(source->data.data, source->data.len), NULL, &e);
    for (size_t i = 0; rc == 0 && source->files != NULL && source->files[i] != NULL; i++)
        rc = parse_file(source->files[i], parse, object, &e);
    if (rc != 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}

static int parse_known_hosts(void *object, struct span text, const char *filename, struct error *e)
{
    return known_hosts_parse(object, text, filename, e);
}

int source_known_hosts(const sshio_source *source, sshio_known_hosts **hosts)
{
    sshio_known_hosts *made = source->known_hosts != NULL ? known_hosts_ref(source->known_hosts) : known_hosts_new();
    if (made == NULL)
        return fail_nomem();
    int rc = source->known_hosts != NULL ? 0 : parse_source(source, parse_known_hosts, made);
    if (rc == 0)
        *hosts = made;
    else
        known_hosts_unref(made);
    return rc;
}

static int parse_authorized_keys(void *object, struct span text, const char *filename, struct error *e)
{
    return authorized_keys_parse(object, text, filename, e);
}

static void log_refused(const sshio_authorized_keys *keys)
{
    for (const char *const *line = authorized_keys_refused(keys); *line != NULL; line++)
        log_warning(log_base(), "authorized keys: %s", *line);
}

int source_authorized_keys(const sshio_source *source, sshio_authorized_keys **keys)
{
    bool is_loaded = source->authorized_keys != NULL;
    sshio_authorized_keys *made = is_loaded ? authorized_keys_ref(source->authorized_keys) : authorized_keys_new();
    if (made == NULL)
        return fail_nomem();
    int rc = is_loaded ? 0 : parse_source(source, parse_authorized_keys, made);
    if (rc != 0) {
        authorized_keys_unref(made);
        return rc;
    }
    if (!is_loaded)
        log_refused(made);
    *keys = made;
    return 0;
}
