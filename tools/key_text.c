/* See key_text.h. */
#include "key_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct key_type {
    const char *algorithm;
    const char *name;
    int bits; /* 0 = those of the modulus */
} key_types[] = {
    { "ssh-ed25519", "ED25519", 256 },
    { "ecdsa-sha2-nistp256", "ECDSA", 256 },
    { "ecdsa-sha2-nistp384", "ECDSA", 384 },
    { "ecdsa-sha2-nistp521", "ECDSA", 521 },
    { "ssh-rsa", "RSA", 0 },
};

static const struct key_type *find_type(const sshio_key *key)
{
    static const struct key_type unknown = { "", "UNKNOWN", 0 };
    const char *algorithm = sshio_key_get_algorithm(key);

    for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++)
        if (strcmp(key_types[i].algorithm, algorithm) == 0)
            return &key_types[i];
    return &unknown;
}

const char *key_type_name(const sshio_key *key)
{
    return find_type(key)->name;
}

/* The modulus is the last string of the blob: string "ssh-rsa", mpint e, mpint n. (RFC 4253 6.6) */
static int modulus_bits(sshio_span blob)
{
    const uint8_t *at = (const uint8_t *)blob.data;
    size_t left = blob.len;
    const uint8_t *last = NULL;
    size_t last_len = 0;

    while (left >= 4) {
        size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | (size_t)at[3];
        if (len > left - 4)
            return 0;
        last = at + 4;
        last_len = len;
        at += 4 + len;
        left -= 4 + len;
    }
    while (last_len != 0 && *last == 0) {
        last++;
        last_len--;
    }
    if (last_len == 0)
        return 0;
    int bits = (int)(8 * last_len);
    for (uint8_t top = *last; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

int key_size(const sshio_key *key)
{
    int bits = find_type(key)->bits;
    return bits != 0 ? bits : modulus_bits(sshio_key_public_data(key));
}

bool key_print_fingerprint(const sshio_key *key, const char *hash, const char *comment)
{
    char *fingerprint = NULL;

    if (sshio_key_get_fingerprint(key, hash, &fingerprint) != 0)
        return false;
    printf("%d %s %s (%s)\n", key_size(key), fingerprint, comment != NULL ? comment : "no comment", key_type_name(key));
    sshio_free(fingerprint);
    return true;
}
