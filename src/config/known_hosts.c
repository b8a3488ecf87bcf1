/* Reading known hosts; see known_hosts.h. Entries stay in the order of their files.
 *
 * Keys are kept as blobs: whether a key makes sense is decided about the one that the peer shows. So keys of types that
 * this build does not know still say that a host is known by other types, and can be revoked. */
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "config/known_hosts_entry.h"
#include "config/text_lines.h"

static void entry_done(struct host_entry *entry)
{
    mem_free(entry->patterns);
    mem_free(entry->hashed);
    mem_free(entry->blob);
}

sshio_known_hosts *known_hosts_new(void)
{
    sshio_known_hosts *hosts = mem_zalloc(sizeof *hosts);
    if (hosts != NULL)
        atomic_init(&hosts->refs, 1);
    return hosts;
}

sshio_known_hosts *known_hosts_ref(sshio_known_hosts *hosts)
{
    if (hosts != NULL)
        atomic_fetch_add(&hosts->refs, 1);
    return hosts;
}

void known_hosts_unref(sshio_known_hosts *hosts)
{
    if (hosts == NULL || atomic_fetch_sub(&hosts->refs, 1) != 1)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        entry_done(&hosts->entries[i]);
    mem_free(hosts->entries);
    texts_done(&hosts->filenames);
    mem_free(hosts);
}

