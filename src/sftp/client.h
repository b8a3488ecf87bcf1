/* The SFTP client: a session on a channel or on two descriptors, and the requests that are under way on it.
 *
 *     client.c           life: start, end, and what is known of a session
 *     client_channel.c   on the channel of a connection; client_stream.c: on two descriptors
 *     client_request.c   requests and their replies
 *     client_call.c      requests that a task waits for
 *     client_paths.c     operations on paths; client_attrs.c: those on attributes
 *     client_dirs.c      directories; client_trees.c: making and removing whole ones
 *     client_file.c      open files; client_file_attrs.c: all of them but reading and writing
 *     blocks.c           moving the bytes of a file, many requests at a time
 *     transfer*.c        get, put, copy; glob.c: patterns
 *
 * A request is a struct of who made it; nothing is allocated for one. It is in the session's table from when it is sent
 * until its reply has come, or until its owner gives it up: then only its number stays there, because the reply will
 * still come. The end of the session answers all of them. */
#ifndef SSHIO_SFTP_CLIENT_H
#define SSHIO_SFTP_CLIENT_H

#include <sshio/sftp.h>

#include "base/error.h"
#include "base/list.h"
#include "base/pool.h"
#include "io/completion.h"
#include "session/chan.h"
#include "sftp/extensions.h"
#include "sftp/framer.h"
#include "sftp/messages.h"

#define CLIENT_REQUESTS_MAX 4096u      /* under way: then new ones wait; twice as many are possible */
#define CLIENT_REQUEST_LEN_MAX 262144u /* of all but the data of WRITE: OpenSSH ends the session above */
#define CLIENT_HANDLE_MAX 256u
#define CLIENT_BUFFER (256u * 1024)     /* of the pool that blocks of files are moved through */
#define CLIENT_HEAD_ROOM 320u           /* in front of a buffer: the fields of a WRITE with the longest handle */
#define CLIENT_QUEUE_HIGH (512u * 1024) /* bytes that wait to be sent: no further data is put there */

struct request;

/* The reply, without its type and id; or type 0: the session has ended, and client_error says why. The request is off
 * the table. */
typedef void (*request_fn)(struct request *rq, uint8_t type, struct reader *body);

struct request {
    uint32_t id;
    uint8_t type;   /* FXP_… */
    bool under_way; /* sent, and not answered */
    uint32_t asked; /* READ: so many bytes at most */
    request_fn replied;
    /* READ: where len bytes of data are put as they arrive; NULL = into the packet. May be NULL. */
    uint8_t *(*place)(struct request *rq, uint32_t len);
};

struct slot { /* of the table; its index is the end of the id */
    uint32_t id;
    uint8_t type;       /* FXP_…, 0 = free */
    struct request *rq; /* NULL = nobody wants the reply any more */
};

/* What carries a session's bytes. None waits but wait_closed. */
struct client_port {
    int (*write)(sshio_sftp *s, const void *data, size_t len); /* 0, ECLOSED, ENOMEM */
    bool (*is_full)(const sshio_sftp *s);                      /* enough waits to be sent */
    bool (*is_far)(const sshio_sftp *s);                       /* the way to the other side is long */
    void (*read_stop)(sshio_sftp *s);                          /* nothing more is taken, until … */
    void (*read_start)(sshio_sftp *s);
    void (*eof)(sshio_sftp *s);                 /* behind what was written */
    void (*close)(sshio_sftp *s, bool at_once); /* at_once: without what waits to be sent */
    int (*wait_closed)(sshio_sftp *s);
    void (*release)(sshio_sftp *s); /* the session is freed */
};

struct sshio_sftp {
    int refs;
    int user_refs;
    const struct client_port *port; /* NULL before it is open */
    void *carrier;                  /* of the port: the channel, or the stream */
    struct loop *loop;
    uint32_t quirks; /* of the other side, QUIRK_… */
    sshio_logger *logger;
    struct dialect dialect;
    uint32_t extensions; /* those requests that the server has: EXT_BIT */
    sshio_sftp_limits limits;
    bool lenient;          /* what errors say need not be UTF-8 */
    bool ready;            /* the versions are negotiated */
    bool exited;           /* sshio_sftp_exit was called */
    bool ended;            /* nothing is answered any more */
    bool symlink_reversed; /* the target goes first, where the drafts have the link */
    bool one_at_a_time;    /* with more files open this server mistakes them for each other */
    struct error error;    /* why it ended */
    struct request *hello; /* waits for FXP_VERSION */
    struct framer framer;
    struct writer out; /* the packet that is being made */
    struct slot *slots;
    uint32_t slot_count, slots_used;
    uint32_t next_id;
    struct request *placing;   /* whose data is arriving */
    struct waiters room;       /* for a place in the table */
    struct list blocked;       /* of struct writable, until the port takes more */
    struct pool buffers;       /* of CLIENT_BUFFER bytes */
    unsigned held;             /* buffers that wait for a disk: many of them stop the port */
    char *cwd;                 /* NULL = the server's */
    struct encoding *encoding; /* of paths; NULL = they are bytes */
};

