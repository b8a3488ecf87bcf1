/* sshio ssh: runs a command or a shell on another host, with this program's stdin, stdout and stderr. The exit status
 * is the command's; it is 255 when something on the way failed. See ssh.h for its parts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ssh.h"
#include "talk.h"
#include "terminal.h"
#include "tools.h"

struct settings {
    int verbose;
    int show_config;
    int background;
    const char *config_file;
    const char *query;
    const char *log_file;
    struct session_settings session;
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
    { 'E', OPTION_TEXT, "file", NULL, offsetof(struct settings, log_file), "append what is said to this file" },
    { 'e', OPTION_KEYWORD, "char", "EscapeChar", 0, "escape character of terminals, or none" },
    { 'F', OPTION_TEXT, "file", NULL, offsetof(struct settings, config_file),
      "config file instead of the usual ones, or none" },
    { 'f', OPTION_COUNT, NULL, NULL, offsetof(struct settings, background), "go to the background when logged in" },
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
    { 'N', OPTION_COUNT, NULL, NULL, offsetof(struct settings, session.no_command), "run no command" },
    { 'n', OPTION_COUNT, NULL, NULL, offsetof(struct settings, session.no_input),
      "no stdin: the command reads an empty one" },
    { 'O', OPTION_MISSING, "command", NULL, 0, "sharing of connections" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to connect to; 22 unless said otherwise" },
    { 'Q', OPTION_TEXT, "kind", NULL, offsetof(struct settings, query),
      "print the algorithms of a kind; \"help\" lists them" },
    { 'q', OPTION_SETTING, NULL, "LogLevel=QUIET", 0, "no warnings" },
    { 'R', OPTION_MISSING, "address", NULL, 0, "forwarding of remote ports" },
    { 'S', OPTION_ACCEPTED, "none", "none", 0, "no sharing of connections (there is none)" },
    { 's', OPTION_COUNT, NULL, NULL, offsetof(struct settings, session.subsystem),
      "the command is the name of a subsystem" },
    { 'T', OPTION_COUNT, NULL, "RequestTTY=no", offsetof(struct settings, session.no_terminal), "no terminal" },
    { 't', OPTION_COUNT, NULL, NULL, offsetof(struct settings, session.want_terminal),
      "a terminal for commands too; twice: even if there is none here" },
    { 'v', OPTION_COUNT, NULL, NULL, offsetof(struct settings, verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
    { 'W', OPTION_TEXT, "host:port", NULL, offsetof(struct settings, session.forward),
      "connect stdin and stdout with a place that the server reaches" },
    { 'w', OPTION_MISSING, "tunnel", NULL, 0, "tunnel devices" },
    { 'X', OPTION_MISSING, NULL, NULL, 0, "X11 forwarding" },
    { 'x', OPTION_ACCEPTED, NULL, NULL, 0, "no X11 forwarding (there is none)" },
    { 'Y', OPTION_MISSING, NULL, NULL, 0, "X11 forwarding" },
};

struct client {
    struct account account;
    struct settings settings;
    struct login login;
    char *command;
};

/* ---- the command line ---- */

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
        .lines = &client->login.lines,
    };

    *status = SSH_OWN_FAILURE;
    if (!options_take(&line, status))
        return false;
    if (client->settings.query != NULL)
        return true;
    if (line.next == argc) {
        options_usage(&tool_ssh, stderr);
        return false;
    }
    if (!login_set_destination(&client->login, argv[line.next++]))
        return false;
    line.ended = false;
    if (!options_take(&line, status))
        return false;
    if (line.next < argc) {
        client->command = join_words(argc - line.next, argv + line.next);
        if (client->command == NULL)
            return false;
    }
    client->settings.session.command = client->command;
    return true;
}

static bool check_settings(const struct client *client)
{
    const struct session_settings *session = &client->settings.session;

    if (session->subsystem > 0 && session->command == NULL) {
        say("You must specify a subsystem to invoke.");
        return false;
    }
    if (client->settings.background > 0 && session->command == NULL && session->no_command == 0) {
        say("Cannot fork into background without a command to execute.");
        return false;
    }
    return true;
}

static int show_config(const struct login *login)
{
    sshio_bytes text;

    if (sshio_config_dump(login->config, &text) != 0) {
        say("%s", sshio_error_message());
        return SSH_OWN_FAILURE;
    }
    printf("host %s\n%s", login->host, text.data);
    sshio_bytes_free(&text);
    return 0;
}

/* ---- running ---- */

/* The child logs in, and can still ask the user; the parent goes when that is done. It comes first of all, because the
 * library's threads would not outlive it. */
static pid_t fork_before_login(int *told)
{
    int ends[2];
    char byte;
    int status;

    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid <= 0) {
        close(ends[0]);
        *told = ends[1];
        return pid;
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        _exit(0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : SSH_OWN_FAILURE);
}

static void leave_parent(int told)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null >= 0)
        dup2(null, STDIN_FILENO);
    setsid();
    if (write(told, "", 1) < 0)
        say("the parent could not be told: %s", strerror(errno));
    close(told);
}

/* told: where the parent waits for the login; -1 = there is none. */
static int connect_and_run(struct client *client, int told)
{
    sshio_conn *conn = NULL;

    if (login_open(&client->login, &conn) != 0)
        return SSH_OWN_FAILURE;
    if (told >= 0)
        leave_parent(told);
    int status = session_run(&client->login, conn, &client->settings.session);
    sshio_conn_unref(conn);
    return status;
}

static int prepare(struct client *client)
{
    if (!account_load(&client->account, getenv("HOME"))) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return SSH_OWN_FAILURE;
    }
    if (client->settings.log_file != NULL && !talk_to_file(client->settings.log_file)) {
        say("Couldn't open logfile %s: %s", client->settings.log_file, strerror(errno));
        return SSH_OWN_FAILURE;
    }
    talk_set_log(NULL, client->settings.verbose, true);
    bool configured = login_configure(&client->login, &client->account, client->settings.config_file);
    return configured && typing_is_valid(&client->login) ? 0 : SSH_OWN_FAILURE;
}

static int run_client(struct client *client, int argc, char **argv)
{
    int told = -1;
    int status;

    if (!parse_command_line(client, argc, argv, &status))
        return status;
    if (client->settings.query != NULL)
        return ssh_run_query(client->settings.query);
    if (client->settings.background > 0 && client->settings.show_config == 0 && fork_before_login(&told) < 0) {
        say("fork: %s", strerror(errno));
        return SSH_OWN_FAILURE;
    }
    terminal_guard(SSH_OWN_FAILURE);
    status = prepare(client);
    if (status != 0)
        return status;
    if (client->settings.show_config > 0)
        return show_config(&client->login);
    talk_set_log(client->login.config, client->settings.verbose, true);
    if (!check_settings(client))
        return SSH_OWN_FAILURE;
    if (client->settings.background > 0)
        client->settings.session.no_input = 1;
    return connect_and_run(client, told);
}

static int run_ssh(int argc, char **argv)
{
    struct client client = { .command = NULL };

    signal(SIGPIPE, SIG_IGN);
    int status = run_client(&client, argc, argv);
    login_done(&client.login);
    free(client.command);
    account_done(&client.account);
    return status;
}

const struct tool tool_ssh = {
    .name = "ssh",
    .summary = "run a command on another host",
    .operands = "[user@]host [command [argument ...]]",
    .failed = SSH_OWN_FAILURE,
    .run = run_ssh,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
