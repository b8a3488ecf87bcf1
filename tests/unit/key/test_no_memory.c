/* Keys read, copied and written while the n-th allocation fails, for every n: they are out of memory then, or need that
 * allocation not at all, and never say that the key is a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "key/fixtures.h"
#include "key/key.h"

static int read_public(const char *text)
{
    sshio_key *key = NULL;
    int rc = key_from_public_text(span_of(text), &key, NULL);
    sshio_key_unref(key);
    return rc;
}

static int read_private(const char *text)
{
    sshio_key *key = NULL;
    int rc = key_from_private_text(span_of(text), NULL, NULL, &key, NULL);
    sshio_key_unref(key);
    return rc;
}

static void fail_each_allocation(int (*read)(const char *text), const char *text)
{
    if (text == NULL)
        return;
    assert_int_equal(read(text), 0); /* what is made once is made here */
    uint64_t before = mem_allocations(), live = mem_live();
    assert_int_equal(read(text), 0);
    uint64_t count = mem_allocations() - before;
    assert_true(count > 0);
    for (uint64_t n = 1; n <= count; n++) {
        mem_fail_at(n);
        int rc = read(text);
        mem_fail_at(0);
        if (rc != 0 && rc != SSHIO_ENOMEM)
            fail_msg("allocation %u of %u: %s\n%s", (unsigned)n, (unsigned)count, sshio_error_text(rc), text);
        assert_int_equal(mem_live(), live);
    }
}

static void test_key_without_memory_is_not_called_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof key_fixtures / sizeof key_fixtures[0]; i++) {
        fail_each_allocation(read_public, key_fixtures[i].openssh_public);
        fail_each_allocation(read_public, key_fixtures[i].pkcs8_public);
        fail_each_allocation(read_private, key_fixtures[i].openssh);
        fail_each_allocation(read_private, key_fixtures[i].pkcs8);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_without_memory_is_not_called_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
