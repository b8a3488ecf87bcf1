/* Runs a fuzz target over all files of the directories that are named, without libFuzzer, and over some mutants of each
 * where the target has a mutator of ours. Each input lies in memory of exactly its size, so that the address sanitizer
 * sees a read beyond it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "mutator.h"

#define MAX_INPUT_LEN (1 << 20)

static uint8_t input[MAX_INPUT_LEN];

static int run_input(size_t len)
{
    uint8_t *exact = malloc(len != 0 ? len : 1);
    if (exact == NULL)
        return 1;
    for (size_t i = 0; i < len; i++)
        exact[i] = input[i];
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

#ifdef MUTATED
#define MUTANTS 40 /* of each input, one the child of the other */

/* Here something simple. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    static size_t at;
    (void)max_size;
    at++;
    if (size > 0)
        data[at % size] ^= (uint8_t)(1 + at % 255);
    return size;
}

static int run_mutants(size_t len)
{
    int failed = 0;
    for (unsigned int seed = 1; seed <= MUTANTS; seed++) {
        len = LLVMFuzzerCustomMutator(input, len, sizeof input, seed);
        failed |= run_input(len);
    }
    return failed;
}
#else
static int run_mutants(size_t len)
{
    (void)len;
    return 0;
}
#endif

static int run_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t len = fread(input, 1, sizeof input, file);
    fclose(file);
    int failed = run_input(len);
    return failed | run_mutants(len);
}

static int run_directory(const char *name, int *count)
{
    DIR *directory = opendir(name);
    int failed = 0;
    if (directory == NULL) {
        perror(name);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        failed |= run_file(name, entry->d_name);
        ++*count;
    }
    closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    int count = 0, failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run_directory(argv[i], &count);
    printf("%d inputs\n", count);
    return failed != 0 || count == 0; /* an empty corpus tests nothing */
}
