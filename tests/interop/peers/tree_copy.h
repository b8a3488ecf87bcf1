/* Copies of trees between the disk and a server, for the clients on libssh and libssh2. */
#ifndef TREE_COPY_H
#define TREE_COPY_H

#include <stddef.h>
#include <stdint.h>

struct found {
    enum { FOUND_FILE, FOUND_FOLDER, FOUND_LINK } kind;
    uint32_t mode; /* permissions alone */
    uint32_t mtime;
};

struct names {
    char **items;
    size_t count;
};

/* One end of a copy. Every function ends the program when it fails; texts and data are the caller's. */
struct side {
    void *server; /* of all of them, the first argument */
    struct found (*look)(void *server, const char *path);
    char *(*read_link)(void *server, const char *path);
    void (*make_link)(void *server, const char *text, const char *path);
    struct names (*list)(void *server, const char *path); /* without "." and ".." */
    void (*make_folder)(void *server, const char *path);
    char *(*read_file)(void *server, const char *path, size_t *len);
    void (*write_file)(void *server, const char *path, const char *data, size_t len);
    void (*set)(void *server, const char *path, const struct found *found);
};

extern const struct side disk;

/* Content, links, permissions and times. */
void copy_tree(const struct side *from, const struct side *to, const char *source, const char *target);

void names_add(struct names *names, const char *name);
void *must_alloc(void *block, size_t size); /* as realloc */
char *random_data(size_t len);

/* put LOCAL REMOTE, or get REMOTE LOCAL. */
void do_copy(const struct side *remote, char **words);

/* Ends the program where the disk has something else. */
void expect(int true_here, const char *what);
void expect_file(const char *path, const char *data, size_t len);
void expect_link(const char *path, const char *text);

/* FOLDER "/" NAME, in one of four places that are used in turn. */
const char *in(const char *folder, const char *name);

#endif
