/* Wire bytes: a bounded reader, a capped writer and borrowed spans (RFC 4251 section 5).
 *
 * Both have a sticky error: fields are read or put straight down, and one check at the end tells whether all of it
 * held. A reader never hands out bytes beyond its end; after a failure every further read gives zero or an empty span.
 * A writer has a maximum from birth; putting past it, or running out of memory, sets the error and changes nothing.
 * No other file does pointer arithmetic on wire data. */
#ifndef SSHIO_BASE_BYTES_H
#define SSHIO_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sshio/base.h>

struct span { /* bytes that belong to somebody else */
    const uint8_t *data;
    size_t len;
};

#define SPAN(data, len) ((struct span){ (const uint8_t *)(data), (len) })

struct span span_of(const char *text);         /* of a C string without its NUL; NULL gives an empty span */
bool span_equal(struct span a, struct span b); /* for what is public: not constant-time */
bool span_is(struct span a, const char *text);
bool span_has_nul(struct span a);
char *span_dup_text(struct span a);           /* a C string; NULL when out of memory or if it holds a NUL */
bool span_dup(struct span a, uint8_t **data); /* false = out of memory; an empty span gives one byte */

/* ---- reading ---- */

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void reader_init(struct reader *r, const void *data, size_t len);
size_t reader_left(const struct reader *r);
bool reader_failed(const struct reader *r);
bool reader_done(const struct reader *r); /* nothing failed and nothing is left: the check at the end */

uint8_t read_u8(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
bool read_bool(struct reader *r); /* any non-zero octet is true */
struct span read_bytes(struct reader *r, size_t len);
struct span read_string(struct reader *r);
struct span read_text(struct reader *r);      /* a string without NUL, else failure */
struct span read_mpint(struct reader *r);     /* magnitude of a non-negative, minimally encoded mpint; zero is empty */
struct span read_name_list(struct reader *r); /* RFC 4251 5: no empty names, printable ASCII, else failure */
struct span read_rest(struct reader *r);

/* Names of a name-list, one at a time: false at the end. rest starts as the whole list. */
bool name_list_next(struct span *rest, struct span *name);
bool name_list_is_valid(struct span list); /* what read_name_list asks of it */
bool name_list_has(struct span list, const char *name);

/* ---- writing ---- */

struct writer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t max;
    bool failed;
    bool no_memory; /* failed for want of memory, not because of max */
    bool fixed;     /* data is the caller's memory and does not grow */
};

void writer_init(struct writer *w, size_t max); /* grows up to max bytes; wiped when it is done */
void writer_init_fixed(struct writer *w, void *memory, size_t capacity);
void writer_done(struct writer *w);  /* wipes and frees; may be repeated */
void writer_reset(struct writer *w); /* empty again, memory kept, error cleared */
bool writer_failed(const struct writer *w);
struct span writer_span(const struct writer *w);
int writer_take(struct writer *w, uint8_t **data,
                size_t *len); /* hands the memory over; SSHIO_ENOMEM / SSHIO_ELIMIT on failure */
int writer_take_bytes(struct writer *w, sshio_bytes *bytes); /* the same, with the NUL behind that these have */

void put_u8(struct writer *w, uint8_t value);
void put_u32(struct writer *w, uint32_t value);
void put_u64(struct writer *w, uint64_t value);
void put_bool(struct writer *w, bool value);
void put_bytes(struct writer *w, const void *data, size_t len);
void put_string(struct writer *w, const void *data, size_t len);
void put_span(struct writer *w, struct span s);                      /* as a string */
void put_text(struct writer *w, const char *text);                   /* as a string, without the NUL */
void put_chars(struct writer *w, const char *text);                  /* the characters alone */
void put_mpint(struct writer *w, const void *magnitude, size_t len); /* big-endian, leading zeros are dropped */
size_t put_open(struct writer *w);                                   /* a string whose length is not known yet … */
void put_close(struct writer *w, size_t mark);                       /* … and its end */

/* ---- numbers in memory ---- */

static inline uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline void store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void store_u64(uint8_t *p, uint64_t v)
{
    store_u32(p, (uint32_t)(v >> 32));
    store_u32(p + 4, (uint32_t)v);
}

#endif
