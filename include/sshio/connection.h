/* sshio/connection.h: connections. SSHClientConnection and SSHServerConnection are one type; (c), (s) = on client,
 * server connections only, else SSHIO_EINVAL. Methods of the reference that open or start something keep their bare
 * name (sshio_open_session); the others have the prefix sshio_conn_. */
#ifndef SSHIO_CONNECTION_H
#define SSHIO_CONNECTION_H
#include "base.h"
#include "channel.h"
#include "client.h"
#include "process.h"
#include "server.h"
SSHIO_BEGIN

/* general */
SSHIO_API sshio_conn *sshio_conn_ref(sshio_conn *conn);
SSHIO_API void sshio_conn_unref(sshio_conn *conn);                /* the last one closes; takes NULL */
SSHIO_API void sshio_conn_set_user(sshio_conn *conn, void *user); /* what its handlers get from now on */
SSHIO_API void *sshio_conn_user(const sshio_conn *conn);
SSHIO_API sshio_logger *sshio_conn_logger(const sshio_conn *conn); /* borrowed */
/* Text about the connection, borrowed; def when there is none. Names: host port username client_version server_version
 * send_cipher recv_cipher send_mac recv_mac send_compression recv_compression kex_alg host_key_alg peername sockname
 * strict_kex session_id (in hex) server_host_key (its fingerprint, on clients), and what set_extra_info stored, which
 * wins, and which alone is left when the connection is closed. */
SSHIO_API const char *sshio_conn_get_extra_info(const sshio_conn *conn, const char *name, const char *def);
SSHIO_API int sshio_conn_set_extra_info(sshio_conn *conn, const char *name,
                                        const char *value);                 /* copied; NULL removes */
SSHIO_API const char *sshio_conn_username(const sshio_conn *conn);          /* borrowed; NULL before authentication */
SSHIO_API const sshio_address *sshio_conn_peername(const sshio_conn *conn); /* borrowed; host "" when not known */
SSHIO_API const sshio_address *sshio_conn_sockname(const sshio_conn *conn); /* borrowed */
SSHIO_API const sshio_error *sshio_conn_error(const sshio_conn *conn);      /* why it ended; NULL = open or clean */
SSHIO_API int sshio_conn_send_debug(sshio_conn *conn, const char *msg, const char *lang,
                                    bool always_display); /* lang NULL = "en-US"; at most 32 KiB; EINVAL, ECLOSED */
SSHIO_API int sshio_conn_rekey(sshio_conn *conn);         /* starts a key exchange; does not wait; ECLOSED */
/* Changes how a silent peer is asked whether it is still there: after interval seconds of silence, again and again,
 * until more than count_max requests stayed unanswered; then the connection ends with SSHIO_ECONNECTION_LOST. interval
 * 0 and count_max -1 leave what was set; SSHIO_NEVER switches it off. Does not wait. EINVAL, ECLOSED. Reference:
 * SSHConnection.set_keepalive. */
SSHIO_API int sshio_conn_set_keepalive(sshio_conn *conn, double interval, int count_max);
SSHIO_API bool sshio_conn_is_closed(const sshio_conn *conn);
/* (c) what the server takes, as it said last; "none" alone when it demanded nothing */
SSHIO_API int sshio_conn_get_server_auth_methods(const sshio_conn *conn, sshio_texts *methods);
SSHIO_API sshio_key *sshio_conn_get_server_host_key(const sshio_conn *conn); /* (c) borrowed; NULL = not yet known */

/* closing: none waits but wait_closed; each may be repeated, in any state and from any handler */
SSHIO_API void sshio_conn_abort(sshio_conn *conn); /* drops what is queued */
SSHIO_API void sshio_conn_close(sshio_conn *conn); /* flushes, "Disconnected by application" */
SSHIO_API void sshio_conn_disconnect(sshio_conn *conn, uint32_t code, const char *reason,
                                     const char *lang); /* SSHIO_DISC_… */
SSHIO_API int sshio_conn_wait_closed(sshio_conn *conn); /* waits */

/* sessions (c): all wait; ECHANNEL_OPEN */
SSHIO_API int sshio_create_session(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                                   const sshio_session_options *options, sshio_chan **chan);
SSHIO_API int sshio_open_session(sshio_conn *conn, const sshio_session_options *options, sshio_writer **in,
                                 sshio_reader **out, sshio_reader **err);
SSHIO_API int sshio_create_process(sshio_conn *conn, const sshio_session_options *options,
                                   sshio_client_process **process);
/* Waits. Starts a program whose output goes to handlers; .encoding is not taken from the connection: default bytes. The
 * transport is the caller's. Errors as sshio_create_process. */
SSHIO_API int sshio_create_subprocess(sshio_conn *conn, const sshio_subprocess_handlers *handlers, void *user,
                                      const sshio_session_options *options, sshio_client_process **transport);
SSHIO_API int sshio_run(sshio_conn *conn, const sshio_session_options *options,
                        sshio_result **result); /* EPROCESS, EPROCESS_TIMEOUT: result in the error */

/* TCP channels (c): the server connects to remote_host. Both wait; ECHANNEL_OPEN, EINVAL. A channel of handlers starts
 * at once; when both sides have sent EOF it closes. Reference: create_connection, open_connection. */
SSHIO_API int sshio_conn_create_connection(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                                           const char *remote_host, int remote_port,
                                           const sshio_channel_options *options, sshio_chan **chan);
SSHIO_API int sshio_open_connection(sshio_conn *conn, const char *remote_host, int remote_port,
                                    const sshio_channel_options *options, sshio_reader **reader, sshio_writer **writer);

/* SSH inside SSH (c): sshio_connect and sshio_create_connection with this connection as .tunnel, whatever the options
 * say of the way. Both wait. Reference: connect_ssh, create_ssh_connection. */
SSHIO_API int sshio_connect_ssh(sshio_conn *conn, const char *host, const sshio_client_options *options,
                                sshio_conn **inner);
SSHIO_API int sshio_create_ssh_connection(sshio_conn *conn, const sshio_client_handlers *handlers, void *user,
                                          const char *host, const sshio_client_options *options, sshio_conn **inner);

/* authentication (s) */
SSHIO_API int sshio_conn_send_auth_banner(sshio_conn *conn, const char *msg,
                                          const char *lang); /* ECLOSED once authenticated */
/* Waits. For begin_auth: the keys that the user may log in with, in the place of .authorized_keys; until another user
 * name is tried. SSHIO_EINVAL, SSHIO_ESYSTEM: a file that cannot be read; then nothing has changed. Reference:
 * set_authorized_keys. */
SSHIO_API int sshio_conn_set_authorized_keys(sshio_conn *conn, const sshio_source *keys);

/* Prepared channels (s), to be given to sshio_accept_…: for options of this one alone, and to know it before it is
 * open. The first is for sessions. What is not used is unref'd. SSHIO_EINVAL: not a server's connection, an encoding
 * that is not known; SSHIO_ENOMEM. Reference: create_server_channel, create_tcp_channel. */
SSHIO_API int sshio_create_server_channel(sshio_conn *conn, const sshio_channel_options *options, sshio_chan **chan);
SSHIO_API int sshio_create_tcp_channel(sshio_conn *conn, const sshio_channel_options *options, sshio_chan **chan);

SSHIO_END
#endif
