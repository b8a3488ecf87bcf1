/* Operations on paths: renaming, removing, links, real paths; see client.h. (draft-ietf-secsh-filexfer-13 section 8) */
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/client.h"
#include "sftp/path.h"

static int unsupported(const char *text)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED, "%s", text);
}

/* ---- renaming and removing ---- */

int sshio_sftp_posix_rename(sshio_sftp *sftp, const char *oldpath, const char *newpath)
{
    struct call call;
    bool announced = (sftp->extensions & EXT_BIT(EXT_POSIX_RENAME)) != 0;
    if (!announced && sftp->dialect.version >= 5)
        return sshio_sftp_rename(sftp, oldpath, newpath, SSHIO_FXR_OVERWRITE);
    call_extended(&call, sftp, EXT_POSIX_RENAME, oldpath);
    call_path(&call, oldpath);
    call_path(&call, newpath);
    return call_status(&call);
}

int sshio_sftp_rename(sshio_sftp *sftp, const char *oldpath, const char *newpath, uint32_t flags)
{
    struct call call;
    bool has_flags = sftp->dialect.version >= 5;
    if (!has_flags && flags != 0) {
        if ((sftp->extensions & EXT_BIT(EXT_POSIX_RENAME)) == 0)
            return unsupported("Rename with overwrite not supported");
        return sshio_sftp_posix_rename(sftp, oldpath, newpath);
    }
    call_begin(&call, sftp, FXP_RENAME, oldpath);
    call_path(&call, oldpath);
    call_path(&call, newpath);
    if (has_flags)
        put_u32(call.w, flags);
    return call_status(&call);
}

static int ask_with_path(sshio_sftp *s, uint8_t type, const char *path)
{
    struct call call;
    call_begin(&call, s, type, path);
    call_path(&call, path);
    return call_status(&call);
}

int sshio_sftp_remove(sshio_sftp *sftp, const char *path)
{
    return ask_with_path(sftp, FXP_REMOVE, path);
}

int sshio_sftp_unlink(sshio_sftp *sftp, const char *path)
{
    return ask_with_path(sftp, FXP_REMOVE, path);
}

int sshio_sftp_rmdir(sshio_sftp *sftp, const char *path)
{
    return ask_with_path(sftp, FXP_RMDIR, path);
}

int sshio_sftp_mkdir(sshio_sftp *sftp, const char *path, const sshio_sftp_attrs *attrs)
{
    struct call call;
    call_begin(&call, sftp, FXP_MKDIR, path);
    call_path(&call, path);
    call_attrs(&call, attrs);
    return call_status(&call);
}

/* ---- links ---- */

static int link_v6(sshio_sftp *s, const char *oldpath, const char *newpath, bool symbolic)
{
    struct call call;
    call_begin(&call, s, FXP_LINK, newpath);
    call_path(&call, newpath);
    if (symbolic)
        call_text(&call, oldpath);
    else
        call_path(&call, oldpath);
    put_bool(call.w, symbolic);
    return call_status(&call);
}

/* The drafts have the link first. OpenSSH and who followed it have it last in version 3. */
int sshio_sftp_symlink(sshio_sftp *sftp, const char *oldpath, const char *newpath)
{
    struct call call;
    if (sftp->dialect.version >= 6)
        return link_v6(sftp, oldpath, newpath, true);
    bool target_first = sftp->symlink_reversed;
    call_begin(&call, sftp, FXP_SYMLINK, newpath);
    if (target_first)
        call_text(&call, oldpath);
    call_path(&call, newpath);
    if (!target_first)
        call_text(&call, oldpath);
    return call_status(&call);
}

int sshio_sftp_link(sshio_sftp *sftp, const char *oldpath, const char *newpath)
{
    struct call call;
    if (sftp->dialect.version >= 6)
        return link_v6(sftp, oldpath, newpath, false);
    call_extended(&call, sftp, EXT_HARDLINK, newpath);
    call_path(&call, oldpath);
    call_path(&call, newpath);
    return call_status(&call);
}

/* ---- replies with one name ---- */

static int bad_count(struct error *e, const char *text)
{
    return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s", text);
}

int client_take_name(sshio_sftp *s, struct reader *body, sshio_sftp_name **name, struct error *e)
{
    struct span filename, longname;
    struct attrs_wire wire;
    char *text = NULL;
    int rc = name_read(body, &s->dialect, &filename, &longname, &wire, e);
    if (rc == 0)
        rc = client_decode(s, filename, &text, e);
    if (rc != 0)
        return rc;
    *name = name_new(span_of(text), longname, &wire);
    mem_free(text);
    return *name != NULL ? 0 : error_nomem(e);
}

static int take_one_name(struct call *call, struct reader *body)
{
    uint32_t count = read_u32(body);
    if (reader_failed(body) || count == 0)
        return bad_count(&call->error, "No name in the reply");
    if (count > 1)
        return bad_count(&call->error, "Too many names returned");
    return client_take_name(call->sftp, body, call->out, &call->error);
}

