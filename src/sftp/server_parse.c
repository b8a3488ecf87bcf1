/* How each request of a client is read; see server.h. (draft-ietf-secsh-filexfer-13 section 8, -02 section 6; OpenSSH,
 * PROTOCOL section 4) */
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/server.h"
#include "sftp/status.h"

/* ---- fields ---- */

/* The first complaint counts; the request is answered with it. */
void request_complain(struct sftp_request *q, uint32_t code, const char *text)
{
    if (q->result == 0)
        q->result = error_set_reason(&q->error, error_of_status(code), code, "%s", text);
}

/* The text is moved to the front by one octet, over the length that was read, so that a NUL has room behind it. */
static char *end_text(struct span text)
{
    char *at = (char *)text.data - 1;
    memmove(at, at + 1, text.len);
    at[text.len] = '\0';
    return at;
}

char *parse_text(struct sftp_request *q, struct reader *r)
{
    struct span text = read_string(r);
    if (reader_failed(r))
        return NULL;
    if (text.len > limits_default.sftp_path_len || span_has_nul(text)) {
        request_complain(q, SSHIO_FX_INVALID_FILENAME, "Invalid file name");
        return NULL;
    }
    return end_text(text);
}

/* What is closing is not there any more for requests that come after. */
static struct sftp_handle *take_handle(struct sftp_request *q, struct reader *r)
{
    struct sftp_handle *handle = handle_find(q->server, read_string(r));
    if (handle == NULL && !reader_failed(r))
        request_complain(q, SSHIO_FX_INVALID_HANDLE, "Invalid file handle");
    return handle;
}

static struct sftp_handle *take_file(struct sftp_request *q, struct reader *r)
{
    struct sftp_handle *handle = take_handle(q, r);
    if (handle == NULL || !handle->is_dir)
        return handle;
    request_complain(q, SSHIO_FX_INVALID_HANDLE, "Invalid file handle");
    return NULL;
}

static void take_attrs(struct sftp_request *q, struct reader *r)
{
    struct attrs_wire wire;
    struct error e;
    error_init(&e);
    if (attrs_read(r, &q->server->dialect, &wire, &e) != 0) {
        if (q->result == 0) {
            error_move(&q->error, &e);
            q->result = error_code(&q->error);
        }
        error_clear(&e);
        return;
    }
    bool has_texts = wire.owner.data != NULL || wire.mime_type.data != NULL || wire.untrans_name.data != NULL ||
                     wire.pair_count != 0;
    q->attrs_value = wire.attrs;
    q->attrs = &q->attrs_value;
    if (!has_texts)
        return;
    q->attrs = q->attrs_own = attrs_new(&wire);
    if (q->attrs_own == NULL && q->result == 0)
        q->result = error_nomem(&q->error);
}

/* A hint which attributes are wanted; some clients leave it out. */
static void skip_attr_flags(const struct sftp_request *q, struct reader *r)
{
    if (q->server->dialect.version >= 4 && reader_left(r) != 0)
        read_u32(r);
}

/* ---- requests ---- */

/* A handler has said what it does with no other than those that there always were; and what is refused or replaced as a
 * request of its own does not come in by a flag. */
uint32_t sftp_server_open_flags(const sshio_sftp_server *server)
{
    const sshio_sftp_server_handlers *h = &server->handlers;
    uint32_t flags = SSHIO_FXF_ACCESS_DISPOSITION | SSHIO_FXF_APPEND_DATA;
    if (h->open56 != NULL)
        return flags;
    flags |= SSHIO_FXF_APPEND_DATA_ATOMIC;
    if (server->dialect.version < 6)
        return flags;
    flags |= SSHIO_FXF_NOFOLLOW;
    if (h->lock == NULL && !sftp_server_denies(server, "block"))
        flags |= SSHIO_FXF_BLOCK_READ | SSHIO_FXF_BLOCK_WRITE | SSHIO_FXF_BLOCK_ADVISORY;
    if (h->remove == NULL && h->close == NULL && !sftp_server_denies(server, "remove"))
        flags |= SSHIO_FXF_DELETE_ON_CLOSE;
    return flags;
}

static void parse_open56(struct sftp_request *q, struct reader *r)
{
    q->access = read_u32(r);
    q->flags = read_u32(r);
    uint32_t disposition = q->flags & SSHIO_FXF_ACCESS_DISPOSITION;
    if ((q->access & ~SERVER_ACCESS) != 0)
        request_complain(q, SSHIO_FX_INVALID_PARAMETER, "Unsupported access flags");
    if ((q->flags & ~sftp_server_open_flags(q->server)) != 0 || disposition > SSHIO_FXF_TRUNCATE_EXISTING)
        request_complain(q, SSHIO_FX_INVALID_PARAMETER, "Unsupported open flags");
    if (disposition == SSHIO_FXF_OPEN_EXISTING)
        q->cls = CLASS_QUERY;
    take_attrs(q, r);
}

static bool opens_for_writing(const struct sftp_request *q)
{
    if (q->server->dialect.version >= 5)
        return (q->access & ~(SSHIO_ACE4_READ_DATA | SSHIO_ACE4_READ_ATTRIBUTES)) != 0 ||
               (q->flags & SSHIO_FXF_ACCESS_DISPOSITION) != SSHIO_FXF_OPEN_EXISTING ||
               (q->flags & SSHIO_FXF_DELETE_ON_CLOSE) != 0;
    return (q->flags & ~(SSHIO_FXF_READ | SSHIO_FXF_TEXT)) != 0;
}

