/* See known_hosts.h. Entries stay in the order of their files; a look-up walks them all. Hashed names cost one HMAC each, as every
 * line has a salt of its own. */
#include "config/known_hosts.h"

#include <stdatomic.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "base/pattern.h"
#include "config/address.h"
#include "config/text_lines.h"
#include "crypto/hash.h"
#include "key/key.h"

#define SALT_MAX_LEN 64
#define SHA1_LEN 20
#define DEFAULT_PORT 22

enum host_marker {
    MARKER_NONE,
    MARKER_CERT_AUTHORITY,
    MARKER_REVOKED,
};

struct hashed_name {
    uint8_t salt[SALT_MAX_LEN];
    size_t salt_len;
    uint8_t hash[SHA1_LEN];
};

struct host_entry {
    enum host_marker marker;
    char *patterns;                 /* the comma list; NULL = the name is hashed */
    struct hashed_name *hashed;
    sshio_key *key;
    const char *filename;           /* one of the object's */
    int line;
};

struct sshio_known_hosts {
    atomic_int refs;
    struct texts filenames;
    struct host_entry *entries;
    size_t count;
    size_t capacity;
};

/* ---- the object ---- */

static void entry_done(struct host_entry *entry)
{
    mem_free(entry->patterns);
    mem_free(entry->hashed);
    sshio_key_unref(entry->key);
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
    const char *filename;           /* of the object, or NULL */
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
    if (count_bars(word) != 3 || !decode_into(salt, name->salt, sizeof name->salt, &name->salt_len) || name->salt_len == 0
        || !decode_into(hash, name->hash, sizeof name->hash, &hash_len) || hash_len != sizeof name->hash)
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

/* Leaves entry->key NULL when the key data is of a kind that we do not read. */
static int parse_key(const struct line_source *source, struct span text, struct host_entry *entry)
{
    int rc = key_from_public_text(text, &entry->key, NULL);
    return rc == SSHIO_ENOMEM ? error_nomem(source->e) : 0;
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
    if (rc == 0 && entry.key != NULL && !make_room(hosts))
        rc = error_nomem(source->e);
    if (rc != 0 || entry.key == NULL)
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

/* ---- look-up ---- */

/* The names to look for, in lower case as hashed names are. A look-up that could not be made finds nothing. */
struct lookup {
    struct writer text;
    struct span names[2];
    size_t count;
    struct address address;
};

static bool is_default_port(int port)
{
    return port == 0 || port == DEFAULT_PORT;
}

static void put_lower(struct writer *w, const char *name)
{
    for (; *name != '\0'; name++)
        put_u8(w, (uint8_t)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name));
}

static void put_number(struct writer *w, int number)
{
    char digits[12];
    size_t len = 0;

    for (unsigned n = (unsigned)number; n != 0 || len == 0; n /= 10)
        digits[len++] = (char)('0' + n % 10);
    while (len != 0)
        put_u8(w, (uint8_t)digits[--len]);
}

static void put_name(struct writer *w, const char *name, int port)
{
    if (is_default_port(port)) {
        put_lower(w, name);
        return;
    }
    put_u8(w, '[');
    put_lower(w, name);
    put_chars(w, "]:");
    put_number(w, port);
}

static bool lookup_init(struct lookup *lookup, const struct host_query *query, int port)
{
    const char *texts[] = { query->host, query->addr };
    size_t ends[2];

    *lookup = (struct lookup){ .count = 0 };
    writer_init(&lookup->text, 8192);
    for (size_t i = 0; i < 2; i++) {
        if (texts[i] == NULL || texts[i][0] == '\0')
            continue;
        put_name(&lookup->text, texts[i], port);
        ends[lookup->count++] = lookup->text.len;
        address_parse(span_of(texts[i]), &lookup->address);     /* the address, which comes second, wins */
    }
    if (writer_failed(&lookup->text))
        return false;
    size_t start = 0;
    for (size_t i = 0; i < lookup->count; i++) {
        lookup->names[i] = SPAN(lookup->text.data + start, ends[i] - start);
        start = ends[i];
    }
    return true;
}

static bool hashed_matches(const struct hashed_name *hashed, const struct lookup *lookup)
{
    const struct hash_alg *sha1 = hash_find("sha1");
    uint8_t hash[HASH_MAX_LEN];
    bool found = false;

    for (size_t i = 0; i < lookup->count && sha1 != NULL; i++)
        if (hmac_once(sha1, SPAN(hashed->salt, hashed->salt_len), lookup->names[i], hash))
            found |= mem_equal_secret(hash, hashed->hash, SHA1_LEN);
    return found;
}

static bool element_matches(struct span element, const struct lookup *lookup)
{
    struct network network;

    if (network_parse(element, &network) && network_contains(&network, &lookup->address))
        return true;
    for (size_t i = 0; i < lookup->count; i++)
        if (pattern_match_nocase(element, lookup->names[i]))
            return true;
    return false;
}

static bool list_matches(const char *patterns, const struct lookup *lookup)
{
    struct span rest = span_of(patterns);
    struct span element;
    bool found = false;

    while (text_comma_next(&rest, &element)) {
        bool negated = element.len != 0 && element.data[0] == '!';
        if (negated)
            element = SPAN(element.data + 1, element.len - 1);
        if (element.len == 0 || !element_matches(element, lookup))
            continue;
        if (negated)
            return false;
        found = true;
    }
    return found;
}

static bool entry_matches(const struct host_entry *entry, const struct lookup *lookup)
{
    return entry->hashed != NULL ? hashed_matches(entry->hashed, lookup) : list_matches(entry->patterns, lookup);
}

static struct span blob_type(struct span blob)
{
    struct reader r;
    reader_init(&r, blob.data, blob.len);
    return read_string(&r);
}

/* The entries that speak about a key, one for each thing they can say: the first in the file. */
struct findings {
    const struct host_entry *revoked;
    const struct host_entry *trusted;
    const struct host_entry *same_type;
    const struct host_entry *other_type;
    bool any;                       /* some entry gives trust, to whatever key or authority */
};

static void note(const struct host_entry **place, const struct host_entry *entry)
{
    if (*place == NULL)
        *place = entry;
}

static void judge(const struct host_entry *entry, struct span blob, struct findings *found)
{
    struct span known = key_public_blob(entry->key);

    if (entry->marker == MARKER_REVOKED) {
        if (span_equal(known, blob))
            note(&found->revoked, entry);
        return;
    }
    found->any = true;
    if (entry->marker == MARKER_CERT_AUTHORITY)
        return;
    if (span_equal(known, blob))
        note(&found->trusted, entry);
    else if (span_equal(blob_type(known), blob_type(blob)))
        note(&found->same_type, entry);
    else
        note(&found->other_type, entry);
}

static bool look_up(const sshio_known_hosts *hosts, const struct host_query *query, int port, struct span blob,
                    struct findings *found)
{
    struct lookup lookup;
    bool ok = lookup_init(&lookup, query, port);

    for (size_t i = 0; ok && i < hosts->count; i++)
        if (entry_matches(&hosts->entries[i], &lookup))
            judge(&hosts->entries[i], blob, found);
    writer_done(&lookup.text);
    return ok;
}

static sshio_host_status conclude(const struct findings *found, struct host_place *place)
{
    const struct {
        const struct host_entry *entry;
        sshio_host_status status;
    } rows[] = {
        { found->revoked, SSHIO_HOST_REVOKED },
        { found->trusted, SSHIO_HOST_OK },
        { found->same_type, SSHIO_HOST_CHANGED },
        { found->other_type, SSHIO_HOST_OTHER_TYPE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].entry == NULL)
            continue;
        if (place != NULL)
            *place = (struct host_place){ rows[i].entry->filename, rows[i].entry->line };
        return rows[i].status;
    }
    return SSHIO_HOST_UNKNOWN;
}

