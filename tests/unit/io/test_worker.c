/* The worker pool and reading files on it. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/worker.h"

#include <cmocka.h>

static int give_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    return 17;
}

static void test_work_runs_on_another_thread(void **state)
{
    (void)state;
    pthread_t thread = pthread_self();
    assert_int_equal(sshio_offload(give_thread, &thread), 17);
    assert_false(pthread_equal(thread, pthread_self()));
    assert_int_equal(sshio_offload(NULL, NULL), SSHIO_EINVAL);
}

static int raise_there(void *arg)
{
    return sshio_raise(SSHIO_EKEY_GENERATION, "no luck with %s", (const char *)arg);
}

static void test_error_of_worker_is_carried_over(void **state)
{
    (void)state;
    assert_int_equal(sshio_offload(raise_there, "primes"), SSHIO_EKEY_GENERATION);
    assert_string_equal(sshio_error_message(), "no luck with primes");
}

static atomic_int begun, let_go;

static int work_until_let_go(void *arg)
{
    (void)arg;
    atomic_fetch_add(&begun, 1);
    while (!atomic_load(&let_go))
        sched_yield();
    return 0;
}

static int offload_work(void *arg)
{
    (void)arg;
    return sshio_offload(work_until_let_go, NULL);
}

/* What runs cannot be interrupted; what still waits in the queue can. */
static void test_cancelling_waits_for_what_runs(void **state)
{
    (void)state;
    sshio_task *tasks[12];
    int result;
    atomic_store(&begun, 0);
    atomic_store(&let_go, 0);
    for (int i = 0; i < 12; i++)
        assert_int_equal(sshio_spawn(offload_work, NULL, &tasks[i]), 0);
    while (atomic_load(&begun) < 1)
        assert_int_equal(sshio_sleep(0), 0);
    for (int i = 0; i < 12; i++)
        sshio_cancel(tasks[i]);
    assert_int_equal(sshio_sleep(0), 0);
    atomic_store(&let_go, 1);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(sshio_join(tasks[i], &result), 0);
        assert_int_equal(result, SSHIO_ECANCELED);
    }
    assert_true(atomic_load(&begun) <= 4);
}

struct report {
    bool done;
    int result;
};

static int answer(void *arg)
{
    (void)arg;
    return 5;
}

static void note(int result, void *arg)
{
    struct report *report = arg;
    report->done = true;
    report->result = result;
}

static void test_submitted_work_reports_to_its_loop(void **state)
{
    (void)state;
    struct report report = { false, 0 };
    assert_int_equal(worker_submit(answer, &report, note), 0);
    assert_int_equal(loop_run_until(loop_current(), &report.done), 0);
    assert_int_equal(report.result, 5);
}

static sem_t gate;

static int wait_at_gate(void *arg)
{
    (void)arg;
    return sem_wait(&gate) == 0 ? 6 : 0;
}

/* A peer that has files without an end hashed, or copied, does not hold up what others have to be done. */
static void test_long_work_leaves_threads_to_others(void **state)
{
    enum { LONG = 8 };
    struct report reports[LONG] = { { false, 0 } };
    (void)state;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    for (int i = 0; i < LONG; i++)
        assert_int_equal(worker_submit_long(wait_at_gate, &reports[i], note), 0);
    for (int i = 0; i < LONG; i++)
        assert_int_equal(worker_run(answer, NULL), 5);
    for (int i = 0; i < LONG; i++)
        sem_post(&gate);
    for (int i = 0; i < LONG; i++) {
        assert_int_equal(loop_run_until(loop_current(), &reports[i].done), 0);
        assert_int_equal(reports[i].result, 6);
    }
    sem_destroy(&gate);
}

/* ---- files ---- */

static char directory[] = "/tmp/sshio-worker-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void make_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < size; i++)
        fputc((int)('a' + i % 26), f);
    fclose(f);
}

static void test_file_is_read_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 64, 4096, 100000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *data = NULL;
        size_t len = 1;
        make_file(path_of("file"), sizes[i]);
        assert_int_equal(worker_read_file(path_of("file"), 100000, &data, &len, NULL), 0);
        assert_int_equal(len, sizes[i]);
        assert_int_equal(data[len], 0);
        for (size_t k = 0; k < len; k++)
            assert_int_equal(data[k], 'a' + k % 26);
        mem_free_secret(data, len);
        unlink(path_of("file"));
    }
}

/* The kernel says that it is empty. */
static void test_file_without_size_is_read(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(worker_read_file("/proc/self/status", 100000, &data, &len, NULL), 0);
    assert_true(len > 100);
    mem_free_secret(data, len);
}

/* X8: regular files of bounded size only. */
static void test_other_files_are_refused(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t len = 0;
    struct error e;
    error_init(&e);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(worker_read_file(path_of("fifo"), 100, &data, &len, &e), SSHIO_EINVAL);
    assert_non_null(strstr(error_message(&e), "not a regular file"));
    assert_int_equal(worker_read_file(directory, 100, &data, &len, &e), SSHIO_ESYSTEM);
    assert_int_equal(worker_read_file("/no/such/file", 100, &data, &len, &e), SSHIO_ESYSTEM);
    assert_string_equal(error_message(&e), "open /no/such/file: No such file or directory");
    make_file(path_of("big"), 101);
    assert_int_equal(worker_read_file(path_of("big"), 100, &data, &len, &e), SSHIO_ELIMIT);
    assert_int_equal(worker_read_file("/proc/self/status", 100, &data, &len, &e), SSHIO_ELIMIT);
    assert_null(data);
    unlink(path_of("fifo"));
    unlink(path_of("big"));
    error_clear(&e);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_runs_on_another_thread),
        cmocka_unit_test(test_error_of_worker_is_carried_over),
        cmocka_unit_test(test_cancelling_waits_for_what_runs),
        cmocka_unit_test(test_submitted_work_reports_to_its_loop),
        cmocka_unit_test(test_long_work_leaves_threads_to_others),
        cmocka_unit_test(test_file_is_read_whole),
        cmocka_unit_test(test_file_without_size_is_read),
        cmocka_unit_test(test_other_files_are_refused),
    };
    return cmocka_run_group_tests_name("worker", tests, make_directory, remove_directory);
}
