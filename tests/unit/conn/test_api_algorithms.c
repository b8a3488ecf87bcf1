/* The public lists of algorithms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sshio/algorithms.h>

#include <cmocka.h>

static void test_ciphers_stand_in_order_of_preference(void **state)
{
    (void)state;
    static const char *const names[] = {
        "chacha20-poly1305@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
        "aes256-ctr",
        "aes192-ctr",
        "aes128-ctr",
    };
    assert_int_equal(sshio_algorithm_count(SSHIO_ALG_ENCRYPTION), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(sshio_algorithm_at(SSHIO_ALG_ENCRYPTION, i)->name, names[i]);
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    for (int kind = SSHIO_ALG_KEX; kind <= SSHIO_ALG_PUBLIC_KEY; kind++) {
        size_t count = sshio_algorithm_count((sshio_alg_kind)kind);
        for (size_t i = 0; i < count; i++) {
            const sshio_algorithm *alg = sshio_algorithm_at((sshio_alg_kind)kind, i);
            assert_int_equal(alg->size, sizeof *alg);
            assert_true(alg->name[0] != '\0');
            assert_false(alg->is_default && alg->is_weak); /* C8 */
        }
        assert_null(sshio_algorithm_at((sshio_alg_kind)kind, count));
    }
    assert_int_equal(sshio_algorithm_count((sshio_alg_kind)99), 0);
    assert_null(sshio_algorithm_at((sshio_alg_kind)99, 0));
}

static const struct {
    sshio_alg_kind kind;
    const char *selection;
    size_t count;
    const char *first;
} selections[] = {
    { SSHIO_ALG_ENCRYPTION, NULL, 6, "chacha20-poly1305@openssh.com" },
    { SSHIO_ALG_ENCRYPTION, "^aes128*", 6, "aes128-gcm@openssh.com" },
    { SSHIO_ALG_ENCRYPTION, "-chacha*", 5, "aes256-gcm@openssh.com" },
    { SSHIO_ALG_MAC, "", 0, NULL },
    { SSHIO_ALG_MAC, SSHIO_NONE, 0, NULL },
    { SSHIO_ALG_MAC, NULL, 6, "hmac-sha2-256-etm@openssh.com" },
    { SSHIO_ALG_MAC, "-*etm*", 3, "hmac-sha2-256" },
    { SSHIO_ALG_COMPRESSION, "", 1, "none" },
    { SSHIO_ALG_COMPRESSION, SSHIO_NONE, 1, "none" },
    { SSHIO_ALG_COMPRESSION, NULL, 2, "none" }, /* P4: zlib before login only by name */
    { SSHIO_ALG_COMPRESSION, "zlib*", 2, "zlib@openssh.com" },
    { SSHIO_ALG_SIGNATURE, "ssh-ed*", 1, "ssh-ed25519" },
    { SSHIO_ALG_SIGNATURE, "*rsa*", 3, "rsa-sha2-256" },
    { SSHIO_ALG_SIGNATURE, "+ssh-rsa", 7, "ssh-ed25519" },
    { SSHIO_ALG_PUBLIC_KEY, "default", 6, "ssh-ed25519" }, /* without SHA-1 (C8) */
};

static void test_selections_give_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
        sshio_texts names = { 0, NULL };
        assert_int_equal(sshio_select_algorithms(selections[i].kind, selections[i].selection, &names), 0);
        assert_int_equal(names.count, selections[i].count);
        assert_null(names.items[names.count]);
        if (names.count != 0)
            assert_string_equal(names.items[0], selections[i].first);
        sshio_texts_free(&names);
    }
}

static void test_wrong_selection_is_the_last_error(void **state)
{
    (void)state;
    sshio_texts names = { 0, NULL };
    assert_int_equal(sshio_select_algorithms(SSHIO_ALG_KEX, "nothing*", &names), SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "\"nothing*\" matches no valid key exchange algorithms");
    assert_int_equal(sshio_select_algorithms((sshio_alg_kind)99, NULL, &names), SSHIO_EINVAL);
    assert_null(names.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ciphers_stand_in_order_of_preference),
        cmocka_unit_test(test_every_row_is_complete),
        cmocka_unit_test(test_selections_give_names),
        cmocka_unit_test(test_wrong_selection_is_the_last_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
