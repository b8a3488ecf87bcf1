/* sshio scp: copies files to, from and between hosts, by SFTP or by the protocol of old. The exit status is 0 when all
 * was copied, 1 when something was not, 255 when a connection failed. See scp.h for its parts. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "scp.h"
#include "talk.h"
#include "terminal.h"
#include "tools.h"

#define AT(field) offsetof(struct scp, field)

static const struct tool_option options[] = {
    { '3', OPTION_COUNT, NULL, NULL, AT(through_here),
      "between two hosts the data goes through here, as it does anyway" },
    { '4', OPTION_SETTING, NULL, "AddressFamily=inet", 0, "IPv4 only" },
    { '6', OPTION_SETTING, NULL, "AddressFamily=inet6", 0, "IPv6 only" },
    { 'A', OPTION_COUNT, NULL, NULL, AT(remote.program.forwards_agent),
      "agent forwarding, by another program (-S); by this one it is not supported yet" },
    { 'B', OPTION_SETTING, NULL, "BatchMode=yes", 0, "ask for nothing" },
    { 'C', OPTION_SETTING, NULL, "Compression=yes", 0, "compress what is sent and received" },
    { 'c', OPTION_KEYWORD, "ciphers", "Ciphers", 0, "encryption algorithms" },
    { 'D', OPTION_TEXT, "command", NULL, AT(remote.program.server),
      "an SFTP server that runs here, with its arguments, in the place of every host" },
    { 'F', OPTION_TEXT, "file", NULL, AT(remote.config_file), "config file instead of the usual ones, or none" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'i', OPTION_KEYWORD, "file", "IdentityFile", 0, "private key to log in with; may be repeated" },
    { 'J', OPTION_KEYWORD, "hosts", "ProxyJump", 0, "hosts to connect through" },
    { 'l', OPTION_TEXT, "limit", NULL, AT(copying.limit), "rate at most, in Kbit/s" },
    { 'O', OPTION_COUNT, NULL, NULL, AT(old), "the protocol of old, instead of SFTP" },
    { 'o', OPTION_ASSIGNMENT, "Key=value", NULL, 0, "value of a config keyword; the first one counts" },
    { 'P', OPTION_KEYWORD, "port", "Port", 0, "port to connect to; 22 unless said otherwise" },
    { 'p', OPTION_COUNT, NULL, NULL, AT(preserve), "keep permissions and times" },
    { 'q', OPTION_COUNT, NULL, "LogLevel=ERROR", AT(quiet), "no progress, no messages but errors" },
    { 'R', OPTION_COUNT, NULL, NULL, AT(by_source), "between two hosts: the first one runs scp to the second" },
    { 'r', OPTION_COUNT, NULL, NULL, AT(recurse), "directories too, with all that is in them" },
    { 'S', OPTION_TEXT, "program", NULL, AT(remote.program.ssh),
      "another program that makes the connection, called as ssh is" },
    { 's', OPTION_ACCEPTED, NULL, NULL, 0, "SFTP, as it is anyway" },
    { 'T', OPTION_COUNT, NULL, NULL, AT(any_names), "with -O: take files under other names than were asked for" },
    { 'v', OPTION_COUNT, NULL, NULL, AT(remote.verbose), "say what happens; up to three times" },
    { 'X', OPTION_TEXT, "option", NULL, AT(extra), "nrequests=number or buffer=bytes of SFTP" },
};

/* ---- places ---- */

/* A name with a colon before any slash is on a host, unless it begins with one; brackets hold the colons of addresses.
 */
