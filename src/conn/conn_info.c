/* What can be asked of a connection, and the small things that can be sent on it. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "conn/conn.h"
#include "io/last_error.h"

#define DEBUG_MAX_LEN (32u * 1024) /* every peer takes such a packet (RFC 4253 6.1) */

void sshio_conn_set_user(sshio_conn *conn, void *user)
{
    conn->user = user;
}

void *sshio_conn_user(const sshio_conn *conn)
{
    return conn->user;
}

sshio_logger *sshio_conn_logger(const sshio_conn *conn)
{
    return conn->logger;
}

const char *sshio_conn_username(const sshio_conn *conn)
{
    return conn->authenticated ? conn->username : NULL;
}

const sshio_address *sshio_conn_peername(const sshio_conn *conn)
{
    return &conn->peer;
}

const sshio_address *sshio_conn_sockname(const sshio_conn *conn)
{
    return &conn->local;
}

const sshio_error *sshio_conn_error(const sshio_conn *conn)
{
    return error_code(&conn->error) != 0 ? &conn->error.pub : NULL;
}

bool sshio_conn_is_closed(const sshio_conn *conn)
{
    return conn->state == CONN_CLOSED;
}

sshio_key *sshio_conn_get_server_host_key(const sshio_conn *conn)
{
    return conn->host_key;
}

int sshio_conn_get_server_auth_methods(const sshio_conn *conn, sshio_texts *methods)
{
    struct texts list = { 0 };
    struct span rest = span_of(conn->auth_methods), name;
    bool complete = true;
    if (conn->server)
        return fail(SSHIO_EINVAL, "sshio_conn_get_server_auth_methods: not a client's connection");
    if (conn->auth_methods == NULL && conn->authenticated)
        rest = span_of("none");
    while (complete && name_list_next(&rest, &name))
        complete = texts_add_len(&list, (const char *)name.data, name.len);
    if (complete && list.items == NULL)
        list.items = mem_array(1, sizeof *list.items);
    if (!complete || list.items == NULL) {
        texts_done(&list);
        return fail_nomem();
    }
    *methods = (sshio_texts){ list.count, list.items };
    return 0;
}

/* ---- extra info: rows of names, and what the application stored ---- */

enum info {
    INFO_HOST,
    INFO_PORT,
    INFO_USERNAME,
    INFO_CLIENT_VERSION,
    INFO_SERVER_VERSION,
    INFO_SEND_CIPHER,
    INFO_RECV_CIPHER,
    INFO_SEND_MAC,
    INFO_RECV_MAC,
    INFO_SEND_COMPRESSION,
    INFO_RECV_COMPRESSION,
    INFO_KEX_ALG,
    INFO_HOST_KEY_ALG,
    INFO_PEERNAME,
    INFO_SOCKNAME,
    INFO_STRICT_KEX,
    INFO_SESSION_ID,
    INFO_SERVER_HOST_KEY,
    INFO_COUNT
};

static const char *const info_names[INFO_COUNT] = {
    [INFO_HOST] = "host",
    [INFO_PORT] = "port",
    [INFO_USERNAME] = "username",
    [INFO_CLIENT_VERSION] = "client_version",
    [INFO_SERVER_VERSION] = "server_version",
    [INFO_SEND_CIPHER] = "send_cipher",
    [INFO_RECV_CIPHER] = "recv_cipher",
    [INFO_SEND_MAC] = "send_mac",
    [INFO_RECV_MAC] = "recv_mac",
    [INFO_SEND_COMPRESSION] = "send_compression",
    [INFO_RECV_COMPRESSION] = "recv_compression",
    [INFO_KEX_ALG] = "kex_alg",
    [INFO_HOST_KEY_ALG] = "host_key_alg",
    [INFO_PEERNAME] = "peername",
    [INFO_SOCKNAME] = "sockname",
    [INFO_STRICT_KEX] = "strict_kex",
    [INFO_SESSION_ID] = "session_id",
    [INFO_SERVER_HOST_KEY] = "server_host_key",
};

/* Texts that are put together live until the next question on this thread. */
static _Thread_local char made_text[320];

const char *conn_address_text(const sshio_address *address)
{
    if (address->host == NULL || address->host[0] == '\0')
        return NULL;
    if (address->port == 0)
        return address->host;
    bool ipv6 = strchr(address->host, ':') != NULL;
    snprintf(made_text, sizeof made_text, "%s%s%s:%d", ipv6 ? "[" : "", address->host, ipv6 ? "]" : "", address->port);
    return made_text;
}

static const char *port_text(const sshio_conn *conn)
{
    if (conn->host == NULL)
        return NULL;
    snprintf(made_text, sizeof made_text, "%d", conn->port);
    return made_text;
}

static const char *version_text(const sshio_conn *conn, bool of_server)
{
    return of_server == conn->server ? engine_own_version(conn->engine) : engine_peer_version(conn->engine);
}

static const char *session_id_text(const sshio_conn *conn)
{
    struct span id = engine_session_id(conn->engine);
    for (size_t i = 0; i < id.len && 2 * i + 2 < sizeof made_text; i++)
        snprintf(made_text + 2 * i, 3, "%02x", id.data[i]);
    return id.len != 0 ? made_text : NULL;
}

