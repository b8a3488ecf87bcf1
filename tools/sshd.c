/* sshio sshd: serves the account that runs it, and nobody else: commands run as that account, through its shell. It is
 * not a login daemon for many users; started by root it serves root. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "options.h"
#include "session_env.h"
#include "talk.h"
#include "tools.h"

#define REQUIRED_RSA_SIZE 2048 /* bits, unless the config says otherwise */

struct settings {
    int in_foreground;
    int log_to_stderr;
    int verbose;
    int only_test;
    int show_config;
    const char *config_file;
};

static const struct tool_option options[] = {
    { 'D', OPTION_COUNT, NULL, NULL, offsetof(struct settings, in_foreground), "stay in the foreground" },
    { 'd', OPTION_MISSING, NULL, NULL, 0, "serving one connection with debugging output" },
    { 'e', OPTION_COUNT, NULL, NULL, offsetof(struct settings, log_to_stderr),
      "log to stderr instead of the system log" },
    { 'E', OPTION_MISSING, "file", NULL, 0, "logging to a file" },
    { 'f', OPTION_TEXT, "file", NULL, offsetof(struct settings, config_file),
      "config file; none unless said otherwise" },
    { 'h', OPTION_KEYWORD, "file", "HostKey", 0, "private host key; may be repeated" },
    { 'i', OPTION_MISSING, NULL, NULL, 0, "serving one connection on stdin and stdout" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to listen on; 22 unless said otherwise" },
    { 'q', OPTION_SETTING, NULL, "LogLevel=QUIET", 0, "say nothing" },
    { 'T', OPTION_COUNT, NULL, NULL, offsetof(struct settings, show_config),
      "check the configuration, print it, and serve nobody" },
    { 't', OPTION_COUNT, NULL, NULL, offsetof(struct settings, only_test),
      "check the configuration and the host keys, and serve nobody" },
    { 'v', OPTION_COUNT, NULL, NULL, offsetof(struct settings, verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
};

struct server {
    struct account account;
    struct settings settings;
    struct config_lines lines;
    sshio_config *config;
};

/* ---- sessions ---- */

/* "-bash": the sign of a login shell is the minus before its name. */
static char *login_name(const char *shell)
{
    const char *slash = strrchr(shell, '/');
    const char *name = slash != NULL ? slash + 1 : shell;
    char *text = malloc(strlen(name) + 2);
    if (text != NULL)
        snprintf(text, strlen(name) + 2, "-%s", name);
    return text;
}

/* The command of a subsystem, behind its name; NULL = it is not served. */
static const char *subsystem_command(const struct server *server, const char *name)
{
    const char *const *served = sshio_config_get(server->config, "Subsystem");
    size_t len = strlen(name);

    for (size_t i = 0; served != NULL && served[i] != NULL; i++)
        if (strncmp(served[i], name, len) == 0 && served[i][len] == ' ')
            return served[i] + len + 1;
    return NULL;
}

static int exec_shell(const struct server *server, sshio_process *process, const char *command)
{
    const struct account *account = &server->account;
    char *login = login_name(account->shell);
    char **env = session_env_new(account, sshio_process_conn(process));
    int rc = SSHIO_ENOMEM;

    if (login != NULL && env != NULL) {
        const char *const shell_argv[] = { login, NULL };
        const char *const command_argv[] = { account->shell, "-c", command, NULL };
        sshio_exec_options arguments;
        sshio_exec_options_init(&arguments);
        arguments.file = account->shell;
        arguments.argv = command != NULL ? command_argv : shell_argv;
        arguments.env = (const char *const *)env;
        arguments.cwd = access(account->home, X_OK) == 0 ? account->home : "/";
        rc = sshio_process_exec(process, &arguments);
    }
    session_env_free(env);
    free(login);
    return rc;
}

static void handle_process(sshio_process *process, void *user)
{
    const struct server *server = user;
    const char *subsystem = sshio_process_subsystem(process);
    const char *command = subsystem != NULL ? subsystem_command(server, subsystem) : sshio_process_command(process);

    if (subsystem != NULL && command == NULL) {
        sshio_printf(sshio_process_stderr(process), "subsystem %s is not served here\n", subsystem);
        sshio_process_exit(process, 1);
        return;
    }
    int rc = exec_shell(server, process, command);
    if (rc == 0 || sshio_error_is(rc, SSHIO_ECANCELED))
        return;
    say("%s: %s", server->account.shell, sshio_error_message());
    sshio_printf(sshio_process_stderr(process), "%s cannot be started\n", server->account.shell);
    sshio_process_exit(process, 1);
}

/* ---- who may log in ---- */

/* %h is the home directory, %u the user, %% a percent sign; a name that is not absolute is one in the home directory.
 * The account is our own, so nothing of this comes from a peer. NULL = out of memory or an unknown token. */
static char *expand_tokens(const struct account *account, const char *name)
{
    char *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&path, &size);
    bool ok = out != NULL;

    if (out == NULL)
        return NULL;
    if (name[0] != '/' && name[0] != '%' && strncmp(name, "~/", 2) != 0)
        fprintf(out, "%s/", account->home);
    for (; ok && *name != '\0'; name++) {
        if (*name != '%')
            fputc(*name, out);
        else if (*++name == 'h')
            fputs(account->home, out);
        else if (*name == 'u')
            fputs(account->name, out);
        else if (*name == '%')
            fputc('%', out);
        else
            ok = false;
        if (!ok)
            break;
    }
    ok = fclose(out) == 0 && ok;
    if (ok)
        return path;
    free(path);
    return NULL;
}

/* The lines of all files that are there and can be trusted. Filled on a worker thread. */
struct authorized_lines {
    const struct server *server;
    char *text;
    size_t len;
};

static void append_file(struct authorized_lines *lines, const char *name)
{
    const struct account *account = &lines->server->account;
    char *expanded = expand_tokens(account, name);
    char *path = expanded != NULL ? path_expand(account, expanded) : NULL;
    const char *reason = "out of memory, or an unknown token in the name";

    bool ok = path != NULL && file_append_trusted(path, &lines->text, &lines->len, &reason);
    if (!ok && reason != NULL)
        say("Authentication refused: %s: %s", path != NULL ? path : name, reason);
    free(expanded);
    free(path);
}

static int read_lines(void *arg)
{
    static const char *const usual[] = { ".ssh/authorized_keys", NULL };
    struct authorized_lines *lines = arg;
    const char *const *files = sshio_config_get(lines->server->config, "AuthorizedKeysFile");

    if (files == NULL)
        files = usual;
    for (size_t i = 0; files[i] != NULL; i++)
        append_file(lines, files[i]);
    return 0;
}

/* The same method is offered to every name, so that nothing tells whose account this is. */
static int public_key_auth_supported(sshio_conn *conn, void *user)
{
    (void)conn;
    (void)user;
    return SSHIO_ACCEPT;
}

/* Every user must log in. Only the account's own name gets keys that can; for any other name all keys are refused in
 * the same way. */
static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    const struct server *server = user;
    struct authorized_lines lines = { .server = server };

    if (strcmp(username, server->account.name) != 0)
        return SSHIO_REFUSE;
    int rc = sshio_offload(read_lines, &lines);
    if (rc == 0 && lines.len != 0) {
        const sshio_source source = { .data = { lines.text, lines.len } };
        if (sshio_conn_set_authorized_keys(conn, &source) != 0)
            say("authorized keys of %s: %s", username, sshio_error_message());
    }
    free(lines.text);
    return rc == 0 ? SSHIO_REFUSE : rc;
}

static void connection_failed(sshio_conn *conn, const sshio_error *error, void *user)
{
    const sshio_address *peer = sshio_conn_peername(conn);

    (void)user;
    if (error != NULL && !talk_is_silenced())
        say("Connection from %s port %d: %s", peer->host, peer->port, error->message);
}

static const sshio_server_handlers handlers = {
    .begin_auth = begin_auth,
    .public_key_auth_supported = public_key_auth_supported,
};

/* ---- listening ---- */

static int number_of(const struct server *server, const char *keyword, int fallback)
{
    const char *text = options_text(server->config, keyword, NULL);
    return text != NULL ? atoi(text) : fallback;
}

/* "host", "host:port", "[host]:port" or an IPv6 address; the text is cut in place. False = bad port. */
static bool split_address(char *text, const char **host, int *port)
{
    char *colon = strrchr(text, ':');
    char *end;

    *host = text;
    if (text[0] == '[' && strchr(text, ']') != NULL) {
        *host = text + 1;
        end = strchr(text, ']');
        *end = '\0';
        colon = end[1] == ':' ? end + 1 : NULL;
        if (colon == NULL && end[1] != '\0')
            return false;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL;
    }
    if (colon == NULL)
        return true;
    *colon = '\0';
    long number = strtol(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || number < 1 || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

/* Those over the ciphertext that are beyond doubt; others by name. */
static const char default_macs[] = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com";

/* Where the tool is stricter than the library, unless the configuration says otherwise. */
static void set_defaults(const struct server *server, sshio_server_options *arguments)
{
    if (sshio_config_get(server->config, "MACs") == NULL)
        arguments->mac_algs = default_macs;
    if (sshio_config_get(server->config, "KexAlgorithms") == NULL)
        arguments->kex_algs = "-ecdh-sha2-*"; /* nobody asked for the NIST curves */
    if (sshio_config_get(server->config, "RequiredRSASize") == NULL)
        arguments->required_rsa_size = REQUIRED_RSA_SIZE;
}

static bool listen_on(const struct server *server, const char *address)
{
    static const sshio_source nobody = { .data = { "", 0 } };
    const sshio_source config = { .config = server->config };
    sshio_server_options arguments;
    sshio_listener *listener = NULL;
    int port = number_of(server, "Port", 22);
    const char *host;
    char *text = strdup(address);

    sshio_server_options_init(&arguments);
    arguments.config = &config;
    arguments.authorized_keys = &nobody; /* read anew at each login, by begin_auth */
    arguments.handlers = &handlers;
    arguments.user = (void *)(uintptr_t)server;
    arguments.process_handler = handle_process;
    arguments.error_handler = connection_failed;
    arguments.password_auth = SSHIO_NO;
    set_defaults(server, &arguments);
    bool ok = text != NULL && split_address(text, &host, &port);
    if (!ok)
        say("bad address to listen on: %s", address);
    else if (sshio_listen(host, port, &arguments, &listener) != 0) {
        say("Cannot listen on %s port %d: %s", host[0] != '\0' ? host : "*", port, sshio_error_message());
        ok = false;
    } else {
        say("Server listening on %s port %d.", host[0] != '\0' ? host : "*", sshio_listener_get_port(listener));
    }
    sshio_listener_unref(listener);
    free(text);
    return ok;
}

static bool listen_on_all(const struct server *server)
{
    static const char *const everywhere[] = { "", NULL };
    const char *const *addresses = sshio_config_get(server->config, "ListenAddress");
    bool ok = true;

    if (addresses == NULL)
        addresses = everywhere;
    for (size_t i = 0; ok && addresses[i] != NULL; i++)
        ok = listen_on(server, addresses[i]);
    return ok;
}

/* ---- the process ---- */

/* Tells the parent that we listen, and lets go of its terminal. */
static void leave_parent(const struct server *server, int ready)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        if (!server->settings.log_to_stderr)
            dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
    ssize_t written = write(ready, "", 1);
    (void)written; /* a parent that is gone does not matter */
    close(ready);
}

static int serve(const struct server *server, int ready)
{
    if (!listen_on_all(server))
        return 1;
    if (ready >= 0)
        leave_parent(server, ready);
    return sshio_run_forever() == 0 ? 0 : 1;
}

/* The parent waits until the child listens, so that its exit status tells whether the server runs. */
static int serve_in_background(const struct server *server)
{
    int ends[2];
    char byte;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        say("pipe: %s", strerror(errno));
        return 1;
    }
    pid_t child = fork();
    if (child < 0) {
        say("fork: %s", strerror(errno));
        return 1;
    }
    close(ends[child == 0 ? 0 : 1]);
    if (child == 0) {
        setsid();
        return serve(server, ends[1]);
    }
    bool started = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    return started ? 0 : 1;
}

static bool load_config(struct server *server)
{
    const char *const files[] = { server->settings.config_file, NULL };
    bool is_given = files[0] != NULL && strcmp(files[0], "none") != 0;
    const sshio_source source = { .files = is_given ? files : NULL, .data = { server->lines.text, server->lines.len } };

    if (sshio_load_server_config(&source, SSHIO_QUERY(.strict = true), &server->config) == 0)
        return true;
    options_explain_config();
    return false;
}

static bool check_host_keys(const struct server *server)
{
    const char *const *files = sshio_config_get(server->config, "HostKey");
    size_t count = 0;

    for (size_t i = 0; files != NULL && files[i] != NULL; i++) {
        sshio_key *key = NULL;
        if (sshio_read_private_key(files[i], NULL, &key) == 0)
            count++;
        else
            say("Unable to load host key \"%s\": %s", files[i], sshio_error_message());
        sshio_key_unref(key);
    }
    if (count == 0)
        say("no hostkeys available -- exiting.");
    return count != 0;
}

/* Root's account is served only when its configuration does not forbid it. */
static bool check_account(const struct server *server)
{
    if (getuid() != 0)
        return true;
    if (strcmp(options_text(server->config, "PermitRootLogin", "yes"), "no") == 0) {
        say("started by root, whom PermitRootLogin does not let in: nobody to serve");
        return false;
    }
    say("started by root: serves root, and no other user");
    return true;
}

static int show_config(const struct server *server)
{
    sshio_bytes text;

    if (sshio_config_dump(server->config, &text) != 0) {
        say("%s", sshio_error_message());
        return 1;
    }
    fputs(text.data, stdout);
    sshio_bytes_free(&text);
    return 0;
}

static int run_server(struct server *server, int argc, char **argv)
{
    struct command_line line = {
        .tool = &tool_sshd,
        .argc = argc,
        .argv = argv,
        .next = 1,
        .settings = &server->settings,
        .lines = &server->lines,
    };
    int status;

    if (!options_take(&line, &status))
        return status;
    if (line.next < argc) {
        say("Extra argument %s.", argv[line.next]);
        options_usage(&tool_sshd, stderr);
        return 1;
    }
    if (!load_config(server) || !check_host_keys(server))
        return 1;
    if (server->settings.show_config > 0)
        return show_config(server);
    if (server->settings.only_test > 0)
        return 0;
    if (!account_load(&server->account, NULL)) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return 1;
    }
    if (!server->settings.log_to_stderr)
        talk_to_system_log();
    talk_set_log(server->config, server->settings.verbose, false);
    if (!check_account(server))
        return 1;
    return server->settings.in_foreground ? serve(server, -1) : serve_in_background(server);
}

static int run_sshd(int argc, char **argv)
{
    struct server server = { .config = NULL };

    signal(SIGPIPE, SIG_IGN);
    int status = run_server(&server, argc, argv);
    account_done(&server.account);
    free(server.lines.text);
    sshio_config_unref(server.config);
    return status;
}

const struct tool tool_sshd = {
    .name = "sshd",
    .summary = "serve this account to ssh clients",
    .operands = "",
    .failed = 1,
    .run = run_sshd,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
