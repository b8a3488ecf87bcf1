/* Fingerprints as ssh-keygen -l shows them: SHA256:… in unpadded base64, MD5:… in hex pairs. */
#include "key/types.h"

#include <ctype.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "crypto/hash.h"

static const char *const hash_names[] = { "sha256", "sha384", "sha512", "sha1", "md5" };

static const struct hash_alg *find_hash(const char *name)
{
    for (size_t i = 0; i < sizeof hash_names / sizeof hash_names[0]; i++)
        if (strcmp(name, hash_names[i]) == 0)
            return hash_find(name);
    return NULL;
}

static void put_hex_pairs(struct writer *w, struct span digest)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < digest.len; i++) {
        if (i != 0)
            put_u8(w, ':');
        put_u8(w, (uint8_t)digits[digest.data[i] >> 4]);
        put_u8(w, (uint8_t)digits[digest.data[i] & 15]);
    }
}

static void put_fingerprint(struct writer *w, const char *hash_name, struct span digest)
{
    for (const char *c = hash_name; *c != '\0'; c++)
        put_u8(w, (uint8_t)toupper((unsigned char)*c));
    put_u8(w, ':');
    if (strcmp(hash_name, "md5") == 0)
        put_hex_pairs(w, digest);
    else
        put_base64(w, digest, false, 0);
}

int key_fingerprint(const sshio_key *key, const char *hash_name, char **text, struct error *e)
{
    uint8_t digest[HASH_MAX_LEN];
    char memory[128];
    struct writer w;
    const char *name = hash_name != NULL ? hash_name : "sha256";
    const struct hash_alg *hash = find_hash(name);

    if (hash == NULL)
        return error_set(e, SSHIO_EINVAL, "unknown fingerprint hash \"%s\"", name);
    if (!hash_once(hash, key_public_blob(key), digest))
        return error_set(e, SSHIO_EUNSUPPORTED, "%s is not in this libcrypto", name);
    writer_init_fixed(&w, memory, sizeof memory);
    put_fingerprint(&w, name, SPAN(digest, hash->len));
    char *copy = span_dup_text(writer_span(&w));
    if (copy == NULL)
        return error_nomem(e);
    *text = copy;
    return 0;
}
