/* Values of keywords: kinds, precedence, errors. */
#include "unit.h"

#include "base/memory.h"
#include "config/config.h"

static const struct config_where nowhere = { .filename = NULL };

static int set(sshio_config *config, const char *line)
{
    return config_set(config, span_of(line), &nowhere, NULL);
}

/* The values of a keyword after one line, joined by bars; NULL = the line was refused. */
static const struct {
    enum config_side side;
    const char *line;
    enum keyword_id id;
    const char *values;
} lines[] = {
    { CONFIG_CLIENT, "Port 2222", KEYWORD_PORT, "2222" },
    { CONFIG_CLIENT, "port=2222", KEYWORD_PORT, "2222" },
    { CONFIG_CLIENT, "PORT \"2222\"", KEYWORD_PORT, "2222" },
    { CONFIG_CLIENT, "Port 0", KEYWORD_PORT, NULL },
    { CONFIG_CLIENT, "Port 65536", KEYWORD_PORT, NULL },
    { CONFIG_CLIENT, "Port 22x", KEYWORD_PORT, NULL },
    { CONFIG_CLIENT, "Port", KEYWORD_PORT, NULL },
    { CONFIG_CLIENT, "Port 22 23", KEYWORD_PORT, NULL },
    { CONFIG_CLIENT, "User \"a b\"", KEYWORD_USER, "a b" },
    { CONFIG_CLIENT, "User none", KEYWORD_USER, "" },
    { CONFIG_CLIENT, "User \"\"", KEYWORD_USER, NULL },
    { CONFIG_CLIENT, "UserKnownHostsFile a b", KEYWORD_USER_KNOWN_HOSTS_FILE, "a|b" },
    { CONFIG_CLIENT, "UserKnownHostsFile none", KEYWORD_USER_KNOWN_HOSTS_FILE, "" },
    { CONFIG_CLIENT, "UserKnownHostsFile none b", KEYWORD_USER_KNOWN_HOSTS_FILE, "none|b" },
    { CONFIG_CLIENT, "StrictHostKeyChecking NO", KEYWORD_STRICT_HOST_KEY_CHECKING, "no" },
    { CONFIG_CLIENT, "StrictHostKeyChecking accept", KEYWORD_STRICT_HOST_KEY_CHECKING, NULL },
    { CONFIG_CLIENT, "StrictHostKeyChecking \"yes no\"", KEYWORD_STRICT_HOST_KEY_CHECKING, NULL },
    { CONFIG_CLIENT, "MACs -hmac-sha1*", KEYWORD_MACS, "-hmac-sha1*" },
    { CONFIG_SERVER, "MACs none", KEYWORD_MACS, "" },
    { CONFIG_CLIENT, "Compression YES", KEYWORD_COMPRESSION, "yes" },
    { CONFIG_CLIENT, "Compression delayed", KEYWORD_COMPRESSION, NULL },
    { CONFIG_SERVER, "Compression delayed", KEYWORD_SERVER_COMPRESSION, "delayed" },
    { CONFIG_CLIENT, "PreferredAuthentications password,publickey", KEYWORD_PREFERRED_AUTHENTICATIONS,
      "password,publickey" },
    { CONFIG_CLIENT, "PubkeyAuthentication no", KEYWORD_PUBKEY_AUTHENTICATION, "no" },
    { CONFIG_CLIENT, "PasswordAuthentication TRUE", KEYWORD_PASSWORD_AUTHENTICATION, "yes" },
    { CONFIG_CLIENT, "PasswordAuthentication maybe", KEYWORD_PASSWORD_AUTHENTICATION, NULL },
    { CONFIG_CLIENT, "KbdInteractiveAuthentication yes", KEYWORD_KBDINT_AUTHENTICATION, "yes" },
    { CONFIG_CLIENT, "challengeresponseauthentication no", KEYWORD_KBDINT_AUTHENTICATION, "no" },
    { CONFIG_CLIENT, "LogLevel debug3", KEYWORD_LOG_LEVEL, "DEBUG3" },
    { CONFIG_CLIENT, "RekeyLimit 1G 1h", KEYWORD_REKEY_LIMIT, "1G 1h" },
    { CONFIG_CLIENT, "RekeyLimit default none", KEYWORD_REKEY_LIMIT, "default none" },
    { CONFIG_CLIENT, "RekeyLimit 64k", KEYWORD_REKEY_LIMIT, "64k" },
    { CONFIG_CLIENT, "RekeyLimit 0", KEYWORD_REKEY_LIMIT, NULL },
    { CONFIG_CLIENT, "RekeyLimit 1Q", KEYWORD_REKEY_LIMIT, NULL },
    { CONFIG_CLIENT, "RekeyLimit 1G soon", KEYWORD_REKEY_LIMIT, NULL },
    { CONFIG_CLIENT, "RekeyLimit 1G 1h 1h", KEYWORD_REKEY_LIMIT, NULL },
    { CONFIG_CLIENT, "HostKey f", KEYWORD_HOST_KEY, NULL },
    { CONFIG_SERVER, "HostKey f", KEYWORD_HOST_KEY, "f" },
    { CONFIG_SERVER, "IdentityFile f", KEYWORD_IDENTITY_FILE, NULL },
    { CONFIG_CLIENT, "ConnectTimeout 1m30s", KEYWORD_CONNECT_TIMEOUT, "1m30s" },
    { CONFIG_CLIENT, "ConnectTimeout none", KEYWORD_CONNECT_TIMEOUT, "" },
    { CONFIG_CLIENT, "ConnectTimeout -1", KEYWORD_CONNECT_TIMEOUT, NULL },
    { CONFIG_CLIENT, "ConnectTimeout soon", KEYWORD_CONNECT_TIMEOUT, NULL },
    { CONFIG_CLIENT, "ServerAliveCountMax 0", KEYWORD_SERVER_ALIVE_COUNT_MAX, NULL },
    { CONFIG_CLIENT, "AddressFamily INET6", KEYWORD_ADDRESS_FAMILY, "inet6" },
    { CONFIG_CLIENT, "AddressFamily ipx", KEYWORD_ADDRESS_FAMILY, NULL },
    { CONFIG_CLIENT, "SetEnv A=1 B= C=D=2", KEYWORD_SET_ENV, "A=1|B=|C=D=2" },
    { CONFIG_CLIENT, "SendEnv LANG LC_*", KEYWORD_SEND_ENV, "LANG|LC_*" },
    { CONFIG_CLIENT, "Hostname=h # a comment", KEYWORD_HOSTNAME, "h" },
    { CONFIG_CLIENT, "ProxyCommand = nc 'a b' \"%h\" # %p", KEYWORD_PROXY_COMMAND, "nc 'a b' \"%h\" # %p" },
    { CONFIG_CLIENT, "ProxyCommand none", KEYWORD_PROXY_COMMAND, "" },
    { CONFIG_CLIENT, "ProxyCommand", KEYWORD_PROXY_COMMAND, NULL },
    { CONFIG_SERVER, "Subsystem sftp /bin/x -a", KEYWORD_SUBSYSTEM, "sftp /bin/x -a" },
    { CONFIG_SERVER, "Subsystem sftp", KEYWORD_SUBSYSTEM, NULL },
    { CONFIG_SERVER, "MaxStartups 10:30:60", KEYWORD_MAX_STARTUPS, "10:30:60" },
    { CONFIG_SERVER, "MaxStartups 10:30", KEYWORD_MAX_STARTUPS, NULL },
    { CONFIG_SERVER, "MaxStartups 10:101:60", KEYWORD_MAX_STARTUPS, NULL },
    { CONFIG_SERVER, "MaxStartups 61:30:60", KEYWORD_MAX_STARTUPS, NULL },
    { CONFIG_SERVER, "PubkeyAuthentication no", KEYWORD_PUBKEY_AUTHENTICATION, "no" },
    { CONFIG_SERVER, "LoginGraceTime 2m", KEYWORD_LOGIN_GRACE_TIME, "2m" },
    { CONFIG_SERVER, "PermitRootLogin maybe", KEYWORD_PERMIT_ROOT_LOGIN, NULL },
    { CONFIG_SERVER, "MaxSessions 0", KEYWORD_MAX_SESSIONS, "0" },
    { CONFIG_SERVER, "MaxSessions -1", KEYWORD_MAX_SESSIONS, NULL },
};

