/* Byte counts, time intervals, points in time, integers. */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/units.h"

static void test_byte_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        { "0", 0 },
        { "1", 1 },
        { "1k", 1024 },
        { "1K", 1024 },
        { "1m", 1048576 },
        { "1g", 1073741824 },
        { "2.5m", 2621440 },
        { "2m512k", 2621440 },
        { "2560k", 2621440 },
        { "1k1", 1025 },
        { ".5k", 512 },
        { "5.k", 5120 },
        { "1.9", 1 },
        { "0.0001k", 0 },
        { "0.1k0.9k", 1024 },
        { "1k1k1k", 3072 },
        { "9223372036854775807", INT64_MAX },
        { "8589934591g", 8589934591u * 1073741824ull },
        { "1.0000000000000000000000000k", 1024 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t bytes = 1;
        assert_int_equal(units_byte_count(rows[i].text, &bytes, NULL), 0);
        assert_true(bytes == rows[i].bytes);
    }
}

static void test_byte_counts_that_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "k",
        "1t",
        "1kb",
        "1 k",
        " 1",
        "1 ",
        "-1",
        "+1",
        "1_000",
        "1e3",
        "inf",
        "nan",
        "0x10",
        ".",
        ".k",
        "1..5",
        "1.5.5",
        "1k2k3x",
        "9223372036854775808",
        "8589934592g",
        "99999999999999999999999999",
        "9223372036854775807k",
        "8589934591g1073741824",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error e;
        uint64_t bytes = 77;
        error_init(&e);
        assert_int_equal(units_byte_count(rows[i], &bytes, &e), SSHIO_EINVAL);
        assert_memory_equal(error_message(&e), "Invalid byte count", 18);
        assert_true(bytes == 77);
        error_clear(&e);
    }
    uint64_t bytes;
    assert_int_equal(units_byte_count(NULL, &bytes, NULL), SSHIO_EINVAL);
}

static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } rows[] = {
        { "0", 0 },          { "90", 90 },         { "1.5", 1.5 },           { "0.3", 0.3 },    { "1m", 60 },
        { "1H", 3600 },      { "1w2d3h", 788400 }, { "1w2d3h4m5s", 788645 }, { "-1d", -86400 }, { "1.5h", 5400 },
        { "1w-2d", 432000 }, { "+30m", 1800 },     { "-1d12h", -43200 },     { "1m30", 90 },    { "1d1d", 172800 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double seconds = -1;
        assert_int_equal(units_interval(rows[i].text, &seconds, NULL), 0);
        assert_true(seconds == rows[i].seconds);
    }
}

static void test_intervals_that_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "-",
        "+",
        "h",
        "1y",
        "1 h",
        "--1",
        "+-1",
        "1_0",
        "inf",
        "nan",
        "1e5",
        "1,5",
        "9223372036854775807",
        "15250284452472w",
        "99999999999999999999",
        "-15250284452472w",
        "1h ",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error e;
        double seconds = 77;
        error_init(&e);
        assert_int_equal(units_interval(rows[i], &seconds, &e), SSHIO_EINVAL);
        assert_memory_equal(error_message(&e), "Invalid time interval", 21);
        assert_true(seconds == 77);
        error_clear(&e);
    }
}

/* 2030-12-31 00:00 UTC is 1924905600. */
static const struct {
    const char *text;
    int64_t utc;
    bool zone_counts;
} times[] = {
    { "20301231", 1924905600, true },
    { "20301231Z", 1924905600, false },
    { "2030123112", 1924948800, true },
    { "203012311230", 1924950600, true },
    { "20301231123015", 1924950615, true },
    { "20301231123015Z", 1924950615, false },
    { "19700102Z", 86400, false },
    { "20000229Z", 951782400, false },
    { "99991231235959Z", 253402300799, false },
    { "now", 1000000, false },
    { "+1d", 1086400, false },
    { "-1m", 999940, false },
    { "60", 1000060, false },
    { "1.5", 1000001, false },
    { "-1.5", 999998, false },
    { "1234567", 2234567, false },
    { "-1d12h", 956800, false },
};

static void test_times_under_two_time_zones(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t offset;
    } zones[] = { { "UTC0", 0 }, { "EST5", 18000 } };
    for (size_t z = 0; z < COUNT(zones); z++) {
        setenv("TZ", zones[z].zone, 1);
        tzset();
        for (size_t i = 0; i < COUNT(times); i++) {
            int64_t at = 0;
            assert_int_equal(units_time(times[i].text, 1000000, &at, NULL), 0);
            assert_true(at == times[i].utc + (times[i].zone_counts ? zones[z].offset : 0));
        }
    }
}

