/* Text in messages that is meant for people (banners, reasons, debug messages): UTF-8, with a tag of its language. What
 * is done with text that is not UTF-8 is an option, sshio_text_errors; such a tag is ASCII or a protocol error. */
#ifndef SSHIO_ENGINE_PEER_TEXT_H
#define SSHIO_ENGINE_PEER_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct engine;

struct peer_text {
    struct span text;      /* UTF-8 by the option: valid, but for its surrogates */
    struct writer changed; /* where it is when bytes had to be changed */
};

/* Text and language of what, a message or request. 0, and then peer_text_done is due; EPROTOCOL or ENOMEM. Text that is
 * valid is not copied. */
int peer_text_init(struct peer_text *t, const struct engine *e, const char *what, struct span bytes, struct span lang,
                   struct error *error);
void peer_text_done(struct peer_text *t);

/* The same, but that a failure ends the connection: false. */
bool peer_text_read(struct peer_text *t, struct engine *e, const char *what, struct span bytes, struct span lang);

#endif
