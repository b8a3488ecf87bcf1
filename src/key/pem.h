/* Blocks between "-----BEGIN x-----" and "-----END x-----" lines, and lines of text in general. */
#ifndef SSHIO_KEY_PEM_H
#define SSHIO_KEY_PEM_H

#include "base/bytes.h"
#include "base/error.h"

struct pem_block {
    struct span words; /* what stands before the kind: "OPENSSH", or nothing */
    struct span body;  /* the lines between */
};

/* The next line without its end and trailing white space; false when nothing is left. rest starts as the whole text. */
bool line_next(struct span *rest, struct span *line);

/* The first block of a kind ("PRIVATE KEY"); what stands before it is skipped. 1 = found, 0 = there is none, negative =
 * it has no end. */
int pem_find(struct span text, const char *kind, struct pem_block *block, struct error *e);
bool pem_begins(struct span line, const char *kind, struct span *words); /* is this line the beginning of one? */

/* The bytes of a body, or of any base64 that is no longer than a key text may be, into a writer that is made here.
 * 1 = they are there, 0 = it is no base64, negative = out of memory. */
int pem_decode(struct span base64, struct writer *decoded, struct error *e);

void pem_put(struct writer *w, const char *label, struct span data, size_t column);

#endif
