/* OpenSSH's private key format (PROTOCOL.key), not encrypted. */
#include "vectors.h"

#include "base/base64.h"
#include "base/memory.h"

static void test_file_of_ssh_keygen_is_read(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    struct writer w;
    assert_true(sshio_key_is_private(key));
    assert_string_equal(sshio_key_get_comment(key), "vector key");
    assert_null(sshio_key_get_filename(key));
    writer_init(&w, 4096);
    assert_int_equal(key_put_public_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), 0);
    assert_true(span_is(writer_span(&w), plain_public));
    writer_done(&w);
    sshio_key_unref(key);
}

static void test_written_file_is_read_back(void **state)
{
    (void)state;
    sshio_key *key = plain_key(), *again = NULL;
    static const char *const comments[] = { "", "x", "sixteen letters!", "a\nb" };
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++) {
        struct writer w;
        assert_int_equal(key_set_comment(key, span_of(comments[i]), NULL), 0);
        writer_init(&w, 4096);
        assert_int_equal(key_put_private_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), 0);
        assert_int_equal(key_from_private_text(writer_span(&w), NULL, NULL, &again, NULL), 0);
        assert_true(sshio_key_equal(key, again));
        assert_int_equal(sshio_key_get_comment_bytes(again).len, strlen(comments[i]));
        writer_done(&w);
        sshio_key_unref(again);
    }
    sshio_key_unref(key);
}

static void test_public_key_has_no_private_text(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct writer w;
    assert_int_equal(key_from_public_text(span_of(plain_public), &key, NULL), 0);
    writer_init(&w, 4096);
    assert_int_equal(key_put_private_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL), SSHIO_EKEY_EXPORT);
    assert_int_equal(w.len, 0);
    writer_done(&w);
    sshio_key_unref(key);
}

