/* The files of an SFTP server for SCP: all goes through its handlers, its root and its rules. */
#ifndef SSHIO_SCP_SERVER_FILES_H
#define SSHIO_SCP_SERVER_FILES_H

#include "scp/job.h"
#include "sftp/glob.h"
#include "sftp/server.h"

void server_files_init(struct scp_files *files, sshio_sftp_server *server);
/* Waits. What a source's path stands for: itself if it is there, else what matches. As glob_expand. */
int server_files_expand(struct scp_files *files, const char *path, struct glob_list *list);

#endif
