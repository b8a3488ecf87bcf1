/* Building, reading and comparing KEXINIT messages; see negotiation.h. */
#include "engine/negotiation.h"

#include <string.h>

#include "crypto/cipher.h"
#include "crypto/random.h"
#include "engine/compression.h"
#include "key/key.h"

#define COOKIE_LEN 16
#define NO_HOST_KEY "null" /* RFC 4462 section 5 */

static const char ext_info_client[] = "ext-info-c";
static const char ext_info_server[] = "ext-info-s";
static const char strict_client[] = "kex-strict-c-v00@openssh.com";
static const char strict_server[] = "kex-strict-s-v00@openssh.com";

/* ---- writing ---- */

struct name_writer {
    struct writer *w;
    size_t mark;
    bool some;
};

static struct name_writer open_names(struct writer *w)
{
    return (struct name_writer){ .w = w, .mark = put_open(w) };
}

static void add_name(struct name_writer *names, const char *name)
{
    if (names->some)
        put_chars(names->w, ",");
    put_chars(names->w, name);
    names->some = true;
}

static void close_names(struct name_writer *names)
{
    put_close(names->w, names->mark);
}

static bool has_host_key(const struct engine_config *config)
{
    if (config->server)
        return config->host_keys != NULL && config->host_keys[0].alg != NULL;
    return config->host_key_algs != NULL && config->host_key_algs[0] != NULL;
}

/* A method that needs a host key is of no use where there is none. */
static bool kex_usable(const struct engine_config *config, const struct kex_alg *alg)
{
    return alg->no_host_key || has_host_key(config);
}

static void put_kex_names(struct writer *w, const struct engine_config *config, bool first)
{
    struct name_writer names = open_names(w);
    for (size_t i = 0; config->kex_algs[i] != NULL; i++)
        if (kex_usable(config, config->kex_algs[i]))
            add_name(&names, config->kex_algs[i]->name);
    if (first) {
        add_name(&names, config->server ? ext_info_server : ext_info_client);
        add_name(&names, config->server ? strict_server : strict_client);
    }
    close_names(&names);
}

static void put_host_key_names(struct writer *w, const struct engine_config *config)
{
    struct name_writer names = open_names(w);
    if (!has_host_key(config))
        add_name(&names, NO_HOST_KEY);
    else if (config->server)
        for (size_t i = 0; config->host_keys[i].alg != NULL; i++)
            add_name(&names, config->host_keys[i].alg->name);
    else
        for (size_t i = 0; config->host_key_algs[i] != NULL; i++)
            add_name(&names, config->host_key_algs[i]->name);
    close_names(&names);
}

static void put_cipher_names(struct writer *w, const struct engine_config *config)
{
    struct name_writer names = open_names(w);
    for (size_t i = 0; config->cipher_algs[i] != NULL; i++)
        add_name(&names, config->cipher_algs[i]->name);
    close_names(&names);
}

static void put_mac_names(struct writer *w, const struct engine_config *config)
{
    struct name_writer names = open_names(w);
    for (size_t i = 0; config->mac_algs != NULL && config->mac_algs[i] != NULL; i++)
        add_name(&names, config->mac_algs[i]->name);
    close_names(&names);
}

static const struct compression_alg *const *compression_algs(const struct engine_config *config)
{
    static const struct compression_alg none = { .name = "none" };
    static const struct compression_alg *const none_alone[] = { &none, NULL };
    return config->compression_algs != NULL ? config->compression_algs : none_alone;
}

static void put_compression_names(struct writer *w, const struct engine_config *config)
{
    struct name_writer names = open_names(w);
    for (const struct compression_alg *const *alg = compression_algs(config); *alg != NULL; alg++)
        add_name(&names, (*alg)->name);
    close_names(&names);
}

void kexinit_put(struct writer *w, const struct engine_config *config, bool first)
{
    uint8_t cookie[COOKIE_LEN];
    if (!random_bytes(cookie, sizeof cookie)) {
        w->failed = true;
        return;
    }
    put_bytes(w, cookie, sizeof cookie);
    put_kex_names(w, config, first);
    put_host_key_names(w, config);
    put_cipher_names(w, config);
    put_cipher_names(w, config);
    put_mac_names(w, config);
    put_mac_names(w, config);
    put_compression_names(w, config);
    put_compression_names(w, config);
    put_text(w, "");
    put_text(w, "");
    put_bool(w, false);
    put_u32(w, 0);
}

