/* Every wait of every scene (scenes.h), of client and server alike, is cancelled, times out, loses its connection or
 * its programs, or is left by its thread: the n-th of them, for all n, until the scene comes to its end before that.
 * Whatever happens, both sides give back all that they took: no task, connection, child, descriptor or allocation is
 * left. (API rule "Waiting": a wait that is cancelled or times out leaves nothing behind.)
 *
 * SSHIO_EVERY says to take each how-manyth wait only; 1 = all of them. SSHIO_SCENE, SSHIO_STRIKE (their numbers, from
 * 0) and SSHIO_NTH, as a failure names them, run a single one. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/memory.h"
#include "io/child.h"
#include "io/completion.h"
#include "io/internal.h"
#include "io/task.h"
#include "io/timer.h"
#include "session/scenes.h"
#include "surroundings.h"
#include "unit.h"

#define EVERY_DEFAULT 3
#define ENOUGH_MS 20000u

/* ---- a scene that is played once ---- */

struct attempt;

struct strike {
    const char *name;
    void (*hit)(struct attempt *a, struct context *waiting);
    bool (*applies)(void); /* NULL = always */
    bool player;           /* only its waits are struck; else those of servers and handlers too */
    bool later;            /* not at once, but when it has been suspended */
    unsigned more;         /* so many that come after it are struck too */
    int result;            /* of a scene whose own wait was struck; 0 = any */
};

struct attempt {
    size_t number; /* of the scene */
    const struct scene *scene;
    const struct strike *strike; /* NULL = none */
    unsigned nth;                /* of the waits that it could strike is struck */
    unsigned waits;              /* so far */
    bool begun;
    bool struck;
    bool of_player; /* one was a wait of the scene itself */
    bool left;      /* the thread gives its loop up, with all that is on it */
    bool too_late;
    int result;
    struct loopback l;
    struct scope deadline; /* of the player; it never passes by itself */
    sshio_task *player;
    struct deferred blow;
};

static struct attempt *playing;

void scene_begins(void)
{
    playing->begun = true;
}

/* ---- strikes ---- */

static void cancel(struct attempt *a, struct context *waiting)
{
    (void)a;
    context_cancel(waiting);
}

static void time_out(struct attempt *a, struct context *waiting)
{
    a->deadline.expired = true;
    context_deliver(waiting);
}

static bool is_connected(int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens == 0;
}

/* Both ends of every connection see an end. */
static void cut(struct attempt *a, struct context *waiting)
{
    (void)a, (void)waiting;
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++)
        if (is_connected(fd))
            shutdown(fd, SHUT_RDWR);
}

/* Calls for each child of this thread's; how many there are. */
static int each_child(void (*call)(int pid))
{
    int pid, count = 0;
    FILE *file = fopen("/proc/thread-self/children", "re");
    assert_non_null(file);
    for (; fscanf(file, "%d", &pid) == 1; count++)
        if (call != NULL)
            call(pid);
    fclose(file);
    return count;
}

static bool has_children(void)
{
    return each_child(NULL) != 0;
}

static void kill_child(int pid)
{
    kill(pid, SIGKILL);
}

static void kill_children(struct attempt *a, struct context *waiting)
{
    (void)a, (void)waiting;
    each_child(kill_child);
}

static void leave(struct attempt *a, struct context *waiting)
{
    (void)waiting;
    a->left = true;
}

static const struct strike strikes[] = {
    { "cancelled", cancel, .result = SSHIO_ECANCELED },
    { "cancelled while suspended", cancel, .player = true, .later = true },
    { "cancelled, and the next two", cancel, .more = 2 },
    { "timed out", time_out, .player = true, .result = SSHIO_ETIMEDOUT },
    { "timed out while suspended", time_out, .player = true, .later = true },
    { "cut", cut },
    { "left by its thread", leave },
    { "bereft of its programs", kill_children, .applies = has_children },
};

static void strike_later(struct deferred *blow)
{
    struct attempt *a = LIST_ENTRY(blow, struct attempt, blow);
    if (list_linked(&a->deadline.link)) /* it plays on */
        a->strike->hit(a, a->deadline.context);
}

