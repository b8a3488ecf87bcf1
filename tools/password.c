/* See password.h. */
#include "password.h"

#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef HAVE_CRYPT
#include <crypt.h>
#endif

#define PASSWORD_MAX_LEN 1024 /* the time that hashing takes may grow with it */
#define HASH_MAX_LEN 512
#define ENTRY_MAX_LEN 16384
#define DAY (24L * 60 * 60)

/* ---- hashes ---- */

#ifdef HAVE_CRYPT
/* Takes the same time wherever they differ. */
static bool is_equal(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char difference = 0;

    if (strlen(b) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

bool password_fits(const char *hash, const char *password)
{
    struct crypt_data *data;

    if (hash[0] == '\0' || hash[0] == '*' || hash[0] == '!' || strlen(password) > PASSWORD_MAX_LEN)
        return false;
    data = calloc(1, sizeof *data);
    if (data == NULL)
        return false;
    const char *got = crypt_r(password, hash, data);
    bool fits = got != NULL && got[0] != '*' && is_equal(got, hash);
    explicit_bzero(data, sizeof *data);
    free(data);
    return fits;
}
#else
bool password_fits(const char *hash, const char *password)
{
    (void)hash;
    (void)password;
    return false;
}
#endif

/* ---- accounts ---- */

static bool has_expired(const struct spwd *entry)
{
    long today = (long)(time(NULL) / DAY);

    if (entry->sp_expire > 0 && today >= entry->sp_expire)
        return true;
    if (entry->sp_lstchg == 0)
        return true; /* it must be changed first, which cannot be done here */
    return entry->sp_max >= 0 && entry->sp_lstchg > 0 && today > entry->sp_lstchg + entry->sp_max;
}

/* False = it cannot be read, or there is none. */
static bool read_hash(const char *account, char *hash)
{
    char buffer[ENTRY_MAX_LEN];
    struct spwd entry, *found = NULL;

    bool ok = getspnam_r(account, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL &&
              found->sp_pwdp != NULL && strlen(found->sp_pwdp) < HASH_MAX_LEN && !has_expired(found);
    if (ok)
        strncpy(hash, found->sp_pwdp, HASH_MAX_LEN);
    explicit_bzero(buffer, sizeof buffer);
    return ok;
}

bool password_is_checkable(const char *account)
{
#ifdef HAVE_CRYPT
    char hash[HASH_MAX_LEN];
    bool ok = read_hash(account, hash) && hash[0] != '\0' && hash[0] != '*' && hash[0] != '!';
    explicit_bzero(hash, sizeof hash);
    return ok;
#else
    (void)account;
    return false;
#endif
}

bool password_is_right(const char *account, const char *password)
{
    char hash[HASH_MAX_LEN];
    bool right = read_hash(account, hash) && password_fits(hash, password);
    explicit_bzero(hash, sizeof hash);
    return right;
}
