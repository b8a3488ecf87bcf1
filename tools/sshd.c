/* sshio sshd: serves the account that runs it, and nobody else: commands run as that account, through its shell. It is
 * not a login daemon for many users; started by root it serves root. Here are the command line, the configuration, and
 * how the process starts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sshd.h"
#include "talk.h"
#include "tools.h"

#define BANNER_MAX_LEN (64L * 1024)

#define SETTING(field) offsetof(struct sshd_settings, field)
static const struct tool_option options[] = {
    { '4', OPTION_SETTING, NULL, "AddressFamily=inet", 0, "listen on IPv4 addresses only" },
    { '6', OPTION_SETTING, NULL, "AddressFamily=inet6", 0, "listen on IPv6 addresses only" },
    { 'C', OPTION_MISSING, "spec", NULL, 0, "saying whom the configuration is printed for" },
    { 'D', OPTION_COUNT, NULL, NULL, SETTING(in_foreground), "stay in the foreground" },
    { 'd', OPTION_COUNT, NULL, NULL, SETTING(debug),
      "serve one connection, in the foreground, and say what happens; up to three times" },
    { 'E', OPTION_TEXT, "file", NULL, SETTING(log_file), "log to the end of a file" },
    { 'e', OPTION_COUNT, NULL, NULL, SETTING(log_to_stderr), "log to stderr instead of the system log" },
    { 'f', OPTION_TEXT, "file", NULL, SETTING(config_file), "config file; none unless said otherwise" },
    { 'G', OPTION_COUNT, NULL, NULL, SETTING(show_parsed), "print the configuration, and serve nobody" },
    { 'g', OPTION_KEYWORD, "time", "LoginGraceTime", 0, "how long logging in may take" },
    { 'h', OPTION_KEYWORD, "file", "HostKey", 0, "private host key; may be repeated" },
    { 'i', OPTION_COUNT, NULL, NULL, SETTING(on_stdin), "serve one connection on stdin and stdout" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'p', OPTION_KEYWORD, "port", "Port", 0, "port to listen on; 22 unless said otherwise" },
    { 'q', OPTION_SETTING, NULL, "LogLevel=QUIET", 0, "say nothing" },
    { 'T', OPTION_COUNT, NULL, NULL, SETTING(show_config),
      "check the configuration and the host keys, print it, and serve nobody" },
    { 't', OPTION_COUNT, NULL, NULL, SETTING(only_test),
      "check the configuration and the host keys, and serve nobody" },
    { 'v', OPTION_COUNT, NULL, NULL, SETTING(verbose), "say what happens; up to three times" },
    { 'V', OPTION_VERSION, NULL, NULL, 0, "print the version" },
};

/* ---- the configuration ---- */

/* Where the tool is stricter than the library, unless the configuration says otherwise. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    { "MACs", "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com" }, /* beyond doubt; others by name */
    { "KexAlgorithms", "-ecdh-sha2-*" },                                       /* nobody asked for the NIST curves */
    { "RequiredRSASize", "2048" },
    { "MaxStartups", "10:30:100" },
    { "MaxSessions", "10" },
};

static bool load_lines(const struct server *server, const struct config_lines *lines, sshio_config **config)
{
    const char *const files[] = { server->settings.config_file, NULL };
    bool is_given = files[0] != NULL && strcmp(files[0], "none") != 0;
    const sshio_source source = { .files = is_given ? files : NULL, .data = { lines->text, lines->len } };

    if (sshio_load_server_config(&source, SSHIO_QUERY(.strict = true), config) == 0)
        return true;
    options_explain_config();
    return false;
}

/* What has no value is told to the configuration as if it were an option, so that -T shows it too. */
static bool load_config(const struct server *server, sshio_config **config)
{
    const struct config_lines *given = &server->lines;
    struct config_lines lines = { .text = given->len != 0 ? strdup(given->text) : NULL, .len = given->len };
    sshio_config *said = NULL;

    bool ok = (lines.text != NULL || given->len == 0) && load_lines(server, given, &said);
    for (size_t i = 0; ok && i < sizeof defaults / sizeof defaults[0]; i++)
        if (sshio_config_get(said, defaults[i].keyword) == NULL)
            ok = config_lines_add_value(&lines, defaults[i].keyword, defaults[i].value);
    ok = ok && load_lines(server, &lines, config);
    free(lines.text);
    sshio_config_unref(said);
    return ok;
}

static void free_host_keys(sshio_keyref *keys)
{
    for (size_t i = 0; keys != NULL && keys[i].key != NULL; i++)
        sshio_key_unref(keys[i].key);
    free(keys);
}

/* Those that can be read, ended by an empty one. One is enough: a configuration may name more than there are. NULL =
 * there is none, and all is said. */
static sshio_keyref *read_host_keys(const sshio_config *config)
{
    const char *const *files = sshio_config_get(config, "HostKey");
    size_t count = 0, good = 0;

    while (files != NULL && files[count] != NULL)
        count++;
    sshio_keyref *keys = calloc(count + 1, sizeof *keys);
    for (size_t i = 0; keys != NULL && i < count; i++) {
        if (sshio_read_private_key(files[i], NULL, &keys[good].key) == 0)
            good++;
        else
            say("Unable to load host key \"%s\": %s", files[i], sshio_error_message());
    }
    if (good != 0)
        return keys;
    say("no hostkeys available -- exiting.");
    free(keys);
    return NULL;
}

