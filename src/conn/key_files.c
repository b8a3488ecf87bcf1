/* Private keys from what options name; see key_files.h. */
#include "conn/key_files.h"

#include "base/memory.h"
#include "conn/sources.h"
#include "io/worker.h"
#include "key/key.h"

#define KEY_FILE_MAX (1024u * 1024)

static int read_private(const char *name, sshio_key **key, struct error *e)
{
    uint8_t *data = NULL;
    size_t len = 0;
    char *path = expand_home(name);
    if (path == NULL)
        return error_nomem(e);
    int rc = worker_read_file(path, KEY_FILE_MAX, &data, &len, e);
    if (rc == 0)
        rc = key_from_private_text(SPAN(data, len), NULL, path, key, e);
    mem_free_secret(data, len);
    mem_free(path);
    return rc;
}

int key_files_load_private(const sshio_keyref *ref, sshio_key **key, struct error *e)
{
    if (ref->key != NULL && !sshio_key_is_private(ref->key))
        return error_set(e, SSHIO_EINVAL, "a private key is needed, but this %s key is a public one",
                         sshio_key_get_algorithm(ref->key));
    if (ref->key != NULL) {
        *key = sshio_key_ref(ref->key);
        return 0;
    }
    if (ref->data.data != NULL)
        return key_from_private_text(SPAN(ref->data.data, ref->data.len), NULL, NULL, key, e);
    return read_private(ref->file, key, e);
}

static bool is_set(const sshio_keyref *ref)
{
    return ref->file != NULL || ref->data.data != NULL || ref->key != NULL;
}

int key_files_load_list(const sshio_keyref *refs, sshio_key ***keys, struct error *e)
{
    size_t count = 0;
    while (refs != NULL && (const void *)refs != sshio_none && is_set(&refs[count]))
        count++;
    sshio_key **loaded = mem_array(count + 1, sizeof *loaded);
    if (loaded == NULL)
        return error_nomem(e);
    for (size_t i = 0; i < count; i++) {
        int rc = key_files_load_private(&refs[i], &loaded[i], e);
        if (rc != 0) {
            key_files_free(loaded);
            return rc;
        }
    }
    *keys = loaded;
    return 0;
}

void key_files_free(sshio_key **keys)
{
    for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
        sshio_key_unref(keys[i]);
    mem_free(keys);
}
