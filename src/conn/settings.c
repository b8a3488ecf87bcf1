/* Settings: what both kinds of options share. */
#include "conn/settings.h"

#include <stdio.h>
#include <string.h>

#include <sshio/authorized_keys.h>

#include "base/memory.h"
#include "base/units.h"
#include "conn/algorithms.h"
#include "conn/key_files.h"
#include "conn/option_checks.h"
#include "engine/channel.h"
#include "key/key.h"

#define REKEY_BYTES_DEFAULT (1ull << 30)
#define REKEY_MS_DEFAULT (3600u * 1000)
#define LINGER_DEFAULT 5.0
#define VERSION_MAX_LEN 245
#define KEEPALIVE_COUNT_MAX 3

struct settings *settings_ref(struct settings *s)
{
    s->refs++;
    return s;
}

void settings_unref(struct settings *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    mem_free(s->kex_algs);
    mem_free(s->cipher_algs);
    mem_free(s->mac_algs);
    mem_free(s->compression_algs);
    mem_free(s->host_key_algs);
    mem_free(s->sig_algs);
    mem_free(s->host_keys);
    mem_free(s->host_key_algs_text);
    mem_free(s->sig_algs_text);
    mem_free(s->version);
    key_files_free(s->keys);
    mem_free(s->username);
    if (s->password != NULL)
        mem_free_secret(s->password, strlen(s->password));
    sshio_known_hosts_unref(s->known_hosts);
    sshio_authorized_keys_unref(s->authorized_keys);
    sftp_settings_free(s->sftp_server);
    texts_done(&s->required_auth);
    mem_free(s->preferred_auth);
    mem_free(s->host_key_alias);
    mem_free(s->command);
    mem_free(s->subsystem);
    texts_done(&s->env);
    texts_done(&s->send_env);
    terminal_done(&s->terminal);
    mem_free(s->encoding);
    mem_free(s);
}

bool settings_tri(sshio_tri tri, bool otherwise)
{
    return tri == SSHIO_UNSET ? otherwise : tri == SSHIO_YES;
}

int settings_text(char **to, const char *text, struct error *e)
{
    if (text == NULL || text == sshio_none)
        return 0;
    *to = mem_strdup(text);
    return *to != NULL ? 0 : error_nomem(e);
}

/* Printable ASCII without blanks at either end is all that a version line can carry. (RFC 4253 4.2) */
static int set_version(struct settings *s, const char *version, struct error *e)
{
    char text[VERSION_MAX_LEN + 1];
    if (version == NULL) {
        snprintf(text, sizeof text, "sshio_%s", sshio_version());
        version = text;
    }
    size_t len = strlen(version);
    bool printable = len > 0 && len <= VERSION_MAX_LEN;
    for (size_t i = 0; printable && i < len; i++)
        printable = version[i] >= 0x20 && version[i] <= 0x7e;
    if (!printable)
        return error_set(e, SSHIO_EINVAL, "version text must have 1 to %d printable ASCII characters", VERSION_MAX_LEN);
    s->version = mem_strdup(version);
    s->engine.version = s->version;
    return s->version != NULL ? 0 : error_nomem(e);
}

/* "BYTES|default [SECONDS|none]", as the RekeyLimit keyword. */
static int set_rekey_limit(struct settings *s, const char *text, struct error *e)
{
    s->engine.rekey_bytes = REKEY_BYTES_DEFAULT;
    s->engine.rekey_ms = REKEY_MS_DEFAULT;
    if (text == NULL)
        return 0;
    char word[2][32] = { "", "" };
    const char *at = text;
    for (int i = 0; i < 2; i++) {
        at += strspn(at, " \t");
        size_t len = strcspn(at, " \t");
        if (len >= sizeof word[i])
            return error_set(e, SSHIO_EINVAL, "Invalid RekeyLimit value: %s", text);
        memcpy(word[i], at, len);
        at += len;
    }
    if (at[strspn(at, " \t")] != '\0' || word[0][0] == '\0')
        return error_set(e, SSHIO_EINVAL, "Invalid RekeyLimit value: %s", text);
    if (strcmp(word[0], "default") != 0) {
        int rc = units_byte_count(word[0], &s->engine.rekey_bytes, e);
        if (rc != 0)
            return rc;
        if (s->engine.rekey_bytes == 0)
            return error_set(e, SSHIO_EINVAL, "Rekey bytes cannot be negative or zero: %s", text);
    }
    if (strcmp(word[1], "none") == 0)
        s->engine.rekey_ms = 0;
    if (word[1][0] == '\0' || strcmp(word[1], "none") == 0)
        return 0;
    double seconds;
    int rc = units_interval(word[1], &seconds, e);
    if (rc != 0)
        return rc;
    if (seconds <= 0 || seconds > OPTION_SECONDS_MAX)
        return error_set(e, SSHIO_EINVAL, "Rekey seconds cannot be negative or zero: %s", text);
    s->engine.rekey_ms = (uint32_t)(seconds * 1000);
    return 0;
}

