/* One end of a copy as a text; see place.h. */
#include "scp/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/host_port.h"
#include "base/memory.h"

#define SCHEME "scp://"

void scp_place_done(struct scp_place *place)
{
    mem_free(place->host);
    mem_free(place->user);
    mem_free(place->path);
    *place = (struct scp_place){ .host = NULL };
}

static int bad(struct error *e, const char *what, const char *text)
{
    return error_set(e, SSHIO_EINVAL, "%s: in the SCP path \"%s\"", what, text);
}

/* ---- hosts: [user@]host[:port], where the host may stand in brackets ---- */

static int take_user(struct span *text, struct scp_place *place)
{
    size_t len = text->len;
    while (len > 0 && text->data[len - 1] != '@') /* a user's name may have one, too */
        len--;
    if (len == 0)
        return 0;
    place->user = span_dup_text(SPAN(text->data, len - 1));
    *text = SPAN(text->data + len, text->len - len);
    return place->user != NULL ? 0 : SSHIO_ENOMEM;
}

static int take_host(struct span text, struct scp_place *place, const char *whole, struct error *e)
{
    int rc = take_user(&text, place);
    if (rc != 0)
        return error_nomem(e);
    char *host = span_dup_text(text);
    struct host_port parts;
    if (host == NULL)
        return error_nomem(e);
    const char *wrong = host_port_cut(host, &parts);
    if (wrong == NULL && place->user != NULL && place->user[0] == '\0')
        wrong = "no user is named";
    if (wrong == NULL && parts.host[0] == '-')
        wrong = "a host begins with a dash";
    if (wrong == NULL && parts.port != NULL)
        place->port = atoi(parts.port);
    place->host = wrong == NULL ? mem_strdup(parts.host) : NULL;
    mem_free(host);
    if (wrong != NULL)
        return bad(e, wrong, whole);
    return place->host != NULL ? 0 : error_nomem(e);
}

/* ---- the two forms ---- */

/* Where the host of "host:path" ends; 0 = it is a path. Colons in brackets belong to an address. */
static size_t host_len(const char *text)
{
    bool bracket = false;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '[' && (i == 0 || text[i - 1] == '@'))
            bracket = strchr(text + i, ']') != NULL;
        else if (text[i] == ']')
            bracket = false;
        else if (text[i] == '/')
            return 0;
        else if (text[i] == ':' && !bracket)
            return i;
    }
    return 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* "%20" in place; false = it is malformed, or a NUL. */
static bool decode(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++) {
        if (*text == '%') {
            int high = hex_digit(text[1]), low = high >= 0 ? hex_digit(text[2]) : -1;
            if (low < 0 || (high | low) == 0)
                return false;
            *to++ = (char)(high << 4 | low);
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return true;
}

static int parse_uri(const char *text, struct scp_place *place, struct error *e)
{
    const char *start = text + strlen(SCHEME);
    size_t len = strcspn(start, "/");
    struct span host = SPAN(start, len);
    int rc = take_host(host, place, text, e);
    if (rc != 0)
        return rc;
    place->path = mem_strdup(start[len] == '/' ? start + len + 1 : "");
    if (place->path == NULL)
        return error_nomem(e);
    return decode(place->path) ? 0 : bad(e, "a bad escape", text);
}

int scp_place_parse(const char *text, struct scp_place *place, struct error *e)
{
    struct scp_place found = { .host = NULL };
    int rc = 0;
    size_t len = host_len(text);
    if (strncmp(text, SCHEME, strlen(SCHEME)) == 0) {
        rc = parse_uri(text, &found, e);
    } else {
        if (len != 0)
            rc = take_host(SPAN(text, len), &found, text, e);
        if (rc == 0 && (found.path = mem_strdup(len != 0 ? text + len + 1 : text)) == NULL)
            rc = error_nomem(e);
    }
    if (rc == 0)
        *place = found;
    else
        scp_place_done(&found);
    return rc;
}
