/* Texts of configurations: blocks, included files, tokens. */
#include "unit.h"

#include "base/memory.h"
#include "config/config_file.h"
#include "config/words.h"

/* The files that Include finds, by the very pattern. */
static const struct {
    const char *pattern;
    const char *text;
} files[] = {
    { "user", "User included\nHost other\nPort 7\n" },
    { "block", "Host h\nPort 8\nHost no\n" },
    { "self", "Include self\n" },
    { "broken", "\nPort x\n" },
};

static int include(struct config_reader *r, const char *pattern, struct error *e)
{
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(files[i].pattern, pattern) == 0)
            return config_read(r, span_of(files[i].text), pattern, e);
    return 0;
}

static int evaluate(sshio_config *config, const char *text, struct error *e)
{
    static const struct config_subject subject = { .host = "h", .local_user = "me" };
    static const struct token_values tokens = { .letters = { ['h'] = "h" } };
    struct config_reader reader = {
        .config = config,
        .subject = &subject,
        .tokens = &tokens,
        .include = include,
    };
    return config_read(&reader, span_of(text), NULL, e);
}

/* What Port comes to for host "h" and local user "me"; 22 = it is not set. */
static const struct {
    const char *text;
    int port;
} blocks[] = {
    { "Port 1\nPort 2\n", 1 },
    { "\xef\xbb\xbfPort 1\r\n", 1 },
    { "Host x\nPort 1\nHost h\nPort 2\n", 2 },
    { "Host x h\nPort 1\n", 1 },
    { "Host x,h\nPort 1\n", 1 },
    { "Host H\nPort 1\n", 1 },
    { "Host ?\nPort 1\n", 1 },
    { "Host * !h\nPort 1\n", 22 },
    { "Host !x\nPort 1\n", 22 },
    { "Host !x *\nPort 1\n", 1 },
    { "host=h\nport=1\n", 1 },
    { "Host x\nPort nonsense\n", 22 }, /* values of an inactive block are not looked at */
    { "Match all\nPort 1\n", 1 },
    { "Match !all\nPort 1\n", 22 },
    { "Match host h user me\nPort 1\n", 1 },
    { "Match host=h user = me\nPort 1\n", 1 },
    { "Match host x\nPort 1\n", 22 },
    { "Match !host x\nPort 1\n", 1 },
    { "Match user you\nPort 1\n", 22 },
    { "User you\nMatch user you localuser me\nPort 1\n", 1 },
    { "Hostname x\nMatch host x originalhost h\nPort 1\n", 1 },
    { "Hostname %h.x\nMatch host h.x\nPort 1\n", 1 },
    { "Host x\nPort 1\nMatch all\nPort 2\n", 2 },
    { "Include block\nPort 2\n", 8 },
    { "Include user\nPort 2\n", 2 }, /* what an included file opens ends with it */
    { "Host x\nInclude block\n", 22 },
    { "Include missing\nPort 2\n", 2 },
    { "Include user block\n", 8 },
};

static void test_config_blocks_choose_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        sshio_config *config = config_new(CONFIG_CLIENT);
        if (evaluate(config, blocks[i].text, NULL) != 0 || config_number(config, KEYWORD_PORT, 22) != blocks[i].port)
            fail_msg("%s: %d", blocks[i].text, (int)config_number(config, KEYWORD_PORT, 22));
        config_unref(config);
    }
}

static const struct {
    enum config_side side;
    const char *text;
    const char *message;
} errors[] = {
    { CONFIG_CLIENT, "\nHost\n", "line 2: Missing Host value" },
    { CONFIG_CLIENT, "Match\n", "line 1: Missing Match value" },
    { CONFIG_CLIENT, "Match nobody x\n", "line 1: Invalid match condition nobody" },
    { CONFIG_CLIENT, "Match host\n", "line 1: Missing host match pattern" },
    { CONFIG_CLIENT, "Include\n", "line 1: Missing Include value" },
    { CONFIG_CLIENT, "Include self\n", "self line 1: Include nesting too deep" },
    { CONFIG_CLIENT, "Include broken\n", "broken line 2: Invalid Port integer value: x" },
    { CONFIG_CLIENT, "Host x\nUser \"a\n", "line 2: No closing quotation" },
    { CONFIG_CLIENT, "Foo \"a\n", "line 1: No closing quotation" },
    { CONFIG_CLIENT, "Hostname %p\n", "line 1: Invalid token expansion: p" },
    { CONFIG_SERVER, "Match user x\n", "line 1: Unsupported match condition user" },
    { CONFIG_SERVER, "Host x\n", "line 1: Bad configuration option: Host" },
    { CONFIG_SERVER, "DenyUsers mallory\n", "line 1: Unsupported option: DenyUsers" },
    { CONFIG_SERVER, "UsePAM yes\n", "line 1: Unsupported option: UsePAM" },
};

static void test_config_errors_have_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        sshio_config *config = config_new(errors[i].side);
        struct error e;
        error_init(&e);
        assert_int_equal(evaluate(config, errors[i].text, &e), SSHIO_ECONFIG_PARSE);
        assert_string_equal(error_message(&e), errors[i].message);
        error_clear(&e);
        config_unref(config);
    }
}

/* What does nothing here, and asks for nothing, is accepted; names that nobody knows only when that was not ruled out.
 */
