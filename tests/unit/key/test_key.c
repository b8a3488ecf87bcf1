/* The key object, signatures, fingerprints. */
#include "vectors.h"

#include "base/memory.h"
#include "crypto/random.h"

#define DATA SPAN("signed text", 11)

static void test_generated_key_signs_and_verifies(void **state)
{
    (void)state;
    sshio_key *key = NULL, *public_key = NULL;
    struct writer signature;
    const struct sshio_generate_options options = { .size = sizeof options, .comment = "fresh" };
    assert_int_equal(key_generate("ssh-ed25519", &options, &key, NULL), 0);
    assert_true(sshio_key_is_private(key));
    assert_string_equal(sshio_key_get_algorithm(key), "ssh-ed25519");
    assert_string_equal(sshio_key_get_comment(key), "fresh");
    assert_int_equal(key_convert_to_public(key, &public_key, NULL), 0);

    writer_init(&signature, 1024);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &signature, NULL), 0);
    assert_true(key_verify(public_key, NULL, DATA, writer_span(&signature)));
    assert_true(key_verify(key, key_sig_alg(key, 0), DATA, writer_span(&signature)));
    assert_false(key_verify(key, NULL, SPAN("signed_text", 11), writer_span(&signature)));
    writer_done(&signature);
    sshio_key_unref(public_key);
    sshio_key_unref(key);
}

static void test_empty_data_can_be_signed(void **state)
{
    (void)state;
    struct writer signature;
    sshio_key *key = plain_key();
    writer_init(&signature, 1024);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), SPAN(NULL, 0), &signature, NULL), 0);
    assert_true(key_verify(key, NULL, SPAN(NULL, 0), writer_span(&signature)));
    writer_done(&signature);
    sshio_key_unref(key);
}

static void test_unknown_type_is_not_generated(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    assert_int_equal(key_generate("ssh-x", NULL, &key, &e), SSHIO_EKEY_GENERATION);
    assert_string_equal(error_message(&e), "cannot generate a key of unknown type \"ssh-x\"");
    assert_null(key);
    error_clear(&e);
}

static void test_seeded_keys_repeat(void **state)
{
    (void)state;
    sshio_key *one = NULL, *two = NULL, *real = NULL;
    random_seed(5);
    assert_int_equal(key_generate("ssh-ed25519", NULL, &one, NULL), 0);
    random_seed(5);
    assert_int_equal(key_generate("ssh-ed25519", NULL, &two, NULL), 0);
    random_unseed();
    assert_int_equal(key_generate("ssh-ed25519", NULL, &real, NULL), 0);
    assert_true(sshio_key_equal(one, two));
    assert_false(sshio_key_equal(one, real));
    sshio_key_unref(one);
    sshio_key_unref(two);
    sshio_key_unref(real);
}

static void test_public_half_cannot_sign_and_is_another_key(void **state)
{
    (void)state;
    sshio_key *key = plain_key(), *public_key = NULL;
    struct writer signature;
    struct error e;
    error_init(&e);
    assert_int_equal(key_convert_to_public(key, &public_key, &e), 0);
    assert_false(sshio_key_is_private(public_key));
    assert_false(sshio_key_equal(key, public_key));
    assert_string_equal(sshio_key_get_comment(public_key), "vector key");
    writer_init(&signature, 1024);
    assert_int_equal(key_sign(public_key, key_sig_alg(key, 0), DATA, &signature, &e), SSHIO_EINVAL);
    assert_string_equal(error_message(&e), "a public ssh-ed25519 key cannot sign");
    writer_done(&signature);
    error_clear(&e);
    sshio_key_unref(public_key);
    sshio_key_unref(key);
}

/* The seed, the key and the signature of RFC 8032 7.1, test 1, in the forms of RFC 8709. */
static void test_rfc8032_signature_verifies(void **state)
{
    (void)state;
    static const uint8_t public_key[32] = {
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
        0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    };
    static const uint8_t signature[64] = {
        0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
        0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
        0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
        0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b,
    };
    uint8_t blob_memory[128], outer_memory[128];
    struct writer blob, outer;
    sshio_key *key = NULL;
    writer_init_fixed(&blob, blob_memory, sizeof blob_memory);
    put_text(&blob, "ssh-ed25519");
    put_string(&blob, public_key, sizeof public_key);
    assert_int_equal(key_from_public_blob(writer_span(&blob), &key, NULL), 0);
    writer_init_fixed(&outer, outer_memory, sizeof outer_memory);
    put_text(&outer, "ssh-ed25519");
    put_string(&outer, signature, sizeof signature);
    assert_true(key_verify(key, NULL, SPAN(NULL, 0), writer_span(&outer)));
    sshio_key_unref(key);
}

