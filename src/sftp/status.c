/* Status codes; see status.h. */
#include "sftp/status.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"

#define LAST_CODE SSHIO_FX_NO_MATCHING_BYTE_RANGE_LOCK

/* The last code that each version has, from version 3 on. */
static const uint32_t last_codes[] = {
    SSHIO_FX_OP_UNSUPPORTED,
    SSHIO_FX_NO_MEDIA,
    SSHIO_FX_LOCK_CONFLICT,
    SSHIO_FX_NO_MATCHING_BYTE_RANGE_LOCK,
};

/* EACCES and EPERM are one to SFTP. All that is not here is a failure. */
static const struct {
    int os_errno;
    uint32_t code;
} errno_rows[] = {
    { ENOENT, SSHIO_FX_NO_SUCH_FILE },
    { EACCES, SSHIO_FX_PERMISSION_DENIED },
    { EPERM, SSHIO_FX_PERMISSION_DENIED },
    { EEXIST, SSHIO_FX_FILE_ALREADY_EXISTS },
    { EROFS, SSHIO_FX_WRITE_PROTECT },
#ifdef ENOMEDIUM
    { ENOMEDIUM, SSHIO_FX_NO_MEDIA },
#endif
    { ENOSPC, SSHIO_FX_NO_SPACE_ON_FILESYSTEM },
    { EDQUOT, SSHIO_FX_QUOTA_EXCEEDED },
    { ENOTEMPTY, SSHIO_FX_DIR_NOT_EMPTY },
    { ENOTDIR, SSHIO_FX_NOT_A_DIRECTORY },
    { ENAMETOOLONG, SSHIO_FX_INVALID_FILENAME },
    { EILSEQ, SSHIO_FX_INVALID_FILENAME },
    { ELOOP, SSHIO_FX_LINK_LOOP },
    { EINVAL, SSHIO_FX_INVALID_PARAMETER },
    { EISDIR, SSHIO_FX_FILE_IS_A_DIRECTORY },
    { ENOSYS, SSHIO_FX_OP_UNSUPPORTED },
    { EOPNOTSUPP, SSHIO_FX_OP_UNSUPPORTED },
    { EBADF, SSHIO_FX_INVALID_HANDLE },
};

uint32_t status_for_version(uint32_t code, int version)
{
    if (code > LAST_CODE || code <= last_codes[version - 3])
        return code;
    return code == SSHIO_FX_NOT_A_DIRECTORY ? SSHIO_FX_NO_SUCH_FILE : SSHIO_FX_FAILURE;
}

uint32_t status_of_errno(int os_errno)
{
    for (size_t i = 0; i < sizeof errno_rows / sizeof errno_rows[0]; i++)
        if (errno_rows[i].os_errno == os_errno)
            return errno_rows[i].code;
    return SSHIO_FX_FAILURE;
}

/* The codes of this library follow those of the protocol. */
static bool is_status(int error_code)
{
    return error_code < SSHIO_ESFTP && error_code >= SSHIO_ESFTP - (int)LAST_CODE;
}

uint32_t status_of_error(const sshio_error *error)
{
    if (is_status(error->code))
        return (uint32_t)(SSHIO_ESFTP - error->code);
    switch (error->code) {
    case SSHIO_OK:
        return SSHIO_FX_OK;
    case SSHIO_ESFTP:
        return error->reason != SSHIO_FX_OK ? error->reason : SSHIO_FX_FAILURE;
    case SSHIO_ESYSTEM:
        return status_of_errno(error->os_errno);
    case SSHIO_EEOF:
        return SSHIO_FX_EOF;
    case SSHIO_EUNSUPPORTED:
        return SSHIO_FX_OP_UNSUPPORTED;
    default:
        return SSHIO_FX_FAILURE;
    }
}

int error_of_status(uint32_t code)
{
    if (code == SSHIO_FX_OK)
        return 0;
    return code <= LAST_CODE ? SSHIO_ESFTP - (int)code : SSHIO_ESFTP;
}

/* A message of ours may name files of this host; that of an SFTP error was meant for the peer. */
const char *status_text(const sshio_error *error)
{
    if (sshio_error_is(error->code, SSHIO_E_SFTP))
        return error->message;
    if (error->code == SSHIO_ESYSTEM && error->os_errno != 0)
        return strerror(error->os_errno);
    return sshio_error_text(error->code);
}

/* Texts of the system and of ours are English. */
const char *status_lang(const sshio_error *error)
{
    return sshio_error_is(error->code, SSHIO_E_SFTP) && error->lang != NULL ? error->lang : STATUS_LANG;
}

void status_put(struct writer *w, int version, uint32_t code, const char *text, const char *lang)
{
    put_u32(w, status_for_version(code, version));
    put_text(w, text);
    put_text(w, lang);
}

/* ---- reading ---- */

static void read_names(struct reader *r, struct status *status)
{
    struct reader names = *r;
    status->names = read_rest(r);
    while (reader_left(&names) != 0 && !reader_failed(&names))
        if (!utf8_valid(read_string(&names)))
            status->names = SPAN(NULL, 0);
    r->failed |= reader_failed(&names) || status->names.data == NULL;
}

int status_read(struct reader *r, int version, bool lenient, struct status *status, struct error *e)
{
    *status = (struct status){ .code = read_u32(r) };
    if (reader_left(r) != 0) /* some servers send the code alone */
        status->message = read_string(r);
    if (reader_left(r) != 0)
        status->lang = read_string(r);
    if (version >= 5 && status->code == SSHIO_FX_UNKNOWN_PRINCIPAL && reader_left(r) != 0)
        read_names(r, status);
    if (reader_failed(r) || (reader_left(r) != 0 && version < 6))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Invalid status message");
    if (!lenient && (!utf8_valid(status->message) || !utf8_is_ascii(status->lang)))
        return error_set(e, SSHIO_ESFTP_BAD_MESSAGE, "Invalid status message");
    return 0;
}

/* Which names they are that the server does not know. */
static void record_names(const struct status *status, struct error *e)
{
    struct texts names = { .count = 0 };
    struct reader r;
    reader_init(&r, status->names.data, status->names.len);
    while (reader_left(&r) != 0) {
        struct span name = read_string(&r);
        if (!span_has_nul(name) && !texts_add_len(&names, (const char *)name.data, name.len))
            break;
    }
    if (names.count != 0)
        error_take_names(e, &names);
}

/* The message is the server's, and so is what it says of its language, be it nothing. */
static int record(const struct status *status, struct error *e)
{
    char message[1024], lang[64];
    int code = error_of_status(status->code);
    if (code == 0)
        return 0;
    log_escaped(status->message, message, sizeof message);
    if (code == SSHIO_ESFTP)
        error_set_reason(e, code, status->code, "%s (error %u)", message, (unsigned)status->code);
    else
        error_set_reason(e, code, status->code, "%s", message[0] != '\0' ? message : sshio_error_text(code));
    if (message[0] != '\0')
        error_set_lang(e, log_escaped(status->lang, lang, sizeof lang));
    return code;
}

int status_record(const struct status *status, struct error *e)
{
    int rc = record(status, e);
    if (rc != 0)
        record_names(status, e);
    return rc;
}
