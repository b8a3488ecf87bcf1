/* sshio/sftp.h: SFTP versions 3 to 6. The constants have the names of the drafts with SSHIO_ in front:
 * draft-ietf-secsh-filexfer-02 is version 3, -04 is 4, -05 is 5, -13 is 6. Paths are byte strings ended by a NUL.
 * Reference: "SFTP Support". */
#ifndef SSHIO_SFTP_H
#define SSHIO_SFTP_H
#include "base.h"
#include "constants.h"
#include "options.h"
SSHIO_BEGIN

/* ---- constants ---- */
#define SSHIO_MIN_SFTP_VERSION 3
#define SSHIO_MAX_SFTP_VERSION 6

/* How a file is opened in versions 3 and 4 (-02 section 6.3). */
enum {
    SSHIO_FXF_READ = 0x01,
    SSHIO_FXF_WRITE = 0x02,
    SSHIO_FXF_APPEND = 0x04, /* every write goes to the end */
    SSHIO_FXF_CREAT = 0x08,
    SSHIO_FXF_TRUNC = 0x10,
    SSHIO_FXF_EXCL = 0x20,
    SSHIO_FXF_TEXT = 0x40 /* v4 */
};

/* How a file is opened in versions 5 and 6 (-13 section 8.1.1.3): one of the first five, and bits. */
enum {
    SSHIO_FXF_ACCESS_DISPOSITION = 0x07, /* the mask of: */
    SSHIO_FXF_CREATE_NEW = 0,
    SSHIO_FXF_CREATE_TRUNCATE = 1,
    SSHIO_FXF_OPEN_EXISTING = 2,
    SSHIO_FXF_OPEN_OR_CREATE = 3,
    SSHIO_FXF_TRUNCATE_EXISTING = 4,
    SSHIO_FXF_APPEND_DATA = 0x08,
    SSHIO_FXF_APPEND_DATA_ATOMIC = 0x10,
    SSHIO_FXF_TEXT_MODE = 0x20,
    SSHIO_FXF_BLOCK_READ = 0x40,
    SSHIO_FXF_BLOCK_WRITE = 0x80,
    SSHIO_FXF_BLOCK_DELETE = 0x100,
    SSHIO_FXF_BLOCK_ADVISORY = 0x200, /* v6, as all below */
    SSHIO_FXF_NOFOLLOW = 0x400,
    SSHIO_FXF_DELETE_ON_CLOSE = 0x800,
    SSHIO_FXF_ACCESS_AUDIT_ALARM_INFO = 0x1000,
    SSHIO_FXF_ACCESS_BACKUP = 0x2000,
    SSHIO_FXF_BACKUP_STREAM = 0x4000,
    SSHIO_FXF_OVERRIDE_OWNER = 0x8000
};

/* The access wanted when a file is opened in versions 5 and 6, and the masks of ACLs (-13 section 7.8). */
enum {
    SSHIO_ACE4_READ_DATA = 0x1,
    SSHIO_ACE4_LIST_DIRECTORY = 0x1,
    SSHIO_ACE4_WRITE_DATA = 0x2,
    SSHIO_ACE4_ADD_FILE = 0x2,
    SSHIO_ACE4_APPEND_DATA = 0x4,
    SSHIO_ACE4_ADD_SUBDIRECTORY = 0x4,
    SSHIO_ACE4_READ_NAMED_ATTRS = 0x8,
    SSHIO_ACE4_WRITE_NAMED_ATTRS = 0x10,
    SSHIO_ACE4_EXECUTE = 0x20,
    SSHIO_ACE4_DELETE_CHILD = 0x40,
    SSHIO_ACE4_READ_ATTRIBUTES = 0x80,
    SSHIO_ACE4_WRITE_ATTRIBUTES = 0x100,
    SSHIO_ACE4_DELETE = 0x10000,
    SSHIO_ACE4_READ_ACL = 0x20000,
    SSHIO_ACE4_WRITE_ACL = 0x40000,
    SSHIO_ACE4_WRITE_OWNER = 0x80000,
    SSHIO_ACE4_SYNCHRONIZE = 0x100000
};

