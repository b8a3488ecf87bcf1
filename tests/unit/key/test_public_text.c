/* Public keys as text and as blobs (RFC 4253 6.6, RFC 8709 4). */
#include "vectors.h"

#include "base/memory.h"

static int import(const char *text, sshio_key **key, struct error *e)
{
    return key_from_public_text(span_of(text), key, e);
}

static void test_line_of_ssh_keygen_is_read_and_written_alike(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct writer w;
    assert_int_equal(import(plain_public, &key, NULL), 0);
    assert_false(sshio_key_is_private(key));
    assert_string_equal(sshio_key_get_comment(key), "vector key");
    writer_init(&w, 4096);
    assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), 0);
    assert_true(span_is(writer_span(&w), plain_public));
    writer_done(&w);
    sshio_key_unref(key);
}

static void test_private_key_writes_its_public_line(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    struct writer w;
    writer_init(&w, 4096);
    assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), 0);
    assert_true(span_is(writer_span(&w), plain_public));
    writer_done(&w);
    sshio_key_unref(key);
}

#define BASE64 "AAAAC3NzaC1lZDI1NTE5AAAAIBNOXozE7WCGQ5/MUdIaKyBUBXdvtpz1J04q7dJaeu6h"

static const struct {
    const char *text;
    const char *comment;
} good[] = {
    { "ssh-ed25519 " BASE64, NULL },
    { "ssh-ed25519 " BASE64 "\r\n", NULL },
    { "ssh-ed25519 " BASE64 " a b  c \t\r\nnext line", "a b  c" },
    { " \tssh-ed25519\t" BASE64 "\tx\n", "x" },
    { "# comment\n\nssh-dsx AAAA x\nssh-ed25519 " BASE64 " second\n", "second" },
    { "ssh-ed25519 A!A broken base64 is text\nssh-ed25519 " BASE64 " second\n", "second" },
    { "ssh-ed25519\nssh-ed25519 " BASE64 " second\n", "second" },
};

static void test_lines_around_the_key_are_skipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sshio_key *key = NULL;
        assert_int_equal(import(good[i].text, &key, NULL), 0);
        if (good[i].comment == NULL)
            assert_null(sshio_key_get_comment(key));
        else
            assert_string_equal(sshio_key_get_comment(key), good[i].comment);
        sshio_key_unref(key);
    }
}

/* P7: the blob is used up exactly. */
static const struct {
    const char *text;
    sshio_error_detail detail;
} bad[] = {
    { "", SSHIO_DETAIL_MALFORMED },
    { "no key here\n", SSHIO_DETAIL_MALFORMED },
    /* the blob says ssh-rsa */
    { "ssh-ed25519 AAAAB3NzaC1yc2EAAAABAw==\n", SSHIO_DETAIL_ALGORITHM_MISMATCH },
    { "ssh-ed25519 AAAA\n", SSHIO_DETAIL_ALGORITHM_MISMATCH },
    /* one byte behind the key, one byte too few, a length beyond the end */
    { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBNOXozE7WCGQ5/MUdIaKyBUBXdvtpz1J04q7dJaeu6hAA==\n",
      SSHIO_DETAIL_MALFORMED },
    { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAHxNOXozE7WCGQ5/MUdIaKyBUBXdvtpz1J04q7dJaeu4=\n", SSHIO_DETAIL_MALFORMED },
    { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5/////xNOXozE7WCGQ5/MUdIaKyBUBXdvtpz1J04q7dJaeu6h\n", SSHIO_DETAIL_MALFORMED },
    { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n", SSHIO_DETAIL_MALFORMED },
    { "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", SSHIO_DETAIL_MALFORMED },
    { "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", SSHIO_DETAIL_MALFORMED },
};

static void test_wrong_lines_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sshio_key *key = NULL;
        struct error e;
        error_init(&e);
        assert_int_equal(import(bad[i].text, &key, &e), SSHIO_EKEY_IMPORT);
        assert_int_equal(e.pub.detail, bad[i].detail);
        assert_true(error_message(&e)[0] != '\0');
        assert_null(key);
        error_clear(&e);
    }
}

static void test_blob_of_unknown_type_is_named(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    assert_int_equal(key_from_public_blob(SPAN("\0\0\0\5ssh-x", 9), &key, &e), SSHIO_EKEY_IMPORT);
    assert_int_equal(e.pub.detail, SSHIO_DETAIL_UNSUPPORTED_TYPE);
    assert_string_equal(error_message(&e), "key type \"ssh-x\" is not supported");
    assert_int_equal(import(unknown_public, &key, &e), SSHIO_EKEY_IMPORT);
    assert_null(key);
    error_clear(&e);
}

static void test_public_half_of_a_private_file_needs_no_passphrase(void **state)
{
    (void)state;
    sshio_key *key = NULL, *expected = NULL;
    assert_int_equal(import(encrypted_private, &key, NULL), 0);
    assert_int_equal(import(encrypted_public, &expected, NULL), 0);
    assert_true(sshio_key_equal(key, expected));
    sshio_key_unref(key);
    sshio_key_unref(expected);
}

static void test_comment_with_a_line_end_is_not_written(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } comments[] = { { "a\nb", 3 }, { "a\r", 2 }, { "a\0", 2 } };
    sshio_key *key = plain_key();
    struct writer w;
    writer_init(&w, 4096);
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++) {
        assert_int_equal(key_set_comment(key, SPAN(comments[i].bytes, comments[i].len), NULL), 0);
        assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), SSHIO_EKEY_EXPORT);
        assert_int_equal(w.len, 0);
    }
    writer_done(&w);
    sshio_key_unref(key);
}

static void test_too_long_texts_and_blobs_are_refused(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    size_t len = KEY_MAX_TEXT_LEN + 1;
    char *text = mem_zalloc(len);
    assert_int_equal(key_from_public_text(SPAN(text, len), &key, NULL), SSHIO_EKEY_IMPORT);
    assert_int_equal(key_from_private_text(SPAN(text, len), NULL, NULL, &key, NULL), SSHIO_EKEY_IMPORT);
    assert_int_equal(key_from_public_blob(SPAN(text, len), &key, NULL), SSHIO_EKEY_IMPORT);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_of_ssh_keygen_is_read_and_written_alike),
        cmocka_unit_test(test_private_key_writes_its_public_line),
        cmocka_unit_test(test_lines_around_the_key_are_skipped),
        cmocka_unit_test(test_wrong_lines_are_refused),
        cmocka_unit_test(test_blob_of_unknown_type_is_named),
        cmocka_unit_test(test_public_half_of_a_private_file_needs_no_passphrase),
        cmocka_unit_test(test_comment_with_a_line_end_is_not_written),
        cmocka_unit_test(test_too_long_texts_and_blobs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
