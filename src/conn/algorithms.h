/* Algorithm options: from the text of an option to rows of the tables. */
#ifndef SSHIO_CONN_ALGORITHMS_H
#define SSHIO_CONN_ALGORITHMS_H

#include <stdbool.h>

#include <sshio/algorithms.h>

#include "base/error.h"
#include "base/texts.h"

/* Expands a selection of one kind (NULL = the defaults) to names in order of preference. */
int algorithms_select(sshio_alg_kind kind, const char *selection, bool from_config, struct texts *names,
                      struct error *e);

/* The same, to an owned array of rows that ends with NULL: struct kex_alg, cipher_alg or sig_alg by kind. */
int algorithms_rows(sshio_alg_kind kind, const char *selection, const void ***rows, struct error *e);

/* The same, where the list that no selection and its prefixes mean is another one. */
int algorithms_rows_over(sshio_alg_kind kind, const char *selection, const struct texts *defaults, const void ***rows,
                         struct error *e);

#endif
