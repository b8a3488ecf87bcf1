/* Private keys as text: finds the first one and gives it to the reader of its format. A text that begins with a DER
 * sequence is taken for a key in DER. */
#include "key/types.h"

#include <string.h>

#include "base/der.h"
#include "key/openssh_file.h"
#include "key/pkcs8.h"

typedef int read_block_fn(const struct pem_block *block, sshio_key **key, struct error *e);

/* What stands before "PRIVATE KEY", and what is done about it. */
static const struct {
    const char *words;
    read_block_fn *read;
    const char *unsupported; /* the form's other name */
    sshio_error_detail detail;
} forms[] = {
    { .words = "OPENSSH", .read = openssh_file_read },
    { .words = "", .read = pkcs8_read_private_block },
    { .words = "ENCRYPTED", .unsupported = "encrypted PKCS#8", .detail = SSHIO_DETAIL_PASSPHRASE_REQUIRED },
    { .words = "RSA", .unsupported = "PKCS#1", .detail = SSHIO_DETAIL_UNSUPPORTED_TYPE },
    { .words = "EC", .unsupported = "SEC 1", .detail = SSHIO_DETAIL_UNSUPPORTED_TYPE },
};

static int read_block(const struct pem_block *block, sshio_key **key, struct error *e)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!span_is(block->words, forms[i].words))
            continue;
        if (forms[i].read != NULL)
            return forms[i].read(block, key, e);
        return key_import_error(
            e, forms[i].detail,
            "private keys in \"%s PRIVATE KEY\" form (%s) are not supported in this version; \"ssh-keygen -p -f FILE\" "
            "rewrites such a file",
            forms[i].words, forms[i].unsupported);
    }
    return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_TYPE,
                            "private keys in \"%.*s PRIVATE KEY\" form are not supported in this version",
                            (int)(block->words.len < 64 ? block->words.len : 64), (const char *)block->words.data);
}

/* A sequence, whole: no text begins like that by chance. */
static bool take_der(struct span text, struct span *der)
{
    struct reader r;
    reader_init(&r, text.data, text.len);
    read_der(&r, DER_SEQUENCE);
    *der = SPAN(text.data, text.len - reader_left(&r));
    return !reader_failed(&r);
}

static bool begins_with(struct span text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.data, start, len) == 0;
}

static int read_text_of_key(struct span text, sshio_key **key, struct error *e)
{
    struct pem_block block;
    struct span der;
    if (text.len > KEY_MAX_TEXT_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "a private key text of %zu bytes is too long", text.len);
    if (take_der(text, &der))
        return pkcs8_read_private(der, key, e);
    if (begins_with(text, "PuTTY-User-Key-File-"))
        return key_import_error(
            e, SSHIO_DETAIL_UNSUPPORTED_TYPE,
            "private keys in PuTTY's form (PPK) are not supported in this version; \"puttygen FILE -O "
            "private-openssh-new\" converts them");
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

int key_put_private_text(const sshio_key *key, sshio_key_format format, struct writer *w, struct error *e)
{
    if (!key->is_private)
        return error_set(e, SSHIO_EKEY_EXPORT, "a public %s key has no private half to export", key->type->name);
    switch (format) {
    case SSHIO_FORMAT_OPENSSH:
        return openssh_file_put(key, w, e);
    case SSHIO_FORMAT_PKCS8_DER:
    case SSHIO_FORMAT_PKCS8_PEM:
        return pkcs8_put_private(key, format == SSHIO_FORMAT_PKCS8_PEM, w, e);
    }
    return error_set(e, SSHIO_EKEY_EXPORT, "unknown private key format %d", (int)format);
}
