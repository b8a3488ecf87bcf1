/* One key exchange method in one role, from KEXINIT on: the first octet chooses the row of the table (its lowest bit
 * the role), records follow. Whatever a server says, a client gets no new keys, as nobody can sign for it; and of a
 * server nothing is signed twice. A computation comes back before the next record, or after the engine is gone. */
#include "fuzz_engine.h"

#include "crypto/random.h"
#include "engine/negotiation.h"

#define LOSE FUZZ_LOCAL

struct run {
    struct engine *e;
    struct engine_job *job;
    unsigned signs, keys_changed;
};

static void host_key_received(void *owner, struct span blob, const struct sig_alg *alg)
{
    struct run *run = owner;
    (void)blob, (void)alg;
    engine_trust_host_key(run->e, NULL);
}

static void sign_exchange(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    struct run *run = owner;
    (void)key, (void)alg, (void)hash;
    must(++run->signs == 1);
    engine_exchange_signature(run->e, span_of("signature"));
}

static void keys_changed(void *owner, bool first)
{
    struct run *run = owner;
    (void)first;
    must(run->signs == 1);
    run->keys_changed++;
}

static void compute(void *owner, struct engine_job *job)
{
    struct run *run = owner;
    must(run->job == NULL);
    run->job = job;
}

static const struct engine_events events = { .host_key_received = host_key_received,
                                             .sign_exchange = sign_exchange,
                                             .keys_changed = keys_changed,
                                             .compute = compute };

static void finish_job(struct run *run)
{
    struct engine_job *job = run->job;
    run->job = NULL;
    if (job == NULL)
        return;
    engine_job_run(job);
    engine_job_done(job);
}

static void greet(struct engine *e, const struct engine_config *own)
{
    static char version[] = "SSH-2.0-peer\r\n";
    char line[sizeof version];
    struct engine_config peer = *own;
    struct writer w;
    peer.server = !own->server;
    memcpy(line, version, sizeof line);
    writer_init(&w, 10000);
    kexinit_put(&w, &peer, false);
    (void)engine_receive(e, (uint8_t *)line, sizeof line - 1, 0);
    fuzz_receive(e, MSG_KEXINIT, writer_span(&w));
    writer_done(&w);
}

static void play(struct run *run, struct reader *r)
{
    struct fuzz_record record;
    while (!engine_ended(run->e) && fuzz_next(r, &record)) {
        if (record.operation == LOSE)
            engine_lost(run->e, NULL);
        finish_job(run);
        if (record.operation < FUZZ_LOCAL)
            fuzz_receive(run->e, record.operation, record.bytes);
        fuzz_drop_output(run->e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct kex_alg *kex_algs[] = { kex_alg_at(data[0] / 2 % kex_alg_count()), NULL };
    const struct cipher_alg *cipher_algs[] = { cipher_find("aes128-gcm@openssh.com"), NULL };
    const struct sig_alg *host_key_algs[] = { sig_alg_find(span_of("ssh-ed25519")), NULL };
    const struct engine_host_key host_keys[] = { { .alg = host_key_algs[0], .blob = span_of("blob") },
                                                 { .alg = NULL } };
    const struct engine_config config = { .server = data[0] & 1,
                                          .version = "sshio_fuzz",
                                          .limits = limits_default,
                                          .kex_algs = kex_algs,
                                          .cipher_algs = cipher_algs,
                                          .host_key_algs = host_key_algs,
                                          .host_keys = host_keys };
    struct run run = { .e = NULL };
    struct reader r;
    random_seed(data[0]);
    run.e = engine_new(&config, &events, &run, owner_buffers(), log_base(), 0);
    must(run.e != NULL);
    engine_start(run.e);
    greet(run.e, &config);
    reader_init(&r, data + 1, size - 1);
    play(&run, &r);
    must(config.server || run.keys_changed == 0);
    engine_lost(run.e, NULL);
    engine_free(run.e);
    finish_job(&run);
    random_unseed();
    return 0;
}
