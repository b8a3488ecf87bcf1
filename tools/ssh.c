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
    int no_command;
    int subsystem;
    int show_config;
    const char *config_file;
    const char *query;
};

static const struct tool_option options[] = {
    { '2', OPTION_ACCEPTED, NULL, NULL, 0, "SSH 2 (there is no other)" },
    { '4', OPTION_SETTING, NULL, "AddressFamily=inet", 0, "IPv4 only" },
    { '6', OPTION_SETTING, NULL, "AddressFamily=inet6", 0, "IPv6 only" },
    { 'A', OPTION_MISSING, NULL, NULL, 0, "agent forwarding" },
    { 'a', OPTION_ACCEPTED, NULL, NULL, 0, "no agent forwarding (there is none)" },
    { 'b', OPTION_KEYWORD, "address", "BindAddress", 0, "local address of the connection" },
    { 'C', OPTION_SETTING, NULL, "Compression=yes", 0, "compress what is sent and received" },
    { 'c', OPTION_KEYWORD, "ciphers", "Ciphers", 0, "encryption algorithms" },
    { 'D', OPTION_MISSING, "port", NULL, 0, "forwarding as a SOCKS proxy" },
    { 'e', OPTION_KEYWORD, "char", "EscapeChar", 0, "escape character of terminals, or none" },
    { 'F', OPTION_TEXT, "file", NULL, offsetof(struct settings, config_file),
      "config file instead of the usual ones, or none" },
    { 'f', OPTION_MISSING, NULL, NULL, 0, "going to the background" },
    { 'G', OPTION_COUNT, NULL, NULL, offsetof(struct settings, show_config),
      "print the configuration for this host, and connect to nothing" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'i', OPTION_KEYWORD, "file", "IdentityFile", 0, "private key to log in with; may be repeated" },
    { 'J', OPTION_KEYWORD, "hosts", "ProxyJump", 0, "hosts to connect through" },
    { 'K', OPTION_MISSING, NULL, NULL, 0, "GSSAPI" },
    { 'k', OPTION_ACCEPTED, NULL, NULL, 0, "no GSSAPI credentials (there are none)" },
    { 'L', OPTION_MISSING, "address", NULL, 0, "forwarding of local ports" },
    { 'l', OPTION_KEYWORD, "user", "User", 0, "user to log in as" },
    { 'M', OPTION_MISSING, NULL, NULL, 0, "sharing of connections" },
    { 'm', OPTION_KEYWORD, "macs", "MACs", 0, "message authentication codes" },
    { 'N', OPTION_COUNT, NULL, NULL, offsetof(struct settings, no_command), "run no command" },
    { 'n', OPTION_COUNT, NULL, NULL, offsetof(struct settings, no_input), "no stdin: the command reads an empty one" },
    { 'O', OPTION_MISSING, "command", NULL, 0, "sharing of connections" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to connect to; 22 unless said otherwise" },
    { 'Q', OPTION_TEXT, "kind", NULL, offsetof(struct settings, query),
      "print the algorithms of a kind; \"help\" lists them" },
    { 'q', OPTION_SETTING, NULL, "LogLevel=QUIET", 0, "no warnings" },
    { 'R', OPTION_MISSING, "address", NULL, 0, "forwarding of remote ports" },
    { 'S', OPTION_ACCEPTED, "none", "none", 0, "no sharing of connections (there is none)" },
    { 's', OPTION_COUNT, NULL, NULL, offsetof(struct settings, subsystem), "the command is the name of a subsystem" },
    { 'T', OPTION_SETTING, NULL, "RequestTTY=no", 0, "no terminal" },
    { 't', OPTION_MISSING, NULL, NULL, 0, "terminals" },
    { 'v', OPTION_COUNT, NULL, NULL, offsetof(struct settings, verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
    { 'W', OPTION_MISSING, "host:port", NULL, 0, "forwarding of stdin and stdout" },
    { 'w', OPTION_MISSING, "tunnel", NULL, 0, "tunnel devices" },
    { 'X', OPTION_MISSING, NULL, NULL, 0, "X11 forwarding" },
    { 'x', OPTION_ACCEPTED, NULL, NULL, 0, "no X11 forwarding (there is none)" },
    { 'Y', OPTION_MISSING, NULL, NULL, 0, "X11 forwarding" },
};

struct client {
    struct account account;
    struct settings settings;
    struct config_lines lines;
    sshio_config *config;
    const char *host;         /* as it was written */
    char *own_config;         /* name of the user's config file */
    char *command;            /* NULL = a shell */
    sshio_keyref *keys;       /* loaded; ends with an empty one */
    const char **known_hosts; /* files that exist; ends with NULL */
};

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL)
        count++;
    return count;
}

/* ---- the command line ---- */

/* "ssh://[user@]host[:port]": cut in place to "[user@]host". */
static bool take_uri(struct client *client, char **destination)
{
    static const char scheme[] = "ssh://";
    char *text = *destination;

    if (strncasecmp(text, scheme, sizeof scheme - 1) != 0)
        return true;
    text += sizeof scheme - 1;
    *destination = text;
    size_t len = strlen(text);
    if (len != 0 && text[len - 1] == '/')
        text[--len] = '\0';
    char *at = strrchr(text, '@');
    char *host = at != NULL ? at + 1 : text;
    char *port = strrchr(host, ':');
    if (host[0] == '[' && strchr(host, ']') != NULL) {
        char *end = strchr(host, ']');
        port = end[1] == ':' ? end + 1 : NULL;
        memmove(host, host + 1, (size_t)(end - host));
        end[-1] = '\0';
    }
    if (port == NULL)
        return true;
    *port = '\0';
    return config_lines_add_value(&client->lines, "Port", port + 1);
}

/* "user@host": the user counts unless one was given before. */
static bool set_destination(struct client *client, char *destination)
{
    if (!take_uri(client, &destination))
        return false;
    char *at = strrchr(destination, '@');

    client->host = at != NULL ? at + 1 : destination;
    if (at == destination || client->host[0] == '\0' || client->host[0] == '-') {
        say("no host in \"%s\"", destination);
        return false;
    }
    if (at == NULL)
        return true;
    *at = '\0';
    return config_lines_add_value(&client->lines, "User", destination);
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

/* Options may stand before and after the destination; the first other word after it begins the command. */
static bool parse_command_line(struct client *client, int argc, char **argv, int *status)
{
    struct command_line line = {
        .tool = &tool_ssh,
        .argc = argc,
        .argv = argv,
        .next = 1,
        .settings = &client->settings,
        .lines = &client->lines,
    };

    *status = EXIT_OWN_FAILURE;
    if (!options_take(&line, status))
        return false;
    if (client->settings.query != NULL)
        return true;
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
    return true;
}

/* ---- -Q ---- */

static const struct query {
    const char *name;
    int kind; /* of the library; -1 = types of keys, -2 = nothing */
} queries[] = {
    { "cipher", SSHIO_ALG_ENCRYPTION },
    { "cipher-auth", SSHIO_ALG_ENCRYPTION },
    { "compression", SSHIO_ALG_COMPRESSION },
    { "kex", SSHIO_ALG_KEX },
    { "key", -1 },
    { "key-cert", -2 },
    { "key-plain", -1 },
    { "key-sig", SSHIO_ALG_SIGNATURE },
    { "mac", SSHIO_ALG_MAC },
    { "sig", SSHIO_ALG_SIGNATURE },
    { "Ciphers", SSHIO_ALG_ENCRYPTION },
    { "HostKeyAlgorithms", SSHIO_ALG_PUBLIC_KEY },
    { "KexAlgorithms", SSHIO_ALG_KEX },
    { "MACs", SSHIO_ALG_MAC },
    { "PubkeyAcceptedAlgorithms", SSHIO_ALG_SIGNATURE },
};
#define QUERY_COUNT (sizeof queries / sizeof queries[0])

static bool is_authenticated_cipher(const char *name)
{
    return strstr(name, "gcm@") != NULL || strstr(name, "poly1305@") != NULL;
}

static void print_algorithms(const struct query *query)
{
    const sshio_alg_kind kind = query->kind >= 0 ? (sshio_alg_kind)query->kind : SSHIO_ALG_PUBLIC_KEY;
    bool only_authenticated = strcmp(query->name, "cipher-auth") == 0;

    for (size_t i = 0; query->kind != -2 && i < sshio_algorithm_count(kind); i++) {
        const char *name = sshio_algorithm_at(kind, i)->name;
        bool is_type = strncmp(name, "rsa-sha2-", 9) != 0;
        if ((query->kind != -1 || is_type) && (!only_authenticated || is_authenticated_cipher(name)))
            puts(name);
    }
}

static int run_query(const char *name)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        if (strcmp(name, "help") == 0)
            puts(queries[i].name);
        else if (strcasecmp(name, queries[i].name) == 0) {
            print_algorithms(&queries[i]);
            return 0;
        }
    }
    if (strcmp(name, "help") == 0)
        return 0;
    say("Unsupported query \"%s\"", name);
    return EXIT_OWN_FAILURE;
}

