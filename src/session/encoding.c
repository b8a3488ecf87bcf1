/* Text encodings; see encoding.h. */
#include "session/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "base/charset.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "base/utf8_errors.h"

#define TAIL_MAX 16u /* no encoding has a longer character or escape */
#define OUTPUT_MAX 2048u
#define NO_ICONV ((iconv_t)-1)

struct converter {
    iconv_t iconv; /* NO_ICONV: not opened, or the encoding is UTF-8 */
    uint8_t tail[TAIL_MAX];
    size_t tail_len;
};

struct encoding {
    unsigned refs;
    char *name;
    bool utf8;
    sshio_text_errors errors;
    struct converter in[ENCODING_TYPES], out[ENCODING_TYPES];
};

/* One call, and where its output goes. */
struct conversion {
    struct encoding *enc;
    struct converter *c;
    bool outgoing;
    encoding_fn put;
    void *user;
};

enum status { DONE, INCOMPLETE, INVALID };

/* ---- life ---- */

static bool open_converter(const struct encoding *enc, struct converter *c, bool outgoing)
{
    if (!enc->utf8 && c->iconv == NO_ICONV)
        c->iconv = outgoing ? iconv_open(enc->name, "UTF-8") : iconv_open("UTF-8", enc->name);
    return enc->utf8 || c->iconv != NO_ICONV;
}

static void close_converter(struct converter *c)
{
    if (c->iconv != NO_ICONV)
        iconv_close(c->iconv);
    mem_wipe(c->tail, sizeof c->tail);
}

struct encoding *encoding_new(const char *name, sshio_text_errors errors, struct error *e)
{
    if (text_errors_check("errors", errors, e) != 0)
        return NULL;
    struct encoding *enc = mem_zalloc(sizeof *enc);
    char *copy = mem_strdup(name);
    if (enc == NULL || copy == NULL) {
        mem_free(enc);
        mem_free(copy);
        error_nomem(e);
        return NULL;
    }
    *enc = (struct encoding){ .refs = 1,
                              .name = copy,
                              .utf8 = charset_is_utf8(name),
                              .errors = errors != SSHIO_ERRORS_UNSET ? errors : SSHIO_ERRORS_STRICT };
    for (size_t i = 0; i < ENCODING_TYPES; i++)
        enc->in[i].iconv = enc->out[i].iconv = NO_ICONV;
    bool plain = strchr(name, '/') == NULL; /* what follows a slash would change the rules of iconv */
    if (plain && open_converter(enc, &enc->in[0], false) && open_converter(enc, &enc->out[0], true))
        return enc;
    error_set(e, SSHIO_EINVAL, "encoding \"%s\" is not known here", name);
    encoding_unref(enc);
    return NULL;
}

struct encoding *encoding_ref(struct encoding *enc)
{
    enc->refs++;
    return enc;
}

void encoding_unref(struct encoding *enc)
{
    if (enc == NULL || --enc->refs > 0)
        return;
    for (size_t i = 0; i < ENCODING_TYPES; i++) {
        close_converter(&enc->in[i]);
        close_converter(&enc->out[i]);
    }
    mem_free(enc->name);
    mem_free(enc);
}

const char *encoding_name(const struct encoding *enc)
{
    return enc->name;
}

/* ---- one piece ---- */

static void advance(struct span *in, size_t len)
{
    *in = SPAN(in->data + len, in->len - len);
}

static void put(const struct conversion *v, const void *data, size_t len)
{
    if (len != 0)
        v->put(v->user, data, len);
}

static enum status check_utf8(const struct conversion *v, struct span *in)
{
    size_t len = utf8_prefix(*in);
    put(v, in->data, len);
    advance(in, len);
    if (in->len == 0)
        return DONE;
    return utf8_begun(*in) == in->len ? INCOMPLETE : INVALID;
}

static enum status convert(const struct conversion *v, struct span *in)
{
    char output[OUTPUT_MAX];
    for (;;) {
        char *from = (char *)(uintptr_t)in->data, *to = output;
        size_t from_len = in->len, to_len = sizeof output;
        size_t rc = iconv(v->c->iconv, &from, &from_len, &to, &to_len);
        int error = errno;
        put(v, output, sizeof output - to_len);
        advance(in, in->len - from_len);
        if (rc != (size_t)-1)
            return DONE;
        if (error != E2BIG)
            return error == EINVAL ? INCOMPLETE : INVALID;
    }
}

/* Hands out what can be converted, and leaves in `in` what is incomplete or invalid. */
static enum status run(const struct conversion *v, struct span *in)
{
    return v->enc->utf8 ? check_utf8(v, in) : convert(v, in);
}

/* ---- what does not belong ---- */

/* A byte that was carried as a surrogate. */
static bool escaped_byte(struct span in, uint8_t *byte)
{
    if (in.len < 3 || in.data[0] != 0xed || (in.data[1] != 0xb2 && in.data[1] != 0xb3))
        return false;
    *byte = (uint8_t)((in.data[1] - 0xb2) * 0x40 + in.data[2]);
    return (in.data[2] & 0xc0) == 0x80;
}

static void put_ascii(const struct conversion *v, struct span text)
{
    if (v->outgoing)
        run(v, &text);
    else
        put(v, text.data, text.len);
}

static void put_escaped(const struct conversion *v, uint32_t character)
{
    char text[16];
    snprintf(text, sizeof text,
             character < 0x100     ? "\\x%02x"
             : character < 0x10000 ? "\\u%04x"
                                   : "\\U%08x",
             (unsigned)character);
    put_ascii(v, SPAN(text, strlen(text)));
}