static int wait_name(struct call *call, sshio_sftp_name **name)
{
    sshio_sftp_name *got = NULL;
    int rc = call_wait(call, FXP_NAME, take_one_name, &got);
    if (rc == 0)
        *name = got;
    else
        sshio_sftp_name_free(got);
    return rc;
}

int call_take_path(struct call *call, char **path)
{
    sshio_sftp_name *name;
    int rc = wait_name(call, &name);
    if (rc != 0)
        return rc;
    char *copy = mem_strdup(name->filename);
    sshio_sftp_name_free(name);
    if (copy == NULL)
        return fail_nomem();
    *path = copy;
    return 0;
}

int sshio_sftp_readlink(sshio_sftp *sftp, const char *path, char **target)
{
    struct call call;
    if (target == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_readlink: no place for the result");
    call_begin(&call, sftp, FXP_READLINK, path);
    call_path(&call, path);
    return call_take_path(&call, target);
}

int sshio_sftp_realpath(sshio_sftp *sftp, const char *path, char **real)
{
    struct call call;
    if (real == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_realpath: no place for the result");
    call_begin(&call, sftp, FXP_REALPATH, path);
    call_path(&call, path);
    if (sftp->dialect.version >= 6)
        put_u8(call.w, SSHIO_FXRP_NO_CHECK); /* what is left out counts as this, but not with all servers */
    return call_take_path(&call, real);
}

/* ---- realpath with paths that follow one another ---- */

static int realpath_v6(sshio_sftp *s, const char *path, const char *const *more, int check, sshio_sftp_name **name)
{
    struct call call;
    call_begin(&call, s, FXP_REALPATH, path);
    call_path(&call, path);
    put_u8(call.w, (uint8_t)check);
    for (size_t i = 0; more != NULL && more[i] != NULL; i++)
        call_text(&call, more[i]);
    return wait_name(&call, name);
}

/* An absolute one takes the place of what stood before. */
static char *joined(const char *path, const char *const *more)
{
    char *whole = mem_strdup(path);
    for (size_t i = 0; whole != NULL && more != NULL && more[i] != NULL; i++) {
        char *longer = path_append(whole, more[i]);
        mem_free(whole);
        whole = longer;
    }
    return whole;
}

/* What stat finds takes the place of what came with the name. */
static int look_at(sshio_sftp *s, int check, sshio_sftp_name **name)
{
    sshio_sftp_attrs *attrs = NULL;
    struct attrs_wire wire = { .attrs = { .struct_size = sizeof wire.attrs, .type = SSHIO_FILEXFER_TYPE_UNKNOWN } };
    int rc = sshio_sftp_stat(s, (*name)->filename, &attrs);
    if (rc != 0 && (check == SSHIO_FXRP_STAT_ALWAYS || !client_is_status(rc)))
        return rc;
    if (attrs != NULL)
        attrs_to_wire(attrs, &wire);
    sshio_sftp_name *full = name_new(span_of((*name)->filename), SPAN("", 0), &wire);
    sshio_sftp_attrs_free(attrs);
    if (full == NULL)
        return fail_nomem();
    sshio_sftp_name_free(*name);
    *name = full;
    return 0;
}

int sshio_sftp_realpath_check(sshio_sftp *sftp, const char *path, const char *const *compose_paths, int check,
                              sshio_sftp_name **name)
{
    struct call call;
    sshio_sftp_name *got = NULL;
    if (name == NULL || path == NULL || check < SSHIO_FXRP_NO_CHECK || check > SSHIO_FXRP_STAT_ALWAYS)
        return fail(SSHIO_EINVAL, "sshio_sftp_realpath_check: no path, no such check, or no place for the result");
    if (sftp->dialect.version >= 6)
        return realpath_v6(sftp, path, compose_paths, check, name);
    char *whole = joined(path, compose_paths);
    if (whole == NULL)
        return fail_nomem();
    call_begin(&call, sftp, FXP_REALPATH, whole);
    call_path(&call, whole);
    int rc = wait_name(&call, &got);
    mem_free(whole);
    if (rc == 0 && check != SSHIO_FXRP_NO_CHECK)
        rc = look_at(sftp, check, &got);
    if (rc == 0)
        *name = got;
    else
        sshio_sftp_name_free(got);
    return rc;
}

/* ---- the working directory ---- */

int sshio_sftp_chdir(sshio_sftp *sftp, const char *path)
{
    char *real = NULL;
    int rc = sshio_sftp_realpath(sftp, path, &real);
    if (rc == 0 && sftp->encoding != NULL) {
        char *encoded = NULL;
        rc = client_text(sftp, real, &encoded);
        mem_free(real);
        real = encoded;
    }
    if (rc != 0)
        return rc;
    mem_free(sftp->cwd);
    sftp->cwd = real;
    return 0;
}

int sshio_sftp_getcwd(sshio_sftp *sftp, char **path)
{
    if (path == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_getcwd: no place for the result");
    if (sftp->cwd == NULL) {
        int rc = sshio_sftp_chdir(sftp, ".");
        if (rc != 0)
            return rc;
    }
    char *text = NULL;
    int rc = client_decode(sftp, span_of(sftp->cwd), &text, last_error());
    if (rc == 0)
        *path = text;
    return rc;
}
