/* The table of requests, and from packets to requests; see server.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/server.h"
#include "sftp/status.h"

/* ---- the table ---- */

#define PLAIN(type, name, cls, writes, parse, ask, work, reply)                                                        \
    {                                                                                                                  \
        FXP_##type, EXT_COUNT, name, CLASS_##cls, writes, parse, ask, work, reply                                      \
    }
#define EXTENDED(extension, name, cls, writes, parse, ask, work, reply)                                                \
    {                                                                                                                  \
        FXP_EXTENDED, EXT_##extension, name, CLASS_##cls, writes, parse, ask, work, reply                              \
    }

/* Not in the table: INIT, which is unsupported a second time, vendor-id and version-select. */
static const struct request_row rows[] = {
    PLAIN(OPEN, "open", CHANGE, false, parse_open, ask_open, work_open, reply_handle),
    PLAIN(CLOSE, "close", HANDLE, false, parse_close, ask_close, work_close, NULL),
    PLAIN(READ, "read", READ, false, parse_read, ask_read, work_read, NULL),
    PLAIN(WRITE, "write", WRITE, true, parse_write, ask_write, work_write, NULL),
    PLAIN(LSTAT, "lstat", QUERY, false, parse_stat, ask_lstat, work_lstat, reply_attrs),
    PLAIN(FSTAT, "fstat", HANDLE, false, parse_fstat, ask_fstat, work_fstat, reply_attrs),
    PLAIN(SETSTAT, "setstat", CHANGE, true, parse_setstat, ask_setstat, work_setstat, NULL),
    PLAIN(FSETSTAT, "fsetstat", HANDLE, true, parse_fsetstat, ask_fsetstat, work_fsetstat, NULL),
    PLAIN(OPENDIR, "opendir", QUERY, false, parse_path, ask_opendir, work_opendir, reply_handle),
    PLAIN(READDIR, "readdir", DIR, false, parse_readdir, ask_readdir, work_readdir, reply_names),
    PLAIN(REMOVE, "remove", CHANGE, true, parse_path, ask_remove, work_remove, NULL),
    PLAIN(MKDIR, "mkdir", CHANGE, true, parse_setstat, ask_mkdir, work_mkdir, NULL),
    PLAIN(RMDIR, "rmdir", CHANGE, true, parse_path, ask_rmdir, work_rmdir, NULL),
    PLAIN(REALPATH, "realpath", QUERY, false, parse_realpath, ask_realpath, work_realpath, reply_name),
    PLAIN(STAT, "stat", QUERY, false, parse_stat, ask_stat, work_stat, reply_attrs),
    PLAIN(RENAME, "rename", CHANGE, true, parse_rename, ask_rename, work_rename, NULL),
    PLAIN(READLINK, "readlink", QUERY, false, parse_path, ask_readlink, work_readlink, reply_name),
    PLAIN(SYMLINK, "symlink", CHANGE, true, parse_symlink, ask_link, work_link, NULL),
    PLAIN(LINK, "link", CHANGE, true, parse_link, ask_link, work_link, NULL),
    PLAIN(BLOCK, "block", HANDLE, false, parse_block, ask_block, work_block, NULL),
    PLAIN(UNBLOCK, "unblock", HANDLE, false, parse_range, ask_unblock, work_unblock, NULL),
    EXTENDED(POSIX_RENAME, "posix-rename", CHANGE, true, parse_pair, ask_posix_rename, work_posix_rename, NULL),
    EXTENDED(STATVFS, "statvfs", QUERY, false, parse_path, ask_statvfs, work_statvfs, reply_vfs),
    EXTENDED(FSTATVFS, "fstatvfs", HANDLE, false, parse_file, ask_fstatvfs, work_fstatvfs, reply_vfs),
    EXTENDED(HARDLINK, "hardlink", CHANGE, true, parse_pair, ask_link, work_link, NULL),
    EXTENDED(FSYNC, "fsync", HANDLE, true, parse_file, ask_fsync, work_fsync, NULL),
    EXTENDED(LSETSTAT, "lsetstat", CHANGE, true, parse_setstat, ask_lsetstat, work_lsetstat, NULL),
    EXTENDED(LIMITS, "limits", FREE, false, parse_nothing, NULL, work_nothing, reply_limits),
    EXTENDED(COPY_DATA, "copy-data", HANDLE, true, parse_copy_data, ask_copy_data, work_copy_data, NULL),
    EXTENDED(RANGES, "ranges", READ, false, parse_range, ask_ranges, work_ranges, reply_ranges),
    EXTENDED(EXPAND_PATH, "expand-path", QUERY, false, parse_path, ask_paths, work_expand_path, reply_name),
    EXTENDED(HOME_DIRECTORY, "home-directory", FREE, false, parse_path, NULL, work_home_directory, reply_name),
    EXTENDED(USERS_GROUPS_BY_ID, "users-groups-by-id", FREE, false, parse_owners, NULL, work_owners, reply_owners),
    EXTENDED(CHECK_FILE, "check-file", HANDLE, false, parse_check_handle, ask_check_handle, work_check_handle,
             reply_hashes),
    EXTENDED(CHECK_FILE_HANDLE, "check-file-handle", HANDLE, false, parse_check_handle, ask_check_handle,
             work_check_handle, reply_hashes),
    EXTENDED(CHECK_FILE_NAME, "check-file-name", QUERY, false, parse_check_name, ask_paths, work_check_name,
             reply_hashes),
    EXTENDED(SPACE_AVAILABLE, "space-available", QUERY, false, parse_path, ask_statvfs, work_statvfs, reply_space),
    EXTENDED(COPY_FILE, "copy-file", CHANGE, true, parse_copy_file, ask_paths, work_copy_file, NULL),
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])
_Static_assert(ROW_COUNT <= 64, "a bit a row");