sshio_host_status known_hosts_match(const sshio_known_hosts *hosts, const struct host_query *query, const sshio_key *key,
                                    struct host_place *place)
{
    struct span blob = key_public_blob(key);
    struct findings found = { .any = false };

    if (place != NULL)
        *place = (struct host_place){ 0 };
    if (!look_up(hosts, query, query->port, blob, &found))
        return SSHIO_HOST_UNKNOWN;
    if (!found.any && !is_default_port(query->port)) {
        /* Nothing is known for this port. The host's key on the default port is fine here too, but another key is no change:
         * it is usual that another server lives on another port. */
        if (!look_up(hosts, query, 0, blob, &found))
            return SSHIO_HOST_UNKNOWN;
        found.same_type = found.other_type = NULL;
    }
    return conclude(&found, place);
}

static bool add_types(const sshio_known_hosts *hosts, const struct host_query *query, int port, struct texts *types)
{
    struct lookup lookup;
    bool ok = lookup_init(&lookup, query, port);

    for (size_t i = 0; ok && i < hosts->count; i++) {
        const struct host_entry *entry = &hosts->entries[i];
        if (entry->marker != MARKER_NONE || !entry_matches(entry, &lookup))
            continue;
        const char *type = sshio_key_get_algorithm(entry->key);
        ok = texts_has(types, type) || texts_add(types, type);
    }
    writer_done(&lookup.text);
    return ok;
}

bool known_hosts_types(const sshio_known_hosts *hosts, const struct host_query *query, struct texts *types)
{
    size_t before = types->count;
    bool ok = add_types(hosts, query, query->port, types);
    if (ok && types->count == before && !is_default_port(query->port))
        ok = add_types(hosts, query, 0, types);
    return ok;
}
