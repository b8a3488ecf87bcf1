/* An SFTP session, the server's side.
 *
 *     server.c            life, packets in and out, the end
 *     server_hello.c      FXP_INIT, FXP_VERSION, and choosing another version
 *     server_requests.c   the table of requests, and from packets to requests;  server_parse.c: how each is read
 *     server_schedule.c   which request may be worked on while others are not done yet
 *     server_run.c        working on one: at once, on a worker, or in a task where there are handlers
 *     server_work.c       what each does in the local file system;  server_accounts.c: what it tells of accounts
 *     server_ask.c        what each asks the application's handlers
 *     server_extras.c     requests that few know: checksums, free space, copies by name
 *     server_listing.c    directories that a handler lists
 *     server_replies.c    the answers
 *     server_handles.c    open files and directories
 *     server_answers.c    sshio_answer_… of the handlers' questions
 *     server_api.c        the public side: what happens without a handler
 *     server_channel.c    sessions on a channel;  server_stream.c: on two descriptors
 *
 * A session belongs to its loop's thread. What runs on a worker touches the request that it is given, what that names,
 * and the struct local; the rest of the session it leaves alone. Requests stand in the order in which they came until
 * they are answered. Reading stops while too many stand there, and working stops while the port takes no more replies,
 * so that a peer who does not read its replies is not read any more either.
 *
 *     hello     FXP_INIT is awaited
 *     open      requests are served
 *     ending    the client has nothing more to say: what is there is still answered
 *     ended     nothing is answered any more; what runs is waited for
 *     cleaned   files are closed and the exit handler was called */
#ifndef SSHIO_SFTP_SERVER_H
#define SSHIO_SFTP_SERVER_H

#include <sshio/sftp.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/texts.h"
#include "io/completion.h"
#include "io/loop.h"
#include "sftp/extensions.h"
#include "sftp/framer.h"
#include "sftp/local.h"
#include "sftp/messages.h"

#define SERVER_PACKET_LEN 262144u /* what is announced, as OpenSSH does */
#define SERVER_READ_LEN 261120u
#define SERVER_DATA_HEAD 13u                  /* length, type, id and data length */
#define SERVER_BLOCK_LEN (256u * 1024 + 1024) /* of the blocks that requests and replies lie in */
#define SERVER_ACCESS                                                                                                  \
    (uint32_t)(SSHIO_ACE4_READ_DATA | SSHIO_ACE4_WRITE_DATA | SSHIO_ACE4_APPEND_DATA | SSHIO_ACE4_READ_ATTRIBUTES |    \
               SSHIO_ACE4_WRITE_ATTRIBUTES)
#define SERVER_BATCH 256u /* names of one reply, and ranges */
#define SERVER_BATCH_LEN (64u * 1024)

struct sftp_request;
struct listing;
struct settings;

/* Where a session's bytes come from and go to. */
struct sftp_port_ops {
    void (*write)(sshio_sftp_server *server, const void *data, size_t len); /* failures end the session by themselves */
    void (*read_on)(sshio_sftp_server *server);                             /* feed it again, from a fresh stack */
    void (*cleaned)(sshio_sftp_server *server, int status);                 /* it may be freed */
};

/* Ending: no more requests come; ended: no more are answered; cleaning: none is left, and files are being closed. */
enum server_state { SERVER_HELLO, SERVER_OPEN, SERVER_ENDING, SERVER_ENDED, SERVER_CLEANING, SERVER_CLEANED };

struct sftp_handle {
    uint32_t number;
    bool is_dir;
    bool hidden;              /* it is not open yet, or CLOSE stands in the queue */
    void *file;               /* what open handed out */
    struct local_file *local; /* the same, if it is one of ours; gone when a worker has closed it */
    bool has_inode, append;   /* of that, for as long as requests are compared */
    dev_t dev;
    ino_t ino;
    struct local_dir *dir;
    struct listing *listing; /* of a handler, instead of dir */
    bool ended;              /* a directory: all was told */
    uint64_t bytes_read, bytes_written;
    char *path; /* for the log */
};

