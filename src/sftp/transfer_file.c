/* Copying one file, also going on with one that was begun before, and under another name until it is whole; see
 * transfer.h. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "sftp/path.h"
#include "sftp/transfer.h"

#define BLOCK_BEST (256u * 1024)
#define PROOF_LEN (64u * 1024)           /* in front of where a file goes on: it has to be the same on both sides */
#define UNKNOWN_SIZE ((uint64_t)1 << 62) /* where nobody said how large it is */
#define PART_NAME_MAX 200u

struct copying {
    struct transfer *t;
    const struct item *item;
    struct spot part; /* what is written to */
    struct open_file from, to;
    uint64_t total;  /* bytes, or UNKNOWN_SIZE */
    uint64_t start;  /* what is below is there already */
    uint64_t moved;  /* for the progress handler */
    uint64_t copied; /* really, in this run */
    uint64_t told;
    bool told_any;
};

/* ---- progress ---- */

static int tell(struct copying *c)
{
    uint64_t total = c->total == UNKNOWN_SIZE ? c->moved : c->total;
    if (c->t->o.progress == NULL || (c->told_any && c->told == c->moved))
        return 0;
    c->told_any = true;
    c->told = c->moved;
    return c->t->o.progress(c->item->src, c->item->dst->path, c->moved, total, c->t->o.user);
}

static int moved(void *user, uint64_t len)
{
    struct copying *c = user;
    c->moved += len;
    return tell(c);
}

/* ---- moving ---- */

static int shrunk(const struct copying *c, uint64_t reached)
{
    int rc = error_set_file(last_error(), SSHIO_ESFTP_FAILURE, c->item->src, 0, "Unexpected EOF during file copy");
    last_error()->pub.reason = SSHIO_FX_FAILURE;
    last_error()->pub.offset = reached;
    return rc;
}

static void prepare(struct copying *c, struct blocks *b)
{
    struct transfer *t = c->t;
    *b = (struct blocks){ .sftp = t->sftp, .what = c->item->src, .moved = moved, .user = c };
    b->from = side_end(t->from, &c->from);
    b->to = side_end(t->to, &c->to);
    b->block = blocks_size(t->sftp, t->from->is_remote, t->to->is_remote, t->o.block_size);
    b->window = t->o.max_requests > 0 ? (unsigned)t->o.max_requests : 0;
}

static int move_through(struct copying *c, const struct range *ranges, size_t count)
{
    struct blocks b;
    prepare(c, &b);
    b.ranges = ranges;
    b.range_count = count;
    int rc = blocks_run(&b);
    c->copied += b.done;
    if (rc == 0 && b.eof != UINT64_MAX && c->total == UNKNOWN_SIZE)
        c->total = b.eof;
    else if (rc == 0 && b.eof < ranges[count - 1].offset + ranges[count - 1].len)
        rc = shrunk(c, c->copied);
    return rc;
}

/* On the server alone. A request without a length would be about all the rest. */
static int move_there(struct copying *c, const struct range *ranges, size_t count)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct range *r = &ranges[i];
        if (r->len == 0)
            continue;
        rc = client_copy_data(c->t->sftp, &c->from.handle, r->offset, r->len, &c->to.handle, r->offset, c->item->src);
        if (rc == SSHIO_ESFTP_EOF)
            rc = shrunk(c, c->copied);
        if (rc != 0)
            break;
        c->copied += r->len;
        rc = moved(c, r->len);
    }
    return rc;
}

static bool copies_there(const struct copying *c)
{
    return c->t->is_copy && sshio_sftp_supports_remote_copy(c->t->sftp) && c->total != UNKNOWN_SIZE;
}

static int move(struct copying *c, const struct range *ranges, size_t count)
{
    return copies_there(c) ? move_there(c, ranges, count) : move_through(c, ranges, count);
}

/* ---- holes ---- */

/* A batch of ranges; what lies between them counts as done. */
static int move_batch(struct copying *c, const struct ranges *batch, uint64_t *at)
{
    uint64_t data = 0;
    if (batch->count == 0)
        return 0;
    const struct range *last = &batch->items[batch->count - 1];
    for (size_t i = 0; i < batch->count; i++)
        data += batch->items[i].len;
    c->moved += last->offset + last->len - *at - data;
    *at = last->offset + last->len;
    return move(c, batch->items, batch->count);
}

/* Some servers say that they have set a size, and have not: there the last byte is written. */
static int set_size(struct copying *c)
{
    facts size = { .struct_size = sizeof size, .valid = SSHIO_FILEXFER_ATTR_SIZE, .size = c->total };
    struct range last = { c->total - 1, 1 };
    c->moved = c->total;
    if (!c->t->to->is_remote)
        return c->t->to->fset(c->t->sftp, &c->to, &size);
    c->moved -= last.len;
    return move(c, &last, 1);
}

