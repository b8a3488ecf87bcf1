/* The table of message authentication codes, in order of preference, and the calls that go through a row. */
#include "crypto/mac_families.h"

#include <string.h>

/* Each code has two names: over the ciphertext and over the clear text. */
#define HMAC_ROW(row_name, row_len, row_hash, row_etm)                                                                 \
    {                                                                                                                  \
        .name = (row_name), .key_len = (row_len), .tag_len = (row_len), .is_etm = (row_etm), .is_default = true,       \
        .family = &mac_hmac, .param = (row_hash),                                                                      \
    }

static const struct mac_alg macs[] = {
    HMAC_ROW("hmac-sha2-256-etm@openssh.com", 32, "SHA2-256", true),
    HMAC_ROW("hmac-sha2-512-etm@openssh.com", 64, "SHA2-512", true),
    HMAC_ROW("hmac-sha1-etm@openssh.com", 20, "SHA1", true),
    HMAC_ROW("hmac-sha2-256", 32, "SHA2-256", false),
    HMAC_ROW("hmac-sha2-512", 64, "SHA2-512", false),
    HMAC_ROW("hmac-sha1", 20, "SHA1", false),
};

size_t mac_count(void)
{
    return sizeof macs / sizeof macs[0];
}

const struct mac_alg *mac_at(size_t index)
{
    return index < mac_count() ? &macs[index] : NULL;
}

const struct mac_alg *mac_find(const char *name)
{
    for (size_t i = 0; i < mac_count(); i++)
        if (strcmp(macs[i].name, name) == 0)
            return &macs[i];
    return NULL;
}

struct mac *mac_new(const struct mac_alg *alg, const uint8_t *key)
{
    struct mac *m = alg->family->create(alg, key);
    if (m != NULL)
        m->alg = alg;
    return m;
}

void mac_free(struct mac *m)
{
    if (m != NULL)
        m->alg->family->destroy(m);
}

bool mac_begin(struct mac *m, uint32_t seq)
{
    return m->alg->family->begin(m, seq);
}

bool mac_update(struct mac *m, const uint8_t *data, size_t len)
{
    return m->alg->family->update(m, data, len);
}

bool mac_finish(struct mac *m, uint8_t *tag)
{
    return m->alg->family->finish(m, tag);
}
