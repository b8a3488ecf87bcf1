/* sshio sftp: moves files and directories to and from another host, by commands that a person types or a file holds.
 * With a batch the exit status is 1 when a command failed; it is 255 when the connection did. See sftp.h for its parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sftp.h"
#include "talk.h"
#include "terminal.h"
#include "tools.h"

#define FAILED 1
#define LOST 255
#define PROMPT "sftp> "
#define FLAG(field) offsetof(struct settings, field)

struct settings {
    struct remote_settings remote;
    struct copying copying;
    int quiet, noisy, recurse, preserve, resume, flush;
    const char *batch, *extra, *subsystem;
};

static const struct tool_option options[] = {
    { '4', OPTION_SETTING, NULL, "AddressFamily=inet", 0, "IPv4 only" },
    { '6', OPTION_SETTING, NULL, "AddressFamily=inet6", 0, "IPv6 only" },
    { 'A', OPTION_COUNT, NULL, NULL, FLAG(remote.program.forwards_agent),
      "agent forwarding, by another program (-S); by this one it is not supported yet" },
    { 'a', OPTION_COUNT, NULL, NULL, FLAG(resume), "go on with transfers that broke off" },
    { 'B', OPTION_TEXT, "bytes", NULL, FLAG(copying.buffer_size), "size of the blocks that are read and written" },
    { 'b', OPTION_TEXT, "file", NULL, FLAG(batch),
      "commands come from this file, - is stdin; the first that fails ends it" },
    { 'C', OPTION_SETTING, NULL, "Compression=yes", 0, "compress what is sent and received" },
    { 'c', OPTION_KEYWORD, "ciphers", "Ciphers", 0, "encryption algorithms" },
    { 'D', OPTION_TEXT, "command", NULL, FLAG(remote.program.server),
      "an SFTP server that runs here, with its arguments, instead of a host" },
    { 'F', OPTION_TEXT, "file", NULL, FLAG(remote.config_file), "config file instead of the usual ones, or none" },
    { 'f', OPTION_COUNT, NULL, NULL, FLAG(flush), "wait until files that were copied are on the disk" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'i', OPTION_KEYWORD, "file", "IdentityFile", 0, "private key to log in with; may be repeated" },
    { 'J', OPTION_KEYWORD, "hosts", "ProxyJump", 0, "hosts to connect through" },
    { 'l', OPTION_TEXT, "limit", NULL, FLAG(copying.limit), "rate of transfers at most, in Kbit/s" },
    { 'N', OPTION_COUNT, NULL, NULL, FLAG(noisy), "not quiet, though -b is" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'P', OPTION_KEYWORD, "port", "Port", 0, "port to connect to; 22 unless said otherwise" },
    { 'p', OPTION_COUNT, NULL, NULL, FLAG(preserve), "keep permissions and times" },
    { 'q', OPTION_COUNT, NULL, "LogLevel=ERROR", FLAG(quiet), "no progress, no messages but errors" },
    { 'R', OPTION_TEXT, "requests", NULL, FLAG(copying.requests), "requests that are under way at a time" },
    { 'r', OPTION_COUNT, NULL, NULL, FLAG(recurse), "directories too, with all that is in them" },
    { 'S', OPTION_TEXT, "program", NULL, FLAG(remote.program.ssh),
      "another program that makes the connection, called as ssh is" },
    { 's', OPTION_TEXT, "subsystem", NULL, FLAG(subsystem),
      "the subsystem of the server: sftp; with -S another one, or the path of a server there" },
    { 'v', OPTION_COUNT, NULL, NULL, FLAG(remote.verbose), "say what happens; up to three times" },
    { 'X', OPTION_TEXT, "option", NULL, FLAG(extra), "nrequests=number or buffer=bytes, as -R and -B" },
};

/* ---- commands ---- */

struct running {
    struct sftp *sftp;
    const struct call *call;
};

static int run_call(void *arg)
{
    struct running *running = arg;
    running->sftp->result = running->call->command->run(running->sftp, running->call);
    return 0;
}