struct sshio_sftp_server {
    int refs; /* the port's, and of the tasks that list directories */
    enum server_state state;
    struct loop *loop;
    const struct sftp_port_ops *port;
    void *port_user;
    sshio_chan *chan; /* NULL = on a stream */
    sshio_logger *logger;
    struct texts env;
    struct local *local;
    sshio_sftp_server_handlers handlers;
    void *user;
    bool has_handlers; /* one besides exit */
    bool serial;       /* one request at a time */
    bool alone;        /* nobody else lives on this loop: nothing is given to workers */
    bool read_only;
    bool may_name_users; /* the extensions that name accounts are served */
    uint64_t denied;     /* bits of rows, see server_requests.c */
    struct dialect dialect;
    int max_version;
    bool target_first; /* the arguments of SYMLINK, until version 6 */
    bool fresh;        /* no request came yet: the version may be chosen */
    bool port_full;    /* no replies now */
    bool stopped;      /* reading */
    bool scheduling, schedule_again;
    bool stop; /* read by workers: give up what takes long */
    int status;
    struct framer framer;
    struct pool blocks, request_pool;
    struct writer out;   /* the reply that is being made */
    uint8_t *read_block; /* of replies that are made at once */
    struct list requests;
    unsigned request_count, running, held; /* held: done, and not answered yet; they count as running */
    size_t payload;
    struct list files; /* struct local_file, those that handlers got included */
    struct sftp_handle **handles;
    uint32_t handle_slots, handle_max, handle_count, next_handle;
};

enum request_class {
    CLASS_FREE,   /* stands for itself */
    CLASS_READ,   /* of a range */
    CLASS_WRITE,  /* of a range */
    CLASS_HANDLE, /* of all that is with this handle */
    CLASS_DIR,    /* READDIR */
    CLASS_QUERY,  /* looks at names */
    CLASS_CHANGE, /* changes what names mean */
};

struct request_row {
    uint8_t type;
    enum sftp_extension extension; /* EXT_COUNT = none */
    const char *name;              /* as sftp-server -Q requests has it */
    enum request_class cls;
    bool writes;                                             /* refused by a server that is read-only */
    void (*parse)(struct sftp_request *q, struct reader *r); /* may change the class, or fail the request */
    int (*ask)(struct sftp_request *q);                      /* the handler; SSHIO_DEFAULT = there is none */
    int (*work)(struct sftp_request *q);                     /* in the local file system */
    void (*reply)(struct sftp_request *q, struct writer *w); /* NULL = FX_OK */
};

struct sftp_request {
    struct list link;
    sshio_sftp_server *server;
    const struct request_row *row;
    enum request_class cls;
    uint32_t id;
    bool running;
    bool done;     /* and will be answered when those before it are */
    bool begun;    /* it was not refused before anything was done */
    bool detached; /* CLOSE: its file is in no list meanwhile */
    sshio_task *task;
    int result;
    struct error error;
    /* arguments; texts lie in the packet */
    char *path, *path2;
    struct sftp_handle *handle, *handle2;
    uint64_t offset, offset2, length;
    uint32_t flags, access;
    uint8_t control;
    bool symbolic;
    struct span data;
    const sshio_sftp_attrs *attrs;
    sshio_sftp_attrs attrs_value;
    sshio_sftp_attrs *attrs_own;
    char *composed;           /* path, where it is put together */
    char *mapped, *mapped2;   /* what a map_path handler made of path and path2 */
    struct local_file *local; /* work on this file, when there is no handle */
    /* results */
    struct local_attrs out_attrs;
    sshio_sftp_attrs *out_attrs_own; /* by a handler; wins */
    sshio_sftp_vfs_attrs vfs;
    char *text;
    uint8_t *block; /* SERVER_DATA_HEAD bytes of room, then data */
    size_t got;
    bool at_end;
    void *file;
    struct local_file *opened;
    struct local_dir *opened_dir;
    struct listing *opened_listing;
    struct local_range *ranges;
    const char *hash; /* check-file: the name, and got bytes of hashes */
    uint8_t *hashes;
    sshio_sftp_names names;
    struct texts users, groups;
    /* where the packet lies */
    uint8_t *memory; /* NULL = in fixed */
    size_t capacity;
    uint8_t fixed[320];
};

/* ---- server.c ---- */
/* options are copied; NULL = all defaults. EINVAL, ESYSTEM (the root), ENOMEM. Waits. */
int sftp_server_new(const sshio_sftp_server_options *options, sshio_sftp_server **server);
void sftp_server_release(sshio_sftp_server *server); /* one that is cleaned, or never began; takes NULL */
void sftp_server_serve_channel(sshio_sftp_server *server,
                               sshio_chan *chan); /* whose files these are; held from here on */
/* Begins on this port. logger is the parent of the session's own, version the highest when the options named none. */
void sftp_server_start(sshio_sftp_server *server, const struct sftp_port_ops *port, void *user, sshio_logger *logger,
                       int version);
size_t sftp_server_feed(sshio_sftp_server *server, const uint8_t *data, size_t len); /* how many were used; the rest
                                                                                   comes again after read_on */
