/* DER (X.690): the few elements that key files are made of, read and written strictly.
 *
 * Lengths must be definite and as short as can be; integers must be non-negative and as short as can be. Both work on
 * struct reader and struct writer, with their sticky errors. */
#ifndef SSHIO_BASE_DER_H
#define SSHIO_BASE_DER_H

#include "base/bytes.h"

#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_SEQUENCE 0x30
#define DER_CONTEXT_PRIMITIVE(n) (0x80 | (n))
#define DER_CONTEXT(n) (0xa0 | (n)) /* constructed */

struct span read_der(struct reader *r, uint8_t tag);      /* the content of the next element; of another tag: failure */
bool next_der_is(const struct reader *r, uint8_t tag);    /* for what is optional */
struct span read_der_integer(struct reader *r);           /* magnitude without leading zeros; zero is empty */
struct span read_der_bits(struct reader *r, uint8_t tag); /* a bit string without unused bits; the tag as it stands */

void put_der(struct writer *w, uint8_t tag, struct span content);
void put_der_integer(struct writer *w, struct span magnitude); /* leading zeros are dropped */
void put_der_bits(struct writer *w, uint8_t tag, struct span content);

#endif