static void test_config_passes_over_what_changes_nothing(void **state)
{
    static const struct {
        enum config_side side;
        bool strict;
        const char *text;
        int rc;
    } rows[] = {
        { CONFIG_SERVER, true, "UsePAM no\nX11Forwarding no\nPrintMotd no\n", 0 },
        { CONFIG_SERVER, true, "Protocol 2\n", 0 },
        { CONFIG_CLIENT, true, "ForwardX11 no\nControlMaster no\nClearAllForwardings yes\nProtocol 2\n", 0 },
        { CONFIG_CLIENT, true, "NobodyKnows yes\n", SSHIO_ECONFIG_PARSE },
        { CONFIG_CLIENT, true, "IgnoreUnknown Nobody*\nNobodyKnows yes\n", 0 },
        { CONFIG_CLIENT, false, "NobodyKnows yes\n", 0 },
        { CONFIG_SERVER, false, "NobodyKnows yes\n", 0 },
        { CONFIG_SERVER, false, "AllowUsers me\n", SSHIO_ECONFIG_PARSE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sshio_config *config = config_new(rows[i].side);
        config->strict = rows[i].strict;
        if (evaluate(config, rows[i].text, NULL) != rows[i].rc)
            fail_msg("%s", rows[i].text);
        config_unref(config);
    }
}

static void test_config_first_of_jump_and_command_wins(void **state)
{
    sshio_config *config = config_new(CONFIG_CLIENT);

    (void)state;
    assert_int_equal(evaluate(config, "ProxyJump j\nProxyCommand c\n", NULL), 0);
    assert_string_equal(config_text(config, KEYWORD_PROXY_JUMP, NULL), "j");
    assert_false(config_is_set(config, KEYWORD_PROXY_COMMAND));
    config_unref(config);
}

static const char *variable(const char *name)
{
    return strcmp(name, "V") == 0 ? "%h${V}" : NULL;
}

static const struct {
    const char *text;
    const char *expanded; /* NULL = refused */
} expansions[] = {
    { "a%%b", "a%b" }, { "%h-%p", "host-${V}" }, { "x${V}y", "x%h${V}y" },
    { "%%h", "%h" },   { "$V ${ ", NULL },       { "$V", "$V" },
    { "%", NULL },     { "%x", NULL },           { "${NONE}", NULL },
    { "${}", NULL },   { "%d", NULL },           { "", "" },
};

/* What was put in is never looked at again. */
static void test_tokens_are_expanded_in_one_pass(void **state)
{
    static const struct token_values values = { .letters = { ['h'] = "host", ['p'] = "${V}" }, .env = variable };

    (void)state;
    for (size_t i = 0; i < COUNT(expansions); i++) {
        struct writer text;
        writer_init(&text, 1000);
        int rc = tokens_expand(expansions[i].text, "hpd", &values, &text, NULL);
        if (rc != (expansions[i].expanded != NULL ? 0 : SSHIO_ECONFIG_PARSE))
            fail_msg("%s: %d", expansions[i].text, rc);
        if (rc == 0)
            assert_true(span_is(writer_span(&text), expansions[i].expanded));
        writer_done(&text);
    }
}

static void test_tokens_unsafe_names(void **state)
{
    static const char *const bad_hosts[] = { "-x", "a b", "a;b", "$(x)", "a'b", "a\nb", "a,b", "a\\b" };
    static const char *const bad_users[] = { "-x", "a -b", "a;b", "a'b", "a\\", "a\x7f", "a`b" };

    (void)state;
    for (size_t i = 0; i < COUNT(bad_hosts); i++)
        assert_false(token_host_is_safe(bad_hosts[i]));
    for (size_t i = 0; i < COUNT(bad_users); i++)
        assert_false(token_user_is_safe(bad_users[i]));
    assert_true(token_host_is_safe("fe80::1%eth0"));
    assert_true(token_user_is_safe("DOMAIN\\user name"));
}

static void test_words_are_split_as_shells_split(void **state)
{
    static const struct {
        const char *text;
        const char *words; /* joined by bars; NULL = refused */
    } rows[] = {
        { "a b", "a|b" },     { " a\t\tb ", "a|b" },    { "'a b' c", "a b|c" },
        { "a' 'b", "a b" },   { "\"a\\\"b\"", "a\"b" }, { "\"a\\b\"", "a\\b" },
        { "a\\ b", "a b" },   { "'a\\'", "a\\" },       { "''", "" },
        { "a;b|c", "a;b|c" }, { "'a", NULL },           { "a\\", NULL },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct texts words = { 0 };
        int rc = words_split(rows[i].text, &words, NULL);
        assert_int_equal(rc, rows[i].words != NULL ? 0 : SSHIO_EINVAL);
        char *joined = texts_join(&words, "|");
        if (rc == 0)
            assert_string_equal(joined, rows[i].words);
        mem_free(joined);
        texts_done(&words);
    }
}

static void test_config_file_out_of_memory(void **state)
{
    static const char text[] =
        "Host h\nIdentityFile %h\nInclude user\nSendEnv A B\nMatch host h\nPort 2\nForwardX11 no\n";
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        sshio_config *config = config_new(CONFIG_CLIENT);
        mem_fail_at(nth);
        int rc = evaluate(config, text, NULL);
        mem_fail_at(0);
        config_unref(config);
        if (rc == 0)
            break;
        assert_int_equal(rc, SSHIO_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_blocks_choose_lines),
        cmocka_unit_test(test_config_errors_have_file_and_line),
        cmocka_unit_test(test_config_passes_over_what_changes_nothing),
        cmocka_unit_test(test_config_first_of_jump_and_command_wins),
        cmocka_unit_test(test_tokens_are_expanded_in_one_pass),
        cmocka_unit_test(test_tokens_unsafe_names),
        cmocka_unit_test(test_words_are_split_as_shells_split),
        cmocka_unit_test(test_config_file_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
