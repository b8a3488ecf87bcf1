/* Attributes on the wire in versions 3 to 6, and as records. (draft-ietf-secsh-filexfer-02 section 5, -04 section 5,
 * -05 section 5, -13 section 7) */
#include "attrs_bed.h"

#include "base/memory.h"

static const sshio_span pairs[] = { { "a@b", 3 }, { "\0x", 2 }, { "empty", 5 }, { "", 0 }, { NULL, 0 } };

/* Every field that there is. */
static const sshio_sftp_attrs full = {
    .struct_size = sizeof full,
    .valid = 0x8000ffffu,
    .type = SSHIO_FILEXFER_TYPE_SOCKET,
    .permissions = 0140755,
    .size = 0x123456789abcu,
    .alloc_size = 0x1234567a0000u,
    .uid = 1000,
    .gid = 100,
    .owner = "j\xc3\xbcrgen",
    .group = "users",
    .atime = -157766400, /* 1965 */
    .mtime = 1700000000,
    .crtime = 5000000000,
    .ctime = 1,
    .atime_ns = 999999999,
    .mtime_ns = 1,
    .crtime_ns = 0,
    .ctime_ns = 500,
    .acl = { "\0\0\0\0", 4 },
    .attrib_bits = SSHIO_FILEXFER_ATTR_BITS_HIDDEN,
    .attrib_valid = SSHIO_FILEXFER_ATTR_BITS_HIDDEN | SSHIO_FILEXFER_ATTR_BITS_READONLY,
    .text_hint = SSHIO_FILEXFER_ATTR_GUESSED_BINARY,
    .mime_type = "text/plain",
    .nlink = 3,
    .untrans_name = "\xff\xfe",
    .extended = pairs,
};

static const struct dialect dialects[] = { { .version = 3, .server = true },
                                           { .version = 4 },
                                           { .version = 5 },
                                           { .version = 5, .bits_pair = true },
                                           { .version = 6 } };

static int read_fails(const void *bytes, size_t len, const struct dialect *d)
{
    struct attrs_wire wire;
    struct reader r;
    struct error e;
    error_init(&e);
    reader_init(&r, bytes, len);
    int rc = attrs_read(&r, d, &wire, &e);
    assert_int_equal(rc, error_code(&e));
    error_clear(&e);
    return rc;
}

static void check_pairs(const sshio_span *read)
{
    for (size_t i = 0; i < COUNT(pairs) - 1; i++)
        assert_bytes(SPAN(read[i].data, read[i].len), pairs[i].data, pairs[i].len);
    assert_null(read[COUNT(pairs) - 1].data);
}

static void check_times(const sshio_sftp_attrs *read, int version)
{
    assert_int_equal(read->atime, full.atime);
    assert_int_equal(read->mtime, full.mtime);
    assert_int_equal(read->crtime, full.crtime);
    assert_int_equal(read->atime_ns, full.atime_ns);
    assert_int_equal(read->mtime_ns, full.mtime_ns);
    assert_int_equal(read->crtime_ns, full.crtime_ns);
    if (version >= 6) {
        assert_int_equal(read->ctime, full.ctime);
        assert_int_equal(read->ctime_ns, full.ctime_ns);
    }
}

static void check_v6(const sshio_sftp_attrs *read)
{
    assert_int_equal(read->alloc_size, full.alloc_size);
    assert_int_equal(read->text_hint, full.text_hint);
    assert_string_equal(read->mime_type, full.mime_type);
    assert_int_equal(read->nlink, full.nlink);
    assert_string_equal(read->untrans_name, full.untrans_name);
}