/* The outer form with other bytes in it; S + L is the same signature to a careless implementation (C4). */
static bool verifies(const sshio_key *key, const char *name, const uint8_t *bytes, size_t len, bool trailing)
{
    uint8_t memory[256];
    struct writer w;
    writer_init_fixed(&w, memory, sizeof memory);
    put_text(&w, name);
    put_string(&w, bytes, len);
    if (trailing)
        put_u8(&w, 0);
    assert_false(writer_failed(&w));
    return key_verify(key, NULL, DATA, writer_span(&w));
}

static void add_group_order(uint8_t *s)
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10,
    };
    unsigned int carry = 0;
    for (size_t i = 0; i < sizeof order; i++) {
        carry += (unsigned int)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* A6, A14, C4: malformed signatures are false, never anything else. */
static void test_malformed_signatures_are_refused(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    struct writer w;
    uint8_t good[65] = { 0 }, bad[64];
    writer_init(&w, 1024);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &w, NULL), 0);
    assert_int_equal(w.len, 4 + 11 + 4 + 64);
    memcpy(good, w.data + 19, 64);

    assert_true(verifies(key, "ssh-ed25519", good, 64, false));
    assert_false(verifies(key, "ssh-ed25519", good, 64, true));
    assert_false(verifies(key, "ssh-ed25519", good, 63, false));
    assert_false(verifies(key, "ssh-ed25519", good, 65, false));
    assert_false(verifies(key, "ssh-ed25519", good, 0, false));
    assert_false(verifies(key, "rsa-sha2-256", good, 64, false));
    assert_false(verifies(key, "", good, 64, false));
    for (size_t i = 0; i < 64; i++) {
        memcpy(bad, good, 64);
        bad[i] ^= 0x10;
        assert_false(verifies(key, "ssh-ed25519", bad, 64, false));
    }
    memcpy(bad, good, 64);
    add_group_order(bad + 32);
    assert_false(verifies(key, "ssh-ed25519", bad, 64, false));
    for (size_t len = 0; len < w.len; len++)
        assert_false(key_verify(key, NULL, DATA, SPAN(w.data, len)));
    writer_done(&w);
    sshio_key_unref(key);
}

static void test_acceptable_algorithms_limit_verification(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    struct writer w;
    writer_init(&w, 1024);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &w, NULL), 0);
    const sshio_span data = { "signed text", 11 }, signature = { w.data, w.len };
    assert_true(sshio_key_verify(key, data, NULL, signature));
    assert_true(sshio_key_verify(key, data, "ssh-ed448,ssh-ed25519", signature));
    assert_false(sshio_key_verify(key, data, "ssh-ed448", signature));
    assert_false(sshio_key_verify(key, data, "", signature));
    writer_done(&w);
    sshio_key_unref(key);
}

/* What ssh-keygen -l -E says of the key. */
static const struct {
    const char *hash;
    const char *text;
} fingerprints[] = {
    { NULL, "SHA256:o9aQny5y24/gNn3msj+1b1ye3uXIG0I0RwcyP7RQCUc" },
    { "md5", "MD5:62:ae:cf:21:6b:49:87:3a:47:a7:a9:4f:de:89:06:b3" },
    { "sha1", "SHA1:w7GqQr+MrtISbbsPE7oRU4EupsI" },
    { "sha256", "SHA256:o9aQny5y24/gNn3msj+1b1ye3uXIG0I0RwcyP7RQCUc" },
    { "sha384", "SHA384:VhLOX0ki/rCgLRI9X3WXPUq+zgZjpcGQtpOmbLSD7PFfiWBVu4jZyUmvr9M34KKY" },
    { "sha512", "SHA512:rLL2aG1OiehzESroSBsJThu1VgMfjpb3IgjSm8ZxuRfprmegyAaomEd5nCvo/odg29/XdBW47uObKKSF67dTnQ" },
};

