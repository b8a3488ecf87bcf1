/* See known_hosts_tool.h. The file is walked line by line, and the library asked about each line alone: so comments,
 * and lines that it does not understand, stay as they are. */
#include "known_hosts_tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sshio.h>

#include "key_text.h"
#include "talk.h"

#define FAILED 255

struct entry { /* one line */
    int number;
    char *line;         /* as it stands there, without its end */
    const char *marker; /* what is said of it: "", " CA", " REVOKED" */
    char *hosts;        /* its first field behind the marker */
    sshio_key *key;     /* NULL = it is a comment, or a line that is not understood */
    bool matches;
};

struct walk {
    const char *path;
    const char *host; /* NULL = none is looked for */
    void (*visit)(struct walk *walk, const struct entry *entry);
    FILE *to; /* the new file; NULL = it stays as it is */
    char *to_path;
    bool fingerprints, quiet, failed;
    int found, unhashed;
};

static const struct {
    const char *word;
    const char *note;
} markers[] = {
    { "@cert-authority", " CA" },
    { "@revoked", " REVOKED" },
};

/* Whether this host is one of the line, whatever its marker says of the key. */
static bool line_matches(const char *line, const char *host, const sshio_key *key)
{
    sshio_known_hosts *known = NULL;
    bool matches = sshio_import_known_hosts(line, strlen(line), &known) == 0 &&
                   sshio_known_hosts_status(known, host, NULL, 0, key) == SSHIO_HOST_OK;
    sshio_known_hosts_unref(known);
    return matches;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

static void parse_entry(struct entry *entry, const char *host)
{
    const char *at = skip_blanks(entry->line);

    entry->marker = "";
    for (size_t i = 0; i < sizeof markers / sizeof markers[0]; i++) {
        size_t len = strlen(markers[i].word);
        if (strncmp(at, markers[i].word, len) == 0 && (at[len] == ' ' || at[len] == '\t')) {
            entry->marker = markers[i].note;
            at = skip_blanks(at + len);
        }
    }
    size_t len = strcspn(at, " \t");
    if (*at == '\0' || *at == '#')
        return;
    const char *key = skip_blanks(at + len);
    entry->hosts = strndup(at, len);
    if (entry->hosts == NULL || sshio_import_public_key(key, strlen(key), &entry->key) != 0)
        entry->key = NULL;
    entry->matches = entry->key != NULL && host != NULL && line_matches(at, host, entry->key);
}

static bool walk_lines(struct walk *walk)
{
    FILE *from = fopen(walk->path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int number = 0;

    if (from == NULL) {
        say_line_about("Cannot stat", walk->path, errno);
        return false;
    }
    while ((len = getline(&line, &size, from)) >= 0) {
        struct entry entry = { .number = ++number, .line = line };
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = '\0';
        parse_entry(&entry, walk->host);
        walk->visit(walk, &entry);
        free(entry.hosts);
        sshio_key_unref(entry.key);
    }
    if (ferror(from))
        walk->failed = true;
    free(line);
    fclose(from);
    return !walk->failed;
}

/* ---- find ---- */

static void print_found(struct walk *walk, const struct entry *entry)
{
    if (!entry->matches)
        return;
    walk->found++;
    if (!walk->quiet)
        printf("# Host %s found: line %d%s\n", walk->host, entry->number,
               entry->marker[0] != '\0' ? entry->marker : " ");
    if (!walk->fingerprints) {
        puts(entry->line);
        return;
    }
    char *fingerprint = NULL;
    if (sshio_key_get_fingerprint(entry->key, NULL, &fingerprint) == 0) {
        const char *comment = sshio_key_get_comment(entry->key);
        printf("%s %s %s%s%s\n", walk->host, key_type_name(entry->key), fingerprint, comment != NULL ? " " : "",
               comment != NULL ? comment : "");
    }
    sshio_free(fingerprint);
}

int known_hosts_find(const char *path, const char *host, bool fingerprints, bool quiet)
{
    struct walk walk = {
        .path = path, .host = host, .visit = print_found, .fingerprints = fingerprints, .quiet = quiet
    };

    if (!walk_lines(&walk))
        return FAILED;
    return walk.found != 0 ? 0 : 1;
}

/* ---- writing the file anew ---- */

static bool open_new(struct walk *walk)
{
    if (asprintf(&walk->to_path, "%s.XXXXXXXXXX", walk->path) < 0) {
        walk->to_path = NULL;
        return false;
    }
    int fd = mkstemp(walk->to_path);
    walk->to = fd >= 0 ? fdopen(fd, "ae") : NULL;
    if (walk->to == NULL)
        say_line_about("mkstemp:", walk->to_path, errno);
    return walk->to != NULL;
}

static bool put_in_place(const struct walk *walk, const char *old)
{
    if (unlink(old) != 0 && errno != ENOENT)
        return false;
    return link(walk->path, old) == 0 && rename(walk->to_path, walk->path) == 0;
}

static bool finish_new(struct walk *walk)
{
    char *old = NULL;
    bool ok = fflush(walk->to) == 0 && !ferror(walk->to) && fsync(fileno(walk->to)) == 0 &&
              asprintf(&old, "%s.old", walk->path) >= 0 && put_in_place(walk, old);

    if (!ok)
        say_line_about("Cannot replace", walk->path, errno);
    else if (!walk->quiet)
        printf("%s updated.\nOriginal contents retained as %s\n", walk->path, old);
    if (ok && walk->unhashed != 0 && !walk->quiet)
        fprintf(stderr, "WARNING: %s contains unhashed entries\nDelete this file to ensure privacy of hostnames\n",
                old);
    free(old);
    return ok;
}

/* Walks the file and writes a new one, which takes its place if something was found. */
static int rewrite(struct walk *walk)
{
    struct stat st;

    if (stat(walk->path, &st) != 0) {
        say_line_about("Cannot stat", walk->path, errno);
        return FAILED;
    }
    bool ok = open_new(walk) && walk_lines(walk);
    if (ok && walk->found != 0)
        ok = finish_new(walk);
    if (walk->to != NULL)
        fclose(walk->to);
    if (walk->to_path != NULL && (!ok || walk->found == 0))
        unlink(walk->to_path);
    free(walk->to_path);
    return ok ? 0 : FAILED;
}

/* As ssh-keygen, which takes away neither what is revoked nor authorities. */
static void drop_found(struct walk *walk, const struct entry *entry)
{
    if (!entry->matches || entry->marker[0] != '\0') {
        fprintf(walk->to, "%s\n", entry->line);
        return;
    }
    walk->found++;
    if (!walk->quiet)
        printf("# Host %s found: line %d\n", walk->host, entry->number);
}

int known_hosts_remove(const char *path, const char *host, bool quiet)
{
    struct walk walk = { .path = path, .host = host, .visit = drop_found, .quiet = quiet };
    int status = rewrite(&walk);

    if (status == 0 && walk.found == 0)
        fprintf(stderr, "Host %s not found in %s\n", host, path);
    return status;
}

/* ---- hash ---- */

static void hash_names(struct walk *walk, const struct entry *entry)
{
    char *rest = entry->hosts;

    walk->found++;
    walk->unhashed++;
    fflush(walk->to);
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (name[0] == '\0' || sshio_add_known_host(walk->to_path, name, 0, entry->key, true) == 0)
            continue;
        say("%s", sshio_error_message());
        walk->failed = true;
    }
    fseek(walk->to, 0, SEEK_END);
}

static void hash_entry(struct walk *walk, const struct entry *entry)
{
    bool is_name = entry->key != NULL && entry->hosts[0] != '|';
    bool has_wildcard = is_name && strpbrk(entry->hosts, "*?!") != NULL;

    if (has_wildcard && !walk->quiet)
        fprintf(stderr, "%s:%d: ignoring host name with wildcard: %s\n", walk->path, entry->number, entry->hosts);
    if (is_name && !has_wildcard && entry->marker[0] == '\0')
        hash_names(walk, entry);
    else
        fprintf(walk->to, "%s\n", entry->line);
}

int known_hosts_hash(const char *path, bool quiet)
{
    struct walk walk = { .path = path, .visit = hash_entry, .quiet = quiet };
    return rewrite(&walk);
}
