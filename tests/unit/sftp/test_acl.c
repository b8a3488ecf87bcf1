/* Access control lists. (draft-ietf-secsh-filexfer-13 section 7.8, -04 section 5.7) */
#include "unit.h"

#include <sshio.h>

#define OWNER "\0\0\0\0\0\0\0\3\0\x1f\1\xff\0\0\0\6OWNER@"
#define JOE "\0\0\0\1\0\0\0\x40\0\0\0\2\0\0\0\13joe@\xc3\xa4.test"

static const uint8_t v4[] = "\0\0\0\2" OWNER JOE;
static const uint8_t v6[] = "\0\0\0\5\0\0\0\2" OWNER JOE;

static sshio_span wire_of(int version)
{
    return version == 6 ? (sshio_span){ v6, sizeof v6 - 1 } : (sshio_span){ v4, sizeof v4 - 1 };
}

static void test_lists_of_each_version_are_read_and_made(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version++) {
        sshio_sftp_acl acl;
        sshio_bytes made = { NULL, 0 };
        sshio_span wire = wire_of(version);
        assert_int_equal(sshio_sftp_acl_parse(version, wire, &acl), 0);
        assert_int_equal(acl.count, 2);
        assert_int_equal(acl.flags, version == 6 ? 5 : 0);
        assert_int_equal(acl.items[0].flags, SSHIO_ACE4_FILE_INHERIT_ACE | SSHIO_ACE4_DIRECTORY_INHERIT_ACE);
        assert_int_equal(acl.items[0].mask, 0x1f01ff);
        assert_string_equal(acl.items[0].who, "OWNER@");
        assert_int_equal(acl.items[1].type, SSHIO_ACE4_ACCESS_DENIED_ACE_TYPE);
        assert_int_equal(acl.items[1].flags, SSHIO_ACE4_IDENTIFIER_GROUP);
        assert_int_equal(acl.items[1].mask, SSHIO_ACE4_WRITE_DATA);
        assert_string_equal(acl.items[1].who, "joe@\xc3\xa4.test");
        assert_int_equal(sshio_sftp_acl_format(version, &acl, &made), 0);
        assert_bytes(SPAN(made.data, made.len), wire.data, wire.len);
        assert_int_equal(made.data[made.len], 0);
        sshio_bytes_free(&made);
        sshio_sftp_acl_free(&acl);
        assert_null(acl.items);
    }
}

static void test_empty_lists(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version++) {
        sshio_sftp_acl acl;
        sshio_bytes made = { NULL, 0 };
        size_t len = version == 6 ? 8 : 4;
        assert_int_equal(sshio_sftp_acl_format(version, SSHIO_SFTP_ACL(.count = 0), &made), 0);
        assert_bytes(SPAN(made.data, made.len), "\0\0\0\0\0\0\0\0", len);
        assert_int_equal(sshio_sftp_acl_parse(version, (sshio_span){ made.data, made.len }, &acl), 0);
        assert_int_equal(acl.count, 0);
        sshio_sftp_acl_free(&acl);
        sshio_bytes_free(&made);
    }
    sshio_sftp_acl_free(NULL);
}

/* P1: counts are checked against the bytes that are there. */
static void test_malformed_lists_are_refused(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
    } rows[] = {
        { LITERAL("") },
        { LITERAL("\0\0\0\1") },
        { LITERAL("\xff\xff\xff\xff" OWNER) },
        { LITERAL("\0\0\0\1" OWNER "x") },
        { LITERAL("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xff\xfe") },
        { LITERAL("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2a\0") },
        { LITERAL("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff") },
    };
    sshio_sftp_acl acl;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(sshio_sftp_acl_parse(4, (sshio_span){ rows[i].wire, rows[i].len }, &acl),
                         SSHIO_ESFTP_BAD_MESSAGE);
    for (int version = 4; version <= 6; version += 2)
        for (size_t cut = 0; cut < wire_of(version).len; cut++)
            assert_int_equal(sshio_sftp_acl_parse(version, (sshio_span){ wire_of(version).data, cut }, &acl),
                             SSHIO_ESFTP_BAD_MESSAGE);
}

static void test_bad_arguments_are_refused(void **state)
{
    sshio_sftp_ace nobody = { .who = NULL }, garbled = { .who = "\xff" };
    sshio_sftp_acl acl;
    sshio_bytes made;
    (void)state;
    assert_int_equal(sshio_sftp_acl_parse(3, wire_of(4), &acl), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_parse(7, wire_of(6), &acl), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_parse(4, wire_of(4), NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_format(3, SSHIO_SFTP_ACL(.count = 0), &made), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_format(4, SSHIO_SFTP_ACL(.flags = 1), &made), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_format(6, SSHIO_SFTP_ACL(.count = 1, .items = &nobody), &made), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_format(6, SSHIO_SFTP_ACL(.count = 1, .items = &garbled), &made), SSHIO_EINVAL);
    assert_int_equal(sshio_sftp_acl_format(6, SSHIO_SFTP_ACL(.count = 1), &made), SSHIO_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_each_version_are_read_and_made),
        cmocka_unit_test(test_empty_lists),
        cmocka_unit_test(test_malformed_lists_are_refused),
        cmocka_unit_test(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
