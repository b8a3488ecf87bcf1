/* Channels, global requests, the questions of the key exchange, and the events of all; see owner.h. The windows add up,
 * every channel is told its end exactly once, and what waits stays within its limits. */
#include "owner.h"

#include "engine/channel_state.h"

static void act_on(struct owner *o, struct slot *slot, uint8_t what, struct span bytes);

/* Events act too, on the channel that they run on. */
static void react(struct slot *slot)
{
    struct owner *o = slot->owner;
    uint8_t mood = o->mood;
    o->mood = 0; /* once */
    if (mood != 0)
        act_on(o, slot, mood, SPAN("event", 5));
}

static void opened(struct channel *ch, void *user, struct span data)
{
    (void)ch, (void)data;
    react(user);
}

static void drop(struct slot *slot)
{
    must(slot->ch != NULL);
    slot->ch = NULL;
    slot->request_open = false;
}

static void open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    (void)ch, (void)code, (void)reason, (void)lang;
    drop(user);
}

static void data(struct channel *ch, void *user, uint32_t type, const uint8_t *bytes, size_t len)
{
    must(len > 0 && (type == 0 || type == 1) && !ch->paused && !ch->close_asked);
    must(bytes != NULL);
    react(user);
}

static void eof(struct channel *ch, void *user)
{
    must(ch->in.len == 0);
    react(user);
}

static void request(struct channel *ch, void *user, struct span name, bool want_reply, struct span bytes)
{
    struct slot *slot = user;
    (void)ch, (void)name, (void)want_reply, (void)bytes;
    must(!slot->request_open);
    slot->request_open = true;
    react(slot);
}

static void replied(struct channel *ch, void *user, bool ok)
{
    (void)ch, (void)ok;
    react(user);
}

static void writable(struct channel *ch, void *user)
{
    must(ch->out.len <= ch->low);
    react(user);
}

static void closed(struct channel *ch, void *user, const struct error *error)
{
    uint32_t type;
    struct span rest;
    (void)error;
    while (channel_take_undelivered(ch, &type, &rest))
        must(rest.len > 0);
    drop(user);
}

static const struct channel_events channel_events = {
    opened, open_failed, data, eof, request, replied, writable, closed
};

static struct slot *free_slot(struct owner *o)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (o->slots[i].ch == NULL)
            return &o->slots[i];
    return NULL;
}

static void accept_it(struct owner *o, struct channel *ch, uint32_t window, uint32_t max_packet)
{
    struct slot *slot = free_slot(o);
    if (slot == NULL) {
        channel_refuse(ch, 4, "full");
        return;
    }
    slot->ch = ch;
    channel_accept(ch, window, max_packet, SPAN(NULL, 0), &channel_events, slot);
    if (slot->ch != NULL)
        channel_allow_extended(slot->ch, 2);
}

static void channel_requested(void *owner, struct channel *ch, struct span type, struct span bytes)
{
    struct owner *o = owner;
    (void)bytes;
    for (size_t i = 0; i < SLOTS; i++)
        if (type.len % 3 == 0 && o->undecided[i] == NULL) {
            o->undecided[i] = ch;
            return;
        }
    accept_it(o, ch, 1 + (uint32_t)type.len * 40, 1 + (uint32_t)type.len * 10);
}

static void global_request(void *owner, struct span name, bool want_reply, struct span bytes)
{
    struct owner *o = owner;
    (void)want_reply, (void)bytes;
    must(!o->global_open);
    if (name.len % 2 == 0)
        o->global_open = true;
    else
        engine_global_reply(o->e, true, SPAN(NULL, 0));
}

static void ignore_reply(void *user, bool ok, struct span bytes)
{
    (void)user, (void)ok, (void)bytes;
}

static void open_one(struct owner *o, struct span bytes)
{
    struct slot *slot = free_slot(o);
    uint32_t size = 1 + (uint32_t)bytes.len;
    if (slot == NULL)
        return;
    if (channel_open(o->e, "session", size * 16, size, SPAN(NULL, 0), &channel_events, slot, &slot->ch, NULL) == 0)
        channel_allow_extended(slot->ch, 2);
}

static void reply(struct slot *slot)
{
    if (!slot->request_open)
        return;
    slot->request_open = false;
    channel_reply(slot->ch, slot->ch->in.len % 2 == 0);
}

