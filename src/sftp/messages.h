/* SFTP packet types, and which version of the protocol has them. (draft-ietf-secsh-filexfer-13 section 4.3) */
#ifndef SSHIO_SFTP_MESSAGES_H
#define SSHIO_SFTP_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, number, sent by the server, first version, last version, which is for the reader) */
#define SFTP_MESSAGES(X)                                                                                               \
    X(INIT, 1, false, 3, 6)                                                                                            \
    X(VERSION, 2, true, 3, 6)                                                                                          \
    X(OPEN, 3, false, 3, 6)                                                                                            \
    X(CLOSE, 4, false, 3, 6)                                                                                           \
    X(READ, 5, false, 3, 6)                                                                                            \
    X(WRITE, 6, false, 3, 6)                                                                                           \
    X(LSTAT, 7, false, 3, 6)                                                                                           \
    X(FSTAT, 8, false, 3, 6)                                                                                           \
    X(SETSTAT, 9, false, 3, 6)                                                                                         \
    X(FSETSTAT, 10, false, 3, 6)                                                                                       \
    X(OPENDIR, 11, false, 3, 6)                                                                                        \
    X(READDIR, 12, false, 3, 6)                                                                                        \
    X(REMOVE, 13, false, 3, 6)                                                                                         \
    X(MKDIR, 14, false, 3, 6)                                                                                          \
    X(RMDIR, 15, false, 3, 6)                                                                                          \
    X(REALPATH, 16, false, 3, 6)                                                                                       \
    X(STAT, 17, false, 3, 6)                                                                                           \
    X(RENAME, 18, false, 3, 6)                                                                                         \
    X(READLINK, 19, false, 3, 6)                                                                                       \
    X(SYMLINK, 20, false, 3, 5)                                                                                        \
    X(LINK, 21, false, 6, 6)                                                                                           \
    X(BLOCK, 22, false, 6, 6)                                                                                          \
    X(UNBLOCK, 23, false, 6, 6)                                                                                        \
    X(STATUS, 101, true, 3, 6)                                                                                         \
    X(HANDLE, 102, true, 3, 6)                                                                                         \
    X(DATA, 103, true, 3, 6)                                                                                           \
    X(NAME, 104, true, 3, 6)                                                                                           \
    X(ATTRS, 105, true, 3, 6)                                                                                          \
    X(EXTENDED, 200, false, 3, 6)                                                                                      \
    X(EXTENDED_REPLY, 201, true, 3, 6)

#define SFTP_MESSAGE_ENUM(name, number, by_server, first, last) FXP_##name = (number),
enum sftp_message { SFTP_MESSAGES(SFTP_MESSAGE_ENUM) };

/* "FXP_OPEN"; "unknown" for numbers without a name. For logs. */
const char *sftp_message_name(uint8_t type);
/* Does a version have this one, or has it had it? What has gone is still understood. */
bool sftp_message_is_known(uint8_t type, int version);

/* How the two ends of a session speak. */
struct dialect {
    int version;    /* 3 to 6 */
    bool server;    /* we are the server: times that a version cannot carry are clamped, not refused */
    bool bits_pair; /* version 5 carries attrib_bits and attrib_valid, as AsyncSSH has it */
};

#endif