static uint64_t row_bit(size_t row)
{
    return (uint64_t)1 << row;
}

static bool names_users(enum sftp_extension extension)
{
    return extension == EXT_HOME_DIRECTORY || extension == EXT_USERS_GROUPS_BY_ID || extension == EXT_EXPAND_PATH;
}

/* A server whose files are a handler's has none for what reads and writes files by name. */
static bool passes_handlers_by(const sshio_sftp_server *server, enum sftp_extension extension)
{
    const sshio_sftp_server_handlers *h = &server->handlers;
    bool by_name = extension == EXT_CHECK_FILE_NAME || extension == EXT_COPY_FILE;
    return by_name && (h->open != NULL || h->open56 != NULL || h->read != NULL || h->write != NULL || h->close != NULL);
}

static bool is_served(const sshio_sftp_server *server, enum sftp_extension extension)
{
    return !(names_users(extension) && !server->may_name_users) && !passes_handlers_by(server, extension);
}

bool sftp_server_denies(const sshio_sftp_server *server, const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return (server->denied & row_bit(i)) != 0 || (server->read_only && rows[i].writes);
    return true;
}

bool sftp_server_serves_extension(const sshio_sftp_server *server, enum sftp_extension extension)
{
    if (!is_served(server, extension))
        return false;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].extension == extension)
            return (server->denied & row_bit(i)) == 0 && !(server->read_only && rows[i].writes);
    return false;
}

static bool add_bits(const char *const *names, uint64_t *bits)
{
    for (; *names != NULL; names++) {
        size_t i = 0;
        while (i < ROW_COUNT && strcmp(rows[i].name, *names) != 0)
            i++;
        if (i == ROW_COUNT) {
            fail(SSHIO_EINVAL, "no SFTP request is named \"%s\"", *names);
            return false;
        }
        *bits |= row_bit(i);
    }
    return true;
}