void sftp_server_eof(sshio_sftp_server *server);
void sftp_server_lost(sshio_sftp_server *server); /* nothing can be written any more */
void sftp_server_port_full(sshio_sftp_server *server, bool full);
void sftp_server_end(sshio_sftp_server *server, int status);
void sftp_server_send(sshio_sftp_server *server); /* what is in out, which is complete */
void sftp_server_check_end(sshio_sftp_server *server);
extern const struct framer_memory sftp_server_memory;
uint8_t *sftp_server_block(sshio_sftp_server *server); /* NULL = out of memory */

/* ---- server_channel.c ---- */
bool sftp_is_served(const struct settings *settings);
bool sftp_take_session(sshio_chan *chan); /* false = out of memory */
/* Waits: asks the application who serves this session's files, and makes that. The negative code of the answer, or 0
 * with *server NULL: nobody does. */
int sftp_server_decide(sshio_chan *chan, sshio_sftp_server **server);

/* ---- server_hello.c ---- */
void sftp_server_hello(sshio_sftp_server *server, struct span packet);
bool sftp_server_select_version(sshio_sftp_server *server, struct span name);

/* ---- server_requests.c ---- */
void sftp_server_packet(sshio_sftp_server *server, struct span packet); /* a request */
void request_free(struct sftp_request *q);
int sftp_server_deny_requests(sshio_sftp_server *server, const char *const *allow, const char *const *deny);
bool sftp_server_denies(const sshio_sftp_server *server, const char *request); /* by its name, also what writes */
bool sftp_server_serves_extension(const sshio_sftp_server *server, enum sftp_extension extension);

/* ---- server_parse.c: reads what follows the id. Failures of the reader are left to the caller ---- */
void parse_open(struct sftp_request *q, struct reader *r);
void parse_close(struct sftp_request *q, struct reader *r);
void parse_read(struct sftp_request *q, struct reader *r);
void parse_write(struct sftp_request *q, struct reader *r);
void parse_path(struct sftp_request *q, struct reader *r);
void parse_stat(struct sftp_request *q, struct reader *r);
void parse_file(struct sftp_request *q, struct reader *r);
void parse_fstat(struct sftp_request *q, struct reader *r);
void parse_setstat(struct sftp_request *q, struct reader *r);
void parse_fsetstat(struct sftp_request *q, struct reader *r);
void parse_readdir(struct sftp_request *q, struct reader *r);
void parse_realpath(struct sftp_request *q, struct reader *r);
void parse_pair(struct sftp_request *q, struct reader *r);
void parse_rename(struct sftp_request *q, struct reader *r);
void parse_symlink(struct sftp_request *q, struct reader *r);
void parse_link(struct sftp_request *q, struct reader *r);
void parse_block(struct sftp_request *q, struct reader *r);
void parse_range(struct sftp_request *q, struct reader *r);
void parse_copy_data(struct sftp_request *q, struct reader *r);
void parse_nothing(struct sftp_request *q, struct reader *r);
void parse_owners(struct sftp_request *q, struct reader *r);
char *parse_text(struct sftp_request *q, struct reader *r);       /* a path; NULL = failed, or complained of */
uint32_t sftp_server_open_flags(const sshio_sftp_server *server); /* of versions 5 and 6, that are served */
void request_complain(struct sftp_request *q, uint32_t code, const char *text); /* the first one is the answer */

/* ---- server_schedule.c ---- */
void sftp_server_schedule(sshio_sftp_server *server);
bool request_is_held(const struct sftp_request *q); /* others are to be answered before it */

/* ---- server_run.c ---- */
void request_start(struct sftp_request *q);
void request_finish(struct sftp_request *q); /* it is done: answers it when that may be, and gives it back */
void request_answer(struct sftp_request *q);
int request_work(void *request); /* row->work, for workers */
struct local_file *request_file(
    const struct sftp_request *q); /* the file of ours that it is about; NULL = a handler's */

/* ---- server_handles.c ---- */
int handles_init(sshio_sftp_server *server);
struct sftp_handle *handle_find(const sshio_sftp_server *server, struct span token); /* NULL = none, or hidden */
struct sftp_handle *handle_add(sshio_sftp_server *server); /* hidden; NULL = too many, or out of memory: last error */
void handle_remove(sshio_sftp_server *server, struct sftp_handle *handle);
void handles_forget(sshio_sftp_server *server, const struct local_file *file); /* it is closed by other means */
struct local_file *sftp_server_local_file(const sshio_sftp_server *server,
                                          const void *file); /* NULL = it is none of ours */