/* -13 section 7: each field comes back, in every version that has it, and no other is sent. */
static void test_every_field_comes_back_in_the_versions_that_have_it(void **state)
{
    static const uint32_t defined[] = { ATTR(DEFINED_V3) | ATTR(MODIFYTIME), ATTR(DEFINED_V4), ATTR(DEFINED_V5),
                                        ATTR(DEFINED_V6) };
    uint8_t bytes[1024];
    (void)state;
    for (size_t i = 0; i < COUNT(dialects); i++) {
        const struct dialect *d = &dialects[i];
        size_t len = write_attrs(bytes, sizeof bytes, d, &full);
        sshio_sftp_attrs *read = read_back(bytes, len, d);
        assert_int_equal(read->valid, defined[d->version - 3]);
        assert_int_equal(read->size, full.size);
        check_pairs(read->extended);
        if (d->version == 3) {
            assert_int_equal(read->type, SSHIO_FILEXFER_TYPE_SOCKET); /* from the mode */
            assert_int_equal(read->permissions, 0140755);
            assert_int_equal(read->uid, 1000);
            assert_int_equal(read->gid, 100);
            assert_int_equal(read->atime, 0); /* clamped */
            assert_int_equal(read->mtime, full.mtime);
        } else {
            assert_int_equal(read->type, d->version == 4 ? SSHIO_FILEXFER_TYPE_SPECIAL : SSHIO_FILEXFER_TYPE_SOCKET);
            assert_int_equal(read->permissions, 0755);
            assert_string_equal(read->owner, full.owner);
            assert_string_equal(read->group, full.group);
            assert_bytes(SPAN(read->acl.data, read->acl.len), full.acl.data, full.acl.len);
            check_times(read, d->version);
        }
        if (d->version >= 5) {
            assert_int_equal(read->attrib_bits, full.attrib_bits);
            assert_int_equal(read->attrib_valid,
                             d->version >= 6 || d->bits_pair ? full.attrib_valid : full.attrib_bits);
        }
        if (d->version >= 6)
            check_v6(read);
        sshio_sftp_attrs_free(read);
    }
}

static void test_attributes_cut_short_anywhere_are_a_bad_message(void **state)
{
    uint8_t bytes[1024];
    (void)state;
    for (size_t i = 0; i < COUNT(dialects); i++) {
        size_t len = write_attrs(bytes, sizeof bytes, &dialects[i], &full);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *exact = mem_dup(bytes, cut); /* so that a read behind its end is seen */
            assert_int_equal(read_fails(exact, cut, &dialects[i]), SSHIO_ESFTP_BAD_MESSAGE);
            mem_free(exact);
        }
    }
}

static void test_bits_that_a_version_does_not_define_are_a_bad_message(void **state)
{
    static const uint32_t defined[] = { ATTR(DEFINED_V3), ATTR(DEFINED_V4), ATTR(DEFINED_V5), ATTR(DEFINED_V6) };
    uint8_t bytes[256] = { 0 };
    (void)state;
    for (int version = 3; version <= 6; version++) {
        const struct dialect d = { .version = version };
        for (unsigned bit = 0; bit < 32; bit++) {
            if ((defined[version - 3] >> bit & 1) != 0 || (version == 3 && bit == 5))
                continue;
            store_u32(bytes, 1u << bit);
            assert_int_equal(read_fails(bytes, sizeof bytes, &d), SSHIO_ESFTP_BAD_MESSAGE);
        }
    }
}

/* Known servers set 0x20 in version 3, where no field belongs to it. */
static void test_v3_bit_of_the_modification_time_has_no_field(void **state)
{
    static const struct dialect d = { .version = 3 };
    (void)state;
    sshio_sftp_attrs *read = read_back(LITERAL("\0\0\0\x21\0\0\0\0\0\0\0\7"), &d);
    assert_int_equal(read->valid, ATTR(SIZE));
    assert_int_equal(read->size, 7);
    sshio_sftp_attrs_free(read);
}

