/* The host key: whether a client trusts it, and how a server proves it. (RFC 4253 section 8, RFC 4251 4.1)
 *
 * Nothing of authentication leaves before the decision, and an error on the way to it is a refusal. */
#include <string.h>

#include "base/memory.h"
#include "base/texts.h"
#include "config/known_hosts.h"
#include "conn/algorithms.h"
#include "conn/conn.h"
#include "crypto/hash.h"
#include "io/task.h"
#include "io/worker.h"
#include "key/key.h"

#define SIGNATURE_MAX 4096

struct question { /* validate_host_public_key, asked in a task of its own */
    sshio_conn *conn;
    sshio_key *key;
    struct error refusal; /* what is said if it answers no */
    int answer;
};

static const char *look_up_name(const sshio_conn *conn)
{
    if (conn->settings->host_key_alias != NULL)
        return conn->settings->host_key_alias;
    return conn->host != NULL && conn->host[0] != '\0' ? conn->host : conn->peer.host;
}

static const char *look_up_address(const sshio_conn *conn)
{
    return conn->settings->host_key_alias != NULL ? "" : conn->peer.host;
}

static struct host_query query_of(const sshio_conn *conn)
{
    return (struct host_query){ .host = look_up_name(conn), .addr = look_up_address(conn), .port = conn->port };
}

/* ---- what a client offers ---- */

static bool add_algs_of_type(struct texts *names, const char *type)
{
    for (size_t i = 0; i < sig_alg_count(); i++) {
        const struct sig_alg *alg = sig_alg_at(i);
        if (alg->is_default && strcmp(alg->type->name, type) == 0 && !texts_add(names, alg->name))
            return false;
    }
    return true;
}

/* The algorithms of the keys that are known for the host, in the order of the file. */
static bool add_known_algs(const sshio_conn *conn, struct texts *names)
{
    struct host_query query = query_of(conn);
    struct texts types = { 0 };
    bool ok = known_hosts_types(conn->settings->known_hosts, &query, &types);
    for (size_t i = 0; ok && i < types.count; i++)
        ok = add_algs_of_type(names, types.items[i]);
    texts_done(&types);
    return ok;
}

/* A host that is known by some of its keys is asked for one of these; the option works on that list. Without one, and
 * if the option is "default", it is the usual list, which does not show what we know. */
int host_key_offer(sshio_conn *conn, struct error *e)
{
    const struct settings *s = conn->settings;
    struct texts known = { 0 };
    bool is_default = s->host_key_algs_text != NULL && strcmp(s->host_key_algs_text, "default") == 0;
    if (is_default || !s->check_host || s->known_hosts == NULL)
        return 0;
    int rc = add_known_algs(conn, &known) ? 0 : error_nomem(e);
    if (rc == 0 && known.count != 0)
        rc = algorithms_rows_over(SSHIO_ALG_PUBLIC_KEY, s->host_key_algs_text, &known, &conn->host_key_algs, e);
    if (conn->host_key_algs != NULL)
        conn->engine_config.host_key_algs = (const struct sig_alg *const *)conn->host_key_algs;
    texts_done(&known);
    return rc;
}

/* ---- whether it trusts what it got ---- */

static void trust(sshio_conn *conn, sshio_key *key)
{
    sshio_key_unref(conn->host_key);
    conn->host_key = sshio_key_ref(key);
    engine_trust_host_key(conn->engine, key);
}

/* The message says what was found, where, and what to do about it. */
static void set_refusal(struct error *e, const sshio_conn *conn, const sshio_key *key, sshio_host_status status,
                        const struct host_place *place)
{
    const char *name = look_up_name(conn);
    char *fingerprint = NULL;
    sshio_key_get_fingerprint(key, NULL, &fingerprint);
    const char *shown = fingerprint != NULL ? fingerprint : "";
    const char *type = sshio_key_get_algorithm(key);
    const char *file = place->filename != NULL ? place->filename : "known hosts";
    switch (status) {
    case SSHIO_HOST_REVOKED:
        error_set(e, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "Host key is revoked for host %s (%s %s, %s line %d)", name, type,
                  shown, file, place->line);
        break;
    case SSHIO_HOST_CHANGED:
        error_set_file(e, SSHIO_EHOST_KEY_NOT_VERIFIABLE, place->filename, place->line,
                       "Host key has changed for host %s: it now has %s %s, but another key is known. Someone could be "
                       "listening in, or the host got a new key: ask its administrator, then replace that line",
                       name, type, shown);
        break;
    default:
        error_set(
            e, SSHIO_EHOST_KEY_NOT_VERIFIABLE,
            "Host key is not trusted for host %s: no known host has %s %s. Compare this fingerprint with the host's and add its "
            "key to the known hosts",
            name, type, shown);
    }
    sshio_free(fingerprint);
}

static int run_question(void *arg)
{
    struct question *q = arg;
    sshio_conn *conn = q->conn;
    q->answer = conn->settings->client.validate_host_public_key(conn, look_up_name(conn), look_up_address(conn),
                                                                conn->port, q->key, conn->user);
    return 0;
}

