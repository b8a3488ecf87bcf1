/* The table of messages; see admission.h. RFC 4253 7.1 and 10, RFC 4252 6, RFC 8308 2.4, OpenSSH's
 * strict key exchange. */
#include "engine/admission.h"

#include "base/log.h"
#include "engine/exchange.h"
#include "engine/ext_info.h"
#include "engine/internal.h"
#include "engine/quirks.h"
#include "engine/transport_messages.h"

#define IN(state) (1u << (state))
#define NOWHERE 0u
#define FIRST_EXCHANGE (IN(STATE_KEXINIT) | IN(STATE_KEX) | IN(STATE_NEWKEYS))
#define STRICT_EXCHANGE (IN(STATE_STRICT_KEX) | IN(STATE_STRICT_NEWKEYS))
#define REEXCHANGE (IN(STATE_REKEY) | IN(STATE_REKEY_NEWKEYS))
#define SERVICE IN(STATE_SERVICE)
#define AUTH IN(STATE_AUTH)
#define OPEN IN(STATE_OPEN)
#define LENIENT (FIRST_EXCHANGE | REEXCHANGE | SERVICE | AUTH | OPEN) /* all but strict */
#define ALWAYS (LENIENT | STRICT_EXCHANGE)

static const char not_logged_in[] = "before authentication was complete";
static const char no_exchange[] = "while no key exchange is in progress";

/* Numbers first to last: in which states a client and a server admit them. Where they do not, and
 * the message is not dropped, unknown or not available in that state, it ends the connection. */
struct row {
    uint8_t first, last;
    message_handler handler;
    uint32_t client, server;
    uint32_t dropped;
    uint32_t unknown;
    uint32_t client_not_available, server_not_available;
    const char *refusal; /* why, after the message's name */
};

/* In order and without gaps. */
static const struct row rows[] = {
    { 0, 0, .unknown = LENIENT },
    { 1, 1, on_disconnect, ALWAYS, ALWAYS },
    { 2, 2, on_ignore, LENIENT, LENIENT },
    { 3, 3, on_unimplemented, LENIENT, LENIENT },
    { 4, 4, on_debug, LENIENT, LENIENT },
    { 5, 5, auth_on_service_request, NOWHERE, SERVICE, .server_not_available = AUTH | OPEN },
    { 6, 6, auth_on_service_accept, SERVICE, NOWHERE, .client_not_available = AUTH | OPEN },
    { 7, 7, ext_info_on_message, SERVICE | AUTH, SERVICE },
    { 8, 19, .unknown = LENIENT },
    { 20, 20, key_exchange_on_kexinit, IN(STATE_KEXINIT) | SERVICE | AUTH | OPEN,
      IN(STATE_KEXINIT) | SERVICE | AUTH | OPEN, .refusal = "while a key exchange is in progress" },
    { 21, 21, key_exchange_on_newkeys, IN(STATE_NEWKEYS) | IN(STATE_STRICT_NEWKEYS) | IN(STATE_REKEY_NEWKEYS),
      IN(STATE_NEWKEYS) | IN(STATE_STRICT_NEWKEYS) | IN(STATE_REKEY_NEWKEYS),
      .refusal = "while no new keys are negotiated" },
    { 22, 29, .unknown = LENIENT },
    { 30, 49, key_exchange_on_message, IN(STATE_KEX) | IN(STATE_STRICT_KEX) | IN(STATE_REKEY),
      IN(STATE_KEX) | IN(STATE_STRICT_KEX) | IN(STATE_REKEY), .refusal = no_exchange },
    { 50, 50, auth_on_request, NOWHERE, AUTH | OPEN },
    { 51, 51, auth_on_failure, AUTH, NOWHERE },
    { 52, 52, auth_on_success, AUTH, NOWHERE },
    { 53, 53, auth_on_banner, AUTH, NOWHERE },
    { 54, 59, .unknown = LENIENT },
    { 60, 60, auth_on_method_message, AUTH, NOWHERE },
    { 61, 61, auth_on_method_message, NOWHERE, AUTH, .refusal = "while no authentication method expects it" },
    { 62, 79, .refusal = "while no authentication method expects it" },
    { 80, 80, mux_on_global_request, OPEN, OPEN, .refusal = not_logged_in },
    { 81, 81, mux_on_request_success, OPEN, OPEN, .refusal = not_logged_in },
    { 82, 82, mux_on_request_failure, OPEN, OPEN, .refusal = not_logged_in },
    { 83, 89, .unknown = OPEN, .refusal = not_logged_in },
    { 90, 90, mux_on_channel_open, OPEN, OPEN, .refusal = not_logged_in },
    { 91, 91, mux_on_open_confirmation, OPEN, OPEN, .refusal = not_logged_in },
    { 92, 92, mux_on_open_failure, OPEN, OPEN, .refusal = not_logged_in },
    { 93, 93, mux_on_window_adjust, OPEN, OPEN, .refusal = not_logged_in },
    { 94, 94, mux_on_data, OPEN, OPEN, .refusal = not_logged_in },
    { 95, 95, mux_on_extended_data, OPEN, OPEN, .refusal = not_logged_in },
    { 96, 96, mux_on_eof, OPEN, OPEN, .refusal = not_logged_in },
    { 97, 97, mux_on_close, OPEN, OPEN, .refusal = not_logged_in },
    { 98, 98, mux_on_channel_request, OPEN, OPEN, .refusal = not_logged_in },
    { 99, 99, mux_on_channel_success, OPEN, OPEN, .refusal = not_logged_in },
    { 100, 100, mux_on_channel_failure, OPEN, OPEN, .refusal = not_logged_in },
    { 101, 127, .unknown = OPEN, .refusal = not_logged_in },
    { 128, 191, .unknown = FIRST_EXCHANGE | REEXCHANGE | OPEN, .refusal = not_logged_in },
    { 192, 192, on_ping, OPEN, OPEN, .dropped = SERVICE | AUTH },
    { 193, 193, on_pong, OPEN, OPEN, .dropped = SERVICE | AUTH },
    { 194, 255, .unknown = FIRST_EXCHANGE | REEXCHANGE | OPEN, .refusal = not_logged_in },
};

