/* Open files: opening, reading, writing, the position; see client.h. (draft-ietf-secsh-filexfer-13 section 8.1 and 8.2)
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "io/last_error.h"
#include "io/options.h"
#include "sftp/blocks.h"
#include "sftp/client.h"
#include "sftp/open_flags.h"

#define READ_ALL_FIRST (64u * 1024)
#define READ_ALL_STEP_MAX (64u * 1024 * 1024)

void sshio_sftp_open_options_init(sshio_sftp_open_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- opening and closing ---- */

void client_file_release(sshio_sftp_file *file)
{
    if (--file->refs > 0)
        return;
    client_release(file->sftp);
    mem_free(file->path);
    mem_free(file);
}

static void open_begin(struct call *call, sshio_sftp *s, const char *path, uint32_t flags_of_v3)
{
    call_begin(call, s, FXP_OPEN, path);
    call_path(call, path);
    if (s->dialect.version >= 5) {
        uint32_t access, flags;
        open_flags_to_v5(flags_of_v3, &access, &flags);
        put_u32(call->w, access);
        put_u32(call->w, flags);
    } else {
        put_u32(call->w, flags_of_v3);
    }
}

int client_open(sshio_sftp *s, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs, struct handle *handle)
{
    struct call call;
    open_begin(&call, s, path, pflags);
    call_attrs(&call, attrs);
    return call_wait(&call, FXP_HANDLE, take_handle, handle);
}

static int check_text(const sshio_sftp_open_options *o, bool *is_text)
{
    *is_text = o->encoding != NULL && o->encoding != (const char *)sshio_none;
    if (!*is_text)
        return 0;
    if (strcmp(o->encoding, "utf-8") != 0 && strcmp(o->encoding, "UTF-8") != 0)
        return fail(SSHIO_EINVAL, "files are bytes or utf-8, not %s", o->encoding);
    if (o->errors != SSHIO_ERRORS_UNSET && o->errors != SSHIO_ERRORS_STRICT)
        return fail(SSHIO_EINVAL, "text in files is checked strictly or not at all");
    return 0;
}

static sshio_sftp_file *file_new(sshio_sftp *s, const char *path, const sshio_sftp_open_options *o)
{
    sshio_sftp_file *file = mem_zalloc(sizeof *file);
    char *copy = mem_strdup(path);
    if (file == NULL || copy == NULL) {
        mem_free(file);
        mem_free(copy);
        fail_nomem();
        return NULL;
    }
    *file = (sshio_sftp_file){ .refs = 1,
                               .sftp = s,
                               .path = copy,
                               .has_position = true,
                               .block_size = o->block_size,
                               .max_requests = o->max_requests };
    client_hold(s);
    return file;
}

static int open_prepare(sshio_sftp *s, const char *path, const sshio_sftp_open_options *options,
                        sshio_sftp_open_options *o, sshio_sftp_file **file)
{
    bool is_text = false;
    if (path == NULL || file == NULL)
        return fail(SSHIO_EINVAL, "no path to open was given, or no place for the file");
    int rc = OPTIONS_TAKE(o, options);
    if (rc == 0)
        rc = check_text(o, &is_text);
    if (rc != 0)
        return rc;
    sshio_sftp_file *made = file_new(s, path, o);
    if (made == NULL)
        return SSHIO_ENOMEM;
    made->is_text = is_text;
    *file = made;
    return 0;
}

int sshio_sftp_open(sshio_sftp *sftp, const char *path, const char *mode, const sshio_sftp_open_options *options,
                    sshio_sftp_file **file)
{
    sshio_sftp_open_options o;
    sshio_sftp_file *made = NULL;
    uint32_t pflags = 0;
    int rc = file != NULL ? open_prepare(sftp, path, options, &o, &made)
                          : fail(SSHIO_EINVAL, "sshio_sftp_open: no place for the file");
    if (rc != 0)
        return rc;
    if (o.pflags != 0)
        pflags = o.pflags;
    else if (!open_mode_parse(mode != NULL ? mode : "r", &pflags))
        rc = fail(SSHIO_EINVAL, "Invalid mode: %s", mode);
    made->appends = (pflags & SSHIO_FXF_APPEND) != 0;
    made->has_position = !made->appends;
    if (rc == 0)
        rc = client_open(sftp, path, pflags, o.attrs, &made->handle);
    if (rc == 0)
        *file = made;
    else
        client_file_release(made);
    return rc;
}

