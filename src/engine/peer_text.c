/* Text for people; see peer_text.h. */
#include "engine/peer_text.h"

#include "base/utf8.h"
#include "base/utf8_errors.h"
#include "engine/internal.h"

static int change(struct peer_text *t, struct span bytes, sshio_text_errors errors, struct error *error)
{
    writer_init(&t->changed, bytes.len * STAND_IN_MAX);
    utf8_decode(bytes, errors, &t->changed);
    if (writer_failed(&t->changed)) {
        writer_done(&t->changed);
        return error_nomem(error);
    }
    t->text = writer_span(&t->changed);
    return 0;
}

int peer_text_init(struct peer_text *t, const struct engine *e, const char *what, struct span bytes, struct span lang,
                   struct error *error)
{
    sshio_text_errors errors = e->config->text_errors;
    *t = (struct peer_text){ .text = bytes };
    if (!utf8_is_ascii(lang))
        return error_set(error, SSHIO_EPROTOCOL, "Language tag of %s is not ASCII", what);
    if (utf8_valid(bytes))
        return 0;
    if (errors == SSHIO_ERRORS_UNSET || errors == SSHIO_ERRORS_STRICT)
        return error_set(error, SSHIO_EPROTOCOL, "Text of %s is not UTF-8", what);
    return change(t, bytes, errors, error);
}

bool peer_text_read(struct peer_text *t, struct engine *e, const char *what, struct span bytes, struct span lang)
{
    struct error error;
    error_init(&error);
    int rc = peer_text_init(t, e, what, bytes, lang, &error);
    if (rc != 0)
        engine_fail(e, &error);
    error_clear(&error);
    return rc == 0;
}

void peer_text_done(struct peer_text *t)
{
    writer_done(&t->changed);
}
