/* Which signature algorithms a client tries (RFC 8332 3.2, RFC 8308 3.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conn/sig_choice.h"
#include "engine/quirks.h"
#include "key/fixtures.h"

#define ALL "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512,ssh-rsa"
#define SHA2 "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512"
#define OLD "SSH-2.0-OpenSSH_6.6.1p1 Ubuntu-2ubuntu2"
#define INCOMPLETE "SSH-2.0-OpenSSH_7.4"
#define OTHER "SSH-2.0-OpenSSH_9.2p1"

static const struct {
    bool rsa; /* else ECDSA */
    const char *allowed;
    const char *list; /* of the server; NULL = not known */
    const char *version;
    const char *tried;
} rows[] = {
    { true, SHA2, ALL, OTHER, "rsa-sha2-256" },
    { true, ALL, ALL, OTHER, "rsa-sha2-256" },
    { true, SHA2, "rsa-sha2-512,ssh-rsa", OTHER, "rsa-sha2-512" },
    { true, "rsa-sha2-512", ALL, OTHER, "rsa-sha2-512" },
    { true, ALL, "ssh-rsa", OTHER, "ssh-rsa" },
    { true, SHA2, "ssh-rsa", OTHER, "" },
    { true, ALL, "ssh-ed25519", OTHER, "" }, /* no SHA-1 that the list does not have */
    { true, ALL, "", OTHER, "" },
    { true, SHA2, NULL, OTHER, "rsa-sha2-256" },
    { true, ALL, NULL, OTHER, "rsa-sha2-256,ssh-rsa" },
    { true, "rsa-sha2-512,ssh-rsa", NULL, OTHER, "rsa-sha2-512,ssh-rsa" },
    { true, "ssh-rsa", NULL, OTHER, "ssh-rsa" },
    { true, ALL, NULL, OLD, "ssh-rsa" },
    { true, SHA2, NULL, OLD, "" },
    { true, ALL, "ssh-ed25519,ssh-rsa", INCOMPLETE, "rsa-sha2-256" },
    { true, ALL, "ssh-ed25519,ssh-rsa", OTHER, "ssh-rsa" },
    { true, "ssh-ed25519", ALL, OTHER, "" },
    { false, ALL, ALL, OTHER, "ecdsa-sha2-nistp256" },
    { false, ALL, "rsa-sha2-256,rsa-sha2-512", OTHER, "ecdsa-sha2-nistp256" }, /* as OpenSSH 7.2 */
    { false, ALL, NULL, OTHER, "ecdsa-sha2-nistp256" },
    { false, ALL, NULL, OLD, "ecdsa-sha2-nistp256" },
    { false, "ssh-ed25519", NULL, OTHER, "" },
};

/* The rows of a comma list of names. */
static void find_algs(const char *names, const struct sig_alg **algs)
{
    struct span rest = span_of(names), name;
    while (name_list_next(&rest, &name)) {
        *algs = sig_alg_find(name);
        assert_non_null(*algs);
        algs++;
    }
    *algs = NULL;
}

static void test_algorithms_are_tried_in_order(void **state)
{
    (void)state;
    sshio_key *rsa = NULL, *ecdsa = NULL;
    assert_int_equal(key_from_public_text(span_of(FIXTURE_RSA_2048->openssh_public), &rsa, NULL), 0);
    assert_int_equal(key_from_public_text(span_of(FIXTURE_ECDSA_256->openssh_public), &ecdsa, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sig_alg *allowed[8], *expected[8], *tried[SIG_CHOICE_MOST];
        const struct sig_choice_server server = { .list = rows[i].list, .quirks = quirks_of(rows[i].version) };
        find_algs(rows[i].allowed, allowed);
        find_algs(rows[i].tried, expected);
        size_t count = sig_choice(rows[i].rsa ? rsa : ecdsa, allowed, &server, tried);
        for (size_t j = 0; j < count; j++)
            assert_ptr_equal(tried[j], expected[j]);
        assert_null(expected[count]);
    }
    sshio_key_unref(rsa);
    sshio_key_unref(ecdsa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms_are_tried_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