/* Renaming in versions 5 and 6 (-13 section 8.3). */
enum { SSHIO_FXR_OVERWRITE = 1, SSHIO_FXR_ATOMIC = 2, SSHIO_FXR_NATIVE = 4 };
/* What REALPATH finds out in version 6 (-13 section 8.9). */
enum { SSHIO_FXRP_NO_CHECK = 1, SSHIO_FXRP_STAT_IF_EXISTS = 2, SSHIO_FXRP_STAT_ALWAYS = 3 };
/* sshio_sftp_vfs_attrs.flags (OpenSSH, PROTOCOL section 4.4). */
enum { SSHIO_FXE_STATVFS_ST_RDONLY = 1, SSHIO_FXE_STATVFS_ST_NOSUID = 2 };

/* What a name stands for (-13 section 7.2); those behind UNKNOWN are told apart in versions 5 and 6. */
typedef enum sshio_filexfer_type {
    SSHIO_FILEXFER_TYPE_REGULAR = 1,
    SSHIO_FILEXFER_TYPE_DIRECTORY = 2,
    SSHIO_FILEXFER_TYPE_SYMLINK = 3,
    SSHIO_FILEXFER_TYPE_SPECIAL = 4,
    SSHIO_FILEXFER_TYPE_UNKNOWN = 5,
    SSHIO_FILEXFER_TYPE_SOCKET = 6,
    SSHIO_FILEXFER_TYPE_CHAR_DEVICE = 7,
    SSHIO_FILEXFER_TYPE_BLOCK_DEVICE = 8,
    SSHIO_FILEXFER_TYPE_FIFO = 9
} sshio_filexfer_type;

/* sshio_sftp_attrs.valid: which members are set (-13 section 7.1). */
enum {
    SSHIO_FILEXFER_ATTR_SIZE = 0x01,
    SSHIO_FILEXFER_ATTR_UIDGID = 0x02, /* uid and gid */
    SSHIO_FILEXFER_ATTR_PERMISSIONS = 0x04,
    SSHIO_FILEXFER_ATTR_ACCESSTIME = 0x08,
    SSHIO_FILEXFER_ATTR_CREATETIME = 0x10,
    SSHIO_FILEXFER_ATTR_MODIFYTIME = 0x20,
    SSHIO_FILEXFER_ATTR_ACL = 0x40,
    SSHIO_FILEXFER_ATTR_OWNERGROUP = 0x80,       /* owner and group */
    SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES = 0x100, /* the nanoseconds of those times that are set */
    SSHIO_FILEXFER_ATTR_BITS = 0x200,
    SSHIO_FILEXFER_ATTR_ALLOCATION_SIZE = 0x400,
    SSHIO_FILEXFER_ATTR_TEXT_HINT = 0x800,
    SSHIO_FILEXFER_ATTR_MIME_TYPE = 0x1000,
    SSHIO_FILEXFER_ATTR_LINK_COUNT = 0x2000,
    SSHIO_FILEXFER_ATTR_UNTRANSLATED_NAME = 0x4000,
    SSHIO_FILEXFER_ATTR_CTIME = 0x8000
};
#define SSHIO_FILEXFER_ATTR_EXTENDED 0x80000000u
/* What each version can carry on the wire; in version 3, 0x08 stands there for both times. */
#define SSHIO_FILEXFER_ATTR_DEFINED_V3 0x8000000fu
#define SSHIO_FILEXFER_ATTR_DEFINED_V4 0x800001fdu
#define SSHIO_FILEXFER_ATTR_DEFINED_V5 0x800003fdu
#define SSHIO_FILEXFER_ATTR_DEFINED_V6 0x8000fffdu

