/* Status codes and what they stand for. (draft-ietf-secsh-filexfer-13 section 9.1) */
#include "unit.h"

#include <errno.h>

#include "sftp/status.h"

/* Version 3 has the codes up to 8, 4 up to 13, 5 up to 17, 6 up to 31. */
static void test_a_version_is_told_only_codes_that_it_has(void **state)
{
    static const struct {
        uint32_t code;
        uint32_t v3, v4, v5, v6;
    } rows[] = {
        { 0, 0, 0, 0, 0 },    { 8, 8, 8, 8, 8 },      { 9, 4, 9, 9, 9 },      { 13, 4, 13, 13, 13 },
        { 14, 4, 4, 14, 14 }, { 17, 4, 4, 17, 17 },   { 18, 4, 4, 4, 18 },    { 19, 2, 2, 2, 19 },
        { 31, 4, 4, 4, 31 },  { 32, 32, 32, 32, 32 }, { 99, 99, 99, 99, 99 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(status_for_version(rows[i].code, 3), rows[i].v3);
        assert_int_equal(status_for_version(rows[i].code, 4), rows[i].v4);
        assert_int_equal(status_for_version(rows[i].code, 5), rows[i].v5);
        assert_int_equal(status_for_version(rows[i].code, 6), rows[i].v6);
    }
}

static void test_every_code_has_an_error_and_every_error_its_code(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= SSHIO_FX_NO_MATCHING_BYTE_RANGE_LOCK; code++) {
        const sshio_error error = { .code = error_of_status(code) };
        assert_true(sshio_error_is(error.code, SSHIO_E_SFTP));
        assert_int_not_equal(error.code, SSHIO_ESFTP);
        assert_string_not_equal(sshio_error_name(error.code), "unknown");
        assert_int_equal(status_of_error(&error), code);
    }
    assert_int_equal(error_of_status(0), 0);
    assert_int_equal(error_of_status(32), SSHIO_ESFTP);
    const sshio_error odd = { .code = SSHIO_ESFTP, .reason = 99 };
    assert_int_equal(status_of_error(&odd), 99);
}