static int set_algorithms(struct settings *s, const struct settings_common *c, struct error *e)
{
    int rc = algorithms_rows(SSHIO_ALG_KEX, c->kex_algs, &s->kex_algs, e);
    if (rc == 0)
        rc = algorithms_rows(SSHIO_ALG_ENCRYPTION, c->encryption_algs, &s->cipher_algs, e);
    if (rc == 0)
        rc = algorithms_rows(SSHIO_ALG_MAC, c->mac_algs, &s->mac_algs, e);
    if (rc == 0)
        rc = algorithms_rows(SSHIO_ALG_COMPRESSION, c->compression_algs, &s->compression_algs, e);
    if (rc == 0)
        rc = algorithms_rows(SSHIO_ALG_SIGNATURE, c->signature_algs, &s->sig_algs, e);
    if (rc != 0)
        return rc;
    struct texts names = { 0 };
    rc = algorithms_select(SSHIO_ALG_SIGNATURE, c->signature_algs, false, &names, e);
    if (rc != 0)
        return rc;
    s->sig_algs_text = texts_join(&names, ",");
    texts_done(&names);
    if (s->sig_algs_text == NULL)
        return error_nomem(e);
    s->engine.kex_algs = (const struct kex_alg *const *)s->kex_algs;
    s->engine.cipher_algs = (const struct cipher_alg *const *)s->cipher_algs;
    s->engine.mac_algs = (const struct mac_alg *const *)s->mac_algs;
    s->engine.compression_algs = (const struct compression_alg *const *)s->compression_algs;
    s->engine.sig_algs = s->sig_algs_text;
    return 0;
}

static void set_times(struct settings *s, const struct settings_common *c)
{
    double linger = c->linger != 0 ? c->linger : LINGER_DEFAULT;
    if (c->login_timeout != 0)
        s->engine.limits.login_ms = c->login_timeout > 0 ? (uint32_t)(c->login_timeout * 1000) : 0;
    s->linger_ms = linger > 0 ? (uint64_t)(linger * 1000) : 0;
}

static int set_required_rsa_size(struct settings *s, int bits, struct error *e)
{
    s->required_rsa_size = bits != 0 ? bits : KEY_RSA_LEAST_BITS;
    if (s->required_rsa_size < KEY_RSA_LEAST_BITS || s->required_rsa_size > KEY_RSA_MOST_BITS)
        return error_set(e, SSHIO_EINVAL, "required_rsa_size %d is not between %d and %d bits", bits,
                         KEY_RSA_LEAST_BITS, KEY_RSA_MOST_BITS);
    return 0;
}

int settings_keepalive_ms(double interval, uint32_t *ms, struct error *e)
{
    int rc = check_seconds("keepalive_interval", interval, e);
    if (rc != 0)
        return rc;
    *ms = interval <= 0 ? 0 : interval < 0.001 ? 1 : (uint32_t)(interval * 1000);
    return 0;
}

static int set_keepalive(struct settings *s, const struct settings_common *c, struct error *e)
{
    int rc = settings_keepalive_ms(c->keepalive_interval, &s->engine.keepalive_ms, e);
    if (rc != 0)
        return rc;
    if (c->keepalive_count_max < 0)
        return error_set(e, SSHIO_EINVAL, "keepalive_count_max cannot be negative: %d", c->keepalive_count_max);
    s->engine.keepalive_count_max = c->keepalive_count_max != 0 ? (uint32_t)c->keepalive_count_max
                                                                : KEEPALIVE_COUNT_MAX;
    return 0;
}

int settings_set_common(struct settings *s, const struct settings_common *c, struct error *e)
{
    s->refs = 1;
    s->engine.server = s->server;
    s->engine.limits = limits_default;
    s->engine.require_strict_kex = settings_tri(c->require_strict_kex, false);
    s->engine.text_errors = c->utf8_decode_errors;
    s->errors = c->errors;
    s->tcp_keepalive = settings_tri(c->tcp_keepalive, true);
    s->public_key_auth = settings_tri(c->public_key_auth, true);
    s->password_auth = settings_tri(c->password_auth, true);
    s->kbdint_auth = settings_tri(c->kbdint_auth, true);
    s->window = c->window != 0 ? c->window : CHANNEL_WINDOW_DEFAULT;
    s->max_packet = c->max_pktsize != 0 ? c->max_pktsize : CHANNEL_PACKET_DEFAULT;
    set_times(s, c);
    int rc = set_version(s, c->version, e);
    if (rc == 0)
        rc = set_rekey_limit(s, c->rekey_limit, e);
    if (rc == 0)
        rc = set_required_rsa_size(s, c->required_rsa_size, e);
    if (rc == 0)
        rc = set_keepalive(s, c, e);
    if (rc == 0)
        rc = set_algorithms(s, c, e);
    return rc;
}

int settings_load_keys(struct settings *s, const sshio_keyref *refs, struct error *e)
{
    return key_files_load_list(refs, &s->keys, e);
}