/* ---- reading ---- */

static size_t name_count(struct span list)
{
    size_t count = 0;
    struct span name;
    while (name_list_next(&list, &name))
        count++;
    return count;
}

/* libssh 0.10 ends its lists of ciphers with a comma; nothing else is let pass. */
static bool read_list(struct reader *r, struct span *list)
{
    *list = read_string(r);
    if (list->len > 1 && list->data[list->len - 1] == ',')
        list->len--;
    return name_list_is_valid(*list) && name_count(*list) <= KEXINIT_MAX_NAMES;
}

bool kexinit_read(struct reader *r, struct kexinit *k)
{
    read_bytes(r, COOKIE_LEN);
    for (size_t i = 0; i < KEXINIT_LISTS; i++) {
        if (!read_list(r, &k->lists[i]))
            return false;
    }
    k->first_kex_packet_follows = read_bool(r);
    read_u32(r);
    return reader_done(r);
}

bool kexinit_has_strict(const struct kexinit *peer, bool server)
{
    return name_list_has(peer->lists[KEXINIT_KEX], server ? strict_client : strict_server);
}

bool kexinit_has_ext_info(const struct kexinit *peer, bool server)
{
    return name_list_has(peer->lists[KEXINIT_KEX], server ? ext_info_client : ext_info_server);
}

/* ---- choosing ---- */

static bool is_marker(struct span name)
{
    return span_is(name, ext_info_client) || span_is(name, ext_info_server) || span_is(name, strict_client) ||
           span_is(name, strict_server);
}

static bool list_has(struct span list, struct span wanted)
{
    struct span name;
    while (name_list_next(&list, &name))
        if (span_equal(name, wanted))
            return true;
    return false;
}

/* The first name, markers aside. */
static struct span first_name(struct span list)
{
    struct span name;
    while (name_list_next(&list, &name))
        if (!is_marker(name))
            return name;
    return SPAN(NULL, 0);
}

struct comparison {
    const struct engine_config *config;
    const struct kexinit *own;
    const struct kexinit *peer;
    struct error *error;
};

static int no_match(const struct comparison *c, enum kexinit_list list, const char *kind)
{
    struct span own = c->own->lists[list];
    struct span peer = c->peer->lists[list];
    return error_set(c->error, SSHIO_EKEY_EXCHANGE_FAILED,
                     "No matching %s algorithm found, sent %.*s and received %.*s", kind,
                     own.len != 0 ? (int)own.len : 6, own.len != 0 ? (const char *)own.data : "<None>",
                     peer.len != 0 ? (int)(peer.len < 1000 ? peer.len : 1000) : 6,
                     peer.len != 0 ? (const char *)peer.data : "<None>");
}

/* A list has nothing that could not be shown: kexinit_read has seen to that. */
void kexinit_log(const struct kexinit *k, const char *whose, sshio_logger *logger)
{
    static const char *const titles[KEXINIT_LANGUAGE_C2S] = {
        [KEXINIT_KEX] = "key exchange",
        [KEXINIT_HOST_KEY] = "host key",
        [KEXINIT_CIPHER_C2S] = "encryption to the server",
        [KEXINIT_CIPHER_S2C] = "encryption to the client",
        [KEXINIT_MAC_C2S] = "MAC to the server",
        [KEXINIT_MAC_S2C] = "MAC to the client",
        [KEXINIT_COMPRESSION_C2S] = "compression to the server",
        [KEXINIT_COMPRESSION_S2C] = "compression to the client",
    };
    if (!log_enabled(logger, SSHIO_LOG_DEBUG, 2))
        return;
    log_debug(logger, 2, "%s algorithms:", whose);
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        log_debug(logger, 2, "  %s: %.*s", titles[i], (int)k->lists[i].len, (const char *)k->lists[i].data);
}

/* The first of the client's names that the server has too. Empty where there is none. */
static struct span choose(const struct comparison *c, enum kexinit_list list)
{
    bool server = c->config->server;
    struct span wishes = server ? c->peer->lists[list] : c->own->lists[list];
    struct span offers = server ? c->own->lists[list] : c->peer->lists[list];
    struct span name;
    while (name_list_next(&wishes, &name))
        if (!is_marker(name) && list_has(offers, name))
            return name;
    return SPAN(NULL, 0);
}

