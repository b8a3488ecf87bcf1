/* sshio/server.h: the handlers of a server (SSHServer), how they answer, and the functions that start servers. */
#ifndef SSHIO_SERVER_H
#define SSHIO_SERVER_H
#include "base.h"
#include "key.h"
#include "options.h"
#include "session.h"
#include "stream.h"
SSHIO_BEGIN

/* What happens on a server's connection. NULL takes the default, which refuses. Questions answer 1 or 0. A negative
 * result of a question closes the connection, but that of sshio_raise_channel_open refuses just that request, and that
 * of sshio_raise_password_change_required asks for a new password. User names and passwords come as SASLprep leaves
 * them (RFC 4013). A handler that begins while the connection ends is cancelled: what it waits for fails. The
 * _supported are asked when the method is requested, and whenever a client is told what it may use. */
typedef struct sshio_server_handlers {
    void (*connection_made)(sshio_conn *conn, void *user); /* callback; sshio_conn_set_user here */
    void (*connection_lost)(sshio_conn *conn, const sshio_error *error, void *user); /* callback; error NULL = clean */
    void (*debug_msg_received)(sshio_conn *conn, const char *msg, const char *lang, bool always_display,
                               void *user); /* callback */
    int (*begin_auth)(sshio_conn *conn, const char *username,
                      void *user); /* task; for each new user name; 0 = must log in, SSHIO_ACCEPT = let in WITHOUT a
                                      login, also when .required_auth_methods wants one */
    void (*auth_completed)(sshio_conn *conn, void *user);           /* task; messages wait for it */
    int (*public_key_auth_supported)(sshio_conn *conn, void *user); /* callback */
    int (*validate_public_key)(sshio_conn *conn, const char *username, sshio_key *key,
                               void *user);                       /* task; for keys that are not authorized */
    int (*password_auth_supported)(sshio_conn *conn, void *user); /* callback */
    int (*validate_password)(sshio_conn *conn, const char *username, const char *password, void *user); /* task */
    int (*change_password)(sshio_conn *conn, const char *username, const char *old_password, const char *new_password,
                           void *user); /* task; a client sends both; 1 = changed, and logged in */
    /* callback; default SSHIO_DEFAULT: one prompt for the password, answered to validate_password, while
     * .password_auth is on and password_auth_supported says yes */
    int (*kbdint_auth_supported)(sshio_conn *conn, void *user);
    /* task; 1 = let in, 0 = refuse, sshio_answer_challenge = ask this. submethods are the client's wish, a comma list,
     * or the device that .required_auth_methods names. */
    int (*get_kbdint_challenge)(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                                sshio_request *req, void *user);
    /* task; as above: a further challenge makes another round, at most 64. There is an answer to each prompt. */
    int (*validate_kbdint_response)(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                                    sshio_request *req, void *user);
    int (*session_requested)(sshio_conn *conn, sshio_request *req,
                             void *user); /* task; sshio_accept_… ; not asked
                                             when .process_handler or .session_handler is set */
    /* task; a client wants a connection from here to dest (direct-tcpip), on behalf of orig, both as it says; 1 =
     * connect and forward, 0 = refuse, or sshio_accept_… */
    int (*connection_requested)(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user);
    void (*reserved[8])(void);
} sshio_server_handlers;

/* Answer session_requested, and the first also connection_requested: with handlers, with a task for the three streams,
 * or with one for the process. Returns SSHIO_ANSWERED, which the handler returns. chan is a channel that
 * sshio_create_server_channel or sshio_create_tcp_channel has prepared, which is taken over, also when it fails; or
 * NULL. A TCP channel has just data: it starts at once. SSHIO_EINVAL: another question, or one that was answered, or a
 * chan that is not for it; SSHIO_ENOMEM. */
SSHIO_API int sshio_accept_session(sshio_request *req, const sshio_session_handlers *handlers, void *user,
                                   sshio_chan *chan);
SSHIO_API int sshio_accept_session_streams(sshio_request *req, sshio_session_fn handler, void *user, sshio_chan *chan);
SSHIO_API int sshio_accept_process(sshio_request *req, sshio_process_fn handler, void *user, sshio_chan *chan);

/* Answers connection_requested with a task for the two streams. Returns SSHIO_ANSWERED. chan is as of
 * sshio_accept_session. Errors as sshio_accept_session. */
SSHIO_API int sshio_accept_streams(sshio_request *req, sshio_stream_fn handler, void *user, sshio_chan *chan);
/* Answers connection_requested with a connection to somewhere else, which is forwarded. Returns what the handler
 * returns. SSHIO_EINVAL: another question, no host, a port that is none; SSHIO_ENOMEM. */
SSHIO_API int sshio_accept_forward_connection(sshio_request *req, const char *host, int port);

/* Answers session_requested or connection_requested by asking for the same over upstream, a client's connection of this
 * thread, which is held as by a user until it is over. Both are joined: data, EOF, signals, breaks, terminal sizes, and
 * how the program ends. Waits until a connection is open there. A session for which no program starts there ends with
 * status 255 and the reason on stderr. Returns SSHIO_ANSWERED. SSHIO_ECHANNEL_OPEN: refused there; the handler returns
 * it, so that the client hears the same code and reason. SSHIO_EINVAL: another question, or an upstream that is none;
 * SSHIO_ENOMEM. */
SSHIO_API int sshio_accept_relay(sshio_request *req, sshio_conn *upstream);

/* Listens on host ("" = all addresses) and port (0 = any free one, SSHIO_PORT_DEFAULT = 22) and serves until the
 * listener is closed. Waits (reads keys, resolves); failing it leaves nothing open. EINVAL (no host key, bad option),
 * SSHIO_E_KEY, ESYSTEM, ERESOLVE, ETIMEDOUT. Reference: listen. */
SSHIO_API int sshio_listen(const char *host, int port, const sshio_server_options *options, sshio_listener **listener);
/* As sshio_listen, with handlers, which win over .handlers and .user. Reference: create_server. */
SSHIO_API int sshio_create_server(const sshio_server_handlers *handlers, void *user, const char *host, int port,
                                  const sshio_server_options *options, sshio_listener **listener);
/* Serves one connected stream socket, which it takes over (also when it fails); done when the peer has logged in.
 * Waits. Errors as sshio_listen, and why the connection ended. Reference: run_server. */
SSHIO_API int sshio_run_server(int sock, const sshio_server_options *options, sshio_conn **conn);

/* What accepts connections. Listeners run until closed, whoever holds them; accepted connections as well. Reference:
 * SSHAcceptor. */
SSHIO_API sshio_listener *sshio_listener_ref(sshio_listener *listener);
SSHIO_API void sshio_listener_unref(sshio_listener *listener); /* takes NULL; does not close */
SSHIO_API int sshio_listener_get_port(
    const sshio_listener *listener); /* returns the port that all addresses share, else 0 */
SSHIO_API int sshio_listener_get_addresses(const sshio_listener *listener,
                                           sshio_addresses *addresses); /* freed with sshio_addresses_free */
SSHIO_API void sshio_listener_close(sshio_listener *listener); /* stops accepting; does not wait; may be repeated */
SSHIO_API int sshio_listener_wait_closed(
    sshio_listener *listener); /* waits until it has closed, not for accepted connections */

SSHIO_END
#endif
