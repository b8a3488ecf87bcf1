/* The client's functions that take patterns; see glob.h. */
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/glob.h"

static int expand_all(sshio_sftp *s, const char *const *patterns, struct glob_list *list)
{
    int rc = patterns != NULL ? 0 : fail(SSHIO_EINVAL, "no patterns were given");
    *list = (struct glob_list){ .count = 0 };
    client_hold(s);
    for (size_t i = 0; rc == 0 && patterns[i] != NULL; i++)
        rc = glob_expand(&side_remote, s, patterns[i], list);
    client_release(s);
    if (rc != 0)
        glob_list_done(list);
    return rc;
}

int sshio_sftp_glob(sshio_sftp *sftp, const char *const *patterns, sshio_texts *paths)
{
    struct glob_list list;
    struct texts texts = { .count = 0 };
    bool added = true;
    if (paths == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_glob: no place for the result");
    int rc = expand_all(sftp, patterns, &list);
    if (rc != 0)
        return rc;
    for (size_t i = 0; added && i < list.count; i++)
        added = texts_add(&texts, list.items[i].path);
    glob_list_done(&list);
    if (!added) {
        texts_done(&texts);
        return fail_nomem();
    }
    *paths = (sshio_texts){ .count = texts.count, .items = texts.items };
    return 0;
}

/* What was not listed is looked at once more, for all its attributes. */
static int name_of(sshio_sftp *s, struct glob_entry *entry, struct name_list *names)
{
    struct attrs_wire wire;
    int rc = entry->full == NULL ? sshio_sftp_stat(s, entry->path, &entry->full) : 0;
    if (rc != 0)
        return rc;
    attrs_to_wire(entry->full, &wire);
    sshio_sftp_name *name = name_new(span_of(entry->path), SPAN("", 0), &wire);
    if (name == NULL)
        return fail_nomem();
    rc = name_list_add(names, name, last_error());
    if (rc != 0)
        sshio_sftp_name_free(name);
    return rc;
}

int sshio_sftp_glob_sftpname(sshio_sftp *sftp, const char *const *patterns, sshio_sftp_names *names)
{
    struct glob_list list;
    struct name_list found_names = { .count = 0 };
    if (names == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_glob_sftpname: no place for the result");
    int rc = expand_all(sftp, patterns, &list);
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = name_of(sftp, &list.items[i], &found_names);
    glob_list_done(&list);
    if (rc != 0) {
        name_list_done(&found_names);
        return rc;
    }
    *names = (sshio_sftp_names){ .count = found_names.count, .items = found_names.items };
    return 0;
}