/* sshio_sftp_attrs.attrib_bits (-13 section 7.9). */
enum {
    SSHIO_FILEXFER_ATTR_BITS_READONLY = 0x1,
    SSHIO_FILEXFER_ATTR_BITS_SYSTEM = 0x2,
    SSHIO_FILEXFER_ATTR_BITS_HIDDEN = 0x4,
    SSHIO_FILEXFER_ATTR_BITS_CASE_INSENSITIVE = 0x8,
    SSHIO_FILEXFER_ATTR_BITS_ARCHIVE = 0x10,
    SSHIO_FILEXFER_ATTR_BITS_ENCRYPTED = 0x20,
    SSHIO_FILEXFER_ATTR_BITS_COMPRESSED = 0x40,
    SSHIO_FILEXFER_ATTR_BITS_SPARSE = 0x80,
    SSHIO_FILEXFER_ATTR_BITS_APPEND_ONLY = 0x100,
    SSHIO_FILEXFER_ATTR_BITS_IMMUTABLE = 0x200,
    SSHIO_FILEXFER_ATTR_BITS_SYNC = 0x400,
    SSHIO_FILEXFER_ATTR_BITS_TRANSLATION_ERR = 0x800 /* v6 */
};
/* sshio_sftp_attrs.text_hint (-13 section 7.10). */
enum {
    SSHIO_FILEXFER_ATTR_KNOWN_TEXT = 0,
    SSHIO_FILEXFER_ATTR_GUESSED_TEXT = 1,
    SSHIO_FILEXFER_ATTR_KNOWN_BINARY = 2,
    SSHIO_FILEXFER_ATTR_GUESSED_BINARY = 3
};

/* ---- records ---- */

/* Attributes of a file. What is not in valid is unset, and a version carries only what it knows. Texts and spans are
 * borrowed from whatever the record came with. Reference: SFTPAttrs. */
typedef struct sshio_sftp_attrs {
    size_t struct_size;       /* set by SSHIO_SFTP_ATTRS */
    uint32_t valid;           /* which of the following are set: SSHIO_FILEXFER_ATTR_… */
    sshio_filexfer_type type; /* 0 = unknown, as SSHIO_FILEXFER_TYPE_UNKNOWN */
    uint32_t permissions;     /* mode; v3 with the type bits */
    uint64_t size;            /* bytes */
    uint64_t alloc_size;      /* bytes on the disk; v6 */
    uint32_t uid, gid;
    const char *owner, *group;                        /* v4+ */
    int64_t atime, mtime, crtime, ctime;              /* s since 1970; crtime v4+, ctime v6 */
    uint32_t atime_ns, mtime_ns, crtime_ns, ctime_ns; /* 0 to 999,999,999; v4+ */
    sshio_span acl;                                   /* as on the wire (-13 section 7.8); v4+ */
    uint32_t attrib_bits, attrib_valid;               /* v5+; which of them are meant: v6 */
    uint8_t text_hint;                                /* v6 */
    const char *mime_type;                            /* v6 */
    uint32_t nlink;                                   /* v6 */
    const char *untrans_name;                         /* v6 */
    const sshio_span *extended;                       /* type, data, type, data …; ends with data NULL */
} sshio_sftp_attrs;
#define SSHIO_SFTP_ATTRS(...) SSHIO_VALUE(sshio_sftp_attrs, .struct_size = sizeof(sshio_sftp_attrs), __VA_ARGS__)

/* A file system, as statvfs has it; fixed by the protocol (OpenSSH, PROTOCOL section 4.4). Reference: SFTPVFSAttrs. */
typedef struct sshio_sftp_vfs_attrs {
    uint64_t bsize, frsize;         /* bytes */
    uint64_t blocks, bfree, bavail; /* of frsize bytes */
    uint64_t files, ffree, favail;
    uint64_t fsid;
    uint64_t flags; /* SSHIO_FXE_STATVFS_… */
    uint64_t namemax;
} sshio_sftp_vfs_attrs;

/* An entry of a directory. Reference: SFTPName. */
typedef struct sshio_sftp_name {
    const char *filename;
    const char *longname; /* as a line of ls -l; "" unless v3 */
    sshio_sftp_attrs attrs;
} sshio_sftp_name;
typedef struct sshio_sftp_names {
    size_t count;
    sshio_sftp_name **items;
} sshio_sftp_names;

/* What a server takes (OpenSSH, PROTOCOL section 4.8); 0 = not stated. */
typedef struct sshio_sftp_limits {
    uint64_t max_packet_len, max_read_len, max_write_len; /* bytes */
    uint64_t max_open_handles;
} sshio_sftp_limits;

/* Free what was handed out through a **, the list's names included. All take NULL; none waits. */
SSHIO_API void sshio_sftp_attrs_free(sshio_sftp_attrs *attrs);
SSHIO_API void sshio_sftp_name_free(sshio_sftp_name *name);
SSHIO_API void sshio_sftp_names_free(sshio_sftp_names *names); /* not the struct itself */

SSHIO_END
#endif
