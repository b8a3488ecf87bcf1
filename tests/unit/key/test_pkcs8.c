/* PKCS#8 (RFC 5208, RFC 5958, RFC 8410): envelopes that are read, and those that are refused. */
#include "vectors.h"

#include "base/base64.h"
#include "base/memory.h"
#include "fixtures.h"

static int import(const char *text, sshio_key **key, struct error *e)
{
    return key_from_private_text(span_of(text), NULL, NULL, key, e);
}

/* ---- RFC 8410 10.1 and 10.3 ---- */

static const char rfc8410_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                     "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                     "-----END PUBLIC KEY-----\n";

static const char rfc8410_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                      "-----END PRIVATE KEY-----\n";

/* Version 1, with an attribute and the public key. */
static const char rfc8410_version_1[] = "-----BEGIN PRIVATE KEY-----\n"
                                        "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                        "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n"
                                        "Z9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                        "-----END PRIVATE KEY-----\n";

static void test_examples_of_rfc8410_are_one_key(void **state)
{
    (void)state;
    sshio_key *key = NULL, *version_1 = NULL, *public_key = NULL;
    struct writer w;
    assert_int_equal(import(rfc8410_private, &key, NULL), 0);
    assert_int_equal(import(rfc8410_version_1, &version_1, NULL), 0);
    assert_int_equal(key_from_public_text(span_of(rfc8410_public), &public_key, NULL), 0);
    assert_true(sshio_key_equal(key, version_1));
    assert_true(span_equal(key_public_blob(key), key_public_blob(public_key)));
    writer_init(&w, 4096);
    assert_int_equal(key_put_private_text(version_1, SSHIO_FORMAT_PKCS8_PEM, &w, NULL), 0);
    assert_true(span_is(writer_span(&w), rfc8410_private));
    writer_reset(&w);
    assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL), 0);
    assert_true(span_is(writer_span(&w), rfc8410_public));
    writer_done(&w);
    sshio_key_unref(key);
    sshio_key_unref(version_1);
    sshio_key_unref(public_key);
}

/* ---- changed bytes ---- */

static void decode(const char *text, struct writer *w)
{
    const char *body = strchr(text, '\n') + 1;
    writer_init(w, 8192);
    assert_true(base64_decode(SPAN(body, (size_t)(strstr(body, "-----END") - body)), w));
}

static int import_der(struct span der, struct error *e)
{
    sshio_key *key = NULL;
    int rc = key_from_private_text(der, NULL, NULL, &key, e);
    sshio_key_unref(key);
    return rc;
}

/* Offsets of the parts of rfc8410_version_1. */
#define AT_VERSION 4
#define AT_ALGORITHM 9
#define AT_CONTENT 12
#define AT_SEED 16
#define AT_ATTRIBUTES 48
#define AT_PUBLIC_TAG 81
#define AT_UNUSED_BITS 83
#define AT_PUBLIC 84

static const struct {
    size_t at;
    uint8_t value;
    const char *message;
} changes[] = {
    { AT_VERSION, 0, "PKCS#8 key: its DER is malformed" }, /* a public key in version 0 */
    { AT_VERSION, 2, "PKCS#8 key: its DER is malformed" },
    { AT_VERSION, 0x81, "PKCS#8 key: its DER is malformed" },
    { AT_ALGORITHM + 2, 0x6f, "PKCS#8 key: its algorithm, curve or form of parameters is not supported" },
    { AT_CONTENT, 0x03, "PKCS#8 key: its DER is malformed" },
    { AT_CONTENT + 2, 0x03, "ssh-ed25519: the private key has 0 bytes, not 32" },
    { AT_CONTENT + 3, 0x1f, "ssh-ed25519: the private key has 31 bytes, not 32" },
    { AT_ATTRIBUTES, 0xa2, "PKCS#8 key: its DER is malformed" },
    { AT_PUBLIC_TAG, 0x82, "PKCS#8 key: its DER is malformed" },
    { AT_UNUSED_BITS, 1, "PKCS#8 key: its DER is malformed" },
    { AT_PUBLIC, 0, "PKCS#8 key: its public key is not that of its private key" },
    { AT_SEED, 0, "PKCS#8 key: its public key is not that of its private key" },
};

static void test_changed_bytes_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct writer w;
        struct error e;
        error_init(&e);
        decode(rfc8410_version_1, &w);
        assert_int_equal(w.len, AT_PUBLIC + 32);
        w.data[changes[i].at] = changes[i].value;
        assert_int_equal(import_der(writer_span(&w), &e), SSHIO_EKEY_IMPORT);
        assert_string_equal(error_message(&e), changes[i].message);
        writer_done(&w);
        error_clear(&e);
    }
}

/* Each bit of a file counts, for the types whose numbers are all redundant or checked. */
static void test_no_bit_of_a_file_can_change(void **state)
{
    (void)state;
    static const struct key_fixture *const fixtures[] = { FIXTURE_RSA_1024, FIXTURE_ECDSA_256 };
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        struct writer w;
        decode(fixtures[i]->pkcs8, &w);
        for (size_t at = 0; at < w.len; at++) {
            w.data[at] ^= (uint8_t)(1u << at % 8);
            assert_int_not_equal(import_der(writer_span(&w), NULL), 0);
            w.data[at] ^= (uint8_t)(1u << at % 8);
        }
        assert_int_equal(import_der(writer_span(&w), NULL), 0);
        writer_done(&w);
    }
}

