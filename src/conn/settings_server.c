/* Settings of servers, from sshio_server_options. */
#include "base/memory.h"
#include "conn/algorithms.h"
#include "conn/auth_policy.h"
#include "conn/option_checks.h"
#include "conn/settings.h"
#include "conn/sources.h"
#include "io/last_error.h"
#include "io/options.h"
#include "key/key.h"

void sshio_server_options_init(sshio_server_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

static bool is_served(const struct settings *s, const struct sig_alg *alg)
{
    for (size_t i = 0; s->host_keys[i].alg != NULL; i++)
        if (s->host_keys[i].alg == alg)
            return true;
    return false;
}

/* One row for each algorithm that was selected; the first key of a type serves it. */
static void add_host_key(struct settings *s, size_t *count, sshio_key *key, const struct texts *algs)
{
    const struct sig_alg *alg;
    for (size_t i = 0; (alg = key_sig_alg(key, i)) != NULL; i++)
        if (texts_has(algs, alg->name) && !is_served(s, alg))
            s->host_keys[(*count)++] = (struct engine_host_key){ alg, key_public_blob(key), key };
}

static int list_host_keys(struct settings *s, const char *selection, struct error *e)
{
    struct texts algs = { 0 };
    size_t count = 0;
    int rc = algorithms_select(SSHIO_ALG_PUBLIC_KEY, selection, true, &algs, e);

    if (rc == 0)
        s->host_keys = mem_array(sig_alg_count() + 1, sizeof *s->host_keys);
    if (rc == 0 && s->host_keys == NULL)
        rc = error_nomem(e);
    for (size_t i = 0; rc == 0 && s->keys[i] != NULL; i++)
        add_host_key(s, &count, s->keys[i], &algs);
    s->engine.host_keys = s->host_keys;
    texts_done(&algs);
    return rc;
}

static int set_host_keys(struct settings *s, const sshio_keyref *refs, const char *selection, struct error *e)
{
    int rc = settings_load_keys(s, refs, e);
    if (rc == 0 && s->keys[0] == NULL)
        rc = error_set(e, SSHIO_EINVAL, "No server host keys provided");
    for (size_t i = 0; rc == 0 && s->keys[i] != NULL; i++)
        rc = key_check_size(s->keys[i], s->required_rsa_size, e);
    return rc == 0 ? list_host_keys(s, selection, e) : rc;
}

static int set_authorized_keys(struct settings *s, const sshio_source *source, struct error *e)
{
    if (source == NULL || (const void *)source == sshio_none)
        return 0;
    int rc = source_authorized_keys(source, &s->authorized_keys);
    if (rc != 0)
        error_copy(e, last_error());
    return rc;
}

static int set_counts(struct settings *s, const sshio_server_options *o, struct error *e)
{
    if (o->max_auth_tries < 0 || o->max_sessions < -1)
        return error_set(e, SSHIO_EINVAL, "a limit is negative: max_auth_tries %d, max_sessions %d", o->max_auth_tries,
                         o->max_sessions);
    if (!(o->auth_failure_delay >= 0))
        return error_set(e, SSHIO_EINVAL, "auth_failure_delay of %g s is negative", o->auth_failure_delay);
    if (o->max_auth_tries != 0)
        s->engine.limits.auth_tries = (uint32_t)o->max_auth_tries;
    s->max_startups = (struct startups){ limits_default.unauthenticated_conns, 100,
                                         limits_default.unauthenticated_conns };
    s->max_sessions = limits_default.sessions;
    if (o->max_sessions != 0)
        s->max_sessions = o->max_sessions > 0 ? (uint32_t)o->max_sessions : 0;
    s->auth_failure_delay = o->auth_failure_delay;
    return o->max_startups != NULL ? units_startups(o->max_startups, &s->max_startups, e) : 0;
}

static int fill(struct settings *s, const sshio_server_options *o, const char *host_key_algs, struct error *e)
{
    struct settings_common common = SETTINGS_COMMON(o, o->server_version);
    int rc = check_server_options(o, e);
    if (rc == 0)
        rc = settings_set_common(s, &common, e);
    if (rc == 0)
        rc = set_counts(s, o, e);
    if (rc == 0)
        rc = set_host_keys(s, o->host_keys, host_key_algs, e);
    if (rc == 0)
        rc = set_authorized_keys(s, o->authorized_keys, e);
    if (rc == 0)
        rc = auth_policy_set(&s->required_auth, o->required_auth_methods, e);
    if (rc == 0)
        rc = settings_text(&s->encoding, o->encoding, e);
    if (rc == 0)
        rc = settings_set_sftp(s, o, e);
    s->allow_pty = settings_tri(o->allow_pty, true);
    s->process_handler = o->process_handler;
    s->session_handler = o->session_handler;
    s->acceptor = o->acceptor;
    s->error_handler = o->error_handler;
    s->user = o->user;
    if (o->handlers != NULL)
        s->handlers = *o->handlers;
    return rc;
}

int settings_server(const sshio_server_options *options, const char *host_key_algs, struct settings **settings,
                    struct error *e)
{
    struct settings *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return error_nomem(e);
    s->refs = 1;
    s->server = true;
    int rc = fill(s, options, host_key_algs, e);
    if (rc == 0)
        *settings = s;
    else
        settings_unref(s);
    return rc;
}
