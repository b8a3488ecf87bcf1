/* KEXINIT: what is offered, how it is read, what is chosen (RFC 4253 section 7.1), and guesses
 * (section 7, S11). */
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/compression.h"
#include "engine/hand.h"
#include "engine/negotiation.h"
#include "engine/pair.h"
#include "key/key.h"

/* ---- reading ---- */

static const char *const plain[KEXINIT_LISTS] = { "k", "h", "c", "c", "", "", "none", "none", "", "" };

static bool readable(struct span message)
{
    struct kexinit k;
    struct reader r;
    uint8_t *copy = malloc(message.len + 1);
    memcpy(copy, message.data, message.len);
    reader_init(&r, copy, message.len);
    bool ok = kexinit_read(&r, &k);
    free(copy);
    return ok;
}

static void test_p1_kexinit_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 1000);
    hand_put_kexinit(&w, plain, false);
    struct span whole = writer_span(&w);
    assert_true(readable(whole));
    for (size_t len = 0; len < whole.len; len++)
        assert_false(readable(SPAN(whole.data, len)));
    put_u8(&w, 0);
    assert_false(readable(writer_span(&w))); /* P7 */
    writer_done(&w);
}

static void test_kexinit_lists_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool ok;
    } cases[] = {
        { "", true },      { "a", true },    { "a,b", true },    { ",a", false },       { "a,", true },
        { "a,,b", false }, { "a b", false }, { "a\x7f", false }, { "\xc3\xa4", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *lists[KEXINIT_LISTS];
        struct writer w;
        memcpy(lists, plain, sizeof lists);
        lists[i % KEXINIT_LISTS] = cases[i].list;
        writer_init(&w, 1000);
        hand_put_kexinit(&w, lists, false);
        assert_int_equal(readable(writer_span(&w)), cases[i].ok);
        writer_done(&w);
    }
}

static void test_p1_names_in_a_list_are_bounded(void **state)
{
    (void)state;
    for (size_t count = KEXINIT_MAX_NAMES; count <= KEXINIT_MAX_NAMES + 1; count++) {
        const char *lists[KEXINIT_LISTS];
        char *many = malloc(2 * count);
        struct writer w;
        memset(many, ',', 2 * count);
        for (size_t i = 0; i < count; i++)
            many[2 * i] = 'a';
        many[2 * count - 1] = '\0';
        memcpy(lists, plain, sizeof lists);
        lists[KEXINIT_CIPHER_S2C] = many;
        writer_init(&w, 10000);
        hand_put_kexinit(&w, lists, false);
        assert_int_equal(readable(writer_span(&w)), count == KEXINIT_MAX_NAMES);
        writer_done(&w);
        free(many);
    }
}

/* ---- choosing ---- */

static const struct kex_alg kex_a = { .name = "kex-a" }, kex_b = { .name = "kex-b" },
                            kex_free = { .name = "kex-free", .no_host_key = true };
static const struct sig_alg key_a = { .name = "key-a" }, key_b = { .name = "key-b" };
static const struct cipher_alg cipher_a = { .name = "cipher-a", .tag_len = 16 },
                               cipher_b = { .name = "cipher-b", .tag_len = 16 };
static const struct kex_alg *const kex_ab[] = { &kex_a, &kex_b, NULL };
static const struct kex_alg *const kex_all[] = { &kex_a, &kex_free, NULL };
static const struct sig_alg *const keys_ab[] = { &key_a, &key_b, NULL };
static const struct cipher_alg *const ciphers_ab[] = { &cipher_a, &cipher_b, NULL };
static const struct engine_host_key host_keys_ab[] = { { .alg = &key_a }, { .alg = &key_b }, { .alg = NULL } };

static const struct engine_config client = { .kex_algs = kex_ab, .host_key_algs = keys_ab, .cipher_algs = ciphers_ab };
static const struct engine_config server = {
    .server = true, .kex_algs = kex_ab, .host_keys = host_keys_ab, .cipher_algs = ciphers_ab
};

struct choice_case {
    const char *what;
    const struct engine_config *config;
    const char *peer[KEXINIT_LISTS];
    const char *kex, *host_key, *c2s, *s2c; /* kex NULL = no agreement */
    const char *message;                    /* then part of this */
};