static const struct row *row_of(uint8_t number)
{
    size_t low = 0;
    size_t high = sizeof rows / sizeof rows[0] - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (number > rows[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return &rows[low];
}

static enum admission decide(const struct row *row, enum admission_state state, bool server)
{
    uint32_t bit = IN(state);
    if ((server ? row->server : row->client) & bit)
        return ADMIT;
    if (row->dropped & bit)
        return DROP;
    if (row->unknown & bit)
        return UNKNOWN;
    if ((server ? row->server_not_available : row->client_not_available) & bit)
        return NOT_AVAILABLE;
    return REFUSE;
}

enum admission admission_of(uint8_t number, enum admission_state state, bool server)
{
    return decide(row_of(number), state, server);
}

static enum admission_state exchange_state(const struct engine *e, const struct exchange *x)
{
    if (!x->first)
        return x->sent_newkeys ? STATE_REKEY_NEWKEYS : STATE_REKEY;
    if (e->kex.strict)
        return x->sent_newkeys ? STATE_STRICT_NEWKEYS : STATE_STRICT_KEX;
    return x->sent_newkeys ? STATE_NEWKEYS : STATE_KEX;
}

enum admission_state admission_state(const struct engine *e)
{
    const struct exchange *x = e->kex.running;
    if (x != NULL && x->got_kexinit)
        return exchange_state(e, x);
    if (e->phase == PHASE_VERSION)
        return STATE_VERSION;
    if (e->phase == PHASE_KEX)
        return STATE_KEXINIT;
    if (e->auth.stage == AUTH_DONE)
        return STATE_OPEN;
    return e->auth.stage == AUTH_RUNNING ? STATE_AUTH : STATE_SERVICE;
}

static void refuse(struct engine *e, const struct row *row)
{
    bool in_exchange = e->auth.stage == AUTH_DONE && e->message_number >= MSG_GLOBAL_REQUEST;
    const char *why = in_exchange ? "after KEXINIT" : row->refusal != NULL ? row->refusal : "in this state";
    engine_protocol_error(e, "Unexpected %s (%u) received %s", message_name(e->message_number), e->message_number, why);
}

/* A peer that is known for it may go on with the connection protocol in a re-exchange, after login and as in the open
 * state. What it sends is bounded as ever: data by the windows, requests and our answers by their limits, and the
 * exchange by its time. */
static bool goes_on(const struct engine *e, const struct row *row, enum admission_state state)
{
    bool known = (e->quirks & QUIRK_GOES_ON) != 0 && e->auth.stage == AUTH_DONE;
    bool behind = (state == STATE_REKEY || state == STATE_REKEY_NEWKEYS) && e->message_number >= MSG_GLOBAL_REQUEST;
    return known && behind && decide(row, STATE_OPEN, e->config->server) == ADMIT;
}

/* paramiko asks for the service before each way to log in, which sshd answers each time. */
static bool asks_for_service_again(const struct engine *e, enum admission_state state)
{
    return (e->quirks & QUIRK_ASKS_FOR_SERVICE_AGAIN) != 0 && e->config->server && state == STATE_AUTH &&
           e->message_number == MSG_SERVICE_REQUEST;
}

/* What the number of a message alone says about the connection. */
static void note_passing(struct engine *e, enum admission_state state)
{
    uint8_t number = e->message_number;
    key_exchange_passed(&e->kex, number);
    if (state == STATE_OPEN && number >= MSG_GLOBAL_REQUEST)
        e->auth.connection_seen = true;
    /* On a server EXT_INFO comes first after NEWKEYS or never; IGNORE, UNIMPLEMENTED and DEBUG do
     * not count. */
    if (state == STATE_SERVICE && e->config->server && number > MSG_DEBUG && number != MSG_EXT_INFO)
        e->kex.ext_info_early = true;
}

void admission_dispatch(struct engine *e, struct span payload)
{
    struct reader r;
    reader_init(&r, payload.data, payload.len);
    e->message_number = read_u8(&r);
    enum admission_state state = admission_state(e);
    const struct row *row = row_of(e->message_number);
    note_passing(e, state);
    switch (decide(row, state, e->config->server)) {
    case ADMIT:
        row->handler(e, &r);
        break;
    case DROP:
        break;
    case UNKNOWN:
        log_debug(e->logger, 1, "Received unknown message %u", e->message_number);
        send_unimplemented(e, e->message_seq);
        break;
    case NOT_AVAILABLE:
        if (asks_for_service_again(e, state))
            row->handler(e, &r);
        else
            engine_error(e, SSHIO_ESERVICE_NOT_AVAILABLE, "Unexpected %s received", message_name(e->message_number));
        break;
    case REFUSE:
        if (goes_on(e, row, state))
            row->handler(e, &r);
        else
            refuse(e, row);
        break;
    }
}
