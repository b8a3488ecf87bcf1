/* Private key texts: the input as it is, which may be DER, and as the bytes inside an OpenSSH block, which the fuzzer
 * would not find through base64. What is read must be written and read back as the same key. */
#include "fuzz.h"

#include "base/base64.h"
#include "key/key.h"

static void check_round_trip(const sshio_key *key, sshio_key_format format)
{
    sshio_key *again = NULL;
    struct writer w;
    writer_init(&w, KEY_MAX_TEXT_LEN);
    must(key_put_private_text(key, format, &w, NULL) == 0);
    must(key_from_private_text(writer_span(&w), NULL, NULL, &again, NULL) == 0);
    must(sshio_key_equal(key, again));
    writer_done(&w);
    sshio_key_unref(again);
}

static void try_text(struct span text)
{
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    int rc = key_from_private_text(text, NULL, "file", &key, &e);
    must((rc == 0) == (key != NULL));
    must(rc == error_code(&e));
    if (key != NULL && text.len < KEY_MAX_TEXT_LEN / 4) {
        check_round_trip(key, SSHIO_FORMAT_OPENSSH);
        check_round_trip(key, SSHIO_FORMAT_PKCS8_PEM);
    }
    sshio_key_unref(key);
    error_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct writer w;
    try_text(SPAN(data, size));
    writer_init(&w, KEY_MAX_TEXT_LEN);
    put_chars(&w, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    put_base64(&w, SPAN(data, size), true, 70);
    put_chars(&w, "-----END OPENSSH PRIVATE KEY-----\n");
    if (!writer_failed(&w))
        try_text(writer_span(&w));
    writer_done(&w);
    return 0;
}