/* What stands on the wire, octet by octet, where the drafts leave room for error. */
static void test_what_is_written_is_what_the_drafts_say(void **state)
{
    static const struct {
        struct dialect d;
        sshio_sftp_attrs attrs;
        const char *bytes;
        size_t len;
    } rows[] = {
        { { 3 }, { .valid = 0 }, LITERAL("\0\0\0\0") },
        { { 4 }, { .valid = 0 }, LITERAL("\0\0\0\0\5") },
        { { 3 }, { .valid = ATTR(UIDGID), .uid = 1, .gid = 2 }, LITERAL("\0\0\0\2\0\0\0\1\0\0\0\2") },
        { { 4 }, { .valid = ATTR(UIDGID), .uid = 1, .gid = 20 }, LITERAL("\0\0\0\x80\5\0\0\0\0011\0\0\0\00220") },
        { { 3 },
          { .valid = ATTR(ACCESSTIME) | ATTR(MODIFYTIME), .atime = 1, .mtime = 0xffffffff },
          LITERAL("\0\0\0\x08\0\0\0\1\xff\xff\xff\xff") },
        { { 4 },
          { .valid = ATTR(MODIFYTIME), .mtime = -1, .type = SSHIO_FILEXFER_TYPE_REGULAR },
          LITERAL("\0\0\0\x20\1\xff\xff\xff\xff\xff\xff\xff\xff") },
        { { 4 },
          { .valid = ATTR(MODIFYTIME) | ATTR(SUBSECOND_TIMES), .mtime = 2, .mtime_ns = 3 },
          LITERAL("\0\0\1\x20\5\0\0\0\0\0\0\0\2\0\0\0\3") },
        { { 5 }, { .valid = ATTR(BITS), .attrib_bits = 1, .attrib_valid = 3 }, LITERAL("\0\0\2\0\5\0\0\0\1") },
        { { 5, .bits_pair = true },
          { .valid = ATTR(BITS), .attrib_bits = 1, .attrib_valid = 3 },
          LITERAL("\0\0\2\0\5\0\0\0\1\0\0\0\3") },
        { { 6 }, { .valid = ATTR(BITS), .attrib_bits = 1, .attrib_valid = 3 }, LITERAL("\0\0\2\0\5\0\0\0\1\0\0\0\3") },
        { { 4 }, { .valid = ATTR(ALLOCATION_SIZE), .alloc_size = 1 }, LITERAL("\0\0\0\0\5") },
        { { 4 }, { .valid = ATTR(PERMISSIONS), .permissions = 0100644 }, LITERAL("\0\0\0\4\5\0\0\1\xa4") },
    };
    uint8_t bytes[64];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = write_attrs(bytes, sizeof bytes, &rows[i].d, &rows[i].attrs);
        assert_bytes(SPAN(bytes, len), rows[i].bytes, rows[i].len);
    }
}

static void test_a_client_cannot_say_in_v3_what_v3_does_not_have(void **state)
{
    static const sshio_sftp_attrs rows[] = {
        { .valid = ATTR(OWNERGROUP), .owner = "a", .group = "b" },
        { .valid = ATTR(ACCESSTIME), .atime = 1 },
        { .valid = ATTR(MODIFYTIME), .mtime = 1 },
        { .valid = ATTR(ACCESSTIME) | ATTR(MODIFYTIME), .atime = -1 },
        { .valid = ATTR(ACCESSTIME) | ATTR(MODIFYTIME), .mtime = 0x100000000 },
    };
    static const struct dialect d = { .version = 3 };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[64];
        struct writer w;
        struct error e;
        error_init(&e);
        writer_init_fixed(&w, bytes, sizeof bytes);
        assert_int_equal(attrs_put(&w, &d, &rows[i], &e), SSHIO_EINVAL);
        error_clear(&e);
    }
}

