/* Private keys as text: finds the first one and gives it to the reader of its format. */
#include "key/types.h"
#include "key/openssh_file.h"

static int read_block(const struct pem_block *block, sshio_key **key, struct error *e)
{
    if (span_is(block->words, "OPENSSH"))
        return openssh_file_read(block, key, e);
    return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_TYPE,
                            "private keys in \"%.*s%sPRIVATE KEY\" form are not supported in this version",
                            (int)(block->words.len < 64 ? block->words.len : 64), (const char *)block->words.data,
                            block->words.len != 0 ? " " : "");
}

static int read_text_of_key(struct span text, sshio_key **key, struct error *e)
{
    struct pem_block block;
    if (text.len > KEY_MAX_TEXT_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "a private key text of %zu bytes is too long", text.len);
    int rc = pem_find(text, "PRIVATE KEY", &block, e);
    if (rc == 0)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "invalid private key: there is none in the text");
    return rc < 0 ? rc : read_block(&block, key, e);
}

int key_error_name_file(int rc, const char *filename, struct error *e)
{
    struct error inner;
    if (e == NULL || filename == NULL || rc == SSHIO_ENOMEM)
        return rc;
    error_init(&inner);
    error_move(&inner, e);
    error_set_file(e, rc, filename, 0, "%s", error_message(&inner));
    e->pub.detail = inner.pub.detail;
    error_clear(&inner);
    return rc;
}

int key_from_private_text(struct span text, const char *passphrase, const char *filename, sshio_key **key,
                          struct error *e)
{
    sshio_key *made = NULL;
    (void)passphrase; /* for encrypted keys, which openssh_file.c refuses */
    int rc = read_text_of_key(text, &made, e);
    if (rc == 0)
        rc = key_set_filename(made, filename, e);
    if (rc != 0) {
        sshio_key_unref(made);
        return key_error_name_file(rc, filename, e);
    }
    *key = made;
    return 0;
}

int key_put_private_text(const sshio_key *key, struct writer *w, struct error *e)
{
    if (!key->is_private)
        return error_set(e, SSHIO_EKEY_EXPORT, "a public %s key has no private half to export", key->type->name);
    return openssh_file_put(key, w, e);
}
