/* The values of a configuration, client or server: what lines have set, under the rules of precedence.
 *
 * The first value of a keyword wins; keywords that append collect one value a line. A value is checked when it is set,
 * so that the getters cannot fail. Values are kept as texts, the form that options of the same meaning take. */
#ifndef SSHIO_CONFIG_CONFIG_H
#define SSHIO_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <sshio/config.h>

#include "base/error.h"
#include "base/texts.h"
#include "config/config_line.h"
#include "config/keywords.h"

struct config_value {
    bool is_set;
    struct texts items; /* empty and set: explicitly none */
};

struct sshio_config {
    enum config_side side;
    struct config_value values[KEYWORD_COUNT];
};

sshio_config *config_new(enum config_side side); /* NULL = out of memory */
void config_free(sshio_config *config);

/* Applies one line. 0 also for an empty one. SSHIO_ECONFIG_PARSE for a value that does not fit, even if an earlier one
 * wins, and for a keyword that does not exist on this side. A value is written only on success. */
int config_set(sshio_config *config, struct span line, const struct config_where *where, struct error *e);

/* Each gives the fallback while the keyword is not set. */
bool config_is_set(const sshio_config *config, enum keyword_id id);
int64_t config_number(const sshio_config *config, enum keyword_id id, int64_t fallback);
const char *config_text(const sshio_config *config, enum keyword_id id,
                        const char *fallback);                                   /* NULL when set to none; borrowed */
const char *const *config_texts(const sshio_config *config, enum keyword_id id); /* never NULL; borrowed */

#endif
