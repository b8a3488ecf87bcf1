/* sshio/client.h: the handlers of a client (SSHClient) and the functions that start clients. */
#ifndef SSHIO_CLIENT_H
#define SSHIO_CLIENT_H
#include "base.h"
#include "key.h"
#include "options.h"
SSHIO_BEGIN

/* What happens on a client's connection. NULL takes the default. First connection_made, last connection_lost, once
 * each. A negative result closes the connection. */
typedef struct sshio_client_handlers {
    void (*connection_made)(sshio_conn *conn,
                            void *user); /* callback; before our version line; sshio_conn_set_user here */
    void (*connection_lost)(sshio_conn *conn, const sshio_error *error, void *user); /* callback; error NULL = clean */
    void (*debug_msg_received)(sshio_conn *conn, const char *msg, const char *lang, bool always_display,
                               void *user); /* callback */
    /* Task; asked for a key that is neither known nor revoked; addr "" = not known. Only "is this key trusted?":
     * possession is proved afterwards. Default 0. */
    int (*validate_host_public_key)(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key,
                                    void *user);
    void (*begin_auth)(sshio_conn *conn, const char *username, void *user); /* callback */
    void (*auth_banner_received)(sshio_conn *conn, const char *msg, const char *lang,
                                 void *user);             /* callback; untrusted text */
    void (*auth_completed)(sshio_conn *conn, void *user); /* callback */
    /* The questions of authentication, all task. Each is asked again after its answer was refused, until it says 0. */
    int (*public_key_auth_requested)(sshio_conn *conn, sshio_request *req,
                                     void *user); /* after .client_keys; sshio_answer_keys, 0 = no more */
    int (*password_auth_requested)(sshio_conn *conn, sshio_request *req,
                                   void *user); /* sshio_answer_text, 0 = no more */
    /* The server wants a new password: sshio_answer_passwords, 0 or SSHIO_DEFAULT = no. prompt is untrusted text. */
    int (*password_change_requested)(sshio_conn *conn, const char *prompt, const char *lang, sshio_request *req,
                                     void *user);
    void (*password_changed)(sshio_conn *conn, void *user);       /* callback; the server took the new password */
    void (*password_change_failed)(sshio_conn *conn, void *user); /* callback; it did not, and may ask again */
    /* sshio_answer_text with submethods ("" = as the server likes), 0 = not this method. SSHIO_DEFAULT and NULL: the
     * password of the options is the answer to a single prompt for one, once, unless .password_auth is off. */
    int (*kbdint_auth_requested)(sshio_conn *conn, sshio_request *req, void *user);
    /* sshio_answer_texts, one text a prompt, also when there is none; 0 = give up; SSHIO_DEFAULT as above. All texts
     * are untrusted, and borrowed until the handler returns. */
    int (*kbdint_challenge_received)(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                                     const sshio_prompt *prompts, size_t count, sshio_request *req, void *user);
    void (*reserved[8])(void);
} sshio_client_handlers;

/* Connects to host (name, address; "" with .sock), logs in, and hands the open connection out; sshio_conn_unref gives
 * it back. Waits; failing or cancelled it leaves nothing open. EHOST_KEY_NOT_VERIFIABLE, EPERMISSION_DENIED,
 * SSHIO_E_DISCONNECT, ESYSTEM, ERESOLVE, ETIMEDOUT, and for the options EINVAL, SSHIO_E_KEY before anything is opened.
 * Reference: connect. */
SSHIO_API int sshio_connect(const char *host, const sshio_client_options *options, sshio_conn **conn);
/* As sshio_connect, with handlers, which win over .handlers and .user. handlers NULL = none. Reference:
 * create_connection. */
SSHIO_API int sshio_create_connection(const sshio_client_handlers *handlers, void *user, const char *host,
                                      const sshio_client_options *options, sshio_conn **conn);
/* As sshio_connect, on a connected stream socket, which it takes over (also when it fails). Reference: run_client. */
SSHIO_API int sshio_run_client(int sock, const sshio_client_options *options, sshio_conn **conn);
/* Asks a server for its host key, whether it is known or not, and hangs up: the key that it proved, owned by the
 * caller. Says no user name and asks for no service. Waits; errors as sshio_connect. Reference: get_server_host_key. */
SSHIO_API int sshio_get_server_host_key(const char *host, const sshio_client_options *options, sshio_key **key);
/* Asks a server which methods it takes for a user, and hangs up: its list, or "none" alone when it lets the user in
 * without a login. Waits; errors as sshio_connect. Reference: get_server_auth_methods. */
SSHIO_API int sshio_get_server_auth_methods(const char *host, const sshio_client_options *options,
                                            sshio_texts *methods);

SSHIO_END
#endif