static void act_on(struct owner *o, struct slot *slot, uint8_t what, struct span bytes)
{
    struct channel *ch = slot->ch;
    if (ch == NULL)
        return;
    switch (what % 12) {
    case 0:
        (void)channel_write(ch, 0, bytes.data, bytes.len);
        break;
    case 1:
        (void)channel_write(ch, 1, bytes.data, bytes.len);
        break;
    case 2:
        (void)channel_request(ch, "request", true, bytes);
        break;
    case 3:
        (void)channel_request(ch, "request", false, bytes);
        break;
    case 4:
        channel_pause(ch);
        break;
    case 5:
        channel_resume(ch);
        break;
    case 6:
        channel_eof(ch);
        break;
    case 7:
        channel_close(ch);
        break;
    case 8:
        channel_abort(ch);
        break;
    case 9:
        reply(slot);
        break;
    case 10:
        channel_set_marks(ch, bytes.len, bytes.len / 2);
        break;
    default:
        engine_disconnect(o->e, 11, "enough", "");
        break;
    }
}

static void decide_opens(struct owner *o, struct span bytes)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct channel *ch = o->undecided[i];
        o->undecided[i] = NULL;
        if (ch != NULL && bytes.len % 2 == 0)
            channel_refuse(ch, 1, "no");
        else if (ch != NULL)
            accept_it(o, ch, 100, 50);
    }
}

void owner_act(struct owner *o, uint8_t operation, struct span bytes)
{
    uint8_t what = operation - FUZZ_LOCAL;
    if (what < 12 * 4)
        act_on(o, &o->slots[bytes.len % SLOTS], what, bytes);
    else if (what == 48)
        open_one(o, bytes);
    else if (what == 49)
        decide_opens(o, bytes);
    else if (what == 50 && o->global_open)
        o->global_open = false, engine_global_reply(o->e, bytes.len % 2 == 0, bytes);
    else if (what == 51)
        (void)engine_global_request(o->e, "request", bytes, ignore_reply, NULL);
    else
        o->mood = (uint8_t)bytes.len;
}

void owner_check(const struct owner *o)
{
    const struct mux *m = &o->e->mux;
    must(m->count <= limits_default.channels && m->undecided <= limits_default.undecided_opens);
    must(m->waiting_len <= limits_default.control_queue);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct channel *ch = o->slots[i].ch;
        if (ch != NULL && !ch->undecided)
            must((uint64_t)ch->granted + ch->in.len + ch->consumed == ch->window);
    }
}

/* ---- the key exchange ---- */

static void give_host_key_verdict(struct owner *o)
{
    struct error refused;
    if (!o->distrust) {
        engine_trust_host_key(o->e, NULL);
        return;
    }
    error_init(&refused);
    error_set(&refused, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "not trusted");
    engine_refuse_host_key(o->e, &refused);
    error_clear(&refused);
}

void owner_decide_exchange(struct owner *o)
{
    if (o->e->config->server)
        engine_exchange_signature(o->e, o->distrust ? SPAN(NULL, 0) : span_of("signature"));
    else
        give_host_key_verdict(o);
}

static void host_key_received(void *owner, struct span blob, const struct sig_alg *alg)
{
    struct owner *o = owner;
    (void)blob, (void)alg;
    must(!o->has_ended);
    if (!o->late)
        owner_decide_exchange(o);
}

static void sign_exchange(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    struct owner *o = owner;
    (void)key, (void)alg;
    must(!o->has_ended && hash.len == 32);
    if (!o->late)
        owner_decide_exchange(o);
}

/* ---- life ---- */

static void ended(void *owner, const struct error *error)
{
    struct owner *o = owner;
    (void)error;
    must(!o->has_ended);
    o->has_ended = true;
}

const struct engine_events owner_events = {
    .host_key_received = host_key_received,
    .sign_exchange = sign_exchange,
    .ended = ended,
    .auth_ready = owner_auth_ready,
    .auth_failed = owner_auth_failed,
    .auth_key_accepted = owner_auth_key_accepted,
    .auth_password_change = owner_auth_password_change,
    .auth_challenged = owner_auth_challenged,
    .auth_banner = owner_auth_banner,
    .auth_requested = owner_auth_requested,
    .authenticated = owner_authenticated,
    .channel_requested = channel_requested,
    .global_request = global_request,
};

struct engine_buffers *owner_buffers(void)
{
    static struct engine_buffers buffers;
    static bool ready;
    if (!ready)
        engine_buffers_init(&buffers);
    ready = true;
    buffers.padding_left = 0;
    return &buffers;
}

void owner_init(struct owner *o)
{
    *o = (struct owner){ .mood = 0 };
    for (size_t i = 0; i < SLOTS; i++)
        o->slots[i].owner = o;
}

void owner_done(struct owner *o)
{
    must(o->has_ended);
    decide_opens(o, SPAN(NULL, 0));
    for (size_t i = 0; i < SLOTS; i++)
        must(o->slots[i].ch == NULL);
}
