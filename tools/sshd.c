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
};

static const struct tool_option options[] = {
    { 'D', OPTION_COUNT, NULL, NULL, offsetof(struct settings, in_foreground), "stay in the foreground" },
    { 'e', OPTION_COUNT, NULL, NULL, offsetof(struct settings, log_to_stderr),
      "log to stderr instead of the system log" },
    { 'h', OPTION_KEYWORD, "file", "HostKey", 0, "private host key; may be repeated" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to listen on; 22 unless said otherwise" },
    { 'v', OPTION_COUNT, NULL, NULL, offsetof(struct settings, verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
};

struct server {
    struct account account;
    struct settings settings;
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

    if (subsystem != NULL) {
        sshio_printf(sshio_process_stderr(process), "subsystem %s is not served here\n", subsystem);
        sshio_process_exit(process, 1);
        return;
    }
    int rc = exec_shell(server, process, sshio_process_command(process));
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

static sshio_keyref *list_host_keys(const struct server *server)
{
    const char *const *files = sshio_config_get(server->config, "HostKey");
    size_t count = 0;

    while (files != NULL && files[count] != NULL)
        count++;
    sshio_keyref *keys = calloc(count + 1, sizeof *keys);
    for (size_t i = 0; keys != NULL && i < count; i++)
        keys[i].file = files[i];
    return keys;
}

static int number_of(const struct server *server, const char *keyword, int fallback)
{
    const char *const *values = sshio_config_get(server->config, keyword);
    return values != NULL && values[0] != NULL ? atoi(values[0]) : fallback;
}

static const char *text_of(const struct server *server, const char *keyword)
{
    const char *const *values = sshio_config_get(server->config, keyword);
    return values != NULL ? values[0] : NULL;
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

static bool listen_on(const struct server *server, const char *address, const sshio_keyref *host_keys)
{
    sshio_server_options arguments;
    sshio_listener *listener = NULL;
    int port = number_of(server, "Port", 22);
    const char *kex = text_of(server, "KexAlgorithms");
    int sessions = number_of(server, "MaxSessions", 0);
    const char *host;
    char *text = strdup(address);

    sshio_server_options_init(&arguments);
    arguments.host_keys = host_keys;
    arguments.handlers = &handlers;
    arguments.user = (void *)(uintptr_t)server;
    arguments.process_handler = handle_process;
    arguments.error_handler = connection_failed;
    arguments.max_sessions = sessions != 0 || text_of(server, "MaxSessions") == NULL ? sessions : -1;
    arguments.password_auth = SSHIO_NO;
    arguments.encryption_algs = text_of(server, "Ciphers");
    arguments.mac_algs = options_selection(server->config, "MACs");
    if (arguments.mac_algs == NULL)
        arguments.mac_algs = default_macs;
    arguments.compression_algs = options_compression(server->config);
    arguments.kex_algs = kex != NULL ? kex : "-ecdh-sha2-*"; /* nobody asked for the NIST curves */
    arguments.rekey_limit = text_of(server, "RekeyLimit");
    arguments.signature_algs = text_of(server, "PubkeyAcceptedAlgorithms");
    arguments.required_rsa_size = number_of(server, "RequiredRSASize", REQUIRED_RSA_SIZE);
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
    sshio_keyref *host_keys = list_host_keys(server);
    bool ok = host_keys != NULL;

    if (addresses == NULL)
        addresses = everywhere;
    for (size_t i = 0; ok && addresses[i] != NULL; i++)
        ok = listen_on(server, addresses[i], host_keys);
    free(host_keys);
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

static int run_server(struct server *server, int argc, char **argv)
{
    struct command_line line = {
        .tool = &tool_sshd,
        .argc = argc,
        .argv = argv,
        .next = 1,
        .settings = &server->settings,
        .config = server->config,
    };
    int status;

    if (!options_take(&line, &status))
        return status;
    if (line.next < argc) {
        say("extra argument %s", argv[line.next]);
        options_usage(&tool_sshd, stderr);
        return 1;
    }
    if (text_of(server, "HostKey") == NULL) {
        say("no hostkeys available -- exiting.");
        return 1;
    }
    if (!account_load(&server->account, NULL)) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return 1;
    }
    if (!server->settings.log_to_stderr)
        talk_to_system_log();
    talk_set_log(server->config, server->settings.verbose, false);
    if (getuid() == 0)
        say("started by root: serves root, and no other user");
    return server->settings.in_foreground ? serve(server, -1) : serve_in_background(server);
}

static int run_sshd(int argc, char **argv)
{
    struct server server = { .config = NULL };

    signal(SIGPIPE, SIG_IGN);
    if (sshio_config_new_server(&server.config) != 0)
        return 1;
    int status = run_server(&server, argc, argv);
    account_done(&server.account);
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