static void test_config_line_sets_or_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        sshio_config *config = config_new(lines[i].side);
        config->strict = true;
        int rc = set(config, lines[i].line);
        char *joined = texts_join(&config->values[lines[i].id].items, "|");
        if (rc != (lines[i].values != NULL ? 0 : SSHIO_ECONFIG_PARSE))
            fail_msg("%s: %d", lines[i].line, rc);
        assert_string_equal(joined, lines[i].values != NULL ? lines[i].values : "");
        assert_int_equal(config_is_set(config, lines[i].id), lines[i].values != NULL);
        mem_free(joined);
        config_unref(config);
    }
}

static void test_config_first_value_wins_and_later_ones_are_still_checked(void **state)
{
    sshio_config *config = config_new(CONFIG_CLIENT);

    (void)state;
    assert_int_equal(set(config, "Port 1"), 0);
    assert_int_equal(set(config, "Port 2"), 0);
    assert_int_equal(set(config, "Port x"), SSHIO_ECONFIG_PARSE);
    assert_int_equal(config_number(config, KEYWORD_PORT, 22), 1);
    assert_int_equal(set(config, "UserKnownHostsFile a"), 0);
    assert_int_equal(set(config, "UserKnownHostsFile b"), 0);
    assert_string_equal(config_text(config, KEYWORD_USER_KNOWN_HOSTS_FILE, NULL), "a");
    assert_null(config_texts(config, KEYWORD_USER_KNOWN_HOSTS_FILE)[1]);
    config_unref(config);
}

