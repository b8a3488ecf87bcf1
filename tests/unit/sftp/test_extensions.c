/* The pairs that servers announce. (draft-ietf-secsh-filexfer-13 section 5, -05 section 4.3) */
#include "unit.h"

#include <sshio/base.h>

#include "sftp/extensions.h"

static const struct supported all = {
    .attr_mask = 0x1ad,
    .open_flags = 0xf,
    .access_mask = 0x187,
    .max_read_len = 0x40000,
    .open_blocks = 1,
    .blocks = 0x8001,
    .attr_names = { (const uint8_t *)"\0\0\0\1a", 5 },
    .names = { (const uint8_t *)"\0\0\0\1x\0\0\0\2yz", 11 },
};

static void test_supported_of_both_versions_comes_back(void **state)
{
    (void)state;
    for (int version = 5; version <= 6; version++) {
        uint8_t bytes[128];
        struct supported read;
        struct writer w;
        struct reader r;
        struct span name, data;
        writer_init_fixed(&w, bytes, sizeof bytes);
        supported_put(&w, version, &all);
        reader_init(&r, bytes, w.len);
        assert_true(extension_pair_read(&r, &name, &data));
        assert_text(name, version == 6 ? "supported2" : "supported");
        assert_true(supported_read(data, version, &read));
        assert_int_equal(read.access_mask, 0x187);
        assert_int_equal(read.max_read_len, 0x40000);
        assert_int_equal(read.blocks, version == 6 ? 0x8001 : 0);
        assert_bytes(read.names, all.names.data, all.names.len);
        for (size_t cut = 0; cut < data.len - (version == 5 ? all.names.len : 0); cut++)
            assert_false(supported_read(SPAN(data.data, cut), version, &read));
        assert_false(extension_pair_read(&r, &name, &data));
    }
}

static void test_vendor_id_comes_back_and_is_checked(void **state)
{
    uint8_t bytes[128];
    struct vendor vendor;
    struct writer w;
    struct reader r;
    struct span name, data;
    (void)state;
    writer_init_fixed(&w, bytes, sizeof bytes);
    vendor_put(&w);
    reader_init(&r, bytes, w.len);
    assert_true(extension_pair_read(&r, &name, &data));
    assert_text(name, "vendor-id");
    assert_true(vendor_read(data, &vendor));
    assert_text(vendor.product_name, "sshio");
    assert_text(vendor.product_version, sshio_version());
    for (size_t cut = 0; cut < data.len; cut++)
        assert_false(vendor_read(SPAN(data.data, cut), &vendor));
}

/* A name counts only with the data that announces it: statvfs@openssh.com is of version 2. */
static void test_extensions_are_found_by_name_and_counted_by_data(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EXT_COUNT; i++)
        assert_int_equal(extension_find(span_of(extension_name(i))), i);
    assert_int_equal(extension_find(span_of("statvfs")), EXT_COUNT);
    assert_int_equal(extension_find(SPAN("copy-data\0", 10)), EXT_COUNT);
    assert_true(extension_is_announced(EXT_STATVFS, span_of("2")));
    assert_false(extension_is_announced(EXT_STATVFS, span_of("1")));
    assert_false(extension_is_announced(EXT_FSYNC, span_of("")));
}

static void test_a_pair_that_is_cut_short_fails_the_reader(void **state)
{
    static const char pair[] = "\0\0\0\1a\0\0\0\1b";
    struct span name, data;
    struct reader r;
    (void)state;
    for (size_t cut = 1; cut < sizeof pair - 1; cut++) {
        reader_init(&r, pair, cut);
        assert_false(extension_pair_read(&r, &name, &data));
        assert_true(reader_failed(&r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supported_of_both_versions_comes_back),
        cmocka_unit_test(test_vendor_id_comes_back_and_is_checked),
        cmocka_unit_test(test_extensions_are_found_by_name_and_counted_by_data),
        cmocka_unit_test(test_a_pair_that_is_cut_short_fails_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