static void test_times_that_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "Now",
        "20301301",
        "20300001",
        "20301200",
        "20301232",
        "20300229Z",
        "21000229",
        "2030123124",
        "203012311260",
        "20301231123060",
        "203012311",
        "20301231123",
        "20301231z",
        "20301231ZZ",
        "20301231Z0",
        "20301231 ",
        "Z",
        "19691231Z",
        "-52w",
        "1000000000000000000000",
        "9223372036854775806",
        "2030-12-31",
        "tomorrow",
    };
    setenv("TZ", "UTC0", 1);
    tzset();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error e;
        int64_t at = 77;
        error_init(&e);
        assert_int_equal(units_time(rows[i], 1000000, &at, &e), SSHIO_EINVAL);
        assert_memory_equal(error_message(&e), "Invalid time", 12);
        assert_true(at == 77);
        error_clear(&e);
    }
    int64_t at;
    assert_int_equal(units_time(NULL, 0, &at, NULL), SSHIO_EINVAL);
    assert_int_equal(units_time("1000000w", INT64_MAX - 5, &at, NULL), SSHIO_EINVAL);
}

static void test_integers_are_decimal_and_within_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        int result;
        int64_t value;
    } rows[] = {
        { "0", 0, 10, 0, 0 },
        { "10", 0, 10, 0, 10 },
        { "11", 0, 10, SSHIO_EINVAL, 0 },
        { "-1", 0, 10, SSHIO_EINVAL, 0 },
        { "-1", -1, 10, 0, -1 },
        { "007", 0, 10, 0, 7 },
        { "", 0, 10, SSHIO_EINVAL, 0 },
        { "-", -9, 10, SSHIO_EINVAL, 0 },
        { "1 ", 0, 10, SSHIO_EINVAL, 0 },
        { " 1", 0, 10, SSHIO_EINVAL, 0 },
        { "+1", 0, 10, SSHIO_EINVAL, 0 },
        { "0x1", 0, 10, SSHIO_EINVAL, 0 },
        { "1.0", 0, 10, SSHIO_EINVAL, 0 },
        { "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
        { "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
        { "9223372036854775808", INT64_MIN, INT64_MAX, SSHIO_EINVAL, 0 },
        { "-9223372036854775809", INT64_MIN, INT64_MAX, SSHIO_EINVAL, 0 },
        { NULL, INT64_MIN, INT64_MAX, SSHIO_EINVAL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 0;
        assert_int_equal(units_int(rows[i].text, rows[i].min, rows[i].max, &value, NULL), rows[i].result);
        assert_true(value == rows[i].value);
    }
}

static void test_startups(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t begin, percent, full;
    } rows[] = { { "10:30:100", 10, 30, 100 },
                 { "7", 7, 100, 7 },
                 { "1:1:1", 1, 1, 1 },
                 { "10:100:2147483647", 10, 100, INT32_MAX } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct startups s;
        assert_int_equal(units_startups(rows[i].text, &s, NULL), 0);
        assert_true(s.begin == rows[i].begin && s.percent == rows[i].percent && s.full == rows[i].full);
    }
    static const char *const bad[] = { NULL,          "",          "0",      "10:30",      "10:30:9",
                                       "10:0:20",     "10:101:20", "10:30:", ":30:100",    "10:30:100:",
                                       "10:30:100:1", "x",         "-1",     "2147483648", "00000000000000000000010" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct startups s = { 1, 2, 3 };
        assert_int_equal(units_startups(bad[i], &s, NULL), SSHIO_EINVAL);
        assert_true(s.begin == 1 && s.percent == 2 && s.full == 3);
    }
}

static void test_chance_of_refusal_grows_between_the_limits(void **state)
{
    (void)state;
    static const struct startups s = { 10, 30, 100 }, one = { 5, 100, 5 }, wide = { 1, 30, INT32_MAX };
    assert_int_equal(startups_chance(&s, 0), 0);
    assert_int_equal(startups_chance(&s, 9), 0);
    assert_int_equal(startups_chance(&s, 10), 30);
    assert_int_equal(startups_chance(&s, 55), 65);
    assert_int_equal(startups_chance(&s, 99), 99);
    assert_int_equal(startups_chance(&s, 100), 100);
    assert_int_equal(startups_chance(&s, UINT32_MAX), 100);
    assert_int_equal(startups_chance(&one, 4), 0);
    assert_int_equal(startups_chance(&one, 5), 100);
    assert_int_equal(startups_chance(&wide, INT32_MAX - 1), 99);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_counts),
        cmocka_unit_test(test_byte_counts_that_are_refused),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_intervals_that_are_refused),
        cmocka_unit_test(test_times_under_two_time_zones),
        cmocka_unit_test(test_times_that_are_refused),
        cmocka_unit_test(test_integers_are_decimal_and_within_their_range),
        cmocka_unit_test(test_startups),
        cmocka_unit_test(test_chance_of_refusal_grows_between_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
