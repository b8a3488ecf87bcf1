/* Users and groups of the server: their homes, and their names; see client.h. (OpenSSH, PROTOCOL sections 4.9 to 4.11;
 * draft-ietf-secsh-filexfer-extensions-00 section 5) */
#include <string.h>

#include "base/memory.h"
#include "base/texts.h"
#include "io/last_error.h"
#include "sftp/client.h"

static bool has(const sshio_sftp *s, enum sftp_extension extension)
{
    return (s->extensions & EXT_BIT(extension)) != 0;
}

/* ---- homes ---- */

int sshio_sftp_home_directory(sshio_sftp *sftp, const char *user, char **path)
{
    struct call call;
    if (path == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_home_directory: no place for the result");
    call_extended(&call, sftp, EXT_HOME_DIRECTORY, user);
    call_text(&call, user != NULL ? user : "");
    return call_take_path(&call, path);
}

/* Sessions begin in the user's own home, and what is sent as it is starts there. */
static int in_own_home(sshio_sftp *s, const char *path, char **expanded)
{
    struct call call;
    const char *below = path[1] == '/' ? path + 2 : path + 1;
    call_begin(&call, s, FXP_REALPATH, path);
    call_text(&call, below[0] != '\0' ? below : ".");
    if (s->dialect.version >= 6)
        put_u8(call.w, SSHIO_FXRP_NO_CHECK);
    return call_take_path(&call, expanded);
}

int sshio_sftp_expand_path(sshio_sftp *sftp, const char *path, char **expanded)
{
    struct call call;
    if (path == NULL || expanded == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_expand_path: no path, or no place for the result");
    if (path[0] != '~')
        return sshio_sftp_realpath(sftp, path, expanded);
    if (!has(sftp, EXT_EXPAND_PATH) && (path[1] == '\0' || path[1] == '/'))
        return in_own_home(sftp, path, expanded);
    call_extended(&call, sftp, EXT_EXPAND_PATH, path);
    call_text(&call, path);
    return call_take_path(&call, expanded);
}

/* ---- names ---- */

struct owners {
    size_t wanted[2]; /* numbers of users, of groups */
    struct texts names[2];
};

static void put_numbers(struct writer *w, const uint32_t *numbers, size_t count)
{
    put_u32(w, (uint32_t)(count * 4));
    for (size_t i = 0; i < count; i++)
        put_u32(w, numbers[i]);
}

static int take_names(struct call *call, struct span list, size_t wanted, struct texts *names)
{
    struct reader r;
    int rc = 0;
    reader_init(&r, list.data, list.len);
    while (rc == 0 && reader_left(&r) != 0 && names->count <= wanted) {
        struct span name = read_string(&r);
        char *text = NULL;
        rc = client_decode(call->sftp, name, &text, &call->error);
        if (rc == 0 && !texts_add(names, text))
            rc = error_nomem(&call->error);
        mem_free(text);
    }
    if (rc == 0 && (reader_failed(&r) || names->count != wanted))
        rc = error_set_reason(&call->error, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                              "%zu names were asked for, and %zu came", wanted, names->count);
    return rc;
}

static int take_owners(struct call *call, struct reader *body)
{
    struct owners *owners = call->out;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = take_names(call, read_string(body), owners->wanted[i], &owners->names[i]);
    return rc;
}

static void give(struct texts *names, sshio_texts *out)
{
    if (out != NULL)
        *out = (sshio_texts){ .count = names->count, .items = names->items };
    else
        texts_done(names);
}

int sshio_sftp_lookup_ids(sshio_sftp *sftp, const uint32_t *uids, size_t uid_count, const uint32_t *gids,
                          size_t gid_count, sshio_texts *users, sshio_texts *groups)
{
    struct call call;
    struct owners owners = { .wanted = { uid_count, gid_count } };
    size_t max = limits_default.sftp_ids;
    if (uid_count > max || gid_count > max - uid_count)
        return fail(SSHIO_ELIMIT, "%zu users and %zu groups are more than %zu together", uid_count, gid_count, max);
    call_extended(&call, sftp, EXT_USERS_GROUPS_BY_ID, NULL);
    put_numbers(call.w, uids, uid_count);
    put_numbers(call.w, gids, gid_count);
    int rc = call_wait(&call, FXP_EXTENDED_REPLY, take_owners, &owners);
    if (rc != 0) {
        texts_done(&owners.names[0]);
        texts_done(&owners.names[1]);
        return rc;
    }
    give(&owners.names[0], users);
    give(&owners.names[1], groups);
    return 0;
}
