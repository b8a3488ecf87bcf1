/* A folder of a test's own, and the files in it. */
#ifndef TESTS_SFTP_FOLDER_H
#define TESTS_SFTP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Set-up and teardown. */
int folder_make(void **state);
int folder_remove(void **state);

const char *at(const char *name); /* its path; of the last four calls */
void fill(const char *path, size_t size);
bool same(const char *a, const char *b);

#endif
