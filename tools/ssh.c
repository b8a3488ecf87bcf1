/* sshio ssh: runs a command or a shell on another host, with this program's stdin, stdout and stderr. The exit status
 * is the command's; it is 255 when something on the way failed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "options.h"
#include "talk.h"
#include "tools.h"

#define EXIT_OWN_FAILURE 255

struct settings {
    int verbose;
    int no_input;
    const char *config_file;
};

static const struct tool_option options[] = {
    { 'a', OPTION_ACCEPTED, NULL, NULL, 0, "no agent forwarding (there is none)" },
    { 'C', OPTION_SETTING, NULL, "Compression=yes", 0, "compress what is sent and received" },
    { 'F', OPTION_TEXT, "file", NULL, offsetof(struct settings, config_file), "config file; only \"none\" so far" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'i', OPTION_KEYWORD, "file", "IdentityFile", 0, "private key to log in with; may be repeated" },
    { 'l', OPTION_KEYWORD, "user", "User", 0, "user to log in as" },
    { 'n', OPTION_COUNT, NULL, NULL, offsetof(struct settings, no_input), "no stdin: the command reads an empty one" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to connect to; 22 unless said otherwise" },
    { 'q', OPTION_SETTING, NULL, "LogLevel=QUIET", 0, "no warnings" },
    { 'T', OPTION_ACCEPTED, NULL, NULL, 0, "no terminal (none is asked for)" },
    { 'v', OPTION_COUNT, NULL, NULL, offsetof(struct settings, verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
    { 'x', OPTION_ACCEPTED, NULL, NULL, 0, "no X11 forwarding (there is none)" },
};

struct client {
    struct account account;
    struct settings settings;
    sshio_config *config;
    const char *host;
    char *command;            /* NULL = a shell */
    sshio_keyref *keys;       /* loaded; ends with an empty one */
    const char **known_hosts; /* files that exist; ends with NULL */
};

static const char *get(const struct client *client, const char *keyword, const char *fallback)
{
    const char *const *values = sshio_config_get(client->config, keyword);
    if (values == NULL)
        return fallback;
    return values[0];
}

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL)
        count++;
    return count;
}

/* ---- the command line ---- */

/* "user@host": the user counts unless one was given before. */
static bool set_destination(struct client *client, char *destination)
{
    char *at = strrchr(destination, '@');

    client->host = at != NULL ? at + 1 : destination;
    if (at == destination || client->host[0] == '\0') {
        say("no host in \"%s\"", destination);
        return false;
    }
    if (at == NULL)
        return true;
    *at = '\0';
    if (options_set_keyword(client->config, "User", destination) == 0)
        return true;
    say("%s", sshio_error_message());
    return false;
}

/* The words with one space between them, as the other side's shell gets them. */
static char *join_words(int count, char **words)
{
    size_t size = 1;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = calloc(1, size);
    if (text == NULL)
        return NULL;
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%s", i != 0 ? " " : "", words[i]);
    return text;
}

static bool check_settings(const struct client *client)
{
    const char *checking = get(client, "StrictHostKeyChecking", "yes");

    if (client->settings.config_file != NULL && strcmp(client->settings.config_file, "none") != 0) {
        say("-F %s: config files are not read yet, only \"none\"", client->settings.config_file);
        return false;
    }
    if (strcmp(checking, "ask") == 0 || strcmp(checking, "accept-new") == 0) {
        say("StrictHostKeyChecking %s is not supported yet: use yes or no", checking);
        return false;
    }
    return true;
}

/* Options may stand before and after the destination; the first other word after it begins the command. */
static bool parse_command_line(struct client *client, int argc, char **argv, int *status)
{
    struct command_line line = {
        .tool = &tool_ssh,
        .argc = argc,
        .argv = argv,
        .next = 1,
        .settings = &client->settings,
        .config = client->config,
    };

    *status = EXIT_OWN_FAILURE;
    if (!options_take(&line, status))
        return false;
    if (line.next == argc) {
        options_usage(&tool_ssh, stderr);
        return false;
    }
    if (!set_destination(client, argv[line.next++]))
        return false;
    line.ended = false;
    if (!options_take(&line, status))
        return false;
    if (line.next < argc) {
        client->command = join_words(argc - line.next, argv + line.next);
        if (client->command == NULL)
            return false;
    }
    return check_settings(client);
}