/* In a task of its own, which an interrupt can end. */
static int run_interruptibly(struct sftp *sftp, const struct call *call)
{
    struct running running = { sftp, call };

    sftp->result = SSHIO_ENOMEM;
    if (sshio_spawn(run_call, &running, &sftp->running) != 0 || sshio_join(sftp->running, NULL) != 0)
        say("%s", sshio_error_message());
    sftp->running = NULL;
    return sftp->result;
}

static void interrupted(void *user)
{
    struct sftp *sftp = user;

    if (sftp->running != NULL)
        sshio_cancel(sftp->running);
    else if (sftp->input != NULL)
        input_interrupt(sftp->input);
}

/* Also when this program goes on after it was stopped. */
static void terminal_changed(void *user)
{
    struct sftp *sftp = user;

    if (sftp->running == NULL && sftp->input != NULL)
        input_refresh(sftp->input);
}

/* False = the session ends with *status. */
static bool take_line(struct sftp *sftp, const char *line, int *status)
{
    struct call call;
    bool is_right = call_parse(line, &call);
    int rc = is_right ? 0 : SSHIO_EINVAL;

    if (!sftp->interactive && !call.silent)
        printf(PROMPT "%s\n", line);
    fflush(stdout);
    if (is_right && call.command != NULL)
        rc = run_interruptibly(sftp, &call);
    fflush(stdout);
    bool is_fatal = rc != 0 && sftp->stops_at_errors && !call.tolerant;
    call_done(&call);
    if (remote_is_lost(rc)) {
        say("Connection closed");
        *status = LOST;
        return false;
    }
    if (is_fatal)
        *status = FAILED;
    return !is_fatal && !sftp->ended;
}

static int take_lines(struct sftp *sftp)
{
    int status = 0;
    bool goes_on = true;

    while (goes_on) {
        bool was_interrupted;
        char *line = input_line(sftp->input, PROMPT, &was_interrupted);
        if (line == NULL && sftp->interactive)
            putchar('\n');
        goes_on = line != NULL ? take_line(sftp, line, &status) : was_interrupted && sftp->interactive;
        free(line);
    }
    fflush(stdout);
    return status;
}

/* ---- the session ---- */

static bool open_input(struct sftp *sftp, const char *batch)
{
    bool is_stdin = batch == NULL || strcmp(batch, "-") == 0;
    int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(batch, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        say("%s (%s).", strerror(errno), is_stdin ? "stdin" : batch);
        return false;
    }
    sftp->interactive = batch == NULL && isatty(STDIN_FILENO);
    sftp->stops_at_errors = batch != NULL;
    if (sftp->interactive)
        terminal_keep();
    sftp->input = input_open(sftp, fd, sftp->interactive);
    if (sftp->input == NULL)
        close(fd);
    return sftp->input != NULL;
}

static int run_session(struct sftp *sftp, const struct destination *destination, const char *local)
{
    bool transferred = false;
    int rc = 0;

    if (sshio_sftp_realpath(sftp->sftp, ".", &sftp->directory) != 0) {
        say("Need cwd: %s", remote_reason());
        return LOST;
    }
    if (!sftp->quiet && sftp->server != NULL)
        fprintf(stderr, "Attached to %s.\n", sftp->server);
    else if (!sftp->quiet)
        fprintf(stderr, "Connected to %s.\n", destination->host);
    if (sftp->interactive) {
        terminal_on_interrupt(interrupted, sftp);
        terminal_watch_size(terminal_changed, sftp);
    }
    if (destination->path != NULL && destination->path[0] != '\0')
        rc = sftp_begin(sftp, destination->path, local, &transferred);
    if (rc != 0 || transferred)
        return rc == 0 ? 0 : FAILED;
    return take_lines(sftp);
}

static void apply(const struct settings *settings, struct sftp *sftp)
{
    sftp->quiet = (settings->quiet > 0 || settings->batch != NULL) && settings->noisy == 0;
    sftp->recurse = settings->recurse > 0;
    sftp->preserve = settings->preserve > 0;
    sftp->resume = settings->resume > 0;
    sftp->flush = settings->flush > 0;
    sftp->meter.shown = !sftp->quiet && settings->batch == NULL && isatty(STDOUT_FILENO);
    sftp->copying = settings->copying;
    sftp->copying.meter = &sftp->meter;
    sftp->copying.announces = true;
}

