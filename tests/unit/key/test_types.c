/* All key types in all forms: what ssh-keygen wrote, what we write, and that both are the same key. */
#include "vectors.h"

#include "base/memory.h"
#include "fixtures.h"

#define DATA SPAN("signed text", 11)

static sshio_key *import(const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_private_text(span_of(text), NULL, NULL, &key, NULL), 0);
    return key;
}

static sshio_key *import_public(const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_public_text(span_of(text), &key, NULL), 0);
    return key;
}

static void check_text(const struct writer *w, const char *expected)
{
    assert_true(span_is(writer_span(w), expected));
}

static void test_files_of_ssh_keygen_are_read_in_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_FIXTURES; i++) {
        const struct key_fixture *f = &key_fixtures[i];
        sshio_key *key = import(f->openssh), *pkcs8 = import(f->pkcs8);
        sshio_key *line = import_public(f->openssh_public), *block = import_public(f->pkcs8_public);
        sshio_key *half = import_public(f->pkcs8);
        char *fingerprint = NULL;
        assert_string_equal(sshio_key_get_algorithm(key), f->type);
        assert_int_equal(key_bits(key), f->bits);
        assert_true(sshio_key_is_private(key));
        assert_true(sshio_key_equal(key, pkcs8));
        assert_true(sshio_key_equal(line, block));
        assert_true(sshio_key_equal(line, half));
        assert_false(sshio_key_equal(line, key));
        assert_string_equal(sshio_key_get_comment(key), sshio_key_get_comment(line));
        assert_null(sshio_key_get_comment(pkcs8));
        assert_int_equal(key_fingerprint(line, NULL, &fingerprint, NULL), 0);
        assert_string_equal(fingerprint, f->fingerprint);
        mem_free(fingerprint);
        sshio_key_unref(key);
        sshio_key_unref(pkcs8);
        sshio_key_unref(line);
        sshio_key_unref(block);
        sshio_key_unref(half);
    }
}

/* Public forms and PKCS#8 have one encoding; OpenSSH's private form holds random numbers. */
static void test_written_texts_are_those_of_ssh_keygen(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_FIXTURES; i++) {
        const struct key_fixture *f = &key_fixtures[i];
        sshio_key *key = import(f->openssh);
        struct writer w;
        writer_init(&w, KEY_MAX_TEXT_LEN);
        assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), 0);
        check_text(&w, f->openssh_public);
        writer_reset(&w);
        assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL), 0);
        check_text(&w, f->pkcs8_public);
        writer_reset(&w);
        assert_int_equal(key_put_private_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL), 0);
        check_text(&w, f->pkcs8);
        writer_done(&w);
        sshio_key_unref(key);
    }
}

static void check_round_trip(const sshio_key *key)
{
    static const sshio_key_format formats[] = { SSHIO_FORMAT_OPENSSH, SSHIO_FORMAT_PKCS8_DER, SSHIO_FORMAT_PKCS8_PEM };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        sshio_key *again = NULL;
        struct writer w;
        writer_init(&w, KEY_MAX_TEXT_LEN);
        assert_int_equal(key_put_private_text(key, formats[i], &w, NULL), 0);
        assert_int_equal(key_from_private_text(writer_span(&w), NULL, NULL, &again, NULL), 0);
        assert_true(sshio_key_equal(key, again));
        writer_done(&w);
        sshio_key_unref(again);
    }
}

static void test_written_private_keys_are_read_back(void **state)
{
    (void)state;
    sshio_key *ed25519 = plain_key();
    check_round_trip(ed25519);
    sshio_key_unref(ed25519);
    for (size_t i = 0; i < KEY_FIXTURES; i++) {
        sshio_key *key = import(key_fixtures[i].openssh);
        check_round_trip(key);
        sshio_key_unref(key);
    }
}

/* A6: each algorithm's signature holds under its own name alone. */
static void check_signatures(const sshio_key *key)
{
    const struct sig_alg *alg;
    for (size_t i = 0; (alg = key_sig_alg(key, i)) != NULL; i++) {
        struct writer w;
        writer_init(&w, 4096);
        assert_int_equal(key_sign(key, alg, DATA, &w, NULL), 0);
        for (size_t j = 0; j < sig_alg_count(); j++)
            assert_int_equal(key_verify(key, sig_alg_at(j), DATA, writer_span(&w)), sig_alg_at(j) == alg);
        assert_false(key_verify(key, alg, SPAN("signed_text", 11), writer_span(&w)));
        for (size_t len = 0; len < w.len; len += 7)
            assert_false(key_verify(key, alg, DATA, SPAN(w.data, len)));
        w.data[w.len - 1] ^= 1;
        assert_false(key_verify(key, alg, DATA, writer_span(&w)));
        w.data[w.len - 1] ^= 1;
        put_u8(&w, 0);
        assert_false(key_verify(key, alg, DATA, writer_span(&w)));
        writer_done(&w);
    }
}

static void test_signatures_hold_under_their_own_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_FIXTURES; i++) {
        sshio_key *key = import(key_fixtures[i].openssh);
        check_signatures(key);
        sshio_key_unref(key);
    }
}

