/* Error records, the table of codes and groups, and the disconnect reasons that belong to codes. */
#undef _GNU_SOURCE /* so that strerror_r is the one of POSIX on every system */
#define _POSIX_C_SOURCE 200809L
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"

struct code_row {
    int code;
    const char *name;
    const char *text;
};

#define CODE_ROW(code, value, text) { code, #code, text },
static const struct code_row code_rows[] = { { SSHIO_OK, "SSHIO_OK", "no error" }, SSHIO_ERRORS(CODE_ROW) };

static const struct {
    uint32_t reason;
    int code;
} disconnect_rows[] = {
    { SSHIO_DISC_PROTOCOL_ERROR, SSHIO_EPROTOCOL },
    { SSHIO_DISC_KEY_EXCHANGE_FAILED, SSHIO_EKEY_EXCHANGE_FAILED },
    { SSHIO_DISC_MAC_ERROR, SSHIO_EMAC },
    { SSHIO_DISC_COMPRESSION_ERROR, SSHIO_ECOMPRESSION },
    { SSHIO_DISC_SERVICE_NOT_AVAILABLE, SSHIO_ESERVICE_NOT_AVAILABLE },
    { SSHIO_DISC_PROTOCOL_VERSION_NOT_SUPPORTED, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { SSHIO_DISC_HOST_KEY_NOT_VERIFIABLE, SSHIO_EHOST_KEY_NOT_VERIFIABLE },
    { SSHIO_DISC_CONNECTION_LOST, SSHIO_ECONNECTION_LOST },
    { SSHIO_DISC_NO_MORE_AUTH_METHODS_AVAILABLE, SSHIO_EPERMISSION_DENIED },
    { SSHIO_DISC_ILLEGAL_USER_NAME, SSHIO_EILLEGAL_USER_NAME },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct code_row *code_row(int code)
{
    for (size_t i = 0; i < COUNT(code_rows); i++)
        if (code_rows[i].code == code)
            return &code_rows[i];
    return NULL;
}

const char *sshio_error_name(int code)
{
    const struct code_row *row = code_row(code);
    return row != NULL ? row->name : "unknown";
}

const char *sshio_error_text(int code)
{
    const struct code_row *row = code_row(code);
    return row != NULL ? row->text : "unknown error";
}

/* A code may be in several groups, as an exception can have several base classes. */
static bool code_in_group(int code, int group)
{
    switch (group) {
    case SSHIO_E_DISCONNECT:
        return code <= -100 && code > -200;
    case SSHIO_E_CHANNEL:
        return code == SSHIO_ECHANNEL_OPEN || code == SSHIO_ECHANNEL_LISTEN;
    case SSHIO_E_PROCESS:
        return code == SSHIO_EPROCESS || code == SSHIO_EPROCESS_TIMEOUT;
    case SSHIO_E_SFTP:
        return code <= -300 && code > -400;
    case SSHIO_E_KEY:
        return code <= -400 && code > -410;
    case SSHIO_E_SYSTEM:
        return code == SSHIO_ESYSTEM || code == SSHIO_ERESOLVE;
    case SSHIO_E_TIMEOUT:
        return code == SSHIO_ETIMEDOUT || code == SSHIO_EPROCESS_TIMEOUT;
    case SSHIO_E_INVALID:
        return code == SSHIO_EINVAL || (code <= -400 && code > -420);
    case SSHIO_E_IN_BAND:
        return code <= SSHIO_EBREAK_RECEIVED && code >= SSHIO_ETERMINAL_SIZE_CHANGED;
    default:
        return false;
    }
}

bool sshio_error_is(int code, int code_or_group)
{
    return code == code_or_group || code_in_group(code, code_or_group);
}

void error_init(struct error *e)
{
    *e = (struct error){ .pub = { .size = sizeof e->pub, .message = "" } };
}

void error_clear(struct error *e)
{
    mem_free(e->message);
    mem_free(e->lang);
    mem_free(e->filename);
    mem_free(e->signal);
    mem_free(e->srcpath);
    mem_free(e->dstpath);
    texts_done(&e->unknown_names);
    if (e->free_result != NULL)
        e->free_result((struct sshio_result *)e->pub.result);
    error_init(e);
}

int error_code(const struct error *e)
{
    return e->pub.code;
}

const char *error_message(const struct error *e)
{
    return e->pub.message != NULL ? e->pub.message : "";
}

static void point_at_own(struct error *e, int code)
{
    e->pub.code = code;
    e->pub.message = e->message != NULL ? e->message : sshio_error_text(code);
    e->pub.lang = e->lang != NULL ? e->lang : "en-US";
    e->pub.filename = e->filename;
}

void error_copy(struct error *to, const struct error *from)
{
    if (to == from)
        return;
    error_clear(to);
    to->pub = from->pub;
    to->pub.unknown_names = NULL;
    to->message = mem_strdup(from->message);
    to->lang = mem_strdup(from->lang);
    to->filename = mem_strdup(from->filename);
    to->pub.signal = to->signal = mem_strdup(from->signal);
    to->pub.srcpath = to->srcpath = mem_strdup(from->srcpath);
    to->pub.dstpath = to->dstpath = mem_strdup(from->dstpath);
    struct texts names = { .count = 0 };
    if (from->unknown_names.count != 0 && texts_copy(&names, texts_items(&from->unknown_names)))
        error_take_names(to, &names);
    to->pub.result = NULL; /* stays with the one that owns it, as do bytes */
    to->pub.partial = (sshio_span){ NULL, 0 };
    if (from->pub.code != 0)
        point_at_own(to, from->pub.code);
    else
        to->pub.message = "";
}

void error_move(struct error *to, struct error *from)
{
    if (to == from)
        return;
    error_clear(to);
    *to = *from;
    error_init(from);
}

int error_setv(struct error *e, int code, const char *format, va_list args)
{
    if (e == NULL)
        return code;
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *message = len >= 0 ? mem_alloc((size_t)len + 1) : NULL;
    if (message != NULL)
        vsnprintf(message, (size_t)len + 1, format, args);
    error_clear(e);
    e->message = message;
    point_at_own(e, code);
    return code;
}

int error_set(struct error *e, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(e, code, format, args);
    va_end(args);
    return code;
}

int error_set_reason(struct error *e, int code, uint32_t reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(e, code, format, args);
    va_end(args);
    if (e != NULL)
        e->pub.reason = reason;
    return code;
}

/* Puts more text around a message that was just set. */
static void rewrite(struct error *e, const char *before, const char *after)
{
    size_t size = strlen(before) + strlen(error_message(e)) + strlen(after) + 1;
    char *message = mem_alloc(size);
    if (message == NULL)
        return;
    snprintf(message, size, "%s%s%s", before, error_message(e), after);
    mem_free(e->message);
    e->message = message;
    e->pub.message = message;
}

int error_set_errno(struct error *e, int os_errno, const char *format, ...)
{
    if (e == NULL)
        return SSHIO_ESYSTEM;
    va_list args;
    va_start(args, format);
    error_setv(e, SSHIO_ESYSTEM, format, args);
    va_end(args);
    char reason[160] = ": ";
    if (strerror_r(os_errno, reason + 2, sizeof reason - 2) != 0)
        snprintf(reason + 2, sizeof reason - 2, "error %d", os_errno);
    rewrite(e, "", reason);
    e->pub.os_errno = os_errno;
    return SSHIO_ESYSTEM;
}

int error_set_file(struct error *e, int code, const char *filename, int line, const char *format, ...)
{
    if (e == NULL)
        return code;
    va_list args;
    va_start(args, format);
    error_setv(e, code, format, args);
    va_end(args);
    char where[512];
    if (filename == NULL && line > 0)
        snprintf(where, sizeof where, "line %d: ", line);
    else if (filename == NULL)
        where[0] = '\0';
    else if (line > 0)
        snprintf(where, sizeof where, "%.400s line %d: ", filename, line);
    else
        snprintf(where, sizeof where, "%.400s: ", filename);
    rewrite(e, where, "");
    e->filename = mem_strdup(filename);
    e->pub.filename = e->filename;
    e->pub.line = line;
    return code;
}

void error_attach_result(struct error *e, struct sshio_result *result, void (*free_result)(struct sshio_result *))
{
    if (e->free_result != NULL)
        e->free_result((struct sshio_result *)e->pub.result);
    e->pub.result = result;
    e->free_result = free_result;
}

int error_set_signal(struct error *e, const char *signal)
{
    error_set(e, SSHIO_ESIGNAL_RECEIVED, "signal %s received", signal);
    e->pub.signal = e->signal = mem_strdup(signal);
    return SSHIO_ESIGNAL_RECEIVED;
}

void error_set_lang(struct error *e, const char *lang)
{
    mem_free(e->lang);
    e->lang = mem_strdup(lang);
    point_at_own(e, e->pub.code);
}

void error_set_paths(struct error *e, const char *srcpath, const char *dstpath)
{
    mem_free(e->srcpath);
    mem_free(e->dstpath);
    e->pub.srcpath = e->srcpath = mem_strdup(srcpath);
    e->pub.dstpath = e->dstpath = mem_strdup(dstpath);
}

void error_take_names(struct error *e, struct texts *names)
{
    texts_done(&e->unknown_names);
    e->unknown_names = *names;
    e->pub.unknown_names = texts_items(&e->unknown_names);
    *names = (struct texts){ .count = 0 };
}

int error_nomem(struct error *e)
{
    if (e == NULL)
        return SSHIO_ENOMEM;
    error_clear(e);
    point_at_own(e, SSHIO_ENOMEM);
    return SSHIO_ENOMEM;
}

int error_of_disconnect(uint32_t reason)
{
    for (size_t i = 0; i < COUNT(disconnect_rows); i++)
        if (disconnect_rows[i].reason == reason)
            return disconnect_rows[i].code;
    return SSHIO_EDISCONNECT;
}

uint32_t disconnect_of_error(int code)
{
    if (code == SSHIO_ECONNECTION_LOST)
        return 0; /* there is nobody left to tell */
    for (size_t i = 0; i < COUNT(disconnect_rows); i++)
        if (disconnect_rows[i].code == code)
            return disconnect_rows[i].reason;
    return 0;
}
