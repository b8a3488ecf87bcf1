/* See session.h. */
#include "session.h"

#include "crypto/random.h"
#include "engine/negotiation.h"
#include "key/key.h"
#include "null_suite.h"
#include "owner.h"

struct session {
    struct owner owner; /* first: the owner of the engine */
    struct engine *e;
    struct engine_config config;
    struct engine_buffers *buffers;
    struct transport peer; /* seals what the peer says, and opens what it is told */
    uint8_t *inbox;        /* of the engine: what it has not consumed */
    size_t inbox_len;
    uint64_t now_ms;
    bool stalled;
    bool blind; /* what was sent is not understood any more: compression that began in the middle of it */
    /* what was sent so far */
    bool said_version, exchanging, has_keys, said_success, said_disconnect;
};

/* ---- what may leave, and when ---- */

static bool in_set(uint8_t number, const char *set)
{
    return strchr(set, number) != NULL;
}

/* RFC 4253 7.1, rules S1, S2, S5, S8, S12 */
static void check_message(const struct session *s, uint8_t number)
{
    bool server = s->config.server;
    bool is_kex = number >= MSG_KEXINIT && number <= MSG_KEX_LAST;
    bool is_logged_in = server ? s->said_success : s->owner.client.logged_in;
    must(number != 0 && !s->said_disconnect);
    if (s->exchanging || !s->has_keys)
        must(is_kex || number <= MSG_DEBUG);
    if (s->exchanging && !s->has_keys && s->e->kex.strict)
        must(is_kex || number == MSG_DISCONNECT || number == MSG_UNIMPLEMENTED);
    must(number < MSG_GLOBAL_REQUEST || is_logged_in);
    must(!in_set(number, server ? "\x05\x1e\x32\x3d" : "\x06\x1f\x33\x34\x35\x3c"));
    must(number != MSG_USERAUTH_SUCCESS || s->owner.server.accepted);
}

/* The peer takes new keys when the engine has said NEWKEYS; a stream of compression ends and begins with them. */
static void switch_peer(struct direction *d, const struct compression_alg *next)
{
    static const uint8_t no_key[1];
    d->next = cipher_new(&null_ciphers[0], NULL, &(struct cipher_keys){ no_key, no_key, no_key }, true);
    must(d->next != NULL);
    d->next_compression = next;
    direction_switch(d, false);
}

static void see_message(struct session *s, uint8_t number)
{
    check_message(s, number);
    s->said_success = s->said_success || number == MSG_USERAUTH_SUCCESS;
    s->said_disconnect = number == MSG_DISCONNECT;
    if (number == MSG_KEXINIT)
        s->exchanging = true;
    if (number != MSG_NEWKEYS)
        return;
    s->exchanging = false;
    s->has_keys = true;
    switch_peer(&s->peer.recv, s->e->transport.send.compression);
}

static size_t skip_version(struct session *s, struct span out)
{
    if (s->said_version)
        return 0;
    const uint8_t *end = memchr(out.data, '\n', out.len);
    must(end != NULL && out.len >= 4 && memcmp(out.data, "SSH-", 4) == 0);
    s->said_version = true;
    return (size_t)(end - out.data) + 1;
}

/* Packets leave whole: blocks of the output hold no halves. */
static void look(struct session *s, struct span out)
{
    uint8_t *copy = malloc(out.len);
    must(copy != NULL);
    memcpy(copy, out.data, out.len);
    size_t at = skip_version(s, out);
    while (at < out.len && !s->blind) {
        struct packet packet;
        s->peer.logged_in = s->config.server ? s->said_success : s->owner.client.logged_in;
        int rc = transport_open(&s->peer, copy + at, out.len - at, ENGINE_MAX_MESSAGE, &packet, NULL);
        s->blind = rc < 0 || packet.wire_len == 0;
        must(!s->blind || s->peer.recv.compression != NULL);
        if (s->blind)
            break;
        see_message(s, packet.payload[0]);
        transport_forget(&s->peer);
        at += packet.wire_len;
    }
    free(copy);
}

static void drain(struct session *s)
{
    struct span out;
    if (s->stalled && s->e->transport.send.compression == NULL)
        return;
    while ((out = engine_output(s->e, s->now_ms)).len > 0) {
        look(s, out);
        engine_sent(s->e, out.len);
    }
}

/* ---- what the peer says ---- */

static void say_raw(struct session *s, struct span bytes)
{
    uint8_t *grown = realloc(s->inbox, s->inbox_len + bytes.len + 1);
    must(grown != NULL);
    s->inbox = grown;
    if (bytes.len != 0)
        memcpy(s->inbox + s->inbox_len, bytes.data, bytes.len);
    s->inbox_len += bytes.len;
}

