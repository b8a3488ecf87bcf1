/* Directories: their entries, and making them; see client.h. (draft-ietf-secsh-filexfer-13 section 8.2) */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/client.h"
#include "sftp/client_dirs.h"

#define LISTING_MAX (1u << 22)                    /* entries */
#define LISTING_BYTES_MAX (1024ull * 1024 * 1024) /* of names and their records */

/* A directory that is being read. One READDIR is under way ahead of what is asked for. */
struct sshio_sftp_dir {
    struct request rq;
    sshio_sftp *sftp;
    char *path;
    struct handle handle;
    struct name_list names; /* what came with the last reply */
    size_t at;
    bool ended; /* nothing follows */
    struct completion *waiting;
    struct error error;
};

/* ---- lists of names ---- */

void name_list_done(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        sshio_sftp_name_free(list->items[i]);
    mem_free(list->items);
    *list = (struct name_list){ .count = 0 };
}

int name_list_add(struct name_list *list, sshio_sftp_name *name, struct error *e)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : 64;
        void *items = mem_grow(list->items, capacity * sizeof *list->items);
        if (items == NULL)
            return error_nomem(e);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = name;
    list->bytes += sizeof *name + strlen(name->filename) + strlen(name->longname);
    return 0;
}

/* ---- reading ahead ---- */

/* A count is no more than a hint: an entry has at least so many octets. */
static int read_names(sshio_sftp_dir *dir, struct reader *body, struct error *e)
{
    int rc = 0;
    uint32_t count = read_u32(body);
    if (reader_failed(body) || count > reader_left(body) / NAME_MIN_LEN(dir->sftp->dialect.version))
        return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                                "%s: more names are announced than have come", dir->path);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        sshio_sftp_name *name = NULL;
        rc = client_take_name(dir->sftp, body, &name, e);
        if (rc == 0)
            rc = name_list_add(&dir->names, name, e);
        if (rc != 0)
            sshio_sftp_name_free(name);
    }
    if (rc == 0 && dir->sftp->dialect.version >= 6 && reader_left(body) != 0)
        dir->ended = read_bool(body);
    if (rc == 0 && count == 0)
        dir->ended = true; /* as OpenSSH's client takes it */
    return rc == 0 ? reply_end(dir->sftp, body, dir->path, e) : rc;
}

static void names_arrived(struct request *rq, uint8_t type, struct reader *body)
{
    sshio_sftp_dir *dir = LIST_ENTRY(rq, sshio_sftp_dir, rq);
    struct completion *waiting = dir->waiting;
    int rc = reply_check(dir->sftp, type, body, FXP_NAME, dir->path, &dir->error);
    if (rc == 0)
        rc = read_names(dir, body, &dir->error);
    if (rc == SSHIO_ESFTP_EOF)
        error_clear(&dir->error);
    dir->ended |= rc != 0;
    dir->waiting = NULL;
    if (waiting != NULL)
        completion_complete(waiting, 0);
}

static int ask_for_more(sshio_sftp_dir *dir)
{
    put_span(request_begin(dir->sftp, FXP_READDIR), handle_span(&dir->handle));
    dir->rq.replied = names_arrived;
    return request_send(dir->sftp, &dir->rq, last_error());
}

static void stop_waiting(struct completion *c, int code)
{
    sshio_sftp_dir *dir = c->user;
    dir->waiting = NULL;
    completion_complete(c, code);
}

/* Until the request that is under way was answered. */
static int wait_for_names(sshio_sftp_dir *dir)
{
    struct completion c;
    int rc = completion_can_wait();
    if (rc != 0 || !dir->rq.under_way)
        return rc;
    completion_init(&c, stop_waiting, dir);
    dir->waiting = &c;
    return completion_wait(&c);
}

static void forget_names(sshio_sftp_dir *dir)
{
    for (size_t i = 0; i < dir->names.count; i++)
        sshio_sftp_name_free(dir->names.items[i]);
    dir->names.count = dir->names.bytes = 0;
    dir->at = 0;
}

/* What came is there to be taken, and the next request is under way: its reply adds to that. */
static int refill(sshio_sftp_dir *dir)
{
    int rc = 0;
    forget_names(dir);
    if (!dir->rq.under_way && !dir->ended)
        rc = ask_for_more(dir);
    if (rc == 0)
        rc = wait_for_names(dir);
    if (rc == 0 && !dir->rq.under_way && !dir->ended)
        rc = ask_for_more(dir);
    return rc;
}

/* ---- public ---- */