static void test_cut_and_lengthened_files_are_refused(void **state)
{
    (void)state;
    struct writer w, text;
    sshio_key *key = NULL;
    decode(FIXTURE_ECDSA_521->pkcs8, &w);
    for (size_t len = 0; len < w.len; len++)
        assert_int_equal(import_der(SPAN(w.data, len), NULL), SSHIO_EKEY_IMPORT);
    put_u8(&w, 0);
    assert_int_equal(import_der(writer_span(&w), NULL), 0); /* what stands around a key is skipped … */
    writer_init(&text, 8192);
    put_chars(&text, "-----BEGIN PRIVATE KEY-----\n");
    put_base64(&text, writer_span(&w), true, 64);
    put_chars(&text, "-----END PRIVATE KEY-----\n");
    assert_int_equal(key_from_private_text(writer_span(&text), NULL, NULL, &key, NULL),
                     SSHIO_EKEY_IMPORT); /* … but not what stands inside */
    writer_done(&text);
    writer_done(&w);
}

/* ---- other texts ---- */

static const struct {
    const char *text;
    sshio_error_detail detail;
    const char *message;
} refused_private[] = {
    { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", SSHIO_DETAIL_MALFORMED,
      "PKCS#8 key: its DER is malformed" },
    { "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", SSHIO_DETAIL_MALFORMED,
      "PKCS#8 key: its DER is malformed" },
    { "-----BEGIN PRIVATE KEY-----\nA!\n-----END PRIVATE KEY-----\n", SSHIO_DETAIL_MALFORMED,
      "PKCS#8 key: its base64 is broken" },
    /* X25519, which cannot sign */
    { "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE "
      "KEY-----\n",
      SSHIO_DETAIL_UNSUPPORTED_TYPE, "PKCS#8 key: its algorithm, curve or form of parameters is not supported" },
};

static void test_other_private_blocks_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_private / sizeof refused_private[0]; i++) {
        sshio_key *key = NULL;
        struct error e;
        error_init(&e);
        assert_int_equal(import(refused_private[i].text, &key, &e), SSHIO_EKEY_IMPORT);
        assert_int_equal(e.pub.detail, refused_private[i].detail);
        assert_string_equal(error_message(&e), refused_private[i].message);
        assert_null(key);
        error_clear(&e);
    }
}

static const struct {
    const char *text;
    sshio_error_detail detail;
    const char *message;
} refused_public[] = {
    { "-----BEGIN PUBLIC KEY-----\nAAAA\n", SSHIO_DETAIL_MALFORMED, "missing PEM footer of the PUBLIC KEY" },
    { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", SSHIO_DETAIL_MALFORMED,
      "PKCS#8 key: its DER is malformed" },
    { "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n", SSHIO_DETAIL_UNSUPPORTED_TYPE,
      "public keys in \"RSA PUBLIC KEY\" form are not supported in this version" },
    /* one bit of the Ed25519 algorithm, a byte too few, a byte too many */
    { "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VxAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC "
      "KEY-----\n",
      SSHIO_DETAIL_UNSUPPORTED_TYPE, "PKCS#8 key: its algorithm, curve or form of parameters is not supported" },
    { "-----BEGIN PUBLIC KEY-----\nMCkwBQYDK2VwAyAAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZg==\n-----END PUBLIC "
      "KEY-----\n",
      SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key has 31 bytes, not 32" },
    { "-----BEGIN PUBLIC KEY-----\nMCswBQYDK2VwAyIAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuEA\n-----END PUBLIC "
      "KEY-----\n",
      SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key has 33 bytes, not 32" },
};

static void test_other_public_blocks_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_public / sizeof refused_public[0]; i++) {
        sshio_key *key = NULL;
        struct error e;
        error_init(&e);
        assert_int_equal(key_from_public_text(span_of(refused_public[i].text), &key, &e), SSHIO_EKEY_IMPORT);
        assert_int_equal(e.pub.detail, refused_public[i].detail);
        assert_string_equal(error_message(&e), refused_public[i].message);
        assert_null(key);
        error_clear(&e);
    }
}

/* The first key of a text counts, in whatever form. */
static void test_first_public_key_of_a_text_is_taken(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct writer w;
    writer_init(&w, 8192);
    put_chars(&w, FIXTURE_ECDSA_384->pkcs8_public);
    put_chars(&w, FIXTURE_ECDSA_256->openssh_public);
    assert_int_equal(key_from_public_text(writer_span(&w), &key, NULL), 0);
    assert_string_equal(sshio_key_get_algorithm(key), "ecdsa-sha2-nistp384");
    sshio_key_unref(key);
    writer_reset(&w);
    put_chars(&w, FIXTURE_ECDSA_256->openssh_public);
    put_chars(&w, FIXTURE_ECDSA_384->pkcs8_public);
    assert_int_equal(key_from_public_text(writer_span(&w), &key, NULL), 0);
    assert_string_equal(sshio_key_get_algorithm(key), "ecdsa-sha2-nistp256");
    sshio_key_unref(key);
    writer_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_rfc8410_are_one_key),
        cmocka_unit_test(test_changed_bytes_are_found),
        cmocka_unit_test(test_no_bit_of_a_file_can_change),
        cmocka_unit_test(test_cut_and_lengthened_files_are_refused),
        cmocka_unit_test(test_other_private_blocks_are_refused),
        cmocka_unit_test(test_other_public_blocks_are_refused),
        cmocka_unit_test(test_first_public_key_of_a_text_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