void parse_open(struct sftp_request *q, struct reader *r)
{
    q->path = parse_text(q, r);
    if (q->server->dialect.version >= 5) {
        parse_open56(q, r);
    } else {
        q->flags = read_u32(r);
        if ((q->flags & (SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC | SSHIO_FXF_EXCL)) == 0)
            q->cls = CLASS_QUERY;
        take_attrs(q, r);
    }
    if (q->server->read_only && opens_for_writing(q))
        request_complain(q, SSHIO_FX_PERMISSION_DENIED, "Permission denied");
}

void parse_close(struct sftp_request *q, struct reader *r)
{
    q->handle = take_handle(q, r);
}

void parse_read(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    q->offset = read_u64(r);
    q->length = read_u32(r);
    if (q->length > SERVER_READ_LEN)
        q->length = SERVER_READ_LEN;
}

void parse_write(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    q->offset = read_u64(r);
    q->data = read_string(r);
    q->length = q->data.len;
}

void parse_path(struct sftp_request *q, struct reader *r)
{
    q->path = parse_text(q, r);
}

void parse_stat(struct sftp_request *q, struct reader *r)
{
    q->path = parse_text(q, r);
    skip_attr_flags(q, r);
}

void parse_file(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
}

void parse_fstat(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    skip_attr_flags(q, r);
}

void parse_setstat(struct sftp_request *q, struct reader *r)
{
    q->path = parse_text(q, r);
    take_attrs(q, r);
}

void parse_fsetstat(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    take_attrs(q, r);
}

void parse_readdir(struct sftp_request *q, struct reader *r)
{
    q->handle = take_handle(q, r);
    if (q->handle != NULL && !q->handle->is_dir)
        request_complain(q, SSHIO_FX_INVALID_HANDLE, "Invalid file handle");
}

/* Each further path is seen from the one before. */
static void compose(struct sftp_request *q, const char *next)
{
    size_t len = strlen(q->path), size = len + strlen(next) + 2;
    if (size > limits_default.sftp_path_len) {
        request_complain(q, SSHIO_FX_INVALID_FILENAME, "Invalid file name");
        return;
    }
    char *text = mem_alloc(size);
    if (text == NULL) {
        q->result = error_nomem(&q->error);
        return;
    }
    bool absolute = next[0] == '/';
    memcpy(text, q->path, absolute ? 0 : len);
    len = absolute ? 0 : len;
    if (len != 0 && text[len - 1] != '/')
        text[len++] = '/';
    memcpy(text + len, next, strlen(next) + 1);
    mem_free(q->composed);
    q->path = q->composed = text;
}

void parse_realpath(struct sftp_request *q, struct reader *r)
{
    q->control = SSHIO_FXRP_NO_CHECK;
    q->path = parse_text(q, r);
    if (q->server->dialect.version < 6 || reader_left(r) == 0)
        return;
    q->control = read_u8(r);
    if (q->control < SSHIO_FXRP_NO_CHECK || q->control > SSHIO_FXRP_STAT_ALWAYS)
        request_complain(q, SSHIO_FX_INVALID_PARAMETER, "Invalid check value");
    while (q->path != NULL && reader_left(r) != 0 && q->result == 0) {
        const char *next = parse_text(q, r);
        if (next != NULL)
            compose(q, next);
    }
}

void parse_pair(struct sftp_request *q, struct reader *r)
{
    q->path = parse_text(q, r);
    q->path2 = parse_text(q, r);
}

void parse_rename(struct sftp_request *q, struct reader *r)
{
    parse_pair(q, r);
    if (q->server->dialect.version >= 5)
        q->flags = read_u32(r);
    if ((q->flags & ~(uint32_t)(SSHIO_FXR_OVERWRITE | SSHIO_FXR_ATOMIC | SSHIO_FXR_NATIVE)) != 0)
        request_complain(q, SSHIO_FX_INVALID_PARAMETER, "Unsupported rename flags");
}

/* path is what the link says, path2 is the link. */
void parse_symlink(struct sftp_request *q, struct reader *r)
{
    char *first = parse_text(q, r), *second = parse_text(q, r);
    bool target_first = q->server->dialect.version < 6 && q->server->target_first;
    q->path = target_first ? first : second;
    q->path2 = target_first ? second : first;
    q->symbolic = true;
}

void parse_link(struct sftp_request *q, struct reader *r)
{
    q->path2 = parse_text(q, r);
    q->path = parse_text(q, r);
    q->symbolic = read_bool(r);
}

void parse_block(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    q->offset = read_u64(r);
    q->length = read_u64(r);
    q->flags = read_u32(r);
}

void parse_range(struct sftp_request *q, struct reader *r)
{
    q->handle = take_file(q, r);
    q->offset = read_u64(r);
    q->length = read_u64(r);
}

void parse_copy_data(struct sftp_request *q, struct reader *r)
{
    parse_range(q, r);
    q->handle2 = take_file(q, r);
    q->offset2 = read_u64(r);
}

void parse_nothing(struct sftp_request *q, struct reader *r)
{
    (void)q, (void)r;
}

/* Two strings of numbers; they are read where the names are looked up. */
void parse_owners(struct sftp_request *q, struct reader *r)
{
    const uint8_t *start = r->at;
    struct span users = read_string(r), groups = read_string(r);
    q->data = SPAN(start, (size_t)(r->at - start));
    if (users.len % 4 != 0 || groups.len % 4 != 0)
        request_complain(q, SSHIO_FX_BAD_MESSAGE, "Numbers of users or groups are cut short");
    if ((users.len + groups.len) / 4 > limits_default.sftp_ids)
        request_complain(q, SSHIO_FX_FAILURE, "Too many users or groups");
}
