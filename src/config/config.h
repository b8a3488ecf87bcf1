/* The values of a configuration, client or server: what lines have set, under the rules of precedence.
 *
 * The first value of a keyword wins; keywords that append collect theirs. A value is checked when it is set, so that
 * the getters cannot fail. Values are kept as texts, the form that options of the same meaning take; tokens such as %h
 * stand in them until config_expand, which is called once, after the last line. */
#ifndef SSHIO_CONFIG_CONFIG_H
#define SSHIO_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <sshio/config.h>

#include "base/error.h"
#include "base/texts.h"
#include "config/config_line.h"
#include "config/keywords.h"
#include "config/tokens.h"

struct config_value {
    bool is_set;
    struct texts items; /* empty and set: explicitly none */
    const char *filename;
    int line; /* of the line that set it, the last one that appended */
};

struct sshio_config {
    int refs;
    enum config_side side;
    bool strict; /* a keyword that nobody knows is an error */
    struct config_value values[KEYWORD_COUNT];
    struct texts filenames;   /* that values point to */
    struct texts proxy_words; /* ProxyCommand, split and expanded */
};

sshio_config *config_new(enum config_side side); /* NULL = out of memory */
sshio_config *config_ref(sshio_config *config);
void config_unref(sshio_config *config);

/* Applies one line. 0 also for an empty one. SSHIO_ECONFIG_PARSE for a value that does not fit, even if an earlier one
 * wins; on a server also for a keyword of OpenSSH that has no effect here, which a client only warns of; when the
 * configuration is strict, for any other unknown keyword. where->filename has to live as long as config. A value is
 * written only on success. */
int config_set(sshio_config *config, struct span line, const struct config_where *where, struct error *e);

/* Sets a keyword to one literal value, unless it is set. */
int config_preset(sshio_config *config, enum keyword_id id, const char *value, struct error *e);

/* Puts the tokens into the values of the keywords that have any. */
int config_expand(sshio_config *config, const struct token_values *tokens, struct error *e);
/* The same for one keyword: one that is needed before the last line. */
int config_expand_one(sshio_config *config, enum keyword_id id, const struct token_values *tokens, struct error *e);
int config_expand_texts(struct texts *texts, const char *allowed, const struct config_value *value,
                        const struct token_values *tokens, struct error *e); /* errors name the value's place */

/* Each gives the fallback while the keyword is not set; config may be NULL, where nothing is set. */
bool config_is_set(const sshio_config *config, enum keyword_id id);
int64_t config_number(const sshio_config *config, enum keyword_id id, int64_t fallback);
double config_seconds(const sshio_config *config, enum keyword_id id, double fallback); /* 0 when set to none */
const char *config_text(const sshio_config *config, enum keyword_id id,
                        const char *fallback);                                   /* NULL when set to none; borrowed */
const char *const *config_texts(const sshio_config *config, enum keyword_id id); /* never NULL; borrowed */

#endif
