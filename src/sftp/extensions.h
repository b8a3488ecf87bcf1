/* The extensions of SFTP: the names that each side announces, and the structures among them.
 * (draft-ietf-secsh-filexfer-13 sections 4.3 to 5.5, -05 section 4.3; draft-ietf-secsh-filexfer-extensions-00; OpenSSH,
 * PROTOCOL section 4) */
#ifndef SSHIO_SFTP_EXTENSIONS_H
#define SSHIO_SFTP_EXTENSIONS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

#define EXT_HASHES "sha256,sha512,sha1,md5" /* of check-file, best first */

/* Extended requests. X(name in C, name on the wire, data that announces it) */
#define SFTP_EXTENSIONS(X)                                                                                             \
    X(POSIX_RENAME, "posix-rename@openssh.com", "1")                                                                   \
    X(STATVFS, "statvfs@openssh.com", "2")                                                                             \
    X(FSTATVFS, "fstatvfs@openssh.com", "2")                                                                           \
    X(HARDLINK, "hardlink@openssh.com", "1")                                                                           \
    X(FSYNC, "fsync@openssh.com", "1")                                                                                 \
    X(LSETSTAT, "lsetstat@openssh.com", "1")                                                                           \
    X(LIMITS, "limits@openssh.com", "1")                                                                               \
    X(COPY_DATA, "copy-data", "1")                                                                                     \
    X(RANGES, "ranges@asyncssh.com", "1")                                                                              \
    X(EXPAND_PATH, "expand-path@openssh.com", "1")                                                                     \
    X(HOME_DIRECTORY, "home-directory", "1")                                                                           \
    X(USERS_GROUPS_BY_ID, "users-groups-by-id@openssh.com", "1")                                                       \
    X(CHECK_FILE, "check-file", EXT_HASHES)                                                                            \
    X(CHECK_FILE_HANDLE, "check-file-handle", EXT_HASHES)                                                              \
    X(CHECK_FILE_NAME, "check-file-name", EXT_HASHES)                                                                  \
    X(SPACE_AVAILABLE, "space-available", "1")                                                                         \
    X(COPY_FILE, "copy-file", "1")

#define SFTP_EXTENSION_ENUM(name, wire, data) EXT_##name,
enum sftp_extension { SFTP_EXTENSIONS(SFTP_EXTENSION_ENUM) EXT_COUNT };
#define EXT_BIT(extension) (1u << (extension))

/* Pairs of FXP_VERSION that announce no request. */
#define EXT_NEWLINE "newline"
#define EXT_VENDOR_ID "vendor-id" /* also a request of the client */
#define EXT_SUPPORTED "supported"
#define EXT_SUPPORTED2 "supported2"
#define EXT_ACL_SUPPORTED "acl-supported"
#define EXT_VERSIONS "versions"
#define EXT_VERSION_SELECT "version-select" /* a request of the client */
#define EXT_SYMLINK_ORDER "symlink-order@rjk.greenend.org.uk"
#define EXT_ORDER_LINK_FIRST "linkpath-targetpath"
#define EXT_ORDER_TARGET_FIRST "targetpath-linkpath"

const char *extension_name(enum sftp_extension extension);
enum sftp_extension extension_find(struct span name); /* EXT_COUNT = no request has it */
bool extension_is_announced(enum sftp_extension extension, struct span data);
void extension_put(struct writer *w, enum sftp_extension extension); /* the pair */

/* "supported" of version 5 and "supported2" of version 6. Names are strings one behind the other, as on the wire. */
struct supported {
    uint32_t attr_mask, attr_bits, open_flags, access_mask, max_read_len;
    uint32_t open_blocks, blocks; /* v6: bit n = the combination n of the FXF_BLOCK_… flags */
    struct span attr_names;       /* v6 */
    struct span names;
};
void supported_put(struct writer *w, int version, const struct supported *s); /* the pair; names may be empty */
bool supported_read(struct span data, int version, struct supported *s);      /* false = malformed */

struct vendor {
    struct span vendor_name, product_name, product_version;
    uint64_t build;
};
void vendor_put(struct writer *w); /* the pair, with ours */
bool vendor_read(struct span data, struct vendor *vendor);

/* The pairs of FXP_INIT and FXP_VERSION, one at a time; both spans are borrowed. False = the end, or reader failure. */
bool extension_pair_read(struct reader *r, struct span *name, struct span *data);

#endif
