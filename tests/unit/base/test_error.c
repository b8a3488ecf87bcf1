/* Error records, the table of codes, and disconnect reasons (RFC 4253 11.1). */
#include "unit.h"

#include <errno.h>

#include <sshio/constants.h>

#include "base/error.h"
#include "base/memory.h"

static void test_error_begins_empty(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    assert_int_equal(error_code(&e), 0);
    assert_string_equal(error_message(&e), "");
    error_clear(&e);
    error_clear(&e);
}

static void test_error_set_formats_and_replaces(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    assert_int_equal(error_set(&e, SSHIO_EINVAL, "bad %s: %d", "port", 70000), SSHIO_EINVAL);
    assert_string_equal(error_message(&e), "bad port: 70000");
    assert_int_equal(error_set_reason(&e, SSHIO_EDISCONNECT, 11, "bye"), SSHIO_EDISCONNECT);
    assert_string_equal(e.pub.message, "bye");
    assert_string_equal(e.pub.lang, "en-US");
    assert_int_equal(e.pub.reason, 11);
    assert_int_equal(error_set(&e, SSHIO_EEOF, "end"), SSHIO_EEOF);
    assert_int_equal(e.pub.reason, 0);
    error_clear(&e);
    assert_int_equal(error_code(&e), 0);
}

/* A message may quote the one that it replaces. */
static void test_error_set_may_quote_itself(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    error_set(&e, SSHIO_EINVAL, "inner");
    error_set(&e, SSHIO_ECHANNEL_OPEN, "outer: %s", error_message(&e));
    assert_string_equal(error_message(&e), "outer: inner");
    error_clear(&e);
}

static void test_error_without_a_record_gives_the_code(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, SSHIO_EMAC, "x"), SSHIO_EMAC);
    assert_int_equal(error_set_reason(NULL, SSHIO_EMAC, 5, "x"), SSHIO_EMAC);
    assert_int_equal(error_set_errno(NULL, EPERM, "x"), SSHIO_ESYSTEM);
    assert_int_equal(error_set_file(NULL, SSHIO_ECONFIG_PARSE, "f", 1, "x"), SSHIO_ECONFIG_PARSE);
    assert_int_equal(error_nomem(NULL), SSHIO_ENOMEM);
}

static void test_error_set_errno_appends_the_reason(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    assert_int_equal(error_set_errno(&e, ENOENT, "open %s", "id"), SSHIO_ESYSTEM);
    assert_string_equal(error_message(&e), "open id: No such file or directory");
    assert_int_equal(e.pub.os_errno, ENOENT);
    error_set_errno(&e, 99999, "odd");
    assert_non_null(strstr(error_message(&e), "99999"));
    error_clear(&e);
}

static void test_error_set_file_names_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *filename;
        int line;
        const char *message;
    } rows[] = {
        { "config", 3, "config line 3: bad" },
        { "config", 0, "config: bad" },
        { NULL, 3, "line 3: bad" },
        { NULL, 0, "bad" },
    };
    struct error e;
    error_init(&e);
    for (size_t i = 0; i < COUNT(rows); i++) {
        error_set_file(&e, SSHIO_ECONFIG_PARSE, rows[i].filename, rows[i].line, "bad");
        assert_string_equal(error_message(&e), rows[i].message);
        assert_int_equal(e.pub.line, rows[i].line);
        assert_int_equal(e.pub.filename == NULL, rows[i].filename == NULL);
    }
    error_clear(&e);
}

static void test_error_out_of_memory_keeps_the_code_and_the_general_text(void **state)
{
    (void)state;
    struct error e, copy;
    error_init(&e);
    error_init(&copy);
    mem_fail_at(1);
    error_set(&e, SSHIO_EMAC, "packet %d", 7);
    assert_int_equal(error_code(&e), SSHIO_EMAC);
    assert_string_equal(error_message(&e), sshio_error_text(SSHIO_EMAC));
    error_set(&e, SSHIO_EMAC, "packet %d", 7);
    mem_fail_at(1);
    error_copy(&copy, &e);
    assert_int_equal(error_code(&copy), SSHIO_EMAC);
    assert_string_equal(error_message(&copy), sshio_error_text(SSHIO_EMAC));
    error_clear(&e);
    error_clear(&copy);
}

static void test_error_nomem_allocates_nothing(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    uint64_t before = mem_allocations();
    assert_int_equal(error_nomem(&e), SSHIO_ENOMEM);
    assert_true(mem_allocations() == before);
    assert_string_equal(error_message(&e), "out of memory");
}

static void test_error_copy_is_independent(void **state)
{
    (void)state;
    struct error a, b;
    error_init(&a);
    error_init(&b);
    error_set_file(&a, SSHIO_ECONFIG_PARSE, "config", 7, "bad word");
    error_copy(&b, &a);
    error_copy(&b, &b);
    error_clear(&a);
    assert_string_equal(error_message(&b), "config line 7: bad word");
    assert_string_equal(b.pub.filename, "config");
    assert_int_equal(b.pub.line, 7);
    error_copy(&b, &a);
    assert_int_equal(error_code(&b), 0);
    assert_string_equal(error_message(&b), "");
}