static void test_each_type_can_be_generated(void **state)
{
    (void)state;
    static const char *const types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                         "ecdsa-sha2-nistp521" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        sshio_key *key = NULL, *other = NULL;
        assert_int_equal(key_generate(types[i], NULL, &key, NULL), 0);
        assert_int_equal(key_generate(types[i], NULL, &other, NULL), 0);
        assert_string_equal(sshio_key_get_algorithm(key), types[i]);
        assert_false(sshio_key_equal(key, other));
        assert_false(key_type_is_slow(types[i]));
        check_round_trip(key);
        check_signatures(key);
        sshio_key_unref(key);
        sshio_key_unref(other);
    }
    assert_true(key_type_is_slow("ssh-rsa"));
    assert_false(key_type_is_slow("ssh-x"));
}

static void test_generated_rsa_key_has_its_size_and_exponent(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct reader r;
    assert_int_equal(key_generate("ssh-rsa", NULL, &key, NULL), 0);
    assert_int_equal(key_bits(key), 2048);
    struct span blob = key_public_blob(key);
    reader_init(&r, blob.data, blob.len);
    read_string(&r);
    assert_true(span_equal(read_mpint(&r), SPAN("\1\0\1", 3)));
    check_round_trip(key);
    sshio_key_unref(key);
}

static const struct {
    const char *type;
    int key_size;
    const char *message;
} refused[] = {
    { "ssh-rsa", 1024, "ssh-rsa: key_size 1024 is not between 2048 and 16384 bits" },
    { "ssh-rsa", 2047, "ssh-rsa: key_size 2047 is not between 2048 and 16384 bits" },
    { "ssh-rsa", 16385, "ssh-rsa: key_size 16385 is not between 2048 and 16384 bits" },
    { "ssh-rsa", -1, "ssh-rsa: key_size -1 is not between 2048 and 16384 bits" },
    { "ssh-ed25519", 256, "ssh-ed25519 keys have one size: key_size 256 means nothing" },
    { "ecdsa-sha2-nistp256", 384, "ecdsa-sha2-nistp256 keys have one size: key_size 384 means nothing" },
    { "rsa-sha2-256", 0, "cannot generate a key of unknown type \"rsa-sha2-256\"" },
};

static void test_wrong_sizes_are_not_generated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const sshio_generate_options options = { .size = sizeof options, .key_size = refused[i].key_size };
        sshio_key *key = NULL;
        struct error e;
        error_init(&e);
        assert_int_equal(key_generate(refused[i].type, &options, &key, &e), SSHIO_EKEY_GENERATION);
        assert_string_equal(error_message(&e), refused[i].message);
        assert_null(key);
        error_clear(&e);
    }
}

static void test_size_is_asked_of_rsa_keys_alone(void **state)
{
    (void)state;
    sshio_key *rsa = import(FIXTURE_RSA_1024->openssh), *ecdsa = import(FIXTURE_ECDSA_256->openssh);
    struct error e;
    error_init(&e);
    assert_int_equal(key_check_size(rsa, 1024, &e), 0);
    assert_int_equal(key_check_size(rsa, 1025, &e), SSHIO_EKEY_IMPORT);
    assert_string_equal(error_message(&e), "an RSA key of 1024 bits is too short: 1025 are required");
    assert_int_equal(key_check_size(ecdsa, 16384, NULL), 0);
    error_clear(&e);
    sshio_key_unref(rsa);
    sshio_key_unref(ecdsa);
}

/* Every allocation of ours fails once while a key is read, signs and is written (A14). */
static int use_key(const struct key_fixture *f)
{
    sshio_key *key = NULL, *public_key = NULL;
    struct writer w;
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = key_from_private_text(span_of(f->pkcs8), NULL, "name", &key, NULL);
    if (rc == 0)
        rc = key_convert_to_public(key, &public_key, NULL);
    if (rc == 0)
        rc = key_sign(key, key_sig_alg(key, 0), DATA, &w, NULL);
    if (rc == 0)
        rc = key_put_private_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL);
    if (rc == 0)
        rc = key_put_public_text(key, SSHIO_FORMAT_PKCS8_PEM, &w, NULL);
    writer_done(&w);
    sshio_key_unref(public_key);
    sshio_key_unref(key);
    return rc;
}

static void test_lack_of_memory_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_FIXTURES; i++) {
        int rc = SSHIO_ENOMEM;
        for (uint64_t nth = 1; rc != 0; nth++) {
            mem_fail_at(nth);
            rc = use_key(&key_fixtures[i]);
            mem_fail_at(0);
            assert_true(rc <= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_ssh_keygen_are_read_in_each_form),
        cmocka_unit_test(test_written_texts_are_those_of_ssh_keygen),
        cmocka_unit_test(test_written_private_keys_are_read_back),
        cmocka_unit_test(test_signatures_hold_under_their_own_algorithm),
        cmocka_unit_test(test_each_type_can_be_generated),
        cmocka_unit_test(test_generated_rsa_key_has_its_size_and_exponent),
        cmocka_unit_test(test_wrong_sizes_are_not_generated),
        cmocka_unit_test(test_size_is_asked_of_rsa_keys_alone),
        cmocka_unit_test(test_lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
