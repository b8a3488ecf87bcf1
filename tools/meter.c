/* See meter.h. The line is the name, a percentage, the amount, the rate and the time that it still takes, or took. */
#include "meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "talk.h"
#include "terminal.h"

#define LINE_SIZE 1024
#define INTERVAL 1.0 /* s between two lines of a file */
#define FIGURES 36   /* columns of what follows the name */
#define SMOOTHING 0.9
#define PACE_STEP 0.05 /* s: shorter sleeps are not worth it */

static const char units[] = " KMGTPE";

/* ---- texts ---- */

static void format_amount(char *text, size_t size, uint64_t bytes)
{
    int unit = 0;
    for (; bytes >= 10000 && units[unit + 1] != '\0'; unit++)
        bytes = (bytes + 512) / 1024;
    snprintf(text, size, "%4" PRIu64 "%c%s", bytes, units[unit], unit != 0 ? "B" : " ");
}

/* Of at least a kilobyte, with one decimal. */
static void format_rate(char *text, size_t size, double rate)
{
    uint64_t hundredths = (uint64_t)(rate * 100);
    int unit = 0;
    do {
        hundredths = (hundredths + 512) / 1024;
        unit++;
    } while (hundredths >= 100 * 1000 && units[unit + 1] != '\0');
    hundredths += 5;
    snprintf(text, size, "%3" PRIu64 ".%" PRIu64 "%cB", hundredths / 100, hundredths / 10 % 10, units[unit]);
}

static void format_time(char *text, size_t size, double seconds)
{
    unsigned s = seconds < 360000 ? (unsigned)seconds : 359999;
    if (s >= 3600)
        snprintf(text, size, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "  %02u:%02u", s / 60, s % 60);
}

void meter_format_size(char *text, size_t size, uint64_t bytes)
{
    if (bytes < 1024) {
        snprintf(text, size, "%" PRIu64 "B", bytes);
        return;
    }
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1023.5 && units[unit + 1] != '\0'; unit++)
        value /= 1024;
    snprintf(text, size, value < 99.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void meter_format(char *line, size_t size, int columns, const char *name, uint64_t bytes, uint64_t total, double rate,
                  double elapsed)
{
    char amount[32], speed[32], clock[32] = "  --:--";
    int percent = total == 0 ? 100 : bytes >= total ? 100 : (int)((double)bytes * 100 / (double)total);
    int name_columns = columns > FIGURES ? columns - FIGURES : 0;
    bool is_complete = elapsed >= 0;

    format_amount(amount, sizeof amount, bytes);
    format_rate(speed, sizeof speed, rate);
    if (is_complete)
        format_time(clock, sizeof clock, elapsed);
    else if (rate > 0)
        format_time(clock, sizeof clock, (double)(total > bytes ? total - bytes : 0) / rate);
    snprintf(line, size, "%-*.*s %3d%% %s %s/s %s%s", name_columns, name_columns, name, percent, amount, speed, clock,
             is_complete ? "    " : " ETA");
}

/* ---- what happens ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A terminal belongs to the programs in its foreground. */
static bool may_draw(const struct meter *meter)
{
    return meter->shown && tcgetpgrp(STDOUT_FILENO) == getpgrp();
}

static void draw(struct meter *meter, uint64_t total, double elapsed)
{
    char line[LINE_SIZE], name[LINE_SIZE];
    const char *slash = strrchr(meter->path, '/');

    if (!may_draw(meter))
        return;
    talk_escape(slash != NULL && slash[1] != '\0' ? slash + 1 : meter->path, name, sizeof name);
    meter_format(line, sizeof line, terminal_columns(STDOUT_FILENO), name, meter->bytes, total, meter->rate, elapsed);
    printf("\r%s", line);
    fflush(stdout);
}

/* What small files take is between the end of the one before and their own. */
static bool begin(struct meter *meter, const char *path)
{
    if (meter->path != NULL && strcmp(meter->path, path) == 0)
        return true;
    meter_end(meter);
    meter->path = strdup(path);
    meter->drawn = 0;
    meter->last_bytes = 0;
    meter->rate = 0;
    return meter->path != NULL;
}

/* The whole process waits: there is nothing that it could do meanwhile but to go faster. */
static void pace(struct meter *meter, uint64_t bytes)
{
    double time = now();
    if (meter->limit == 0)
        return;
    if (meter->paced <= 0 || bytes < meter->paced_bytes) {
        meter->paced = time;
        meter->paced_bytes = bytes;
        return;
    }
    double due = meter->paced + (double)(bytes - meter->paced_bytes) / (double)meter->limit;
    if (due - time < PACE_STEP)
        return;
    double wait = due - time;
    nanosleep(&(struct timespec){ (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) }, NULL);
    meter->paced = due;
    meter->paced_bytes = bytes;
}

static void show(struct meter *meter, uint64_t bytes, uint64_t total)
{
    double time = now(), elapsed = time - meter->began;

    meter->bytes = bytes;
    if (bytes >= total) {
        meter->rate = elapsed > 0 ? (double)bytes / elapsed : 0;
        draw(meter, total, elapsed);
        meter_end(meter);
        return;
    }
    if (meter->drawn > 0 && time - meter->drawn < INTERVAL)
        return;
    double since = time - (meter->drawn > 0 ? meter->drawn : meter->began);
    double current = since > 0 ? (double)(bytes - meter->last_bytes) / since : 0;
    meter->rate = meter->rate > 0 ? SMOOTHING * meter->rate + (1 - SMOOTHING) * current : current;
    meter->drawn = time;
    meter->last_bytes = bytes;
    draw(meter, total, -1);
}

int meter_progress(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    struct meter *meter = user;

    (void)dstpath;
    if (meter->shown && begin(meter, srcpath))
        show(meter, bytes, total);
    pace(meter, bytes);
    return 0;
}

void meter_start(struct meter *meter)
{
    meter_end(meter);
    meter->paced = 0;
}

void meter_end(struct meter *meter)
{
    meter->began = now();
    if (meter->path != NULL && may_draw(meter))
        putchar('\n');
    free(meter->path);
    meter->path = NULL;
}

void meter_done(struct meter *meter)
{
    free(meter->path);
    meter->path = NULL;
}