/* The data has ended before the file should: there is a hole at the end, unless the source is shorter now. */
static int end_with_hole(struct copying *c)
{
    struct transfer *t = c->t;
    uint64_t now = c->total;
    int rc = t->from->measure(t->sftp, &c->from, &now);
    if (rc == 0 && now < c->total)
        rc = shrunk(c, c->copied);
    if (rc == 0)
        rc = set_size(c);
    return rc == 0 ? tell(c) : rc;
}

static int move_data(struct copying *c)
{
    uint64_t at = c->start;
    bool ended = false;
    int rc = 0;
    while (rc == 0 && !ended && at < c->total) {
        struct ranges batch;
        rc = c->t->from->ranges(c->t->sftp, &c->from, at, c->total - at, &batch);
        if (rc != 0)
            return rc;
        ended = batch.at_end || batch.count == 0;
        rc = move_batch(c, &batch, &at);
        ranges_done(&batch);
    }
    return rc == 0 && at < c->total ? end_with_hole(c) : rc;
}

/* Asking costs a round trip, and holes in a small file save less. */
static bool may_be_sparse(const struct copying *c)
{
    bool tells = !c->t->from->is_remote || (c->t->sftp->extensions & EXT_BIT(EXT_RANGES)) != 0;
    return c->t->o.sparse != SSHIO_NO && tells && c->from.has_holes && c->total != UNKNOWN_SIZE &&
           c->total > BLOCK_BEST;
}

static int move_all(struct copying *c)
{
    if (c->start == c->total)
        return tell(c);
    if (may_be_sparse(c))
        return move_data(c);
    struct range whole = { c->start, c->total - c->start };
    int rc = move(c, &whole, 1);
    return rc == 0 ? tell(c) : rc;
}

/* ---- going on with what was begun before ---- */

/* Both sides have to have the same in front of the place. */
static int prove(struct copying *c, uint64_t place, bool *same)
{
    size_t len = place < PROOF_LEN ? (size_t)place : PROOF_LEN, there = len, here = len;
    uint8_t *data = mem_alloc(2 * (size_t)PROOF_LEN);
    if (data == NULL)
        return fail_nomem();
    sshio_sftp *sftp = c->t->sftp;
    int rc = c->t->from->read(sftp, &c->from, place - len, data, &there);
    if (rc == 0)
        rc = c->t->to->read(sftp, &c->to, place - len, data + PROOF_LEN, &here);
    *same = rc == 0 && there == len && here == len && memcmp(data, data + PROOF_LEN, len) == 0;
    mem_free(data);
    return rc;
}

/* An earlier try that was killed may have left holes in what it had written: nothing counts from the first one on. */
static int intact_len(struct copying *c, uint64_t *len)
{
    struct ranges ranges;
    bool tells = !c->t->to->is_remote || (c->t->sftp->extensions & EXT_BIT(EXT_RANGES)) != 0;
    *len = c->to.size;
    if (!tells || c->to.size == 0)
        return 0;
    int rc = c->t->to->ranges(c->t->sftp, &c->to, 0, c->to.size, &ranges);
    if (rc != 0)
        return rc;
    *len = ranges.count != 0 && ranges.items[0].offset == 0 ? ranges.items[0].len : 0;
    ranges_done(&ranges);
    return 0;
}

static int find_start(struct copying *c)
{
    uint64_t len = 0;
    bool same = false;
    int rc = intact_len(c, &len);
    if (rc == 0 && len <= c->total && len != 0)
        rc = prove(c, len, &same);
    if (rc != 0)
        return rc;
    c->start = c->moved = same ? len : 0;
    log_info(c->t->sftp->logger, "Going on with %s at %llu", c->item->dst->path, (unsigned long long)c->start);
    facts size = { .struct_size = sizeof size, .valid = SSHIO_FILEXFER_ATTR_SIZE, .size = c->start };
    return c->to.size != c->start ? c->t->to->fset(c->t->sftp, &c->to, &size) : 0;
}

/* ---- under another name ---- */

/* One that is found again when the transfer is to be gone on with, else one that nobody has. */
static bool part_name(const struct transfer *t, const char *name, char *part, size_t size)
{
    uint64_t number = 0;
    if (t->o.resume) {
        snprintf(part, size, ".%.*s.part", (int)PART_NAME_MAX, name);
        return true;
    }
    bool made = random_bytes(&number, sizeof number);
    snprintf(part, size, ".%.*s.%016llx", (int)PART_NAME_MAX, name, (unsigned long long)number);
    return made;
}

