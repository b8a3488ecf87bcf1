/* sshio sshd: the root directory of sessions (ChrootDirectory). SFTP has it as the root that its paths are walked in,
 * which everybody may do; for programs it is that of chroot(2), which takes root, and a directory that nobody but root
 * can change on the way to it: as a program that runs as root believes what it finds in /etc. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sshd.h"
#include "talk.h"

bool root_prepare(struct service *service)
{
    const char *name = options_text(service->config, "ChrootDirectory", NULL);
    struct stat st;

    if (name == NULL)
        return true;
    service->root = name[0] == '/' || name[0] == '%' ? login_expand_tokens(&service->server->account, name) : NULL;
    if (service->root == NULL || service->root[0] != '/') {
        say("ChrootDirectory %s: no absolute path, or an unknown token in it", name);
        return false;
    }
    if (stat(service->root, &st) != 0 || !S_ISDIR(st.st_mode)) {
        say("ChrootDirectory %s: there is no such directory", service->root);
        return false;
    }
    if (service->serves_sftp || geteuid() == 0)
        return true;
    say("ChrootDirectory %s: for programs it takes root; without, it is for internal-sftp alone", service->root);
    return false;
}

static bool is_safe(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Each directory on the way, as OpenSSH's server checks it. */
static bool is_safe_way(const char *root)
{
    char *path = strdup(root);
    bool ok = path != NULL && is_safe("/");

    for (char *slash = path; ok && slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL)
            *slash = '\0';
        ok = is_safe(path);
        if (slash != NULL)
            *slash = '/';
    }
    free(path);
    return ok;
}

const char *root_refusal(const struct service *service)
{
    if (service->root == NULL)
        return NULL;
    if (geteuid() != 0)
        return "it takes root for programs; internal-sftp alone is served";
    return is_safe_way(service->root) ? NULL : "bad ownership or modes for chroot directory, or on the way to it";
}

const char *root_home(const struct service *service)
{
    const char *home = service->server->account.home;
    char *path = NULL;

    if (service->root != NULL && asprintf(&path, "%s/%s", service->root, home) < 0)
        return "/";
    bool is_there = access(path != NULL ? path : home, X_OK) == 0;
    free(path);
    return is_there ? home : "/";
}