static int open56(sshio_sftp *s, const char *path, uint32_t access, uint32_t flags, const sshio_sftp_attrs *attrs,
                  struct handle *handle)
{
    struct call call;
    call_begin(&call, s, FXP_OPEN, path);
    call_path(&call, path);
    put_u32(call.w, access);
    put_u32(call.w, flags);
    call_attrs(&call, attrs);
    return call_wait(&call, FXP_HANDLE, take_handle, handle);
}

int sshio_sftp_open56(sshio_sftp *sftp, const char *path, uint32_t desired_access, uint32_t flags,
                      const sshio_sftp_open_options *options, sshio_sftp_file **file)
{
    sshio_sftp_open_options o;
    sshio_sftp_file *made = NULL;
    if (sftp->dialect.version < 5)
        return error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED,
                                "SFTPv5/v6 open not supported by server");
    if ((flags & SSHIO_FXF_TEXT_MODE) != 0)
        return fail(SSHIO_EINVAL, "files are not opened in text mode");
    int rc = file != NULL ? open_prepare(sftp, path, options, &o, &made)
                          : fail(SSHIO_EINVAL, "sshio_sftp_open56: no place for the file");
    if (rc != 0)
        return rc;
    made->appends = (desired_access & SSHIO_ACE4_APPEND_DATA) != 0 ||
                    (flags & (SSHIO_FXF_APPEND_DATA | SSHIO_FXF_APPEND_DATA_ATOMIC)) != 0;
    made->has_position = !made->appends;
    rc = open56(sftp, path, desired_access, flags, o.attrs, &made->handle);
    if (rc == 0)
        *file = made;
    else
        client_file_release(made);
    return rc;
}

int sshio_sftp_file_close(sshio_sftp_file *file)
{
    if (file == NULL)
        return 0;
    bool gone = file->sftp->ended || file->sftp->exited;
    int rc = gone ? 0 : client_close(file->sftp, &file->handle, file->path);
    client_file_release(file);
    return rc;
}

/* ---- reading ---- */

static void prepare(struct blocks *b, sshio_sftp_file *file, const struct range *range, bool writes)
{
    int64_t wanted = file->block_size;
    *b = (struct blocks){ .sftp = file->sftp, .ranges = range, .range_count = 1, .what = file->path };
    b->block = wanted < 0 ? blocks_single(range->len) : blocks_size(file->sftp, !writes, writes, wanted);
    b->window = wanted < 0 ? 1 : file->max_requests > 0 ? (unsigned)file->max_requests : 0;
}

/* *got is less than size where the file ended. */
static int read_range(sshio_sftp_file *file, void *buffer, size_t size, uint64_t offset, size_t *got)
{
    struct blocks b;
    struct range range = { offset, size };
    *got = 0;
    if (size == 0)
        return client_check_open(file->sftp);
    prepare(&b, file, &range, false);
    b.from = (struct end){ .kind = END_REMOTE, .handle = &file->handle };
    b.to = (struct end){ .kind = END_MEMORY, .memory = buffer, .base = offset };
    int rc = blocks_run(&b);
    if (rc == 0)
        *got = b.eof < offset ? 0 : b.eof - offset < size ? (size_t)(b.eof - offset) : size;
    return rc;
}

