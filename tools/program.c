/* See program.h. */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "remote.h"
#include "talk.h"
#include "words.h"

struct program_style {
    const char *first[6]; /* before all options, ended by NULL */
    const char *last;     /* behind them */
    bool port_is_keyword; /* else it is -p */
};

const struct program_style program_of_scp = {
    .first = { "-x", "-oPermitLocalCommand=no", "-oClearAllForwardings=yes", "-oRemoteCommand=none",
               "-oRequestTTY=no" },
    .last = "-oForwardAgent=no",
};
const struct program_style program_of_sftp = {
    .first = { "-oForwardX11 no", "-oPermitLocalCommand no", "-oClearAllForwardings yes" },
    .last = "-oForwardAgent no",
    .port_is_keyword = true,
};

/* ---- lists of arguments ---- */

void arguments_add(struct arguments *a, const char *format, ...)
{
    char *text = NULL, **grown = realloc(a->items, (a->count + 2) * sizeof *grown);
    va_list args;

    va_start(args, format);
    int len = grown != NULL ? vasprintf(&text, format, args) : -1;
    va_end(args);
    a->items = grown != NULL ? grown : a->items;
    a->failed = a->failed || len < 0;
    if (len < 0)
        return;
    a->items[a->count++] = text;
    a->items[a->count] = NULL;
}

void arguments_done(struct arguments *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->items[i]);
    free(a->items);
    *a = (struct arguments){ 0 };
}

/* ---- options ---- */

void program_take_option(const struct tool_option *option, const char *argument, void *user)
{
    struct program_settings *settings = user;
    const char *keyword = option->keyword != NULL ? option->keyword : "";

    if (option->kind == OPTION_KEYWORD && strcmp(keyword, "Port") == 0) {
        settings->port = argument;
    } else if (option->kind == OPTION_SETTING && strncmp(keyword, "BatchMode=", 10) == 0) {
        arguments_add(&settings->passed, "-oBatchmode=yes");
    } else if (option->kind == OPTION_KEYWORD || option->kind == OPTION_ASSIGNMENT || option->letter == 'F') {
        arguments_add(&settings->passed, "-%c", option->letter);
        arguments_add(&settings->passed, "%s", argument);
    } else if (option->kind == OPTION_SETTING || strchr("Aqv", option->letter) != NULL) {
        arguments_add(&settings->passed, "-%c", option->letter);
    }
}

bool program_check(const struct program_settings *settings, const char *tool)
{
    if (settings->forwards_agent == 0 || settings->ssh != NULL)
        return true;
    say("%s: -A is not supported yet, but by another program (-S): agent forwarding", tool);
    return false;
}

bool program_is_used(const struct program_settings *settings)
{
    return settings->ssh != NULL || settings->server != NULL;
}

/* ---- command lines ---- */

static void add_ssh(struct arguments *a, const struct program_settings *settings, const struct destination *d)
{
    const struct program_style *style = settings->style;
    const char *port = d->port != NULL ? d->port : settings->port;

    arguments_add(a, "%s", settings->ssh != NULL ? settings->ssh : "ssh");
    for (size_t i = 0; style->first[i] != NULL; i++)
        arguments_add(a, "%s", style->first[i]);
    for (size_t i = 0; i < settings->passed.count; i++)
        arguments_add(a, "%s", settings->passed.items[i]);
    arguments_add(a, "%s", style->last);
    if (port != NULL && style->port_is_keyword) {
        arguments_add(a, "-oPort %s", port);
    } else if (port != NULL) {
        arguments_add(a, "-p");
        arguments_add(a, "%s", port);
    }
    if (d->user != NULL) {
        arguments_add(a, "-l");
        arguments_add(a, "%s", d->user);
    }
}

static void add_server(struct arguments *a, const char *line)
{
    struct words words;

    if (words_parse(line, &words) != WORDS_OK || words.count == 0)
        say("\"%s\" is no command of an SFTP server", line);
    else
        for (size_t i = 0; i < words.count; i++)
            arguments_add(a, "%s", words.items[i].text);
    words_done(&words);
}

static void add_command(struct arguments *a, const struct destination *d, const char *command, bool is_subsystem)
{
    if (is_subsystem)
        arguments_add(a, "-s");
    arguments_add(a, "--");
    arguments_add(a, "%s", d->host);
    arguments_add(a, "%s", command);
}

bool program_start(const struct program_settings *settings, const struct destination *destination, const char *command,
                   bool is_subsystem, pid_t *pid, int *fd)
{
    struct arguments a = { 0 };

    if (settings->server != NULL) {
        add_server(&a, settings->server);
    } else {
        add_ssh(&a, settings, destination);
        add_command(&a, destination, command, is_subsystem);
    }
    bool ok = a.count != 0 && !a.failed && child_start(a.items, settings->keeps_interrupts, pid, fd);
    arguments_done(&a);
    return ok;
}

int program_run(const struct program_settings *settings, const struct destination *destination, const char *command,
                int *status)
{
    struct arguments a = { 0 };

    add_ssh(&a, settings, destination);
    arguments_add(&a, "-n");
    add_command(&a, destination, command, false);
    int rc = a.failed ? SSHIO_ENOMEM : child_run(a.items, status);
    arguments_done(&a);
    return rc;
}
