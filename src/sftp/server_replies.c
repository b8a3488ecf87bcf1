/* The answers of a session; see server.h. (draft-ietf-secsh-filexfer-13 section 9) */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/message_log.h"
#include "sftp/server.h"
#include "sftp/status.h"

void reply_begin(sshio_sftp_server *server, uint8_t type, uint32_t id)
{
    writer_reset(&server->out);
    put_open(&server->out);
    put_u8(&server->out, type);
    put_u32(&server->out, id);
}

void reply_status(sshio_sftp_server *server, uint32_t id, uint32_t code, const char *text)
{
    reply_begin(server, FXP_STATUS, id);
    status_put(&server->out, server->dialect.version, code, text);
    sftp_server_send(server);
}

void reply_error(sshio_sftp_server *server, uint32_t id, const struct error *e)
{
    reply_status(server, id, status_of_error(&e->pub), status_text(&e->pub));
}

/* Header, data and flag lie in one piece, which is sealed from there. */
void reply_data(struct sftp_request *q)
{
    sshio_sftp_server *server = q->server;
    bool with_end = server->dialect.version >= 6 && q->at_end;
    size_t len = SERVER_DATA_HEAD + q->got + with_end;
    store_u32(q->block, (uint32_t)(len - 4));
    q->block[4] = FXP_DATA;
    store_u32(q->block + 5, q->id);
    store_u32(q->block + 9, (uint32_t)q->got);
    if (with_end)
        q->block[SERVER_DATA_HEAD + q->got] = 1;
    message_log(server->logger, true, server->dialect.version, SPAN(q->block + 4, len - 4), SPAN(NULL, 0));
    server->port->write(server, q->block, len);
}

void reply_handle(struct sftp_request *q, struct writer *w)
{
    uint8_t token[4];
    store_u32(token, q->handle->number);
    put_string(w, token, sizeof token);
}

static void put_attrs(struct sftp_request *q, struct writer *w, const sshio_sftp_attrs *attrs)
{
    attrs_put(w, &q->server->dialect, attrs, NULL);
}

void reply_attrs(struct sftp_request *q, struct writer *w)
{
    put_attrs(q, w, q->out_attrs_own != NULL ? q->out_attrs_own : &q->out_attrs.attrs);
}

/* One name; of its attributes what REALPATH of version 6 asked for. */
void reply_name(struct sftp_request *q, struct writer *w)
{
    put_u32(w, 1);
    put_text(w, q->text);
    if (q->server->dialect.version == 3)
        put_text(w, q->text);
    reply_attrs(q, w);
}

void reply_names(struct sftp_request *q, struct writer *w)
{
    put_u32(w, (uint32_t)q->names.count);
    for (size_t i = 0; i < q->names.count; i++)
        name_put(w, &q->server->dialect, q->names.items[i], NULL);
    if (q->server->dialect.version >= 6 && q->at_end)
        put_bool(w, true);
}

void reply_vfs(struct sftp_request *q, struct writer *w)
{
    vfs_attrs_put(w, &q->vfs);
}

void reply_ranges(struct sftp_request *q, struct writer *w)
{
    put_u32(w, (uint32_t)q->got);
    for (size_t i = 0; i < q->got; i++) {
        put_u64(w, q->ranges[i].offset);
        put_u64(w, q->ranges[i].length);
    }
    put_bool(w, q->at_end);
}

void reply_limits(struct sftp_request *q, struct writer *w)
{
    put_u64(w, SERVER_PACKET_LEN);
    put_u64(w, SERVER_READ_LEN);
    put_u64(w, SERVER_READ_LEN);
    put_u64(w, q->server->handle_max);
}

static void put_list(struct writer *w, const struct texts *names)
{
    size_t mark = put_open(w);
    for (size_t i = 0; i < names->count; i++)
        put_text(w, names->items[i]);
    put_close(w, mark);
}

void reply_owners(struct sftp_request *q, struct writer *w)
{
    put_list(w, &q->users);
    put_list(w, &q->groups);
}