static void test_config_none_blocks_later_values(void **state)
{
    sshio_config *config = config_new(CONFIG_CLIENT);

    (void)state;
    assert_int_equal(set(config, "User none"), 0);
    assert_int_equal(set(config, "User bob"), 0);
    assert_null(config_text(config, KEYWORD_USER, "fallback"));
    config_unref(config);
}

static void test_config_identity_files_are_collected(void **state)
{
    sshio_config *config = config_new(CONFIG_CLIENT);

    (void)state;
    assert_int_equal(set(config, "IdentityFile a"), 0);
    assert_int_equal(set(config, "IdentityFile none"), 0);
    assert_int_equal(set(config, "IdentityFile b"), 0);
    const char *const *files = config_texts(config, KEYWORD_IDENTITY_FILE);
    assert_string_equal(files[0], "a");
    assert_string_equal(files[1], "b");
    assert_null(files[2]);
    config_unref(config);
}

static void test_config_fallbacks_are_given_while_unset(void **state)
{
    sshio_config *config = config_new(CONFIG_CLIENT);

    (void)state;
    assert_int_equal(config_number(config, KEYWORD_PORT, 22), 22);
    assert_string_equal(config_text(config, KEYWORD_USER, "me"), "me");
    assert_null(config_texts(config, KEYWORD_IDENTITY_FILE)[0]);
    assert_int_equal(set(config, "# Port 1"), 0);
    assert_false(config_is_set(config, KEYWORD_PORT));
    config_unref(config);
}

static void test_config_errors_name_place_keyword_and_value(void **state)
{
    static const struct {
        const char *line;
        const char *message;
    } rows[] = {
        { "Port x", "/c line 3: Invalid Port integer value: x" },
        { "Port", "/c line 3: Missing Port value" },
        { "Port 1 2 3", "/c line 3: Extra data at end: 2 3" },
        { "StrictHostKeyChecking maybe", "/c line 3: Invalid StrictHostKeyChecking value: maybe" },
        { "Foo bar", "/c line 3: Bad configuration option: Foo" },
    };
    static const struct config_where place = { .filename = "/c", .line = 3 };
    sshio_config *config = config_new(CONFIG_CLIENT);
    struct error e;

    (void)state;
    config->strict = true;
    error_init(&e);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(config_set(config, span_of(rows[i].line), &place, &e), SSHIO_ECONFIG_PARSE);
        assert_string_equal(error_message(&e), rows[i].message);
        assert_int_equal(e.pub.line, 3);
    }
    error_clear(&e);
    config_unref(config);
}

static void test_config_out_of_memory_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        sshio_config *config = config_new(CONFIG_CLIENT);
        assert_non_null(config);
        mem_fail_at(nth);
        int rc = set(config, "UserKnownHostsFile some/file");
        mem_fail_at(0);
        if (rc == 0) {
            config_unref(config);
            break;
        }
        assert_int_equal(rc, SSHIO_ENOMEM);
        assert_false(config_is_set(config, KEYWORD_USER_KNOWN_HOSTS_FILE));
        config_unref(config);
    }
}

static void test_keywords_have_help_and_a_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        const struct keyword *keyword = keyword_at((enum keyword_id)i);
        assert_true(keyword->help[0] != '\0');
        assert_int_not_equal(keyword->sides, 0);
        assert_true((keyword->kind == VALUE_CHOICE) == (keyword->choices != NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_line_sets_or_is_refused),
        cmocka_unit_test(test_config_first_value_wins_and_later_ones_are_still_checked),
        cmocka_unit_test(test_config_none_blocks_later_values),
        cmocka_unit_test(test_config_identity_files_are_collected),
        cmocka_unit_test(test_config_fallbacks_are_given_while_unset),
        cmocka_unit_test(test_config_errors_name_place_keyword_and_value),
        cmocka_unit_test(test_config_out_of_memory_changes_nothing),
        cmocka_unit_test(test_keywords_have_help_and_a_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
