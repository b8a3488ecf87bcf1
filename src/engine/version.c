/* Reading and writing version lines; see version.h. */
#include "engine/version.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define PREFIX "SSH-"
#define PREFIX_LEN 4

static bool starts_with(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* Whether the line may still turn out to be an identification. */
static bool may_be_version(struct span data)
{
    size_t len = data.len < PREFIX_LEN ? data.len : PREFIX_LEN;
    return memcmp(data.data, PREFIX, len) == 0;
}

static enum version_result bad(struct error *error, int code, const char *what, struct span text)
{
    char shown[80];
    error_set(error, code, "%s: %s", what, log_escaped(text, shown, sizeof shown));
    return VERSION_BAD;
}

/* The line without its end. False when it holds a NUL, or a CR that is not part of the end. */
static bool strip_end(struct span *text)
{
    if (text->len != 0 && text->data[text->len - 1] == '\r')
        text->len--;
    return !span_has_nul(*text) && (text->len == 0 || memchr(text->data, '\r', text->len) == NULL);
}

static enum version_result check_version(struct span text, struct error *error)
{
    if (text.len > VERSION_MAX_LEN)
        return bad(error, SSHIO_EPROTOCOL, "Version line is too long", text);
    if (!starts_with(text, "SSH-2.0-") && !starts_with(text, "SSH-1.99-"))
        return bad(error, SSHIO_EPROTOCOL_NOT_SUPPORTED, "Unsupported protocol version", text);
    return VERSION_FOUND;
}

enum version_result version_read(struct span data, bool server, const struct limits *limits, struct version_line *line,
                                 struct error *error)
{
    if (data.len == 0)
        return VERSION_PARTIAL;
    bool version = may_be_version(data);
    if (server && !version)
        return bad(error, SSHIO_EPROTOCOL_NOT_SUPPORTED, "Expected a version line", data);

    size_t max = (version ? VERSION_MAX_LEN : limits->version_line_len) + 2;
    const uint8_t *end = memchr(data.data, '\n', data.len < max ? data.len : max);
    if (end == NULL && data.len >= max)
        return bad(error, SSHIO_EPROTOCOL, version ? "Version line is too long" : "Line before the version is too long",
                   data);
    if (end == NULL)
        return VERSION_PARTIAL;

    line->text = SPAN(data.data, (size_t)(end - data.data));
    line->used = line->text.len + 1;
    if (!strip_end(&line->text))
        return bad(error, SSHIO_EPROTOCOL, "Invalid character in a line before or with the version", line->text);
    if (starts_with(line->text, PREFIX))
        return check_version(line->text, error);
    if (server)
        return bad(error, SSHIO_EPROTOCOL_NOT_SUPPORTED, "Expected a version line", line->text);
    if (line->text.len > limits->version_line_len)
        return bad(error, SSHIO_EPROTOCOL, "Line before the version is too long", line->text);
    return VERSION_TEXT;
}

char *version_format(const char *version)
{
    static const char prefix[] = "SSH-2.0-";
    size_t size = sizeof prefix + strlen(version);
    char *line = mem_alloc(size);
    if (line != NULL)
        snprintf(line, size, "%s%s", prefix, version);
    return line;
}
