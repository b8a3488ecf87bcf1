/* See known_hosts_write.h. */
#include "config/known_hosts_write.h"

#include <string.h>

#include "base/base64.h"
#include "config/known_hosts_entry.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "key/key.h"

#define NAME_MAX_LEN 4096

/* Wildcards, lists, hashes, negation and markers would make the line one of other hosts. */
static bool is_one_host(const char *host)
{
    if (host == NULL || host[0] == '\0' || strchr("@#|!", host[0]) != NULL)
        return false;
    for (; *host != '\0'; host++)
        if ((unsigned char)*host <= ' ' || *host == 0x7f || strchr(",*?", *host) != NULL)
            return false;
    return true;
}

static bool put_hashed(struct writer *w, struct span name)
{
    uint8_t salt[SHA1_LEN];
    uint8_t hash[HASH_MAX_LEN];
    const struct hash_alg *sha1 = hash_find("sha1");

    if (!random_bytes(salt, sizeof salt) || !hmac_once(sha1, SPAN(salt, sizeof salt), name, hash))
        return false;
    put_chars(w, "|1|");
    put_base64(w, SPAN(salt, sizeof salt), true, 0);
    put_chars(w, "|");
    put_base64(w, SPAN(hash, SHA1_LEN), true, 0);
    return true;
}

static void put_key(struct writer *w, const sshio_key *key)
{
    const char *comment = sshio_key_get_filename(key) == NULL ? sshio_key_get_comment(key) : NULL;

    put_chars(w, sshio_key_get_algorithm(key));
    put_u8(w, ' ');
    put_base64(w, key_public_blob(key), true, 0);
    if (comment != NULL && strpbrk(comment, "\r\n") == NULL) {
        put_u8(w, ' ');
        put_chars(w, comment);
    }
    put_u8(w, '\n');
}

int known_hosts_put_line(struct writer *w, const struct host_query *query, const sshio_key *key, bool hash,
                         struct error *e)
{
    struct writer name;
    bool ok = true;

    if (!is_one_host(query->host))
        return error_set(e, SSHIO_EINVAL, "not the name of one host: %s", query->host != NULL ? query->host : "");
    writer_init(&name, NAME_MAX_LEN);
    known_hosts_put_name(&name, query->host, query->port);
    if (hash)
        ok = put_hashed(w, writer_span(&name));
    else
        put_bytes(w, name.data, name.len);
    ok = ok && !writer_failed(&name);
    writer_done(&name);
    put_u8(w, ' ');
    put_key(w, key);
    return ok && !writer_failed(w) ? 0 : error_nomem(e);
}

/* ---- removing ---- */

static void find(void *user, const struct host_entry *entry)
{
    bool *found = user;
    *found |= entry->marker == MARKER_NONE;
}

static int is_about(struct span line, const struct host_query *query, bool *found, struct error *e)
{
    sshio_known_hosts *hosts = known_hosts_new();
    int rc = hosts != NULL ? known_hosts_parse(hosts, line, NULL, NULL) : SSHIO_ENOMEM;

    *found = false;
    if (rc == 0 && !known_hosts_walk(hosts, query, query->port, find, found))
        rc = SSHIO_ENOMEM;
    known_hosts_unref(hosts);
    return rc == SSHIO_ENOMEM ? error_nomem(e) : 0;
}

int known_hosts_put_without(struct writer *w, struct span text, const struct host_query *query, size_t *removed,
                            struct error *e)
{
    *removed = 0;
    while (text.len != 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
        bool found;
        int rc = is_about(SPAN(text.data, len), query, &found, e);
        if (rc != 0)
            return rc;
        if (found)
            ++*removed;
        else
            put_bytes(w, text.data, len);
        text = SPAN(text.data + len, text.len - len);
    }
    return writer_failed(w) ? error_nomem(e) : 0;
}