/* The fingerprint: the key itself is there to be asked for more. */
static const char *host_key_text(const sshio_conn *conn)
{
    char *fingerprint = NULL;
    if (conn->host_key == NULL || sshio_key_get_fingerprint(conn->host_key, NULL, &fingerprint) != 0)
        return NULL;
    snprintf(made_text, sizeof made_text, "%s", fingerprint);
    sshio_free(fingerprint);
    return made_text;
}

static const char *info_text(const sshio_conn *conn, enum info which)
{
    struct engine_algorithms algs;
    engine_algorithms(conn->engine, &algs);
    switch (which) {
    case INFO_HOST:
        return conn->host;
    case INFO_PORT:
        return port_text(conn);
    case INFO_USERNAME:
        return sshio_conn_username(conn);
    case INFO_CLIENT_VERSION:
        return version_text(conn, false);
    case INFO_SERVER_VERSION:
        return version_text(conn, true);
    case INFO_SEND_CIPHER:
        return algs.send_cipher;
    case INFO_RECV_CIPHER:
        return algs.recv_cipher;
    case INFO_SEND_MAC:
        return algs.send_mac;
    case INFO_RECV_MAC:
        return algs.recv_mac;
    case INFO_SEND_COMPRESSION:
        return algs.send_compression;
    case INFO_RECV_COMPRESSION:
        return algs.recv_compression;
    case INFO_KEX_ALG:
        return algs.kex;
    case INFO_HOST_KEY_ALG:
        return algs.host_key;
    case INFO_PEERNAME:
        return conn_address_text(&conn->peer);
    case INFO_SOCKNAME:
        return conn_address_text(&conn->local);
    case INFO_STRICT_KEX:
        return engine_strict_kex(conn->engine) ? "yes" : "no";
    case INFO_SESSION_ID:
        return session_id_text(conn);
    case INFO_SERVER_HOST_KEY:
        return host_key_text(conn);
    case INFO_COUNT:
        break;
    }
    return NULL;
}

const char *sshio_conn_get_extra_info(const sshio_conn *conn, const char *name, const char *def)
{
    const char *stored = texts_value(&conn->extra, name);
    if (stored != NULL)
        return stored;
    for (int i = 0; conn->state != CONN_CLOSED && i < INFO_COUNT; i++) {
        if (strcmp(info_names[i], name) != 0)
            continue;
        const char *text = info_text(conn, (enum info)i);
        return text != NULL && text[0] != '\0' ? text : def;
    }
    return def;
}

int extra_info_set(struct texts *extra, const char *name, const char *value)
{
    if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
        return fail(SSHIO_EINVAL, "name of extra info is empty or holds '=': %s", name != NULL ? name : "");
    if (value == NULL)
        texts_unset(extra, name);
    else if (!texts_set(extra, name, strlen(name), value, strlen(value)))
        return fail_nomem();
    return 0;
}

int sshio_conn_set_extra_info(sshio_conn *conn, const char *name, const char *value)
{
    return extra_info_set(&conn->extra, name, value);
}

/* ---- small things to send ---- */

int sshio_conn_send_debug(sshio_conn *conn, const char *msg, const char *lang, bool always_display)
{
    if (msg == NULL || strlen(msg) > DEBUG_MAX_LEN)
        return fail(SSHIO_EINVAL, "sshio_conn_send_debug: no message, or one of more than %u bytes", DEBUG_MAX_LEN);
    if (engine_ended(conn->engine))
        return fail(SSHIO_ECLOSED, "connection is closed");
    engine_send_debug(conn->engine, always_display, msg, lang != NULL ? lang : "en-US");
    return 0;
}

int sshio_conn_rekey(sshio_conn *conn)
{
    if (!conn_is_open(conn))
        return fail(SSHIO_ECLOSED, "connection is not open");
    engine_rekey(conn->engine);
    return 0;
}

int sshio_conn_set_keepalive(sshio_conn *conn, double interval, int count_max)
{
    uint32_t interval_ms, questions, wanted_ms;
    if (engine_ended(conn->engine))
        return fail(SSHIO_ECLOSED, "connection is closed");
    int rc = settings_keepalive_ms(interval, &wanted_ms, last_error());
    if (rc != 0)
        return rc;
    if (count_max < -1)
        return fail(SSHIO_EINVAL, "Keepalive count cannot be negative: %d", count_max);
    engine_keepalive(conn->engine, &interval_ms, &questions);
    engine_set_keepalive(conn->engine, interval != 0 ? wanted_ms : interval_ms,
                         count_max >= 0 ? (uint32_t)count_max : questions);
    loop_defer(conn->loop, &conn->after); /* which sets the timer */
    return 0;
}

int sshio_conn_send_auth_banner(sshio_conn *conn, const char *msg, const char *lang)
{
    if (!conn->server)
        return fail(SSHIO_EINVAL, "only servers send banners");
    if (conn->authenticated || engine_ended(conn->engine))
        return fail(SSHIO_ECLOSED, "authentication is over: no banner can be sent");
    engine_auth_banner(conn->engine, msg, lang != NULL ? lang : "en-US");
    return 0;
}