/* What is refused does not come in by another request. */
static const struct {
    const char *denied, *too;
} implied[] = {
    { "read", "check-file" }, { "read", "check-file-handle" }, { "read", "check-file-name" },
    { "read", "copy-file" },  { "open", "check-file-name" },   { "open", "copy-file" },
    { "write", "copy-file" },
};

static uint64_t bit_of(const char *name)
{
    const char *const names[] = { name, NULL };
    uint64_t bits = 0;
    add_bits(names, &bits);
    return bits;
}

static void deny_what_is_implied(sshio_sftp_server *server)
{
    for (size_t i = 0; i < sizeof implied / sizeof implied[0]; i++)
        if ((server->denied & bit_of(implied[i].denied)) != 0)
            server->denied |= bit_of(implied[i].too);
}

int sftp_server_deny_requests(sshio_sftp_server *server, const char *const *allow, const char *const *deny)
{
    uint64_t allowed = 0;
    if (allow != NULL && !add_bits(allow, &allowed))
        return SSHIO_EINVAL;
    if (deny != NULL && !add_bits(deny, &server->denied))
        return SSHIO_EINVAL;
    if (allow != NULL)
        server->denied |= ~allowed;
    deny_what_is_implied(server);
    return 0;
}

const char *sshio_sftp_request_name(size_t index)
{
    return index < ROW_COUNT ? rows[index].name : NULL;
}

/* ---- from packets to requests ---- */

void request_free(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    list_remove(&q->link);
    server->request_count--;
    if (q->memory != NULL) {
        server->payload -= q->capacity;
        sftp_server_memory.give(server, q->memory, q->capacity);
    }
    error_clear(&q->error);
    sshio_sftp_attrs_free(q->attrs_own);
    sshio_sftp_attrs_free(q->out_attrs_own);
    sshio_sftp_names_free(&q->names);
    texts_done(&q->users);
    texts_done(&q->groups);
    mem_free(q->composed);
    mem_free(q->mapped);
    mem_free(q->mapped2);
    mem_free(q->text);
    mem_free(q->ranges);
    mem_free(q->hashes);
    pool_give(&server->blocks, q->block);
    pool_give(&server->request_pool, q);
}

/* The packet is the request's own, since its texts are ended in it. */
static bool keep_packet(struct sftp_request *q, struct span *packet)
{
    sshio_sftp_server *server = q->server;
    if (packet->len <= sizeof q->fixed) {
        memcpy(q->fixed, packet->data, packet->len);
        packet->data = q->fixed;
        return true;
    }
    q->memory = framer_take(&server->framer, &q->capacity);
    if (q->memory == NULL) {
        q->memory = sftp_server_memory.take(server, packet->len, &q->capacity);
        if (q->memory == NULL)
            return false;
        memcpy(q->memory, packet->data, packet->len);
        packet->data = q->memory;
    }
    server->payload += q->capacity;
    return true;
}

static struct sftp_request *request_new(sshio_sftp_server *server, struct span *packet)
{
    struct sftp_request *q = pool_take(&server->request_pool);
    if (q == NULL)
        return NULL;
    memset(q, 0, offsetof(struct sftp_request, fixed));
    q->server = server;
    error_init(&q->error);
    list_append(&server->requests, &q->link);
    server->request_count++;
    if (keep_packet(q, packet))
        return q;
    request_free(q);
    return NULL;
}

static const struct request_row *find_row(uint8_t type, enum sftp_extension extension)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].type == type && rows[i].extension == extension)
            return &rows[i];
    return NULL;
}

