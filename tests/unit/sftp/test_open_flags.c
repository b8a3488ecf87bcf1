/* How a file is opened. (draft-ietf-secsh-filexfer-02 section 6.3, -13 section 8.1.1) */
#include "unit.h"

#include <sshio/sftp.h>

#include "sftp/open_flags.h"

static void test_mode_texts_become_flags(void **state)
{
    static const struct {
        const char *mode;
        uint32_t pflags;
    } rows[] = {
        { "r", 0x01 }, { "r+", 0x03 }, { "w", 0x1a },  { "w+", 0x1b },  { "a", 0x0e },   { "a+", 0x0f },
        { "x", 0x2a }, { "x+", 0x2b }, { "rb", 0x01 }, { "br+", 0x03 }, { "w+b", 0x1b },
    };
    static const char *const bad[] = { "", "b", "rw", "+r", "r++", "rr", "q", "R" };
    uint32_t pflags = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(open_mode_parse(rows[i].mode, &pflags));
        assert_int_equal(pflags, rows[i].pflags);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(open_mode_parse(bad[i], &pflags));
}

static void test_flags_become_access_and_disposition(void **state)
{
    static const struct {
        const char *mode;
        uint32_t access, flags;
    } rows[] = {
        { "r", 0x81, SSHIO_FXF_OPEN_EXISTING },
        { "r+", 0x183, SSHIO_FXF_OPEN_EXISTING },
        { "w", 0x102, SSHIO_FXF_CREATE_TRUNCATE },
        { "x", 0x102, SSHIO_FXF_CREATE_NEW },
        { "a", 0x106, SSHIO_FXF_OPEN_OR_CREATE | SSHIO_FXF_APPEND_DATA },
    };
    uint32_t pflags, access, flags;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(open_mode_parse(rows[i].mode, &pflags));
        open_flags_to_v5(pflags, &access, &flags);
        assert_int_equal(access, rows[i].access);
        assert_int_equal(flags, rows[i].flags);
    }
    open_flags_to_v5(SSHIO_FXF_WRITE | SSHIO_FXF_TRUNC, &access, &flags);
    assert_int_equal(flags, SSHIO_FXF_TRUNCATE_EXISTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_texts_become_flags),
        cmocka_unit_test(test_flags_become_access_and_disposition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