static int choose_part(struct copying *c)
{
    const struct spot *dst = c->item->dst;
    char name[PART_NAME_MAX + 32];
    const char *slash = strrchr(dst->name, '/');
    const char *last = slash != NULL ? slash + 1 : dst->name;
    const char *written = dst->path;
    char *path = NULL;
    if (c->t->o.atomic) {
        if (!part_name(c->t, last, name, sizeof name))
            return fail_nomem();
        size_t head = (size_t)(last - dst->path), size = head + strlen(name) + 1;
        path = mem_alloc(size);
        if (path != NULL)
            snprintf(path, size, "%.*s%s", (int)head, dst->path, name);
    } else {
        path = mem_strdup(written);
    }
    if (path == NULL)
        return fail_nomem();
    c->part = (struct spot){ .folder = folder_ref(dst->folder), .path = path, .name = path + (dst->name - dst->path) };
    return 0;
}

/* ---- one file ---- */

static int check_self(const struct copying *c)
{
    struct transfer *t = c->t;
    char *from = NULL, *to = NULL;
    if (!t->is_copy)
        return 0;
    int rc = t->from->real(t->sftp, c->item->src, &from);
    int seen = rc == 0 ? t->to->real(t->sftp, c->item->dst->path, &to) : rc;
    if (rc == 0 && seen == 0 && strcmp(from, to) == 0)
        rc = error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s would be copied to itself",
                              c->item->src);
    else if (rc == 0 && seen != 0 && !side_is_missing(seen))
        rc = seen;
    mem_free(from);
    mem_free(to);
    return rc;
}

static int open_both(struct copying *c)
{
    struct transfer *t = c->t;
    if (t->is_copy && t->o.remote_only && !sshio_sftp_supports_remote_copy(t->sftp))
        return error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED,
                                "Remote copy not supported");
    int rc = check_self(c);
    if (rc == 0)
        rc = t->from->open(t->sftp, c->item->src, t->o.follow_symlinks || c->item->depth == 0, &c->from);
    if (rc == 0)
        rc = choose_part(c);
    if (rc == 0)
        c->part.mode = transfer_first_mode(t, &c->item->attrs, 0200);
    if (rc == 0)
        rc = t->to->create(t->sftp, &c->part, t->o.resume && !t->is_copy, &c->to);
    if (rc == 0 && t->o.resume && !t->is_copy && c->total != UNKNOWN_SIZE)
        rc = find_start(c);
    return rc;
}

static int finish(struct copying *c)
{
    struct transfer *t = c->t;
    int rc = 0;
    if (t->o.preserve) {
        facts kept = transfer_kept(t, &c->item->attrs);
        rc = t->to->fset(t->sftp, &c->to, &kept);
    }
    if (rc == 0 && t->o.atomic)
        rc = t->to->sync(t->sftp, &c->to);
    int closed = t->to->close(t->sftp, &c->to, true);
    if (rc == 0)
        rc = closed;
    if (rc == 0 && t->o.atomic)
        rc = t->to->rename(t->sftp, &c->part, c->item->dst);
    return rc;
}

/* Whatever happened: nothing stays open, and a part that nobody would find again goes. The error is that which was. */
static void clean_up(struct copying *c, int rc)
{
    struct transfer *t = c->t;
    struct error e;
    bool made = c->part.path != NULL && c->to.path != NULL;
    error_init(&e);
    error_copy(&e, last_error());
    t->from->close(t->sftp, &c->from, false);
    t->to->close(t->sftp, &c->to, false);
    if (rc != 0 && made && t->o.atomic && !t->o.resume && !t->sftp->ended)
        t->to->remove(t->sftp, &c->part);
    if (rc != 0)
        error_move(last_error(), &e);
    error_clear(&e);
    spot_done(&c->part);
}

int transfer_file(struct transfer *t, const struct item *item)
{
    struct copying c = { .t = t, .item = item };
    bool sized = (item->attrs.valid & SSHIO_FILEXFER_ATTR_SIZE) != 0;
    c.total = sized && item->attrs.size < UNKNOWN_SIZE ? item->attrs.size : UNKNOWN_SIZE;
    log_info(t->sftp->logger, "Copying file %s to %s", item->src, item->dst->path);
    int rc = open_both(&c);
    if (rc == 0)
        rc = move_all(&c);
    if (rc == 0)
        rc = finish(&c);
    clean_up(&c, rc);
    return rc;
}