/* What has no row. True = it was answered. */
static bool serve_pairs(sshio_sftp_server *server, uint32_t id, struct span name, struct reader *r)
{
    if (span_is(name, EXT_VENDOR_ID)) {
        struct vendor vendor;
        bool ok = vendor_read(read_rest(r), &vendor);
        server->dialect.bits_pair = ok && span_is(vendor.product_name, "AsyncSSH");
        reply_status(server, id, ok ? SSHIO_FX_OK : SSHIO_FX_BAD_MESSAGE, ok ? "" : "Malformed vendor-id");
        return true;
    }
    if (!span_is(name, EXT_VERSION_SELECT))
        return false;
    if (sftp_server_select_version(server, read_string(r))) {
        reply_status(server, id, SSHIO_FX_OK, "");
    } else {
        reply_status(server, id, SSHIO_FX_INVALID_PARAMETER, "Version cannot be selected");
        sftp_server_end(server, 1);
    }
    return true;
}

/* The row of a request whose type was read; NULL = it was answered. */
static const struct request_row *read_row(sshio_sftp_server *server, uint8_t type, uint32_t id, struct reader *r)
{
    char text[64];
    const struct request_row *row;
    if (type != FXP_EXTENDED) {
        row = sftp_message_is_known(type, server->dialect.version) ? find_row(type, EXT_COUNT) : NULL;
        snprintf(text, sizeof text, "Unsupported request type: %u", type);
    } else {
        struct span name = read_string(r);
        if (reader_failed(r)) {
            reply_status(server, id, SSHIO_FX_BAD_MESSAGE, "Malformed extended request");
            return NULL;
        }
        if (serve_pairs(server, id, name, r))
            return NULL;
        enum sftp_extension extension = extension_find(name);
        row = extension != EXT_COUNT ? find_row(type, extension) : NULL;
        if (extension != EXT_COUNT && !is_served(server, extension))
            row = NULL;
        snprintf(text, sizeof text, "Unsupported extended request");
    }
    if (row == NULL)
        reply_status(server, id, SSHIO_FX_OP_UNSUPPORTED, text);
    return row;
}

/* Whether octets behind a request are ignored. Go's sftp package, and rclone with it, send their whole buffer behind a
 * short WRITE. */
static bool may_be_longer(const struct sftp_request *q)
{
    if (q->row->type == FXP_WRITE)
        return true;
    return q->server->dialect.version >= 6 && (q->row->extension == EXT_COUNT || q->row->extension == EXT_LSETSTAT);
}

static void check(struct sftp_request *q, const struct reader *r)
{
    const sshio_sftp_server *server = q->server;
    if (reader_failed(r) || (!may_be_longer(q) && reader_left(r) != 0)) {
        q->result = 0;
        request_complain(q, SSHIO_FX_BAD_MESSAGE, "Malformed request");
    }
    if ((server->denied & row_bit((size_t)(q->row - rows))) != 0 || (server->read_only && q->row->writes))
        request_complain(q, SSHIO_FX_PERMISSION_DENIED, "Permission denied");
}

static void parse(struct sftp_request *q, const struct request_row *row, struct reader *r)
{
    q->row = row;
    q->cls = row->cls;
    row->parse(q, r);
    check(q, r);
    if (row->type == FXP_CLOSE && q->result == 0)
        q->handle->hidden = true;
}

void sftp_server_packet(sshio_sftp_server *server, struct span packet)
{
    struct reader r;
    struct sftp_request *q = request_new(server, &packet);
    if (q == NULL) {
        log_warning(server->logger, "SFTP session ends: a request found no memory");
        sftp_server_end(server, 1);
        return;
    }
    reader_init(&r, packet.data, packet.len);
    uint8_t type = read_u8(&r);
    q->id = read_u32(&r);
    const struct request_row *row = NULL;
    if (reader_failed(&r)) {
        log_warning(server->logger, "SFTP session ends: a packet of %zu bytes is no request", packet.len);
        sftp_server_end(server, 1);
    } else {
        row = read_row(server, type, q->id, &r);
    }
    server->fresh = false;
    if (row == NULL) {
        if (server->state < SERVER_ENDED) /* else it went with the others */
            request_free(q);
        return;
    }
    parse(q, row, &r);
    sftp_server_schedule(server);
}