/* ---- keys and known hosts ---- */

static const char *const default_keys[] = { "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", NULL };
static const char *const default_known_hosts[] = { "~/.ssh/known_hosts", NULL };

/* A key that cannot be loaded is passed over: another one may do. Only those that were asked for are worth a warning.
 */
static sshio_key *load_key(const struct client *client, const char *name, bool asked_for)
{
    char *path = path_expand(&client->account, name);
    sshio_key *key = NULL;

    if (path == NULL)
        return NULL;
    if (access(path, F_OK) != 0) {
        if (asked_for && !talk_is_silenced())
            say("Warning: Identity file %s not accessible: %s.", path, strerror(errno));
    } else if (sshio_read_private_key(path, NULL, &key) != 0 && !talk_is_silenced()) {
        say("Load key \"%s\": %s", path, sshio_error_message());
    }
    free(path);
    return key;
}

static bool load_keys(struct client *client)
{
    const char *const *files = sshio_config_get(client->config, "IdentityFile");
    bool asked_for = files != NULL;
    if (files == NULL)
        files = default_keys;
    client->keys = calloc(count_texts(files) + 1, sizeof *client->keys);
    if (client->keys == NULL)
        return false;
    size_t count = 0;
    for (size_t i = 0; files[i] != NULL; i++) {
        client->keys[count].key = load_key(client, files[i], asked_for);
        count += client->keys[count].key != NULL;
    }
    return true;
}

static void forget_keys(struct client *client)
{
    for (size_t i = 0; client->keys != NULL && client->keys[i].key != NULL; i++)
        sshio_key_unref(client->keys[i].key);
    free(client->keys);
}

/* Adds the files of a list. One that does not exist knows nobody; neither does the null device, which people name to
 * have nothing written. */
static bool add_known_hosts(struct client *client, const char *const *files, size_t *count)
{
    for (size_t i = 0; files[i] != NULL; i++) {
        char *path = path_expand(&client->account, files[i]);
        if (path == NULL)
            return false;
        bool is_there = access(path, F_OK) == 0 && strcmp(path, "/dev/null") != 0;
        free(path);
        if (is_there)
            client->known_hosts[(*count)++] = files[i];
    }
    return true;
}

static bool list_known_hosts(struct client *client)
{
    static const char *const none[] = { NULL };
    const char *const *own = sshio_config_get(client->config, "UserKnownHostsFile");
    const char *const *global = sshio_config_get(client->config, "GlobalKnownHostsFile");
    size_t count = 0;

    if (own == NULL)
        own = default_known_hosts;
    if (global == NULL)
        global = none;
    client->known_hosts = calloc(count_texts(own) + count_texts(global) + 1, sizeof *client->known_hosts);
    return client->known_hosts != NULL && add_known_hosts(client, own, &count) &&
           add_known_hosts(client, global, &count);
}

/* ---- the connection ---- */

static void show_banner(sshio_conn *conn, const char *msg, const char *lang, void *user)
{
    (void)conn;
    (void)lang;
    (void)user;
    if (!talk_is_silenced())
        say_line(msg);
}

static const sshio_client_handlers handlers = { .auth_banner_received = show_banner };

static void explain_failure(const struct client *client, int rc)
{
    say("%s", sshio_error_message());
    if (rc == SSHIO_EHOST_KEY_NOT_VERIFIABLE) {
        const char *const *files = sshio_config_get(client->config, "UserKnownHostsFile");
        say("known hosts are read from %s; -o StrictHostKeyChecking=no goes on without knowing who answers.",
            files != NULL && files[0] != NULL ? files[0] : default_known_hosts[0]);
        say_line("Host key verification failed.");
    }
}

static bool checks_host_keys(const struct client *client)
{
    const char *checking = get(client, "StrictHostKeyChecking", "yes");
    return strcmp(checking, "no") != 0 && strcmp(checking, "false") != 0 && strcmp(checking, "off") != 0;
}

