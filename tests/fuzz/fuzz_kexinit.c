/* KEXINIT of a peer, in both roles: read, compared with ours, and what is chosen was named by
 * both. */
#include "fuzz.h"

#include "crypto/cipher.h"
#include "engine/compression.h"
#include "engine/negotiation.h"
#include "key/key.h"

static void check(const struct engine_config *config, const struct kexinit *peer)
{
    struct writer w;
    struct kexinit own;
    struct reader r;
    struct negotiated out;
    struct error error;
    writer_init(&w, 100000);
    kexinit_put(&w, config, true);
    reader_init(&r, writer_span(&w).data, writer_span(&w).len);
    must(kexinit_read(&r, &own));
    error_init(&error);
    if (negotiate(config, &own, peer, &out, &error) == 0) {
        must(name_list_has(peer->lists[KEXINIT_KEX], out.kex->name));
        must(name_list_has(peer->lists[KEXINIT_HOST_KEY], out.host_key_alg->name));
        must(name_list_has(peer->lists[KEXINIT_CIPHER_C2S], out.c2s.cipher->name));
        must(name_list_has(peer->lists[KEXINIT_CIPHER_S2C], out.s2c.cipher->name));
        must(cipher_is_aead(out.c2s.cipher) == (out.c2s.mac == NULL));
        must(out.s2c.mac == NULL || name_list_has(peer->lists[KEXINIT_MAC_S2C], out.s2c.mac->name));
        must(name_list_has(peer->lists[KEXINIT_COMPRESSION_S2C], out.s2c.compression->name));
    } else {
        must(error_code(&error) == SSHIO_EKEY_EXCHANGE_FAILED);
    }
    error_clear(&error);
    writer_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct kex_alg *kex_algs[] = { kex_alg_at(0), kex_alg_at(1), NULL };
    const struct cipher_alg *cipher_algs[] = { cipher_at(0), cipher_find("aes128-ctr"), NULL };
    const struct mac_alg *mac_algs[] = { mac_at(0), mac_at(1), NULL };
    const struct compression_alg *compression_algs[] = { compression_at(0), compression_at(1), NULL };
    const struct sig_alg *host_key_algs[] = { sig_alg_at(0), NULL };
    const struct engine_host_key host_keys[] = { { .alg = sig_alg_at(0) }, { .alg = NULL } };
    struct engine_config config = { .kex_algs = kex_algs,
                                    .cipher_algs = cipher_algs,
                                    .mac_algs = mac_algs,
                                    .compression_algs = compression_algs,
                                    .host_key_algs = host_key_algs };
    struct kexinit peer;
    struct reader r;
    reader_init(&r, data, size);
    if (!kexinit_read(&r, &peer))
        return 0;
    check(&config, &peer);
    config.server = true;
    config.host_keys = host_keys;
    check(&config, &peer);
    return 0;
}
