/* Two folders that ought to be equal: one that is changed through a server, and its twin, which is changed by the same
 * steps through the system itself. */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define TWIN_PATH 512
#define TWIN_ROOT 96 /* bytes of the path of a folder */

/* The error that a call of the system stands for, as a client of this version hears of it; os_errno 0 = none. From the
 * tables of the drafts, not from those of the library. */
int twin_error(int os_errno, int version);
int twin_status(uint32_t code, int version); /* likewise of an FX_ code */

/* A time that no clock has told: it was set, so that it is the same in both. */
bool twin_time_was_set(const struct timespec *t);

/* Are two trees equal: names, types, modes, links, contents, times that were set? Absolute texts of links lead below
 * the roots. If not, difference says where. */
bool twin_trees_are_equal(const char *a_root, const char *b_root, char *difference, size_t size);

#endif
