/* Requests about the accounts of this host: homes, and names of users and groups. They are work as in server_work.c; a
 * server with a root does not have them. See server.h. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/server.h"

#define RECORD_SIZE (16u * 1024) /* of a user */

/* The home directory of a user; the empty name is the one whose rights we have. */
static int find_home(const char *name, char **home)
{
    struct passwd pw, *found = NULL;
    char *memory = mem_alloc(RECORD_SIZE);
    if (memory == NULL)
        return fail_nomem();
    int rc = name[0] != '\0' ? getpwnam_r(name, &pw, memory, RECORD_SIZE, &found)
                             : getpwuid_r(getuid(), &pw, memory, RECORD_SIZE, &found);
    if (rc != 0 || found == NULL) {
        mem_free(memory);
        return local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such user");
    }
    *home = mem_strdup(pw.pw_dir);
    mem_free(memory);
    return *home != NULL ? 0 : fail_nomem();
}

int work_home_directory(struct sftp_request *q)
{
    return find_home(q->path, &q->text);
}

/* "~", "~user" and what follows, without the tilde; other paths stay as they are. */
static int expand(const char *path, char **expanded)
{
    char user[256], *home;
    size_t len = strcspn(path, "/");
    if (path[0] != '~')
        return (*expanded = mem_strdup(path)) != NULL ? 0 : fail_nomem();
    if (len > sizeof user)
        return local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such user");
    memcpy(user, path + 1, len - 1);
    user[len - 1] = '\0';
    int rc = find_home(user, &home);
    if (rc != 0)
        return rc;
    rc = path_clean(home, path[len] == '/' ? path + len + 1 : path + len, expanded);
    mem_free(home);
    return rc;
}

int work_expand_path(struct sftp_request *q)
{
    char *expanded, *asked = q->path;
    int rc = expand(asked, &expanded);
    if (rc != 0)
        return rc;
    q->path = expanded;
    rc = work_realpath(q);
    q->path = asked;
    mem_free(expanded);
    return rc;
}

/* A number without a name gives "". */
static int add_owner(struct sftp_request *q, struct texts *names, uint32_t number, bool is_user)
{
    char name[64], decimal[16];
    snprintf(decimal, sizeof decimal, "%u", (unsigned)number);
    if (is_user)
        local_user_name(q->server->local, number, name, sizeof name);
    else
        local_group_name(q->server->local, number, name, sizeof name);
    return texts_add(names, strcmp(name, decimal) == 0 ? "" : name) ? 0 : fail_nomem();
}

int work_owners(struct sftp_request *q)
{
    struct reader r, numbers;
    int rc = 0;
    reader_init(&r, q->data.data, q->data.len);
    for (int i = 0; i < 2; i++) {
        struct span list = read_string(&r);
        reader_init(&numbers, list.data, list.len);
        while (rc == 0 && reader_left(&numbers) != 0)
            rc = add_owner(q, i == 0 ? &q->users : &q->groups, read_u32(&numbers), i == 0);
    }
    return rc;
}
