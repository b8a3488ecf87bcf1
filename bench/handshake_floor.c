/* What the cryptography of one login costs and nothing else, to set the CPU of whole logins against: curve25519-sha256,
 * Ed25519 host and user key, aes128-gcm. Both ends do the same sum: an X25519 key and a shared secret, one Ed25519
 * signature made and one verified, the exchange hash, and the keys of two directions.
 *
 *     handshake_floor [COUNT]
 *
 * One JSON line: {"us": microseconds of CPU for one end, median of eight parts}. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>

#define PARTS 8
#define EXCHANGE_LEN 1200 /* versions, both KEXINIT, host key, public values */
#define SIGNED_LEN 200    /* an authentication request */
#define DERIVED_KEYS 6

struct floor {
    EVP_PKEY_CTX *keygen;
    EVP_PKEY *peer_x25519, *ed25519;
    EVP_MD *sha256;
    EVP_CIPHER *gcm;
    EVP_MD_CTX *hash;
    uint8_t text[EXCHANGE_LEN];
};

static void check(int ok, const char *what)
{
    if (ok == 1)
        return;
    fprintf(stderr, "handshake_floor: %s failed\n", what);
    exit(1);
}

static void floor_init(struct floor *f)
{
    *f = (struct floor){ .keygen = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL) };
    check(EVP_PKEY_keygen_init(f->keygen), "keygen_init");
    check(EVP_PKEY_generate(f->keygen, &f->peer_x25519), "keygen");
    f->ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    f->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    f->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    f->hash = EVP_MD_CTX_new();
    check(f->ed25519 != NULL && f->sha256 != NULL && f->gcm != NULL && f->hash != NULL, "setting up");
}

static void floor_done(struct floor *f)
{
    EVP_PKEY_CTX_free(f->keygen);
    EVP_PKEY_free(f->peer_x25519);
    EVP_PKEY_free(f->ed25519);
    EVP_MD_free(f->sha256);
    EVP_CIPHER_free(f->gcm);
    EVP_MD_CTX_free(f->hash);
}

static void digest(struct floor *f, size_t len, uint8_t *out)
{
    check(EVP_DigestInit_ex2(f->hash, f->sha256, NULL), "DigestInit");
    check(EVP_DigestUpdate(f->hash, f->text, len), "DigestUpdate");
    check(EVP_DigestFinal_ex(f->hash, out, NULL), "DigestFinal");
}

static void agree(struct floor *f)
{
    EVP_PKEY *own = NULL;
    uint8_t secret[32];
    size_t len = sizeof secret;
    check(EVP_PKEY_generate(f->keygen, &own), "keygen");
    EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    check(EVP_PKEY_derive_init(derive), "derive_init");
    check(EVP_PKEY_derive_set_peer(derive, f->peer_x25519), "derive_set_peer");
    check(EVP_PKEY_derive(derive, secret, &len), "derive");
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_free(own);
}

static void sign_and_verify(struct floor *f)
{
    uint8_t signature[64];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    check(EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, f->ed25519, NULL), "DigestSignInit");
    check(EVP_DigestSign(ctx, signature, &len, f->text, SIGNED_LEN), "DigestSign");
    EVP_MD_CTX_free(ctx);
    ctx = EVP_MD_CTX_new();
    check(EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, f->ed25519, NULL), "DigestVerifyInit");
    check(EVP_DigestVerify(ctx, signature, len, f->text, SIGNED_LEN), "DigestVerify");
    EVP_MD_CTX_free(ctx);
}

static void derive_keys(struct floor *f)
{
    uint8_t key[32];
    digest(f, EXCHANGE_LEN, key);
    for (int i = 0; i < DERIVED_KEYS; i++)
        digest(f, 100, key);
    for (int direction = 0; direction < 2; direction++) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        check(EVP_CipherInit_ex2(ctx, f->gcm, key, f->text, direction, NULL), "CipherInit");
        EVP_CIPHER_CTX_free(ctx);
    }
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 2000;
    double part_us[PARTS];
    struct floor f;
    floor_init(&f);
    for (int part = 0; part < PARTS; part++) {
        double begin = cpu_us();
        for (int i = 0; i < count / PARTS; i++) {
            agree(&f);
            sign_and_verify(&f);
            derive_keys(&f);
        }
        part_us[part] = (cpu_us() - begin) / (count / PARTS);
    }
    qsort(part_us, PARTS, sizeof part_us[0], compare);
    printf("{\"us\": %.2f}\n", (part_us[PARTS / 2 - 1] + part_us[PARTS / 2]) / 2);
    floor_done(&f);
    return 0;
}