static void test_system_errors_become_codes(void **state)
{
    static const struct {
        int os_errno;
        uint32_t code;
    } rows[] = {
        { ENOENT, 2 },  { EACCES, 3 },  { EPERM, 3 },      { EEXIST, 11 },  { EROFS, 12 },
        { ENOSPC, 14 }, { EDQUOT, 15 }, { ENOTEMPTY, 18 }, { ENOTDIR, 19 }, { ENAMETOOLONG, 20 },
        { ELOOP, 21 },  { EINVAL, 23 }, { EISDIR, 24 },    { ENOSYS, 8 },   { EOPNOTSUPP, 8 },
        { EBADF, 9 },   { EIO, 4 },     { EXDEV, 4 },      { EMFILE, 4 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const sshio_error error = { .code = SSHIO_ESYSTEM, .os_errno = rows[i].os_errno };
        assert_int_equal(status_of_error(&error), rows[i].code);
    }
}

/* What names a path of this host stays here. */
static void test_the_text_of_a_system_error_names_no_path(void **state)
{
    struct error e;
    (void)state;
    error_init(&e);
    error_set_errno(&e, ENOENT, "open /secret/place");
    assert_string_equal(status_text(&e.pub), strerror(ENOENT));
    error_set(&e, SSHIO_ESFTP_FAILURE, "Quota of the day is used up");
    assert_string_equal(status_text(&e.pub), "Quota of the day is used up");
    error_set(&e, SSHIO_ECLOSED, "internal 0x1234");
    assert_string_equal(status_text(&e.pub), sshio_error_text(SSHIO_ECLOSED));
    error_clear(&e);
}

static int read_status(const void *bytes, size_t len, int version, bool lenient, struct status *status)
{
    struct reader r;
    struct error e;
    error_init(&e);
    reader_init(&r, bytes, len);
    int rc = status_read(&r, version, lenient, status, &e);
    error_clear(&e);
    return rc;
}

static void test_what_is_written_is_read(void **state)
{
    uint8_t bytes[64];
    (void)state;
    for (int version = 3; version <= 6; version++) {
        struct status status;
        struct writer w;
        writer_init_fixed(&w, bytes, sizeof bytes);
        status_put(&w, version, SSHIO_FX_DIR_NOT_EMPTY, "Directory not empty", "de");
        assert_int_equal(read_status(bytes, w.len, version, false, &status), 0);
        assert_int_equal(status.code, version == 6 ? SSHIO_FX_DIR_NOT_EMPTY : SSHIO_FX_FAILURE);
        assert_text(status.message, "Directory not empty");
        assert_text(status.lang, "de");
    }
}

/* Servers of embedded systems send the code alone. */
static void test_message_and_language_may_be_missing(void **state)
{
    struct status status;
    (void)state;
    assert_int_equal(read_status(LITERAL("\0\0\0\4"), 3, false, &status), 0);
    assert_int_equal(status.code, 4);
    assert_int_equal(status.message.len, 0);
    assert_int_equal(read_status(LITERAL("\0\0\0\4\0\0\0\1x"), 3, false, &status), 0);
    assert_text(status.message, "x");
}

static void test_malformed_status_is_a_bad_message(void **state)
{
    static const struct {
        int version;
        bool lenient;
        const char *bytes;
        size_t len;
        int rc;
    } rows[] = {
        { 3, false, LITERAL("\0\0\0"), SSHIO_ESFTP_BAD_MESSAGE },
        { 3, false, LITERAL("\0\0\0\4\0\0\0"), SSHIO_ESFTP_BAD_MESSAGE },
        { 3, false, LITERAL("\0\0\0\4\0\0\0\2x"), SSHIO_ESFTP_BAD_MESSAGE },
        { 3, false, LITERAL("\0\0\0\4\0\0\0\1\xff\0\0\0\0"), SSHIO_ESFTP_BAD_MESSAGE },
        { 3, true, LITERAL("\0\0\0\4\0\0\0\1\xff\0\0\0\0"), 0 },
        { 3, false, LITERAL("\0\0\0\4\0\0\0\0\0\0\0\1\x80"), SSHIO_ESFTP_BAD_MESSAGE },
        { 5, false, LITERAL("\0\0\0\4\0\0\0\0\0\0\0\0x"), SSHIO_ESFTP_BAD_MESSAGE },
        { 6, false, LITERAL("\0\0\0\4\0\0\0\0\0\0\0\0x"), 0 },
        { 5, false, LITERAL("\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\1a\0\0\0\1b"), 0 },
        { 5, false, LITERAL("\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\1\xff"), SSHIO_ESFTP_BAD_MESSAGE },
        { 5, false, LITERAL("\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\2a"), SSHIO_ESFTP_BAD_MESSAGE },
    };
    struct status status;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(read_status(rows[i].bytes, rows[i].len, rows[i].version, rows[i].lenient, &status),
                         rows[i].rc);
}

static void test_an_unknown_code_keeps_its_number(void **state)
{
    const struct status status = { .code = 99, .message = span_of("odd\x1b[0m") };
    struct error e;
    (void)state;
    error_init(&e);
    assert_int_equal(status_record(&status, &e), SSHIO_ESFTP);
    assert_int_equal(e.pub.reason, 99);
    assert_string_equal(error_message(&e), "odd\\x1b[0m (error 99)");
    error_clear(&e);
}

/* Spec 5.8: an error carries the language of its message, and a server that passes it on says so. */
static void test_the_language_of_a_message_stays_with_it(void **state)
{
    static const struct {
        struct status status;
        const char *lang;
    } rows[] = {
        { { .code = 4, .message = { (const uint8_t *)"nein", 4 }, .lang = { (const uint8_t *)"de-CH", 5 } }, "de-CH" },
        { { .code = 99, .message = { (const uint8_t *)"non", 3 }, .lang = { (const uint8_t *)"fr", 2 } }, "fr" },
        { { .code = 4, .message = { (const uint8_t *)"?", 1 } }, "" }, /* it did not say */
        { { .code = 4, .message = { (const uint8_t *)"x", 1 }, .lang = { (const uint8_t *)"a\x1b", 2 } }, "a\\x1b" },
        { { .code = 4, .lang = { (const uint8_t *)"de", 2 } }, "en-US" }, /* the sentence is ours */
    };
    struct error e, copy;
    (void)state;
    error_init(&e);
    error_init(&copy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        status_record(&rows[i].status, &e);
        error_copy(&copy, &e);
        assert_string_equal(copy.pub.lang, rows[i].lang);
        assert_string_equal(status_lang(&copy.pub), rows[i].lang);
    }
    error_set_lang(&e, NULL);
    assert_string_equal(e.pub.lang, "en-US");
    error_set_errno(&e, ENOENT, "open");
    assert_string_equal(status_lang(&e.pub), "en-US");
    error_clear(&e);
    error_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_version_is_told_only_codes_that_it_has),
        cmocka_unit_test(test_every_code_has_an_error_and_every_error_its_code),
        cmocka_unit_test(test_system_errors_become_codes),
        cmocka_unit_test(test_the_text_of_a_system_error_names_no_path),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_message_and_language_may_be_missing),
        cmocka_unit_test(test_malformed_status_is_a_bad_message),
        cmocka_unit_test(test_an_unknown_code_keeps_its_number),
        cmocka_unit_test(test_the_language_of_a_message_stays_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
