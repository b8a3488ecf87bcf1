/* sshio keygen: makes keys, shows them, and looks after known_hosts, with ssh-keygen's options, output and exit
 * statuses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "key_text.h"
#include "known_hosts_tool.h"
#include "talk.h"
#include "tools.h"

#define FAILED 255
#define RSA_BITS_DEFAULT 3072

struct settings {
    const char *type, *bits, *file, *passphrase, *comment, *hash, *find, *remove;
    int list, quiet, show_public, hash_hosts;
};

#define AT(field) offsetof(struct settings, field)

static const struct tool_option options[] = {
    { 'B', OPTION_MISSING, NULL, NULL, 0, "fingerprints as words" },
    { 'b', OPTION_TEXT, "bits", NULL, AT(bits), "size of the key" },
    { 'C', OPTION_TEXT, "comment", NULL, AT(comment), "comment of the key; user@host unless said otherwise" },
    { 'c', OPTION_MISSING, NULL, NULL, 0, "changing the comment of a key file" },
    { 'E', OPTION_TEXT, "hash", NULL, AT(hash), "hash of fingerprints: sha256 or md5" },
    { 'e', OPTION_MISSING, NULL, NULL, 0, "writing keys in other formats" },
    { 'F', OPTION_TEXT, "host", NULL, AT(find), "find a host in known_hosts" },
    { 'f', OPTION_TEXT, "file", NULL, AT(file), "key file, or known_hosts file" },
    { 'H', OPTION_COUNT, NULL, NULL, AT(hash_hosts), "hash the names in known_hosts" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'i', OPTION_MISSING, NULL, NULL, 0, "reading keys in other formats" },
    { 'l', OPTION_COUNT, NULL, NULL, AT(list), "show the fingerprints of a file" },
    { 'N', OPTION_TEXT, "passphrase", NULL, AT(passphrase), "passphrase of the new key; only '' so far" },
    { 'p', OPTION_MISSING, NULL, NULL, 0, "changing the passphrase of a key file" },
    { 'q', OPTION_COUNT, NULL, NULL, AT(quiet), "say nothing" },
    { 'R', OPTION_TEXT, "host", NULL, AT(remove), "remove a host from known_hosts" },
    { 't', OPTION_TEXT, "type", NULL, AT(type), "type of the key: ed25519, ecdsa or rsa" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
    { 'y', OPTION_COUNT, NULL, NULL, AT(show_public), "show the public key of a private one" },
};

struct keygen {
    struct account account;
    struct settings settings;
};

/* ---- making keys ---- */

static const struct new_type {
    const char *name;
    const char *algorithm;
    const char *file;
    int bits; /* 0 = of any size, which the row does not fix */
} new_types[] = {
    { "ed25519", "ssh-ed25519", "id_ed25519", 256 },
    { "ssh-ed25519", "ssh-ed25519", "id_ed25519", 256 },
    { "ecdsa", "ecdsa-sha2-nistp256", "id_ecdsa", 256 },
    { "ecdsa", "ecdsa-sha2-nistp384", "id_ecdsa", 384 },
    { "ecdsa", "ecdsa-sha2-nistp521", "id_ecdsa", 521 },
    { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "id_ecdsa", 256 },
    { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "id_ecdsa", 384 },
    { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", "id_ecdsa", 521 },
    { "rsa", "ssh-rsa", "id_rsa", 0 },
    { "ssh-rsa", "ssh-rsa", "id_rsa", 0 },
};

/* Without a size, the first row of a name; ed25519 has no sizes to choose from. */
static const struct new_type *find_type(const char *name, int bits)
{
    const struct new_type *named = NULL;

    for (size_t i = 0; i < sizeof new_types / sizeof new_types[0]; i++) {
        if (strcmp(new_types[i].name, name) != 0)
            continue;
        named = &new_types[i];
        if (bits == 0 || named->bits == 0 || named->bits == bits || strstr(name, "ed25519") != NULL)
            return named;
    }
    if (named != NULL)
        say_line("Invalid ECDSA key length: valid lengths are 256, 384 or 521 bits");
    else
        fprintf(stderr, "unknown key type %s\n", name);
    return NULL;
}

static bool read_bits(const char *text, int *bits)
{
    char *end;

    *bits = 0;
    if (text == NULL)
        return true;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > 1000000) {
        say("Bits has bad value %s", text);
        return false;
    }
    *bits = (int)value;
    return true;
}

static bool check_rsa_bits(int bits)
{
    if (bits >= 2048 && bits <= 16384)
        return true;
    say_line(bits < 2048 ? "Invalid RSA key length: minimum is 2048 bits"
                         : "Invalid RSA key length: maximum is 16384 bits");
    return false;
}

