/* SFTP clients and copies by SCP on descriptors: with our own server, and with others that end too soon. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sshio.h>

#include "client_bed.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- our own server at the other end ---- */

static int serve(void *arg)
{
    const int *fds = arg;
    return sshio_run_sftp_server(fds[0], fds[1], NULL);
}

static int use(void *arg)
{
    const int *fds = arg;
    sshio_sftp *sftp = NULL;
    char *text = NULL;

    must(sshio_run_sftp_client(fds[0], fds[1], SSHIO_SFTP(.sftp_version = 3), &sftp));
    must(sshio_sftp_put(sftp, at("source"), at("there"), NULL));
    must(sshio_sftp_get(sftp, at("there"), at("back"), NULL));
    must(sshio_sftp_symlink(sftp, "target", at("link")));
    must(sshio_sftp_readlink(sftp, at("link"), &text));
    assert_string_equal(text, "target");
    sshio_free(text);
    must(sshio_sftp_remove(sftp, at("link")));
    sshio_sftp_exit(sftp);
    must(sshio_sftp_wait_closed(sftp));
    assert_int_equal(sshio_sftp_remove(sftp, at("there")), SSHIO_ESFTP_NO_CONNECTION);
    sshio_sftp_unref(sftp);
    return 0;
}

static void run_both(int *client, int *server)
{
    sshio_task *task;
    int result = -1;

    fill(at("source"), 3000000);
    must(sshio_spawn(serve, server, &task));
    must(use(client));
    must(sshio_join(task, &result));
    assert_int_equal(result, 0);
    assert_true(same(at("source"), at("back")));
}

static int on_a_socket(void *arg)
{
    int ends[2];
    (void)arg;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    run_both((int[]){ ends[0], ends[0] }, (int[]){ ends[1], ends[1] });
    assert_false(is_open(ends[0]));
    return 0;
}

static int on_pipes(void *arg)
{
    int up[2], down[2];
    (void)arg;
    assert_int_equal(pipe(up) | pipe(down), 0);
    run_both((int[]){ down[0], up[1] }, (int[]){ up[0], down[1] });
    assert_false(is_open(down[0]) || is_open(up[1]));
    return 0;
}

/* Transfers both ways; the link's target stands first in SYMLINK, as with OpenSSH. */
static void test_session_on_a_socket_and_on_pipes(void **state)
{
    (void)state;
    must(sshio_main(on_a_socket, NULL));
    must(sshio_main(on_pipes, NULL));
}

/* ---- others ---- */

static int with_others(void *arg)
{
    static const char version[] = "\0\0\0\5\2\0\0\0\3", wrong[] = "\0\0\0\5\2\0\0\0\x63";
    sshio_sftp *sftp = NULL;
    sshio_sftp_attrs *attrs = NULL;
    int ends[2];
    (void)arg;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    assert_int_equal(sshio_run_sftp_client(ends[0], ends[0], NULL, &sftp), SSHIO_ESFTP_CONNECTION_LOST);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], wrong, sizeof wrong - 1), sizeof wrong - 1);
    assert_int_equal(sshio_run_sftp_client(ends[0], ends[0], NULL, &sftp), SSHIO_ESFTP_BAD_MESSAGE);
    close(ends[1]);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], version, sizeof version - 1), sizeof version - 1);
    must(sshio_run_sftp_client(ends[0], ends[0], NULL, &sftp));
    close(ends[1]);
    assert_int_equal(sshio_sftp_stat(sftp, "/", &attrs), SSHIO_ESFTP_CONNECTION_LOST);
    sshio_sftp_unref(sftp);
    return 0;
}

/* draft-ietf-secsh-filexfer-02 section 4: no session without a version that both have. */
static void test_server_that_ends_early_or_says_nonsense_is_an_error(void **state)
{
    (void)state;
    must(sshio_main(with_others, NULL));
}

static void test_descriptors_are_closed_when_the_call_is_wrong(void **state)
{
    sshio_sftp *sftp = NULL;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sshio_run_sftp_client(ends[0], ends[1], SSHIO_SFTP(.sftp_version = 7), &sftp), SSHIO_EINVAL);
    assert_false(is_open(ends[0]) || is_open(ends[1]));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sshio_run_sftp_client(ends[0], ends[1], NULL, NULL), SSHIO_EINVAL);
    assert_false(is_open(ends[0]) || is_open(ends[1]));
}

