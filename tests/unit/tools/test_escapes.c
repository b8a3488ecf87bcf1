/* Escape sequences of sshio ssh: what counts as one, and that everything else passes. */
#include "unit.h"

#include "../../../tools/escapes.h"

static void test_escape_characters_are_single(void **state)
{
    static const struct {
        const char *text;
        int expected; /* -1 = no escape character */
    } rows[] = {
        { "~", '~' }, { "%", '%' }, { "^", '^' }, { "\xe9", 0xe9 }, { "^A", 1 },   { "^b", 2 },     { "^[", 27 },
        { "^@", 0 },  { "", -1 },   { "~~", -1 }, { "^1", -1 },     { "^AB", -1 }, { "^\xe9", -1 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char character = 0;
        assert_int_equal(escapes_parse(rows[i].text, &character), rows[i].expected >= 0);
        if (rows[i].expected >= 0)
            assert_int_equal(character, rows[i].expected);
    }
}

/* What passes, with the commands between as their numbers in brackets. step: bytes that come at once. */
static void filter(const char *typed, size_t step, bool off, char *seen)
{
    struct escapes e = { .character = '~', .off = off };
    size_t len = strlen(typed), at = 0;
    *seen = '\0';
    while (at < len) {
        enum escape_command command;
        size_t out_len, piece = len - at < step ? len - at : step;
        char out[64];
        size_t taken = escapes_filter(&e, typed + at, piece, out, &out_len, &command);
        assert_true(taken > 0 && taken <= piece && out_len <= piece + 1);
        strncat(seen, out, out_len);
        if (command != ESCAPE_NOTHING)
            strcat(seen, (const char[]){ '[', (char)('0' + command), ']', '\0' });
        at += taken;
    }
}

static void test_commands_are_taken_out_and_the_rest_passes(void **state)
{
    static const struct {
        const char *typed, *seen;
    } rows[] = {
        { "ls ~\r", "ls ~\r" },            /* inside a line */
        { "~.", "[1]" },                   /* a session begins a line */
        { "ls\r~.", "ls\r[1]" },           /* behind a return */
        { "ls\n~.", "ls\n[1]" },           /* or a line feed */
        { "~\x1a~B~R~?", "[2][3][4][5]" }, /* a command does not begin a line */
        { "~~.\r", "~.\r" },               /* the character itself, and then it is inside a line */
        { "~~~.\r", "~~.\r" },
        { "~x\r", "~x\r" }, /* no command: both pass */
        { "~\r~.", "~\r[1]" },
        { "x~.\r", "x~.\r" },
        { "~b", "~b" }, /* a break is a capital B */
        { "a~\r\r~.b", "a~\r\r[1]b" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step <= strlen(rows[i].typed); step++) {
            char seen[64];
            filter(rows[i].typed, step, false, seen);
            assert_string_equal(seen, rows[i].seen);
            filter(rows[i].typed, step, true, seen);
            assert_string_equal(seen, rows[i].typed);
        }
}

static void test_each_command_has_its_help(void **state)
{
    (void)state;
    for (int i = ESCAPE_NOTHING + 1; i < ESCAPE_COMMANDS; i++) {
        const char *key = NULL;
        assert_non_null(escapes_help((enum escape_command)i, &key));
        assert_non_null(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape_characters_are_single),
        cmocka_unit_test(test_commands_are_taken_out_and_the_rest_passes),
        cmocka_unit_test(test_each_command_has_its_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
