/* Stand-ins for what is not UTF-8; see utf8_errors.h. */
#include "base/utf8_errors.h"

#include <stdio.h>

#include "base/utf8.h"

int text_errors_check(const char *option, sshio_text_errors errors, struct error *e)
{
    if ((unsigned)errors <= SSHIO_ERRORS_SURROGATEESCAPE)
        return 0;
    return error_set(e, SSHIO_EINVAL, "%s is no way to treat text: %d", option, (int)errors);
}

/* A lone surrogate, U+DC80 to U+DCFF, in three bytes that no valid text contains. */
static void put_surrogate(struct writer *w, uint8_t byte)
{
    put_u8(w, 0xed);
    put_u8(w, (uint8_t)(0xb0 | byte >> 6));
    put_u8(w, (uint8_t)(0x80 | (byte & 0x3f)));
}

static void put_escaped(struct writer *w, uint8_t byte)
{
    char text[8];
    snprintf(text, sizeof text, "\\x%02x", (unsigned)byte);
    put_chars(w, text);
}

void put_stand_in(struct writer *w, struct span bad, sshio_text_errors errors)
{
    if (errors == SSHIO_ERRORS_REPLACE)
        put_chars(w, "\xef\xbf\xbd");
    for (size_t i = 0; i < bad.len; i++)
        if (errors == SSHIO_ERRORS_SURROGATEESCAPE)
            put_surrogate(w, bad.data[i]);
        else if (errors == SSHIO_ERRORS_BACKSLASHREPLACE)
            put_escaped(w, bad.data[i]);
}

bool utf8_decode(struct span in, sshio_text_errors errors, struct writer *w)
{
    for (;;) {
        size_t good = utf8_prefix(in);
        put_bytes(w, in.data, good);
        in = SPAN(in.data + good, in.len - good);
        if (in.len == 0)
            return true;
        if (errors == SSHIO_ERRORS_STRICT)
            return false;
        size_t begun = utf8_begun(in);
        struct span bad = SPAN(in.data, begun != 0 ? begun : 1);
        put_stand_in(w, bad, errors);
        in = SPAN(in.data + bad.len, in.len - bad.len);
    }
}
