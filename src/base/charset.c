/* Names of text encodings; see charset.h. */
#include "base/charset.h"

#include <iconv.h>
#include <string.h>
#include <strings.h>

bool charset_is_utf8(const char *name)
{
    return strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0;
}

static bool converts(const char *to, const char *from)
{
    iconv_t converter = iconv_open(to, from);
    bool known = converter != (iconv_t)-1;
    if (known)
        iconv_close(converter);
    return known;
}

bool charset_is_known(const char *name)
{
    if (strchr(name, '/') != NULL)
        return false;
    return charset_is_utf8(name) || (converts("UTF-8", name) && converts(name, "UTF-8"));
}
