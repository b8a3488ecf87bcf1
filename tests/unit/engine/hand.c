/* See hand.h. */
#include "engine/hand.h"

#include <stdlib.h>
#include <string.h>

void hand_put_kexinit(struct writer *w, const char *const lists[KEXINIT_LISTS], bool guesses)
{
    put_bytes(w, "0123456789abcdef", 16);
    for (size_t i = 0; i < KEXINIT_LISTS; i++)
        put_text(w, lists[i]);
    put_bool(w, guesses);
    put_u32(w, 0);
}

void hand_init(struct hand *h, int side)
{
    *h = (struct hand){ .side = side };
    pair_init(&h->pair, PAIR_REAL);
    writer_init(&h->kexinit, 10000);
}

struct engine *hand_engine(struct hand *h)
{
    return h->pair.side[h->side].engine;
}

void hand_start(struct hand *h)
{
    pair_start(&h->pair);
}

void hand_done(struct hand *h)
{
    pair_done(&h->pair);
    writer_done(&h->kexinit);
    free(h->sent);
}

/* What the engine has to send, behind what it sent before. */
static void collect(struct hand *h)
{
    struct span out;
    while ((out = engine_output(hand_engine(h), h->pair.now_ms)).len > 0) {
        h->sent = realloc(h->sent, h->sent_len + out.len);
        if (h->sent == NULL)
            abort();
        memcpy(h->sent + h->sent_len, out.data, out.len);
        h->sent_len += out.len;
        engine_sent(hand_engine(h), out.len);
    }
}

static void deliver(struct hand *h)
{
    struct pair_side *s = &h->pair.side[h->side];
    size_t used = engine_receive(s->engine, s->inbox, s->inbox_len, h->pair.now_ms);
    s->inbox_len -= used;
    memmove(s->inbox, s->inbox + used, s->inbox_len);
    collect(h);
}

void hand_send(struct hand *h, struct span payload)
{
    struct transport t;
    transport_init(&t, &h->pair.buffers);
    if (transport_seal(&t, payload, SPAN(NULL, 0), 0, NULL) < 0)
        abort();
    struct span out = transport_output(&t);
    pair_put_raw(&h->pair, h->side, out.data, out.len);
    transport_sent(&t, out.len);
    deliver(h);
}

void hand_greet(struct hand *h, const struct hand_greeting *greeting)
{
    const char *cipher = h->pair.cipher_algs[0]->name;
    const char *host_key = greeting->host_key != NULL ? greeting->host_key : "ssh-ed25519";
    const char *mac = h->pair.mac_algs[0]->name;
    const char *lists[KEXINIT_LISTS] = { greeting->kex, host_key, cipher, cipher, mac, mac, "none", "none", "", "" };
    pair_put_raw(&h->pair, h->side, HAND_VERSION "\r\n", sizeof HAND_VERSION + 1);
    writer_reset(&h->kexinit);
    put_u8(&h->kexinit, MSG_KEXINIT);
    hand_put_kexinit(&h->kexinit, lists, greeting->guesses);
    hand_send(h, writer_span(&h->kexinit));
}

bool hand_next(struct hand *h, struct span *payload)
{
    if (h->sent_at == 0 && h->sent_len > 0)
        h->sent_at = (size_t)((uint8_t *)memchr(h->sent, '\n', h->sent_len) + 1 - h->sent);
    if (h->sent_len - h->sent_at < 6)
        return false;
    const uint8_t *packet = h->sent + h->sent_at;
    size_t len = load_u32(packet);
    *payload = SPAN(packet + 5, len - 1 - packet[4]);
    h->sent_at += 4 + len;
    return true;
}

int hand_error(const struct hand *h)
{
    return pair_error(&h->pair, h->side);
}

const char *hand_message(const struct hand *h)
{
    return pair_message(&h->pair, h->side);
}
