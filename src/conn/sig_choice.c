/* Choosing signature algorithms; see sig_choice.h.
 *
 * A server that has told its list gets the first algorithm of the key that it takes. If there is none, the algorithm
 * that is named like the key's type is worth a try, because servers have sent lists of RSA algorithms alone (OpenSSH
 * before 7.5); but never SHA-1, which the list would have named. A server that has told nothing is asked with SHA-2
 * first, and with SHA-1 after that if we may use it at all. */
#include "conn/sig_choice.h"

#include "engine/quirks.h"

static bool is_allowed(const struct sig_alg *const *allowed, const struct sig_alg *alg)
{
    for (; *allowed != NULL; allowed++)
        if (*allowed == alg)
            return true;
    return false;
}

static bool is_base(const struct sig_alg *alg)
{
    return span_is(span_of(alg->name), alg->type->name);
}

static bool is_rsa_sha2(const struct sig_alg *alg)
{
    return span_is(span_of(alg->type->name), "ssh-rsa") && !is_base(alg);
}

static bool is_named(const struct sig_choice_server *server, const struct sig_alg *alg)
{
    bool left_out = (server->quirks & QUIRK_LEAVES_OUT_RSA_SHA2) != 0 && is_rsa_sha2(alg);
    return left_out || name_list_has(span_of(server->list), alg->name);
}

static size_t choose_named(const sshio_key *key, const struct sig_alg *const *allowed,
                           const struct sig_choice_server *server, const struct sig_alg **out)
{
    const struct sig_alg *alg, *base = NULL;
    for (size_t i = 0; (alg = key_sig_alg(key, i)) != NULL; i++) {
        if (!is_allowed(allowed, alg))
            continue;
        if (is_named(server, alg)) {
            out[0] = alg;
            return 1;
        }
        if (is_base(alg) && !alg->is_weak)
            base = alg;
    }
    out[0] = base;
    return base != NULL ? 1 : 0;
}

/* The best that is no fall-back, then the fall-back. */
static size_t choose_blindly(const sshio_key *key, const struct sig_alg *const *allowed,
                             const struct sig_choice_server *server, const struct sig_alg **out)
{
    bool old = (server->quirks & QUIRK_NO_RSA_SHA2) != 0;
    const struct sig_alg *alg;
    size_t count = 0;
    for (size_t i = 0; (alg = key_sig_alg(key, i)) != NULL && count < SIG_CHOICE_MOST; i++) {
        bool useful = is_base(alg) || (count == 0 && !(old && is_rsa_sha2(alg)));
        if (useful && is_allowed(allowed, alg))
            out[count++] = alg;
    }
    return count;
}

size_t sig_choice(const sshio_key *key, const struct sig_alg *const *allowed, const struct sig_choice_server *server,
                  const struct sig_alg *out[SIG_CHOICE_MOST])
{
    return server->list != NULL ? choose_named(key, allowed, server, out) : choose_blindly(key, allowed, server, out);
}