static void test_error_move_empties_its_source(void **state)
{
    (void)state;
    struct error a, b;
    error_init(&a);
    error_init(&b);
    error_set(&a, SSHIO_EEOF, "end of %s", "stdin");
    error_set(&b, SSHIO_EMAC, "old");
    error_move(&b, &a);
    error_move(&b, &b);
    assert_int_equal(error_code(&a), 0);
    assert_string_equal(error_message(&b), "end of stdin");
    error_clear(&b);
}

#define CODE(code, value, text) code,
static const int codes[] = { SSHIO_ERRORS(CODE) };

static void test_every_code_has_a_name_and_a_text_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_true(codes[i] < 0);
        assert_memory_equal(sshio_error_name(codes[i]), "SSHIO_E", 7);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(codes[i], codes[k]);
            assert_string_not_equal(sshio_error_name(codes[i]), sshio_error_name(codes[k]));
        }
    }
    assert_string_equal(sshio_error_name(SSHIO_EMAC), "SSHIO_EMAC");
    assert_string_equal(sshio_error_text(0), "no error");
    assert_string_equal(sshio_error_name(-99999), "unknown");
}

static void test_codes_are_in_their_groups(void **state)
{
    (void)state;
    static const struct {
        int code;
        int group;
        bool member;
    } rows[] = {
        { SSHIO_EMAC, SSHIO_EMAC, true },
        { SSHIO_EMAC, SSHIO_EPROTOCOL, false },
        { SSHIO_EDISCONNECT, SSHIO_E_DISCONNECT, true },
        { SSHIO_EILLEGAL_USER_NAME, SSHIO_E_DISCONNECT, true },
        { SSHIO_ECHANNEL_OPEN, SSHIO_E_DISCONNECT, false },
        { SSHIO_ECHANNEL_OPEN, SSHIO_E_CHANNEL, true },
        { SSHIO_EPROCESS_TIMEOUT, SSHIO_E_PROCESS, true },
        { SSHIO_EPROCESS_TIMEOUT, SSHIO_E_TIMEOUT, true },
        { SSHIO_ETIMEDOUT, SSHIO_E_TIMEOUT, true },
        { SSHIO_ESFTP_NO_MATCHING_BYTE_RANGE_LOCK, SSHIO_E_SFTP, true },
        { SSHIO_EKEY_IMPORT, SSHIO_E_KEY, true },
        { SSHIO_EKEY_IMPORT, SSHIO_E_INVALID, true },
        { SSHIO_ECONFIG_PARSE, SSHIO_E_KEY, false },
        { SSHIO_ECONFIG_PARSE, SSHIO_E_INVALID, true },
        { SSHIO_ERESOLVE, SSHIO_E_SYSTEM, true },
        { SSHIO_ESIGNAL_RECEIVED, SSHIO_E_IN_BAND, true },
        { SSHIO_EPASSWORD_CHANGE_REQUIRED, SSHIO_E_IN_BAND, false },
        { 0, SSHIO_E_DISCONNECT, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(sshio_error_is(rows[i].code, rows[i].group), rows[i].member);
}

/* RFC 4253 11.1: each reason with a code of its own comes back from it; the others are a plain disconnect. */
static void test_disconnect_reasons_map_both_ways(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < 20; reason++) {
        int code = error_of_disconnect(reason);
        if (code != SSHIO_EDISCONNECT && code != SSHIO_ECONNECTION_LOST)
            assert_int_equal(disconnect_of_error(code), reason);
    }
    assert_int_equal(error_of_disconnect(SSHIO_DISC_MAC_ERROR), SSHIO_EMAC);
    assert_int_equal(error_of_disconnect(SSHIO_DISC_BY_APPLICATION), SSHIO_EDISCONNECT);
    assert_int_equal(error_of_disconnect(0xffffffff), SSHIO_EDISCONNECT);
    assert_int_equal(disconnect_of_error(SSHIO_ECONNECTION_LOST), 0);
    assert_int_equal(disconnect_of_error(SSHIO_EINVAL), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_begins_empty),
        cmocka_unit_test(test_error_set_formats_and_replaces),
        cmocka_unit_test(test_error_set_may_quote_itself),
        cmocka_unit_test(test_error_without_a_record_gives_the_code),
        cmocka_unit_test(test_error_set_errno_appends_the_reason),
        cmocka_unit_test(test_error_set_file_names_the_place),
        cmocka_unit_test(test_error_out_of_memory_keeps_the_code_and_the_general_text),
        cmocka_unit_test(test_error_nomem_allocates_nothing),
        cmocka_unit_test(test_error_copy_is_independent),
        cmocka_unit_test(test_error_move_empties_its_source),
        cmocka_unit_test(test_every_code_has_a_name_and_a_text_of_its_own),
        cmocka_unit_test(test_codes_are_in_their_groups),
        cmocka_unit_test(test_disconnect_reasons_map_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
