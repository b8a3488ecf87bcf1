/* The commands of sftp, and how a line becomes a call of one of them; see sftp.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sftp.h"
#include "talk.h"

#define HELP_COLUMN 35

const struct command sftp_commands[] = {
    { "bye", "", OPERANDS_NONE, "", "Quit sftp", 0, sftp_quit },
    { "cd", "", OPERANDS_REMOTE, "path", "Change remote directory to 'path'", 0, sftp_cd },
    { "chdir", "", OPERANDS_REMOTE, NULL, NULL, 0, sftp_cd },
    { "chgrp", "h", OPERANDS_NUMBER_REMOTE, "[-h] grp path", "Change group of file 'path' to 'grp'", 10, sftp_chgrp },
    { "chmod", "h", OPERANDS_NUMBER_REMOTE, "[-h] mode path", "Change permissions of file 'path' to 'mode'", 8,
      sftp_chmod },
    { "chown", "h", OPERANDS_NUMBER_REMOTE, "[-h] own path", "Change owner of file 'path' to 'own'", 10, sftp_chown },
    { "copy", "", OPERANDS_TWO_REMOTE, "oldpath newpath", "Copy remote file", 0, sftp_copy },
    { "cp", "", OPERANDS_TWO_REMOTE, "oldpath newpath", "Copy remote file", 0, sftp_copy },
    { "df", "hi", OPERANDS_REMOTE, "[-hi] [path]",
      "Display statistics for current directory or\nfilesystem containing 'path'", 0, sftp_df },
    { "dir", "1afhlnrSt", OPERANDS_REMOTE, NULL, NULL, 0, sftp_ls },
    { "exit", "", OPERANDS_NONE, "", "Quit sftp", 0, sftp_quit },
    { "get", "afPpRr", OPERANDS_DOWNLOAD, "[-afpR] remote [local]", "Download file", 0, sftp_get },
    { "help", "", OPERANDS_NONE, "", "Display this help text", 0, sftp_help },
    { "lcd", "", OPERANDS_LOCAL, "path", "Change local directory to 'path'", 0, sftp_lcd },
    { "lchdir", "", OPERANDS_LOCAL, NULL, NULL, 0, sftp_lcd },
    { "lls", "", OPERANDS_SHELL, "[ls-options [path]]", "Display local directory listing", 0, sftp_lls },
    { "lmkdir", "", OPERANDS_ONE_LOCAL, "path", "Create local directory", 0, sftp_lmkdir },
    { "ln", "s", OPERANDS_TWO_REMOTE, "[-s] oldpath newpath", "Link remote file (-s for symlink)", 0, sftp_ln },
    { "lpwd", "", OPERANDS_NONE, "", "Print local working directory", 0, sftp_lpwd },
    { "ls", "1afhlnrSt", OPERANDS_REMOTE, "[-1afhlnrSt] [path]", "Display remote directory listing", 0, sftp_ls },
    { "lumask", "", OPERANDS_NUMBER, "umask", "Set local umask to 'umask'", 8, sftp_lumask },
    { "mget", "afPpRr", OPERANDS_DOWNLOAD, NULL, NULL, 0, sftp_get },
    { "mkdir", "", OPERANDS_ONE_REMOTE, "path", "Create remote directory", 0, sftp_mkdir },
    { "mput", "afPpRr", OPERANDS_UPLOAD, NULL, NULL, 0, sftp_put },
    { "progress", "", OPERANDS_NONE, "", "Toggle display of progress meter", 0, sftp_progress },
    { "put", "afPpRr", OPERANDS_UPLOAD, "[-afpR] local [remote]", "Upload file", 0, sftp_put },
    { "pwd", "", OPERANDS_NONE, "", "Display remote working directory", 0, sftp_pwd },
    { "quit", "", OPERANDS_NONE, "", "Quit sftp", 0, sftp_quit },
    { "reget", "fPpRr", OPERANDS_DOWNLOAD, "[-fpR] remote [local]", "Resume download file", 0, sftp_reget },
    { "rename", "l", OPERANDS_TWO_REMOTE, "[-l] oldpath newpath", "Rename remote file (-l replaces nothing)", 0,
      sftp_rename },
    { "reput", "fPpRr", OPERANDS_UPLOAD, "[-fpR] local [remote]", "Resume upload file", 0, sftp_reput },
    { "rm", "", OPERANDS_ONE_REMOTE, "path", "Delete remote file", 0, sftp_rm },
    { "rmdir", "", OPERANDS_ONE_REMOTE, "path", "Remove remote directory", 0, sftp_rmdir },
    { "symlink", "", OPERANDS_TWO_REMOTE, "oldpath newpath", "Symlink remote file", 0, sftp_symlink },
    { "version", "", OPERANDS_NONE, "", "Show SFTP version", 0, sftp_version },
    { "!", "", OPERANDS_SHELL, "[command]", "Execute 'command' in local shell, or escape to it", 0, sftp_shell },
    { "?", "", OPERANDS_NONE, "", "Synonym for help", 0, sftp_help },
};
const size_t sftp_command_count = sizeof sftp_commands / sizeof sftp_commands[0];

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sftp_command_count; i++)
        if (strcasecmp(sftp_commands[i].name, name) == 0)
            return &sftp_commands[i];
    return NULL;
}

int sftp_quit(struct sftp *sftp, const struct call *call)
{
    (void)call;
    sftp->ended = true;
    return 0;
}

int sftp_help(struct sftp *sftp, const struct call *call)
{
    (void)sftp, (void)call;
    puts("Available commands:");
    for (size_t i = 0; i < sftp_command_count; i++) {
        const struct command *command = &sftp_commands[i];
        if (command->usage == NULL)
            continue;
        int width = printf("%s%s%s", command->name, command->usage[0] != '\0' ? " " : "", command->usage);
        for (const char *c = command->help; c != NULL;) {
            const char *end = strchr(c, '\n');
            printf("%*s%.*s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "",
                   end != NULL ? (int)(end - c) : (int)strlen(c), c);
            c = end != NULL ? end + 1 : NULL;
            width = 0;
        }
    }
    return 0;
}

/* ---- a line ---- */

