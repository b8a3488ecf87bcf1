/* Public keys as text: a line "type base64 comment" or a block "PUBLIC KEY", anywhere in the text. Lines that are
 * something else are skipped, and so is one whose base64 is broken; but a line that names one type and holds another is
 * an error. */
#include "key/types.h"
#include "key/openssh_file.h"
#include "key/pkcs8.h"

#include <string.h>

#include "base/base64.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line; empty at its end. */
static struct span take_word(struct span *line)
{
    while (line->len != 0 && is_space(line->data[0]))
        *line = SPAN(line->data + 1, line->len - 1);
    size_t len = 0;
    while (len < line->len && !is_space(line->data[len]))
        len++;
    struct span word = SPAN(line->data, len);
    *line = SPAN(line->data + len, line->len - len);
    return word;
}

static struct span skip_spaces(struct span line)
{
    while (line.len != 0 && is_space(line.data[0]))
        line = SPAN(line.data + 1, line.len - 1);
    return line;
}

static int from_blob_and_comment(const struct key_type *type, struct span blob, struct span comment, sshio_key **key,
                                 struct error *e)
{
    struct reader r;
    reader_init(&r, blob.data, blob.len);
    if (!span_is(read_string(&r), type->name))
        return key_import_error(e, SSHIO_DETAIL_ALGORITHM_MISMATCH,
                                "algorithm mismatch: the line says %s, the key in it is something else", type->name);
    sshio_key *made = NULL;
    int rc = key_from_public_blob(blob, &made, e);
    if (rc == 0)
        rc = key_set_comment(made, comment, e);
    if (rc != 0) {
        sshio_key_unref(made);
        return rc;
    }
    *key = made;
    return 0;
}

/* 1 = this line is a key, 0 = it is something else, negative = a wrong key. */
static int read_line(struct span line, sshio_key **key, struct error *e)
{
    const struct key_type *type = key_type_find(take_word(&line));
    if (type == NULL)
        return 0;
    struct span base64 = take_word(&line);
    struct writer blob;
    int rc = pem_decode(base64, &blob, e);
    if (rc > 0 && base64.len != 0) {
        rc = from_blob_and_comment(type, writer_span(&blob), skip_spaces(line), key, e);
        rc = rc == 0 ? 1 : rc;
    } else if (rc > 0) {
        rc = 0;
    }
    writer_done(&blob);
    return rc;
}

/* The public half of the first private key, which an OpenSSH file shows without its passphrase. */
static int from_private_block(struct span text, sshio_key **key, struct error *e)
{
    struct pem_block block;
    sshio_key *private_key = NULL;
    int rc = pem_find(text, "PRIVATE KEY", &block, e);
    if (rc < 0)
        return rc;
    if (rc > 0 && span_is(block.words, "OPENSSH"))
        return openssh_file_read_public(&block, key, e);
    if (rc == 0 || block.words.len != 0)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "invalid public key: there is none in the text");
    rc = pkcs8_read_private_block(&block, &private_key, e);
    if (rc == 0)
        rc = key_convert_to_public(private_key, key, e);
    sshio_key_unref(private_key);
    return rc;
}

/* text begins with the first line of a block "PUBLIC KEY". */
static int from_public_block(struct span text, sshio_key **key, struct error *e)
{
    struct pem_block block;
    int rc = pem_find(text, "PUBLIC KEY", &block, e);
    if (rc < 0)
        return rc;
    if (block.words.len != 0)
        return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_TYPE,
                                "public keys in \"%.*s PUBLIC KEY\" form are not supported in this version",
                                (int)(block.words.len < 64 ? block.words.len : 64), (const char *)block.words.data);
    return pkcs8_read_public_block(&block, key, e);
}

int key_from_public_text(struct span text, sshio_key **key, struct error *e)
{
    struct span rest = text, line, words;
    if (text.len > KEY_MAX_TEXT_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "a public key text of %zu bytes is too long", text.len);
    for (struct span from = rest; line_next(&rest, &line); from = rest) {
        if (pem_begins(line, "PUBLIC KEY", &words))
            return from_public_block(from, key, e);
        int rc = read_line(line, key, e);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return from_private_block(text, key, e);
}

/* A line holds no line ends, and no program reads past a NUL. */
static bool comment_fits_a_line(const sshio_key *key)
{
    struct span comment = SPAN(key->comment, key->comment_len);
    return comment.len == 0 || (memchr(comment.data, '\n', comment.len) == NULL &&
                                memchr(comment.data, '\r', comment.len) == NULL && !span_has_nul(comment));
}

static int put_line(const sshio_key *key, struct writer *w, struct error *e)
{
    if (!comment_fits_a_line(key))
        return error_set(e, SSHIO_EKEY_EXPORT, "the comment of the key has a line end or a NUL in it");
    put_chars(w, key->type->name);
    put_u8(w, ' ');
    put_base64(w, key_public_blob(key), true, 0);
    if (key->comment_len != 0) {
        put_u8(w, ' ');
        put_bytes(w, key->comment, key->comment_len);
    }
    put_u8(w, '\n');
    return writer_failed(w) ? error_nomem(e) : 0;
}

int key_put_public_text(const sshio_key *key, sshio_key_format format, struct writer *w, struct error *e)
{
    switch (format) {
    case SSHIO_FORMAT_OPENSSH:
        return put_line(key, w, e);
    case SSHIO_FORMAT_PKCS8_DER:
    case SSHIO_FORMAT_PKCS8_PEM:
        return pkcs8_put_public(key, format == SSHIO_FORMAT_PKCS8_PEM, w, e);
    }
    return error_set(e, SSHIO_EKEY_EXPORT, "unknown public key format %d", (int)format);
}
