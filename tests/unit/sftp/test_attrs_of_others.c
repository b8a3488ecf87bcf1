/* Attributes as other programs write them. (draft-ietf-secsh-filexfer-02 section 5, -04 section 5, -05 section 5, -13
 * section 7) */
#include "attrs_bed.h"

static const sshio_span one_pair[] = { { "x@y", 3 }, { "z", 1 }, { NULL, 0 } };

/* An ACL of one entry, as the field holds it: in versions 4 and 5 its count comes first, in 6 the flags do. (-05 and
 * -13, section 7.8) */
#define ACE                                                                                                            \
    "\0\0\0\0" /* allowed */ "\0\0\0\1"                                                                                \
    "\0\0\0\3"                                                                                                         \
    "\0\0\0\6OWNER@"
#define ACL_V4 "\0\0\0\1" ACE
#define ACL_V6 "\0\0\0\2" ACL_V4

/* Octets that our writer had no part in: made by Erlang's ssh_xfer:encode_ATTR (4.15), by AsyncSSH's SFTPAttrs.encode
 * (2.10), and by hand from the drafts. */
static const struct {
    const char *made_by;
    struct dialect d;
    sshio_sftp_attrs attrs;
    const char *bytes;
    size_t len;
} foreign[] = {
    { "Erlang",
      { 3 },
      { .valid = ATTR(SIZE) | ATTR(UIDGID) | ATTR(PERMISSIONS) | ATTR(ACCESSTIME) | ATTR(MODIFYTIME) | ATTR(EXTENDED),
        .size = 0x10203,
        .uid = 1000,
        .gid = 100,
        .permissions = 0750,
        .type = SSHIO_FILEXFER_TYPE_UNKNOWN,
        .atime = 1,
        .mtime = 5 },
      LITERAL("\x80\0\0\x0f"
              "\0\0\0\0\0\1\2\3"
              "\0\0\3\xe8"
              "\0\0\0\x64"
              "\0\0\1\xe8"
              "\0\0\0\1"
              "\0\0\0\5"
              "\0\0\0\0") },
    { "Erlang", /* hidden and sparse, in one word */
      { 5 },
      { .valid = ATTR(SIZE) | ATTR(OWNERGROUP) | ATTR(PERMISSIONS) | ATTR(ACCESSTIME) | ATTR(CREATETIME) |
                 ATTR(MODIFYTIME) | ATTR(SUBSECOND_TIMES) | ATTR(BITS) | ATTR(EXTENDED),
        .type = SSHIO_FILEXFER_TYPE_REGULAR,
        .size = 0x10203,
        .owner = "1000",
        .group = "100",
        .permissions = 0750,
        .atime = 1,
        .atime_ns = 2,
        .crtime = 3,
        .crtime_ns = 4,
        .mtime = 5,
        .mtime_ns = 6,
        .attrib_bits = ATTR(BITS_HIDDEN) | ATTR(BITS_SPARSE),
        .attrib_valid = ATTR(BITS_HIDDEN) | ATTR(BITS_SPARSE),
        .extended = one_pair },
      LITERAL("\x80\0\3\xbd"
              "\1"
              "\0\0\0\0\0\1\2\3"
              "\0\0\0\4"
              "1000"
              "\0\0\0\3"
              "100"
              "\0\0\1\xe8"
              "\0\0\0\0\0\0\0\1"
              "\0\0\0\2"
              "\0\0\0\0\0\0\0\3"
              "\0\0\0\4"
              "\0\0\0\0\0\0\0\5"
              "\0\0\0\6"
              "\0\0\0\x84"
              "\0\0\0\1"
              "\0\0\0\3x@y"
              "\0\0\0\1z") },
    { "AsyncSSH",
      { 6 },
      { .valid = ATTR(DEFINED_V6),
        .type = SSHIO_FILEXFER_TYPE_DIRECTORY,
        .size = 0x0102030405060708,
        .alloc_size = 0x1000,
        .owner = "o",
        .group = "gr",
        .permissions = 0750,
        .atime = 1,
        .atime_ns = 2,
        .crtime = 3,
        .crtime_ns = 4,
        .mtime = 5,
        .mtime_ns = 6,
        .ctime = 7,
        .ctime_ns = 8,
        .acl = { "\0\0\0\0\0\0\0", 8 },
        .attrib_bits = 5,
        .attrib_valid = 7,
        .text_hint = ATTR(KNOWN_BINARY),
        .mime_type = "a/b",
        .nlink = 9,
        .untrans_name = "\xfe",
        .extended = one_pair },
      LITERAL("\x80\0\xff\xfd"
              "\2"
              "\1\2\3\4\5\6\7\x08"
              "\0\0\0\0\0\0\x10\0"
              "\0\0\0\1o"
              "\0\0\0\2gr"
              "\0\0\1\xe8"
              "\0\0\0\0\0\0\0\1"
              "\0\0\0\2"
              "\0\0\0\0\0\0\0\3"
              "\0\0\0\4"
              "\0\0\0\0\0\0\0\5"
              "\0\0\0\6"
              "\0\0\0\0\0\0\0\7"
              "\0\0\0\x08"
              "\0\0\0\x08\0\0\0\0\0\0\0\0"
              "\0\0\0\5"
              "\0\0\0\7"
              "\2"
              "\0\0\0\3"
              "a/b"
              "\0\0\0\x09"
              "\0\0\0\1\xfe"
              "\0\0\0\1"
              "\0\0\0\3x@y"
              "\0\0\0\1z") },
    { "AsyncSSH", /* which has two words of bits in version 5 */
      { 5, .bits_pair = true },
      { .valid = ATTR(BITS) | ATTR(EXTENDED),
        .type = SSHIO_FILEXFER_TYPE_DIRECTORY,
        .attrib_bits = 5,
        .attrib_valid = 7,
        .extended = one_pair },
      LITERAL("\x80\0\2\0"
              "\2"
              "\0\0\0\5"
              "\0\0\0\7"
              "\0\0\0\1"
              "\0\0\0\3x@y"
              "\0\0\0\1z") },
    { "hand",
      { 4 },
      { .valid = ATTR(ACL) | ATTR(MODIFYTIME),
        .type = SSHIO_FILEXFER_TYPE_REGULAR,
        .mtime = 0x5a,
        .acl = { ACL_V4, sizeof ACL_V4 - 1 } },
      LITERAL("\0\0\0\x60"
              "\1"
              "\0\0\0\0\0\0\0\x5a"
              "\0\0\0\x1a" ACL_V4) },
    { "hand",
      { 6 },
      { .valid = ATTR(ACL), .type = SSHIO_FILEXFER_TYPE_SOCKET, .acl = { ACL_V6, sizeof ACL_V6 - 1 } },
      LITERAL("\0\0\0\x40"
              "\6"
              "\0\0\0\x1e" ACL_V6) },
    { "hand",
      { 5 },
      { .valid = ATTR(BITS), .type = SSHIO_FILEXFER_TYPE_FIFO, .attrib_bits = 0x400, .attrib_valid = 0x400 },
      LITERAL("\0\0\2\0"
              "\x09"
              "\0\0\4\0") },
    { "hand",
      { 6 },
      { .valid = ATTR(BITS), .type = SSHIO_FILEXFER_TYPE_FIFO, .attrib_bits = 0x800, .attrib_valid = 0xfff },
      LITERAL("\0\0\2\0"
              "\x09"
              "\0\0\x08\0"
              "\0\0\x0f\xff") },
    { "hand",
      { 6 },
      { .valid = ATTR(SIZE) | ATTR(ALLOCATION_SIZE),
        .type = SSHIO_FILEXFER_TYPE_REGULAR,
        .size = 1,
        .alloc_size = 0x123456789abc },
      LITERAL("\0\0\4\1"
              "\1"
              "\0\0\0\0\0\0\0\1"
              "\0\0\x12\x34\x56\x78\x9a\xbc") },
    { "hand",
      { 6 },
      { .valid = ATTR(TEXT_HINT) | ATTR(MIME_TYPE),
        .type = SSHIO_FILEXFER_TYPE_REGULAR,
        .text_hint = ATTR(GUESSED_TEXT),
        .mime_type = "text/plain" },
      LITERAL("\0\0\x18\0"
              "\1"
              "\1"
              "\0\0\0\x0a"
              "text/plain") },
    { "hand",
      { 6 },
      { .valid = ATTR(LINK_COUNT) | ATTR(UNTRANSLATED_NAME),
        .type = SSHIO_FILEXFER_TYPE_REGULAR,
        .nlink = 0x01020304,
        .untrans_name = "caf\xe9" },
      LITERAL("\0\0\x60\0"
              "\1"
              "\1\2\3\4"
              "\0\0\0\4"
              "caf\xe9") },
    { "hand",
      { 3 },
      { .valid = ATTR(EXTENDED), .type = SSHIO_FILEXFER_TYPE_UNKNOWN, .extended = one_pair },
      LITERAL("\x80\0\0\0"
              "\0\0\0\1"
              "\0\0\0\3x@y"
              "\0\0\0\1z") },
};

