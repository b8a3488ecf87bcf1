/* The parts of sshio sshd.
 *
 * A service is what one reading of the configuration gave. Connections keep the service that they began with, so that
 * SIGHUP changes nothing for those that are there. A client is our record of one connection; it lives until the
 * connection is lost and the last task that works for it has returned. */
#ifndef SSHIO_TOOLS_SSHD_H
#define SSHIO_TOOLS_SSHD_H

#include <stdatomic.h>
#include <stdbool.h>

#include <sshio.h>

#include "files.h"
#include "options.h"
#include "penalties.h"
#include "sftp_server.h"

struct sshd_settings { /* of the command line */
    int in_foreground;
    int log_to_stderr;
    int debug; /* -d: one connection, in the foreground */
    int verbose;
    int only_test;
    int show_config;
    int show_parsed;
    int on_stdin;
    const char *config_file;
    const char *log_file;
};

struct service {
    int refs;
    struct server *server;
    sshio_config *config;
    sshio_keyref *host_keys; /* ended by an empty one */
    char *banner;            /* NULL = none */
    const char *forced;      /* command that runs whatever is asked for; NULL = none */
    char *root;              /* root directory of sessions; NULL = ours */
    bool serves_sftp;        /* by ourselves */
    struct sftp_arguments sftp;
    bool takes_keys;
    bool takes_passwords; /* they are wanted, and can be checked */
    bool penalises;
    struct penalty_rules penalty_rules;
};

struct client {
    int refs;
    struct service *service;
    sshio_conn *conn; /* NULL = lost */
    bool let_in;
    bool has_failed; /* it tried to log in, and was refused */
    struct client *next, **link;
};

struct server {
    struct account account;
    struct sshd_settings settings;
    struct config_lines lines;
    struct service *service; /* of new connections */
    struct penalties *penalties;
    struct client *clients; /* those that are not lost */
    bool had_client;
    bool draining; /* no new connections; ends with the last one */

    sshio_listener **listeners; /* ended by NULL */
    sshio_event *woken;         /* a signal came, or the last connection has gone */
    atomic_uint signals;        /* those that came, as bits */
};

/* The service of the configuration as it is now; NULL = it cannot be used, and all is said. */
struct service *service_load(struct server *server);
struct service *service_ref(struct service *service);
void service_unref(struct service *service);

struct client *client_ref(struct client *client);
void client_unref(struct client *client);

/* sshd_login.c */
/* %h is the home directory, %u the user, %U its number, %% a percent sign; a name that is not absolute is one in the
 * home directory. The account is our own, so nothing of this comes from a peer. NULL = out of memory or an unknown
 * token. */
char *login_expand_tokens(const struct account *account, const char *name);
bool login_prepare(struct service *service); /* false = nobody could ever log in, and all is said */
int login_begin(sshio_conn *conn, const char *username, void *user);
int login_takes_keys(sshio_conn *conn, void *user);
int login_refuse_key(sshio_conn *conn, const char *username, sshio_key *key, void *user);
int login_takes_passwords(sshio_conn *conn, void *user);
int login_check_password(sshio_conn *conn, const char *username, const char *password, void *user);
int login_ask_password(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                       sshio_request *req, void *user);
int login_check_answer(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                       sshio_request *req, void *user);

/* sshd_session.c */
bool session_prepare(struct service *service); /* false = a subsystem that cannot be served, and all is said */
void session_handle(sshio_process *process, void *user);
int session_serve_sftp(sshio_chan *chan, sshio_request *req, void *user);
int session_forward(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                    sshio_request *req, void *user);

/* sshd_root.c */
bool root_prepare(struct service *service); /* false = it is no directory, and all is said */
/* Why the root directory cannot be that of a program, as text that the log has; NULL = it can. */
const char *root_refusal(const struct service *service);
/* Where a session begins, in the root directory if there is one. */
const char *root_home(const struct service *service);

/* sshd_serve.c: both return the exit status. ready: a descriptor that gets one byte when we listen, -1 = none. */
int serve_listening(struct server *server, int ready);
int serve_stdin(struct server *server);

#endif
