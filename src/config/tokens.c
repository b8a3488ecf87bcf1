/* See tokens.h. */
#include "config/tokens.h"

#include <string.h>

#include "base/memory.h"

static int bad_token(struct error *e, char letter)
{
    return error_set(e, SSHIO_ECONFIG_PARSE, "Invalid token expansion: %c", letter != '\0' ? letter : '%');
}

static int expand_token(char letter, const char *allowed, const struct token_values *values, struct writer *to,
                        struct error *e)
{
    if (letter == '%') {
        put_u8(to, '%');
        return 0;
    }
    if (letter == '\0' || strchr(allowed, letter) == NULL)
        return bad_token(e, letter);
    const char *value = values->letters[(unsigned char)letter];
    if (value == NULL && letter == 'd')
        return error_set(e, SSHIO_ECONFIG_PARSE, "Home directory is not available");
    if (value == NULL)
        return bad_token(e, letter);
    put_chars(to, value);
    return 0;
}

/* *text stands behind "${" and is put behind "}". */
static int expand_variable(const char **text, const struct token_values *values, struct writer *to, struct error *e)
{
    size_t len = strcspn(*text, "}");
    char *name = span_dup_text(SPAN(*text, len));
    int rc = 0;

    if (name == NULL)
        return error_nomem(e);
    const char *value = len != 0 && (*text)[len] == '}' ? values->env(name) : NULL;
    if (value == NULL)
        rc = error_set(e, SSHIO_ECONFIG_PARSE, "Invalid environment expansion: %s", name);
    else
        put_chars(to, value);
    mem_free(name);
    *text += len + (rc == 0);
    return rc;
}

int tokens_expand(const char *text, const char *allowed, const struct token_values *values, struct writer *to,
                  struct error *e)
{
    int rc = 0;

    while (rc == 0 && *text != '\0') {
        if (*text == '%') {
            rc = expand_token(text[1], allowed, values, to, e);
            text += rc == 0 ? 2 : 1;
        } else if (values->env != NULL && text[0] == '$' && text[1] == '{') {
            text += 2;
            rc = expand_variable(&text, values, to, e);
        } else {
            put_u8(to, (uint8_t)*text++);
        }
    }
    return rc;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool token_host_is_safe(const char *host)
{
    if (host[0] == '-')
        return false;
    for (; *host != '\0'; host++)
        if (strchr("'`\"$\\;&<>|(){}, ", *host) != NULL || is_control(*host))
            return false;
    return true;
}

bool token_user_is_safe(const char *user)
{
    if (user[0] == '-')
        return false;
    for (size_t i = 0; user[i] != '\0'; i++) {
        if (strchr("'`\";&<>|(){}", user[i]) != NULL || is_control(user[i]))
            return false;
        if (user[i] == ' ' && user[i + 1] == '-')
            return false;
        if (user[i] == '\\' && user[i + 1] == '\0')
            return false;
    }
    return true;
}