static int wait_for_nobody(void *arg)
{
    const int *end = arg;
    sshio_sftp *sftp = NULL;
    return sshio_run_sftp_client(*end, *end, NULL, &sftp);
}

static int cancel_the_greeting(void *arg)
{
    sshio_task *task;
    int ends[2], result = 0;
    (void)arg;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    must(sshio_spawn(wait_for_nobody, &ends[0], &task));
    must(sshio_sleep(0));
    sshio_cancel(task);
    must(sshio_join(task, &result));
    assert_int_equal(result, SSHIO_ECANCELED);
    must(sshio_sleep(0));
    assert_false(is_open(ends[0]));
    close(ends[1]);
    return 0;
}

static void test_cancelled_greeting_closes_the_descriptors(void **state)
{
    (void)state;
    must(sshio_main(cancel_the_greeting, NULL));
}

/* ---- SCP ---- */

struct player {
    const char *says;
    size_t len;
    const char *command; /* that is expected */
    int end;             /* of the other side */
    int result;
};

static int start_scp(const char *command, int *in, int *out, void *user)
{
    struct player *player = user;
    int ends[2];

    assert_string_equal(command, player->command);
    if (player->result != 0)
        return player->result;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], player->says, player->len), player->len);
    shutdown(ends[1], SHUT_WR);
    player->end = ends[1];
    *in = *out = ends[0];
    return 0;
}

#define SAYS(text) .says = (text), .len = sizeof(text) - 1

static void test_copy_by_a_program_of_the_application(void **state)
{
    struct player player = { SAYS("C0644 5 file\nhello\0"), .command = "scp -f file" };
    char got[64];
    (void)state;

    must(sshio_scp_paths((sshio_scp_path){ .path = "file", .start = start_scp, .user = &player },
                         SSHIO_LOCAL(at("here")), NULL));
    must(sshio_sleep(0));                                   /* what is queued at the end goes out in this turn */
    assert_int_equal(read(player.end, got, sizeof got), 3); /* ready, the line, the file */
    close(player.end);
    FILE *file = fopen(at("here"), "r");
    assert_non_null(fgets(got, sizeof got, file));
    assert_string_equal(got, "hello");
    fclose(file);

    fill(at("large"), 2000000); /* more than a socket holds */
    player = (struct player){ SAYS("\0\0\1scp: no room\n"), .command = "scp -t x\\ y" };
    assert_int_equal(sshio_scp_paths(SSHIO_LOCAL(at("here")),
                                     (sshio_scp_path){ .path = "x y", .start = start_scp, .user = &player }, NULL),
                     SSHIO_ESFTP_FAILURE);
    assert_string_equal(sshio_error_message(), "scp: no room");
    close(player.end);
}

static void test_program_that_hangs_up_or_does_not_start_ends_a_copy(void **state)
{
    struct player player = { SAYS("C0644 50 file\nhello"), .command = "scp -f file" };
    sshio_scp_path there = { .path = "file", .start = start_scp, .user = &player };
    (void)state;

    assert_int_equal(sshio_scp_paths(there, SSHIO_LOCAL(at("here")), NULL), SSHIO_ESFTP_CONNECTION_LOST);
    close(player.end);
    player.result = SSHIO_ESYSTEM;
    assert_int_equal(sshio_scp_paths(there, SSHIO_LOCAL(at("here")), NULL), SSHIO_ESYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session_on_a_socket_and_on_pipes, make_folder, remove_folder),
        cmocka_unit_test(test_server_that_ends_early_or_says_nonsense_is_an_error),
        cmocka_unit_test(test_descriptors_are_closed_when_the_call_is_wrong),
        cmocka_unit_test(test_cancelled_greeting_closes_the_descriptors),
        cmocka_unit_test_setup_teardown(test_copy_by_a_program_of_the_application, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_program_that_hangs_up_or_does_not_start_ends_a_copy, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
