/* Terminal descriptions: what a program may hand in, and the mode string. (RFC 4254 8, RFC 8160) */
#include "conn/terminal.h"

#include <limits.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "unit.h"

static const struct wire_row {
    const char *name;
    struct span text;
    int rc;
    sshio_term_mode modes[4];
} wire_rows[] = {
    { "empty", SPAN("", 0), 0, { { 0 } } },
    { "end alone", SPAN("\0", 1), 0, { { 0 } } },
    { "one", SPAN("\x35\0\0\0\1\0", 6), 0, { { SSHIO_PTY_ECHO, 1 } } },
    { "no end mark", SPAN("\x35\0\0\0\1", 5), 0, { { SSHIO_PTY_ECHO, 1 } } },
    { "unknown below 160", SPAN("\x9f\xff\xff\xff\xff\0", 6), 0, { { 159, UINT32_MAX } } },
    { "160 ends it", SPAN("\1\0\0\0\3\xa0\1\2", 8), 0, { { SSHIO_PTY_VINTR, 3 } } },
    { "after the end", SPAN("\1\0\0\0\3\0\1\2", 8), 0, { { SSHIO_PTY_VINTR, 3 } } },
    { "twice", SPAN("\1\0\0\0\3\2\0\0\0\4\1\0\0\0\5\0", 16), 0, { { 1, 5 }, { 2, 4 } } },
    { "order", SPAN("\2\0\0\0\4\1\0\0\0\3\0", 11), 0, { { 2, 4 }, { 1, 3 } } },
    { "no value", SPAN("\1", 1), SSHIO_EPROTOCOL, { { 0 } } },
    { "short value", SPAN("\1\0\0\0", 4), SSHIO_EPROTOCOL, { { 0 } } },
    { "second short", SPAN("\1\0\0\0\3\2\0\0", 8), SSHIO_EPROTOCOL, { { 0 } } },
};

static void test_mode_strings_are_read_up_to_their_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wire_rows / sizeof wire_rows[0]; i++) {
        const struct wire_row *row = &wire_rows[i];
        sshio_term_mode *modes = NULL;
        print_message("# %s\n", row->name);
        assert_int_equal(term_modes_from(row->text, &modes), row->rc);
        for (size_t k = 0; row->rc == 0; k++) {
            assert_int_equal(modes[k].op, row->modes[k].op);
            if (modes[k].op == SSHIO_PTY_OP_END)
                break;
            assert_int_equal(modes[k].value, row->modes[k].value);
        }
        mem_free(modes);
    }
}

static void test_modes_are_put_in_their_order_and_come_back(void **state)
{
    static const sshio_term_mode modes[] = {
        { SSHIO_PTY_OP_ISPEED, 38400 }, { SSHIO_PTY_IUTF8, 1 }, { SSHIO_PTY_VINTR, 255 }, { 0 }
    };
    sshio_term_mode *back = NULL;
    struct writer w;
    struct reader r;
    (void)state;
    writer_init(&w, 100);
    put_term_modes(&w, modes);
    reader_init(&r, w.data, w.len);
    struct span text = read_string(&r);
    assert_true(reader_done(&r));
    assert_int_equal(text.len, 3 * 5 + 1);
    assert_int_equal(term_modes_from(text, &back), 0);
    assert_memory_equal(back, modes, 3 * sizeof modes[0]);
    assert_int_equal(back[3].op, 0);
    mem_free(back);
    writer_done(&w);
}

/* However long the text is. */
static void test_many_modes_come_to_one_of_each(void **state)
{
    sshio_term_mode *modes = NULL;
    struct writer w;
    size_t count = 0;
    (void)state;
    writer_init(&w, 256 * 1024);
    for (uint32_t i = 0; i < 50000; i++) {
        put_u8(&w, (uint8_t)(1 + i % 159));
        put_u32(&w, i);
    }
    assert_int_equal(term_modes_from(writer_span(&w), &modes), 0);
    while (modes[count].op != 0)
        count++;
    assert_int_equal(count, 159);
    mem_free(modes);
    writer_done(&w);
}

/* Every name of the reference, by its number: RFC 4254 8, and 42 of RFC 8160. */
struct op_row {
    sshio_pty_op op;
    int number;
};

static void assert_numbers(const struct op_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rows[i].op, rows[i].number);
}