/* Asks on stdin, as ssh-keygen does; false = the answer is not yes. */
static bool may_overwrite(const char *path)
{
    char answer[16];
    struct stat st;

    if (stat(path, &st) != 0)
        return true;
    printf("%s already exists.\nOverwrite (y/n)? ", path);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static char *usual_file(const struct keygen *keygen, const char *file)
{
    char *path = NULL;
    return asprintf(&path, "%s/.ssh/%s", keygen->account.home, file) >= 0 ? path : NULL;
}

/* The file that was named, or one that is asked for. */
static char *choose_file(const struct keygen *keygen, const char *file)
{
    char answer[4096];

    if (keygen->settings.file != NULL)
        return strdup(keygen->settings.file);
    char *path = usual_file(keygen, file);
    if (path == NULL)
        return NULL;
    printf("Enter file in which to save the key (%s): ", path);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        free(path);
        return NULL;
    }
    answer[strcspn(answer, "\n")] = '\0';
    if (answer[0] == '\0')
        return path;
    free(path);
    return strdup(answer);
}

static char *choose_comment(const struct keygen *keygen)
{
    char host[256] = "";
    char *comment = NULL;

    if (keygen->settings.comment != NULL)
        return strdup(keygen->settings.comment);
    gethostname(host, sizeof host - 1);
    return asprintf(&comment, "%s@%s", keygen->account.name, host) >= 0 ? comment : NULL;
}

static int save(const struct keygen *keygen, const sshio_key *key, const char *path)
{
    char *public_path = NULL;
    char *fingerprint = NULL;
    int rc = sshio_key_write_private_key(key, path, NULL);

    if (rc == 0 && asprintf(&public_path, "%s.pub", path) < 0)
        return FAILED;
    if (rc == 0)
        rc = sshio_key_write_public_key(key, public_path, SSHIO_FORMAT_OPENSSH);
    if (rc == 0)
        rc = sshio_key_get_fingerprint(key, keygen->settings.hash, &fingerprint);
    if (rc != 0) {
        say("Saving key \"%s\" failed: %s", path, sshio_error_message());
    } else if (keygen->settings.quiet == 0) {
        const char *comment = sshio_key_get_comment(key);
        printf("Your identification has been saved in %s\nYour public key has been saved in %s\n"
               "The key fingerprint is:\n%s %s\n",
               path, public_path, fingerprint, comment != NULL ? comment : "");
    }
    free(public_path);
    sshio_free(fingerprint);
    return rc == 0 ? 0 : FAILED;
}

static int make_and_save(const struct keygen *keygen, const struct new_type *type, int bits, const char *path)
{
    sshio_key *key = NULL;
    char *comment = choose_comment(keygen);

    if (!may_overwrite(path)) {
        free(comment);
        return 1;
    }
    int rc = sshio_generate_private_key(type->algorithm, SSHIO_GENERATE(.comment = comment, .key_size = bits), &key);
    int status = FAILED;
    if (rc == 0)
        status = save(keygen, key, path);
    else
        say("%s", sshio_error_message());
    sshio_key_unref(key);
    free(comment);
    return status;
}

static int generate(const struct keygen *keygen)
{
    const struct settings *s = &keygen->settings;
    const char *name = s->type != NULL ? s->type : "ed25519";
    int bits;

    if (!read_bits(s->bits, &bits))
        return FAILED;
    const struct new_type *type = find_type(name, bits);
    if (type == NULL)
        return FAILED;
    bool is_rsa = type->bits == 0;
    if (is_rsa && bits == 0)
        bits = RSA_BITS_DEFAULT;
    if (is_rsa && !check_rsa_bits(bits))
        return FAILED;
    if (s->passphrase == NULL || s->passphrase[0] != '\0') {
        say("passphrases are not supported yet: use -N ''");
        return FAILED;
    }
    if (s->quiet == 0)
        printf("Generating public/private %s key pair.\n", name);
    char *path = choose_file(keygen, type->file);
    int status = path != NULL ? make_and_save(keygen, type, is_rsa ? bits : 0, path) : 1;
    free(path);
    return status;
}

/* ---- showing keys ---- */

static int show_public(const char *path)
{
    sshio_key *key = NULL;
    sshio_bytes text = { NULL, 0 };

    if (access(path, R_OK) != 0) {
        say_line_about("", path, errno);
        return FAILED;
    }
    if (sshio_read_private_key(path, NULL, &key) != 0 ||
        sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &text) != 0)
        say("Load key \"%s\": %s", path, sshio_error_message());
    else
        fwrite(text.data, 1, text.len, stdout);
    bool ok = text.data != NULL;
    sshio_bytes_free(&text);
    sshio_key_unref(key);
    return ok ? 0 : FAILED;
}