static bool is_remote(const char *text)
{
    bool in_brackets = text[0] == '[';

    if (strncasecmp(text, "scp://", 6) == 0)
        return true;
    if (text[0] == ':')
        return false;
    for (; *text != '\0' && *text != '/'; text++) {
        if (text[0] == '@' && text[1] == '[')
            in_brackets = true;
        if (in_brackets ? text[0] == ']' && text[1] == ':' : text[0] == ':')
            return true;
    }
    return false;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool take_place(struct scp *scp, struct place *place, const char *text)
{
    place->text = text;
    place->is_remote = is_remote(text);
    if (!place->is_remote)
        return true;
    if (!destination_parse(text, "scp", &place->destination))
        return false;
    for (struct place *other = scp->sources; other != place && place->same == NULL; other++)
        if (other->is_remote && same_text(other->destination.user, place->destination.user) &&
            same_text(other->destination.host, place->destination.host) &&
            same_text(other->destination.port, place->destination.port))
            place->same = other->same != NULL ? other->same : other;
    return true;
}

static bool take_places(struct scp *scp, int count, char **words)
{
    scp->sources = calloc((size_t)count, sizeof *scp->sources);
    if (scp->sources == NULL)
        return false;
    scp->source_count = (size_t)count - 1;
    scp->target = &scp->sources[scp->source_count];
    for (int i = 0; i < count; i++)
        if (!take_place(scp, &scp->sources[i], words[i]))
            return false;
    return true;
}

/* What the login says is said as ssh says it. */
struct remote *place_connect(struct scp *scp, struct place *place)
{
    struct place *owner = place->same != NULL ? place->same : place;

    if (remote_is_connected(&owner->remote))
        return &owner->remote;
    remote_done(&owner->remote);
    talk_as("ssh");
    bool ok = remote_connect(&owner->remote, &scp->remote, &scp->account, &owner->destination);
    talk_as(tool_scp.name);
    if (!ok && !talk_is_silenced())
        say("Connection closed");
    return ok ? &owner->remote : NULL;
}

sshio_sftp *place_sftp(struct scp *scp, struct place *place)
{
    struct remote *remote = place_connect(scp, place);

    if (remote == NULL)
        return NULL;
    if (remote->sftp == NULL && !remote_start_sftp(remote, "sftp") && remote->program != NULL && !talk_is_silenced())
        say("Connection closed");
    return remote->sftp;
}

/* ---- who goes where ---- */

static int copy_here(const struct scp *scp, const struct place *source)
{
    char *argv[8];
    size_t count = 0;
    int status;

    argv[count++] = "cp";
    if (scp->recurse > 0)
        argv[count++] = "-r";
    if (scp->preserve > 0)
        argv[count++] = "-p";
    argv[count++] = "--";
    argv[count++] = (char *)source->text;
    argv[count++] = (char *)scp->target->text;
    argv[count] = NULL;
    if (child_run(argv, &status) != 0)
        return SCP_FAILED;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : SCP_FAILED;
}

static int run_there(struct scp *scp, struct remote *remote, const char *command)
{
    struct session_settings session = { .no_input = 1, .no_terminal = 1, .command = command };
    int status;

    if (remote->program == NULL)
        return session_run(&remote->login, remote->conn, &session);
    return program_run(&scp->remote.program, remote->destination, command, &status) == 0 && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : SCP_FATAL;
}

/* The other host runs its own scp, which logs in at the target by what is there. */
static int copy_by_source(struct scp *scp, struct place *source)
{
    struct remote *remote = place_connect(scp, source);
    const char *path = source->destination.path;
    char *command;

    if (remote == NULL)
        return SCP_FATAL;
    if (asprintf(&command, "scp%s%s%s %s %s", scp->recurse > 0 ? " -r" : "", scp->preserve > 0 ? " -p" : "",
                 scp->quiet > 0 ? " -q" : "", path != NULL && path[0] != '\0' ? path : ".", scp->target->text) < 0)
        return SCP_FATAL;
    int status = run_there(scp, remote, command);
    free(command);
    return status == 0 ? 0 : SCP_FAILED;
}

static int copy_one(struct scp *scp, struct place *source)
{
    bool is_old = scp->old > 0;

    if (!scp->target->is_remote && !source->is_remote)
        return copy_here(scp, source);
    if (!scp->target->is_remote)
        return is_old ? scp_old_download(scp, source) : scp_download(scp, source);
    if (!source->is_remote)
        return is_old ? 0 : scp_upload(scp, source); /* the old protocol takes them together */
    if (scp->by_source > 0)
        return copy_by_source(scp, source);
    return is_old ? scp_old_between(scp, source) : scp_between(scp, source);
}

static bool has_local_source(const struct scp *scp)
{
    for (size_t i = 0; i < scp->source_count; i++)
        if (!scp->sources[i].is_remote)
            return true;
    return false;
}

static int copy_all(struct scp *scp)
{
    int status = 0;

    if (!scp->target->is_remote && scp->source_count > 1 && !path_is_local_folder(scp->target->text)) {
        say("%s: %s", scp->target->text, access(scp->target->text, F_OK) != 0 ? strerror(errno) : strerror(ENOTDIR));
        return SCP_FAILED;
    }
    if (scp->old > 0 && scp->target->is_remote && has_local_source(scp))
        status = scp_old_upload(scp);
    for (size_t i = 0; i < scp->source_count && status != SCP_FATAL; i++) {
        int one = copy_one(scp, &scp->sources[i]);
        status = one != 0 ? one : status;
    }
    return status;
}

/* ---- the command line ---- */

static int prepare_and_copy(struct scp *scp, int count, char **words)
{
    if (!program_check(&scp->remote.program, tool_scp.name))
        return SCP_FAILED;
    if (scp->remote.program.server != NULL && (scp->old > 0 || scp->by_source > 0)) {
        say("-D is a server of SFTP, which -O and -R are not");
        return SCP_FAILED;
    }
    scp->meter.shown = scp->quiet == 0 && isatty(STDOUT_FILENO);
    scp->copying.meter = &scp->meter;
    scp->copying.recurse = scp->recurse > 0;
    scp->copying.preserve = scp->preserve > 0;
    scp->copying.follow = true;
    if (!account_load(&scp->account, getenv("HOME"))) {
        say("No user exists for uid %lu", (unsigned long)getuid());
        return SCP_FATAL;
    }
    if (scp->extra != NULL && !copying_take_extra(&scp->copying, scp->extra))
        return SCP_FATAL;
    if (!copying_take_options(&scp->copying) || !take_places(scp, count, words))
        return SCP_FAILED;
    terminal_guard(SCP_FAILED);
    return copy_all(scp);
}

/* False = another program that was used has failed. */
static bool done(struct scp *scp)
{
    bool ok = true;

    for (size_t i = 0; scp->sources != NULL && i <= scp->source_count; i++) {
        ok = remote_done(&scp->sources[i].remote) && ok;
        destination_done(&scp->sources[i].destination);
    }
    free(scp->sources);
    free(scp->remote.lines.text);
    arguments_done(&scp->remote.program.passed);
    meter_done(&scp->meter);
    account_done(&scp->account);
    return ok;
}

static int run_scp(int argc, char **argv)
{
    struct scp scp = { .remote.program.style = &program_of_scp };
    struct command_line line = { .tool = &tool_scp,
                                 .argc = argc,
                                 .argv = argv,
                                 .next = 1,
                                 .settings = &scp,
                                 .lines = &scp.remote.lines,
                                 .taken = program_take_option,
                                 .user = &scp.remote.program };
    int status = SCP_FAILED;

    signal(SIGPIPE, SIG_IGN);
    if (options_take(&line, &status)) {
        if (argc - line.next >= 2)
            status = prepare_and_copy(&scp, argc - line.next, argv + line.next);
        else
            options_usage(&tool_scp, stderr);
    }
    bool ok = done(&scp);
    return status == 0 && !ok ? SCP_FAILED : status;
}

const struct tool tool_scp = {
    .name = "scp",
    .summary = "copy files to, from and between hosts",
    .operands = "source ... target",
    .failed = SCP_FAILED,
    .run = run_scp,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
