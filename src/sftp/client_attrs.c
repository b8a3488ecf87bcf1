/* Attributes of paths and of open files; see client.h. (draft-ietf-secsh-filexfer-13 sections 7 and 8.5 to 8.7) */
#include <math.h>
#include <time.h>

#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/client.h"

#define NS_PER_S 1000000000

/* ---- asking ---- */

static int ask_attrs(sshio_sftp *s, uint8_t type, const char *path, sshio_sftp_attrs **attrs)
{
    struct call call;
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "no place for the attributes");
    call_begin(&call, s, type, path);
    call_path(&call, path);
    if (s->dialect.version >= 4)
        put_u32(call.w, SSHIO_FILEXFER_ATTR_DEFINED_V4); /* what we are interested in */
    return call_take_attrs(&call, attrs);
}

int sshio_sftp_stat(sshio_sftp *sftp, const char *path, sshio_sftp_attrs **attrs)
{
    return ask_attrs(sftp, FXP_STAT, path, attrs);
}

int sshio_sftp_lstat(sshio_sftp *sftp, const char *path, sshio_sftp_attrs **attrs)
{
    return ask_attrs(sftp, FXP_LSTAT, path, attrs);
}

static int take_vfs(struct call *call, struct reader *body)
{
    vfs_attrs_read(body, call->out);
    return 0;
}

int client_wait_vfs(struct call *call, sshio_sftp_vfs_attrs *attrs)
{
    sshio_sftp_vfs_attrs got = { .bsize = 0 };
    int rc = call_wait(call, FXP_EXTENDED_REPLY, take_vfs, &got);
    if (rc == 0)
        *attrs = got;
    return rc;
}

int sshio_sftp_statvfs(sshio_sftp *sftp, const char *path, sshio_sftp_vfs_attrs *attrs)
{
    struct call call;
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_statvfs: no place for the result");
    call_extended(&call, sftp, EXT_STATVFS, path);
    call_path(&call, path);
    return client_wait_vfs(&call, attrs);
}

/* ---- setting ---- */

int sshio_sftp_setstat(sshio_sftp *sftp, const char *path, const sshio_sftp_attrs *attrs, sshio_tri follow_symlinks)
{
    struct call call;
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_setstat: no attributes were given");
    if (follow_symlinks == SSHIO_NO)
        call_extended(&call, sftp, EXT_LSETSTAT, path);
    else
        call_begin(&call, sftp, FXP_SETSTAT, path);
    call_path(&call, path);
    call_attrs(&call, attrs);
    return call_status(&call);
}

int sshio_sftp_truncate(sshio_sftp *sftp, const char *path, uint64_t size)
{
    return sshio_sftp_setstat(sftp, path, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_SIZE, .size = size), SSHIO_YES);
}

int sshio_sftp_chown(sshio_sftp *sftp, const char *path, uint32_t uid, uint32_t gid, sshio_tri follow_symlinks)
{
    return sshio_sftp_setstat(sftp, path, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_UIDGID, .uid = uid, .gid = gid),
                              follow_symlinks);
}

int sshio_sftp_chown_names(sshio_sftp *sftp, const char *path, const char *owner, const char *group,
                           sshio_tri follow_symlinks)
{
    return sshio_sftp_setstat(sftp, path,
                              SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_OWNERGROUP, .owner = owner, .group = group),
                              follow_symlinks);
}

int sshio_sftp_chmod(sshio_sftp *sftp, const char *path, uint32_t mode, sshio_tri follow_symlinks)
{
    return sshio_sftp_setstat(
        sftp, path, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS, .permissions = mode), follow_symlinks);
}

/* ---- times ---- */

static void split_ns(int64_t ns, int64_t *seconds, uint32_t *rest)
{
    int64_t part = ns % NS_PER_S;
    *seconds = ns / NS_PER_S - (part < 0);
    *rest = (uint32_t)(part < 0 ? part + NS_PER_S : part);
}