static void check_text_fields(const sshio_sftp_attrs *read, const sshio_sftp_attrs *expected)
{
    if (expected->owner != NULL) {
        assert_string_equal(read->owner, expected->owner);
        assert_string_equal(read->group, expected->group);
    }
    if (expected->mime_type != NULL)
        assert_string_equal(read->mime_type, expected->mime_type);
    if (expected->untrans_name != NULL)
        assert_string_equal(read->untrans_name, expected->untrans_name);
    assert_bytes(SPAN(read->acl.data, read->acl.len), expected->acl.data, expected->acl.len);
    for (size_t i = 0; expected->extended != NULL && expected->extended[i].data != NULL; i++)
        assert_bytes(SPAN(read->extended[i].data, read->extended[i].len), expected->extended[i].data,
                     expected->extended[i].len);
}

static void check_numbers(const sshio_sftp_attrs *read, const sshio_sftp_attrs *expected)
{
    assert_int_equal(read->valid, expected->valid);
    assert_int_equal(read->type, expected->type);
    assert_int_equal(read->size, expected->size);
    assert_int_equal(read->alloc_size, expected->alloc_size);
    assert_int_equal(read->uid, expected->uid);
    assert_int_equal(read->gid, expected->gid);
    assert_int_equal(read->permissions, expected->permissions);
    assert_int_equal(read->attrib_bits, expected->attrib_bits);
    assert_int_equal(read->attrib_valid, expected->attrib_valid);
    assert_int_equal(read->text_hint, expected->text_hint);
    assert_int_equal(read->nlink, expected->nlink);
    const int64_t times[][2] = { { read->atime, expected->atime },       { read->crtime, expected->crtime },
                                 { read->mtime, expected->mtime },       { read->ctime, expected->ctime },
                                 { read->atime_ns, expected->atime_ns }, { read->crtime_ns, expected->crtime_ns },
                                 { read->mtime_ns, expected->mtime_ns }, { read->ctime_ns, expected->ctime_ns } };
    for (size_t i = 0; i < COUNT(times); i++)
        assert_true(times[i][0] == times[i][1]);
}

/* Spec 5.19, rows 7 and 8. */
static void test_attributes_that_others_wrote_are_read_and_written_the_same(void **state)
{
    uint8_t bytes[256];
    (void)state;
    for (size_t i = 0; i < COUNT(foreign); i++) {
        const struct dialect *d = &foreign[i].d;
        sshio_sftp_attrs *read = read_back(foreign[i].bytes, foreign[i].len, d);
        check_numbers(read, &foreign[i].attrs);
        check_text_fields(read, &foreign[i].attrs);
        size_t len = write_attrs(bytes, sizeof bytes, d, &foreign[i].attrs);
        assert_bytes(SPAN(bytes, len), foreign[i].bytes, foreign[i].len);
        sshio_sftp_attrs_free(read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_that_others_wrote_are_read_and_written_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
