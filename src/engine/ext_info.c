/* Sending and reading EXT_INFO; see ext_info.h. */
#include "engine/ext_info.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/internal.h"

static void put_extension(struct writer *w, const char *name, const char *value)
{
    put_text(w, name);
    put_text(w, value);
}

void ext_info_send(struct engine *e)
{
    struct writer *w = engine_message(e, MSG_EXT_INFO);
    if (e->config->server) {
        put_u32(w, 3);
        put_extension(w, "server-sig-algs", e->config->sig_algs != NULL ? e->config->sig_algs : "");
        put_extension(w, "ping@openssh.com", "0");
    } else {
        put_u32(w, 2);
        put_extension(w, "ext-info-in-auth@openssh.com", "0");
    }
    put_extension(w, "global-requests-ok", "");
    engine_send(e);
}

/* A message number that may come here may still come at the wrong moment. */
static bool in_place(struct engine *e)
{
    struct key_exchange *kex = &e->kex;
    bool *used = e->auth.stage == AUTH_RUNNING ? &kex->ext_info_late : &kex->ext_info_early;
    bool ok = !*used;
    *used = true;
    return ok;
}

static bool take_sig_algs(struct engine *e, struct span value)
{
    if (span_has_nul(value)) {
        engine_protocol_error(e, "Invalid server-sig-algs in EXT_INFO");
        return false;
    }
    char *list = span_dup_text(value);
    if (list == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    mem_free(e->kex.server_sig_algs);
    e->kex.server_sig_algs = list;
    return true;
}

void ext_info_on_message(struct engine *e, struct reader *r)
{
    if (!in_place(e)) {
        engine_protocol_error(e, "Unexpected ext_info received");
        return;
    }
    uint32_t count = read_u32(r);
    if (count > e->config->limits.ext_info_count) {
        engine_protocol_error(e, "EXT_INFO holds %u extensions, more than %u", count, e->config->limits.ext_info_count);
        return;
    }
    struct span sig_algs = SPAN(NULL, 0);
    bool has_sig_algs = false;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        struct span name = read_string(r);
        struct span value = read_string(r);
        if (!span_is(name, "server-sig-algs"))
            continue;
        sig_algs = value;
        has_sig_algs = true;
    }
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed EXT_INFO");
        return;
    }
    if (has_sig_algs && !e->config->server && !take_sig_algs(e, sig_algs))
        return;
    log_debug(e->logger, 2, "Received %u extension(s)", count);
}

const char *engine_server_sig_algs(const struct engine *e)
{
    return e->kex.server_sig_algs;
}