/* ---- client.c ---- */
/* Without a port; one reference; NULL = out of memory. */
sshio_sftp *client_new(struct loop *loop, sshio_logger *logger);
void client_hold(sshio_sftp *s);
void client_release(sshio_sftp *s);
void client_fail(sshio_sftp *s, const struct error *e); /* ends the session */
void client_lose(sshio_sftp *s, const char *text);      /* likewise: ESFTP_CONNECTION_LOST */
void client_run_blocked(sshio_sftp *s);                 /* the port takes more */
/* Checks the options of a start, and makes a client for it. */
int client_prepare(const sshio_sftp_options *options, sshio_sftp_options *known, struct loop *loop,
                   sshio_logger *logger, sshio_sftp **s);
/* Waits: the greeting, on a port that is open. rc: 0, or why it is not. The client is handed over, or given up. */
int client_begin(sshio_sftp *s, const sshio_sftp_options *options, int rc, sshio_sftp **sftp);
int client_check_open(const sshio_sftp *s); /* 0, or ESFTP_NO_CONNECTION as the last error */

/* ---- client_request.c ---- */
/* Starts a packet: the fields go into what it returns. Nothing may wait until request_send. */
struct writer *request_begin(sshio_sftp *s, uint8_t type);
/* Sends it. Replied is called later, from the loop. ELIMIT: the table is full, wait for `room`; ESFTP_NO_CONNECTION,
 * ENOMEM; recorded in e. */
int request_send(sshio_sftp *s, struct request *rq, struct error *e);
/* The same with data behind the fields, which is free again when this returns. With has_room the fields are put into
 * the CLIENT_HEAD_ROOM bytes in front of the data, so that all of it can be sealed from where it lies. */
int request_send_data(sshio_sftp *s, struct request *rq, uint8_t *data, size_t len, bool has_room, struct error *e);
void request_send_and_forget(sshio_sftp *s);             /* its reply does not matter */
void request_abandon(sshio_sftp *s, struct request *rq); /* replied is not called any more; nothing if it was */
bool client_has_room(const sshio_sftp *s);
void client_received(sshio_sftp *s, struct span bytes);
void client_answer_all(sshio_sftp *s); /* the session has ended */

/* What a reply says: 0 when it is of the type wanted (STATUS: FX_OK); else the error, recorded in e, with what (a path,
 * or NULL) in front. */
int reply_check(sshio_sftp *s, uint8_t type, struct reader *body, uint8_t wanted, const char *what, struct error *e);
/* At the end of its fields: nothing failed, and nothing follows that the version does not allow. */
int reply_end(sshio_sftp *s, struct reader *body, const char *what, struct error *e);

/* Who has more to send and waits for the channel to take it. */
struct writable {
    struct list link;
    void (*run)(struct writable *w);
};
bool client_is_full(const sshio_sftp *s); /* enough waits in the channel */
void client_when_writable(sshio_sftp *s, struct writable *w);

/* Buffers of blocks, with their head room; NULL = out of memory. One that waits for a disk counts as held. */
uint8_t *client_take_buffer(sshio_sftp *s, size_t len);
void client_give_buffer(sshio_sftp *s, uint8_t *buffer, size_t len);
void client_hold_buffer(sshio_sftp *s);
void client_let_buffer_go(sshio_sftp *s);

/* ---- client_call.c: straight-line requests ---- */
struct call {
    struct request rq;
    sshio_sftp *sftp;
    struct completion completion;
    struct writer *w; /* the fields go here */
    const char *what; /* what errors name; NULL = nothing */
    uint8_t wanted;
    /* Reads the reply, in a callback; 0 or an error that is recorded in call->error. */
    int (*take)(struct call *call, struct reader *body);
    void *out;
    int rc; /* the first failure */
    struct error error;
};