static void question_done(int result, void *arg)
{
    struct question *q = arg;
    sshio_conn *conn = q->conn;
    (void)result;
    conn->helper = NULL;
    if (!engine_ended(conn->engine)) {
        if (q->answer > 0)
            trust(conn, q->key);
        else
            engine_refuse_host_key(conn->engine, &q->refusal);
        conn_verdict_given(conn);
    }
    error_clear(&q->refusal);
    sshio_key_unref(q->key);
    conn_release(conn);
    mem_free(q);
}

/* Takes the refusal over. */
static void ask(sshio_conn *conn, sshio_key *key, struct error *refusal)
{
    struct question *q = mem_zalloc(sizeof *q);
    if (q == NULL) {
        engine_refuse_host_key(conn->engine, refusal);
        return;
    }
    *q = (struct question){ .conn = conn, .key = sshio_key_ref(key) };
    error_init(&q->refusal);
    error_move(&q->refusal, refusal);
    conn_hold(conn);
    struct error e;
    error_init(&e);
    if (task_start(conn->loop, run_question, q, question_done, &conn->helper, &e) != 0)
        question_done(0, q);
    error_clear(&e);
}

static void decide_key(sshio_conn *conn, sshio_key *key)
{
    const struct settings *s = conn->settings;
    struct host_place place = { 0 };
    struct host_query query = query_of(conn);
    sshio_host_status status = s->check_host ? SSHIO_HOST_UNKNOWN : SSHIO_HOST_OK;
    if (s->check_host && s->known_hosts != NULL)
        status = known_hosts_match(s->known_hosts, &query, key, &place);
    if (status == SSHIO_HOST_OK) {
        trust(conn, key);
        return;
    }
    struct error refusal;
    error_init(&refusal);
    set_refusal(&refusal, conn, key, status, &place);
    if (status != SSHIO_HOST_REVOKED && s->client.validate_host_public_key != NULL)
        ask(conn, key, &refusal);
    else
        engine_refuse_host_key(conn->engine, &refusal);
    error_clear(&refusal);
}

void host_key_decide(sshio_conn *conn, struct span blob, const struct sig_alg *alg)
{
    sshio_key *key = NULL;
    struct error e;
    error_init(&e);
    if (key_from_public_blob(blob, &key, &e) != 0 || !span_is(span_of(sshio_key_get_algorithm(key)), alg->type->name)) {
        error_set(&e, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "Unable to decode host key for host %s", look_up_name(conn));
        engine_refuse_host_key(conn->engine, &e);
    } else if (key_check_size(key, conn->settings->required_rsa_size, NULL) != 0) {
        error_set(&e, SSHIO_EHOST_KEY_NOT_VERIFIABLE,
                  "Host key of %d bits is too short for host %s: required_rsa_size is %d", key_bits(key),
                  look_up_name(conn), conn->settings->required_rsa_size);
        engine_refuse_host_key(conn->engine, &e);
    } else {
        decide_key(conn, key);
    }
    sshio_key_unref(key);
    error_clear(&e);
}

/* ---- how a server proves it ---- */

struct proof {
    sshio_conn *conn;
    const sshio_key *key; /* of the settings */
    const struct sig_alg *alg;
    uint8_t hash[HASH_MAX_LEN];
    size_t hash_len;
    struct writer signature; /* empty when signing failed */
    struct error error;
};

static int sign_hash(void *arg)
{
    struct proof *p = arg;
    return key_sign(p->key, p->alg, SPAN(p->hash, p->hash_len), &p->signature, &p->error);
}

static void show_proof(struct proof *p, int result)
{
    sshio_conn *conn = p->conn;
    if (result != 0)
        log_error(conn->logger, "The host key could not sign: %s", error_message(&p->error));
    engine_exchange_signature(conn->engine, writer_span(&p->signature));
    writer_done(&p->signature);
    error_clear(&p->error);
    mem_free(p);
}

static void hash_signed(int result, void *arg)
{
    struct proof *p = arg;
    sshio_conn *conn = p->conn;
    show_proof(p, result);
    conn_verdict_given(conn);
    conn_release(conn);
}

/* RSA takes too long to do it between the other connections of the loop. */
void host_key_sign(sshio_conn *conn, void *key, const struct sig_alg *alg, struct span hash)
{
    struct proof *p = mem_zalloc(sizeof *p);
    if (p == NULL || hash.len > sizeof p->hash) {
        mem_free(p);
        engine_exchange_signature(conn->engine, SPAN(NULL, 0));
        return;
    }
    *p = (struct proof){ .conn = conn, .key = key, .alg = alg, .hash_len = hash.len };
    memcpy(p->hash, hash.data, hash.len);
    writer_init(&p->signature, SIGNATURE_MAX);
    error_init(&p->error);
    if (key_is_slow(key) && worker_submit(sign_hash, p, hash_signed) == 0)
        conn_hold(conn);
    else
        show_proof(p, sign_hash(p));
}
