/* sshio sftp-server: serves SFTP on its standard input and output, with the options of sftp-server(8), so that an SSH
 * server can run it as its subsystem. */
#include "sftp_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk.h"
#include "tools.h"

#define WORDS_MAX 32
#define AT(field) offsetof(struct sftp_arguments, field)

static const struct tool_option options[] = {
    { 'd', OPTION_TEXT, "directory", NULL, AT(start_dir), "where relative paths begin; %d home, %u user, %% percent" },
    { 'e', OPTION_COUNT, NULL, NULL, AT(to_stderr), "log to stderr, not to the system log" },
    { 'f', OPTION_TEXT, "facility", NULL, AT(facility), "of the system log: AUTH, DAEMON, USER, LOCAL0 to LOCAL7" },
    { 'h', OPTION_HELP, NULL, NULL, 0, "this text" },
    { 'l', OPTION_TEXT, "level", NULL, AT(level), "what is logged: QUIET to DEBUG3; ERROR unless said otherwise" },
    { 'P', OPTION_TEXT, "requests", NULL, AT(deny), "a comma list of requests that are refused" },
    { 'p', OPTION_TEXT, "requests", NULL, AT(allow), "a comma list of the only requests that are served" },
    { 'Q', OPTION_TEXT, "requests", NULL, AT(query), "list the requests that -P and -p know" },
    { 'R', OPTION_COUNT, NULL, NULL, AT(read_only), "refuse whatever changes something" },
    { 'u', OPTION_TEXT, "umask", NULL, AT(umask), "octal; bits that new files do not get" },
};

/* ---- what the options say ---- */

static void replace_token(char token, const struct account *account, const char **text)
{
    *text = token == 'd' ? account->home : token == 'u' ? account->name : token == '%' ? "%" : NULL;
}

/* "%d/files"; NULL = an unknown token, or out of memory. */
static char *expand_tokens(const char *pattern, const struct account *account)
{
    size_t size = strlen(pattern) * (strlen(account->home) + strlen(account->name) + 1) + 1, len = 0;
    char *path = malloc(size);

    for (; path != NULL && *pattern != '\0'; pattern++) {
        const char plain[2] = { *pattern, '\0' }, *text = plain;
        if (*pattern == '%')
            replace_token(*++pattern, account, &text);
        if (text == NULL) {
            say("-d: unknown token %%%c", *pattern);
            free(path);
            return NULL;
        }
        len += (size_t)snprintf(path + len, size - len, "%s", text);
    }
    if (path != NULL)
        path[len] = '\0';
    return path;
}

/* Cuts a comma list in place; NULL = out of memory. */
static const char **split(char *text)
{
    size_t count = 1;
    for (const char *at = text; *at != '\0'; at++)
        count += *at == ',';
    const char **list = calloc(count + 1, sizeof *list);
    for (size_t i = 0; list != NULL && text != NULL; i++) {
        char *comma = strchr(text, ',');
        list[i] = text;
        if (comma != NULL)
            *comma = '\0';
        text = comma != NULL ? comma + 1 : NULL;
    }
    return list;
}