/* Waits for a place in the table. Errors are kept until call_wait, so that fields may be put straight down. */
void call_begin(struct call *call, sshio_sftp *s, uint8_t type, const char *what);
void call_extended(struct call *call, sshio_sftp *s, enum sftp_extension extension, const char *what);
void call_path(struct call *call, const char *path);               /* composed with the working directory */
void call_text(struct call *call, const char *path);               /* as it is, but for the encoding */
void call_attrs(struct call *call, const sshio_sftp_attrs *attrs); /* NULL = none */
void call_handle(struct call *call, struct span handle);
/* Waits for the reply; the error is the last one. take NULL: the reply has no fields (STATUS). */
int call_wait(struct call *call, uint8_t wanted, int (*take)(struct call *call, struct reader *body), void *out);
int call_status(struct call *call);
int call_take_attrs(struct call *call, sshio_sftp_attrs **attrs);
int call_take_path(struct call *call, char **path); /* waits for a reply with one name (client_paths.c) */

/* The same path in the server's encoding, composed; freed by the caller. NULL = failed, as the last error. */
char *client_path(sshio_sftp *s, const char *path);
int client_text(sshio_sftp *s, const char *path, char **encoded); /* without the working directory */
/* A name of the server's as text; ESFTP_BAD_MESSAGE, ENOMEM. */
int client_decode(sshio_sftp *s, struct span name, char **text, struct error *e);

/* ---- client_paths.c, client_attrs.c ---- */
int client_take_name(sshio_sftp *s, struct reader *body, sshio_sftp_name **name, struct error *e);
int client_wait_vfs(struct call *call, sshio_sftp_vfs_attrs *attrs);
bool client_is_status(int rc); /* the server said so, of this one request */
int client_fail_v6(sshio_sftp *s, int code, const char *path, const char *text); /* FX_FAILURE before version 6 */
bool client_is_missing(int rc);                         /* … that there is no such thing that we could reach */
int client_times(const double times[2], int64_t ns[2]); /* NULL = now */
void client_now(int64_t ns[2]);
sshio_sftp_attrs client_attrs_of_times(const sshio_sftp *s, const int64_t ns[2]);

/* ---- handles and open files ---- */
struct handle {
    uint8_t bytes[CLIENT_HANDLE_MAX];
    size_t len;
};
struct sshio_sftp_file {
    int refs; /* one for the caller, and one for each call that is under way */
    sshio_sftp *sftp;
    char *path;
    struct handle handle;
    bool appends;
    bool has_position; /* else it is at the end, wherever that is */
    uint64_t position;
    bool is_text;       /* UTF-8 */
    int64_t block_size; /* as given */
    int max_requests;
};
void client_file_release(sshio_sftp_file *file);
int client_file_size(sshio_sftp_file *file, uint64_t *size); /* 0 where the server does not tell */

int take_handle(struct call *call, struct reader *body); /* out: struct handle */
/* flags are those of version 3, which later versions get as theirs. */
int client_open(sshio_sftp *s, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs, struct handle *handle);
struct span handle_span(const struct handle *handle);
int client_close(sshio_sftp *s, const struct handle *handle, const char *what);
void client_close_later(sshio_sftp *s, const struct handle *handle); /* does not wait, and nobody hears of an error */
int client_fstat(sshio_sftp *s, const struct handle *handle, const char *what, sshio_sftp_attrs **attrs);
int client_fsetstat(sshio_sftp *s, const struct handle *handle, const char *what, const sshio_sftp_attrs *attrs);
int client_fsync(sshio_sftp *s, const struct handle *handle, const char *what);
int client_copy_data(sshio_sftp *s, const struct handle *from, uint64_t offset, uint64_t len, const struct handle *to,
                     uint64_t to_offset, const char *what);

struct range { /* of data in a file with holes */
    uint64_t offset, len;
};
struct ranges { /* owned */
    size_t count;
    struct range *items;
    bool at_end; /* nothing follows them */
};
void ranges_done(struct ranges *ranges);
/* Batches: none where the file ends. SSHIO_ESFTP_OP_UNSUPPORTED where the server cannot tell. */
int client_ranges(sshio_sftp *s, const struct handle *handle, uint64_t offset, uint64_t len, const char *what,
                  struct ranges *ranges);

#endif