static void test_special_characters_have_their_numbers(void **state)
{
    static const struct op_row rows[] = {
        { SSHIO_PTY_OP_END, 0 }, { SSHIO_PTY_VINTR, 1 }, { SSHIO_PTY_VQUIT, 2 }, { SSHIO_PTY_VERASE, 3 },
        { SSHIO_PTY_VKILL, 4 },  { SSHIO_PTY_VEOF, 5 },  { SSHIO_PTY_VEOL, 6 },  { SSHIO_PTY_VEOL2, 7 },
        { SSHIO_PTY_VSTART, 8 }, { SSHIO_PTY_VSTOP, 9 },
    };
    (void)state;
    assert_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void test_further_characters_have_their_numbers(void **state)
{
    static const struct op_row rows[] = {
        { SSHIO_PTY_VSUSP, 10 },  { SSHIO_PTY_VDSUSP, 11 },  { SSHIO_PTY_VREPRINT, 12 },
        { SSHIO_PTY_WERASE, 13 }, { SSHIO_PTY_VLNEXT, 14 },  { SSHIO_PTY_VFLUSH, 15 },
        { SSHIO_PTY_VSWTCH, 16 }, { SSHIO_PTY_VSTATUS, 17 }, { SSHIO_PTY_VDISCARD, 18 },
    };
    (void)state;
    assert_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void test_input_modes_have_their_numbers(void **state)
{
    static const struct op_row rows[] = {
        { SSHIO_PTY_IGNPAR, 30 }, { SSHIO_PTY_PARMRK, 31 }, { SSHIO_PTY_INPCK, 32 }, { SSHIO_PTY_ISTRIP, 33 },
        { SSHIO_PTY_INLCR, 34 },  { SSHIO_PTY_IGNCR, 35 },  { SSHIO_PTY_ICRNL, 36 }, { SSHIO_PTY_IUCLC, 37 },
        { SSHIO_PTY_IXON, 38 },   { SSHIO_PTY_IXANY, 39 },  { SSHIO_PTY_IXOFF, 40 }, { SSHIO_PTY_IMAXBEL, 41 },
        { SSHIO_PTY_IUTF8, 42 },
    };
    (void)state;
    assert_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void test_local_modes_have_their_numbers(void **state)
{
    static const struct op_row rows[] = {
        { SSHIO_PTY_ISIG, 50 },   { SSHIO_PTY_ICANON, 51 }, { SSHIO_PTY_XCASE, 52 },   { SSHIO_PTY_ECHO, 53 },
        { SSHIO_PTY_ECHOE, 54 },  { SSHIO_PTY_ECHOK, 55 },  { SSHIO_PTY_ECHONL, 56 },  { SSHIO_PTY_NOFLSH, 57 },
        { SSHIO_PTY_TOSTOP, 58 }, { SSHIO_PTY_IEXTEN, 59 }, { SSHIO_PTY_ECHOCTL, 60 }, { SSHIO_PTY_ECHOKE, 61 },
        { SSHIO_PTY_PENDIN, 62 },
    };
    (void)state;
    assert_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void test_output_modes_and_speeds_have_their_numbers(void **state)
{
    static const struct op_row rows[] = {
        { SSHIO_PTY_OPOST, 70 },  { SSHIO_PTY_OLCUC, 71 },  { SSHIO_PTY_ONLCR, 72 },      { SSHIO_PTY_OCRNL, 73 },
        { SSHIO_PTY_ONOCR, 74 },  { SSHIO_PTY_ONLRET, 75 }, { SSHIO_PTY_CS7, 90 },        { SSHIO_PTY_CS8, 91 },
        { SSHIO_PTY_PARENB, 92 }, { SSHIO_PTY_PARODD, 93 }, { SSHIO_PTY_OP_ISPEED, 128 }, { SSHIO_PTY_OP_OSPEED, 129 },
    };
    (void)state;
    assert_numbers(rows, sizeof rows / sizeof rows[0]);
}

static const struct {
    const char *name, *type;
    sshio_term_size size;
    sshio_term_mode modes[2];
    int rc;
} check_rows[] = {
    { "nothing", NULL, { 0 }, { { 0 } }, 0 },
    { "usual", "xterm-256color", { 80, 24, 0, 0 }, { { 159, 1 } }, 0 },
    { "empty type", "", { 0 }, { { 0 } }, 0 },
    { "control character", "vt\n100", { 0 }, { { 0 } }, SSHIO_EINVAL },
    { "not ASCII", "vt\xc3\xa4", { 0 }, { { 0 } }, SSHIO_EINVAL },
    { "negative", "vt100", { 80, -1, 0, 0 }, { { 0 } }, SSHIO_EINVAL },
    { "negative pixels", "vt100", { 80, 24, 0, INT_MIN }, { { 0 } }, SSHIO_EINVAL },
    { "mode 160", "vt100", { 0 }, { { 160, 0 } }, SSHIO_EINVAL },
    { "mode 255", "vt100", { 0 }, { { 255, 0 } }, SSHIO_EINVAL },
};

static void test_what_programs_hand_in_is_checked(void **state)
{
    struct error e;
    (void)state;
    error_init(&e);
    for (size_t i = 0; i < sizeof check_rows / sizeof check_rows[0]; i++) {
        print_message("# %s\n", check_rows[i].name);
        assert_int_equal(terminal_check(check_rows[i].type, &check_rows[i].size, check_rows[i].modes, &e),
                         check_rows[i].rc);
    }
    error_clear(&e);
}

static void test_sizes_beyond_an_int_count_as_the_largest(void **state)
{
    struct reader r;
    (void)state;
    reader_init(&r, "\xff\xff\xff\xff\0\0\0\x18\x80\0\0\0\x7f\xff\xff\xff", 16);
    sshio_term_size size = read_term_size(&r);
    assert_true(reader_done(&r));
    assert_int_equal(size.width, INT_MAX);
    assert_int_equal(size.height, 24);
    assert_int_equal(size.pixwidth, INT_MAX);
    assert_int_equal(size.pixheight, INT_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_strings_are_read_up_to_their_end),
        cmocka_unit_test(test_modes_are_put_in_their_order_and_come_back),
        cmocka_unit_test(test_many_modes_come_to_one_of_each),
        cmocka_unit_test(test_special_characters_have_their_numbers),
        cmocka_unit_test(test_further_characters_have_their_numbers),
        cmocka_unit_test(test_input_modes_have_their_numbers),
        cmocka_unit_test(test_local_modes_have_their_numbers),
        cmocka_unit_test(test_output_modes_and_speeds_have_their_numbers),
        cmocka_unit_test(test_what_programs_hand_in_is_checked),
        cmocka_unit_test(test_sizes_beyond_an_int_count_as_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