/* What begins with a byte that cannot be converted, and how long it is: a character that the encoding lacks, what was
 * begun of one, or the byte. */
static size_t bad_len(const struct conversion *v, struct span in, uint32_t *character)
{
    size_t whole = v->outgoing ? utf8_char(in, character) : 0;
    if (whole != 0)
        return whole;
    size_t begun = v->outgoing || v->enc->utf8 ? utf8_begun(in) : 0;
    return begun != 0 ? begun : 1;
}

static void replace(const struct conversion *v, struct span bad)
{
    uint8_t memory[STAND_IN_MAX];
    struct writer w;
    writer_init_fixed(&w, memory, sizeof memory);
    put_stand_in(&w, bad, v->enc->errors);
    put_ascii(v, writer_span(&w));
}

/* 0, or EDECODE. */
static int pass_over(const struct conversion *v, struct span *in)
{
    uint32_t character = 0;
    uint8_t byte;
    size_t len = bad_len(v, *in, &character);
    bool surrogates = v->enc->errors == SSHIO_ERRORS_SURROGATEESCAPE;
    struct span bad = SPAN(in->data, len);
    if (v->enc->errors == SSHIO_ERRORS_STRICT)
        return SSHIO_EDECODE;
    if (surrogates && v->outgoing) {
        if (!escaped_byte(*in, &byte))
            return SSHIO_EDECODE;
        put(v, &byte, 1);
        len = 3;
    } else if (surrogates && in->data[0] < 0x80) {
        return SSHIO_EDECODE;
    } else if (v->enc->errors == SSHIO_ERRORS_REPLACE && v->outgoing) {
        put_ascii(v, span_of("?"));
    } else if (character == 0) {
        replace(v, bad);
    } else if (v->enc->errors == SSHIO_ERRORS_BACKSLASHREPLACE) {
        put_escaped(v, character);
    }
    advance(in, len);
    return 0;
}

/* ---- a stream of pieces ---- */

/* Converts in, whose rest may be an incomplete character. */
static int convert_all(const struct conversion *v, struct span *in)
{
    enum status status;
    while ((status = run(v, in)) == INVALID) {
        int rc = pass_over(v, in);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void keep(struct converter *c, struct span rest)
{
    memcpy(c->tail, rest.data, rest.len);
    c->tail_len = rest.len;
}

/* The tail and the beginning of in, until the tail is used up or all of in is in it. */
static int finish_tail(const struct conversion *v, struct span *in)
{
    struct converter *c = v->c;
    uint8_t joined[2 * TAIL_MAX];
    size_t more = in->len < TAIL_MAX ? in->len : TAIL_MAX;
    size_t tail_len = c->tail_len;
    memcpy(joined, c->tail, tail_len);
    memcpy(joined + tail_len, in->data, more);
    struct span rest = SPAN(joined, tail_len + more);
    c->tail_len = 0;
    int rc = convert_all(v, &rest);
    size_t used = tail_len + more - rest.len;
    if (rc != 0)
        return rc;
    if (used >= tail_len) {
        advance(in, used - tail_len);
        return 0;
    }
    advance(in, more);
    if (rest.len > TAIL_MAX)
        return SSHIO_EDECODE;
    keep(c, rest);
    return 0;
}

/* Nothing follows: what is left of a character is in error, and encodings with a state return to the first one. */
static int end_stream(const struct conversion *v)
{
    struct converter *c = v->c;
    uint8_t left[TAIL_MAX];
    struct span rest = SPAN(left, c->tail_len);
    char output[64], *to = output;
    size_t to_len = sizeof output;
    int rc = 0;
    memcpy(left, c->tail, c->tail_len);
    c->tail_len = 0;
    while (rc == 0 && rest.len != 0)
        rc = pass_over(v, &rest);
    if (rc == 0 && c->iconv != NO_ICONV && iconv(c->iconv, NULL, NULL, &to, &to_len) != (size_t)-1)
        put(v, output, sizeof output - to_len);
    return rc;
}

static int feed(struct encoding *enc, bool outgoing, unsigned type, struct span in, bool last, encoding_fn out,
                void *user)
{
    struct converter *c = outgoing ? &enc->out[type] : &enc->in[type];
    const struct conversion v = { .enc = enc, .c = c, .outgoing = outgoing, .put = out, .user = user };
    int rc = open_converter(enc, c, outgoing) ? 0 : SSHIO_ENOMEM;
    encoding_ref(enc);
    while (rc == 0 && c->tail_len != 0 && in.len != 0)
        rc = finish_tail(&v, &in);
    if (rc == 0 && in.len != 0) {
        rc = convert_all(&v, &in);
        if (rc == 0 && in.len > TAIL_MAX)
            rc = SSHIO_EDECODE;
        if (rc == 0)
            keep(c, in);
    }
    if (rc == 0 && last)
        rc = end_stream(&v);
    encoding_unref(enc);
    return rc;
}

int encoding_decode(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user)
{
    return feed(enc, false, type, in, last, out, user);
}

int encoding_encode(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user)
{
    return feed(enc, true, type, in, last, out, user);
}

bool encoding_passes(const struct encoding *enc, unsigned type, struct span in)
{
    return enc->utf8 && enc->out[type].tail_len == 0 && utf8_valid(in);
}
