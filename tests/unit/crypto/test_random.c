/* The random source and its seeded replacement. */
#include "vectors.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/random.h"

static int library_answer = 1; /* of libcrypto; 1 = really ask it */

int __real_RAND_bytes(unsigned char *to, int len);
int __wrap_RAND_bytes(unsigned char *to, int len);

int __wrap_RAND_bytes(unsigned char *to, int len)
{
    return library_answer == 1 ? __real_RAND_bytes(to, len) : library_answer;
}

static void test_real_bytes_do_not_repeat(void **state)
{
    (void)state;
    uint8_t one[32], two[32];
    assert_false(random_seeded());
    assert_true(random_bytes(one, sizeof one));
    assert_true(random_bytes(two, sizeof two));
    assert_memory_not_equal(one, two, sizeof one);
    assert_true(random_bytes(NULL, 0));
}

static void test_seeded_bytes_repeat(void **state)
{
    (void)state;
    uint8_t one[13], two[13], next[13];
    random_seed(1);
    assert_true(random_seeded());
    assert_true(random_bytes(one, sizeof one));
    assert_true(random_bytes(next, sizeof next));
    random_seed(1);
    assert_true(random_bytes(two, sizeof two));
    random_unseed();
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, next, sizeof one);
}

static void *report_seeded(void *seeded)
{
    *(bool *)seeded = random_seeded();
    return NULL;
}

static void test_a_seed_holds_for_its_thread_only(void **state)
{
    (void)state;
    bool other_seeded = true;
    pthread_t thread;
    random_seed(1);
    assert_int_equal(pthread_create(&thread, NULL, report_seeded, &other_seeded), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    random_unseed();
    assert_false(other_seeded);
}

/* C9: 1 is the only success. */
static void test_c9_failing_generator_is_told(void **state)
{
    (void)state;
    uint8_t bytes[16];
    for (library_answer = -1; library_answer <= 0; library_answer++)
        assert_false(random_bytes(bytes, sizeof bytes));
    library_answer = 1;
    assert_true(random_bytes(bytes, sizeof bytes));
}

/* C9: after a fork both go on with numbers of their own. */
static void test_c9_child_has_other_bytes_than_its_parent(void **state)
{
    (void)state;
    uint8_t own[32], childs[32];
    int fds[2];
    int status = 0;
    assert_true(random_bytes(own, sizeof own)); /* the generator has run before */
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool ok = random_bytes(childs, sizeof childs) && write(fds[1], childs, sizeof childs) == sizeof childs;
        _exit(ok ? 0 : 1);
    }
    assert_true(random_bytes(own, sizeof own));
    assert_int_equal(read(fds[0], childs, sizeof childs), sizeof childs);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_memory_not_equal(own, childs, sizeof own);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_bytes_do_not_repeat),
        cmocka_unit_test(test_seeded_bytes_repeat),
        cmocka_unit_test(test_a_seed_holds_for_its_thread_only),
        cmocka_unit_test(test_c9_failing_generator_is_told),
        cmocka_unit_test(test_c9_child_has_other_bytes_than_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
