/* Byte counts, time intervals, points in time and plain integers as text; the contract stands in units.h.
 *
 * Numbers are read here and not by strtod, because its decimal point follows the locale and it takes exponents, "inf"
 * and blanks. */
#include "base/units.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What does not fit here is refused: 2^63 - 1, rounded up to what a double can say. */
#define MAX_SECONDS 9223372036854775807.0

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int invalid(struct error *e, const char *what, const char *text)
{
    if (text == NULL)
        return error_set(e, SSHIO_EINVAL, "Invalid %s: no text", what);
    return error_set(e, SSHIO_EINVAL, "Invalid %s: \"%.100s\"", what, text);
}

/* ---- groups of a number and a unit ---- */

struct unit {
    char letter;
    uint32_t factor;
};

static const struct unit byte_units[] = { { 'k', 1u << 10 }, { 'm', 1u << 20 }, { 'g', 1u << 30 } };
static const struct unit time_units[] = {
    { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

/* A decimal number without sign: its digits before the point, and those behind it as billionths. */
struct number {
    uint64_t whole;
    uint64_t billionths;
};

/* Digits behind the ninth decimal place are read and dropped. */
static bool take_number(const char **text, struct number *n)
{
    const char *at = *text;
    uint64_t place = 100000000;
    size_t digits = 0;

    *n = (struct number){ 0, 0 };
    for (; is_digit(*at); at++, digits++)
        if (__builtin_mul_overflow(n->whole, 10, &n->whole) ||
            __builtin_add_overflow(n->whole, (uint64_t)(*at - '0'), &n->whole))
            return false;
    if (*at == '.')
        for (at++; is_digit(*at); at++, digits++, place /= 10)
            n->billionths += place * (uint64_t)(*at - '0');
    *text = at;
    return digits != 0;
}

/* The factor of the unit at this place, 1 where the text ends without one, 0 for anything else. */
static uint32_t take_unit(const char **text, const struct unit *units, size_t count)
{
    if (**text == '\0')
        return 1;
    for (size_t i = 0; i < count; i++)
        if (lower(**text) == units[i].letter) {
            ++*text;
            return units[i].factor;
        }
    return 0;
}

int units_byte_count(const char *text, uint64_t *bytes, struct error *e)
{
    uint64_t sum = 0, billionths = 0;
    const char *at = text;

    do {
        struct number n;
        uint64_t group;
        if (at == NULL || !take_number(&at, &n))
            return invalid(e, "byte count", text);
        uint32_t factor = take_unit(&at, byte_units, COUNT(byte_units));
        if (factor == 0 || __builtin_mul_overflow(n.whole, factor, &group) || __builtin_add_overflow(sum, group, &sum))
            return invalid(e, "byte count", text);
        billionths += n.billionths * factor;
        sum += billionths / 1000000000;
        billionths %= 1000000000;
        if (sum > INT64_MAX)
            return invalid(e, "byte count", text);
    } while (*at != '\0');
    *bytes = sum;
    return 0;
}

/* Numbers may be signed, each for itself. */
static bool read_interval(const char *text, double *seconds)
{
    double sum = 0;
    do {
        struct number n;
        bool negative = *text == '-';
        if (negative || *text == '+')
            text++;
        if (!take_number(&text, &n))
            return false;
        uint32_t factor = take_unit(&text, time_units, COUNT(time_units));
        if (factor == 0)
            return false;
        double group = ((double)n.whole + (double)n.billionths / 1e9) * factor;
        sum += negative ? -group : group;
        if (sum >= MAX_SECONDS || sum <= -MAX_SECONDS)
            return false;
    } while (*text != '\0');
    *seconds = sum;
    return true;
}

int units_interval(const char *text, double *seconds, struct error *e)
{
    if (text == NULL || !read_interval(text, seconds))
        return invalid(e, "time interval", text);
    return 0;
}

/* ---- points in time ---- */

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Fourteen digits, YYYYMMDDhhmmss, as a date of the calendar. */
static bool read_date(const char *digits, struct tm *date)
{
    int year = two_digits(digits) * 100 + two_digits(digits + 2);
    int month = two_digits(digits + 4), day = two_digits(digits + 6);
    int hour = two_digits(digits + 8), minute = two_digits(digits + 10), second = two_digits(digits + 12);
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    *date = (struct tm){ .tm_year = year - 1900,
                         .tm_mon = month - 1,
                         .tm_mday = day,
                         .tm_hour = hour,
                         .tm_min = minute,
                         .tm_sec = second,
                         .tm_isdst = -1 };
    return true;
}

/* "YYYYMMDD[hh[mm[ss]]]", UTC when a Z follows and else local time. */
static bool read_date_text(const char *text, size_t digit_count, int64_t *unix_time)
{
    char digits[] = "00000000000000";
    struct tm date;
    bool utc = text[digit_count] == 'Z';

    if (digit_count % 2 != 0 || text[digit_count + (utc ? 1 : 0)] != '\0')
        return false;
    memcpy(digits, text, digit_count);
    if (!read_date(digits, &date))
        return false;
    *unix_time = utc ? timegm(&date) : mktime(&date);
    return true;
}

/* An interval from now; parts of a second are rounded down. */
static bool read_offset(const char *text, int64_t now, int64_t *unix_time)
{
    double seconds;
    if (!read_interval(text, &seconds))
        return false;
    int64_t whole = (int64_t)seconds;
    if ((double)whole > seconds)
        whole--;
    return !__builtin_add_overflow(now, whole, unix_time);
}

static bool read_time(const char *text, int64_t now, int64_t *unix_time)
{
    size_t digits = strspn(text, "0123456789");
    if (strcmp(text, "now") == 0) {
        *unix_time = now;
        return true;
    }
    if (digits >= 8 && digits <= 14 && (text[digits] == '\0' || text[digits] == 'Z'))
        return read_date_text(text, digits, unix_time);
    return read_offset(text, now, unix_time);
}

int units_time(const char *text, int64_t now, int64_t *unix_time, struct error *e)
{
    int64_t at;
    if (text == NULL || !read_time(text, now, &at) || at < 0)
        return invalid(e, "time", text);
    *unix_time = at;
    return 0;
}

/* ---- integers ---- */

int units_int(const char *text, int64_t min, int64_t max, int64_t *value, struct error *e)
{
    int64_t number = 0;
    const char *at = text;
    bool negative = at != NULL && *at == '-';

    if (negative)
        at++;
    if (at == NULL || *at == '\0')
        return invalid(e, "number", text);
    for (; *at != '\0'; at++) {
        int digit = *at - '0';
        if (!is_digit(*at) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return invalid(e, "number", text);
    }
    if (number < min || number > max)
        return error_set(e, SSHIO_EINVAL, "Invalid number: %.40s is not between %lld and %lld", text, (long long)min,
                         (long long)max);
    *value = number;
    return 0;
}

/* ---- limits of startups ---- */

int units_startups(const char *text, struct startups *startups, struct error *e)
{
    static const int64_t highest[] = { INT32_MAX, 100, INT32_MAX };
    int64_t numbers[] = { 0, 100, 0 };
    size_t count = 0;
    char part[16];
    const char *at = text != NULL ? text : "";

    for (bool more = true; more; count++) {
        size_t len = strcspn(at, ":");
        if (count == 3 || len >= sizeof part)
            return invalid(e, "limit of startups", text);
        memcpy(part, at, len);
        part[len] = '\0';
        if (units_int(part, 1, highest[count], &numbers[count], NULL) != 0)
            return invalid(e, "limit of startups", text);
        more = at[len] == ':';
        at += len + more;
    }
    if (count == 1)
        numbers[2] = numbers[0];
    if (count == 2 || numbers[0] > numbers[2])
        return invalid(e, "limit of startups", text);
    *startups = (struct startups){ (uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2] };
    return 0;
}

uint32_t startups_chance(const struct startups *startups, uint32_t count)
{
    if (count >= startups->full)
        return 100;
    if (count < startups->begin)
        return 0;
    uint64_t above = (uint64_t)(100 - startups->percent) * (count - startups->begin);
    return startups->percent + (uint32_t)(above / (startups->full - startups->begin));
}