/* What the login says is said as ssh says it, who did that before. */
static bool log_in(struct remote *remote, const struct settings *settings, const struct account *account,
                   const struct destination *destination)
{
    talk_as("ssh");
    bool ok = remote_connect(remote, &settings->remote, account, destination);
    if (program_is_used(&settings->remote.program))
        talk_as(NULL);
    ok = ok && remote_start_sftp(remote, settings->subsystem);
    talk_as(NULL);
    if (!ok && !talk_is_silenced())
        say("Connection closed");
    return ok;
}

static int connect_and_run(struct settings *settings, const char *place, const char *local)
{
    struct account account = { 0 };
    struct destination destination = { 0 };
    struct remote remote = { 0 };
    struct sftp sftp = { .host = place, .server = settings->remote.program.server };
    int status = LOST;

    apply(settings, &sftp);
    bool has_place = sftp.server != NULL || destination_parse(place, "sftp", &destination);
    if (has_place && !account_load(&account, getenv("HOME")))
        say("No user exists for uid %lu", (unsigned long)getuid());
    else if (has_place && ((settings->extra != NULL && !copying_take_extra(&sftp.copying, settings->extra)) ||
                           !copying_take_options(&sftp.copying) || !open_input(&sftp, settings->batch)))
        status = FAILED;
    else if (has_place && log_in(&remote, settings, &account, &destination)) {
        sftp.sftp = remote.sftp;
        status = run_session(&sftp, &destination, local);
    }
    terminal_watch_size(NULL, NULL);
    input_close(sftp.input);
    sftp.input = NULL;
    meter_done(&sftp.meter);
    sshio_free(sftp.directory);
    remote_done(&remote);
    destination_done(&destination);
    account_done(&account);
    return status;
}

static bool check(struct settings *settings)
{
    if (!program_check(&settings->remote.program, tool_sftp.name))
        return false;
    if (program_is_used(&settings->remote.program) || strcmp(settings->subsystem, "sftp") == 0)
        return true;
    say("-s %s is not supported without another program (-S)", settings->subsystem);
    return false;
}

static int run_operands(struct settings *settings, int count, char **words)
{
    bool needs_host = settings->remote.program.server == NULL;

    if (needs_host && (count < 1 || count > 2)) {
        options_usage(&tool_sftp, stderr);
        return FAILED;
    }
    if (!check(settings))
        return FAILED;
    if (settings->batch != NULL && !config_lines_add(&settings->remote.lines, "BatchMode=yes"))
        return FAILED;
    terminal_guard(LOST);
    return connect_and_run(settings, needs_host ? words[0] : "", needs_host && count > 1 ? words[1] : NULL);
}

static void option_taken(const struct tool_option *option, const char *argument, void *user)
{
    if (option->letter == 'b')
        arguments_add(&((struct program_settings *)user)->passed, "-obatchmode yes");
    program_take_option(option, argument, user);
}

static int run_sftp(int argc, char **argv)
{
    struct settings settings = { .remote.program = { .style = &program_of_sftp, .keeps_interrupts = true },
                                 .subsystem = "sftp" };
    struct command_line line = { .tool = &tool_sftp,
                                 .argc = argc,
                                 .argv = argv,
                                 .next = 1,
                                 .settings = &settings,
                                 .lines = &settings.remote.lines,
                                 .taken = option_taken,
                                 .user = &settings.remote.program };
    int status = FAILED;

    talk_as(NULL);
    signal(SIGPIPE, SIG_IGN);
    if (options_take(&line, &status))
        status = run_operands(&settings, argc - line.next, argv + line.next);
    arguments_done(&settings.remote.program.passed);
    free(settings.remote.lines.text);
    return status;
}

const struct tool tool_sftp = {
    .name = "sftp",
    .summary = "move files to and from another host by commands",
    .operands = "[user@]host[:path [local]]",
    .failed = FAILED,
    .run = run_sftp,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