static const struct choice_case choice_cases[] = {
    { "client's order counts, we are it",
      &client,
      { "kex-b,kex-a", "key-b,key-a", "cipher-b,cipher-a", "cipher-b", "", "", "none", "none", "", "" },
      "kex-a",
      "key-a",
      "cipher-a",
      "cipher-b",
      NULL },
    { "client's order counts, we are the server",
      &server,
      { "kex-b,kex-a", "key-b,key-a", "cipher-b,cipher-a", "cipher-b", "", "", "none", "none", "", "" },
      "kex-b",
      "key-b",
      "cipher-b",
      "cipher-b",
      NULL },
    { "unknown names are passed over",
      &server,
      { "x,kex-a", "y,key-a", "z,cipher-a", "z,cipher-b", "m", "n", "zlib,none", "none", "en", "de" },
      "kex-a",
      "key-a",
      "cipher-a",
      "cipher-b",
      NULL },
    { "no kex",
      &client,
      { "x,y", "key-a", "cipher-a", "cipher-a", "", "", "none", "none", "", "" },
      .message = "No matching key exchange algorithm found, sent "
                 "kex-a,kex-b,ext-info-c,kex-strict-c-v00@openssh.com and received x,y" },
    { "markers are no methods",
      &client,
      { "ext-info-c,kex-strict-c-v00@openssh.com", "key-a", "cipher-a", "cipher-a", "", "", "none", "none", "", "" },
      .message = "No matching key exchange" },
    { "no host key, client",
      &client,
      { "kex-a", "", "cipher-a", "cipher-a", "", "", "none", "none", "", "" },
      .message = "No matching host key algorithm found, sent key-a,key-b and received <None>" },
    { "no host key, server",
      &server,
      { "kex-a", "z", "cipher-a", "cipher-a", "", "", "none", "none", "", "" },
      .message = "Unable to find compatible server host key" },
    { "no cipher one way",
      &server,
      { "kex-a", "key-a", "cipher-a", "z", "", "", "none", "none", "", "" },
      .message = "No matching encryption algorithm found" },
    { "no compression in common",
      &server,
      { "kex-a", "key-a", "cipher-a", "cipher-a", "", "", "zlib", "none", "", "" },
      .message = "No matching compression algorithm found, sent none and received zlib" },
};

static int choose(const struct engine_config *config, const char *const peer_lists[KEXINIT_LISTS],
                  struct negotiated *out, struct error *error)
{
    struct writer own_bytes, peer_bytes;
    struct kexinit own, peer;
    struct reader r;
    writer_init(&own_bytes, 10000);
    writer_init(&peer_bytes, 10000);
    kexinit_put(&own_bytes, config, true);
    hand_put_kexinit(&peer_bytes, peer_lists, false);
    reader_init(&r, writer_span(&own_bytes).data, writer_span(&own_bytes).len);
    assert_true(kexinit_read(&r, &own));
    reader_init(&r, writer_span(&peer_bytes).data, writer_span(&peer_bytes).len);
    assert_true(kexinit_read(&r, &peer));
    int rc = negotiate(config, &own, &peer, out, error);
    writer_done(&own_bytes);
    writer_done(&peer_bytes);
    return rc;
}

static void test_choices(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(choice_cases); i++) {
        const struct choice_case *c = &choice_cases[i];
        struct negotiated out = { .kex = NULL };
        struct error error;
        error_init(&error);
        int rc = choose(c->config, c->peer, &out, &error);
        if (c->kex == NULL) {
            if (rc != SSHIO_EKEY_EXCHANGE_FAILED || strstr(error_message(&error), c->message) == NULL)
                fail_msg("%s: %d, %s", c->what, rc, error_message(&error));
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(out.kex->name, c->kex);
            assert_string_equal(out.host_key_alg->name, c->host_key);
            assert_string_equal(out.c2s.cipher->name, c->c2s);
            assert_string_equal(out.s2c.cipher->name, c->s2c);
        }
        error_clear(&error);
    }
}

/* ---- MACs and compression ---- */

static const struct cipher_alg cipher_plain = { .name = "plain" };
static const struct mac_alg mac_a = { .name = "mac-a" }, mac_b = { .name = "mac-b" };
static const struct compression_alg none = { .name = "none" }, squeeze = { .name = "squeeze", .compresses = true };
static const struct cipher_alg *const ciphers_all[] = { &cipher_a, &cipher_plain, NULL };
static const struct mac_alg *const macs_ab[] = { &mac_a, &mac_b, NULL };
static const struct mac_alg *const no_macs[] = { NULL };
static const struct compression_alg *const both[] = { &none, &squeeze, NULL };

static const struct engine_config with_macs = { .server = true,
                                                .kex_algs = kex_ab,
                                                .host_keys = host_keys_ab,
                                                .cipher_algs = ciphers_all,
                                                .mac_algs = macs_ab,
                                                .compression_algs = both };
