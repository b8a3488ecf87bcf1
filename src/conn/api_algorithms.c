/* Public lists of algorithms: one view of the tables of all rooms. */
#include <sshio/algorithms.h>

#include <pthread.h>

#include "base/memory.h"
#include "crypto/cipher.h"
#include "crypto/selection.h"
#include "engine/kex.h"
#include "io/last_error.h"
#include "key/key.h"

#define MAX_ROWS 64             /* of one kind */

static size_t no_rows(void)
{
    return 0;
}

static size_t one_row(void)
{
    return 1;
}

static sshio_algorithm kex_row(size_t index)
{
    const struct kex_alg *alg = kex_alg_at(index);
    return (sshio_algorithm){
        .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak, .is_post_quantum = alg->is_post_quantum,
    };
}

static sshio_algorithm cipher_row(size_t index)
{
    const struct cipher_alg *alg = cipher_at(index);
    return (sshio_algorithm){ .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak };
}

static sshio_algorithm compression_row(size_t index)
{
    (void)index;
    return (sshio_algorithm){ .name = "none", .is_default = true };
}

static sshio_algorithm signature_row(size_t index)
{
    const struct sig_alg *alg = sig_alg_at(index);
    return (sshio_algorithm){
        .name = alg->name, .is_default = alg->is_default, .is_weak = alg->is_weak, .min_key_bits = alg->min_key_bits,
    };
}

static const struct kind {
    struct selection_rules rules;
    size_t (*count)(void);
    sshio_algorithm (*row)(size_t index);
} kinds[] = {
    [SSHIO_ALG_KEX] = { { .kind = "key exchange" }, kex_alg_count, kex_row },
    [SSHIO_ALG_ENCRYPTION] = { { .kind = "encryption" }, cipher_count, cipher_row },
    [SSHIO_ALG_MAC] = { { .kind = "MAC", .empty_allowed = true }, no_rows, NULL },
    [SSHIO_ALG_COMPRESSION] = { { .kind = "compression", .empty_allowed = true }, one_row, compression_row },
    [SSHIO_ALG_SIGNATURE] = { { .kind = "signature" }, sig_alg_count, signature_row },
    [SSHIO_ALG_PUBLIC_KEY] = { { .kind = "host key" }, sig_alg_count, signature_row },
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static sshio_algorithm rows[KIND_COUNT][MAX_ROWS];
static pthread_once_t rows_made = PTHREAD_ONCE_INIT;

static void make_rows(void)
{
    for (size_t k = 0; k < KIND_COUNT; k++) {
        for (size_t i = 0; i < kinds[k].count() && i < MAX_ROWS; i++) {
            rows[k][i] = kinds[k].row(i);
            rows[k][i].size = sizeof(sshio_algorithm);
        }
    }
}

size_t sshio_algorithm_count(sshio_alg_kind kind)
{
    if ((size_t)kind >= KIND_COUNT)
        return 0;
    size_t count = kinds[kind].count();
    return count < MAX_ROWS ? count : MAX_ROWS;
}

const sshio_algorithm *sshio_algorithm_at(sshio_alg_kind kind, size_t index)
{
    if (index >= sshio_algorithm_count(kind) || pthread_once(&rows_made, make_rows) != 0)
        return NULL;
    return &rows[kind][index];
}

/* Hands a list over; an empty one gets its terminating NULL. */
static int take_names(struct texts *from, sshio_texts *names, struct error *e)
{
    if (from->items == NULL && (from->items = mem_zalloc(sizeof *from->items)) == NULL)
        return error_nomem(e);
    *names = (sshio_texts){ from->count, from->items };
    return 0;
}

static int select_names(sshio_alg_kind kind, const char *selection, sshio_texts *names, struct error *e)
{
    struct selection_name possible[MAX_ROWS];
    struct texts selected = { 0 };
    size_t count = sshio_algorithm_count(kind);
    for (size_t i = 0; i < count; i++) {
        const sshio_algorithm *alg = sshio_algorithm_at(kind, i);
        possible[i] = (struct selection_name){ alg->name, alg->is_default };
    }
    int rc = selection_expand(possible, count, selection, &kinds[kind].rules, &selected, e);
    return rc == 0 ? take_names(&selected, names, e) : rc;
}

int sshio_select_algorithms(sshio_alg_kind kind, const char *selection, sshio_texts *names)
{
    struct error e;

    if ((size_t)kind >= KIND_COUNT || names == NULL)
        return fail(SSHIO_EINVAL, "select_algorithms: no such kind of algorithm, or no place for the names");
    error_init(&e);
    int rc = select_names(kind, selection, names, &e);
    if (rc != 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}
