/* Public functions of authorized keys: arguments are checked, failures become the last error. */
#include "config/authorized_keys.h"

#include "conn/key_files.h"
#include "io/last_error.h"

/* A text without one usable line is most likely the wrong text. */
static int check_loaded(const sshio_authorized_keys *keys, struct error *e)
{
    if (authorized_keys_count(keys) != 0)
        return 0;
    const char *first = authorized_keys_refused(keys)[0];
    return error_set(e, SSHIO_EINVAL, "No valid entries found%s%s", first != NULL ? ": " : "", first != NULL ? first : "");
}

static int load(const sshio_source *source, sshio_authorized_keys **keys)
{
    sshio_authorized_keys *loaded = NULL;
    struct error e;

    error_init(&e);
    int rc = key_files_load_authorized_keys(source, &loaded, &e);
    if (rc == 0)
        rc = check_loaded(loaded, &e);
    if (rc == 0) {
        *keys = loaded;
    } else {
        authorized_keys_unref(loaded);
        fail_with(&e);
    }
    error_clear(&e);
    return rc;
}

int sshio_import_authorized_keys(const char *data, size_t len, sshio_authorized_keys **keys)
{
    if (keys == NULL || (data == NULL && len != 0))
        return fail(SSHIO_EINVAL, "import_authorized_keys: no text, or no place for the result");
    const sshio_source source = { .data = { data, len } };
    return load(&source, keys);
}

int sshio_read_authorized_keys(const char *const *files, sshio_authorized_keys **keys)
{
    if (keys == NULL || files == NULL)
        return fail(SSHIO_EINVAL, "read_authorized_keys: no files, or no place for the result");
    const sshio_source source = { .files = files };
    return load(&source, keys);
}

sshio_authorized_keys *sshio_authorized_keys_ref(sshio_authorized_keys *keys)
{
    return authorized_keys_ref(keys);
}

void sshio_authorized_keys_unref(sshio_authorized_keys *keys)
{
    authorized_keys_unref(keys);
}
