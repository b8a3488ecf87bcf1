/* Access control lists: what stands in sshio_sftp_attrs.acl. (draft-ietf-secsh-filexfer-13 section 7.8, -04
 * section 5.7)
 */
#include <string.h>

#include <sshio/sftp.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "io/last_error.h"

#define ACE_LEN_MIN 16u            /* three numbers, and the length of a name */
#define ACL_LEN_MAX (1024u * 1024) /* of a list that is put together: more than any packet has */

static int check_version(int version)
{
    if (version < 4 || version > SSHIO_MAX_SFTP_VERSION)
        return fail(SSHIO_EINVAL, "SFTP version %d has no access control lists", version);
    return 0;
}

/* ---- reading ---- */

static bool is_name(struct span who)
{
    return utf8_valid(who) && !span_has_nul(who);
}

static bool read_ace(struct reader *r, sshio_sftp_ace *ace, char **text)
{
    ace->type = read_u32(r);
    ace->flags = read_u32(r);
    ace->mask = read_u32(r);
    struct span who = read_string(r);
    if (reader_failed(r) || !is_name(who))
        return false;
    if (who.len != 0)
        memcpy(*text, who.data, who.len);
    (*text)[who.len] = '\0';
    ace->who = *text;
    *text += who.len + 1;
    return true;
}

/* The entries and, behind them, their names: each has less of it than it takes on the wire. */
static int read_aces(struct reader *r, uint32_t count, sshio_sftp_ace **items)
{
    size_t names = reader_left(r);
    sshio_sftp_ace *made = mem_alloc((size_t)count * sizeof *made + names + 1);
    if (made == NULL)
        return fail_nomem();
    char *text = (char *)(made + count);
    bool good = true;
    for (uint32_t i = 0; good && i < count; i++)
        good = read_ace(r, &made[i], &text);
    if (good && reader_done(r)) {
        *items = made;
        return 0;
    }
    mem_free(made);
    return fail(SSHIO_ESFTP_BAD_MESSAGE, "Access control list is malformed");
}

int sshio_sftp_acl_parse(int version, sshio_span data, sshio_sftp_acl *acl)
{
    struct reader r;
    sshio_sftp_acl made = { .struct_size = sizeof made };
    if (acl == NULL || (data.data == NULL && data.len != 0))
        return fail(SSHIO_EINVAL, "sshio_sftp_acl_parse: nothing to read, or no place for the result");
    int rc = check_version(version);
    if (rc != 0)
        return rc;
    reader_init(&r, data.data, data.len);
    if (version >= 6)
        made.flags = read_u32(&r);
    uint32_t count = read_u32(&r);
    if (reader_failed(&r) || count > reader_left(&r) / ACE_LEN_MIN)
        return fail(SSHIO_ESFTP_BAD_MESSAGE, "Access control list is cut short");
    rc = read_aces(&r, count, &made.items);
    if (rc != 0)
        return rc;
    made.count = count;
    *acl = made;
    return 0;
}

void sshio_sftp_acl_free(sshio_sftp_acl *acl)
{
    if (acl == NULL)
        return;
    mem_free(acl->items);
    acl->items = NULL;
    acl->count = 0;
}

/* ---- writing ---- */

static bool put_aces(struct writer *w, const sshio_sftp_acl *acl)
{
    put_u32(w, (uint32_t)acl->count);
    for (size_t i = 0; i < acl->count && !writer_failed(w); i++) {
        const sshio_sftp_ace *ace = &acl->items[i];
        if (ace->who == NULL || !utf8_valid(span_of(ace->who)))
            return false;
        put_u32(w, ace->type);
        put_u32(w, ace->flags);
        put_u32(w, ace->mask);
        put_text(w, ace->who);
    }
    return true;
}

static int hand_over(struct writer *w, sshio_bytes *data)
{
    int rc = writer_take_bytes(w, data);
    return rc != 0 ? fail(rc, "Access control list: %s", sshio_error_text(rc)) : 0;
}

int sshio_sftp_acl_format(int version, const sshio_sftp_acl *acl, sshio_bytes *data)
{
    struct writer w;
    if (acl == NULL || data == NULL || (acl->items == NULL && acl->count != 0) || acl->count > ACL_LEN_MAX)
        return fail(SSHIO_EINVAL, "sshio_sftp_acl_format: no list, too long a one, or no place for the result");
    int rc = check_version(version);
    if (rc != 0)
        return rc;
    if (version < 6 && acl->flags != 0)
        return fail(SSHIO_EINVAL, "SFTP version %d has no flags of access control lists", version);
    writer_init(&w, ACL_LEN_MAX);
    if (version >= 6)
        put_u32(&w, acl->flags);
    if (!put_aces(&w, acl))
        rc = fail(SSHIO_EINVAL, "sshio_sftp_acl_format: an entry without a name in UTF-8");
    else
        rc = hand_over(&w, data);
    writer_done(&w);
    return rc;
}
