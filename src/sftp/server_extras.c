/* Requests that few clients know: check-file, space-available and copy-file; see server.h.
 * (draft-ietf-secsh-filexfer-extensions-00 sections 3, 4 and 6) */
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "io/last_error.h"
#include "sftp/server.h"

#define BLOCK_MIN 256u          /* the least that has a hash of its own */
#define HASHES_MAX (64u * 1024) /* bytes of all the hashes of a reply */
#define PIECE (64u * 1024)      /* read at a time */

/* ---- check-file ---- */

/* The first of a client's hashes that there is here; NULL = none. */
static const struct hash_alg *choose_hash(struct span wanted)
{
    struct span name;
    while (name_list_next(&wanted, &name)) {
        char text[16] = "";
        if (name.len == 0 || name.len >= sizeof text)
            continue;
        memcpy(text, name.data, name.len);
        if (name_list_has(span_of(EXT_HASHES), text))
            return hash_find(text);
    }
    return NULL;
}

static void parse_check(struct sftp_request *q, struct reader *r)
{
    const struct hash_alg *alg = choose_hash(read_string(r));
    q->offset = read_u64(r);
    q->length = read_u64(r);
    q->flags = read_u32(r);
    if (reader_failed(r))
        return;
    if (alg == NULL)
        request_complain(q, SSHIO_FX_OP_UNSUPPORTED, "No such hash");
    else
        q->hash = alg->name;
    if (q->flags != 0 && q->flags < BLOCK_MIN)
        request_complain(q, SSHIO_FX_INVALID_PARAMETER, "Blocks of less than 256 bytes");
}

void parse_check_handle(struct sftp_request *q, struct reader *r)
{
    parse_file(q, r);
    parse_check(q, r);
}

void parse_check_name(struct sftp_request *q, struct reader *r)
{
    parse_path(q, r);
    parse_check(q, r);
}

typedef int (*piece_fn)(struct sftp_request *q, uint64_t offset, void *buffer, size_t size, size_t *got);

/* Hashes of a file, block by block. */
struct checking {
    struct sftp_request *q;
    const struct hash_alg *alg;
    struct hash *hash; /* of the block that has begun; NULL = none has */
    uint64_t in_block; /* bytes of it so far */
};

static int failed_hash(void)
{
    return local_fail_sftp(SSHIO_FX_FAILURE, "No checksum could be made");
}

static int end_block(struct checking *c)
{
    struct sftp_request *q = c->q;
    if (q->got + c->alg->len > HASHES_MAX)
        return local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "More blocks than a reply can have");
    bool made = hash_final(c->hash, q->hashes + q->got);
    hash_free(c->hash);
    c->hash = NULL;
    c->in_block = 0;
    q->got += c->alg->len;
    return made ? 0 : failed_hash();
}

static int take_piece(struct checking *c, const uint8_t *data, size_t len)
{
    uint64_t block = c->q->flags != 0 ? c->q->flags : UINT64_MAX;
    int rc = 0;
    while (rc == 0 && len != 0) {
        size_t part = block - c->in_block < len ? (size_t)(block - c->in_block) : len;
        if (c->hash == NULL && (c->hash = hash_new(c->alg)) == NULL)
            return failed_hash();
        if (!hash_update(c->hash, data, part))
            return failed_hash();
        c->in_block += part;
        data += part;
        len -= part;
        if (c->in_block == block)
            rc = end_block(c);
    }
    return rc;
}

/* Of nothing at all there is a hash only where the whole of an empty file was asked for. */
static int end_last_block(struct checking *c)
{
    const struct sftp_request *q = c->q;
    if (c->hash == NULL && q->got != 0)
        return 0;
    if (c->hash == NULL && (q->offset != 0 || q->length != 0))
        return local_fail_sftp(SSHIO_FX_EOF, "End of file");
    if (c->hash == NULL && (c->hash = hash_new(c->alg)) == NULL)
        return failed_hash();
    return end_block(c);
}

static int run_pieces(struct checking *c, uint8_t *buffer, piece_fn read)
{
    struct sftp_request *q = c->q;
    uint64_t at = q->offset, left = q->length != 0 ? q->length : UINT64_MAX;
    int rc = 0;
    while (rc == 0 && left != 0 && !__atomic_load_n(&q->server->stop, __ATOMIC_RELAXED)) {
        size_t got = 0;
        rc = read(q, at, buffer, left < PIECE ? (size_t)left : PIECE, &got);
        if (rc != 0 || got == 0)
            break;
        rc = take_piece(c, buffer, got);
        at += got;
        left -= got;
    }
    return rc == 0 ? end_last_block(c) : rc;
}

static int check(struct sftp_request *q, piece_fn read)
{
    struct checking c = { .q = q, .alg = hash_find(q->hash) };
    uint8_t *buffer = mem_alloc(PIECE);
    q->hashes = mem_alloc(HASHES_MAX);
    int rc = buffer != NULL && q->hashes != NULL ? run_pieces(&c, buffer, read) : fail_nomem();
    hash_free(c.hash);
    mem_free(buffer);
    return rc;
}

static int local_piece(struct sftp_request *q, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    return local_read(request_file(q), offset, buffer, size, got);
}

int ask_check_handle(struct sftp_request *q)
{
    return goes_through_handlers(q, q->handle) ? check(q, ask_piece) : SSHIO_DEFAULT;
}

int work_check_handle(struct sftp_request *q)
{
    const struct local_file *file = request_file(q);
    if (file == NULL || !file->regular)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Only regular files have checksums");
    return check(q, local_piece);
}

static int check_path(struct sftp_request *q, const char *path)
{
    struct error e;
    int rc = local_open_whole(q->server->local, path, &q->local);
    if (rc != 0)
        return rc;
    rc = check(q, local_piece);
    error_init(&e);
    if (rc != 0)
        error_copy(&e, last_error());
    local_close(q->local);
    q->local = NULL;
    rc = rc != 0 ? fail_with(&e) : 0;
    error_clear(&e);
    return rc;
}

int work_check_name(struct sftp_request *q)
{
    return request_with_path(q, check_path);
}

void reply_hashes(struct sftp_request *q, struct writer *w)
{
    put_text(w, extension_name(EXT_CHECK_FILE));
    put_text(w, q->hash);
    put_bytes(w, q->hashes, q->got);
}

/* ---- space-available ---- */

static uint64_t bytes_of(uint64_t count, uint64_t size)
{
    uint64_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? UINT64_MAX : bytes;
}

void reply_space(struct sftp_request *q, struct writer *w)
{
    const sshio_sftp_vfs_attrs *fs = &q->vfs;
    uint64_t used = fs->blocks > fs->bfree ? fs->blocks - fs->bfree : 0;
    put_u64(w, bytes_of(fs->blocks, fs->frsize));
    put_u64(w, bytes_of(fs->bfree, fs->frsize));
    put_u64(w, bytes_of(used + fs->bavail, fs->frsize));
    put_u64(w, bytes_of(fs->bavail, fs->frsize));
    put_u32(w, fs->frsize < UINT32_MAX ? (uint32_t)fs->frsize : UINT32_MAX);
}

/* ---- copy-file ---- */

void parse_copy_file(struct sftp_request *q, struct reader *r)
{
    parse_pair(q, r);
    q->flags = read_bool(r);
}

static int copy_paths(struct sftp_request *q, const char *from, const char *to)
{
    return local_copy_file(q->server->local, from, to, q->flags != 0, &q->server->stop);
}

int work_copy_file(struct sftp_request *q)
{
    return request_with_paths(q, copy_paths);
}
