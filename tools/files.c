/* See files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRUSTED_FILE_MAX (16L * 1024 * 1024)

static const char *first_text(const char *a, const char *b, const char *c)
{
    if (a != NULL && a[0] != '\0')
        return a;
    return b != NULL && b[0] != '\0' ? b : c;
}

bool account_load(struct account *account, const char *home)
{
    const struct passwd *pw = getpwuid(getuid());
    if (pw == NULL)
        return false;
    account->name = strdup(pw->pw_name);
    account->home = strdup(first_text(home, pw->pw_dir, "/"));
    account->shell = strdup(first_text(getenv("SHELL"), pw->pw_shell, "/bin/sh"));
    return account->name != NULL && account->home != NULL && account->shell != NULL;
}

void account_done(struct account *account)
{
    free(account->name);
    free(account->home);
    free(account->shell);
}

char *path_expand(const struct account *account, const char *name)
{
    if (strncmp(name, "~/", 2) != 0)
        return strdup(name);
    size_t size = strlen(account->home) + strlen(name);
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%s", account->home, name + 1);
    return path;
}

static bool is_of_others(const struct stat *st)
{
    return st->st_uid != 0 && st->st_uid != getuid();
}

static bool is_writable_by_others(const struct stat *st)
{
    return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static const char *distrust(int fd, bool strict, size_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "not a regular file";
    if (strict && is_of_others(&st))
        return "owned by another user";
    if (strict && is_writable_by_others(&st))
        return "others may write it";
    if (st.st_size > TRUSTED_FILE_MAX)
        return "too long";
    *size = (size_t)st.st_size;
    return NULL;
}

/* Reads at most what the file had when it was looked at, and ends it with a line end. */
static const char *append(int fd, size_t size, char **text, size_t *len)
{
    char *grown = realloc(*text, *len + size + 1);
    if (grown == NULL)
        return "out of memory";
    *text = grown;
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, grown + *len + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return strerror(errno);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    grown[*len + got] = '\n';
    *len += got + 1;
    return NULL;
}

static int open_checked(const char *path, bool strict, size_t *size, const char **reason)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        *reason = errno == ENOENT ? NULL : strerror(errno);
    else
        *reason = distrust(fd, strict, size);
    return fd;
}

bool file_is_trusted(const char *path, const char **reason)
{
    size_t size = 0;
    int fd = open_checked(path, true, &size, reason);

    if (fd >= 0)
        close(fd);
    return fd >= 0 && *reason == NULL;
}

/* In a folder with the sticky bit nobody can replace what belongs to us or root. */
static const char *distrust_folder(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return strerror(errno);
    if (is_of_others(&st))
        return "a folder above it is owned by another user";
    if (is_writable_by_others(&st) && (st.st_mode & S_ISVTX) == 0)
        return "others may write a folder above it";
    return NULL;
}

static const char *distrust_folders(const struct account *account, const char *path)
{
    char *real = realpath(path, NULL);
    char *home = realpath(account->home, NULL);
    const char *reason = real == NULL ? strerror(errno) : NULL;
    char *slash = NULL;
    bool is_last = false;

    while (reason == NULL && !is_last && (slash = strrchr(real, '/')) != NULL) {
        slash[slash == real] = '\0';
        is_last = slash == real || (home != NULL && strcmp(real, home) == 0);
        reason = distrust_folder(real);
    }
    free(real);
    free(home);
    return reason;
}

bool file_append(const struct account *account, const char *path, bool strict, char **text, size_t *len,
                 const char **reason)
{
    size_t size = 0;
    int fd = open_checked(path, strict, &size, reason);

    if (fd < 0)
        return false;
    if (*reason == NULL && strict)
        *reason = distrust_folders(account, path);
    if (*reason == NULL)
        *reason = append(fd, size, text, len);
    close(fd);
    return *reason == NULL;
}
