/* sshio ssh -Q: the algorithms of a kind, one a line. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ssh.h"
#include "talk.h"

static const struct query {
    const char *name;
    int kind; /* of the library; -1 = types of keys, -2 = nothing */
} queries[] = {
    { "cipher", SSHIO_ALG_ENCRYPTION },
    { "cipher-auth", SSHIO_ALG_ENCRYPTION },
    { "compression", SSHIO_ALG_COMPRESSION },
    { "kex", SSHIO_ALG_KEX },
    { "key", -1 },
    { "key-cert", -2 },
    { "key-plain", -1 },
    { "key-sig", SSHIO_ALG_SIGNATURE },
    { "mac", SSHIO_ALG_MAC },
    { "sig", SSHIO_ALG_SIGNATURE },
    { "Ciphers", SSHIO_ALG_ENCRYPTION },
    { "HostKeyAlgorithms", SSHIO_ALG_PUBLIC_KEY },
    { "KexAlgorithms", SSHIO_ALG_KEX },
    { "MACs", SSHIO_ALG_MAC },
    { "PubkeyAcceptedAlgorithms", SSHIO_ALG_SIGNATURE },
};
#define QUERY_COUNT (sizeof queries / sizeof queries[0])

static bool is_authenticated_cipher(const char *name)
{
    return strstr(name, "gcm@") != NULL || strstr(name, "poly1305@") != NULL;
}

static void print_algorithms(const struct query *query)
{
    const sshio_alg_kind kind = query->kind >= 0 ? (sshio_alg_kind)query->kind : SSHIO_ALG_PUBLIC_KEY;
    bool only_authenticated = strcmp(query->name, "cipher-auth") == 0;

    for (size_t i = 0; query->kind != -2 && i < sshio_algorithm_count(kind); i++) {
        const char *name = sshio_algorithm_at(kind, i)->name;
        bool is_type = strncmp(name, "rsa-sha2-", 9) != 0;
        if ((query->kind != -1 || is_type) && (!only_authenticated || is_authenticated_cipher(name)))
            puts(name);
    }
}

int ssh_run_query(const char *name)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        if (strcmp(name, "help") == 0)
            puts(queries[i].name);
        else if (strcasecmp(name, queries[i].name) == 0) {
            print_algorithms(&queries[i]);
            return 0;
        }
    }
    if (strcmp(name, "help") == 0)
        return 0;
    say("Unsupported query \"%s\"", name);
    return SSH_OWN_FAILURE;
}
