/* What the operations of the client share. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "bench.h"

struct client {
    const struct bench_args *args;
    sshio_key *key;
    sshio_conn *conn;
};

int client_connect(struct client *client, sshio_conn **conn);
int client_bad_word(const char *word); /* that should be a number: the error */
void client_sort_samples(double *samples, size_t count);
int client_hold(void); /* leaves everything as it is, to be looked at, until stdin ends */

int client_run_crowd(struct client *client);
int client_run_sftp_get(struct client *client);
int client_run_sftp_put(struct client *client);
int client_run_sftp_list(struct client *client);

#endif
