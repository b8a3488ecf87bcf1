/* Completion of sftp's lines: commands, and files on the side that the command takes them from; see sftp.h. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sftp.h"

enum side { NOWHERE, REMOTE, LOCAL };

/* Where the operand with this index is. */
static enum side side_of(enum operands kind, size_t index)
{
    switch (kind) {
    case OPERANDS_REMOTE:
    case OPERANDS_ONE_REMOTE:
    case OPERANDS_TWO_REMOTE:
        return REMOTE;
    case OPERANDS_NUMBER_REMOTE:
        return index > 0 ? REMOTE : NOWHERE;
    case OPERANDS_DOWNLOAD:
        return index == 0 ? REMOTE : LOCAL;
    case OPERANDS_UPLOAD:
        return index == 0 ? LOCAL : REMOTE;
    case OPERANDS_LOCAL:
    case OPERANDS_ONE_LOCAL:
    case OPERANDS_SHELL:
        return LOCAL;
    case OPERANDS_NONE:
    case OPERANDS_NUMBER:
        break;
    }
    return NOWHERE;
}

static bool add(sshio_texts *texts, char *text)
{
    char **grown = text != NULL ? realloc(texts->items, (texts->count + 2) * sizeof *grown) : NULL;
    if (grown == NULL) {
        free(text);
        return false;
    }
    texts->items = grown;
    grown[texts->count++] = text;
    grown[texts->count] = NULL;
    return true;
}

static void find_commands(const char *prefix, sshio_texts *found)
{
    for (size_t i = 0; i < sftp_command_count; i++)
        if (sftp_commands[i].usage != NULL && strncasecmp(sftp_commands[i].name, prefix, strlen(prefix)) == 0)
            add(found, strdup(sftp_commands[i].name));
}

static void find_local(const char *pattern, sshio_texts *found)
{
    glob_t paths = { 0 };
    if (glob(pattern, GLOB_MARK, NULL, &paths) == 0)
        for (size_t i = 0; i < paths.gl_pathc; i++)
            add(found, strdup(paths.gl_pathv[i]));
    globfree(&paths);
}

/* What was typed from the working directory on stays so. */
static void find_remote(const struct sftp *sftp, const char *pattern, sshio_texts *found)
{
    sshio_sftp_names names = { 0, NULL };
    char *whole = remote_pattern(sftp, pattern), *base = path_join(sftp->directory, "");

    if (whole != NULL && base != NULL && sshio_sftp_glob_sftpname(sftp->sftp, SSHIO_LIST(whole), &names) == 0) {
        for (size_t i = 0; i < names.count; i++) {
            const char *path = names.items[i]->filename;
            if (pattern[0] != '/' && strncmp(path, base, strlen(base)) == 0)
                path += strlen(base);
            bool is_folder = names.items[i]->attrs.type == SSHIO_FILEXFER_TYPE_DIRECTORY;
            add(found, is_folder ? path_join(path, "") : strdup(path));
        }
    }
    sshio_sftp_names_free(&names);
    free(whole);
    free(base);
}

static void find(const struct sftp *sftp, const struct words *words, const char *prefix, sshio_texts *found)
{
    size_t before = words->count - (words->in_word ? 1 : 0), index = 0;
    const struct command *command = before > 0 ? command_find(words->items[0].text) : NULL;

    if (before == 0) {
        find_commands(prefix, found);
        return;
    }
    for (size_t i = 1; i < before; i++)
        index += words->items[i].text[0] != '-';
    char *literal = words_quote_pattern(prefix), *pattern = NULL;
    if (literal == NULL || command == NULL || asprintf(&pattern, "%s*", literal) < 0) {
        free(literal);
        return;
    }
    enum side side = side_of(command->operands, index);
    if (side == LOCAL)
        find_local(pattern, found);
    else if (side == REMOTE)
        find_remote(sftp, pattern, found);
    free(literal);
    free(pattern);
}

static size_t common_len(const sshio_texts *texts)
{
    size_t len = strlen(texts->items[0]);
    for (size_t i = 1; i < texts->count; i++)
        for (size_t at = 0; at < len; at++)
            if (texts->items[i][at] != texts->items[0][at])
                len = at;
    while (len > 0 && ((unsigned char)texts->items[0][len] & 0xc0) == 0x80)
        len--; /* not within a character */
    return len;
}

/* A word that is complete is closed, a folder goes on. */
static int insert(const sshio_texts *found, size_t from, char quote, char **insertion)
{
    char *common = strndup(found->items[0], common_len(found));
    size_t len = common != NULL ? strlen(common) : 0;
    char *quoted = common != NULL && len >= from ? words_quote(common + from, quote) : NULL;
    bool is_whole = found->count == 1 && len > 0 && common[len - 1] != '/';
    char closing[] = { quote, '\0' };
    int rc = quoted != NULL && asprintf(insertion, "%s%s%s", quoted, is_whole ? closing : "", is_whole ? " " : "") >= 0
                 ? 0
                 : SSHIO_ENOMEM;
    free(common);
    free(quoted);
    return rc;
}

int sftp_complete(struct sftp *sftp, const char *line, char **insertion, sshio_texts *choices)
{
    struct words words;
    enum words_result result = words_parse(line, &words);
    bool is_usable = result == WORDS_OK || result == WORDS_UNTERMINATED;
    const char *prefix = words.in_word && is_usable ? words.items[words.count - 1].text : "";

    if (is_usable)
        find(sftp, &words, prefix, choices);
    int rc = choices->count > 0 ? insert(choices, strlen(prefix), words.quote, insertion) : SSHIO_EEOF;
    words_done(&words);
    return rc;
}