static void on_wait(struct completion *c)
{
    struct attempt *a = playing;
    if (a->strike == NULL || !a->begun || c->task == NULL)
        return;
    bool of_player = c->task == a->player;
    if ((a->strike->player && !of_player) || (a->strike->applies != NULL && !a->strike->applies()))
        return;
    if (++a->waits < a->nth || a->waits > a->nth + a->strike->more)
        return;
    a->struck = true;
    a->of_player |= of_player;
    if (a->strike->later)
        loop_defer(c->loop, &a->blow);
    else
        a->strike->hit(a, task_context(c->task));
}

/* ---- playing ---- */

static int play(void *arg)
{
    struct attempt *a = arg;
    struct context *context = task_context(a->player);
    a->deadline = (struct scope){ .context = context };
    list_append(&context->scopes, &a->deadline.link);
    a->result = scene_play(a->scene, &a->l);
    list_remove(&a->deadline.link);
    if (a->result < 0 && a->deadline.expired)
        a->result = SSHIO_ETIMEDOUT; /* as sshio_with_timeout says then */
    return 0;
}

static void give_up(void *user)
{
    ((struct attempt *)user)->too_late = true;
}

/* Only the listener is left of all that runs on the loop, and no child of this thread. */
static bool is_quiet(void *arg)
{
    struct attempt *a = arg;
    const struct loop *loop = loop_if_any();
    bool alone = list_empty(&loop->tasks) && list_empty(&loop->closing) && list_empty(&loop->parked) &&
                 loop->holds == 0 && loop->objects.next->next == &loop->objects;
    return (alone && !has_children()) || a->too_late || a->left;
}

static void describe(const struct attempt *a, char *text, size_t size)
{
    snprintf(text, size, "\"%s\", wait %u %s%s: SSHIO_SCENE=%zu SSHIO_STRIKE=%td SSHIO_NTH=%u", a->scene->name, a->nth,
             a->strike != NULL ? a->strike->name : "left alone", a->of_player ? "" : " (not its own)", a->number,
             a->strike != NULL ? a->strike - strikes : -1, a->nth);
}

#define CHECK(a, condition, format, ...)                                                                               \
    do {                                                                                                               \
        char where[256];                                                                                               \
        describe((a), where, sizeof where);                                                                            \
        if (!(condition))                                                                                              \
            fail_msg("%s: " format, where, __VA_ARGS__);                                                               \
    } while (0)

static size_t list_length(const struct list *list)
{
    size_t length = 0;
    LIST_EACH(node, list)
    length++;
    return length;
}

static void wait_for_quiet(struct attempt *a)
{
    struct loop *loop = loop_current();
    struct timer *timer = timer_new(loop, give_up, a);
    timer_at(timer, loop_now_ms(loop) + ENOUGH_MS);
    CHECK(a, loop_run(loop, is_quiet, a) == 0, "%s", "nothing can happen any more, but something is left");
    timer_free(timer);
    CHECK(a, !a->too_late, "left after %u s: %zu tasks, %zu connections, %zu that close, %d children", ENOUGH_MS / 1000,
          list_length(&loop->tasks), list_length(&loop->objects) - 1, list_length(&loop->closing), each_child(NULL));
}

static void play_with_server(struct attempt *a)
{
    loopback_init(&a->l);
    scenes_prepare(&a->l);
    loopback_start(&a->l);
    int descriptors = descriptors_open();
    playing = a;
    deferred_init(&a->blow, strike_later);
    list_init(&a->deadline.link);
    assert_int_equal(sshio_spawn(play, a, &a->player), 0);
    completion_watch(on_wait);
    wait_for_quiet(a);
    completion_watch(NULL);
    if (a->left)
        sshio_detach();
    else
        CHECK(a, descriptors_open() == descriptors, "%d descriptors instead of %d", descriptors_open(), descriptors);
    assert_int_equal(sshio_join(a->player, NULL), 0);
    loopback_stop(&a->l);
}

