/* Public functions of authorized keys: arguments are checked, failures become the last error. */
#include "config/authorized_keys.h"

#include "conn/sources.h"
#include "io/last_error.h"

/* A text without one usable line is most likely the wrong text. */
static int load(const sshio_source *source, sshio_authorized_keys **keys)
{
    sshio_authorized_keys *loaded = NULL;
    int rc = source_authorized_keys(source, &loaded);
    if (rc != 0)
        return rc;
    if (authorized_keys_count(loaded) == 0) {
        const char *first = authorized_keys_refused(loaded)[0];
        rc = fail(SSHIO_EINVAL, "No valid entries found%s%s", first != NULL ? ": " : "", first != NULL ? first : "");
        authorized_keys_unref(loaded);
        return rc;
    }
    *keys = loaded;
    return 0;
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
