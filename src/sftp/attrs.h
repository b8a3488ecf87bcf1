/* Attributes of files on the wire, in all versions, and as records with an owner.
 * (draft-ietf-secsh-filexfer-02 section 5, -04 section 5, -05 section 5, -13 section 7) */
#ifndef SSHIO_SFTP_ATTRS_H
#define SSHIO_SFTP_ATTRS_H

#include <sshio/sftp.h>

#include "base/bytes.h"
#include "base/error.h"
#include "sftp/messages.h"

/* What was read: the record without its texts and pairs, which are still where they came from. */
struct attrs_wire {
    sshio_sftp_attrs attrs;
    struct span owner, group, mime_type, untrans_name; /* data NULL = not there */
    struct span pairs;                                 /* of extended, as on the wire */
    uint32_t pair_count;
};

/* Reads one. 0, SSHIO_ESFTP_BAD_MESSAGE (undefined bits, cut short, nanoseconds out of range, a text that is no text),
 * SSHIO_ESFTP_OWNER_INVALID, SSHIO_ESFTP_GROUP_INVALID. */
int attrs_read(struct reader *r, const struct dialect *d, struct attrs_wire *wire, struct error *e);

/* A record of its own in one piece of memory, for sshio_sftp_attrs_free and sshio_sftp_name_free; NULL = out of memory.
 * filename and longname hold no NUL. */
sshio_sftp_attrs *attrs_new(const struct attrs_wire *wire);
sshio_sftp_name *name_new(struct span filename, struct span longname, const struct attrs_wire *wire);
void attrs_to_wire(const sshio_sftp_attrs *attrs, struct attrs_wire *wire); /* a record seen as if it had been read */

/* Writes what the version can carry; all else is left out. attrs NULL = none. SSHIO_EINVAL: one of a pair that the
 * version carries together, owner and group by name in version 3, a time that does not fit (a server's are clamped). */
int attrs_put(struct writer *w, const struct dialect *d, const sshio_sftp_attrs *attrs, struct error *e);

/* The type and the permissions that a file mode stands for, and back: 0 for a type that no mode has. */
sshio_filexfer_type attrs_type_of_mode(uint32_t mode);
uint32_t attrs_mode_of_type(sshio_filexfer_type type);

/* An entry of FXP_NAME: the spans are borrowed. 0 or as attrs_read; a name with a NUL inside is a bad message. */
int name_read(struct reader *r, const struct dialect *d, struct span *filename, struct span *longname,
              struct attrs_wire *wire, struct error *e);
int name_put(struct writer *w, const struct dialect *d, const sshio_sftp_name *name, struct error *e);
#define NAME_MIN_LEN(version) ((version) == 3 ? 12u : 9u) /* of an entry: what a count is checked against */

void vfs_attrs_put(struct writer *w, const sshio_sftp_vfs_attrs *vfs);
void vfs_attrs_read(struct reader *r, sshio_sftp_vfs_attrs *vfs);

#endif