static int open_connection(const struct client *client, sshio_conn **conn)
{
    const sshio_source source = { .files = client->known_hosts };
    sshio_client_options arguments;

    sshio_client_options_init(&arguments);
    arguments.username = get(client, "User", client->account.name);
    arguments.port = atoi(get(client, "Port", "22"));
    arguments.client_keys = client->keys;
    arguments.known_hosts = checks_host_keys(client) ? &source : SSHIO_NONE;
    arguments.handlers = &handlers;
    arguments.preferred_auth = get(client, "PreferredAuthentications", NULL);
    arguments.public_key_auth = options_tri(client->config, "PubkeyAuthentication");
    arguments.password_auth = options_tri(client->config, "PasswordAuthentication");
    arguments.kbdint_auth = options_tri(client->config, "KbdInteractiveAuthentication");
    arguments.encryption_algs = get(client, "Ciphers", NULL);
    arguments.mac_algs = options_selection(client->config, "MACs");
    arguments.compression_algs = options_compression(client->config);
    arguments.kex_algs = get(client, "KexAlgorithms", NULL);
    arguments.rekey_limit = get(client, "RekeyLimit", NULL);
    arguments.server_host_key_algs = get(client, "HostKeyAlgorithms", NULL);
    arguments.signature_algs = get(client, "PubkeyAcceptedAlgorithms", NULL);
    arguments.required_rsa_size = atoi(get(client, "RequiredRSASize", "0"));
    return sshio_connect(client->host, &arguments, conn);
}

/* 255 also for a command that ended by a signal, and for one that sent no status. */
static int run_command(const struct client *client, sshio_conn *conn)
{
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    sshio_session_options arguments;

    sshio_session_options_init(&arguments);
    arguments.command = client->command != NULL ? client->command : SSHIO_NONE;
    arguments.in = client->settings.no_input > 0 ? (sshio_io)SSHIO_DEVNULL : (sshio_io)SSHIO_FD(STDIN_FILENO);
    arguments.out = (sshio_io)SSHIO_FD(STDOUT_FILENO);
    arguments.err = (sshio_io)SSHIO_FD(STDERR_FILENO);
    int rc = sshio_create_process(conn, &arguments, &process);
    if (rc == 0)
        rc = sshio_client_process_wait(process, false, 0, &result);
    if (rc != 0)
        say("%s", sshio_error_message());
    int status = rc == 0 && result->exit_status >= 0 ? result->exit_status : EXIT_OWN_FAILURE;
    sshio_result_free(result);
    sshio_client_process_unref(process);
    return status;
}

static int connect_and_run(const struct client *client)
{
    sshio_conn *conn = NULL;
    int rc = open_connection(client, &conn);
    if (rc != 0) {
        explain_failure(client, rc);
        return EXIT_OWN_FAILURE;
    }
    int status = run_command(client, conn);
    sshio_conn_unref(conn);
    return status;
}

static int run_client(struct client *client, int argc, char **argv)
{
    int status;

    if (!parse_command_line(client, argc, argv, &status))
        return status;
    talk_set_log(client->config, client->settings.verbose, true);
    if (!account_load(&client->account, getenv("HOME"))) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return EXIT_OWN_FAILURE;
    }
    if (!load_keys(client) || !list_known_hosts(client)) {
        say("out of memory");
        return EXIT_OWN_FAILURE;
    }
    return connect_and_run(client);
}

static int run_ssh(int argc, char **argv)
{
    struct client client = { .host = NULL };

    signal(SIGPIPE, SIG_IGN);
    if (sshio_config_new_client(&client.config) != 0)
        return EXIT_OWN_FAILURE;
    int status = run_client(&client, argc, argv);
    forget_keys(&client);
    free(client.known_hosts);
    free(client.command);
    account_done(&client.account);
    sshio_config_unref(client.config);
    return status;
}

const struct tool tool_ssh = {
    .name = "ssh",
    .summary = "run a command on another host",
    .operands = "[user@]host [command [argument ...]]",
    .failed = EXIT_OWN_FAILURE,
    .run = run_ssh,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