/* Root's account is served only when its configuration does not forbid it. */
static bool check_account(const sshio_config *config)
{
    const char *allowed = options_text(config, "PermitRootLogin", "");

    if (getuid() != 0)
        return true;
    if (strcmp(allowed, "no") != 0 && strcmp(allowed, "forced-commands-only") != 0) {
        say("started by root: serves root, and no other user");
        return true;
    }
    say("started by root, whom PermitRootLogin %s does not let in: nobody to serve", allowed);
    return false;
}

static bool read_penalties(struct service *service)
{
    const char *const *values = sshio_config_get(service->config, "PerSourcePenalties");
    const char *wrong = NULL;

    if (penalty_rules_read(values, &service->penalty_rules, &service->penalises, &wrong))
        return true;
    say("bad value of PerSourcePenalties: %s", wrong);
    return false;
}

static bool read_banner(struct service *service)
{
    const char *name = options_text(service->config, "Banner", NULL);
    FILE *file = name != NULL ? fopen(name, "re") : NULL;
    size_t len = 0;

    if (name == NULL)
        return true;
    if (file != NULL && (service->banner = malloc(BANNER_MAX_LEN + 1)) != NULL)
        len = fread(service->banner, 1, BANNER_MAX_LEN, file);
    if (file == NULL || service->banner == NULL || ferror(file)) {
        say("the banner %s cannot be read: %s", name, strerror(errno));
        free(service->banner);
        service->banner = NULL;
    } else {
        service->banner[len] = '\0';
    }
    if (file != NULL)
        fclose(file);
    return true; /* nobody is kept out by it */
}

static bool prepare_service(struct service *service)
{
    if (!load_config(service->server, &service->config))
        return false;
    talk_set_log(service->config, service->server->settings.verbose, false);
    service->host_keys = read_host_keys(service->config);
    return service->host_keys != NULL && check_account(service->config) && session_prepare(service) &&
           read_penalties(service) && read_banner(service) && login_prepare(service);
}

struct service *service_load(struct server *server)
{
    struct service *service = calloc(1, sizeof *service);

    if (service == NULL) {
        say("out of memory");
        return NULL;
    }
    *service = (struct service){ .refs = 1, .server = server };
    if (prepare_service(service))
        return service;
    service_unref(service);
    return NULL;
}

struct service *service_ref(struct service *service)
{
    service->refs++;
    return service;
}

void service_unref(struct service *service)
{
    if (service == NULL || --service->refs > 0)
        return;
    sshio_config_unref(service->config);
    free_host_keys(service->host_keys);
    free(service->banner);
    sftp_arguments_done(&service->sftp);
    free(service);
}

/* -t, -T and -G. */
static int check_only(const struct server *server)
{
    sshio_config *config = NULL;
    sshio_bytes text;
    bool shows = server->settings.show_config > 0 || server->settings.show_parsed > 0;
    int status = 0;

    if (!load_config(server, &config))
        return 1;
    if (server->settings.show_parsed == 0) {
        sshio_keyref *keys = read_host_keys(config);
        status = keys != NULL ? 0 : 1;
        free_host_keys(keys);
    }
    if (status == 0 && shows && (status = sshio_config_dump(config, &text)) == 0) {
        fputs(text.data, stdout);
        sshio_bytes_free(&text);
    }
    sshio_config_unref(config);
    return status == 0 ? 0 : 1;
}

/* ---- the process ---- */

/* The parent waits until the child listens, so that its exit status tells whether the server runs. Nothing has been
 * started before that a fork would tear apart. */
static int serve_in_background(struct server *server)
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
        return serve_listening(server, ends[1]);
    }
    ssize_t got;
    do
        got = read(ends[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    close(ends[0]);
    return got == 1 ? 0 : 1;
}

/* Where to log. A file takes the place of stderr. */
static bool choose_log(struct sshd_settings *settings)
{
    if (settings->log_file != NULL) {
        int fd = open(settings->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) {
            say("Couldn't open logfile %s: %s", settings->log_file, strerror(errno));
            return false;
        }
        close(fd);
        settings->log_to_stderr = 1;
    }
    if (settings->debug > 0) {
        settings->log_to_stderr = 1;
        settings->in_foreground = 1;
        if (settings->verbose < settings->debug)
            settings->verbose = settings->debug;
    }
    if (settings->log_to_stderr == 0 && settings->on_stdin > 0)
        talk_to_system_log();
    return true;
}

static int start(struct server *server)
{
    struct sshd_settings *settings = &server->settings;

    if (settings->only_test > 0 || settings->show_config > 0 || settings->show_parsed > 0)
        return check_only(server);
    if (!account_load(&server->account, NULL)) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return 1;
    }
    if (!choose_log(settings))
        return 1;
    if (settings->on_stdin > 0)
        return serve_stdin(server);
    return settings->in_foreground > 0 ? serve_listening(server, -1) : serve_in_background(server);
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
    if (line.next == argc)
        return start(server);
    say("Extra argument %s.", argv[line.next]);
    options_usage(&tool_sshd, stderr);
    return 1;
}

static int run_sshd(int argc, char **argv)
{
    struct server server = { .service = NULL };

    signal(SIGPIPE, SIG_IGN);
    int status = run_server(&server, argc, argv);
    service_unref(server.service);
    penalties_free(server.penalties);
    account_done(&server.account);
    free(server.lines.text);
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
