/* authorized_keys: which lines give keys, and which are refused. */
#include <stdlib.h>

#include "unit.h"
#include "keys.h"

#include "base/memory.h"
#include "config/authorized_keys.h"
#include "config/text_lines.h"
#include "key/key.h"

static bool finds(const sshio_authorized_keys *keys, const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_public_text(span_of(text), &key, NULL), 0);
    bool found = authorized_keys_find(keys, key_public_blob(key));
    sshio_key_unref(key);
    return found;
}

static sshio_authorized_keys *keys_of(struct span text)
{
    sshio_authorized_keys *keys = authorized_keys_new();
    assert_non_null(keys);
    assert_int_equal(authorized_keys_parse(keys, text, "ak", NULL), 0);
    return keys;
}

/* Whether KEY_A is found, and what is said about refused lines. */
static const struct {
    const char *text;
    bool found;
    const char *refused;
} lines[] = {
    { KEY_A, true, NULL },
    { "# c\n\n  " KEY_A " me@here \r\n", true, NULL },
    { KEY_B "\n" KEY_A, true, NULL },
    { KEY_B, false, NULL },
    { "", false, NULL },
    { "#" KEY_A, false, NULL },
    { "restrict " KEY_A, false, "ak line 1: options are not supported, the line is refused" },
    { "\ncommand=\"echo " KEY_A "\" " KEY_B, false, "ak line 2: options are not supported, the line is refused" },
    { "command=\"a \\\" b\",no-pty " KEY_A, false, "ak line 1: options are not supported, the line is refused" },
    { "from=\"*\" " KEY_A "\n" KEY_A, true, "ak line 1: options are not supported, the line is refused" },
    { "cert-authority " KEY_A, false, "ak line 1: options are not supported, the line is refused" },
    { "ssh-ed25519 AAAA", false, "ak line 1: there is no key of a known type in it" },
    { "nonsense", false, "ak line 1: there is no key of a known type in it" },
    { "\"", false, "ak line 1: there is no key of a known type in it" },
    { "\\", false, "ak line 1: there is no key of a known type in it" },
};

static void test_authorized_keys_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        sshio_authorized_keys *keys = keys_of(span_of(lines[i].text));
        if (finds(keys, KEY_A) != lines[i].found)
            fail_msg("%s", lines[i].text);
        const char *refused = authorized_keys_refused(keys)[0];
        if (lines[i].refused == NULL)
            assert_null(refused);
        else
            assert_string_equal(refused, lines[i].refused);
        authorized_keys_unref(keys);
    }
}

/* A11: what stands behind the limit of a line is not read as a line of its own. */
static void test_authorized_keys_line_too_long_is_refused_whole(void **state)
{
    static const size_t lengths[] = {
        1024, 4096, 8192, TEXT_LINE_MAX_LEN, TEXT_LINE_MAX_LEN + 1, 2 * TEXT_LINE_MAX_LEN
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t len = lengths[i] + TEXT_LINE_MAX_LEN + sizeof KEY_A;
        char *text = malloc(len);
        memset(text, 'x', len);
        memcpy(text, KEY_B " ", sizeof KEY_B);
        memcpy(text + lengths[i], KEY_A " ", sizeof KEY_A);
        sshio_authorized_keys *keys = keys_of(SPAN(text, len));
        assert_int_equal(authorized_keys_count(keys), 0);
        assert_string_equal(authorized_keys_refused(keys)[0], "ak line 1: too long, the line is refused");
        assert_null(authorized_keys_refused(keys)[1]);
        authorized_keys_unref(keys);
        free(text);
    }
}

static void test_authorized_keys_out_of_memory_is_an_error(void **state)
{
    static const char text[] = KEY_A "\nrestrict " KEY_B "\n";

    (void)state;
    for (uint64_t nth = 1;; nth++) {
        sshio_authorized_keys *keys = authorized_keys_new();
        assert_non_null(keys);
        mem_fail_at(nth);
        int rc = authorized_keys_parse(keys, span_of(text), NULL, NULL);
        mem_fail_at(0);
        assert_false(finds(keys, KEY_B));
        authorized_keys_unref(keys);
        if (rc == 0)
            break;
        assert_int_equal(rc, SSHIO_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorized_keys_lines),
        cmocka_unit_test(test_authorized_keys_line_too_long_is_refused_whole),
        cmocka_unit_test(test_authorized_keys_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
