/* What authentication does behind its handlers, seen at functions that the linker puts in the place of the library's
 * own (--wrap): a key that cannot sign is passed over, and a server does the same for a user that it does not know as
 * for one that it does, and takes the same time (A4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conn/prepared.h"
#include "config/authorized_keys.h"
#include "key/key.h"
#include "session/auth_site.h"

#define DELAY_S 50.0 /* so long that no machine is slow enough to have passed it already */
#define KINDS 5

enum kind { PREPARED, KEYS_READ, KEYS_LOOKED_UP, VERIFIED, DELAYED };

static const char *const kind_names[KINDS] = { "prepared", "keys read", "keys looked up", "verified", "delayed" };
static unsigned int done[KINDS];
static const sshio_key *broken[2]; /* keys that do not sign */
static unsigned int refused_to_sign;

int __real_prepared_password(const char *password, char **prepared, struct error *e);
int __wrap_prepared_password(const char *password, char **prepared, struct error *e);
int __wrap_prepared_password(const char *password, char **prepared, struct error *e)
{
    done[PREPARED]++;
    return __real_prepared_password(password, prepared, e);
}

int __real_key_from_public_blob(struct span blob, sshio_key **key, struct error *e);
int __wrap_key_from_public_blob(struct span blob, sshio_key **key, struct error *e);
int __wrap_key_from_public_blob(struct span blob, sshio_key **key, struct error *e)
{
    done[KEYS_READ]++;
    return __real_key_from_public_blob(blob, key, e);
}

bool __real_authorized_keys_find(const sshio_authorized_keys *keys, struct span blob);
bool __wrap_authorized_keys_find(const sshio_authorized_keys *keys, struct span blob);
bool __wrap_authorized_keys_find(const sshio_authorized_keys *keys, struct span blob)
{
    done[KEYS_LOOKED_UP]++;
    return __real_authorized_keys_find(keys, blob);
}

bool __real_key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature);
bool __wrap_key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature);
bool __wrap_key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature)
{
    done[VERIFIED]++;
    return __real_key_verify(key, expected, data, signature);
}

/* The delay of a refusal is counted, and cut short. */
int __real_sshio_sleep(double seconds);
int __wrap_sshio_sleep(double seconds);
int __wrap_sshio_sleep(double seconds)
{
    if (seconds < DELAY_S / 2)
        return __real_sshio_sleep(seconds);
    assert_true(seconds <= DELAY_S);
    done[DELAYED]++;
    return __real_sshio_sleep(0);
}

int __real_key_sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature,
                    struct error *e);
int __wrap_key_sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature,
                    struct error *e);
int __wrap_key_sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature,
                    struct error *e)
{
    for (size_t i = 0; i < 2; i++) {
        if (broken[i] == NULL || !span_equal(key_public_blob(key), key_public_blob(broken[i])))
            continue;
        refused_to_sign++;
        return error_set(e, SSHIO_EUNSUPPORTED, "the token is locked");
    }
    return __real_key_sign(key, alg, data, signature, e);
}

/* ---- keys that cannot sign ---- */

static void pass_over(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[3] = { { .key = l->user_key }, { .key = l->other_key } };
    options.client_keys = keys;
    options.preferred_auth = "publickey";
    broken[0] = l->user_key;
    connect_expecting(&options, 0);
    assert_int_equal(refused_to_sign, 1);
    assert_string_equal(server_story, "begin_auth validate_public_key"); /* of the second; the first was never sent */
    broken[1] = l->other_key;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_int_equal(refused_to_sign, 3);
}

static int set_up(void **state)
{
    broken[0] = broken[1] = NULL;
    refused_to_sign = 0;
    return auth_site_setup(state);
}

static void test_key_that_cannot_sign_gives_way_to_the_next(void **state)
{
    (void)state;
    run_with(pass_over, prepare_auth);
}

/* ---- A4 ---- */

static int refuse_key(sshio_conn *conn, const char *username, sshio_key *key, void *user)
{
    (void)conn, (void)username, (void)key, (void)user;
    tell(server_story, "validate_public_key");
    return SSHIO_REFUSE;
}

static void prepare_slow(struct loopback *l)
{
    static sshio_server_handlers handlers;
    prepare_passwords(l);
    handlers = passwords_only;
    handlers.validate_public_key = refuse_key;
    l->server_options.handlers = &handlers;
    l->server_options.public_key_auth = SSHIO_YES;
    l->server_options.auth_failure_delay = DELAY_S;
}

struct work {
    char story[sizeof server_story];
    unsigned int done[KINDS];
};

static void try_as(struct loopback *l, const char *username, const char *method, struct work *work)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[2] = { { .key = l->other_key } };
    options.username = username;
    options.preferred_auth = method;
    options.password = "wrong";
    options.client_keys = keys;
    memset(done, 0, sizeof done);
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    memcpy(work->done, done, sizeof done);
    memcpy(work->story, server_story, sizeof server_story);
}

static void compare(struct loopback *l)
{
    static const char *const methods[] = { "password", "keyboard-interactive", "publickey" };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        static struct work known, unknown;
        try_as(l, "guest", methods[i], &known);
        try_as(l, "nobody-here", methods[i], &unknown);
        assert_string_equal(unknown.story, known.story);
        assert_true(known.done[DELAYED] > 0);
        for (size_t kind = 0; kind < KINDS; kind++)
            if (unknown.done[kind] != known.done[kind])
                fail_msg("%s, %s: %u times for a user who is there, %u for one who is not", methods[i],
                         kind_names[kind], known.done[kind], unknown.done[kind]);
    }
}

static void test_A4_unknown_user_costs_the_same_work_and_delay(void **state)
{
    (void)state;
    run_with(compare, prepare_slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_key_that_cannot_sign_gives_way_to_the_next, set_up),
        cmocka_unit_test_setup(test_A4_unknown_user_costs_the_same_work_and_delay, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
