/* The command of the far side of SCP; see command.h. */
#include "scp/command.h"

#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "config/words.h"

#define COMMAND_MAX (256u * 1024)

/* ---- saying it ---- */

static bool is_plain(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte >= 0x80 || (byte != '\0' && strchr("_@%+=:,./-", byte) != NULL);
}

/* How much of a path's beginning is ~ or ~name, which a shell may expand. */
static size_t tilde_len(const char *path)
{
    size_t len = path[0] == '~' ? 1 : 0;
    while (len != 0 && is_plain((uint8_t)path[len]) && path[len] != '/')
        len++;
    return len != 0 && path[len] != '\0' && path[len] != '/' ? 0 : len;
}

static void put_quoted(struct writer *w, const char *path, const char *also_plain)
{
    for (; *path != '\0'; path++) {
        if (!is_plain((uint8_t)*path) && strchr(also_plain, *path) == NULL)
            put_u8(w, '\\');
        put_u8(w, (uint8_t)*path);
    }
}

static void put_path(struct writer *w, const struct scp_command *command, sshio_scp_quoting quoting)
{
    const char *path = command->path[0] != '\0' ? command->path : ".";
    size_t tilde = quoting == SSHIO_SCP_QUOTE_GLOB ? tilde_len(path) : 0;
    if (path[0] == '-')
        put_chars(w, "./");
    if (quoting == SSHIO_SCP_QUOTE_RAW) {
        put_chars(w, path);
        return;
    }
    put_bytes(w, path, tilde);
    put_quoted(w, path + tilde, quoting == SSHIO_SCP_QUOTE_GLOB && !command->sink ? "*?[]" : "");
}

int scp_command_format(const struct scp_command *command, sshio_scp_quoting quoting, char **text, struct error *e)
{
    struct writer w;
    size_t len;
    if (quoting != SSHIO_SCP_QUOTE_RAW && strchr(command->path, '\n') != NULL)
        return error_set(e, SSHIO_EINVAL, "a remote path of SCP has a newline in it");
    writer_init(&w, COMMAND_MAX);
    put_chars(&w, SCP_COMMAND);
    put_chars(&w, command->sink ? "-t " : "-f ");
    put_chars(&w, command->directory ? "-d " : "");
    put_chars(&w, command->preserve ? "-p " : "");
    put_chars(&w, command->recurse ? "-r " : "");
    put_path(&w, command, quoting);
    put_u8(&w, '\0');
    uint8_t *taken = NULL;
    int rc = writer_take(&w, &taken, &len);
    writer_done(&w);
    if (rc == 0)
        *text = (char *)taken;
    else if (rc == SSHIO_ENOMEM)
        error_nomem(e);
    else
        error_set(e, rc, "a remote path of SCP is longer than %u bytes", COMMAND_MAX);
    return rc;
}

/* ---- understanding it ---- */

bool scp_command_is_one(const char *text)
{
    return strncmp(text, SCP_COMMAND, sizeof SCP_COMMAND - 1) == 0;
}

struct options {
    struct scp_command command;
    bool source;
};

static int take_letter(struct options *o, char letter, struct error *e)
{
    switch (letter) {
    case 't':
        o->command.sink = true;
        break;
    case 'f':
        o->source = true;
        break;
    case 'd':
        o->command.directory = true;
        break;
    case 'p':
        o->command.preserve = true;
        break;
    case 'r':
        o->command.recurse = true;
        break;
    case 'v':
    case 'q':
        break;
    default:
        return error_set(e, SSHIO_EINVAL, "unrecognized arguments: -%c", letter);
    }
    return o->command.sink && o->source ? error_set(e, SSHIO_EINVAL, "argument -%c: not allowed with argument -%c",
                                                    letter, letter == 't' ? 'f' : 't')
                                        : 0;
}

/* The words from `first` on; *path is where the only one that is no option stands. */
static int take_words(struct options *o, const struct texts *words, const char **path, struct error *e)
{
    bool options_ended = false;
    int rc = 0;
    for (size_t i = 1; i < words->count && rc == 0; i++) {
        const char *word = words->items[i];
        bool is_option = !options_ended && word[0] == '-' && word[1] != '\0';
        if (is_option && strcmp(word, "--") == 0)
            options_ended = true;
        else if (is_option)
            for (const char *letter = word + 1; *letter != '\0' && rc == 0; letter++)
                rc = take_letter(o, *letter, e);
        else if (*path == NULL)
            *path = word;
        else
            rc = error_set(e, SSHIO_EINVAL, "unrecognized arguments: %s", word);
    }
    return rc;
}

int scp_command_parse(const char *text, struct scp_command *command, struct error *e)
{
    struct options o = { 0 };
    struct texts words = { 0 };
    const char *path = NULL;
    int rc = words_split(text, &words, e);
    if (rc == 0)
        rc = take_words(&o, &words, &path, e);
    if (rc == 0 && path == NULL)
        rc = error_set(e, SSHIO_EINVAL, "the following arguments are required: path");
    if (rc == 0 && !o.command.sink && !o.source)
        rc = error_set(e, SSHIO_EINVAL, "one of the arguments -f -t is required");
    if (rc == 0 && (o.command.path = mem_strdup(path[0] != '\0' ? path : ".")) == NULL)
        rc = error_nomem(e);
    if (rc == 0)
        *command = o.command;
    texts_done(&words);
    return rc;
}