/* ---- the configuration ---- */

#define SYSTEM_CONFIG "/etc/ssh/ssh_config"

/* The files to read: one that was named must be there, the usual ones may be. The user's own must be nobody else's to
 * write, as it can name commands to run. */
static bool list_config_files(struct client *client, const char **files)
{
    const char *named = client->settings.config_file;
    size_t count = 0;

    if (named != NULL) {
        if (strcmp(named, "none") != 0)
            files[count++] = named;
        return true;
    }
    client->own_config = path_expand(&client->account, "~/.ssh/config");
    if (client->own_config == NULL)
        return false;
    const char *reason = NULL;
    if (file_is_trusted(client->own_config, &reason))
        files[count++] = client->own_config;
    else if (reason != NULL) {
        say("Bad owner or permissions on %s: %s", client->own_config, reason);
        return false;
    }
    if (access(SYSTEM_CONFIG, R_OK) == 0)
        files[count++] = SYSTEM_CONFIG;
    return true;
}

static bool load_config(struct client *client)
{
    const char *files[3] = { NULL };
    if (!list_config_files(client, files))
        return false;
    const sshio_source source = { .files = files, .data = { client->lines.text, client->lines.len } };
    if (sshio_load_client_config(&source, SSHIO_QUERY(.host = client->host, .strict = true), &client->config) == 0)
        return true;
    options_explain_config();
    return false;
}

