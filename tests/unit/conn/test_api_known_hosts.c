/* The public API of known hosts: the keys of a host, and lines that are added to files and removed from them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sshio/known_hosts.h>

#include "base/memory.h"
#include "config/keys.h"
#include "unit.h" /* last: cmocka has a macro called fail */

#define KEY_DSS "ssh-dss AAAAB3NzaC1kc3MAAAABAQ=="

static char directory[64];
static char path[128], link_path[128];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sshio-hosts-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/known_hosts", directory);
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    unlink(link_path);
    return rmdir(directory); /* fails when a temporary file was left behind */
}

static sshio_key *key_of(const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(sshio_import_public_key(text, strlen(text), &key), 0);
    return key;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *expected)
{
    static char text[8192];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

/* ---- the keys of a host (3-algorithms-config C.3) ---- */

/* The letters of a list: a, b, e for KEY_A, KEY_B, KEY_ECDSA. */
static void describe(const sshio_keyref *list, char **to)
{
    static const char *const texts[] = { KEY_A, KEY_B, KEY_ECDSA };
    for (; list->key != NULL; list++) {
        for (size_t i = 0; i < COUNT(texts); i++) {
            sshio_key *known = key_of(texts[i]);
            if (sshio_key_equal(known, list->key))
                *(*to)++ = "abe"[i];
            sshio_key_unref(known);
        }
    }
    *(*to)++ = '/';
}

static const struct {
    const char *text, *host, *addr;
    int port;
    const char *keys; /* trusted / authorities / revoked / */
} rows[] = {
    { "h " KEY_A "\nh " KEY_ECDSA "\ng " KEY_B, "h", NULL, 0, "ae///" },
    { "h " KEY_A, "g", NULL, 0, "///" },
    { "", "h", NULL, 22, "///" },
    { "@cert-authority *.h " KEY_A "\n@revoked * " KEY_B "\nx.h " KEY_ECDSA, "x.h", "", 0, "e/a/b/" },
    { "192.0.2.0/24 " KEY_A, "h", "192.0.2.9", 0, "a///" },
    { "h " KEY_DSS "\nh " KEY_A, "h", NULL, 0, "a///" }, /* of a type that is not known here */
    /* A port: its own entries, and only when they give neither key nor authority the others; what is revoked adds up.
     */
    { "h " KEY_A "\n[h]:2222 " KEY_B, "h", NULL, 2222, "b///" },
    { "h " KEY_A "\n[h]:2222 " KEY_B, "h", NULL, 22, "a///" },
    { "h " KEY_A "\n@cert-authority [h]:2222 " KEY_B, "h", NULL, 2222, "/b//" },
    { "h " KEY_A "\n@revoked h " KEY_ECDSA "\n@revoked [h]:2222 " KEY_B, "h", NULL, 2222, "a//be/" },
    { HASHED_HOST " " KEY_A "\n" HASHED_HOST_2222 " " KEY_B, "host.example", NULL, 2222, "b///" },
};

static void check_keys(const sshio_host_keys *keys, const char *expected)
{
    char letters[64], *end = letters;
    assert_int_equal(keys->size, sizeof *keys);
    describe(keys->trusted_host_keys, &end);
    describe(keys->trusted_ca_keys, &end);
    describe(keys->revoked_keys, &end);
    *end = '\0';
    assert_string_equal(letters, expected);
}

static void test_keys_of_a_host_by_what_is_said_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sshio_known_hosts *hosts = NULL;
        sshio_host_keys *keys = NULL;
        assert_int_equal(sshio_import_known_hosts(rows[i].text, strlen(rows[i].text), &hosts), 0);
        assert_int_equal(sshio_known_hosts_match(hosts, rows[i].host, rows[i].addr, rows[i].port, &keys), 0);
        check_keys(keys, rows[i].keys);
        sshio_host_keys_free(keys);
        assert_int_equal(sshio_match_known_hosts(SSHIO_SOURCE(.known_hosts = hosts), rows[i].host, rows[i].addr,
                                                 rows[i].port, &keys),
                         0);
        check_keys(keys, rows[i].keys);
        sshio_host_keys_free(keys);
        sshio_known_hosts_unref(hosts);
    }
    sshio_host_keys_free(NULL);
}