/* ---- server_replies.c ---- */
void reply_begin(sshio_sftp_server *server, uint8_t type, uint32_t id);
void reply_status(sshio_sftp_server *server, uint32_t id, uint32_t code, const char *text);
void reply_error(sshio_sftp_server *server, uint32_t id, const struct error *e);
void reply_data(struct sftp_request *q); /* from q->block */
void reply_handle(struct sftp_request *q, struct writer *w);
void reply_attrs(struct sftp_request *q, struct writer *w);
void reply_name(struct sftp_request *q, struct writer *w);
void reply_names(struct sftp_request *q, struct writer *w);
void reply_vfs(struct sftp_request *q, struct writer *w);
void reply_ranges(struct sftp_request *q, struct writer *w);
void reply_limits(struct sftp_request *q, struct writer *w);
void reply_owners(struct sftp_request *q, struct writer *w);

/* ---- server_extras.c ---- */
void parse_check_handle(struct sftp_request *q, struct reader *r);
void parse_check_name(struct sftp_request *q, struct reader *r);
void parse_copy_file(struct sftp_request *q, struct reader *r);
int ask_check_handle(struct sftp_request *q);
int work_check_handle(struct sftp_request *q);
int work_check_name(struct sftp_request *q);
int work_copy_file(struct sftp_request *q);
void reply_hashes(struct sftp_request *q, struct writer *w);
void reply_space(struct sftp_request *q, struct writer *w);

/* ---- server_listing.c ---- */
/* Waits for the first name, or the end. or_ours: where there is no handler, of the local file system; else
 * SSHIO_DEFAULT. */
int listing_open(sshio_sftp_server *server, const char *path, bool or_ours, struct listing **listing);
int listing_fetch(struct listing *listing, sshio_sftp_names *names, bool *at_end); /* waits. SSHIO_ESFTP_EOF */
int listing_start(struct sftp_request *q); /* q->opened_listing; waits for its first name, or its end. SSHIO_DEFAULT */
int listing_take(struct sftp_request *q);  /* q->names; waits. SSHIO_EEOF */
void listing_close(struct listing *listing);                           /* takes NULL */
int listing_add(struct listing *listing, const sshio_sftp_name *name); /* waits for room */
int names_add(sshio_sftp_names *names, sshio_sftp_name *name);         /* takes it over; ENOMEM */

/* ---- server_work.c and server_ask.c: one function a row each ---- */
#define REQUEST_WORKS(X)                                                                                               \
    X(open)                                                                                                            \
    X(close)                                                                                                           \
    X(read)                                                                                                            \
    X(write)                                                                                                           \
    X(lstat)                                                                                                           \
    X(fstat)                                                                                                           \
    X(setstat)                                                                                                         \
    X(fsetstat)                                                                                                        \
    X(opendir)                                                                                                         \
    X(readdir)                                                                                                         \
    X(remove)                                                                                                          \
    X(mkdir)                                                                                                           \
    X(rmdir)                                                                                                           \
    X(realpath)                                                                                                        \
    X(stat)                                                                                                            \
    X(rename)                                                                                                          \
    X(readlink)                                                                                                        \
    X(link)                                                                                                            \
    X(block)                                                                                                           \
    X(unblock)                                                                                                         \
    X(posix_rename)                                                                                                    \
    X(statvfs)                                                                                                         \
    X(fstatvfs)                                                                                                        \
    X(fsync)                                                                                                           \
    X(lsetstat)                                                                                                        \
    X(copy_data)                                                                                                       \
    X(ranges)
#define REQUEST_FUNCTIONS(name)                                                                                        \
    int work_##name(struct sftp_request *q);                                                                           \
    int ask_##name(struct sftp_request *q);
REQUEST_WORKS(REQUEST_FUNCTIONS)
int work_open_flags(struct sftp_request *q); /* as versions 3 and 4 have it */
int work_open56(struct sftp_request *q);
int work_expand_path(struct sftp_request *q);
int work_home_directory(struct sftp_request *q);
int work_owners(struct sftp_request *q);
int work_nothing(struct sftp_request *q);
int ask_paths(struct sftp_request *q);       /* no handler of its own, but its path is mapped by one */
int ask_map_paths(struct sftp_request *q);   /* fills in mapped and mapped2, where a handler maps */
int ask_reverse_map(struct sftp_request *q); /* of q->text */
int ask_longnames(struct sftp_request *q);   /* of q->names */
bool goes_through_handlers(const struct sftp_request *q, const struct sftp_handle *handle);
int ask_piece(struct sftp_request *q, uint64_t offset, void *buffer, size_t size,
              size_t *got); /* of q->handle's file */
int request_with_path(struct sftp_request *q,
                      int (*act)(struct sftp_request *q, const char *path)); /* as it is on this host */
int request_with_paths(struct sftp_request *q, int (*act)(struct sftp_request *q, const char *from, const char *to));

#endif
