/* Attributes on the wire; see attrs.h. */
#include "sftp/attrs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/utf8.h"

#define FILEXFER_ATTR_ACMODTIME 0x08u /* v3: both times */
#define MODE_V3 0xffffu               /* what a mode can be */
#define MODE_V4 0xfffu                /* the permissions; the type is a field of its own */
#define NS_MAX 999999999u
#define TIME_V3_MAX UINT32_MAX
#define PAIR_MIN_LEN 8u

/* ---- types and modes ---- */

/* The file types of POSIX, whose numbers version 3 carries whatever the system has. */
static const struct {
    uint32_t format;
    sshio_filexfer_type type;
} formats[] = {
    { 0100000, SSHIO_FILEXFER_TYPE_REGULAR },     { 0040000, SSHIO_FILEXFER_TYPE_DIRECTORY },
    { 0120000, SSHIO_FILEXFER_TYPE_SYMLINK },     { 0140000, SSHIO_FILEXFER_TYPE_SOCKET },
    { 0020000, SSHIO_FILEXFER_TYPE_CHAR_DEVICE }, { 0060000, SSHIO_FILEXFER_TYPE_BLOCK_DEVICE },
    { 0010000, SSHIO_FILEXFER_TYPE_FIFO },
};
#define FORMAT_MASK 0170000u
#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

sshio_filexfer_type attrs_type_of_mode(uint32_t mode)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if ((mode & FORMAT_MASK) == formats[i].format)
            return formats[i].type;
    return (mode & FORMAT_MASK) != 0 ? SSHIO_FILEXFER_TYPE_SPECIAL : SSHIO_FILEXFER_TYPE_UNKNOWN;
}

uint32_t attrs_mode_of_type(sshio_filexfer_type type)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (type == formats[i].type)
            return formats[i].format;
    return 0;
}

/* ---- reading ---- */

static uint32_t defined_bits(const struct dialect *d)
{
    static const uint32_t defined[] = { SSHIO_FILEXFER_ATTR_DEFINED_V3, SSHIO_FILEXFER_ATTR_DEFINED_V4,
                                        SSHIO_FILEXFER_ATTR_DEFINED_V5, SSHIO_FILEXFER_ATTR_DEFINED_V6 };
    return defined[d->version - SSHIO_MIN_SFTP_VERSION];
}