/* A key at the beginning of the line, or behind what authorized_keys and known_hosts have before it. */
static sshio_key *key_of_line(const char *line, const char **before, size_t *before_len)
{
    sshio_key *key = NULL;
    const char *at = line + strspn(line, " \t");

    *before_len = 0;
    if (*at == '@') /* a line of known_hosts that trusts no key */
        return NULL;
    for (int field = 0; field < 3 && *at != '\0' && *at != '#'; field++) {
        if (sshio_import_public_key(at, strlen(at), &key) == 0)
            return key;
        size_t len = strcspn(at, " \t");
        *before = at;
        *before_len = len;
        at += len;
        at += strspn(at, " \t");
    }
    return NULL;
}

static bool list_line(const struct keygen *keygen, const char *line)
{
    const char *before = NULL;
    size_t before_len = 0;
    sshio_key *key = key_of_line(line, &before, &before_len);
    char *names = key != NULL && before_len != 0 ? strndup(before, before_len) : NULL;
    const char *comment = key != NULL ? sshio_key_get_comment(key) : NULL;
    bool shown = key != NULL && key_print_fingerprint(key, keygen->settings.hash, comment != NULL ? comment : names);

    free(names);
    sshio_key_unref(key);
    return shown;
}

static bool list_lines(const struct keygen *keygen, FILE *from)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool any = false;

    while ((len = getline(&line, &size, from)) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        any |= list_line(keygen, line);
    }
    free(line);
    return any;
}

/* The public half beside a private key file, which has its comment; else the one in it, which OpenSSH's format shows
 * also when the rest is encrypted. */
static bool list_private(const struct keygen *keygen, const char *path)
{
    sshio_key *key = NULL;
    char *beside = NULL;
    FILE *from = asprintf(&beside, "%s.pub", path) >= 0 ? fopen(beside, "re") : NULL;
    bool shown = from != NULL && list_lines(keygen, from);

    if (from != NULL)
        fclose(from);
    free(beside);
    if (!shown && sshio_read_public_key(path, &key) == 0)
        shown = key_print_fingerprint(key, keygen->settings.hash, NULL);
    sshio_key_unref(key);
    return shown;
}

static int list(const struct keygen *keygen, const char *path)
{
    FILE *from = fopen(path, "re");

    if (from == NULL) {
        say("%s: %s", path, strerror(errno));
        return FAILED;
    }
    bool shown = list_lines(keygen, from);
    fclose(from);
    if (shown || list_private(keygen, path))
        return 0;
    char text[4200];
    snprintf(text, sizeof text, "%.4000s is not a public key file.", path);
    say_line(text);
    return FAILED;
}

/* ---- all of it ---- */

static int look_after_hosts(const struct keygen *keygen)
{
    const struct settings *s = &keygen->settings;
    char *path = s->file != NULL ? strdup(s->file) : usual_file(keygen, "known_hosts");
    int status = FAILED;

    if (path == NULL)
        return FAILED;
    if (s->find != NULL)
        status = known_hosts_find(path, s->find, s->list > 0, s->quiet > 0);
    else if (s->remove != NULL)
        status = known_hosts_remove(path, s->remove, s->quiet > 0);
    else
        status = known_hosts_hash(path, s->quiet > 0);
    free(path);
    return status;
}

static int run_action(const struct keygen *keygen)
{
    const struct settings *s = &keygen->settings;

    if (s->find != NULL || s->remove != NULL || s->hash_hosts > 0)
        return look_after_hosts(keygen);
    if (s->list == 0 && s->show_public == 0)
        return generate(keygen);
    char *path = s->file != NULL ? strdup(s->file) : usual_file(keygen, "id_ed25519");
    int status = path == NULL ? FAILED : s->show_public > 0 ? show_public(path) : list(keygen, path);
    free(path);
    return status;
}

static int run_keygen(int argc, char **argv)
{
    struct keygen keygen = { .settings = { .list = 0 } };
    struct config_lines lines = { .text = NULL };
    struct command_line line = {
        .tool = &tool_keygen,
        .argc = argc,
        .argv = argv,
        .next = 1,
        .settings = &keygen.settings,
        .lines = &lines,
    };
    int status;

    if (!options_take(&line, &status))
        return status;
    if (line.next < argc) {
        say("Too many arguments.");
        options_usage(&tool_keygen, stderr);
        return 1;
    }
    if (!account_load(&keygen.account, getenv("HOME"))) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return FAILED;
    }
    talk_set_log(NULL, 0, true);
    status = run_action(&keygen);
    account_done(&keygen.account);
    return status;
}

const struct tool tool_keygen = {
    .name = "keygen",
    .summary = "make keys, show them, and look after known_hosts",
    .operands = "",
    .failed = 1,
    .run = run_keygen,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
