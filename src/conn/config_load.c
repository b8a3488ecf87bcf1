/* See config_load.h. Names are looked up and files are read on the worker pool; lines are evaluated by the caller. */
#include "conn/config_load.h"

#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config_file.h"
#include "config/text_lines.h"
#include "config/words.h"
#include "conn/sources.h"
#include "crypto/hash.h"
#include "io/worker.h"

#define SYSTEM_DIRECTORY "/etc/ssh/"
#define SHA1_LEN 20

/* ---- files ---- */

struct loading {
    struct config_reader reader;
    struct config_subject subject;
    struct token_values tokens;
    bool of_system; /* the file that was named lies under /etc/ssh */
};

static int read_file(struct config_reader *r, const char *path, struct error *e)
{
    uint8_t *data = NULL;
    size_t len = 0;
    int rc = worker_read_file(path, TEXT_FILE_MAX_LEN, &data, &len, e);

    if (rc == 0)
        rc = config_read(r, SPAN(data, len), path, e);
    mem_free_secret(data, len);
    return rc;
}

struct expansion { /* of one pattern of an Include line, on a worker */
    const char *pattern;
    struct texts files;
};

static int expand_pattern(void *arg)
{
    struct expansion *x = arg;
    glob_t found;
    struct stat st;
    bool ok = true;

    int rc = glob(x->pattern, 0, NULL, &found);
    if (rc == GLOB_NOMATCH)
        return 0;
    for (size_t i = 0; rc == 0 && ok && i < found.gl_pathc; i++)
        if (stat(found.gl_pathv[i], &st) == 0 && S_ISREG(st.st_mode))
            ok = texts_add(&x->files, found.gl_pathv[i]);
    globfree(&found);
    return rc == 0 && ok ? 0 : SSHIO_ENOMEM;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Relative names are those of the directory that has the configurations. NULL = out of memory. */
static char *whole_pattern(const struct loading *loading, const char *pattern)
{
    if (pattern[0] == '/' || pattern[0] == '~')
        return expand_home(pattern);
    char *directory = loading->of_system ? mem_strdup(SYSTEM_DIRECTORY) : expand_home("~/.ssh/");
    size_t size = directory != NULL ? strlen(directory) + strlen(pattern) + 1 : 0;
    char *whole = directory != NULL ? mem_alloc(size) : NULL;
    if (whole != NULL)
        snprintf(whole, size, "%s%s", directory, pattern);
    mem_free(directory);
    return whole;
}

static int include(struct config_reader *r, const char *pattern, struct error *e)
{
    char *whole = whole_pattern(r->world, pattern);
    struct expansion x = { .pattern = whole };
    int rc = whole != NULL ? worker_run(expand_pattern, &x) : SSHIO_ENOMEM;

    if (rc != 0)
        error_set(e, rc, "%s: %s", pattern, sshio_error_text(rc));
    if (rc == 0 && x.files.count != 0)
        qsort(x.files.items, x.files.count, sizeof x.files.items[0], by_bytes);
    for (size_t i = 0; rc == 0 && i < x.files.count; i++)
        rc = read_file(r, x.files.items[i], e);
    texts_done(&x.files);
    mem_free(whole);
    return rc;
}

static int read_source(struct loading *loading, const sshio_source *source, struct error *e)
{
    int rc = 0;

    if (source->data.data != NULL)
        rc = config_read(&loading->reader, SPAN(source->data.data, source->data.len), NULL, e);
    for (size_t i = 0; rc == 0 && source->files != NULL && source->files[i] != NULL; i++) {
        char *path = expand_home(source->files[i]);
        if (path == NULL)
            return error_nomem(e);
        loading->of_system = strncmp(path, SYSTEM_DIRECTORY, strlen(SYSTEM_DIRECTORY)) == 0;
        rc = read_file(&loading->reader, path, e);
        mem_free(path);
    }
    return rc;
}

/* ---- tokens ---- */

struct facts { /* texts that tokens stand for */
    char passwd[4096];
    struct passwd entry;
    char uid[24];
    char host[256]; /* this one */
    char short_host[256];
    char port[12];
    char hash[2 * SHA1_LEN + 1];
    char *home;
};

static const char *get_env(const char *name)
{
    return getenv(name);
}

static int gather_facts(struct facts *facts, struct loading *loading, struct error *e)
{
    struct passwd *found = NULL;
    const char **letters = loading->tokens.letters;

    if (getpwuid_r(getuid(), &facts->entry, facts->passwd, sizeof facts->passwd, &found) == 0 && found != NULL)
        letters['u'] = loading->subject.local_user = found->pw_name;
    facts->home = expand_home("~");
    if (facts->home == NULL)
        return error_nomem(e);
    letters['d'] = facts->home;
    snprintf(facts->uid, sizeof facts->uid, "%lu", (unsigned long)getuid());
    letters['i'] = facts->uid;
    if (gethostname(facts->host, sizeof facts->host - 1) != 0)
        facts->host[0] = '\0';
    letters['l'] = facts->host;
    snprintf(facts->short_host, sizeof facts->short_host, "%.*s", (int)strcspn(facts->host, "."), facts->host);
    letters['L'] = facts->short_host;
    letters['n'] = letters['h'] = loading->subject.host;
    loading->tokens.env = get_env;
    return 0;
}

/* %C: SHA-1 over %l, %h, %p and %r. */
static int hash_names(struct facts *facts, const char **letters, struct error *e)
{
    static const char names[] = "lhpr";
    uint8_t digest[HASH_MAX_LEN];
    struct writer text;

    writer_init(&text, 65536);
    for (const char *name = names; *name != '\0'; name++)
        if (letters[(unsigned char)*name] != NULL)
            put_chars(&text, letters[(unsigned char)*name]);
    bool ok = !writer_failed(&text) && hash_once(hash_find("sha1"), writer_span(&text), digest);
    writer_done(&text);
    if (!ok)
        return error_nomem(e);
    for (size_t i = 0; i < SHA1_LEN; i++)
        snprintf(facts->hash + 2 * i, 3, "%02x", digest[i]);
    letters['C'] = facts->hash;
    return 0;
}

/* What the last line has settled: host, port and user, which a client's configuration has in any case. */
static int settle(struct facts *facts, struct loading *loading, struct error *e)
{
    sshio_config *config = loading->reader.config;
    const char **letters = loading->tokens.letters;
    bool is_client = config->side == CONFIG_CLIENT;
    int rc = 0;

    if (is_client && loading->subject.host != NULL)
        rc = config_preset(config, KEYWORD_HOSTNAME, loading->subject.host, e);
    if (rc == 0 && is_client && loading->subject.local_user != NULL)
        rc = config_preset(config, KEYWORD_USER, loading->subject.local_user, e);
    if (rc != 0)
        return rc;
    letters['h'] = config_host(config, &loading->subject);
    snprintf(facts->port, sizeof facts->port, "%d", (int)config_number(config, KEYWORD_PORT, 22));
    letters['p'] = facts->port;
    letters['r'] = config_text(config, KEYWORD_USER, loading->subject.local_user);
    return hash_names(facts, letters, e);
}

/* The words first, then the tokens in each of them: so no name can add a word. Names that a shell could take for
 * something else are refused all the same, as the command may well be a shell's. */
static int split_proxy_command(struct loading *loading, struct error *e)
{
    sshio_config *config = loading->reader.config;
    const struct config_value *value = &config->values[KEYWORD_PROXY_COMMAND];
    const char *command = config_text(config, KEYWORD_PROXY_COMMAND, NULL);

    if (command == NULL)
        return 0;
    if ((loading->subject.host != NULL && !token_host_is_safe(loading->subject.host)) ||
        (loading->subject.user != NULL && !token_user_is_safe(loading->subject.user)))
        return error_set_file(e, SSHIO_ECONFIG_PARSE, value->filename, value->line, "Unsafe value for token");
    int rc = words_split(command, &config->proxy_words, e);
    if (rc == 0 && config->proxy_words.count == 0)
        rc = error_set_file(e, SSHIO_ECONFIG_PARSE, value->filename, value->line, "Missing ProxyCommand value");
    return rc != 0 ? rc
                   : config_expand_texts(&config->proxy_words, keyword_at(KEYWORD_PROXY_COMMAND)->tokens, value,
                                         &loading->tokens, e);
}

/* ---- all of it ---- */

static int preset(sshio_config *config, const sshio_config_query *query, struct error *e)
{
    char port[12];
    int rc = 0;

    if (config->side != CONFIG_CLIENT)
        return 0;
    if (query->username != NULL)
        rc = config_preset(config, KEYWORD_USER, query->username, e);
    snprintf(port, sizeof port, "%d", query->port);
    if (rc == 0 && query->port > 0)
        rc = config_preset(config, KEYWORD_PORT, port, e);
    return rc;
}

static int evaluate(sshio_config *config, const sshio_source *source, const sshio_config_query *query,
                    struct facts *facts, struct error *e)
{
    struct loading loading = { .subject = { .host = query->host, .user = query->username } };

    loading.reader = (struct config_reader){
        .config = config,
        .subject = &loading.subject,
        .tokens = &loading.tokens,
        .include = include,
        .world = &loading,
    };
    int rc = gather_facts(facts, &loading, e);
    if (rc == 0)
        rc = preset(config, query, e);
    if (rc == 0)
        rc = read_source(&loading, source, e);
    if (rc == 0)
        rc = settle(facts, &loading, e);
    if (rc == 0)
        rc = split_proxy_command(&loading, e);
    return rc == 0 ? config_expand(config, &loading.tokens, e) : rc;
}

int config_load(enum config_side side, const sshio_source *source, const sshio_config_query *query,
                sshio_config **config, struct error *e)
{
    if (source->config != NULL && source->config->side != side)
        return error_set(e, SSHIO_EINVAL, "a configuration of a %s cannot be one of a %s",
                         side == CONFIG_CLIENT ? "server" : "client", side == CONFIG_CLIENT ? "client" : "server");
    if (source->config != NULL) {
        *config = config_ref(source->config);
        return 0;
    }
    sshio_config *made = config_new(side);
    struct facts *facts = mem_zalloc(sizeof *facts);
    int rc = made != NULL && facts != NULL ? 0 : error_nomem(e);
    if (rc == 0) {
        made->strict = query->strict;
        rc = evaluate(made, source, query, facts, e);
    }
    if (facts != NULL)
        mem_free(facts->home);
    mem_free(facts);
    if (rc == 0)
        *config = made;
    else
        config_unref(made);
    return rc;
}