/* A character may be cut at either end of what was read. */
static int check_read(const sshio_sftp_file *file, uint64_t offset, const uint8_t *data, size_t len)
{
    struct span text = SPAN(data, len);
    for (int i = 0; i < 3 && offset != 0 && text.len != 0 && (text.data[0] & 0xc0) == 0x80; i++)
        text = SPAN(text.data + 1, text.len - 1);
    size_t whole = utf8_prefix(text);
    struct span rest = SPAN(text.data + whole, text.len - whole);
    if (rest.len == 0 || utf8_begun(rest) == rest.len)
        return 0;
    return fail(SSHIO_EDECODE, "%s: what was read is not UTF-8", file->path);
}

static int read_at(sshio_sftp_file *file, void *buffer, size_t size, uint64_t offset, size_t *got)
{
    size_t len = 0;
    if (got == NULL || (buffer == NULL && size != 0))
        return fail(SSHIO_EINVAL, "%s: no buffer, or no place for how much was read", file->path);
    if (size > INT64_MAX || offset > INT64_MAX)
        return fail(SSHIO_EINVAL, "%s: reading %zu bytes from %llu on is out of range", file->path, size,
                    (unsigned long long)offset);
    file->refs++;
    int rc = read_range(file, buffer, size, offset, &len);
    if (rc == 0 && len == 0 && size != 0)
        rc = fail(SSHIO_EEOF, "%s ends here", file->path);
    if (rc == 0 && file->is_text)
        rc = check_read(file, offset, buffer, len);
    if (rc == 0 || rc == SSHIO_EDECODE) {
        file->position = offset + len;
        file->has_position = true;
    }
    if (rc == 0)
        *got = len;
    client_file_release(file);
    return rc;
}

int sshio_sftp_file_read(sshio_sftp_file *file, void *buffer, size_t size, size_t *got)
{
    if (!file->has_position)
        return fail(SSHIO_EEOF, "%s is open for appending, and read from its end on", file->path);
    return read_at(file, buffer, size, file->position, got);
}

int sshio_sftp_file_pread(sshio_sftp_file *file, void *buffer, size_t size, uint64_t offset, size_t *got)
{
    return read_at(file, buffer, size, offset, got);
}

int client_file_size(sshio_sftp_file *file, uint64_t *size)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = client_fstat(file->sftp, &file->handle, file->path, &attrs);
    if (rc == 0)
        *size = (attrs->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 ? attrs->size : 0;
    sshio_sftp_attrs_free(attrs);
    return rc;
}

/* Memory grows with what has come, however large the file says it is. size 0 = to the end. */
static int read_growing(sshio_sftp_file *file, uint64_t from, uint64_t size, sshio_bytes *data)
{
    size_t step = READ_ALL_FIRST;
    for (;;) {
        uint64_t left = size > from + data->len ? size - from - data->len : 0;
        size_t part = size != 0 && left < step ? (size_t)left : step, got = 0;
        if (part == 0)
            return 0;
        char *grown = mem_grow(data->data, data->len + part + 1);
        if (grown == NULL)
            return fail_nomem();
        data->data = grown;
        int rc = read_range(file, grown + data->len, part, from + data->len, &got);
        if (rc != 0)
            return rc;
        data->len += got;
        if (got < part)
            return 0;
        step = step < READ_ALL_STEP_MAX ? step * 4 : step;
    }
}

