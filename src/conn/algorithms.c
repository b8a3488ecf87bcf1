/* Algorithm options; see algorithms.h. Each kind is a row that knows how to walk its table. */
#include "conn/algorithms.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/cipher.h"
#include "crypto/mac.h"
#include "crypto/selection.h"
#include "engine/compression.h"
#include "engine/kex.h"
#include "io/last_error.h"
#include "key/key.h"

struct kind_row {
    sshio_alg_kind kind;
    struct selection_rules rules;
    size_t (*count)(void);
    const void *(*at)(size_t index);
    sshio_algorithm (*describe)(const void *row);
};

static const void *kex_at(size_t index)
{
    return kex_alg_at(index);
}

static sshio_algorithm describe_kex(const void *row)
{
    const struct kex_alg *alg = row;
    return (sshio_algorithm){ .name = alg->name,
                              .is_default = alg->is_default,
                              .is_weak = alg->is_weak,
                              .is_post_quantum = alg->is_post_quantum };
}

static const void *encryption_at(size_t index)
{
    return cipher_at(index);
}

static sshio_algorithm describe_encryption(const void *row)
{
    const struct cipher_alg *alg = row;
    return (sshio_algorithm){ .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak };
}

static const void *signature_at(size_t index)
{
    return sig_alg_at(index);
}

static sshio_algorithm describe_signature(const void *row)
{
    const struct sig_alg *alg = row;
    return (sshio_algorithm){
        .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak, .min_key_bits = alg->min_key_bits
    };
}

static const void *code_at(size_t index)
{
    return mac_at(index);
}

static sshio_algorithm describe_mac(const void *row)
{
    const struct mac_alg *alg = row;
    return (sshio_algorithm){ .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak };
}

static const void *method_at(size_t index)
{
    return compression_at(index);
}

static sshio_algorithm describe_compression(const void *row)
{
    const struct compression_alg *alg = row;
    return (sshio_algorithm){ .name = alg->name, .is_default = alg->is_default };
}

static const struct kind_row kind_rows[] = {
    { SSHIO_ALG_KEX, { .kind = "key exchange" }, kex_alg_count, kex_at, describe_kex },
    { SSHIO_ALG_ENCRYPTION, { .kind = "encryption" }, cipher_count, encryption_at, describe_encryption },
    { SSHIO_ALG_MAC, { .kind = "MAC", .empty_allowed = true }, mac_count, code_at, describe_mac },
    { SSHIO_ALG_COMPRESSION,
      { .kind = "compression", .empty_allowed = true },
      compression_count,
      method_at,
      describe_compression },
    { SSHIO_ALG_SIGNATURE, { .kind = "signature" }, sig_alg_count, signature_at, describe_signature },
    { SSHIO_ALG_PUBLIC_KEY, { .kind = "host key" }, sig_alg_count, signature_at, describe_signature },
};

static const struct kind_row *kind_row(sshio_alg_kind kind)
{
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++)
        if (kind_rows[i].kind == kind)
            return &kind_rows[i];
    return NULL;
}

static int select_names(sshio_alg_kind kind, const char *selection, bool from_config, const struct texts *defaults,
                        struct texts *names, struct error *e)
{
    const struct kind_row *row = kind_row(kind);
    if (row == NULL)
        return error_set(e, SSHIO_EINVAL, "%d is not a kind of algorithm", (int)kind);
    size_t count = row->count();
    struct selection_name *possible = mem_array(count + 1, sizeof *possible);
    if (possible == NULL)
        return error_nomem(e);
    for (size_t i = 0; i < count; i++) {
        sshio_algorithm alg = row->describe(row->at(i));
        possible[i] = (struct selection_name){ .name = alg.name, .is_default = alg.is_default };
    }
    struct selection_rules rules = row->rules;
    rules.from_config = from_config;
    rules.defaults = defaults;
    if (selection == sshio_none)
        selection = "";
    int rc = selection_expand(possible, count, selection, &rules, names, e);
    mem_free(possible);
    return rc;
}

int algorithms_select(sshio_alg_kind kind, const char *selection, bool from_config, struct texts *names,
                      struct error *e)
{
    return select_names(kind, selection, from_config, NULL, names, e);
}

static const void *row_named(const struct kind_row *kind, const char *name)
{
    for (size_t i = 0; i < kind->count(); i++) {
        const void *row = kind->at(i);
        if (strcmp(kind->describe(row).name, name) == 0)
            return row;
    }
    return NULL;
}

int algorithms_rows_over(sshio_alg_kind kind, const char *selection, const struct texts *defaults, const void ***rows,
                         struct error *e)
{
    struct texts names = { 0 };
    int rc = select_names(kind, selection, false, defaults, &names, e);
    if (rc != 0)
        return rc;
    const void **found = mem_array(names.count + 1, sizeof *found);
    if (found == NULL)
        rc = error_nomem(e);
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        found[i] = row_named(kind_row(kind), names.items[i]);
    texts_done(&names);
    if (rc == 0)
        *rows = found;
    return rc;
}

int algorithms_rows(sshio_alg_kind kind, const char *selection, const void ***rows, struct error *e)
{
    return algorithms_rows_over(kind, selection, NULL, rows, e);
}

size_t sshio_algorithm_count(sshio_alg_kind kind)
{
    const struct kind_row *row = kind_row(kind);
    return row != NULL ? row->count() : 0;
}

/* The descriptions are made once a process, so that what is handed out is static. */
#define DESCRIBED_MAX 64

static sshio_algorithm described[sizeof kind_rows / sizeof kind_rows[0]][DESCRIBED_MAX];
static pthread_once_t described_once = PTHREAD_ONCE_INIT;

static void describe_all(void)
{
    for (size_t k = 0; k < sizeof kind_rows / sizeof kind_rows[0]; k++) {
        for (size_t i = 0; i < kind_rows[k].count() && i < DESCRIBED_MAX; i++) {
            described[k][i] = kind_rows[k].describe(kind_rows[k].at(i));
            described[k][i].size = sizeof described[k][i];
        }
    }
}

const sshio_algorithm *sshio_algorithm_at(sshio_alg_kind kind, size_t index)
{
    const struct kind_row *row = kind_row(kind);
    if (row == NULL || index >= row->count() || index >= DESCRIBED_MAX ||
        pthread_once(&described_once, describe_all) != 0)
        return NULL;
    return &described[row - kind_rows][index];
}

int sshio_select_algorithms(sshio_alg_kind kind, const char *selection, sshio_texts *names)
{
    if (names == NULL)
        return fail(SSHIO_EINVAL, "sshio_select_algorithms: no place for the names");
    struct texts found = { 0 };
    int rc = algorithms_select(kind, selection, false, &found, last_error());
    if (rc != 0)
        return rc;
    if (found.items == NULL && (found.items = mem_zalloc(sizeof *found.items)) == NULL)
        return fail_nomem();
    *names = (sshio_texts){ .count = found.count, .items = found.items };
    return 0;
}
