/* The public API of keys: errors at the edge, files and their modes (C10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sshio/key.h>

#include <cmocka.h> /* last: it has a macro called fail */

static char directory[64];
static char path[128];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sshio-key-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/id", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory); /* fails when a temporary file was left behind */
}

static sshio_key *new_key(void)
{
    sshio_key *key = NULL;
    assert_int_equal(sshio_generate_private_key("ssh-ed25519", SSHIO_GENERATE(.comment = "test"), &key), 0);
    return key;
}

static unsigned int mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    return (unsigned int)st.st_mode & 07777;
}

static int write_and_read_private(void *arg)
{
    sshio_key *key = new_key(), *again = NULL;
    (void)arg;
    assert_int_equal(sshio_key_write_private_key(key, path, NULL), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(sshio_read_private_key(path, NULL, &again), 0);
    assert_true(sshio_key_equal(key, again));
    assert_string_equal(sshio_key_get_filename(again), path);
    assert_string_equal(sshio_key_get_comment(again), "test");
    sshio_key_unref(key);
    sshio_key_unref(again);
    return 0;
}

/* C10 */
static void test_private_key_file_is_mode_0600(void **state)
{
    (void)state;
    mode_t before = umask(0);
    assert_int_equal(sshio_main(write_and_read_private, NULL), 0);
    umask(before);
}

static int replace_loose_file(void *arg)
{
    sshio_key *key = new_key(), *again = NULL;
    (void)arg;
    assert_int_equal(sshio_key_write_public_key(key, path, SSHIO_FORMAT_OPENSSH), 0);
    assert_int_equal(mode_of(path), 0644);
    assert_int_equal(sshio_read_public_key(path, &again), 0);
    assert_false(sshio_key_is_private(again));
    assert_int_equal(sshio_key_write_private_key(key, path, NULL), 0);
    assert_int_equal(mode_of(path), 0600);
    sshio_key_unref(key);
    sshio_key_unref(again);
    return 0;
}

/* C10: a file that others can read does not lend its mode to the key that replaces it. */
static void test_private_key_replaces_a_readable_file(void **state)
{
    (void)state;
    mode_t before = umask(022);
    assert_int_equal(sshio_main(replace_loose_file, NULL), 0);
    umask(before);
}

static int fail_on_files(void *arg)
{
    sshio_key *key = new_key(), *none = NULL;
    (void)arg;
    assert_int_equal(sshio_read_private_key("/nonexistent/id", NULL, &none), SSHIO_ESYSTEM);
    assert_non_null(strstr(sshio_error_message(), "/nonexistent/id"));
    assert_int_equal(sshio_key_write_private_key(key, "/nonexistent/id", NULL), SSHIO_ESYSTEM);
    assert_non_null(strstr(sshio_error_message(), "/nonexistent/id"));
    assert_int_equal(sshio_key_write_private_key(key, directory, NULL), SSHIO_ESYSTEM);
    assert_int_equal(sshio_key_write_public_key(key, path, SSHIO_FORMAT_OPENSSH), 0);
    assert_int_equal(sshio_read_private_key(path, NULL, &none), SSHIO_EKEY_IMPORT);
    assert_string_equal(sshio_error_last()->filename, path);
    assert_null(none);
    sshio_key_unref(key);
    return 0;
}

static void test_file_errors_name_the_file_and_leave_nothing(void **state)
{
    (void)state;
    assert_int_equal(sshio_main(fail_on_files, NULL), 0);
}

static void test_export_and_import_in_memory(void **state)
{
    (void)state;
    sshio_key *key = new_key(), *again = NULL, *public_key = NULL;
    sshio_bytes text = { NULL, 0 };
    assert_int_equal(sshio_key_export_private_key(key, SSHIO_EXPORT(.format = SSHIO_FORMAT_OPENSSH), &text), 0);
    assert_int_equal(strlen(text.data), text.len);
    assert_int_equal(sshio_import_private_key(text.data, text.len, SSHIO_IMPORT(.passphrase = "not needed"), &again),
                     0);
    assert_true(sshio_key_equal(key, again));
    sshio_bytes_free(&text);
    assert_int_equal(sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &text), 0);
    assert_int_equal(sshio_import_public_key(text.data, text.len, &public_key), 0);
    assert_int_equal(sshio_key_public_data(key).len, sshio_key_public_data(public_key).len);
    assert_int_equal(sshio_key_export_private_key(public_key, NULL, &text), SSHIO_EKEY_EXPORT);
    assert_true(sshio_error_is(SSHIO_EKEY_EXPORT, SSHIO_E_KEY));
    sshio_bytes_free(&text);
    sshio_key_unref(key);
    sshio_key_unref(again);
    sshio_key_unref(public_key);
}

static void test_sign_names_and_checks_its_algorithm(void **state)
{
    (void)state;
    sshio_key *key = new_key();
    sshio_bytes signature = { NULL, 0 };
    const sshio_span data = SSHIO_TEXT("data");
    assert_int_equal(sshio_key_sign(key, data, NULL, &signature), 0);
    assert_true(sshio_key_verify(key, data, "ssh-ed25519", (sshio_span){ signature.data, signature.len }));
    sshio_bytes_free(&signature);
    assert_int_equal(sshio_key_sign(key, data, "ssh-rsa", &signature), SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "unrecognized signature algorithm \"ssh-rsa\" for a ssh-ed25519 key");
    assert_int_equal(sshio_key_sign(key, data, "ssh-none", &signature), SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "unrecognized signature algorithm \"ssh-none\"");
    assert_null(signature.data);
    sshio_key_unref(key);
}

/* A program that was built before a member was added. */
static void test_shorter_options_keep_their_defaults(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    const sshio_generate_options options = { .size = offsetof(sshio_generate_options, comment), .comment = "not seen" };
    assert_int_equal(sshio_generate_private_key("ssh-ed25519", &options, &key), 0);
    assert_null(sshio_key_get_comment(key));
    assert_int_equal(sshio_key_set_comment(key, "seen"), 0);
    assert_string_equal(sshio_key_get_comment(key), "seen");
    sshio_key_unref(key);
}

static void test_wrong_arguments_are_errors(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    assert_int_equal(sshio_generate_private_key("ssh-none", NULL, &key), SSHIO_EKEY_GENERATION);
    assert_int_equal(sshio_generate_private_key(NULL, NULL, &key), SSHIO_EINVAL);
    assert_int_equal(sshio_import_private_key(NULL, 0, NULL, &key), SSHIO_EKEY_IMPORT);
    assert_int_equal(sshio_import_public_key(NULL, 1, &key), SSHIO_EINVAL);
    assert_int_equal(sshio_key_get_fingerprint(NULL, NULL, NULL), SSHIO_EINVAL);
    assert_null(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_private_key_file_is_mode_0600, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_private_key_replaces_a_readable_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_file_errors_name_the_file_and_leave_nothing, make_directory,
                                        remove_directory),
        cmocka_unit_test(test_export_and_import_in_memory),
        cmocka_unit_test(test_sign_names_and_checks_its_algorithm),
        cmocka_unit_test(test_shorter_options_keep_their_defaults),
        cmocka_unit_test(test_wrong_arguments_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
