/* The progress of transfers on a terminal, as OpenSSH's tools show it, and a limit of their rate. */
#ifndef SSHIO_TOOLS_METER_H
#define SSHIO_TOOLS_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sshio.h>

struct meter {
    bool shown;
    uint64_t limit; /* bytes a second; 0 = none */
    /* the file that is under way */
    char *path;
    double began, drawn; /* s */
    uint64_t bytes, last_bytes;
    double rate;  /* bytes a second, smoothed */
    double paced; /* since when the limit is reckoned */
    uint64_t paced_bytes;
};

/* As the progress handler of a transfer, whose user is a struct meter. Sleeps where the limit wants it. */
int meter_progress(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user);
/* To be called before a transfer, and behind it: what a broken one has shown stays, on a line of its own. */
void meter_start(struct meter *meter);
void meter_end(struct meter *meter);
void meter_done(struct meter *meter);

/* One line, without line end, of at most columns. elapsed < 0: the file is not complete, and rate says when it will be.
 */
void meter_format(char *line, size_t size, int columns, const char *name, uint64_t bytes, uint64_t total, double rate,
                  double elapsed);
/* "3B", "4.0K", "21.6G", "252G": as ls -h and df -h have it. */
void meter_format_size(char *text, size_t size, uint64_t bytes);

#endif