/* Version 3 has no nanoseconds, so none are given to it. */
sshio_sftp_attrs client_attrs_of_times(const sshio_sftp *s, const int64_t ns[2])
{
    uint32_t times = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    sshio_sftp_attrs attrs = { .struct_size = sizeof attrs, .valid = times };
    if (s->dialect.version >= 4)
        attrs.valid |= SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES;
    split_ns(ns[0], &attrs.atime, &attrs.atime_ns);
    split_ns(ns[1], &attrs.mtime, &attrs.mtime_ns);
    return attrs;
}

void client_now(int64_t ns[2])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ns[0] = ns[1] = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* 0, or EINVAL for what is no time of 64 bits of nanoseconds. */
int client_times(const double times[2], int64_t ns[2])
{
    const double longest = 9.2e9; /* s */
    if (times == NULL) {
        client_now(ns);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        if (!(times[i] > -longest && times[i] < longest))
            return fail(SSHIO_EINVAL, "a time of %g s is out of range", times[i]);
        double whole = floor(times[i]);
        ns[i] = (int64_t)whole * NS_PER_S + (int64_t)((times[i] - whole) * NS_PER_S + 0.5);
    }
    return 0;
}

int sshio_sftp_utime_ns(sshio_sftp *sftp, const char *path, const int64_t ns[2], sshio_tri follow_symlinks)
{
    int64_t now[2];
    client_now(now);
    sshio_sftp_attrs attrs = client_attrs_of_times(sftp, ns != NULL ? ns : now);
    return sshio_sftp_setstat(sftp, path, &attrs, follow_symlinks);
}

int sshio_sftp_utime(sshio_sftp *sftp, const char *path, const double times[2], sshio_tri follow_symlinks)
{
    int64_t ns[2];
    int rc = client_times(times, ns);
    return rc == 0 ? sshio_sftp_utime_ns(sftp, path, ns, follow_symlinks) : rc;
}

/* ---- questions with a small answer ---- */

bool client_is_status(int rc)
{
    return sshio_error_is(rc, SSHIO_E_SFTP) && rc != SSHIO_ESFTP_BAD_MESSAGE && rc != SSHIO_ESFTP_NO_CONNECTION &&
           rc != SSHIO_ESFTP_CONNECTION_LOST;
}

bool client_is_missing(int rc)
{
    return rc == SSHIO_ESFTP_NO_SUCH_FILE || rc == SSHIO_ESFTP_NO_SUCH_PATH || rc == SSHIO_ESFTP_PERMISSION_DENIED ||
           rc == SSHIO_ESFTP_NOT_A_DIRECTORY;
}

/* The type, or 0 for what cannot be reached. */
static int type_of(sshio_sftp *s, uint8_t request, const char *path, int *type)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = ask_attrs(s, request, path, &attrs);
    if (rc != 0 && !client_is_missing(rc))
        return rc;
    *type = rc == 0 ? attrs->type != 0 ? (int)attrs->type : SSHIO_FILEXFER_TYPE_UNKNOWN : 0;
    sshio_sftp_attrs_free(attrs);
    return 0;
}

/* wanted 0 = any type. */
static int is_of_type(sshio_sftp *s, uint8_t request, const char *path, int wanted, bool *result)
{
    int type = 0;
    if (result == NULL)
        return fail(SSHIO_EINVAL, "no place for the result");
    int rc = type_of(s, request, path, &type);
    if (rc == 0)
        *result = wanted == 0 ? type != 0 : type == wanted;
    return rc;
}

int sshio_sftp_exists(sshio_sftp *sftp, const char *path, bool *result)
{
    return is_of_type(sftp, FXP_STAT, path, 0, result);
}

int sshio_sftp_lexists(sshio_sftp *sftp, const char *path, bool *result)
{
    return is_of_type(sftp, FXP_LSTAT, path, 0, result);
}

int sshio_sftp_isdir(sshio_sftp *sftp, const char *path, bool *result)
{
    return is_of_type(sftp, FXP_STAT, path, SSHIO_FILEXFER_TYPE_DIRECTORY, result);
}

int sshio_sftp_isfile(sshio_sftp *sftp, const char *path, bool *result)
{
    return is_of_type(sftp, FXP_STAT, path, SSHIO_FILEXFER_TYPE_REGULAR, result);
}

int sshio_sftp_islink(sshio_sftp *sftp, const char *path, bool *result)
{
    return is_of_type(sftp, FXP_LSTAT, path, SSHIO_FILEXFER_TYPE_SYMLINK, result);
}