static void test_texts_and_nanoseconds_are_checked(void **state)
{
    static const struct {
        int version;
        const char *bytes;
        size_t len;
        int code;
    } rows[] = {
        { 4, LITERAL("\0\0\0\x80\1\0\0\0\1\xff\0\0\0\0"), SSHIO_ESFTP_OWNER_INVALID },
        { 4, LITERAL("\0\0\0\x80\1\0\0\0\0\0\0\0\2a\0"), SSHIO_ESFTP_GROUP_INVALID },
        { 6, LITERAL("\0\0\x10\0\1\0\0\0\1\xff"), SSHIO_ESFTP_BAD_MESSAGE },
        { 4, LITERAL("\0\0\1\x20\1\0\0\0\0\0\0\0\1\x3b\x9a\xca\x00"), SSHIO_ESFTP_BAD_MESSAGE },
        /* the count of pairs is held against what is there before anything is allocated */
        { 3, LITERAL("\x80\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0"), SSHIO_ESFTP_BAD_MESSAGE },
        { 6, LITERAL("\x80\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\0"), SSHIO_ESFTP_BAD_MESSAGE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct dialect d = { .version = rows[i].version };
        assert_int_equal(read_fails(rows[i].bytes, rows[i].len, &d), rows[i].code);
    }
}

static void test_modes_and_types_belong_together(void **state)
{
    static const struct {
        uint32_t mode;
        sshio_filexfer_type type;
    } rows[] = {
        { 0100644, SSHIO_FILEXFER_TYPE_REGULAR },    { 040755, SSHIO_FILEXFER_TYPE_DIRECTORY },
        { 0120777, SSHIO_FILEXFER_TYPE_SYMLINK },    { 0140000, SSHIO_FILEXFER_TYPE_SOCKET },
        { 020600, SSHIO_FILEXFER_TYPE_CHAR_DEVICE }, { 060600, SSHIO_FILEXFER_TYPE_BLOCK_DEVICE },
        { 010600, SSHIO_FILEXFER_TYPE_FIFO },        { 0150000, SSHIO_FILEXFER_TYPE_SPECIAL },
        { 0644, SSHIO_FILEXFER_TYPE_UNKNOWN },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(attrs_type_of_mode(rows[i].mode), rows[i].type);
        if (rows[i].type != SSHIO_FILEXFER_TYPE_SPECIAL)
            assert_int_equal(attrs_mode_of_type(rows[i].type), rows[i].mode & 0170000);
    }
}

/* A record seen as wire gives an equal record, which stands in memory of its own. */
static void test_a_record_can_be_copied(void **state)
{
    struct attrs_wire wire;
    (void)state;
    attrs_to_wire(&full, &wire);
    sshio_sftp_name *name = name_new(span_of("file"), span_of("-rw-"), &wire);
    assert_non_null(name);
    assert_string_equal(name->filename, "file");
    assert_string_equal(name->longname, "-rw-");
    assert_int_equal(name->attrs.valid, full.valid);
    assert_string_equal(name->attrs.owner, full.owner);
    assert_ptr_not_equal(name->attrs.owner, full.owner);
    check_v6(&name->attrs);
    check_pairs(name->attrs.extended);
    sshio_sftp_names names = { 1, mem_dup(&name, sizeof(sshio_sftp_name *)) };
    sshio_sftp_names_free(&names);
    assert_null(names.items);
}

static void test_names_come_back(void **state)
{
    uint8_t bytes[1024];
    (void)state;
    for (size_t i = 0; i < COUNT(dialects); i++) {
        const struct dialect *d = &dialects[i];
        const sshio_sftp_name name = { "a b", d->version == 3 ? "-rw- a b" : "", full };
        struct attrs_wire wire;
        struct span filename, longname;
        struct reader r;
        struct writer w;
        struct error e;
        error_init(&e);
        writer_init_fixed(&w, bytes, sizeof bytes);
        assert_int_equal(name_put(&w, d, &name, &e), 0);
        reader_init(&r, bytes, w.len);
        assert_int_equal(name_read(&r, d, &filename, &longname, &wire, &e), 0);
        assert_true(reader_done(&r));
        assert_text(filename, name.filename);
        assert_text(longname, name.longname);
    }
}

static void test_a_name_with_a_nul_is_a_bad_message(void **state)
{
    static const struct dialect d = { .version = 4 };
    struct attrs_wire wire;
    struct span filename, longname;
    struct reader r;
    struct error e;
    (void)state;
    error_init(&e);
    reader_init(&r, LITERAL("\0\0\0\2a\0\0\0\0\0\5"));
    assert_int_equal(name_read(&r, &d, &filename, &longname, &wire, &e), SSHIO_ESFTP_BAD_MESSAGE);
    error_clear(&e);
}

static void test_file_systems_come_back(void **state)
{
    static const sshio_sftp_vfs_attrs vfs = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, UINT64_MAX };
    sshio_sftp_vfs_attrs read;
    uint8_t bytes[88];
    struct writer w;
    struct reader r;
    (void)state;
    writer_init_fixed(&w, bytes, sizeof bytes);
    vfs_attrs_put(&w, &vfs);
    reader_init(&r, bytes, w.len);
    vfs_attrs_read(&r, &read);
    assert_true(reader_done(&r));
    assert_memory_equal(&read, &vfs, sizeof vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back_in_the_versions_that_have_it),
        cmocka_unit_test(test_attributes_cut_short_anywhere_are_a_bad_message),
        cmocka_unit_test(test_bits_that_a_version_does_not_define_are_a_bad_message),
        cmocka_unit_test(test_v3_bit_of_the_modification_time_has_no_field),
        cmocka_unit_test(test_what_is_written_is_what_the_drafts_say),
        cmocka_unit_test(test_a_client_cannot_say_in_v3_what_v3_does_not_have),
        cmocka_unit_test(test_texts_and_nanoseconds_are_checked),
        cmocka_unit_test(test_modes_and_types_belong_together),
        cmocka_unit_test(test_a_record_can_be_copied),
        cmocka_unit_test(test_names_come_back),
        cmocka_unit_test(test_a_name_with_a_nul_is_a_bad_message),
        cmocka_unit_test(test_file_systems_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