static bool is_request(const char *name)
{
    const char *known;
    for (size_t i = 0; (known = sshio_sftp_request_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    say("there is no request \"%s\"", name);
    return false;
}

static bool take_list(const char *text, char **copy, const char ***list)
{
    if (text == NULL)
        return true;
    *copy = strdup(text);
    *list = *copy != NULL ? split(*copy) : NULL;
    for (size_t i = 0; *list != NULL && (*list)[i] != NULL; i++)
        if (!is_request((*list)[i]))
            return false;
    return *list != NULL;
}

static bool take_umask(struct sftp_arguments *a)
{
    char *end;
    if (a->umask == NULL)
        return true;
    long value = strtol(a->umask, &end, 8);
    if (a->umask[0] == '\0' || *end != '\0' || value < 0 || value > 0777) {
        say("Invalid umask \"%s\"", a->umask);
        return false;
    }
    a->mask = (unsigned)value;
    a->has_mask = true;
    return true;
}

static bool take_values(struct sftp_arguments *a, const struct account *account)
{
    if (a->level != NULL && !talk_knows_level(a->level)) {
        say("Invalid log level \"%s\"", a->level);
        return false;
    }
    if (a->start_dir != NULL && (a->start_path = expand_tokens(a->start_dir, account)) == NULL)
        return false;
    return take_umask(a) && take_list(a->allow, &a->allow_text, &a->allow_list) &&
           take_list(a->deny, &a->deny_text, &a->deny_list);
}

bool sftp_arguments_take(struct sftp_arguments *arguments, int argc, char **argv, const struct account *account,
                         int *status)
{
    struct command_line line = {
        .tool = &tool_sftp_server, .argc = argc, .argv = argv, .next = 1, .settings = arguments
    };

    if (!options_take(&line, status))
        return false;
    *status = tool_sftp_server.failed;
    if (line.next < argc) {
        options_usage(&tool_sftp_server, stderr);
        return false;
    }
    return take_values(arguments, account);
}

bool sftp_arguments_take_line(struct sftp_arguments *arguments, const char *line, const struct account *account)
{
    char *argv[WORDS_MAX + 1], *rest = NULL;
    int argc = 0, status;

    arguments->words_text = strdup(line);
    if (arguments->words_text == NULL)
        return false;
    for (char *word = strtok_r(arguments->words_text, " \t", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    return sftp_arguments_take(arguments, argc, argv, account, &status);
}

void sftp_arguments_done(struct sftp_arguments *arguments)
{
    free(arguments->start_path);
    free(arguments->allow_text);
    free(arguments->deny_text);
    free(arguments->words_text);
    free((void *)arguments->allow_list);
    free((void *)arguments->deny_list);
}

void sftp_arguments_apply(const struct sftp_arguments *arguments, sshio_sftp_server_options *to)
{
    to->read_only = arguments->read_only > 0;
    to->allow_requests = arguments->allow_list;
    to->deny_requests = arguments->deny_list;
}

/* ---- the program ---- */

static int list_requests(const char *query)
{
    const char *name;
    if (strcmp(query, "requests") != 0) {
        say("Invalid query type \"%s\"", query);
        return 1;
    }
    for (size_t i = 0; (name = sshio_sftp_request_name(i)) != NULL; i++)
        printf("%s\n", name);
    return 0;
}

static bool set_log(const struct sftp_arguments *arguments)
{
    talk_set_level(arguments->level != NULL ? arguments->level : "ERROR");
    if (arguments->to_stderr > 0)
        return true;
    if (talk_to_facility(arguments->facility != NULL ? arguments->facility : "AUTH"))
        return true;
    say("Invalid log facility \"%s\"", arguments->facility);
    return false;
}

static int serve(const struct sftp_arguments *arguments)
{
    sshio_sftp_server_options to;

    if (!set_log(arguments))
        return 1;
    if (arguments->has_mask)
        umask(arguments->mask);
    if (arguments->start_path != NULL && chdir(arguments->start_path) != 0)
        say("%s cannot be entered", arguments->start_path);
    signal(SIGPIPE, SIG_IGN);
    sshio_sftp_server_options_init(&to);
    sftp_arguments_apply(arguments, &to);
    to.sftp_version = SSHIO_MAX_SFTP_VERSION;
    int rc = sshio_run_sftp_server(STDIN_FILENO, STDOUT_FILENO, &to);
    if (rc != 0)
        say("%s", sshio_error_message());
    return rc == 0 ? 0 : 1;
}

static int run(int argc, char **argv)
{
    struct sftp_arguments arguments = { 0 };
    struct account account = { 0 };
    int status = 1;

    if (!account_load(&account, getenv("HOME")))
        say("No user exists for uid %lu", (unsigned long)getuid());
    else if (sftp_arguments_take(&arguments, argc, argv, &account, &status))
        status = arguments.query != NULL ? list_requests(arguments.query) : serve(&arguments);
    sftp_arguments_done(&arguments);
    account_done(&account);
    return status;
}

const struct tool tool_sftp_server = {
    .name = "sftp-server",
    .summary = "serves files to an SFTP client, on stdin and stdout",
    .operands = "",
    .failed = 1,
    .run = run,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
