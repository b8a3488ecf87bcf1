/* See options.h. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "talk.h"

void options_usage(const struct tool *tool, FILE *to)
{
    fprintf(to, "usage: sshio %s [-", tool->name);
    for (size_t i = 0; i < tool->option_count; i++)
        if (tool->options[i].argument == NULL && tool->options[i].kind != OPTION_MISSING)
            fputc(tool->options[i].letter, to);
    fputc(']', to);
    for (size_t i = 0; i < tool->option_count; i++)
        if (tool->options[i].argument != NULL && tool->options[i].kind != OPTION_MISSING)
            fprintf(to, " [-%c %s]", tool->options[i].letter, tool->options[i].argument);
    fprintf(to, "%s%s\n", tool->operands[0] != '\0' ? " " : "", tool->operands);
}

void options_help(const struct tool *tool, FILE *to)
{
    fprintf(to, "sshio %s: %s\n\n", tool->name, tool->summary);
    options_usage(tool, to);
    fputc('\n', to);
    for (size_t i = 0; i < tool->option_count; i++) {
        const struct tool_option *option = &tool->options[i];
        if (option->kind != OPTION_MISSING)
            fprintf(to, "  -%c %-18s %s\n", option->letter, option->argument != NULL ? option->argument : "",
                    option->help);
    }
    fprintf(to, "  --help %14s this text\n", "");
}

bool config_lines_add(struct config_lines *lines, const char *line)
{
    size_t len = strlen(line);
    char *text = strchr(line, '\n') == NULL ? realloc(lines->text, lines->len + len + 2) : NULL;

    if (text == NULL) {
        say("command-line: the option has a line break in it, or is too long");
        return false;
    }
    memcpy(text + lines->len, line, len);
    lines->text = text;
    lines->len += len + 1;
    text[lines->len - 1] = '\n';
    text[lines->len] = '\0';
    return true;
}

/* Quotes the value so that the grammar of config lines gives it back as it is. */
bool config_lines_add_value(struct config_lines *lines, const char *keyword, const char *value)
{
    size_t size = strlen(keyword) + 2 * strlen(value) + 4;
    char *text = malloc(size);
    if (text == NULL) {
        say("out of memory");
        return false;
    }
    size_t len = (size_t)snprintf(text, size, "%s=\"", keyword);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            text[len++] = '\\';
        text[len++] = *value;
    }
    text[len++] = '"';
    text[len] = '\0';
    bool ok = config_lines_add(lines, text);
    free(text);
    return ok;
}

static const struct tool_option *find_option(const struct tool *tool, char letter)
{
    for (size_t i = 0; i < tool->option_count; i++)
        if (tool->options[i].letter == letter)
            return &tool->options[i];
    return NULL;
}

static bool end_with(int *status, int value)
{
    *status = value;
    return false;
}

static bool usage_error(const struct tool *tool, int *status, const char *what, char letter)
{
    say("%s -- '%c'", what, letter);
    options_usage(tool, stderr);
    return end_with(status, tool->failed);
}

static bool configure(const struct command_line *line, bool ok, int *status)
{
    return ok || end_with(status, line->tool->failed);
}

static bool refuse(const struct command_line *line, const struct tool_option *option, int *status)
{
    say("-%c is not supported yet: %s", option->letter, option->help);
    return end_with(status, line->tool->failed);
}

static bool apply(struct command_line *line, const struct tool_option *option, const char *argument, int *status)
{
    char *place = (char *)line->settings + option->offset;

    switch (option->kind) {
    case OPTION_KEYWORD:
        return configure(line, config_lines_add_value(line->lines, option->keyword, argument), status);
    case OPTION_SETTING:
        return configure(line, config_lines_add(line->lines, option->keyword), status);
    case OPTION_ASSIGNMENT:
        return configure(line, config_lines_add(line->lines, argument), status);
    case OPTION_COUNT:
        ++*(int *)(void *)place;
        return option->keyword == NULL || configure(line, config_lines_add(line->lines, option->keyword), status);
    case OPTION_TEXT:
        *(const char **)(void *)place = argument;
        return true;
    case OPTION_ACCEPTED:
        return argument == NULL || strcmp(argument, option->keyword) == 0 || refuse(line, option, status);
    case OPTION_MISSING:
        return refuse(line, option, status);
    case OPTION_HELP:
        options_help(line->tool, stdout);
        return end_with(status, 0);
    case OPTION_VERSION:
        fprintf(stderr, "sshio_%s, compatible with OpenSSH_9.9\n", sshio_version());
        return end_with(status, 0);
    }
    return true;
}

/* The letters of one word, and the argument of the last one, which may be the next word. */
static bool take_word(struct command_line *line, const char *letters, int *status)
{
    for (; *letters != '\0'; letters++) {
        const struct tool_option *option = find_option(line->tool, *letters);
        if (option == NULL)
            return usage_error(line->tool, status, "unknown option", *letters);
        const char *argument = NULL;
        if (option->argument != NULL) {
            argument = letters[1] != '\0' ? letters + 1 : line->next < line->argc ? line->argv[line->next++] : NULL;
            if (argument == NULL)
                return usage_error(line->tool, status, "option requires an argument", *letters);
        }
        if (!apply(line, option, argument, status))
            return false;
        if (line->taken != NULL)
            line->taken(option, argument, line->user);
        if (argument != NULL)
            return true;
    }
    return true;
}

bool options_take(struct command_line *line, int *status)
{
    while (!line->ended && line->next < line->argc) {
        const char *word = line->argv[line->next];
        if (word[0] != '-' || word[1] == '\0')
            return true;
        line->next++;
        if (strcmp(word, "--") == 0) {
            line->ended = true;
        } else if (strcmp(word, "--help") == 0) {
            options_help(line->tool, stdout);
            return end_with(status, 0);
        } else if (!take_word(line, word + 1, status)) {
            return false;
        }
    }
    return true;
}

sshio_tri options_tri(const sshio_config *config, const char *keyword)
{
    const char *const *values = sshio_config_get(config, keyword);
    if (values == NULL)
        return SSHIO_UNSET;
    return strcmp(values[0], "yes") == 0 || strcmp(values[0], "true") == 0 ? SSHIO_YES : SSHIO_NO;
}

const char *options_text(const sshio_config *config, const char *keyword, const char *fallback)
{
    const char *const *values = sshio_config_get(config, keyword);
    return values != NULL ? values[0] : fallback;
}

void options_explain_config(void)
{
    const sshio_error *error = sshio_error_last();

    if (error != NULL && error->code == SSHIO_ECONFIG_PARSE && error->filename == NULL)
        say("command-line %s", error->message);
    else
        say("%s", sshio_error_message());
}