static int choose_kex(const struct comparison *c, struct negotiated *out)
{
    struct span name = choose(c, KEXINIT_KEX);
    for (size_t i = 0; c->config->kex_algs[i] != NULL; i++)
        if (span_is(name, c->config->kex_algs[i]->name))
            out->kex = c->config->kex_algs[i];
    return out->kex != NULL ? 0 : no_match(c, KEXINIT_KEX, "key exchange");
}

static int choose_host_key(const struct comparison *c, struct negotiated *out)
{
    if (out->kex->no_host_key)
        return 0;
    struct span name = choose(c, KEXINIT_HOST_KEY);
    const struct engine_config *config = c->config;
    if (config->server) {
        for (size_t i = 0; out->host_key == NULL && has_host_key(config) && config->host_keys[i].alg != NULL; i++)
            if (span_is(name, config->host_keys[i].alg->name))
                out->host_key = &config->host_keys[i];
        if (out->host_key == NULL)
            return error_set(c->error, SSHIO_EKEY_EXCHANGE_FAILED, "Unable to find compatible server host key");
        out->host_key_alg = out->host_key->alg;
        return 0;
    }
    for (size_t i = 0; has_host_key(config) && config->host_key_algs[i] != NULL; i++)
        if (span_is(name, config->host_key_algs[i]->name))
            out->host_key_alg = config->host_key_algs[i];
    return out->host_key_alg != NULL ? 0 : no_match(c, KEXINIT_HOST_KEY, "host key");
}

static int choose_cipher(const struct comparison *c, enum kexinit_list list, struct direction_algs *out)
{
    struct span name = choose(c, list);
    for (size_t i = 0; c->config->cipher_algs[i] != NULL; i++)
        if (span_is(name, c->config->cipher_algs[i]->name))
            out->cipher = c->config->cipher_algs[i];
    return out->cipher != NULL ? 0 : no_match(c, list, "encryption");
}

/* Beside an AEAD cipher the lists do not count: they may be empty, or have nothing in common. */
static int choose_mac(const struct comparison *c, enum kexinit_list list, struct direction_algs *out)
{
    if (cipher_is_aead(out->cipher))
        return 0;
    struct span name = choose(c, list);
    for (size_t i = 0; c->config->mac_algs != NULL && c->config->mac_algs[i] != NULL; i++)
        if (span_is(name, c->config->mac_algs[i]->name))
            out->mac = c->config->mac_algs[i];
    return out->mac != NULL ? 0 : no_match(c, list, "MAC");
}

static int choose_compression(const struct comparison *c, enum kexinit_list list, struct direction_algs *out)
{
    struct span name = choose(c, list);
    for (const struct compression_alg *const *alg = compression_algs(c->config); *alg != NULL; alg++)
        if (span_is(name, (*alg)->name))
            out->compression = *alg;
    return out->compression != NULL ? 0 : no_match(c, list, "compression");
}

/* RFC 4253 7: a guess is right when both sides prefer the same method and the same host key
 * algorithm. */
static bool guess_is_wrong(const struct comparison *c)
{
    static const enum kexinit_list lists[] = { KEXINIT_KEX, KEXINIT_HOST_KEY };
    for (size_t i = 0; i < 2; i++)
        if (!span_equal(first_name(c->own->lists[lists[i]]), first_name(c->peer->lists[lists[i]])))
            return true;
    return false;
}

int negotiate(const struct engine_config *config, const struct kexinit *own, const struct kexinit *peer,
              struct negotiated *out, struct error *error)
{
    struct comparison c = { config, own, peer, error };
    struct negotiated chosen = { .guess_wrong = guess_is_wrong(&c) };
    int rc = choose_kex(&c, &chosen);
    if (rc == 0)
        rc = choose_host_key(&c, &chosen);
    if (rc == 0)
        rc = choose_cipher(&c, KEXINIT_CIPHER_C2S, &chosen.c2s);
    if (rc == 0)
        rc = choose_cipher(&c, KEXINIT_CIPHER_S2C, &chosen.s2c);
    if (rc == 0)
        rc = choose_mac(&c, KEXINIT_MAC_C2S, &chosen.c2s);
    if (rc == 0)
        rc = choose_mac(&c, KEXINIT_MAC_S2C, &chosen.s2c);
    if (rc == 0)
        rc = choose_compression(&c, KEXINIT_COMPRESSION_C2S, &chosen.c2s);
    if (rc == 0)
        rc = choose_compression(&c, KEXINIT_COMPRESSION_S2C, &chosen.s2c);
    if (rc == 0)
        *out = chosen;
    return rc;
}
