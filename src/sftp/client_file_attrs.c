/* Open files: attributes, locks, and what the server does with a file by itself; see client.h.
 * (draft-ietf-secsh-filexfer-13 sections 8.6 to 8.10; OpenSSH, PROTOCOL section 4) */
#include "io/last_error.h"
#include "sftp/client.h"

int sshio_sftp_file_stat(sshio_sftp_file *file, sshio_sftp_attrs **attrs)
{
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_stat: no place for the result");
    return client_fstat(file->sftp, &file->handle, file->path, attrs);
}

int sshio_sftp_file_setstat(sshio_sftp_file *file, const sshio_sftp_attrs *attrs)
{
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_setstat: no attributes were given");
    return client_fsetstat(file->sftp, &file->handle, file->path, attrs);
}

int sshio_sftp_file_truncate(sshio_sftp_file *file, int64_t size)
{
    uint64_t to = size >= 0 ? (uint64_t)size : file->position;
    int rc = size < 0 && !file->has_position ? client_file_size(file, &to) : 0;
    if (rc != 0)
        return rc;
    return sshio_sftp_file_setstat(file, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_SIZE, .size = to));
}

int sshio_sftp_file_chown(sshio_sftp_file *file, uint32_t uid, uint32_t gid)
{
    return sshio_sftp_file_setstat(file, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_UIDGID, .uid = uid, .gid = gid));
}

int sshio_sftp_file_chown_names(sshio_sftp_file *file, const char *owner, const char *group)
{
    return sshio_sftp_file_setstat(
        file, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_OWNERGROUP, .owner = owner, .group = group));
}

int sshio_sftp_file_chmod(sshio_sftp_file *file, uint32_t mode)
{
    return sshio_sftp_file_setstat(file,
                                   SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS, .permissions = mode));
}

int sshio_sftp_file_utime_ns(sshio_sftp_file *file, const int64_t ns[2])
{
    int64_t now[2];
    client_now(now);
    sshio_sftp_attrs attrs = client_attrs_of_times(file->sftp, ns != NULL ? ns : now);
    return sshio_sftp_file_setstat(file, &attrs);
}

int sshio_sftp_file_utime(sshio_sftp_file *file, const double times[2])
{
    int64_t ns[2];
    int rc = client_times(times, ns);
    return rc == 0 ? sshio_sftp_file_utime_ns(file, ns) : rc;
}

int sshio_sftp_file_statvfs(sshio_sftp_file *file, sshio_sftp_vfs_attrs *attrs)
{
    struct call call;
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_statvfs: no place for the result");
    call_extended(&call, file->sftp, EXT_FSTATVFS, file->path);
    call_handle(&call, handle_span(&file->handle));
    return client_wait_vfs(&call, attrs);
}

int client_fsync(sshio_sftp *s, const struct handle *handle, const char *what)
{
    struct call call;
    call_extended(&call, s, EXT_FSYNC, what);
    call_handle(&call, handle_span(handle));
    return call_status(&call);
}

int sshio_sftp_file_fsync(sshio_sftp_file *file)
{
    return client_fsync(file->sftp, &file->handle, file->path);
}

static int ask_block(sshio_sftp_file *file, uint8_t type, uint64_t offset, uint64_t length, uint32_t flags)
{
    struct call call;
    if (file->sftp->dialect.version < 6)
        return error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED,
                                "Byte range locks not supported");
    call_begin(&call, file->sftp, type, file->path);
    call_handle(&call, handle_span(&file->handle));
    put_u64(call.w, offset);
    put_u64(call.w, length);
    if (type == FXP_BLOCK)
        put_u32(call.w, flags);
    return call_status(&call);
}

int sshio_sftp_file_lock(sshio_sftp_file *file, uint64_t offset, uint64_t length, uint32_t flags)
{
    return ask_block(file, FXP_BLOCK, offset, length, flags);
}

int sshio_sftp_file_unlock(sshio_sftp_file *file, uint64_t offset, uint64_t length)
{
    return ask_block(file, FXP_UNBLOCK, offset, length, 0);
}

int sshio_sftp_remote_copy(sshio_sftp *sftp, sshio_sftp_file *src, uint64_t src_offset, uint64_t length,
                           sshio_sftp_file *dst, uint64_t dst_offset)
{
    if (src == NULL || dst == NULL || src->sftp != sftp || dst->sftp != sftp)
        return fail(SSHIO_EINVAL, "sshio_sftp_remote_copy: two open files of this session are needed");
    return client_copy_data(sftp, &src->handle, src_offset, length, &dst->handle, dst_offset, dst->path);
}

/* ---- where it has data ---- */

static int hand_out(const struct ranges *batch, uint64_t *at, sshio_range_fn range, void *user)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < batch->count; i++) {
        *at = batch->items[i].offset + batch->items[i].len;
        rc = range(batch->items[i].offset, batch->items[i].len, user);
    }
    return rc;
}

int sshio_sftp_file_request_ranges(sshio_sftp_file *file, uint64_t offset, uint64_t length, sshio_range_fn range,
                                   void *user)
{
    uint64_t at = offset, end = length > UINT64_MAX - offset ? UINT64_MAX : offset + length;
    bool ended = false;
    int rc = 0;
    if (range == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_request_ranges: no function was given");
    if ((file->sftp->extensions & EXT_BIT(EXT_RANGES)) == 0)
        return length != 0 ? range(offset, end - offset, user) : 0;
    file->refs++;
    while (rc == 0 && !ended && at < end) {
        struct ranges batch;
        rc = client_ranges(file->sftp, &file->handle, at, end - at, file->path, &batch);
        if (rc != 0)
            break;
        ended = batch.at_end || batch.count == 0;
        rc = hand_out(&batch, &at, range, user);
        ranges_done(&batch);
    }
    client_file_release(file);
    return rc;
}