static void check_refused(struct span text, sshio_error_detail detail, const char *message)
{
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    assert_int_equal(key_from_private_text(text, NULL, NULL, &key, &e), SSHIO_EKEY_IMPORT);
    assert_int_equal(e.pub.detail, detail);
    assert_string_equal(error_message(&e), message);
    assert_null(key);
    error_clear(&e);
}

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    check_refused(span_of(""), SSHIO_DETAIL_MALFORMED, "invalid private key: there is none in the text");
    check_refused(span_of(plain_public), SSHIO_DETAIL_MALFORMED, "invalid private key: there is none in the text");
    check_refused(span_of(encrypted_private), SSHIO_DETAIL_PASSPHRASE_REQUIRED,
                  "the private key is encrypted; encrypted keys are not supported in this version");
    check_refused(
        span_of("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
        SSHIO_DETAIL_UNSUPPORTED_TYPE,
        "private keys in \"RSA PRIVATE KEY\" form (PKCS#1) are not supported in this version; \"ssh-keygen -p -f "
        "FILE\" rewrites such a file");
    check_refused(
        span_of("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"), SSHIO_DETAIL_UNSUPPORTED_TYPE,
        "private keys in \"EC PRIVATE KEY\" form (SEC 1) are not supported in this version; \"ssh-keygen -p -f "
        "FILE\" rewrites such a file");
    check_refused(
        span_of("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
        SSHIO_DETAIL_PASSPHRASE_REQUIRED,
        "private keys in \"ENCRYPTED PRIVATE KEY\" form (encrypted PKCS#8) are not supported in this version; "
        "\"ssh-keygen -p -f FILE\" rewrites such a file");
    check_refused(span_of("-----BEGIN ANY PRIVATE KEY-----\nAAAA\n-----END ANY PRIVATE KEY-----\n"),
                  SSHIO_DETAIL_UNSUPPORTED_TYPE,
                  "private keys in \"ANY PRIVATE KEY\" form are not supported in this version");
    check_refused(span_of("PuTTY-User-Key-File-3: ssh-rsa\n"), SSHIO_DETAIL_UNSUPPORTED_TYPE,
                  "private keys in PuTTY's form (PPK) are not supported in this version; \"puttygen FILE -O "
                  "private-openssh-new\" converts them");
    check_refused(span_of("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
                  SSHIO_DETAIL_MALFORMED, "missing PEM footer of the PRIVATE KEY");
    check_refused(span_of("-----BEGIN OPENSSH PRIVATE KEY-----\nA!\n-----END OPENSSH PRIVATE KEY-----\n"),
                  SSHIO_DETAIL_MALFORMED, "OpenSSH private key: its base64 is broken");
}

static void test_message_names_the_file(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    assert_int_equal(key_from_private_text(span_of(encrypted_private), "secret", "id_x", &key, &e), SSHIO_EKEY_IMPORT);
    assert_string_equal(error_message(&e),
                        "id_x: the private key is encrypted; encrypted keys are not supported in this version");
    assert_int_equal(e.pub.detail, SSHIO_DETAIL_PASSPHRASE_REQUIRED);
    assert_string_equal(e.pub.filename, "id_x");
    error_clear(&e);
}

static void test_text_around_and_line_ends_do_not_matter(void **state)
{
    (void)state;
    struct writer w;
    sshio_key *key = NULL;
    writer_init(&w, 8192);
    put_chars(&w, "Subject: keys\n-----BEGIN CERTIFICATE-----\n\n");
    for (const char *c = plain_private; *c != '\0'; c++) {
        if (*c == '\n')
            put_chars(&w, " \r");
        put_u8(&w, (uint8_t)*c);
    }
    put_chars(&w, "the end");
    assert_int_equal(key_from_private_text(writer_span(&w), NULL, NULL, &key, NULL), 0);
    writer_done(&w);
    sshio_key_unref(key);
}

/* The decoded envelope of plain_private. Offsets of its parts: */
#define AT_CIPHER_NAME 19 /* "none" */
#define AT_KDF_NAME 27
#define AT_COUNT 35
#define AT_PUBLIC 62  /* 32 bytes */
#define AT_SECTION 94 /* its length, 144 */
#define AT_CHECK 98
#define AT_TYPE 110
#define AT_PRIVATE_PUBLIC 125
#define AT_SEED 161
#define AT_REPEATED 193
#define AT_COMMENT 225 /* length 10 */
#define AT_PADDING 239 /* 1 2 3 */

static void decode_plain(struct writer *w)
{
    static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    const char *body = plain_private + strlen(begin);
    const char *end = strstr(body, "-----END");
    writer_init(w, 1024);
    assert_true(base64_decode(SPAN(body, (size_t)(end - body)), w));
}

static int read_envelope(struct span envelope, struct error *e)
{
    struct writer text;
    sshio_key *key = NULL;
    writer_init(&text, 4096);
    put_chars(&text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    put_base64(&text, envelope, true, 70);
    put_chars(&text, "-----END OPENSSH PRIVATE KEY-----\n");
    int rc = key_from_private_text(writer_span(&text), NULL, NULL, &key, e);
    writer_done(&text);
    sshio_key_unref(key);
    return rc;
}

static const struct {
    size_t at;
    const char *what;
} flips[] = {
    { 0, "OpenSSH private key: it does not begin with openssh-key-v1" },
    { 14, "OpenSSH private key: it does not begin with openssh-key-v1" },
    { AT_CIPHER_NAME, "the private key is encrypted; encrypted keys are not supported in this version" },
    { AT_KDF_NAME, "the private key is encrypted; encrypted keys are not supported in this version" },
    { AT_COUNT + 3, "OpenSSH private key: 0 keys in one file, not 1" },
    { AT_PUBLIC, "OpenSSH private key: its public key is not that of its private key" },
    { AT_PUBLIC + 31, "OpenSSH private key: its public key is not that of its private key" },
    { AT_SECTION, "OpenSSH private key: it is cut short" },
    { AT_CHECK, "OpenSSH private key: its check words differ" },
    { AT_CHECK + 7, "OpenSSH private key: its check words differ" },
    { AT_TYPE, "key type \"rsh-ed25519\" is not supported" },
    { AT_PRIVATE_PUBLIC, "ssh-ed25519: the public half does not belong to the private key" },
    { AT_SEED, "ssh-ed25519: the public half does not belong to the private key" },
    { AT_REPEATED + 31, "ssh-ed25519: the public half does not belong to the private key" },
    { AT_COMMENT, "OpenSSH private key: its comment or padding is wrong" },
    { AT_PADDING, "OpenSSH private key: its comment or padding is wrong" },
    { AT_PADDING + 2, "OpenSSH private key: its comment or padding is wrong" },
};

static void test_changed_bytes_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
        struct writer w;
        struct error e;
        error_init(&e);
        decode_plain(&w);
        w.data[flips[i].at] ^= 1;
        assert_int_equal(read_envelope(writer_span(&w), &e), SSHIO_EKEY_IMPORT);
        assert_string_equal(error_message(&e), flips[i].what);
        error_clear(&e);
        writer_done(&w);
    }
}

static void test_cut_and_lengthened_files_are_refused(void **state)
{
    (void)state;
    struct writer w;
    decode_plain(&w);
    assert_int_equal(read_envelope(writer_span(&w), NULL), 0);
    for (size_t len = 0; len < w.len; len++)
        assert_int_equal(read_envelope(SPAN(w.data, len), NULL), SSHIO_EKEY_IMPORT);
    put_u8(&w, 0);
    assert_int_equal(read_envelope(writer_span(&w), NULL), SSHIO_EKEY_IMPORT);
    writer_done(&w);
}

/* The private section of the plain key with any amount of padding. */
static int read_with_padding(size_t padding)
{
    struct writer w, changed;
    decode_plain(&w);
    writer_init(&changed, 1024);
    put_bytes(&changed, w.data, AT_SECTION);
    put_string(&changed, w.data + AT_CHECK, AT_PADDING - AT_CHECK);
    for (size_t i = 0; i < padding; i++)
        put_u8(&changed, (uint8_t)(i + 1));
    store_u32(changed.data + AT_SECTION, (uint32_t)(AT_PADDING - AT_CHECK + padding));
    int rc = read_envelope(writer_span(&changed), NULL);
    writer_done(&w);
    writer_done(&changed);
    return rc;
}

static void test_padding_may_be_more_than_a_block(void **state)
{
    (void)state;
    static const struct {
        size_t padding;
        int rc;
    } rows[] = {
        { 3, 0 },
        { 11, 0 },
        { 251, 0 },
        { 0, SSHIO_EKEY_IMPORT },
        { 2, SSHIO_EKEY_IMPORT },
        { 4, SSHIO_EKEY_IMPORT },
        { 259, SSHIO_EKEY_IMPORT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(read_with_padding(rows[i].padding), rows[i].rc);
}

/* Every allocation of ours fails once while a key is written. */
static void test_lack_of_memory_is_an_error(void **state)
{
    (void)state;
    sshio_key *key = plain_key();
    int rc = SSHIO_ENOMEM;
    for (uint64_t nth = 1; rc != 0; nth++) {
        struct writer w;
        writer_init(&w, 4096);
        mem_fail_at(nth);
        rc = key_put_private_text(key, SSHIO_FORMAT_OPENSSH, &w, NULL);
        mem_fail_at(0);
        assert_true(rc == 0 || rc == SSHIO_ENOMEM);
        writer_done(&w);
    }
    sshio_key_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_of_ssh_keygen_is_read),
        cmocka_unit_test(test_written_file_is_read_back),
        cmocka_unit_test(test_public_key_has_no_private_text),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_message_names_the_file),
        cmocka_unit_test(test_text_around_and_line_ends_do_not_matter),
        cmocka_unit_test(test_changed_bytes_are_found),
        cmocka_unit_test(test_cut_and_lengthened_files_are_refused),
        cmocka_unit_test(test_padding_may_be_more_than_a_block),
        cmocka_unit_test(test_lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