static void say(struct session *s, uint8_t number, struct span bytes)
{
    s->peer.logged_in = engine_is_authenticated(s->e);
    must(transport_seal(&s->peer, SPAN(&number, 1), bytes, 0, NULL) == 0);
    struct span out = transport_output(&s->peer);
    say_raw(s, out);
    transport_sent(&s->peer, out.len);
    if (number == MSG_NEWKEYS)
        switch_peer(&s->peer.send, s->e->transport.recv.next_compression);
}

/* In memory of its exact size, so that the sanitizer sees a byte too many. */
static size_t feed_once(struct session *s)
{
    uint8_t *exact = malloc(s->inbox_len);
    must(exact != NULL);
    memcpy(exact, s->inbox, s->inbox_len);
    size_t used = engine_receive(s->e, exact, s->inbox_len, s->now_ms);
    must(used <= s->inbox_len);
    free(exact);
    s->inbox_len -= used;
    memmove(s->inbox, s->inbox + used, s->inbox_len);
    return used;
}

static void feed(struct session *s)
{
    while (s->inbox_len > 0 && !engine_ended(s->e) && !engine_waiting(s->e))
        if (feed_once(s) == 0)
            break;
}

/* ---- what else happens ---- */

static void let_time_pass(struct session *s, size_t ticks)
{
    s->now_ms += 250 * ticks;
    if (s->now_ms >= engine_deadline(s->e))
        engine_tick(s->e, s->now_ms);
}

static void do_extras(struct session *s, size_t len)
{
    switch (len % 5) {
    case 0:
        engine_send_ignore(s->e, len);
        break;
    case 1:
        engine_send_debug(s->e, true, "look", "");
        break;
    case 2:
        if (s->config.server)
            engine_auth_banner(s->e, "welcome", "");
        break;
    case 3:
        engine_hold(s->e, true);
        break;
    default:
        engine_hold(s->e, false);
        break;
    }
}

static void act(struct session *s, const struct fuzz_record *record)
{
    size_t len = record->bytes.len;
    switch (record->operation) {
    case SESSION_RAW:
        say_raw(s, record->bytes);
        break;
    case SESSION_TIME:
        let_time_pass(s, len);
        break;
    case SESSION_REKEY:
        engine_rekey(s->e);
        break;
    case SESSION_DECIDE:
        owner_decide_exchange(&s->owner);
        break;
    case SESSION_AUTHENTICATE:
        owner_authenticate(&s->owner, (uint8_t)(FUZZ_LOCAL + len % 50));
        break;
    case SESSION_EXTRAS:
        do_extras(s, len);
        break;
    case SESSION_DISCONNECT:
        engine_disconnect(s->e, 11, "enough", "");
        break;
    case SESSION_STALL:
        s->stalled = len % 2 == 0;
        break;
    case SESSION_DISTRUST:
        s->owner.distrust = true;
        break;
    default:
        break;
    }
}

static void check(const struct session *s)
{
    const struct limits *limits = &s->config.limits;
    size_t kept = s->e->held_len + s->e->transport.unsent;
    must(kept <= (size_t)limits->control_queue + limits->output_high + 2 * ENGINE_OUTPUT_BLOCK);
    owner_check(&s->owner);
}

static void step(struct session *s, const struct fuzz_record *record)
{
    if (record->operation >= SESSION_FIRST && record->operation <= SESSION_LAST)
        act(s, record);
    else if (record->operation >= FUZZ_LOCAL)
        owner_act(&s->owner, record->operation, record->bytes);
    else
        say(s, record->operation, record->bytes);
    feed(s);
    check(s);
    drain(s);
}

static void do_record(struct session *s, uint8_t operation, struct span bytes)
{
    step(s, &(struct fuzz_record){ operation, bytes });
}

/* ---- life ---- */

