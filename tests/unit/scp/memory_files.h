/* A file system in memory, and a wire in memory, for the jobs of SCP: what the other side says is a text, and what we
 * say is kept. */
#ifndef SSHIO_TESTS_MEMORY_FILES_H
#define SSHIO_TESTS_MEMORY_FILES_H

#include "scp/job.h"

#define MEMORY_NODES 256u
#define MEMORY_CONTENT 65536u

struct memory_node {
    char *path; /* "dir/file"; NULL = unused */
    struct scp_attrs attrs;
    uint8_t *content;
    size_t len;
    bool refuses;      /* opening and creating it fails */
    bool short_by_one; /* it ends one byte before its size */
};

struct memory_files {
    struct scp_files files;
    struct memory_node nodes[MEMORY_NODES];
    size_t count;
    unsigned open;  /* nodes that were handed out and not closed */
    char name[256]; /* the entry that `next` lent */
};

struct memory_wire {
    struct scp_wire wire;
    struct span in; /* what is left of what the other side says */
    struct writer out;
};

void memory_files_init(struct memory_files *m);
void memory_files_done(struct memory_files *m);
struct memory_node *memory_add_file(struct memory_files *m, const char *path, const char *content);
struct memory_node *memory_add_directory(struct memory_files *m, const char *path);
struct memory_node *memory_find(struct memory_files *m, const char *path); /* NULL = it is not there */

void memory_wire_init(struct memory_wire *w, struct span says);
void memory_wire_done(struct memory_wire *w);

#endif