bool call_has(const struct call *call, char flag)
{
    return strchr(call->flags, flag) != NULL;
}

static bool take_flags(struct call *call, const char *name)
{
    while (call->operand_count > 0) {
        const char *word = call->operands[0].text;
        if (word[0] != '-' || word[1] == '\0')
            return true;
        call->operands++;
        call->operand_count--;
        if (strcmp(word, "--") == 0)
            return true;
        for (word++; *word != '\0'; word++) {
            size_t len = strlen(call->flags);
            if (strchr(call->command->flags, *word) == NULL) {
                say("%s: Invalid flag -%c", name, *word);
                return false;
            }
            if (!call_has(call, *word) && len + 1 < sizeof call->flags)
                call->flags[len] = *word;
        }
    }
    return true;
}

static bool take_number(struct call *call, const char *name)
{
    const char *text = call->operand_count > 0 ? call->operands[0].text : "";
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, call->command->base);
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' || number > UINT32_MAX) {
        say("You must supply a numeric argument to the %s command.", name);
        return false;
    }
    call->number = (unsigned)number;
    call->operands++;
    call->operand_count--;
    return true;
}

static bool check_operands(struct call *call, const char *name)
{
    enum operands kind = call->command->operands;
    const char *needed = NULL;

    if ((kind == OPERANDS_NUMBER || kind == OPERANDS_NUMBER_REMOTE) && !take_number(call, name))
        return false;
    if ((kind == OPERANDS_DOWNLOAD || kind == OPERANDS_UPLOAD) && call->operand_count < 1)
        needed = "at least one path";
    else if (kind == OPERANDS_TWO_REMOTE && call->operand_count < 2)
        needed = "two paths";
    else if ((kind == OPERANDS_ONE_REMOTE || kind == OPERANDS_ONE_LOCAL || kind == OPERANDS_NUMBER_REMOTE) &&
             call->operand_count < 1)
        needed = "a path";
    if (needed == NULL)
        return true;
    say("You must specify %s after a %s command.", needed, name);
    return false;
}

static bool take_rest(struct call *call, const char *line)
{
    line += strspn(line, " \t");
    call->rest = *line != '\0' ? strdup(line) : NULL;
    return *line == '\0' || call->rest != NULL;
}

/* A command for the shell goes there as it was written. */
static bool parse_shell(const char *line, struct call *call, bool *is_shell)
{
    size_t len = line[0] == '!' ? 1 : strcspn(line, " \t");
    char *name = strndup(line, len);
    const struct command *command = name != NULL ? command_find(name) : NULL;

    free(name);
    *is_shell = command != NULL && command->operands == OPERANDS_SHELL;
    if (!*is_shell)
        return true;
    call->command = command;
    return take_rest(call, line + len);
}

static bool parse_words(const char *line, struct call *call)
{
    static const char *const reasons[] = {
        [WORDS_UNTERMINATED] = "Unterminated quoted argument",
        [WORDS_TOO_MANY] = "Too many arguments.",
        [WORDS_NO_MEMORY] = "out of memory",
    };
    enum words_result result = words_parse(line, &call->words);

    if (result != WORDS_OK) {
        say("%s", reasons[result]);
        return false;
    }
    if (call->words.count == 0)
        return true;
    const char *name = call->words.items[0].text;
    call->command = command_find(name);
    if (call->command == NULL) {
        say("Invalid command.");
        return false;
    }
    call->operands = call->words.items + 1;
    call->operand_count = call->words.count - 1;
    return take_flags(call, name) && check_operands(call, name);
}

bool call_parse(const char *line, struct call *call)
{
    bool is_shell;

    *call = (struct call){ .command = NULL };
    line += strspn(line, " \t");
    for (; *line == '-' || *line == '@'; line++) {
        call->tolerant |= *line == '-';
        call->silent |= *line == '@';
    }
    line += strspn(line, " \t");
    return parse_shell(line, call, &is_shell) && (is_shell || parse_words(line, call));
}

void call_done(struct call *call)
{
    words_done(&call->words);
    free(call->rest);
    call->rest = NULL;
}