static const struct engine_config without_macs = {
    .server = true, .kex_algs = kex_ab, .host_keys = host_keys_ab, .cipher_algs = ciphers_all, .mac_algs = no_macs
};

/* Of the client's six lists: ciphers, MACs, compression, each to the server and back. */
static const struct {
    const char *what;
    const struct engine_config *config;
    const char *lists[6];
    const char *mac_c2s, *mac_s2c; /* "-" = none is in force; NULL = no agreement */
    const char *c2s, *s2c;         /* compression */
    const char *message;
} direction_cases[] = {
    { "each direction has its own",
      &with_macs,
      { "plain", "plain", "mac-b,mac-a", "mac-a,mac-b", "squeeze,none", "none,squeeze" },
      "mac-b",
      "mac-a",
      "squeeze",
      "none",
      NULL },
    { "beside AEAD the lists do not count",
      &with_macs,
      { "cipher-a", "cipher-a", "", "other", "none", "none" },
      "-",
      "-",
      "none",
      "none",
      NULL },
    { "one direction AEAD, the other not",
      &with_macs,
      { "cipher-a", "plain", "", "mac-b", "none", "squeeze" },
      "-",
      "mac-b",
      "none",
      "squeeze",
      NULL },
    { "an empty list is legal while all ciphers are AEAD",
      &without_macs,
      { "cipher-a,plain", "cipher-a", "mac-a", "mac-a", "none", "none" },
      "-",
      "-",
      "none",
      "none",
      NULL },
    { "but not with others",
      &without_macs,
      { "plain", "cipher-a", "mac-a", "mac-a", "none", "none" },
      .message = "No matching MAC algorithm found, sent <None> and received mac-a" },
    { "no MAC one way",
      &with_macs,
      { "plain", "plain", "mac-a", "other", "none", "none" },
      .message = "No matching MAC algorithm found, sent mac-a,mac-b and received other" },
    { "no compression one way",
      &with_macs,
      { "plain", "plain", "mac-a", "mac-a", "none", "zlib" },
      .message = "No matching compression algorithm found, sent none,squeeze and received zlib" },
};

static const char *mac_of(const struct direction_algs *algs)
{
    return algs->mac != NULL ? algs->mac->name : "-";
}

static void test_macs_and_compression_of_each_direction(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(direction_cases); i++) {
        const char *lists[KEXINIT_LISTS] = { "kex-a", "key-a", "", "", "", "", "", "", "", "" };
        struct negotiated out = { .kex = NULL };
        struct error error;
        error_init(&error);
        memcpy(lists + KEXINIT_CIPHER_C2S, direction_cases[i].lists, sizeof direction_cases[i].lists);
        int rc = choose(direction_cases[i].config, lists, &out, &error);
        if (direction_cases[i].message != NULL) {
            assert_int_equal(rc, SSHIO_EKEY_EXCHANGE_FAILED);
            assert_string_equal(error_message(&error), direction_cases[i].message);
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(mac_of(&out.c2s), direction_cases[i].mac_c2s);
            assert_string_equal(mac_of(&out.s2c), direction_cases[i].mac_s2c);
            assert_string_equal(out.c2s.compression->name, direction_cases[i].c2s);
            assert_string_equal(out.s2c.compression->name, direction_cases[i].s2c);
        }
        error_clear(&error);
    }
}

/* RFC 4462 5: without a host key a server offers "null", and only methods that need none. */
static void test_server_without_host_key_offers_what_works_without(void **state)
{
    (void)state;
    struct engine_config config = server;
    struct writer w;
    struct kexinit k;
    struct reader r;
    config.kex_algs = kex_all;
    config.host_keys = NULL;
    writer_init(&w, 1000);
    kexinit_put(&w, &config, false);
    reader_init(&r, writer_span(&w).data, writer_span(&w).len);
    assert_true(kexinit_read(&r, &k));
    assert_true(span_is(k.lists[KEXINIT_KEX], "kex-free"));
    assert_true(span_is(k.lists[KEXINIT_HOST_KEY], "null"));
    writer_done(&w);
}