static void test_fingerprints_are_those_of_ssh_keygen(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    for (size_t i = 0; i < sizeof fingerprints / sizeof fingerprints[0]; i++) {
        char *text = NULL;
        assert_int_equal(key_fingerprint(key, fingerprints[i].hash, &text, NULL), 0);
        assert_string_equal(text, fingerprints[i].text);
        mem_free(text);
    }
    static const char *const unknown[] = { "sha224", "SHA256", "" };
    for (size_t i = 0; i < 3; i++) {
        char *text = NULL;
        assert_int_equal(key_fingerprint(key, unknown[i], &text, NULL), SSHIO_EINVAL);
        assert_null(text);
    }
    sshio_key_unref(key);
}

static void test_comment_falls_back_to_the_file_name(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    assert_int_equal(key_from_private_text(span_of(plain_private), NULL, "id_file", &key, NULL), 0);
    assert_string_equal(sshio_key_get_filename(key), "id_file");
    assert_string_equal(sshio_key_get_comment(key), "vector key");
    assert_int_equal(key_set_comment(key, SPAN(NULL, 0), NULL), 0);
    assert_string_equal(sshio_key_get_comment(key), "id_file");
    assert_int_equal(key_set_filename(key, NULL, NULL), 0);
    assert_null(sshio_key_get_comment(key));
    assert_null(sshio_key_get_comment_bytes(key).data);
    sshio_key_unref(key);
}

/* P8: a comment is bytes; only what is text is given as text. */
static void test_comments_that_are_not_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } comments[] = { { "a\0b", 3 }, { "\xff", 1 }, { "\xc0\x80", 2 } };
    sshio_key *key = plain_key();
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++) {
        assert_int_equal(key_set_comment(key, SPAN(comments[i].bytes, comments[i].len), NULL), 0);
        assert_null(sshio_key_get_comment(key));
        assert_int_equal(sshio_key_get_comment_bytes(key).len, comments[i].len);
        assert_memory_equal(sshio_key_get_comment_bytes(key).data, comments[i].bytes, comments[i].len);
    }
    sshio_key_unref(key);
}

static void test_references_keep_a_key(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    assert_ptr_equal(sshio_key_ref(key), key);
    sshio_key_unref(key);
    assert_string_equal(sshio_key_get_algorithm(key), "ssh-ed25519");
    sshio_key_unref(key);
    sshio_key_unref(NULL);
    assert_null(sshio_key_ref(NULL));
}

static void test_table_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sig_alg_count(); i++) {
        const struct sig_alg *alg = sig_alg_at(i);
        assert_ptr_equal(sig_alg_find(span_of(alg->name)), alg);
        assert_ptr_equal(key_type_find(span_of(alg->type->name)), alg->type);
    }
    assert_null(sig_alg_at(sig_alg_count()));
    assert_null(sig_alg_find(span_of("ssh-ed25519x")));
    assert_null(key_type_find(SPAN("ssh-ed25519\0", 12)));
}

/* Every allocation of ours fails once; the result is an error or right, and nothing leaks (A14). */
static void test_lack_of_memory_is_an_error(void **state)
{
    (void)state;
    int rc = SSHIO_ENOMEM;
    for (uint64_t nth = 1; rc != 0; nth++) {
        sshio_key *key = NULL, *public_key = NULL;
        struct writer w;
        writer_init(&w, 4096);
        mem_fail_at(nth);
        rc = key_from_private_text(span_of(plain_private), NULL, "name", &key, NULL);
        if (rc == 0)
            rc = key_convert_to_public(key, &public_key, NULL);
        if (rc == 0)
            rc = key_sign(key, key_sig_alg(key, 0), DATA, &w, NULL);
        mem_fail_at(0);
        assert_true(rc <= 0);
        sshio_key_unref(key);
        sshio_key_unref(public_key);
        writer_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_key_signs_and_verifies),
        cmocka_unit_test(test_empty_data_can_be_signed),
        cmocka_unit_test(test_unknown_type_is_not_generated),
        cmocka_unit_test(test_seeded_keys_repeat),
        cmocka_unit_test(test_public_half_cannot_sign_and_is_another_key),
        cmocka_unit_test(test_rfc8032_signature_verifies),
        cmocka_unit_test(test_malformed_signatures_are_refused),
        cmocka_unit_test(test_acceptable_algorithms_limit_verification),
        cmocka_unit_test(test_fingerprints_are_those_of_ssh_keygen),
        cmocka_unit_test(test_comment_falls_back_to_the_file_name),
        cmocka_unit_test(test_comments_that_are_not_text),
        cmocka_unit_test(test_references_keep_a_key),
        cmocka_unit_test(test_table_rows_are_complete),
        cmocka_unit_test(test_lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
