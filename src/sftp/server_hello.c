/* The beginning of a session: which version is spoken, and what is announced. See server.h.
 * (draft-ietf-secsh-filexfer-13 sections 4 and 5) */
#include <stdio.h>

#include "sftp/server.h"

#define PAIRS_MAX 256u
#define ATTR_MASK                                                                                                      \
    (SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME |                     \
     SSHIO_FILEXFER_ATTR_MODIFYTIME | SSHIO_FILEXFER_ATTR_OWNERGROUP | SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES)
#define LOCK_VECTOR 0x0e01u /* none; advisory with read, with write, with both */
#define NO_LOCK_VECTOR 0x0001u

static bool reads_in_full(const sshio_sftp_server *server)
{
    return server->handlers.read == NULL;
}

static void put_supported(const sshio_sftp_server *server, struct writer *w)
{
    uint8_t names[1024];
    struct writer list;
    writer_init_fixed(&list, names, sizeof names);
    for (unsigned i = 0; i < EXT_COUNT; i++)
        if (sftp_server_serves_extension(server, (enum sftp_extension)i))
            put_text(&list, extension_name((enum sftp_extension)i));
    const struct supported supported = {
        .attr_mask = ATTR_MASK,
        .open_flags = sftp_server_open_flags(server),
        .access_mask = SERVER_ACCESS,
        .max_read_len = reads_in_full(server) ? SERVER_READ_LEN : 0,
        .open_blocks = (sftp_server_open_flags(server) & SSHIO_FXF_BLOCK_ADVISORY) != 0 ? LOCK_VECTOR : NO_LOCK_VECTOR,
        .blocks = server->handlers.lock == NULL ? LOCK_VECTOR : NO_LOCK_VECTOR,
        .names = writer_span(&list),
    };
    supported_put(w, server->dialect.version, &supported);
}

static void put_acl_supported(struct writer *w)
{
    put_text(w, EXT_ACL_SUPPORTED);
    size_t mark = put_open(w);
    put_u32(w, 0);
    put_close(w, mark);
}

static void put_versions(const sshio_sftp_server *server, struct writer *w)
{
    char text[32] = "";
    size_t len = 0;
    for (int version = SSHIO_MIN_SFTP_VERSION; version <= server->max_version; version++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", len != 0 ? "," : "", version);
    put_text(w, EXT_VERSIONS);
    put_text(w, text);
}

static void put_pairs(const sshio_sftp_server *server, struct writer *w)
{
    if (server->dialect.version >= 6) {
        put_acl_supported(w);
        put_versions(server, w);
    }
    if (server->dialect.version >= 5)
        put_supported(server, w);
    put_text(w, EXT_NEWLINE);
    put_text(w, "\n");
    vendor_put(w);
    if (!server->target_first) {
        put_text(w, EXT_SYMLINK_ORDER);
        put_text(w, EXT_ORDER_LINK_FIRST);
    }
    for (unsigned i = 0; i < EXT_COUNT; i++)
        if (sftp_server_serves_extension(server, (enum sftp_extension)i))
            extension_put(w, (enum sftp_extension)i);
}

static void send_version(sshio_sftp_server *server)
{
    struct writer *w = &server->out;
    put_open(w);
    put_u8(w, FXP_VERSION);
    put_u32(w, (uint32_t)server->dialect.version);
    put_pairs(server, w);
    sftp_server_send(server);
}

/* What a client announces is of no use to us, but has to be well-formed. */
static bool skip_pairs(struct reader *r)
{
    struct span name, data;
    unsigned count = 0;
    while (extension_pair_read(r, &name, &data))
        if (++count > PAIRS_MAX)
            return false;
    return !reader_failed(r);
}

void sftp_server_hello(sshio_sftp_server *server, struct span packet)
{
    struct reader r;
    reader_init(&r, packet.data, packet.len);
    uint8_t type = read_u8(&r);
    uint32_t version = read_u32(&r);
    bool is_init = type == FXP_INIT && !reader_failed(&r) && version >= SSHIO_MIN_SFTP_VERSION && skip_pairs(&r);
    if (!is_init) {
        log_warning(server->logger, "SFTP session ends: it does not begin with FXP_INIT of version 3 or later");
        sftp_server_end(server, 1);
        return;
    }
    server->dialect.version = version < (uint32_t)server->max_version ? (int)version : server->max_version;
    server->state = SERVER_OPEN;
    server->fresh = true;
    log_debug(server->logger, 1, "SFTP version %d, the client offered %u", server->dialect.version, (unsigned)version);
    send_version(server);
}

bool sftp_server_select_version(sshio_sftp_server *server, struct span name)
{
    bool one = name.len == 1 && name.data[0] >= '0' + SSHIO_MIN_SFTP_VERSION &&
               name.data[0] <= '0' + server->max_version;
    if (!server->fresh || server->dialect.version < 6 || !one)
        return false;
    server->dialect.version = name.data[0] - '0';
    return true;
}
