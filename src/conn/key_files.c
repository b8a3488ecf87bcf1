/* Keys and host lists from options; see key_files.h. */
#include "conn/key_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/authorized_keys.h"
#include "config/known_hosts.h"
#include "io/worker.h"
#include "key/key.h"

char *key_files_expand(const char *name)
{
    const char *home = getenv("HOME");
    if (name[0] != '~' || (name[1] != '/' && name[1] != '\0') || home == NULL)
        return mem_strdup(name);
    size_t size = strlen(home) + strlen(name);
    char *path = mem_alloc(size);
    if (path == NULL)
        return NULL;
    memcpy(path, home, strlen(home));
    memcpy(path + strlen(home), name + 1, strlen(name));
    return path;
}

/* Does something with the contents of a file; they are wiped afterwards. */
typedef int (*contents_fn)(struct span text, const char *path, void *to, struct error *e);

static int with_file(const char *name, size_t max, contents_fn use, void *to, struct error *e)
{
    uint8_t *data = NULL;
    size_t len = 0;
    char *path = key_files_expand(name);
    if (path == NULL)
        return error_nomem(e);
    int rc = worker_read_file(path, max, &data, &len, e);
    if (rc == 0)
        rc = use(SPAN(data, len), path, to, e);
    mem_free_secret(data, len);
    mem_free(path);
    return rc;
}

static int import_private(struct span text, const char *path, void *to, struct error *e)
{
    return key_from_private_text(text, NULL, path, to, e);
}

int key_files_load_private(const sshio_keyref *ref, sshio_key **key, struct error *e)
{
    if (ref->key != NULL) {
        if (!sshio_key_is_private(ref->key))
            return error_set(e, SSHIO_EINVAL, "a private key is needed, but this %s key is a public one",
                             sshio_key_get_algorithm(ref->key));
        *key = sshio_key_ref(ref->key);
        return 0;
    }
    if (ref->data.data != NULL)
        return import_private(SPAN(ref->data.data, ref->data.len), NULL, key, e);
    return with_file(ref->file, KEY_FILE_MAX, import_private, key, e);
}

static int add_known_hosts(struct span text, const char *path, void *to, struct error *e)
{
    return known_hosts_parse(to, text, path, e);
}

static int add_authorized_keys(struct span text, const char *path, void *to, struct error *e)
{
    return authorized_keys_parse(to, text, path, e);
}

/* Files and text of a source, one after the other. */
static int add_source(const sshio_source *source, contents_fn add, void *to, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && source->files != NULL && source->files[i] != NULL; i++)
        rc = with_file(source->files[i], LIST_FILE_MAX, add, to, e);
    if (rc == 0 && source->data.data != NULL)
        rc = add(SPAN(source->data.data, source->data.len), NULL, to, e);
    return rc;
}

int key_files_load_known_hosts(const sshio_source *source, sshio_known_hosts **hosts, struct error *e)
{
    if (source->known_hosts != NULL) {
        *hosts = known_hosts_ref(source->known_hosts);
        return 0;
    }
    sshio_known_hosts *loaded = known_hosts_new();
    if (loaded == NULL)
        return error_nomem(e);
    int rc = add_source(source, add_known_hosts, loaded, e);
    if (rc == 0)
        *hosts = loaded;
    else
        known_hosts_unref(loaded);
    return rc;
}

static void log_refused(const sshio_authorized_keys *keys)
{
    const char *const *refused = authorized_keys_refused(keys);
    for (size_t i = 0; refused[i] != NULL; i++)
        log_warning(log_base(), "authorized keys: %s", refused[i]);
}

int key_files_load_authorized_keys(const sshio_source *source, sshio_authorized_keys **keys, struct error *e)
{
    if (source->authorized_keys != NULL) {
        *keys = authorized_keys_ref(source->authorized_keys);
        return 0;
    }
    sshio_authorized_keys *loaded = authorized_keys_new();
    if (loaded == NULL)
        return error_nomem(e);
    int rc = add_source(source, add_authorized_keys, loaded, e);
    if (rc == 0) {
        log_refused(loaded);
        *keys = loaded;
    } else {
        authorized_keys_unref(loaded);
    }
    return rc;
}
