/* Looking hosts up; see known_hosts.h. A look-up walks all entries; hashed names cost one HMAC each, as every line has
 * a salt of its own. */
#include <string.h>

#include "base/memory.h"
#include "base/pattern.h"
#include "config/address.h"
#include "config/known_hosts_entry.h"
#include "config/text_lines.h"
#include "crypto/hash.h"
#include "key/key.h"

#define DEFAULT_PORT 22

/* The names to look for, in lower case as hashed names are. */
struct lookup {
    struct writer text;
    struct span names[2];
    size_t count;
    struct address address;
    bool failed; /* some entry could not be looked at, which may be the one that revokes: then nothing is trusted */
};

bool known_hosts_is_default_port(int port)
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

void known_hosts_put_name(struct writer *w, const char *name, int port)
{
    if (known_hosts_is_default_port(port)) {
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
        known_hosts_put_name(&lookup->text, texts[i], port);
        ends[lookup->count++] = lookup->text.len;
        address_parse(span_of(texts[i]), &lookup->address); /* the address, which comes second, wins */
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

static bool hashed_matches(const struct hashed_name *hashed, struct lookup *lookup)
{
    const struct hash_alg *sha1 = hash_find("sha1");
    uint8_t hash[HASH_MAX_LEN];
    bool found = false;

    for (size_t i = 0; i < lookup->count; i++) {
        if (sha1 == NULL || !hmac_once(sha1, SPAN(hashed->salt, hashed->salt_len), lookup->names[i], hash))
            lookup->failed = true;
        else
            found |= mem_equal_secret(hash, hashed->hash, SHA1_LEN);
    }
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

static bool entry_matches(const struct host_entry *entry, struct lookup *lookup)
{
    return entry->hashed != NULL ? hashed_matches(entry->hashed, lookup) : list_matches(entry->patterns, lookup);
}

bool known_hosts_walk(const sshio_known_hosts *hosts, const struct host_query *query, int port,
                      void (*visit)(void *user, const struct host_entry *entry), void *user)
{
    struct lookup lookup;
    bool ok = lookup_init(&lookup, query, port);

    for (size_t i = 0; ok && i < hosts->count; i++)
        if (entry_matches(&hosts->entries[i], &lookup))
            visit(user, &hosts->entries[i]);
    writer_done(&lookup.text);
    return ok && !lookup.failed;
}

/* The entries that speak about a key, one for each thing they can say: the first in the file. */
struct findings {
    struct span blob; /* of the key */
    const struct host_entry *revoked;
    const struct host_entry *trusted;
    const struct host_entry *same_type;
    const struct host_entry *other_type;
    bool any; /* some entry gives trust, to whatever key or authority */
};

static struct span entry_blob(const struct host_entry *entry)
{
    return SPAN(entry->blob, entry->blob_len);
}

static void note(const struct host_entry **place, const struct host_entry *entry)
{
    if (*place == NULL)
        *place = entry;
}

static void judge(void *user, const struct host_entry *entry)
{
    struct findings *found = user;
    struct span known = entry_blob(entry), blob = found->blob;

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
    else if (span_equal(known_hosts_blob_type(known), known_hosts_blob_type(blob)))
        note(&found->same_type, entry);
    else
        note(&found->other_type, entry);
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

sshio_host_status known_hosts_match(const sshio_known_hosts *hosts, const struct host_query *query,
                                    const sshio_key *key, struct host_place *place)
{
    struct findings found = { .blob = key_public_blob(key) };

    if (place != NULL)
        *place = (struct host_place){ 0 };
    if (!known_hosts_walk(hosts, query, query->port, judge, &found))
        return SSHIO_HOST_UNKNOWN;
    if (!found.any && !known_hosts_is_default_port(query->port)) {
        /* Nothing is known for this port. The host's key on the default port is fine here too, but another key is no
         * change: it is usual that another server lives on another port. */
        if (!known_hosts_walk(hosts, query, 0, judge, &found))
            return SSHIO_HOST_UNKNOWN;
        found.same_type = found.other_type = NULL;
    }
    return conclude(&found, place);
}

struct type_list {
    struct texts *types;
    bool failed;
};

static bool has_type(const struct texts *types, struct span type)
{
    for (size_t i = 0; i < types->count; i++)
        if (span_is(type, types->items[i]))
            return true;
    return false;
}

static void add_type(void *user, const struct host_entry *entry)
{
    struct type_list *list = user;
    struct span type = known_hosts_blob_type(entry_blob(entry));

    if (entry->marker == MARKER_NONE && !has_type(list->types, type))
        list->failed |= !texts_add_len(list->types, (const char *)type.data, type.len);
}

bool known_hosts_types(const sshio_known_hosts *hosts, const struct host_query *query, struct texts *types)
{
    size_t before = types->count;
    struct type_list list = { .types = types };
    bool ok = known_hosts_walk(hosts, query, query->port, add_type, &list);
    if (ok && !list.failed && types->count == before && !known_hosts_is_default_port(query->port))
        ok = known_hosts_walk(hosts, query, 0, add_type, &list);
    return ok && !list.failed;
}