static void test_keys_of_a_host_from_files(void **state)
{
    sshio_host_keys *keys = NULL;
    (void)state;
    write_file("h " KEY_A "\n");
    assert_int_equal(sshio_match_known_hosts(SSHIO_FILES(path), "h", NULL, 0, &keys), 0);
    check_keys(keys, "a///");
    sshio_host_keys_free(keys);
    keys = NULL;
    assert_int_equal(sshio_match_known_hosts(SSHIO_FILES("/no/such/file"), "h", NULL, 0, &keys), SSHIO_ESYSTEM);
    assert_int_equal(sshio_match_known_hosts(NULL, "h", NULL, 0, &keys), SSHIO_EINVAL);
    assert_int_equal(sshio_match_known_hosts(SSHIO_FILES(path), NULL, NULL, 0, &keys), SSHIO_EINVAL);
    assert_int_equal(sshio_match_known_hosts(SSHIO_FILES(path), "h", NULL, 65536, &keys), SSHIO_EINVAL);
    assert_int_equal(sshio_known_hosts_match(NULL, "h", NULL, 0, &keys), SSHIO_EINVAL);
    assert_null(keys);
}

static void test_keys_of_a_host_without_memory(void **state)
{
    static const char text[] = "h " KEY_A "\nh " KEY_B "\n@revoked h " KEY_ECDSA;
    sshio_known_hosts *hosts = NULL;
    int rc = SSHIO_ENOMEM;
    (void)state;
    assert_int_equal(sshio_import_known_hosts(text, sizeof text - 1, &hosts), 0);
    for (uint64_t nth = 1; rc != 0; nth++) {
        sshio_host_keys *keys = NULL;
        mem_fail_at(nth);
        rc = sshio_known_hosts_match(hosts, "h", NULL, 0, &keys);
        mem_fail_at(0);
        if (rc == 0)
            check_keys(keys, "ab//e/");
        else
            assert_int_equal(rc, SSHIO_ENOMEM);
        sshio_host_keys_free(keys);
    }
    sshio_known_hosts_unref(hosts);
}

/* ---- files ---- */

static void test_hosts_are_added_and_removed(void **state)
{
    sshio_key *key = key_of(KEY_A);
    size_t removed = 9;
    (void)state;
    assert_int_equal(sshio_add_known_host(path, "Host", 0, key, false), 0);
    assert_int_equal(sshio_add_known_host(path, "host", 2222, key, false), 0);
    assert_int_equal(sshio_add_known_host(path, "host", 0, key, true), 0);
    assert_int_equal(sshio_remove_known_host(path, "HOST", 22, &removed), 0);
    assert_int_equal(removed, 2); /* one of them by its hash */
    assert_file("[host]:2222 " KEY_A "\n");
    assert_int_equal(sshio_remove_known_host(path, "host", 2222, NULL), 0);
    assert_file("");
    sshio_key_unref(key);
}

/* Comments, markers, other hosts, and what is no line of known_hosts: each with its own end, or none. */
static void test_all_other_lines_stay_as_they_are(void **state)
{
    static const char kept[] = "# h\n\n  @revoked h " KEY_A "\r\n@cert-authority h " KEY_B
                               "\nno line at all\n[h]:22222 " KEY_A "\n\tg,f " KEY_ECDSA " h";
    static char text[4096];
    size_t removed = 9;
    (void)state;
    snprintf(text, sizeof text, "h " KEY_A "\n*,!g " KEY_DSS "\n%s", kept);
    write_file(text);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sshio_remove_known_host(path, "h", 0, &removed), 0);
    assert_int_equal(removed, 2);
    assert_file(kept);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_file_without_the_host_is_not_touched(void **state)
{
    struct stat before, after;
    size_t removed = 9;
    (void)state;
    write_file("h " KEY_A "\n");
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(sshio_remove_known_host(path, "g", 0, &removed), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void test_file_behind_a_link_is_changed(void **state)
{
    struct stat st;
    (void)state;
    write_file("h " KEY_A "\ng " KEY_B "\n");
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(sshio_remove_known_host(link_path, "h", 0, NULL), 0);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_file("g " KEY_B "\n");
}

static void test_bad_arguments_and_files_are_told(void **state)
{
    size_t removed = 9;
    (void)state;
    assert_int_equal(sshio_remove_known_host(path, "h", 0, &removed), SSHIO_ESYSTEM);
    assert_int_equal(sshio_remove_known_host(NULL, "h", 0, &removed), SSHIO_EINVAL);
    assert_int_equal(sshio_remove_known_host(path, "", 0, &removed), SSHIO_EINVAL);
    assert_int_equal(sshio_remove_known_host(path, "h", -1, &removed), SSHIO_EINVAL);
    assert_int_equal(sshio_remove_known_host(directory, "h", 0, &removed), SSHIO_ESYSTEM);
    assert_int_equal(removed, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_a_host_by_what_is_said_of_them),
        cmocka_unit_test_setup_teardown(test_keys_of_a_host_from_files, make_directory, remove_directory),
        cmocka_unit_test(test_keys_of_a_host_without_memory),
        cmocka_unit_test_setup_teardown(test_hosts_are_added_and_removed, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_all_other_lines_stay_as_they_are, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_file_without_the_host_is_not_touched, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_file_behind_a_link_is_changed, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_bad_arguments_and_files_are_told, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
