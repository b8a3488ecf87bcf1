/* Compression over zlib; see compression.h. Each payload ends with a partial flush (RFC 4253 section 6.2), so that it
 * can be decompressed whole while the stream runs on. */
#include "engine/compression.h"

#include <stdalign.h>

#include <zlib.h>

#include "base/memory.h"

#define FLUSH_ROOM 32 /* what a flush can add, generously */

static const struct compression_alg algs[] = {
    { .name = "none", .is_default = true },
    { .name = "zlib@openssh.com", .compresses = true, .is_delayed = true, .is_default = true },
    { .name = "zlib", .compresses = true },
};

struct compression {
    z_stream z;
    bool compresses;
};

size_t compression_count(void)
{
    return sizeof algs / sizeof algs[0];
}

const struct compression_alg *compression_at(size_t index)
{
    return index < compression_count() ? &algs[index] : NULL;
}

/* ---- zlib's memory: with its size in front, so that it can be wiped ---- */

#define SIZE_ROOM alignof(max_align_t)

static void *allocate(void *opaque, unsigned count, unsigned size)
{
    size_t len;
    (void)opaque;
    if (__builtin_mul_overflow((size_t)count, (size_t)size, &len) || len > SIZE_MAX - SIZE_ROOM)
        return NULL;
    uint8_t *block = mem_alloc(SIZE_ROOM + len);
    if (block == NULL)
        return NULL;
    *(size_t *)(void *)block = SIZE_ROOM + len;
    return block + SIZE_ROOM;
}

static void release(void *opaque, void *memory)
{
    (void)opaque;
    uint8_t *block = (uint8_t *)memory - SIZE_ROOM;
    mem_free_secret(block, *(size_t *)(void *)block);
}

/* ---- streams ---- */

struct compression *compression_new(bool compresses)
{
    struct compression *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return NULL;
    c->compresses = compresses;
    c->z.zalloc = allocate;
    c->z.zfree = release;
    int rc = compresses ? deflateInit(&c->z, Z_DEFAULT_COMPRESSION) : inflateInit(&c->z);
    if (rc != Z_OK) {
        mem_free(c);
        return NULL;
    }
    return c;
}

void compression_free(struct compression *c)
{
    if (c == NULL)
        return;
    if (c->compresses)
        deflateEnd(&c->z);
    else
        inflateEnd(&c->z);
    mem_free(c);
}

size_t compression_bound(struct compression *c, size_t len)
{
    return deflateBound(&c->z, len) + FLUSH_ROOM;
}

/* Packets are far shorter than zlib can count. */
static void give(z_stream *z, struct span input)
{
    z->next_in = (uint8_t *)input.data;
    z->avail_in = (unsigned)input.len;
}

static bool deflate_piece(z_stream *z, struct span piece, int flush)
{
    give(z, piece);
    return (piece.len == 0 && flush == Z_NO_FLUSH) || (deflate(z, flush) == Z_OK && z->avail_in == 0);
}

int compression_deflate(struct compression *c, struct span head, struct span body, uint8_t *to, size_t *len,
                        struct error *error)
{
    size_t room = compression_bound(c, head.len + body.len);
    c->z.next_out = to;
    c->z.avail_out = (unsigned)room;
    /* With room left over, the flush is complete. */
    if (!deflate_piece(&c->z, head, Z_NO_FLUSH) || !deflate_piece(&c->z, body, Z_PARTIAL_FLUSH) || c->z.avail_out == 0)
        return error_set(error, SSHIO_ECOMPRESSION, "Compression failed");
    *len = room - c->z.avail_out;
    return 0;
}

int compression_inflate(struct compression *c, struct span payload, uint8_t *to, size_t max, size_t *len,
                        struct error *error)
{
    give(&c->z, payload);
    c->z.next_out = to;
    c->z.avail_out = (unsigned)(max + 1);
    int rc = inflate(&c->z, Z_SYNC_FLUSH);
    size_t made = max + 1 - c->z.avail_out;
    if (made > max)
        return error_set(error, SSHIO_ECOMPRESSION, "A packet decompresses to more than %zu bytes", max);
    /* Nothing that was to come of it can be left, and a stream does not end. */
    if (rc != Z_OK || c->z.avail_in != 0 || made == 0)
        return error_set(error, SSHIO_ECOMPRESSION, "Decompression failed");
    *len = made;
    return 0;
}
