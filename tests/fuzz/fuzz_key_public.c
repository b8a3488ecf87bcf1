/* Public keys: the input as text, and as a blob. A blob that is read must be the key's blob. */
#include "fuzz.h"

#include "key/key.h"

static void try_text(struct span text)
{
    sshio_key *key = NULL, *again = NULL;
    struct writer w;
    if (key_from_public_text(text, &key, NULL) != 0) {
        must(key == NULL);
        return;
    }
    writer_init(&w, 2 * KEY_MAX_TEXT_LEN);
    if (key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL) == 0 && w.len <= KEY_MAX_TEXT_LEN) {
        must(key_from_public_text(writer_span(&w), &again, NULL) == 0);
        must(sshio_key_equal(key, again));
        sshio_key_unref(again);
    }
    writer_reset(&w);
    must(key_put_public_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL) == 0);
    must(key_from_public_text(writer_span(&w), &again, NULL) == 0);
    must(sshio_key_equal(key, again));
    writer_done(&w);
    sshio_key_unref(key);
    sshio_key_unref(again);
}

static void try_blob(struct span blob)
{
    sshio_key *key = NULL;
    if (key_from_public_blob(blob, &key, NULL) == 0)
        must(span_equal(key_public_blob(key), blob));
    sshio_key_unref(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_text(SPAN(data, size));
    try_blob(SPAN(data, size));
    return 0;
}
