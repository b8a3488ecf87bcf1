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
/* The versions of the protocol that there are here. */
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

/* Of access control lists (-13 section 7.8): sshio_sftp_acl.flags, in version 6, and type and flags of an entry, whose
 * mask is of those above. */
enum {
    SSHIO_SFX_ACL_CONTROL_INCLUDED = 0x1,
    SSHIO_SFX_ACL_CONTROL_PRESENT = 0x2,
    SSHIO_SFX_ACL_CONTROL_INHERITED = 0x4,
    SSHIO_SFX_ACL_AUDIT_ALARM_INCLUDED = 0x10,
    SSHIO_SFX_ACL_AUDIT_ALARM_INHERITED = 0x20
};
enum {
    SSHIO_ACE4_ACCESS_ALLOWED_ACE_TYPE = 0,
    SSHIO_ACE4_ACCESS_DENIED_ACE_TYPE = 1,
    SSHIO_ACE4_SYSTEM_AUDIT_ACE_TYPE = 2,
    SSHIO_ACE4_SYSTEM_ALARM_ACE_TYPE = 3
};
enum {
    SSHIO_ACE4_FILE_INHERIT_ACE = 0x1,
    SSHIO_ACE4_DIRECTORY_INHERIT_ACE = 0x2,
    SSHIO_ACE4_NO_PROPAGATE_INHERIT_ACE = 0x4,
    SSHIO_ACE4_INHERIT_ONLY_ACE = 0x8,
    SSHIO_ACE4_SUCCESSFUL_ACCESS_ACE_FLAG = 0x10,
    SSHIO_ACE4_FAILED_ACCESS_ACE_FLAG = 0x20,
    SSHIO_ACE4_IDENTIFIER_GROUP = 0x40
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
    size_t struct_size;                               /* set by SSHIO_SFTP_ATTRS */
    uint32_t valid;                                   /* which of the following are set: SSHIO_FILEXFER_ATTR_… */
    sshio_filexfer_type type;                         /* 0 = unknown, as SSHIO_FILEXFER_TYPE_UNKNOWN */
    uint32_t permissions;                             /* mode; v3 with the type bits */
    uint64_t size;                                    /* bytes */
    uint64_t alloc_size;                              /* bytes on the disk; v6 */
    uint32_t uid, gid;                                /* numbers of the owner and the group */
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

/* What is in sshio_sftp_attrs.acl. (-13 section 7.8) */
typedef struct sshio_sftp_ace {
    uint32_t type;   /* SSHIO_ACE4_…_ACE_TYPE */
    uint32_t flags;  /* SSHIO_ACE4_…_ACE and …_ACE_FLAG */
    uint32_t mask;   /* SSHIO_ACE4_READ_DATA … */
    const char *who; /* UTF-8: "user@domain", or "OWNER@", "GROUP@", "EVERYONE@" … */
} sshio_sftp_ace;
typedef struct sshio_sftp_acl {
    size_t struct_size;    /* set by SSHIO_SFTP_ACL */
    uint32_t flags;        /* SSHIO_SFX_ACL_…; v6 */
    size_t count;          /* of items */
    sshio_sftp_ace *items; /* in the order in which they count */
} sshio_sftp_acl;
#define SSHIO_SFTP_ACL(...) SSHIO_VALUE(sshio_sftp_acl, .struct_size = sizeof(sshio_sftp_acl), __VA_ARGS__)

/* Reads and makes what is in sshio_sftp_attrs.acl, as SFTP version 4 to 6 has it (sshio_sftp_version). None of them
 * waits. Our own server neither has such lists nor sets them. *acl is given back with sshio_sftp_acl_free, which takes
 * NULL, *data with sshio_bytes_free. SSHIO_ESFTP_BAD_MESSAGE: it is cut short, has something behind its end, or a name
 * that is not UTF-8; SSHIO_EINVAL: no such version, or a list that it cannot carry; SSHIO_ENOMEM. */
SSHIO_API int sshio_sftp_acl_parse(int version, sshio_span data, sshio_sftp_acl *acl);
SSHIO_API int sshio_sftp_acl_format(int version, const sshio_sftp_acl *acl, sshio_bytes *data);
SSHIO_API void sshio_sftp_acl_free(sshio_sftp_acl *acl); /* not the struct itself */

/* A file system, as statvfs has it; fixed by the protocol (OpenSSH, PROTOCOL section 4.4). Reference: SFTPVFSAttrs. */
typedef struct sshio_sftp_vfs_attrs {
    uint64_t bsize, frsize;         /* bytes */
    uint64_t blocks, bfree, bavail; /* of frsize bytes */
    uint64_t files, ffree, favail;  /* inodes: all, free, and free for those who are not root */
    uint64_t fsid;                  /* which file system it is */
    uint64_t flags;                 /* SSHIO_FXE_STATVFS_… */
    uint64_t namemax;               /* bytes of a name at most */
} sshio_sftp_vfs_attrs;

/* An entry of a directory. Reference: SFTPName. */
typedef struct sshio_sftp_name {
    const char *filename;   /* one component of a path, or the path that was asked for */
    const char *longname;   /* as a line of ls -l; "" unless v3 */
    sshio_sftp_attrs attrs; /* of the link itself where it is one */
} sshio_sftp_name;
typedef struct sshio_sftp_names {
    size_t count;            /* of items */
    sshio_sftp_name **items; /* each is owned by the list */
} sshio_sftp_names;

/* What a server takes (OpenSSH, PROTOCOL section 4.8); 0 = not stated. */
typedef struct sshio_sftp_limits {
    uint64_t max_packet_len, max_read_len, max_write_len; /* bytes */
    uint64_t max_open_handles;                            /* files and directories together */
} sshio_sftp_limits;

/* Free what was handed out through a **, the list's names included. All take NULL; none waits. */
SSHIO_API void sshio_sftp_attrs_free(sshio_sftp_attrs *attrs);
SSHIO_API void sshio_sftp_name_free(sshio_sftp_name *name);
SSHIO_API void sshio_sftp_names_free(sshio_sftp_names *names); /* not the struct itself */

/* ---- the client ---- */
/* All functions with an sshio_sftp, a file or a directory wait unless their comment says otherwise. They fail with
 * SSHIO_E_SFTP: what the server said, with the path in front and the FX_ code as reason; SSHIO_ESFTP_NO_CONNECTION once
 * the session has ended or was told to; SSHIO_ESFTP_CONNECTION_LOST when it ends meanwhile; SSHIO_ESFTP_BAD_MESSAGE for
 * a reply that is none; SSHIO_ESFTP_OP_UNSUPPORTED, without anything being sent, where the server has not announced
 * what it takes. Also SSHIO_EINVAL and SSHIO_ENOMEM. Any number of them may be under way on one session, each in a
 * task. Cancelled ones leave the session usable. Paths that are relative start at the working directory
 * (sshio_sftp_chdir). Reference: SFTPClient. */

typedef struct sshio_sftp_options { /* SSHIO_SFTP */
    size_t size;
    int sftp_version;              /* highest version that is offered, 3 to 6; default 3 */
    const char *path_encoding;     /* of the server's paths, as iconv has it; here they are UTF-8 then; default bytes */
    sshio_text_errors path_errors; /* what is done with names that are not in it; default strict: the call fails */
    const char *const *env;        /* "NAME=value"; default the connection's */
    const char *const *send_env;   /* names and patterns of variables of this process; default the connection's */
} sshio_sftp_options;
#define SSHIO_SFTP(...) SSHIO_OPTIONS(sshio_sftp_options, __VA_ARGS__)
SSHIO_API void sshio_sftp_options_init(sshio_sftp_options *options); /* defaults and .size */
/* Starts the subsystem sftp on a client's connection. *sftp is given back with sshio_sftp_unref. Also
 * SSHIO_ECHANNEL_OPEN. Reference: SSHClientConnection.start_sftp_client. */
SSHIO_API int sshio_start_sftp_client(sshio_conn *conn, const sshio_sftp_options *options, sshio_sftp **sftp);

/* None of these waits but wait_closed. */
SSHIO_API sshio_sftp *sshio_sftp_ref(sshio_sftp *sftp);
SSHIO_API void sshio_sftp_unref(sshio_sftp *sftp);                 /* the last one ends the session; takes NULL */
SSHIO_API sshio_logger *sshio_sftp_logger(const sshio_sftp *sftp); /* borrowed */
SSHIO_API int sshio_sftp_version(const sshio_sftp *sftp);          /* 3 to 6, as negotiated */
SSHIO_API const sshio_sftp_limits *sshio_sftp_get_limits(
    const sshio_sftp *sftp); /* borrowed; 16 KiB each unless told */
SSHIO_API bool sshio_sftp_supports_remote_copy(const sshio_sftp *sftp);
/* Asks the session to end; later calls fail. What is under way may still be answered. Harmless when repeated. */
SSHIO_API void sshio_sftp_exit(sshio_sftp *sftp);
SSHIO_API int sshio_sftp_wait_closed(sshio_sftp *sftp); /* until the channel is closed */

/* ---- transfers ---- */
/* Called when a part of a file is safely at its destination, with the sum so far, which never falls and ends at total;
 * bytes. Callback; a negative result ends the transfer and is its result. Paths are whole and borrowed. */
typedef int (*sshio_progress_fn)(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user);
/* Called with an error of one item, srcpath and dstpath set. Callback; 0 goes on with the next item, else it is the
 * result of the transfer. */
typedef int (*sshio_transfer_error_fn)(const sshio_error *error, void *user);
typedef struct sshio_copy_options { /* SSHIO_COPY */
    size_t size;
    bool recurse;         /* directories too; default false */
    bool preserve;        /* permissions and times; default false */
    bool follow_symlinks; /* copy what links lead to; default false: links are made anew */
    sshio_progress_fn progress;
    sshio_transfer_error_fn error_handler; /* default: the first error ends the transfer */
    void *user;                            /* of both */
    const char *const *more_sources;       /* further sources; the target is a directory then */
    sshio_tri sparse;                      /* only the data of files with holes; default yes */
    int64_t block_size;                    /* bytes of a request, if the server takes as many; default by its limits, at
                                              most 256 KiB */
    int max_requests;                      /* under way for a file; default 16 to 128, growing with the way's length */
    bool remote_only;                      /* copy: fail rather than bring the data here; default false */
    double timeout;                        /* s, of the whole transfer; default never */
    bool resume;             /* get, put: go on where an earlier try ended, if what is there fits; default false */
    bool atomic;             /* get, put: under another name until the file is whole and on the disk; default false */
    bool keep_special_modes; /* get with preserve: setuid, setgid and sticky as well; default false */
    bool safe_links;         /* get: refuse links that lead out of what is transferred; default false */
    int max_files;           /* small files under way at a time, with recurse; default 64 */
    bool source_modes;       /* what is new gets the permissions of its source, less the umask of that side; default
                                false: those that are usual there */
    bool skip_symlinks;      /* links in directories are left out, instead of being made anew; default false */
} sshio_copy_options;
#define SSHIO_COPY(...) SSHIO_OPTIONS(sshio_copy_options, __VA_ARGS__)
SSHIO_API void sshio_copy_options_init(sshio_copy_options *options); /* defaults and .size */
/* get brings remote files here, put takes local ones there, copy copies on the server. The target is an existing
 * directory, into which each source goes by its name, or the new path; NULL is the working directory of that side. Of a
 * source that ends in a slash the contents go. Local failures are SSHIO_ESYSTEM. The error names source and target
 * (srcpath, dstpath); of a file that ended early it has the bytes copied in offset. A partial file stays where it is.
 * Names from the server that are not plain names of a directory entry are refused, and nothing below the target is
 * written through a symbolic link. The m… forms expand patterns in their sources, see sshio_sftp_glob. */
SSHIO_API int sshio_sftp_get(sshio_sftp *sftp, const char *remote, const char *local,
                             const sshio_copy_options *options);
SSHIO_API int sshio_sftp_put(sshio_sftp *sftp, const char *local, const char *remote,
                             const sshio_copy_options *options);
SSHIO_API int sshio_sftp_copy(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options);
SSHIO_API int sshio_sftp_mget(sshio_sftp *sftp, const char *remote, const char *local,
                              const sshio_copy_options *options);
SSHIO_API int sshio_sftp_mput(sshio_sftp *sftp, const char *local, const char *remote,
                              const sshio_copy_options *options);
SSHIO_API int sshio_sftp_mcopy(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options);

/* ---- files and their names ---- */
typedef struct sshio_sftp_open_options { /* SSHIO_SFTP_OPEN */
    size_t size;
    uint32_t pflags;               /* open: SSHIO_FXF_…, instead of the mode */
    const sshio_sftp_attrs *attrs; /* of a file that is created; default the server's */
    const char *encoding;          /* "utf-8": what is read and written is checked, SSHIO_EDECODE; default bytes */
    sshio_text_errors errors;      /* only strict, the default */
    int64_t block_size;            /* bytes of a request; default by the server's limits; -1 = one for each call */
    int max_requests;              /* under way; default 16 to 128 */
} sshio_sftp_open_options;
#define SSHIO_SFTP_OPEN(...) SSHIO_OPTIONS(sshio_sftp_open_options, __VA_ARGS__)
SSHIO_API void sshio_sftp_open_options_init(sshio_sftp_open_options *options); /* defaults and .size */
/* mode "r", "w" (created or emptied), "a" (written at the end), "x" (must be new), each also with "+"; NULL = "r". A
 * "b" in it counts for nothing. *file is given back with sshio_sftp_file_close. (-02 section 6.3) */
SSHIO_API int sshio_sftp_open(sshio_sftp *sftp, const char *path, const char *mode,
                              const sshio_sftp_open_options *options, sshio_sftp_file **file);
/* The same in the words of versions 5 and 6: SSHIO_ACE4_… and SSHIO_FXF_…. (-13 section 8.1.1) */
SSHIO_API int sshio_sftp_open56(sshio_sftp *sftp, const char *path, uint32_t desired_access, uint32_t flags,
                                const sshio_sftp_open_options *options, sshio_sftp_file **file);
SSHIO_API int sshio_sftp_truncate(sshio_sftp *sftp, const char *path, uint64_t size); /* to size bytes */
/* An existing newpath is not replaced, unless flags (SSHIO_FXR_…) say so. */
SSHIO_API int sshio_sftp_rename(sshio_sftp *sftp, const char *oldpath, const char *newpath, uint32_t flags);
SSHIO_API int sshio_sftp_posix_rename(sshio_sftp *sftp, const char *oldpath, const char *newpath); /* it is replaced */
SSHIO_API int sshio_sftp_remove(sshio_sftp *sftp, const char *path);
SSHIO_API int sshio_sftp_unlink(sshio_sftp *sftp, const char *path);                  /* the same as remove */
SSHIO_API int sshio_sftp_readlink(sshio_sftp *sftp, const char *path, char **target); /* sshio_free */
/* newpath becomes a symbolic link with oldpath as its text, or another name of the file oldpath. */
SSHIO_API int sshio_sftp_symlink(sshio_sftp *sftp, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_link(sshio_sftp *sftp, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_realpath(sshio_sftp *sftp, const char *path, char **real); /* sshio_free */
/* The real path of one that may begin with "~", one's own home, or "~user". The latter needs expand-path@openssh.com;
 * others no more than every server has. *expanded: sshio_free. (OpenSSH, PROTOCOL section 4.9) */
SSHIO_API int sshio_sftp_expand_path(sshio_sftp *sftp, const char *path, char **expanded);
/* user NULL = the one who has logged in. Needs home-directory. *path: sshio_free. (filexfer-extensions-00 section 5) */
SSHIO_API int sshio_sftp_home_directory(sshio_sftp *sftp, const char *user, char **path);
/* Names of numbers, in their order; "" where there is none. At most 4096 numbers together, SSHIO_ELIMIT. users or
 * groups may be NULL; sshio_texts_free. Needs users-groups-by-id@openssh.com. (OpenSSH, PROTOCOL section 4.11) */
SSHIO_API int sshio_sftp_lookup_ids(sshio_sftp *sftp, const uint32_t *uids, size_t uid_count, const uint32_t *gids,
                                    size_t gid_count, sshio_texts *users, sshio_texts *groups);
/* As sshio_sftp_realpath, with paths that follow one upon the other (NULL = none), and whether it is looked at:
 * SSHIO_FXRP_…. Before version 6 that is done with more requests. sshio_sftp_name_free. (-13 section 8.9) */
SSHIO_API int sshio_sftp_realpath_check(sshio_sftp *sftp, const char *path, const char *const *compose_paths, int check,
                                        sshio_sftp_name **name);
/* Copies length bytes on the server, 0 = to the end. Both files stay open. (copy-data) */
SSHIO_API int sshio_sftp_remote_copy(sshio_sftp *sftp, sshio_sftp_file *src, uint64_t src_offset, uint64_t length,
                                     sshio_sftp_file *dst, uint64_t dst_offset);

/* ---- attributes ---- */
/* follow_symlinks is yes unless SSHIO_NO is given, which acts on the link (lsetstat@openssh.com). */
SSHIO_API int sshio_sftp_stat(sshio_sftp *sftp, const char *path, sshio_sftp_attrs **attrs); /* sshio_sftp_attrs_free */
SSHIO_API int sshio_sftp_lstat(sshio_sftp *sftp, const char *path, sshio_sftp_attrs **attrs); /* the same, of a link */
SSHIO_API int sshio_sftp_setstat(sshio_sftp *sftp, const char *path, const sshio_sftp_attrs *attrs,
                                 sshio_tri follow_symlinks); /* those that are valid */
SSHIO_API int sshio_sftp_statvfs(sshio_sftp *sftp, const char *path, sshio_sftp_vfs_attrs *attrs);
SSHIO_API int sshio_sftp_chown(sshio_sftp *sftp, const char *path, uint32_t uid, uint32_t gid,
                               sshio_tri follow_symlinks);
SSHIO_API int sshio_sftp_chown_names(sshio_sftp *sftp, const char *path, const char *owner, const char *group,
                                     sshio_tri follow_symlinks); /* v4+ */
SSHIO_API int sshio_sftp_chmod(sshio_sftp *sftp, const char *path, uint32_t mode, sshio_tri follow_symlinks);
/* atime and mtime in seconds since 1970, or nanoseconds; NULL = now, both. Version 3 carries whole seconds from 0 on.
 */
SSHIO_API int sshio_sftp_utime(sshio_sftp *sftp, const char *path, const double times[2], sshio_tri follow_symlinks);
SSHIO_API int sshio_sftp_utime_ns(sshio_sftp *sftp, const char *path, const int64_t ns[2], sshio_tri follow_symlinks);
/* What cannot be reached because it, or a part of its path, is not there or is closed to us is no error: false. */
SSHIO_API int sshio_sftp_exists(sshio_sftp *sftp, const char *path, bool *result);
SSHIO_API int sshio_sftp_lexists(sshio_sftp *sftp, const char *path, bool *result); /* a link counts itself */
SSHIO_API int sshio_sftp_isdir(sshio_sftp *sftp, const char *path, bool *result);
SSHIO_API int sshio_sftp_isfile(sshio_sftp *sftp, const char *path, bool *result); /* a regular one */
SSHIO_API int sshio_sftp_islink(sshio_sftp *sftp, const char *path, bool *result);
/* From here to getcrtime_ns: SSHIO_ESFTP_OP_UNSUPPORTED when the server does not tell. Bytes, seconds, nanoseconds. */
SSHIO_API int sshio_sftp_getsize(sshio_sftp *sftp, const char *path, uint64_t *size);
SSHIO_API int sshio_sftp_getatime(sshio_sftp *sftp, const char *path, double *seconds);
SSHIO_API int sshio_sftp_getmtime(sshio_sftp *sftp, const char *path, double *seconds);
SSHIO_API int sshio_sftp_getcrtime(sshio_sftp *sftp, const char *path, double *seconds); /* v4+ */
SSHIO_API int sshio_sftp_getatime_ns(sshio_sftp *sftp, const char *path, int64_t *ns);
SSHIO_API int sshio_sftp_getmtime_ns(sshio_sftp *sftp, const char *path, int64_t *ns);
SSHIO_API int sshio_sftp_getcrtime_ns(sshio_sftp *sftp, const char *path, int64_t *ns); /* v4+ */

/* ---- directories ---- */
SSHIO_API int sshio_sftp_chdir(sshio_sftp *sftp, const char *path); /* for this client; whether it is a directory is not
                                                                       looked at */
SSHIO_API int sshio_sftp_getcwd(sshio_sftp *sftp, char **path);     /* sshio_free */
SSHIO_API int sshio_sftp_mkdir(sshio_sftp *sftp, const char *path,
                               const sshio_sftp_attrs *attrs); /* NULL = the server's */
/* With all that is missing above it. An existing one is an error unless exist_ok. */
SSHIO_API int sshio_sftp_makedirs(sshio_sftp *sftp, const char *path, const sshio_sftp_attrs *attrs, bool exist_ok);
SSHIO_API int sshio_sftp_rmdir(sshio_sftp *sftp, const char *path);
/* function: "islink", "scandir", "unlink" or "rmdir". Callback; 0 goes on, else it is the result. */
typedef int (*sshio_rmtree_error_fn)(const char *function, const char *path, const sshio_error *error, void *user);
/* With all that is in it; links are removed, not followed. onerror may be NULL: the first error ends it. */
SSHIO_API int sshio_sftp_rmtree(sshio_sftp *sftp, const char *path, bool ignore_errors, sshio_rmtree_error_fn onerror,
                                void *user);
/* The entries one by one, "." and ".." as the server has them. path NULL = ".", here and below. */
SSHIO_API int sshio_sftp_scandir(sshio_sftp *sftp, const char *path, sshio_sftp_dir **dir);
SSHIO_API int sshio_sftp_dir_next(sshio_sftp_dir *dir, const sshio_sftp_name **name); /* borrowed until the next call;
                                                                                         SSHIO_EEOF */
SSHIO_API void sshio_sftp_dir_close(sshio_sftp_dir *dir); /* gives it back, at any time; takes NULL; does not wait */
/* All of them at once, at most 4 million or 1 GiB: SSHIO_ESFTP_FAILURE. */
SSHIO_API int sshio_sftp_readdir(sshio_sftp *sftp, const char *path, sshio_sftp_names *names);
SSHIO_API int sshio_sftp_listdir(sshio_sftp *sftp, const char *path, sshio_texts *names);
/* A walk through all that is below a directory, each directory in front of what is in it. Links are entries like others
 * and are not followed; names that are no names of entries are passed over with a warning. path NULL = ".". Does not
 * wait: what is wrong with the path is said by the first sshio_sftp_walk_next. (the reference's scandir, recursively)
 */
typedef struct sshio_sftp_walk_entry {
    const char *path;            /* the walk's, with all the names down to the entry */
    const sshio_sftp_name *name; /* as it was listed */
    bool is_dir;                 /* what is in it comes next */
    unsigned depth;              /* 1 = directly below the walk's path; at most 128 */
} sshio_sftp_walk_entry;
SSHIO_API int sshio_sftp_walk_open(sshio_sftp *sftp, const char *path, sshio_sftp_walk **walk);
/* *entry is borrowed until the next call. SSHIO_EEOF at the end. Any other error is of one directory, which it names:
 * after it the walk goes on behind that directory, if the session still does. */
SSHIO_API int sshio_sftp_walk_next(sshio_sftp_walk *walk, const sshio_sftp_walk_entry **entry);
SSHIO_API void sshio_sftp_walk_prune(sshio_sftp_walk *walk); /* does not go into the directory that came last */
SSHIO_API void sshio_sftp_walk_close(sshio_sftp_walk *walk); /* gives it back, at any time; takes NULL; does not wait */
/* Paths that match: in each component "*" any run, "?" a character, "[…]" a set, "[!…]" all but a set; a component "**"
 * any number of directories; a slash at the end directories only. patterns end with NULL; SSHIO_ESFTP_NO_SUCH_PATH, in
 * version 3 SSHIO_ESFTP_NO_SUCH_FILE, for one that matches nothing. */
SSHIO_API int sshio_sftp_glob(sshio_sftp *sftp, const char *const *patterns, sshio_texts *paths);
SSHIO_API int sshio_sftp_glob_sftpname(sshio_sftp *sftp, const char *const *patterns, sshio_sftp_names *names);

/* ---- open files ---- */
/* Reading and writing start at the position, and leave it behind what they did; those with an offset do as well. Of a
 * file opened for appending there is no position until a seek or tell: it reads nothing. Reference: SFTPClientFile. */
/* At most size bytes, fewer only at the end of the file; there SSHIO_EEOF. */
SSHIO_API int sshio_sftp_file_read(sshio_sftp_file *file, void *buffer, size_t size, size_t *got);
SSHIO_API int sshio_sftp_file_pread(sshio_sftp_file *file, void *buffer, size_t size, uint64_t offset, size_t *got);
SSHIO_API int sshio_sftp_file_read_all(sshio_sftp_file *file, sshio_bytes *data); /* to the end; sshio_bytes_free */
/* Called in the calling task with blocks as they arrive, in any order; data is borrowed. Not 0 ends it, and is its
 * result. */
typedef int (*sshio_block_fn)(uint64_t offset, const void *data, size_t len, void *user);
/* size -1 = to the end, offset -1 = from the position, which does not move. */
SSHIO_API int sshio_sftp_file_read_parallel(sshio_sftp_file *file, int64_t size, int64_t offset, sshio_block_fn block,
                                            void *user);
/* Called in the calling task with each part of a file that has data, in order; bytes. Not 0 ends it, and is its result.
 */
typedef int (*sshio_range_fn)(uint64_t offset, uint64_t length, void *user);
/* Where the file has data, among length bytes from offset on; what is between is holes. A server that cannot tell has
 * data everywhere. Reference: SFTPClientFile.request_ranges. (ranges@asyncssh.com) */
SSHIO_API int sshio_sftp_file_request_ranges(sshio_sftp_file *file, uint64_t offset, uint64_t length,
                                             sshio_range_fn range, void *user);
SSHIO_API int sshio_sftp_file_write(sshio_sftp_file *file, const void *data, size_t len); /* all, or an error */
SSHIO_API int sshio_sftp_file_pwrite(sshio_sftp_file *file, const void *data, size_t len, uint64_t offset);
SSHIO_API int sshio_sftp_file_seek(sshio_sftp_file *file, int64_t offset, int from_what,
                                   uint64_t *position); /* SEEK_SET, _CUR, _END; position may be NULL */
SSHIO_API int sshio_sftp_file_tell(sshio_sftp_file *file, uint64_t *position);
SSHIO_API int sshio_sftp_file_stat(sshio_sftp_file *file, sshio_sftp_attrs **attrs); /* sshio_sftp_attrs_free */
SSHIO_API int sshio_sftp_file_setstat(sshio_sftp_file *file, const sshio_sftp_attrs *attrs);
SSHIO_API int sshio_sftp_file_statvfs(sshio_sftp_file *file, sshio_sftp_vfs_attrs *attrs);
SSHIO_API int sshio_sftp_file_truncate(sshio_sftp_file *file, int64_t size); /* -1 = at the position */
SSHIO_API int sshio_sftp_file_chown(sshio_sftp_file *file, uint32_t uid, uint32_t gid);
SSHIO_API int sshio_sftp_file_chown_names(sshio_sftp_file *file, const char *owner, const char *group); /* v4+ */
SSHIO_API int sshio_sftp_file_chmod(sshio_sftp_file *file, uint32_t mode);
SSHIO_API int sshio_sftp_file_utime(sshio_sftp_file *file, const double times[2]);
SSHIO_API int sshio_sftp_file_utime_ns(sshio_sftp_file *file, const int64_t ns[2]);
/* A range of bytes, length 0 = to the end; flags SSHIO_FXF_BLOCK_…. v6. (-13 section 8.10) */
SSHIO_API int sshio_sftp_file_lock(sshio_sftp_file *file, uint64_t offset, uint64_t length, uint32_t flags);
SSHIO_API int sshio_sftp_file_unlock(sshio_sftp_file *file, uint64_t offset, uint64_t length);
SSHIO_API int sshio_sftp_file_fsync(sshio_sftp_file *file);
/* Gives the file back, whatever the result. In a session that has ended it succeeds. Takes NULL. */
SSHIO_API int sshio_sftp_file_close(sshio_sftp_file *file);

/* ---- SFTPServer ---- */

/* What a client asks for. Each handler is a task, one at a time for a session unless .concurrent; it returns 0, a
 * negative error (sshio_raise_sftp, sshio_raise_errno, any other) or SSHIO_DEFAULT: do it as without a handler, which
 * is what NULL does. Paths are as the client sent them; one with a NUL never gets here. What takes req gives its output
 * with the sshio_answer_… function named, and returns what that returns. Reference: SFTPServer. */
typedef struct sshio_sftp_server_handlers {
    int (*open)(sshio_sftp_server *server, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs,
                void **file, void *user); /* v3, v4: SSHIO_FXF_READ … */
    int (*open56)(sshio_sftp_server *server, const char *path, uint32_t desired_access, uint32_t flags,
                  const sshio_sftp_attrs *attrs, void **file, void *user); /* v5, v6: SSHIO_ACE4_…, SSHIO_FXF_… */
    int (*close)(sshio_sftp_server *server, void *file, void *user);       /* also of what is open at the end */
    int (*read)(sshio_sftp_server *server, void *file, uint64_t offset, void *buffer, size_t size, size_t *got,
                void *user); /* got 0 = end of file */
    int (*write)(sshio_sftp_server *server, void *file, uint64_t offset, const void *data, size_t len,
                 void *user); /* all of it, or an error */
    int (*rename)(sshio_sftp_server *server, const char *oldpath, const char *newpath,
                  void *user); /* must not replace what is there */
    int (*posix_rename)(sshio_sftp_server *server, const char *oldpath, const char *newpath,
                        void *user); /* replaces what is there; also renaming of v5 and v6 with any flag */
    int (*remove)(sshio_sftp_server *server, const char *path, void *user); /* a name that is no directory */
    int (*readlink)(sshio_sftp_server *server, const char *path, sshio_request *req,
                    void *user); /* sshio_answer_text */
    int (*symlink)(sshio_sftp_server *server, const char *oldpath, const char *newpath,
                   void *user); /* oldpath is what the link says */
    int (*link)(sshio_sftp_server *server, const char *oldpath, const char *newpath,
                void *user); /* newpath becomes a further name of the file */
    int (*realpath)(sshio_sftp_server *server, const char *path, sshio_request *req,
                    void *user); /* sshio_answer_text */
    int (*stat)(sshio_sftp_server *server, const char *path, sshio_request *req,
                void *user); /* sshio_answer_attrs, as the next two */
    int (*lstat)(sshio_sftp_server *server, const char *path, sshio_request *req, void *user); /* a link itself */
    int (*fstat)(sshio_sftp_server *server, void *file, sshio_request *req, void *user);       /* an open file */
    int (*setstat)(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs,
                   void *user); /* what is valid in attrs alone */
    int (*lsetstat)(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs,
                    void *user); /* the same of a link itself */
    int (*fsetstat)(sshio_sftp_server *server, void *file, const sshio_sftp_attrs *attrs,
                    void *user); /* the same of an open file */
    int (*statvfs)(sshio_sftp_server *server, const char *path, sshio_sftp_vfs_attrs *attrs,
                   void *user); /* the file system that path is in */
    int (*fstatvfs)(sshio_sftp_server *server, void *file, sshio_sftp_vfs_attrs *attrs,
                    void *user); /* the same of an open file */
    int (*lock)(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length, uint32_t flags,
                void *user); /* v6: SSHIO_FXF_BLOCK_…; length 0 = to the end */
    int (*unlock)(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length,
                  void *user);                                       /* just such a range as was locked */
    int (*fsync)(sshio_sftp_server *server, void *file, void *user); /* done when the data is on the disk */
    int (*mkdir)(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs,
                 void *user);                                              /* of attrs only the permissions count */
    int (*rmdir)(sshio_sftp_server *server, const char *path, void *user); /* an empty directory */
    int (*scandir)(sshio_sftp_server *server, const char *path, sshio_request *req,
                   void *user); /* sshio_answer_name for each entry; runs beside others until it has given all */
    int (*format_user)(sshio_sftp_server *server, int64_t uid, sshio_request *req,
                       void *user); /* -1 = none; sshio_answer_text */
    int (*format_group)(sshio_sftp_server *server, int64_t gid, sshio_request *req, void *user); /* as format_user */
    int (*format_longname)(sshio_sftp_server *server, const sshio_sftp_name *name, sshio_request *req,
                           void *user); /* v3; sshio_answer_text */
    int (*map_path)(sshio_sftp_server *server, const char *path, sshio_request *req,
                    void *user); /* the client's path, on this host; sshio_answer_text */
    int (*reverse_map_path)(sshio_sftp_server *server, const char *path, sshio_request *req,
                            void *user); /* and back; sshio_answer_text */
    void (*exit)(sshio_sftp_server *server,
                 void *user); /* callback; the session has ended, its files are closed; the last call */
    void (*reserved[8])(void);
} sshio_sftp_server_handlers;

/* Answers; both copy. SSHIO_EINVAL: the question takes no such answer; SSHIO_ENOMEM. */
SSHIO_API int sshio_answer_attrs(sshio_request *req, const sshio_sftp_attrs *attrs);
/* May be given many times. Waits while 128 names are there that the client has not asked for; SSHIO_ECLOSED: it has
 * closed the directory. longname "" or NULL = as ls -l. */
SSHIO_API int sshio_answer_name(sshio_request *req, const sshio_sftp_name *name);

/* How files are served. A session has the rights of this process: a program that serves several users takes on those
 * of the one who logged in, or serves a process for each. Reference: SFTPServer. */
typedef struct sshio_sftp_server_options {
    size_t size;
    const char *chroot;                         /* the clients' root directory: no path leads out; default none */
    const sshio_sftp_server_handlers *handlers; /* copied; default: local files */
    void *user;                                 /* of the handlers */
    bool read_only;                             /* refuse whatever changes something; default false */
    bool follow_outside_links;                  /* with .chroot: links that lead out are followed; default false */
    const char *start_dir; /* of relative paths; default the process's working directory, or the root */
    bool concurrent;       /* handlers of a session may overlap; default false */
    uint32_t umask;        /* bits that new files do not get, besides those of the process's umask; default 0 */
    const char *const *allow_requests; /* names of sshio_sftp_request_name; default all */
    const char *const *deny_requests;  /* likewise; default none */
    int sftp_version;                  /* highest, 3 to 6; default that of sshio_server_options, else 3 */
} sshio_sftp_server_options;
#define SSHIO_SFTP_SERVER(...) SSHIO_OPTIONS(sshio_sftp_server_options, __VA_ARGS__)
SSHIO_API void sshio_sftp_server_options_init(sshio_sftp_server_options *options); /* defaults and .size */

/* In an sftp_factory: serve this session so. Waits (looks at the root). SSHIO_EINVAL, SSHIO_ESYSTEM, SSHIO_ENOMEM. */
SSHIO_API int sshio_answer_sftp_server(sshio_request *req, const sshio_sftp_server_options *options);

/* Serves one session on two descriptors, which it takes over (they may be equal), until the client has ended it: what a
 * program is that another SSH server runs as its subsystem "sftp". Nothing is served beside it meanwhile: the file
 * system is worked on by this thread. As OpenSSH's clients expect it, the target stands first in SYMLINK.
 * Waits. 0; SSHIO_ESFTP_BAD_MESSAGE, when the client said what cannot be understood, SSHIO_EINVAL, SSHIO_ESYSTEM. */
SSHIO_API int sshio_run_sftp_server(int in, int out, const sshio_sftp_server_options *options);

/* The names of all requests, in no order: "open", "posix-rename" …; NULL behind the last one. */
SSHIO_API const char *sshio_sftp_request_name(size_t index);

/* What a session is; borrowed. None of these waits. */
SSHIO_API sshio_chan *sshio_sftp_server_channel(const sshio_sftp_server *server);    /* NULL = it is on descriptors */
SSHIO_API sshio_conn *sshio_sftp_server_connection(const sshio_sftp_server *server); /* NULL likewise */
SSHIO_API const char *const *sshio_sftp_server_env(const sshio_sftp_server *server); /* "NAME=value", ends with NULL */
SSHIO_API sshio_logger *sshio_sftp_server_logger(const sshio_sftp_server *server);
SSHIO_API void sshio_sftp_server_set_user(sshio_sftp_server *server,
                                          void *user); /* what its handlers get from now on */

/* What happens without a handler, for handlers that change only a part of it: the same arguments without user, and
 * outputs in place of req, which are the caller's to free. All wait, in a handler's task. SSHIO_ESYSTEM with errno,
 * SSHIO_E_SFTP; SSHIO_ESFTP_OP_UNSUPPORTED for a file that did not come from sshio_sftp_server_open and …_open56. */
SSHIO_API int sshio_sftp_server_open(sshio_sftp_server *server, const char *path, uint32_t pflags,
                                     const sshio_sftp_attrs *attrs, void **file);
SSHIO_API int sshio_sftp_server_open56(sshio_sftp_server *server, const char *path, uint32_t desired_access,
                                       uint32_t flags, const sshio_sftp_attrs *attrs, void **file);
SSHIO_API int sshio_sftp_server_close(sshio_sftp_server *server, void *file);
SSHIO_API int sshio_sftp_server_read(sshio_sftp_server *server, void *file, uint64_t offset, void *buffer, size_t size,
                                     size_t *got); /* short only at the end */
SSHIO_API int sshio_sftp_server_write(sshio_sftp_server *server, void *file, uint64_t offset, const void *data,
                                      size_t len);
SSHIO_API int sshio_sftp_server_rename(sshio_sftp_server *server, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_server_posix_rename(sshio_sftp_server *server, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_server_remove(sshio_sftp_server *server, const char *path);
SSHIO_API int sshio_sftp_server_readlink(sshio_sftp_server *server, const char *path, char **target);
SSHIO_API int sshio_sftp_server_symlink(sshio_sftp_server *server, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_server_link(sshio_sftp_server *server, const char *oldpath, const char *newpath);
SSHIO_API int sshio_sftp_server_realpath(sshio_sftp_server *server, const char *path, char **real);
SSHIO_API int sshio_sftp_server_stat(sshio_sftp_server *server, const char *path, sshio_sftp_attrs **attrs);
SSHIO_API int sshio_sftp_server_lstat(sshio_sftp_server *server, const char *path, sshio_sftp_attrs **attrs);
SSHIO_API int sshio_sftp_server_fstat(sshio_sftp_server *server, void *file, sshio_sftp_attrs **attrs);
SSHIO_API int sshio_sftp_server_setstat(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs);
SSHIO_API int sshio_sftp_server_lsetstat(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs);
SSHIO_API int sshio_sftp_server_fsetstat(sshio_sftp_server *server, void *file, const sshio_sftp_attrs *attrs);
SSHIO_API int sshio_sftp_server_statvfs(sshio_sftp_server *server, const char *path, sshio_sftp_vfs_attrs *attrs);
SSHIO_API int sshio_sftp_server_fstatvfs(sshio_sftp_server *server, void *file, sshio_sftp_vfs_attrs *attrs);
SSHIO_API int sshio_sftp_server_lock(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length,
                                     uint32_t flags); /* advisory locks of byte ranges */
SSHIO_API int sshio_sftp_server_unlock(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length);
SSHIO_API int sshio_sftp_server_fsync(sshio_sftp_server *server, void *file);
SSHIO_API int sshio_sftp_server_mkdir(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs);
SSHIO_API int sshio_sftp_server_rmdir(sshio_sftp_server *server, const char *path);
SSHIO_API int sshio_sftp_server_scandir(sshio_sftp_server *server, const char *path,
                                        sshio_request *req); /* adds its entries to the answer */
SSHIO_API int sshio_sftp_server_format_user(sshio_sftp_server *server, int64_t uid, char **text);
SSHIO_API int sshio_sftp_server_format_group(sshio_sftp_server *server, int64_t gid, char **text);
SSHIO_API int sshio_sftp_server_format_longname(sshio_sftp_server *server, const sshio_sftp_name *name, char **text);
SSHIO_API int sshio_sftp_server_map_path(sshio_sftp_server *server, const char *path, char **mapped);
SSHIO_API int sshio_sftp_server_reverse_map_path(sshio_sftp_server *server, const char *path, char **mapped);

SSHIO_END
#endif