static void test_s4_first_kexinit_has_the_markers_of_our_role(void **state)
{
    (void)state;
    static const char *const markers[2][2] = { { "ext-info-c", "kex-strict-c-v00@openssh.com" },
                                               { "ext-info-s", "kex-strict-s-v00@openssh.com" } };
    for (int role = 0; role < 2; role++)
        for (int first = 0; first < 2; first++) {
            struct writer w;
            struct kexinit k;
            struct reader r;
            writer_init(&w, 1000);
            kexinit_put(&w, role ? &server : &client, first);
            reader_init(&r, writer_span(&w).data, writer_span(&w).len);
            assert_true(kexinit_read(&r, &k));
            for (int i = 0; i < 2; i++) {
                assert_int_equal(name_list_has(k.lists[KEXINIT_KEX], markers[role][i]), first);
                assert_false(name_list_has(k.lists[KEXINIT_KEX], markers[1 - role][i]));
            }
            assert_int_equal(kexinit_has_strict(&k, !role), first);
            assert_int_equal(kexinit_has_ext_info(&k, !role), first);
            assert_false(kexinit_has_strict(&k, role));
            assert_false(k.first_kex_packet_follows);
            writer_done(&w);
        }
}

/* ---- guesses, by a client made by hand ---- */

struct guess_case {
    const char *kex; /* the client's lists: the first names make the guess */
    const char *host_key;
    uint8_t number; /* of the packet that is sent ahead */
    bool right;
};

static const struct guess_case guess_cases[] = {
    { "curve25519-sha256", "ssh-ed25519", MSG_KEX_ECDH_INIT, true },
    { "ext-info-c,curve25519-sha256", "ssh-ed25519", MSG_KEX_ECDH_INIT, true },
    { "other-kex,curve25519-sha256", "ssh-ed25519", MSG_KEX_ECDH_INIT, false },
    { "curve25519-sha256", "other-key,ssh-ed25519", MSG_KEX_ECDH_INIT, false },
    { "diffie-hellman-group-exchange-sha256,curve25519-sha256", "ssh-ed25519", MSG_KEX_DH_GEX_REQUEST, false },
    { "diffie-hellman-group18-sha512,curve25519-sha256", "ssh-ed25519", MSG_KEXDH_INIT, false },
};

static void send_init(struct hand *h, uint8_t number, size_t len)
{
    uint8_t init[5 + 32] = { number, 0, 0, 0, (uint8_t)len, 9 };
    hand_send(h, SPAN(init, 5 + len));
}

static void greet(struct hand *h, const struct guess_case *c)
{
    hand_init(h, SERVER);
    h->pair.kex_algs[1] = kex_alg_find("diffie-hellman-group14-sha256");
    hand_start(h);
    hand_greet(h, &(struct hand_greeting){ c->kex, c->host_key, .guesses = true });
}

static void test_s11_wrong_guess_is_dropped_right_one_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(guess_cases); i++) {
        const struct guess_case *c = &guess_cases[i];
        struct hand h;
        greet(&h, c);
        send_init(&h, c->number, c->right ? 32 : 1); /* a wrong one would not even parse */
        assert_int_equal(hand_error(&h), 0);
        assert_int_equal(h.pair.side[SERVER].signs, c->right);
        send_init(&h, MSG_KEX_ECDH_INIT, 32);
        assert_int_equal(h.pair.side[SERVER].signs, 1);
        assert_int_equal(h.pair.side[SERVER].ended, c->right); /* INIT a second time */
        hand_done(&h);
    }
}

static void test_s11_exactly_one_packet_is_dropped(void **state)
{
    (void)state;
    struct hand h;
    greet(&h, &guess_cases[2]);
    send_init(&h, MSG_KEX_ECDH_INIT, 1);
    send_init(&h, MSG_KEX_ECDH_INIT, 1);
    assert_int_equal(hand_error(&h), SSHIO_EPROTOCOL);
    hand_done(&h);
}

/* Nor is it dropped where it is another method's: the method that was chosen does not know its number. */
static void test_s11_right_guess_is_not_excused_for_its_number(void **state)
{
    (void)state;
    struct hand h;
    greet(&h, &guess_cases[0]);
    send_init(&h, MSG_KEX_DH_GEX_REQUEST, 32);
    assert_int_equal(hand_error(&h), SSHIO_EPROTOCOL);
    assert_string_equal(hand_message(&h), "Unexpected key exchange message 34");
    hand_done(&h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p1_kexinit_cut_anywhere_is_refused),
        cmocka_unit_test(test_kexinit_lists_are_read_strictly),
        cmocka_unit_test(test_p1_names_in_a_list_are_bounded),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_macs_and_compression_of_each_direction),
        cmocka_unit_test(test_server_without_host_key_offers_what_works_without),
        cmocka_unit_test(test_s4_first_kexinit_has_the_markers_of_our_role),
        cmocka_unit_test(test_s11_wrong_guess_is_dropped_right_one_is_used),
        cmocka_unit_test(test_s11_exactly_one_packet_is_dropped),
        cmocka_unit_test(test_s11_right_guess_is_not_excused_for_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
