/* Compression of payloads (RFC 4253 section 6.2): the table of methods, and the stream of one direction.
 *
 * zlib@openssh.com is zlib that begins when the user is authenticated, so that the decompressor of a server is out of
 * reach before that; plain zlib begins with the keys and is offered only where it is named. A stream lasts from one
 * NEWKEYS to the next. Its contexts are large (some 260 KiB to compress, 40 to decompress), so it is made when the
 * first packet needs it. */
#ifndef SSHIO_ENGINE_COMPRESSION_H
#define SSHIO_ENGINE_COMPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct compression_alg {
    const char *name;
    bool compresses; /* false = "none" */
    bool is_delayed; /* until the user is authenticated */
    bool is_default;
};

size_t compression_count(void);
const struct compression_alg *compression_at(size_t index); /* in order of preference */

struct compression; /* a stream; what it remembers is wiped when it is freed */

struct compression *compression_new(bool compresses); /* false = decompresses; NULL = out of memory */
void compression_free(struct compression *c);         /* takes NULL */

/* The most bytes that a payload of len can become. */
size_t compression_bound(struct compression *c, size_t len);

/* A payload in one or two pieces, to memory of that bound; *len is what it became. */
int compression_deflate(struct compression *c, struct span head, struct span body, uint8_t *to, size_t *len,
                        struct error *error);

/* A payload that must not become longer than max, to memory of max + 1 bytes. SSHIO_ECOMPRESSION: it did, or it is
 * damaged or empty. */
int compression_inflate(struct compression *c, struct span payload, uint8_t *to, size_t max, size_t *len,
                        struct error *error);

#endif