static void free_dir(sshio_sftp_dir *dir)
{
    name_list_done(&dir->names);
    error_clear(&dir->error);
    mem_free(dir->path);
    client_release(dir->sftp);
    mem_free(dir);
}

static int open_dir(sshio_sftp_dir *dir)
{
    struct call call;
    call_begin(&call, dir->sftp, FXP_OPENDIR, dir->path);
    call_path(&call, dir->path);
    return call_wait(&call, FXP_HANDLE, take_handle, &dir->handle);
}

int sshio_sftp_scandir(sshio_sftp *sftp, const char *path, sshio_sftp_dir **out)
{
    sshio_sftp_dir *dir = out != NULL ? mem_zalloc(sizeof *dir) : NULL;
    if (dir == NULL)
        return out != NULL ? fail_nomem() : fail(SSHIO_EINVAL, "sshio_sftp_scandir: no place for the result");
    client_hold(sftp);
    dir->sftp = sftp;
    error_init(&dir->error);
    dir->path = mem_strdup(path != NULL ? path : ".");
    int rc = dir->path != NULL ? open_dir(dir) : fail_nomem();
    if (rc == 0)
        *out = dir;
    else
        free_dir(dir);
    return rc;
}

int sshio_sftp_dir_next(sshio_sftp_dir *dir, const sshio_sftp_name **name)
{
    if (name == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_dir_next: no place for the result");
    while (dir->at == dir->names.count) {
        if (dir->ended && error_code(&dir->error) != 0)
            return fail_with(&dir->error);
        if (dir->ended)
            return fail(SSHIO_EEOF, "%s has no more entries", dir->path);
        int rc = refill(dir);
        if (rc != 0)
            return rc;
    }
    *name = dir->names.items[dir->at++];
    return 0;
}

void sshio_sftp_dir_close(sshio_sftp_dir *dir)
{
    if (dir == NULL)
        return;
    request_abandon(dir->sftp, &dir->rq);
    client_close_later(dir->sftp, &dir->handle);
    free_dir(dir);
}

static int too_large(const char *path)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s: Directory listing too large",
                            path);
}

/* Takes the names of each reply over, without looking at them one by one. */
int client_list(sshio_sftp *s, const char *path, struct name_list *list)
{
    sshio_sftp_dir *dir = NULL;
    int rc = sshio_sftp_scandir(s, path, &dir);
    *list = (struct name_list){ .count = 0 };
    while (rc == 0 && !dir->ended) {
        rc = refill(dir);
        for (; rc == 0 && dir->at < dir->names.count; dir->at++) {
            rc = name_list_add(list, dir->names.items[dir->at], last_error());
            if (rc == 0)
                dir->names.items[dir->at] = NULL;
        }
        if (rc == 0 && (list->count > LISTING_MAX || list->bytes > LISTING_BYTES_MAX))
            rc = too_large(dir->path);
    }
    if (rc == 0 && error_code(&dir->error) != 0)
        rc = fail_with(&dir->error);
    sshio_sftp_dir_close(dir);
    if (rc != 0)
        name_list_done(list);
    return rc;
}

bool client_is_directory(sshio_sftp *s, const char *path, const sshio_sftp_attrs *listed)
{
    sshio_sftp_attrs *attrs = NULL;
    sshio_filexfer_type type = listed->type;
    bool unknown = type == 0 || type == SSHIO_FILEXFER_TYPE_UNKNOWN;
    if (unknown && sshio_sftp_lstat(s, path, &attrs) == 0)
        type = attrs->type;
    sshio_sftp_attrs_free(attrs);
    return type == SSHIO_FILEXFER_TYPE_DIRECTORY;
}

int sshio_sftp_readdir(sshio_sftp *sftp, const char *path, sshio_sftp_names *names)
{
    struct name_list list;
    if (names == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_readdir: no place for the result");
    int rc = client_list(sftp, path, &list);
    if (rc == 0)
        *names = (sshio_sftp_names){ .count = list.count, .items = list.items };
    return rc;
}

int sshio_sftp_listdir(sshio_sftp *sftp, const char *path, sshio_texts *names)
{
    struct name_list list;
    struct texts texts = { .count = 0 };
    bool added = true;
    if (names == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_listdir: no place for the result");
    int rc = client_list(sftp, path, &list);
    if (rc != 0)
        return rc;
    for (size_t i = 0; added && i < list.count; i++)
        added = texts_add(&texts, list.items[i]->filename);
    name_list_done(&list);
    if (!added) {
        texts_done(&texts);
        return fail_nomem();
    }
    *names = (sshio_texts){ .count = texts.count, .items = texts.items };
    return 0;
}
