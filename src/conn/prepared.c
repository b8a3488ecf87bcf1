/* See prepared.h. */
#include "conn/prepared.h"

#include <string.h>

#include "base/memory.h"
#include "base/saslprep.h"

int prepared_username(const char *name, int code, char **prepared, struct error *e)
{
    switch (saslprep(name, prepared)) {
    case SASLPREP_OK:
        return 0;
    case SASLPREP_NO_MEMORY:
        return error_nomem(e);
    case SASLPREP_UNAVAILABLE:
        return error_set(e, code, "User name is not ASCII, and this build has no SASLprep");
    case SASLPREP_PROHIBITED:
        break;
    }
    return error_set(e, code, "User name holds characters that are not allowed in one");
}

static int keep(const char *password, char **prepared, struct error *e)
{
    *prepared = mem_strdup(password);
    return *prepared != NULL ? 0 : error_nomem(e);
}

int prepared_password(const char *password, char **prepared, struct error *e)
{
    switch (saslprep(password, prepared)) {
    case SASLPREP_OK:
        return 0;
    case SASLPREP_NO_MEMORY:
        return error_nomem(e);
    case SASLPREP_UNAVAILABLE:
        return keep(password, prepared, e);
    case SASLPREP_PROHIBITED:
        break;
    }
    return error_set(e, SSHIO_EPROTOCOL, "Password holds characters that are not allowed in one");
}

int prepared_own_password(const char *password, char **prepared, struct error *e)
{
    int rc = prepared_password(password, prepared, e);
    return rc == SSHIO_EPROTOCOL ? keep(password, prepared, e) : rc;
}

void prepared_free(char *prepared)
{
    if (prepared != NULL)
        mem_free_secret(prepared, strlen(prepared));
}