static void read_time(struct reader *r, uint32_t valid, uint32_t bit, int64_t *seconds, uint32_t *ns)
{
    if ((valid & bit) == 0)
        return;
    *seconds = (int64_t)read_u64(r);
    if ((valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0)
        *ns = read_u32(r);
}

/* Each pair has two strings, so that the count cannot promise more than the bytes hold. */
static void read_pairs(struct reader *r, struct attrs_wire *wire)
{
    wire->pair_count = read_u32(r);
    if (wire->pair_count > reader_left(r) / PAIR_MIN_LEN) {
        read_bytes(r, reader_left(r) + 1); /* fails it */
        return;
    }
    const uint8_t *start = r->at;
    for (uint32_t i = 0; i < wire->pair_count; i++) {
        read_string(r);
        read_string(r);
    }
    wire->pairs = SPAN(start, (size_t)(r->at - start));
}

static void read_v3(struct reader *r, struct attrs_wire *wire)
{
    sshio_sftp_attrs *a = &wire->attrs;
    uint32_t flags = a->valid;
    if ((flags & SSHIO_FILEXFER_ATTR_SIZE) != 0)
        a->size = read_u64(r);
    if ((flags & SSHIO_FILEXFER_ATTR_UIDGID) != 0) {
        a->uid = read_u32(r);
        a->gid = read_u32(r);
    }
    if ((flags & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0) {
        a->permissions = read_u32(r) & MODE_V3;
        a->type = attrs_type_of_mode(a->permissions);
    }
    if ((flags & FILEXFER_ATTR_ACMODTIME) != 0) {
        a->atime = read_u32(r);
        a->mtime = read_u32(r);
        a->valid |= SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    }
}

static void read_v4(struct reader *r, const struct dialect *d, struct attrs_wire *wire)
{
    sshio_sftp_attrs *a = &wire->attrs;
    uint32_t valid = a->valid;
    if ((valid & SSHIO_FILEXFER_ATTR_SIZE) != 0)
        a->size = read_u64(r);
    if ((valid & SSHIO_FILEXFER_ATTR_ALLOCATION_SIZE) != 0)
        a->alloc_size = read_u64(r);
    if ((valid & SSHIO_FILEXFER_ATTR_OWNERGROUP) != 0) {
        wire->owner = read_string(r);
        wire->group = read_string(r);
    }
    if ((valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0)
        a->permissions = read_u32(r) & MODE_V4;
    read_time(r, valid, SSHIO_FILEXFER_ATTR_ACCESSTIME, &a->atime, &a->atime_ns);
    read_time(r, valid, SSHIO_FILEXFER_ATTR_CREATETIME, &a->crtime, &a->crtime_ns);
    read_time(r, valid, SSHIO_FILEXFER_ATTR_MODIFYTIME, &a->mtime, &a->mtime_ns);
    read_time(r, valid, SSHIO_FILEXFER_ATTR_CTIME, &a->ctime, &a->ctime_ns);
    if ((valid & SSHIO_FILEXFER_ATTR_ACL) != 0) {
        struct span acl = read_string(r);
        a->acl = (sshio_span){ acl.data, acl.len };
    }
    if ((valid & SSHIO_FILEXFER_ATTR_BITS) != 0) {
        a->attrib_bits = read_u32(r);
        a->attrib_valid = d->version >= 6 || d->bits_pair ? read_u32(r) : a->attrib_bits;
    }
    if ((valid & SSHIO_FILEXFER_ATTR_TEXT_HINT) != 0)
        a->text_hint = read_u8(r);
    if ((valid & SSHIO_FILEXFER_ATTR_MIME_TYPE) != 0)
        wire->mime_type = read_string(r);
    if ((valid & SSHIO_FILEXFER_ATTR_LINK_COUNT) != 0)
        a->nlink = read_u32(r);
    if ((valid & SSHIO_FILEXFER_ATTR_UNTRANSLATED_NAME) != 0)
        wire->untrans_name = read_string(r);
}

static bool is_text(struct span text)
{
    return !span_has_nul(text) && utf8_valid(text);
}

static int check(const struct reader *r, const struct attrs_wire *wire, struct error *e)
{
    const sshio_sftp_attrs *a = &wire->attrs;
    if (reader_failed(r))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Incomplete file attributes");
    if (a->atime_ns > NS_MAX || a->mtime_ns > NS_MAX || a->crtime_ns > NS_MAX || a->ctime_ns > NS_MAX)
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Nanoseconds of a time above %u", NS_MAX);
    if (!is_text(wire->owner))
        return error_set(e, SSHIO_ESFTP_OWNER_INVALID, "Owner of a file is not valid UTF-8");
    if (!is_text(wire->group))
        return error_set(e, SSHIO_ESFTP_GROUP_INVALID, "Group of a file is not valid UTF-8");
    if (!is_text(wire->mime_type) || span_has_nul(wire->untrans_name))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "MIME type or untranslated name of a file is not a text");
    return 0;
}

int attrs_read(struct reader *r, const struct dialect *d, struct attrs_wire *wire, struct error *e)
{
    uint32_t flags = read_u32(r);
    if (d->version == 3) /* some servers set this one, with no field that belongs to it */
        flags &= ~(uint32_t)SSHIO_FILEXFER_ATTR_MODIFYTIME;
    if ((flags & ~defined_bits(d)) != 0)
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Unsupported attribute flags: 0x%08" PRIx32, flags);
    *wire = (struct attrs_wire){ .attrs = { .struct_size = sizeof wire->attrs, .valid = flags } };
    wire->attrs.type = SSHIO_FILEXFER_TYPE_UNKNOWN;
    if (d->version >= 4)
        wire->attrs.type = read_u8(r);
    if (d->version == 3)
        read_v3(r, wire);
    else
        read_v4(r, d, wire);
    if ((flags & SSHIO_FILEXFER_ATTR_EXTENDED) != 0)
        read_pairs(r, wire);
    return check(r, wire, e);
}

int name_read(struct reader *r, const struct dialect *d, struct span *filename, struct span *longname,
              struct attrs_wire *wire, struct error *e)
{
    *filename = read_text(r);
    *longname = d->version == 3 ? read_text(r) : SPAN("", 0);
    if (reader_failed(r))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Incomplete name, or one with a NUL");
    return attrs_read(r, d, wire, e);
}

/* ---- writing ---- */

static bool has(const sshio_sftp_attrs *a, uint32_t bits)
{
    return (a->valid & bits) == bits;
}

/* What stands in the way of saying this in this version; NULL = nothing. */
static const char *complaint(const sshio_sftp_attrs *a, const struct dialect *d)
{
    uint32_t times = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    if (d->version > 3 || d->server)
        return NULL;
    if (has(a, SSHIO_FILEXFER_ATTR_OWNERGROUP) && !has(a, SSHIO_FILEXFER_ATTR_UIDGID))
        return "Setting owner and group requires SFTPv4 or later";
    if ((a->valid & times) != 0 && (a->valid & times) != times)
        return "SFTPv3 sets the times of access and modification together";
    if (has(a, times) && (a->atime < 0 || a->atime > TIME_V3_MAX || a->mtime < 0 || a->mtime > TIME_V3_MAX))
        return "SFTPv3 has times from 1970 to 2106 only";
    return NULL;
}

static uint32_t clamped(int64_t seconds)
{
    return seconds < 0 ? 0 : seconds > TIME_V3_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static void put_pairs(struct writer *w, const sshio_sftp_attrs *a)
{
    uint32_t count = 0;
    while (a->extended != NULL && a->extended[2 * count].data != NULL)
        count++;
    put_u32(w, count);
    for (uint32_t i = 0; i < 2 * count; i++)
        put_string(w, a->extended[i].data, a->extended[i].len);
}

static void put_v3(struct writer *w, const sshio_sftp_attrs *a)
{
    uint32_t times = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    uint32_t flags = a->valid & (SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_UIDGID |
                                 SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_EXTENDED);
    if (has(a, times))
        flags |= FILEXFER_ATTR_ACMODTIME;
    put_u32(w, flags);
    if (has(a, SSHIO_FILEXFER_ATTR_SIZE))
        put_u64(w, a->size);
    if (has(a, SSHIO_FILEXFER_ATTR_UIDGID)) {
        put_u32(w, a->uid);
        put_u32(w, a->gid);
    }
    if (has(a, SSHIO_FILEXFER_ATTR_PERMISSIONS))
        put_u32(w, a->permissions);
    if (has(a, times)) {
        put_u32(w, clamped(a->atime));
        put_u32(w, clamped(a->mtime));
    }
    if (has(a, SSHIO_FILEXFER_ATTR_EXTENDED))
        put_pairs(w, a);
}

static void put_time(struct writer *w, uint32_t flags, uint32_t bit, int64_t seconds, uint32_t ns)
{
    if ((flags & bit) == 0)
        return;
    put_u64(w, (uint64_t)seconds);
    if ((flags & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0)
        put_u32(w, ns);
}

/* Names, or else numbers as names. */
static void put_owner(struct writer *w, const sshio_sftp_attrs *a)
{
    char uid[16], gid[16];
    if (has(a, SSHIO_FILEXFER_ATTR_OWNERGROUP)) {
        put_text(w, a->owner);
        put_text(w, a->group);
        return;
    }
    snprintf(uid, sizeof uid, "%" PRIu32, a->uid);
    snprintf(gid, sizeof gid, "%" PRIu32, a->gid);
    put_text(w, uid);
    put_text(w, gid);
}

static uint8_t type_of(const sshio_sftp_attrs *a, const struct dialect *d)
{
    if (a->type == 0)
        return SSHIO_FILEXFER_TYPE_UNKNOWN;
    return d->version == 4 && a->type > SSHIO_FILEXFER_TYPE_UNKNOWN ? SSHIO_FILEXFER_TYPE_SPECIAL : (uint8_t)a->type;
}

static void put_times(struct writer *w, uint32_t flags, const sshio_sftp_attrs *a)
{
    put_time(w, flags, SSHIO_FILEXFER_ATTR_ACCESSTIME, a->atime, a->atime_ns);
    put_time(w, flags, SSHIO_FILEXFER_ATTR_CREATETIME, a->crtime, a->crtime_ns);
    put_time(w, flags, SSHIO_FILEXFER_ATTR_MODIFYTIME, a->mtime, a->mtime_ns);
    put_time(w, flags, SSHIO_FILEXFER_ATTR_CTIME, a->ctime, a->ctime_ns);
}

/* What came with version 5 and 6, but for times. */
static void put_later_fields(struct writer *w, const struct dialect *d, uint32_t flags, const sshio_sftp_attrs *a)
{
    if ((flags & SSHIO_FILEXFER_ATTR_BITS) != 0) {
        put_u32(w, a->attrib_bits);
        if (d->version >= 6 || d->bits_pair)
            put_u32(w, a->attrib_valid);
    }
    if ((flags & SSHIO_FILEXFER_ATTR_TEXT_HINT) != 0)
        put_u8(w, a->text_hint);
    if ((flags & SSHIO_FILEXFER_ATTR_MIME_TYPE) != 0)
        put_text(w, a->mime_type);
    if ((flags & SSHIO_FILEXFER_ATTR_LINK_COUNT) != 0)
        put_u32(w, a->nlink);
    if ((flags & SSHIO_FILEXFER_ATTR_UNTRANSLATED_NAME) != 0)
        put_text(w, a->untrans_name);
}

static void put_v4(struct writer *w, const struct dialect *d, const sshio_sftp_attrs *a)
{
    uint32_t flags = a->valid & defined_bits(d);
    if (has(a, SSHIO_FILEXFER_ATTR_UIDGID))
        flags |= SSHIO_FILEXFER_ATTR_OWNERGROUP;
    put_u32(w, flags);
    put_u8(w, type_of(a, d));
    if ((flags & SSHIO_FILEXFER_ATTR_SIZE) != 0)
        put_u64(w, a->size);
    if ((flags & SSHIO_FILEXFER_ATTR_ALLOCATION_SIZE) != 0)
        put_u64(w, a->alloc_size);
    if ((flags & SSHIO_FILEXFER_ATTR_OWNERGROUP) != 0)
        put_owner(w, a);
    if ((flags & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0)
        put_u32(w, a->permissions & MODE_V4);
    put_times(w, flags, a);
    if ((flags & SSHIO_FILEXFER_ATTR_ACL) != 0)
        put_string(w, a->acl.data, a->acl.len);
    put_later_fields(w, d, flags, a);
    if ((flags & SSHIO_FILEXFER_ATTR_EXTENDED) != 0)
        put_pairs(w, a);
}

int attrs_put(struct writer *w, const struct dialect *d, const sshio_sftp_attrs *attrs, struct error *e)
{
    static const sshio_sftp_attrs nothing = { .struct_size = sizeof nothing };
    const sshio_sftp_attrs *a = attrs != NULL ? attrs : &nothing;
    const char *why = complaint(a, d);
    if (why != NULL)
        return error_set(e, SSHIO_EINVAL, "%s", why);
    if (d->version == 3)
        put_v3(w, a);
    else
        put_v4(w, d, a);
    return 0;
}

int name_put(struct writer *w, const struct dialect *d, const sshio_sftp_name *name, struct error *e)
{
    put_text(w, name->filename);
    if (d->version == 3)
        put_text(w, name->longname);
    return attrs_put(w, d, &name->attrs, e);
}

/* ---- file systems ---- */

void vfs_attrs_put(struct writer *w, const sshio_sftp_vfs_attrs *vfs)
{
    const uint64_t fields[] = { vfs->bsize, vfs->frsize, vfs->blocks, vfs->bfree, vfs->bavail, vfs->files,
                                vfs->ffree, vfs->favail, vfs->fsid,   vfs->flags, vfs->namemax };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        put_u64(w, fields[i]);
}

void vfs_attrs_read(struct reader *r, sshio_sftp_vfs_attrs *vfs)
{
    uint64_t *const fields[] = { &vfs->bsize, &vfs->frsize, &vfs->blocks, &vfs->bfree, &vfs->bavail, &vfs->files,
                                 &vfs->ffree, &vfs->favail, &vfs->fsid,   &vfs->flags, &vfs->namemax };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        *fields[i] = read_u64(r);
}