int sshio_sftp_file_read_all(sshio_sftp_file *file, sshio_bytes *data)
{
    sshio_bytes got = { .data = NULL };
    uint64_t size = 0, from = file->position;
    if (data == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_read_all: no place for the result");
    file->refs++;
    int rc = file->has_position ? client_file_size(file, &size) : 0;
    if (rc == 0 && file->has_position)
        rc = read_growing(file, from, size, &got);
    if (rc == 0 && got.data == NULL && (got.data = mem_alloc(1)) == NULL)
        rc = fail_nomem();
    if (rc == 0 && file->is_text)
        rc = check_read(file, from, (const uint8_t *)got.data, got.len);
    if (rc == 0) {
        got.data[got.len] = '\0';
        if (got.len != 0)
            file->position = from + got.len;
        *data = got;
    } else {
        sshio_bytes_free(&got);
    }
    client_file_release(file);
    return rc;
}

int sshio_sftp_file_read_parallel(sshio_sftp_file *file, int64_t size, int64_t offset, sshio_block_fn block, void *user)
{
    struct blocks b;
    uint64_t whole = 0, from = offset >= 0 ? (uint64_t)offset : file->position;
    if (block == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_file_read_parallel: no function was given");
    if (offset < 0 && !file->has_position)
        return 0;
    file->refs++;
    int rc = size < 0 ? client_file_size(file, &whole) : 0;
    struct range range = { from, size >= 0 ? (uint64_t)size : whole > from ? whole - from : 0 };
    if (range.len > INT64_MAX - from)
        range.len = INT64_MAX - from;
    if (rc == 0 && range.len != 0) {
        prepare(&b, file, &range, false);
        b.from = (struct end){ .kind = END_REMOTE, .handle = &file->handle };
        b.to = (struct end){ .kind = END_TASK, .block = block, .user = user };
        rc = blocks_run(&b);
    }
    client_file_release(file);
    return rc;
}

/* ---- writing ---- */

static int write_at(sshio_sftp_file *file, const void *data, size_t len, uint64_t offset)
{
    struct blocks b;
    struct range range = { offset, len };
    if (data == NULL && len != 0)
        return fail(SSHIO_EINVAL, "%s: nothing to write was given", file->path);
    if (len > INT64_MAX || offset > INT64_MAX - len)
        return fail(SSHIO_EINVAL, "%s: writing %zu bytes at %llu is out of range", file->path, len,
                    (unsigned long long)offset);
    if (file->is_text && !utf8_valid(SPAN(data, len)))
        return fail(SSHIO_EDECODE, "%s: what is to be written is not UTF-8", file->path);
    file->refs++;
    int rc = client_check_open(file->sftp);
    if (rc == 0 && len != 0) {
        prepare(&b, file, &range, true);
        b.from = (struct end){ .kind = END_MEMORY, .memory = (uint8_t *)data, .base = offset };
        b.to = (struct end){ .kind = END_REMOTE, .handle = &file->handle };
        rc = blocks_run(&b);
    }
    if (rc == 0) {
        file->has_position = !file->appends;
        file->position = offset + len;
    }
    client_file_release(file);
    return rc;
}

int sshio_sftp_file_write(sshio_sftp_file *file, const void *data, size_t len)
{
    return write_at(file, data, len, file->has_position ? file->position : 0);
}

int sshio_sftp_file_pwrite(sshio_sftp_file *file, const void *data, size_t len, uint64_t offset)
{
    return write_at(file, data, len, offset);
}

/* ---- the position ---- */

int sshio_sftp_file_seek(sshio_sftp_file *file, int64_t offset, int from_what, uint64_t *position)
{
    uint64_t start = 0;
    int rc = 0;
    if (from_what != SEEK_SET && from_what != SEEK_CUR && from_what != SEEK_END)
        return fail(SSHIO_EINVAL, "%d is none of SEEK_SET, SEEK_CUR and SEEK_END", from_what);
    if (from_what == SEEK_CUR && file->has_position)
        start = file->position;
    else if (from_what != SEEK_SET)
        rc = client_file_size(file, &start);
    if (rc != 0)
        return rc;
    if (start > INT64_MAX || (offset < 0 ? start < -(uint64_t)offset : offset > INT64_MAX - (int64_t)start))
        return fail(SSHIO_EINVAL, "%s: %lld from %llu on is no position", file->path, (long long)offset,
                    (unsigned long long)start);
    file->position = start + (uint64_t)offset;
    file->has_position = true;
    if (position != NULL)
        *position = file->position;
    return 0;
}

int sshio_sftp_file_tell(sshio_sftp_file *file, uint64_t *position)
{
    int rc = position == NULL      ? fail(SSHIO_EINVAL, "sshio_sftp_file_tell: no place for the result")
             : !file->has_position ? client_file_size(file, &file->position)
                                   : 0;
    if (rc != 0)
        return rc;
    file->has_position = true;
    *position = file->position;
    return 0;
}