static void configure(struct session *s, bool server, uint8_t setup)
{
    static const struct kex_alg *const kex_algs[] = { &null_kex, NULL };
    static const struct cipher_alg *const cipher_algs[] = { &null_ciphers[0], &null_ciphers[1], NULL };
    static const struct compression_alg *compression[4], *no_compression[2];
    static const struct sig_alg *host_key_algs[2];
    static struct engine_host_key host_keys[2];
    host_key_algs[0] = sig_alg_find(span_of("ssh-ed25519"));
    host_keys[0] = (struct engine_host_key){ .alg = host_key_algs[0],
                                             .blob = SPAN(null_host_key, sizeof null_host_key) };
    no_compression[0] = compression_at(0);
    for (size_t i = 0; i < 3; i++)
        compression[i] = compression_at(2 - i);
    s->config = (struct engine_config){
        .server = server,
        .version = "sshio_fuzz",
        .limits = limits_default,
        .kex_algs = kex_algs,
        .cipher_algs = cipher_algs,
        .compression_algs = setup & SETUP_COMPRESS ? compression : no_compression,
        .host_key_algs = host_key_algs,
        .host_keys = host_keys,
        .sig_algs = "ssh-ed25519",
        .rekey_bytes = setup & SETUP_REKEY ? 2000 : 0,
        .require_strict_kex = (setup & SETUP_STRICT_ONLY) != 0,
        .keepalive_ms = setup & SETUP_KEEPALIVE ? 1000 : 0,
        .keepalive_count_max = 3,
    };
    if (setup & SETUP_TIGHT) {
        s->config.limits.output_high = 4096;
        s->config.limits.output_low = 1024;
        s->config.limits.control_queue = 16384;
    }
}

static void say_kexinit(struct session *s)
{
    struct engine_config peer = s->config;
    struct writer w;
    peer.server = !s->config.server;
    writer_init(&w, 10000);
    kexinit_put(&w, &peer, true);
    do_record(s, MSG_KEXINIT, writer_span(&w));
    writer_done(&w);
}

static void exchange_keys(struct session *s)
{
    static const uint8_t value[32] = { 1 };
    static const uint8_t signature[NULL_SUITE_SIGNATURE_LEN];
    struct writer w;
    writer_init(&w, 1000);
    if (!s->config.server)
        put_string(&w, null_host_key, sizeof null_host_key);
    put_string(&w, value, sizeof value);
    if (!s->config.server)
        put_string(&w, signature, sizeof signature);
    do_record(s, s->config.server ? MSG_KEX_ECDH_INIT : MSG_KEX_ECDH_REPLY, writer_span(&w));
    do_record(s, SESSION_DECIDE, SPAN(NULL, 0)); /* where answers are late */
    do_record(s, MSG_NEWKEYS, SPAN(NULL, 0));
    writer_done(&w);
}

static void log_in_to_server(struct session *s)
{
    static const char request[] = "\0\0\0\004user\0\0\0\016ssh-connection\0\0\0\004none";
    do_record(s, MSG_SERVICE_REQUEST, SPAN("\0\0\0\014ssh-userauth", 16));
    do_record(s, MSG_USERAUTH_REQUEST, SPAN(request, sizeof request - 1));
    do_record(s, SESSION_AUTHENTICATE, SPAN("yes", 3));
}

static void log_client_in(struct session *s)
{
    do_record(s, MSG_SERVICE_ACCEPT, SPAN("\0\0\0\014ssh-userauth", 16));
    do_record(s, SESSION_AUTHENTICATE, SPAN(NULL, 0));
    do_record(s, MSG_USERAUTH_SUCCESS, SPAN(NULL, 0));
}

static void log_in(struct session *s)
{
    do_record(s, SESSION_RAW, span_of("SSH-2.0-peer\r\n"));
    say_kexinit(s);
    exchange_keys(s);
    if (s->config.server)
        log_in_to_server(s);
    else
        log_client_in(s);
    must(engine_is_authenticated(s->e) && !engine_ended(s->e));
}

static void start(struct session *s, bool server, uint8_t setup)
{
    memset(s, 0, sizeof *s);
    random_seed(1);
    configure(s, server, setup);
    s->buffers = owner_buffers();
    transport_init(&s->peer, s->buffers);
    owner_init(&s->owner);
    s->owner.late = (setup & SETUP_LATE) != 0;
    s->e = s->owner.e = engine_new(&s->config, &owner_events, s, s->buffers, log_base(), 0);
    must(s->e != NULL);
    engine_start(s->e);
}

static void finish(struct session *s)
{
    s->stalled = false;
    drain(s);
    engine_lost(s->e, NULL);
    owner_done(&s->owner);
    engine_free(s->e);
    transport_done(&s->peer);
    free(s->inbox);
    random_unseed();
}

void session_run(bool server, bool logged_in, const uint8_t *data, size_t size)
{
    static struct session s;
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, data, size);
    bool more = fuzz_next(&r, &record);
    start(&s, server, more && record.operation == SESSION_SETUP && record.bytes.len > 0 ? record.bytes.data[0] : 0);
    if (logged_in)
        log_in(&s);
    for (; more && !engine_ended(s.e); more = fuzz_next(&r, &record))
        step(&s, &record);
    finish(&s);
}