static int show_config(const struct client *client)
{
    sshio_bytes text;

    if (sshio_config_dump(client->config, &text) != 0) {
        say("%s", sshio_error_message());
        return EXIT_OWN_FAILURE;
    }
    printf("host %s\n%s", client->host, text.data);
    sshio_bytes_free(&text);
    return 0;
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
    const char *checking = options_text(client->config, "StrictHostKeyChecking", "ask");
    return strcmp(checking, "no") != 0 && strcmp(checking, "false") != 0 && strcmp(checking, "off") != 0;
}

static int open_connection(const struct client *client, sshio_conn **conn)
{
    const sshio_source known_hosts = { .files = client->known_hosts };
    const sshio_source config = { .config = client->config };
    sshio_client_options arguments;

    sshio_client_options_init(&arguments);
    arguments.config = &config;
    arguments.client_keys = client->keys;
    arguments.known_hosts = checks_host_keys(client) ? &known_hosts : SSHIO_NONE;
    arguments.handlers = &handlers;
    return sshio_connect(client->host, &arguments, conn);
}

static const char *command_of_config(const struct client *client)
{
    const char *command = options_text(client->config, "RemoteCommand", NULL);
    return command != NULL ? command : SSHIO_NONE;
}

/* 255 also for a command that ended by a signal, and for one that sent no status. */
static int run_command(const struct client *client, sshio_conn *conn)
{
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    sshio_session_options arguments;

    sshio_session_options_init(&arguments);
    if (client->settings.subsystem > 0)
        arguments.subsystem = client->command;
    else
        arguments.command = client->command != NULL ? client->command : command_of_config(client);
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
    int status = EXIT_OWN_FAILURE;
    if (client->settings.no_command > 0)
        sshio_conn_wait_closed(conn);
    else
        status = run_command(client, conn);
    sshio_conn_unref(conn);
    return status;
}

/* What cannot be done yet must not be passed over. */
static bool check_settings(const struct client *client)
{
    if (options_text(client->config, "ProxyJump", NULL) != NULL) {
        say("ProxyJump is not supported yet");
        return false;
    }
    if (client->settings.subsystem > 0 && client->command == NULL) {
        say("You must specify a subsystem to invoke.");
        return false;
    }
    return true;
}

static int run_client(struct client *client, int argc, char **argv)
{
    int status;

    if (!parse_command_line(client, argc, argv, &status))
        return status;
    if (client->settings.query != NULL)
        return run_query(client->settings.query);
    if (!account_load(&client->account, getenv("HOME"))) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return EXIT_OWN_FAILURE;
    }
    talk_set_log(NULL, client->settings.verbose, true);
    if (!load_config(client))
        return EXIT_OWN_FAILURE;
    if (client->settings.show_config > 0)
        return show_config(client);
    talk_set_log(client->config, client->settings.verbose, true);
    if (!check_settings(client))
        return EXIT_OWN_FAILURE;
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
    int status = run_client(&client, argc, argv);
    forget_keys(&client);
    free(client.known_hosts);
    free(client.command);
    free(client.own_config);
    free(client.lines.text);
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