/* ---- single attributes ---- */

static int not_told(const char *path, const char *what)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED,
                            "%s: the server does not tell the %s", path, what);
}

int sshio_sftp_getsize(sshio_sftp *sftp, const char *path, uint64_t *size)
{
    sshio_sftp_attrs *attrs = NULL;
    if (size == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_getsize: no place for the result");
    int rc = sshio_sftp_stat(sftp, path, &attrs);
    if (rc == 0 && (attrs->valid & SSHIO_FILEXFER_ATTR_SIZE) == 0)
        rc = not_told(path, "size");
    if (rc == 0)
        *size = attrs->size;
    sshio_sftp_attrs_free(attrs);
    return rc;
}

struct moment {
    int64_t seconds;
    uint32_t ns;
};

/* One of the times of a path, by its bit among the attributes. */
static int time_of(sshio_sftp *s, const char *path, uint32_t bit, struct moment *at)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = sshio_sftp_stat(s, path, &attrs);
    if (rc == 0 && (attrs->valid & bit) == 0)
        rc = not_told(path, "time");
    if (rc == 0) {
        bool subsecond = (attrs->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0;
        *at = bit == SSHIO_FILEXFER_ATTR_ACCESSTIME   ? (struct moment){ attrs->atime, attrs->atime_ns }
              : bit == SSHIO_FILEXFER_ATTR_MODIFYTIME ? (struct moment){ attrs->mtime, attrs->mtime_ns }
                                                      : (struct moment){ attrs->crtime, attrs->crtime_ns };
        at->ns = subsecond ? at->ns : 0;
    }
    sshio_sftp_attrs_free(attrs);
    return rc;
}

static int seconds_of(sshio_sftp *s, const char *path, uint32_t bit, double *seconds)
{
    struct moment at = { 0, 0 };
    int rc = seconds != NULL ? time_of(s, path, bit, &at) : fail(SSHIO_EINVAL, "no place for the time");
    if (rc == 0)
        *seconds = (double)at.seconds + at.ns / 1e9;
    return rc;
}

static int ns_of(sshio_sftp *s, const char *path, uint32_t bit, int64_t *ns)
{
    struct moment at = { 0, 0 };
    int64_t whole;
    int rc = ns != NULL ? time_of(s, path, bit, &at) : fail(SSHIO_EINVAL, "no place for the time");
    if (rc == 0 && (__builtin_mul_overflow(at.seconds, (int64_t)NS_PER_S, &whole) ||
                    __builtin_add_overflow(whole, (int64_t)at.ns, &whole)))
        rc = fail(SSHIO_ELIMIT, "%s: a time of %lld s has too many nanoseconds", path, (long long)at.seconds);
    if (rc == 0)
        *ns = whole;
    return rc;
}

int sshio_sftp_getatime(sshio_sftp *sftp, const char *path, double *seconds)
{
    return seconds_of(sftp, path, SSHIO_FILEXFER_ATTR_ACCESSTIME, seconds);
}

int sshio_sftp_getmtime(sshio_sftp *sftp, const char *path, double *seconds)
{
    return seconds_of(sftp, path, SSHIO_FILEXFER_ATTR_MODIFYTIME, seconds);
}

int sshio_sftp_getcrtime(sshio_sftp *sftp, const char *path, double *seconds)
{
    return seconds_of(sftp, path, SSHIO_FILEXFER_ATTR_CREATETIME, seconds);
}

int sshio_sftp_getatime_ns(sshio_sftp *sftp, const char *path, int64_t *ns)
{
    return ns_of(sftp, path, SSHIO_FILEXFER_ATTR_ACCESSTIME, ns);
}

int sshio_sftp_getmtime_ns(sshio_sftp *sftp, const char *path, int64_t *ns)
{
    return ns_of(sftp, path, SSHIO_FILEXFER_ATTR_MODIFYTIME, ns);
}

int sshio_sftp_getcrtime_ns(sshio_sftp *sftp, const char *path, int64_t *ns)
{
    return ns_of(sftp, path, SSHIO_FILEXFER_ATTR_CREATETIME, ns);
}