static bool make_room(sshio_known_hosts *hosts)
{
    if (hosts->count < hosts->capacity)
        return true;
    size_t capacity = hosts->capacity != 0 ? 2 * hosts->capacity : 16;
    struct host_entry *entries = mem_grow(hosts->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    hosts->entries = entries;
    hosts->capacity = capacity;
    return true;
}

/* ---- reading a line ---- */

struct line_source {
    const char *filename; /* of the object, or NULL */
    int line;
    struct error *e;
};

static int bad_line(const struct line_source *source, const char *what, struct span text)
{
    int shown = text.len < 200 ? (int)text.len : 200;
    return error_set_file(source->e, SSHIO_EINVAL, source->filename, source->line, "%s: %.*s", what, shown,
                          text.len != 0 ? (const char *)text.data : "");
}

static int parse_marker(const struct line_source *source, struct span word, enum host_marker *marker)
{
    if (span_is(word, "@cert-authority"))
        *marker = MARKER_CERT_AUTHORITY;
    else if (span_is(word, "@revoked"))
        *marker = MARKER_REVOKED;
    else
        return bad_line(source, "Invalid known hosts marker", word);
    return 0;
}

/* Takes what stands before the next bar, or the rest. */
static struct span take_field(struct span *rest)
{
    const uint8_t *bar = rest->len != 0 ? memchr(rest->data, '|', rest->len) : NULL;
    size_t len = bar != NULL ? (size_t)(bar - rest->data) : rest->len;
    struct span field = SPAN(rest->data, len);
    size_t taken = bar != NULL ? len + 1 : len;
    *rest = SPAN(rest->data + taken, rest->len - taken);
    return field;
}

/* Decodes into a fixed place; false for bad base64 or too many bytes. */
static bool decode_into(struct span text, uint8_t *place, size_t max, size_t *len)
{
    struct writer w;
    writer_init_fixed(&w, place, max);
    bool ok = base64_decode(text, &w) && !writer_failed(&w);
    *len = w.len;
    return ok;
}

static size_t count_bars(struct span word)
{
    size_t count = 0;
    for (size_t i = 0; i < word.len; i++)
        count += word.data[i] == '|';
    return count;
}

/* "|1|salt|hash": base64 of a salt and of HMAC-SHA-1(salt, name). */
static int parse_hashed(const struct line_source *source, struct span word, struct host_entry *entry)
{
    struct span rest = SPAN(word.data + 1, word.len - 1);
    struct span type = take_field(&rest);
    struct span salt = take_field(&rest);
    struct span hash = take_field(&rest);
    size_t hash_len;

    if (!span_is(type, "1"))
        return bad_line(source, "Invalid known hosts hash type", type);
    entry->hashed = mem_zalloc(sizeof *entry->hashed);
    if (entry->hashed == NULL)
        return error_nomem(source->e);
    struct hashed_name *name = entry->hashed;
    if (count_bars(word) != 3 || !decode_into(salt, name->salt, sizeof name->salt, &name->salt_len) ||
        name->salt_len == 0 || !decode_into(hash, name->hash, sizeof name->hash, &hash_len) ||
        hash_len != sizeof name->hash)
        return bad_line(source, "Invalid known hosts hash entry", word);
    return 0;
}

static int parse_hosts(const struct line_source *source, struct span word, struct host_entry *entry)
{
    if (word.data[0] == '|')
        return parse_hashed(source, word, entry);
    if (span_has_nul(word))
        return bad_line(source, "Invalid known hosts entry", SPAN("NUL byte", 8));
    entry->patterns = span_dup_text(word);
    return entry->patterns != NULL ? 0 : error_nomem(source->e);
}

struct span known_hosts_blob_type(struct span blob)
{
    struct reader r;
    reader_init(&r, blob.data, blob.len);
    return read_string(&r);
}

/* Certificates and X.509 names are no plain keys, and nothing that a plain key could be compared with. */
static bool is_plain_type(struct span type)
{
    static const char marker[] = "-cert-v0";
    static const char x509[] = "x509v3-";

    if (type.len == 0 || (type.len >= sizeof x509 - 1 && memcmp(type.data, x509, sizeof x509 - 1) == 0))
        return false;
    return memmem(type.data, type.len, marker, sizeof marker - 1) == NULL;
}

/* "type base64 [comment]". Leaves entry->blob NULL for key data of another form. */
static int parse_key(const struct line_source *source, struct span text, struct host_entry *entry)
{
    struct span type = text_word(&text);
    struct span base64 = text_word(&text);
    struct writer w;
    int rc = 0;

    writer_init(&w, TEXT_LINE_MAX_LEN);
    bool ok = is_plain_type(type) && base64_decode(base64, &w) &&
              span_equal(known_hosts_blob_type(writer_span(&w)), type);
    if (writer_failed(&w) || (ok && !span_dup(writer_span(&w), &entry->blob)))
        rc = error_nomem(source->e);
    entry->blob_len = w.len;
    writer_done(&w);
    return rc;
}

static int parse_entry(const struct line_source *source, struct span line, struct host_entry *entry)
{
    struct span rest = line;
    struct span word = text_word(&rest);
    int rc = 0;

    if (word.data[0] == '@') {
        rc = parse_marker(source, word, &entry->marker);
        word = text_word(&rest);
        if (rc == 0 && word.len != 0 && word.data[0] == '@')
            rc = bad_line(source, "Invalid known hosts marker", word);
    }
    rest = text_trim(rest);
    if (rc == 0 && (word.len == 0 || rest.len == 0))
        rc = bad_line(source, "Invalid known hosts entry", line);
    if (rc == 0)
        rc = parse_hosts(source, word, entry);
    if (rc == 0)
        rc = parse_key(source, rest, entry);
    return rc;
}

static int parse_line(sshio_known_hosts *hosts, const struct line_source *source, struct span line)
{
    struct host_entry entry = { .filename = source->filename, .line = source->line };

    if (text_line_too_long(line))
        return bad_line(source, "Line is too long", SPAN(line.data, 40));
    if (text_line_is_empty(line))
        return 0;
    int rc = parse_entry(source, line, &entry);
    if (rc == 0 && entry.blob != NULL && !make_room(hosts))
        rc = error_nomem(source->e);
    if (rc != 0 || entry.blob == NULL)
        entry_done(&entry);
    else
        hosts->entries[hosts->count++] = entry;
    return rc;
}

int known_hosts_parse(sshio_known_hosts *hosts, struct span text, const char *filename, struct error *e)
{
    struct line_source source = { .e = e };
    struct text_lines lines;
    struct span line;

    if (filename != NULL) {
        if (!texts_add(&hosts->filenames, filename))
            return error_nomem(e);
        source.filename = hosts->filenames.items[hosts->filenames.count - 1];
    }
    text_lines_init(&lines, text);
    while (text_lines_next(&lines, &line)) {
        source.line = lines.number;
        int rc = parse_line(hosts, &source, line);
        if (rc != 0)
            return rc;
    }
    return 0;
}
