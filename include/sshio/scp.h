/* sshio/scp.h: copying with scp, local to remote, remote to local, remote to remote. Where the peer has SFTP, that is
 * the better choice. Reference: scp. */
#ifndef SSHIO_SCP_H
#define SSHIO_SCP_H
#include "base.h"
#include "options.h"
#include "sftp.h"
SSHIO_BEGIN

/* How a remote path is told to the other side, where a shell reads it. */
typedef enum sshio_scp_quoting {
    SSHIO_SCP_QUOTE_GLOB = 0, /* of a source: * ? [ ] and a leading ~ work there; all else stands for itself */
    SSHIO_SCP_QUOTE_FULL,     /* everything stands for itself */
    SSHIO_SCP_QUOTE_RAW       /* as it is: the shell there runs what is in it, so never with text of somebody else */
} sshio_scp_quoting;

/* Starts the scp of another side by other means than a connection of ours, as another SSH program: command is what a
 * shell there is to run ("scp -t path"). *in is read, *out written to; they may be equal, and are taken over. 0, or the
 * result of the copy. Task. */
typedef int (*sshio_scp_start_fn)(const char *command, int *in, int *out, void *user);

/* One end of a copy, by value. Text alone: "path", "host:path", "user@host:path", "[address]:path",
 * "scp://[user@]host[:port]/path", where what has a slash before its first colon is a path. */
typedef struct sshio_scp_path {
    const char *path;         /* with .conn or .start: there; NULL = the directory where one begins */
    sshio_conn *conn;         /* an open connection, a client's, which stays open; default none */
    const char *const *paths; /* several sources on the same side, instead of .path; ends with NULL */
    sshio_scp_start_fn start; /* instead of .conn; called for each source */
    void *user;               /* of .start */
} sshio_scp_path;
#define SSHIO_LOCAL(name) (*SSHIO_VALUE(sshio_scp_path, .path = (name)))
#define SSHIO_REMOTE(connection, name) (*SSHIO_VALUE(sshio_scp_path, .path = (name), .conn = (connection)))

typedef struct sshio_scp_options { /* SSHIO_SCP */
    size_t size;
    const sshio_copy_options *copy;      /* SSHIO_COPY(…): .recurse, .preserve, .progress, .error_handler, .user,
                                            .more_sources, .block_size (default 256 KiB, at most 16 MiB), .timeout,
                                            .keep_special_modes; default none of them */
    const sshio_client_options *connect; /* for hosts that are given as text: SSHIO_CLIENT(…); what the text names, user
                                            and port, wins; default none */
    sshio_scp_quoting path_quoting;      /* default SSHIO_SCP_QUOTE_GLOB */
    sshio_tri strict_filenames;          /* refuse what a server sends under other names than were asked for; default
                                            yes */
} sshio_scp_options;
#define SSHIO_SCP(...) SSHIO_OPTIONS(sshio_scp_options, __VA_ARGS__)
SSHIO_API void sshio_scp_options_init(sshio_scp_options *options); /* defaults and .size */

/* Copies files, with .recurse directories too, into a directory or to a new path, one after another; NULL as target is
 * the current directory. At least one of the ends is remote; between two remote ones the bytes go through here. Sources
 * on this host may be patterns, as of sshio_sftp_glob; those of a remote one are the other side's. What links lead to
 * is copied, links never are. Each source has a session of its own, and connections that are opened for it are closed
 * again.
 *
 * The progress of an upload names the path here and the path below the directory that is copied ("" for a single file),
 * that of a download the remote name and the path here, and between two hosts both are the remote name. The error
 * handler hears of files that failed, here or there; a broken protocol or connection ends the copy in any case. Without
 * one the first error does. A partial file stays where it is.
 *
 * Waits. SSHIO_ESYSTEM: files of this host. SSHIO_ESFTP_FAILURE: what the other side says. SSHIO_ESFTP_BAD_MESSAGE:
 * what it does is against the protocol, or it sends what nobody asked for. SSHIO_ESFTP_CONNECTION_LOST: it ended too
 * early, with its last words. SSHIO_EINVAL: a bad path, or both are local. SSHIO_ETIMEDOUT. Connecting fails as
 * sshio_connect. The error names source and target. Reference: scp. */
SSHIO_API int sshio_scp(const char *from, const char *to, const sshio_scp_options *options);
/* The same with open connections, and several sources on one side. */
SSHIO_API int sshio_scp_paths(sshio_scp_path from, sshio_scp_path to, const sshio_scp_options *options);

SSHIO_END
#endif
