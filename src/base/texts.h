/* Owned lists of texts: a NULL-terminated array of C strings. */
#ifndef SSHIO_BASE_TEXTS_H
#define SSHIO_BASE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

struct texts {
    size_t count;
    char **items; /* items[count] is NULL; items itself is NULL while nothing was ever added */
};

bool texts_add(struct texts *t, const char *text); /* copies; false = out of memory, nothing changed */
bool texts_add_len(struct texts *t, const char *text, size_t len);
bool texts_addf(struct texts *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool texts_copy(struct texts *t, const char *const *items); /* NULL copies to the empty list */
bool texts_has(const struct texts *t, const char *text);
const char *const *texts_items(const struct texts *t);          /* never NULL */
char *texts_join(const struct texts *t, const char *separator); /* NULL = out of memory */
void texts_done(struct texts *t);                               /* wipes and frees; may be repeated */

/* Lists of "NAME=value" where each name stands once. */
const char *texts_value(const struct texts *t, const char *name); /* borrowed; NULL = it is not there */
bool texts_set(struct texts *t, const char *name, size_t name_len, const char *value,
               size_t value_len); /* replaces it where it stands; false = out of memory, nothing changed */
void texts_unset(struct texts *t, const char *name);

#endif