static void check_result(struct attempt *a)
{
    if (!a->struck)
        CHECK(a, a->result == 0, "%s", sshio_error_name(a->result));
    else if (a->of_player && a->strike->result != 0 && !a->scene->times_out)
        CHECK(a, a->result == a->strike->result, "%s", sshio_error_name(a->result));
}

/* It outlives the test, for what may still be left when that fails. */
static struct attempt *play_all(size_t number, const struct strike *strike, unsigned nth)
{
    static struct attempt a;
    a = (struct attempt){ .number = number, .scene = scene_at(number), .strike = strike, .nth = nth };
    play_with_server(&a);
    sshio_detach();
    last_error_forget();
    return &a;
}

/* Threads see to the programs that have outlived the loop; they may still be about it. */
static void wait_for_threads(uint64_t live)
{
    uint64_t end = uv_hrtime() + ENOUGH_MS * 1000000u;
    siginfo_t info;
    while ((waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 || mem_live() > live) && uv_hrtime() < end)
        sched_yield();
}

/* false = it came to its end before the nth wait. */
static bool attempt(size_t number, const struct strike *strike, unsigned nth)
{
    uint64_t live = mem_live();
    int descriptors = descriptors_open();
    struct attempt *a = play_all(number, strike, nth);
    check_result(a);
    if (a->left)
        wait_for_threads(live);
    CHECK(a, waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "%s", "a child is left");
    CHECK(a, mem_live() == live, "%lld allocations are left", (long long)(mem_live() - live));
    CHECK(a, descriptors_open() == descriptors, "%d descriptors are left", descriptors_open() - descriptors);
    return a->struck;
}

static void strike_each_wait(size_t number, size_t row)
{
    unsigned every = (unsigned)setting("SSHIO_EVERY", EVERY_DEFAULT), first = 1 + (unsigned)(number + row) % every;
    unsigned nth = first;
    while (attempt(number, &strikes[row], nth))
        nth += every;
    if (nth == first && first == 1 && strikes[row].applies == NULL)
        fail_msg("\"%s\" has no wait that could be %s", scene_at(number)->name, strikes[row].name);
}

static void strike_scene(size_t number)
{
    for (size_t k = 0; k < COUNT(strikes); k++)
        strike_each_wait(number, k);
}

static void test_struck_waits_leave_nothing_behind(void **state)
{
    (void)state;
    for (size_t i = 0; scene_at(i) != NULL; i++) {
        play_all(i, NULL, 0); /* what is made once is made here */
        attempt(i, NULL, 0);
        strike_scene(i);
    }
}

/* Where the kernel has no pidfd_open, a thread waits for each child. */
static void test_programs_without_pidfds_are_reaped_all_the_same(void **state)
{
    const struct strike *bereft = &strikes[COUNT(strikes) - 1];
    unsigned scenes = 0;
    (void)state;
    assert_non_null(bereft->applies);
    child_avoid_pidfd(true);
    for (size_t i = 0; scene_at(i) != NULL; i++)
        if (attempt(i, bereft, 1)) {
            strike_scene(i);
            scenes++;
        }
    child_avoid_pidfd(false);
    assert_true(scenes > 0);
}

static void test_one_strike(void **state)
{
    size_t number = setting("SSHIO_SCENE", 0), strike = setting("SSHIO_STRIKE", 0);
    (void)state;
    assert_non_null(scene_at(number));
    assert_true(strike < COUNT(strikes));
    play_all(number, NULL, 0);
    assert_true(attempt(number, &strikes[strike], (unsigned)setting("SSHIO_NTH", 0)));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_struck_waits_leave_nothing_behind),
        cmocka_unit_test(test_programs_without_pidfds_are_reaped_all_the_same),
    };
    const struct CMUnitTest one[] = { cmocka_unit_test(test_one_strike) };
    if (argc == 3 && strcmp(argv[1], SCENES_RELAY) == 0)
        return scenes_relay(argv[2]);
    sshio_set_log_level(SSHIO_LOG_ERROR); /* what the strikes break is warned of */
    return setting("SSHIO_NTH", 0) != 0 ? cmocka_run_group_tests(one, NULL, NULL)
                                        : cmocka_run_group_tests(all, NULL, NULL);
}
