/* See escapes.h. */
#include "escapes.h"

#include <string.h>

static const struct {
    char key;
    const char *name; /* of the key, as help shows it */
    const char *help;
} commands[ESCAPE_COMMANDS] = {
    [ESCAPE_END] = { '.', ".", "end the connection at once" },
    [ESCAPE_SUSPEND] = { 'Z' & 31, "^Z", "suspend this program" },
    [ESCAPE_BREAK] = { 'B', "B", "send a break" },
    [ESCAPE_REKEY] = { 'R', "R", "exchange new keys" },
    [ESCAPE_HELP] = { '?', "?", "list the escape sequences" },
};

bool escapes_parse(const char *text, unsigned char *character)
{
    size_t len = strlen(text);
    if (len == 1)
        *character = (unsigned char)text[0];
    else if (len == 2 && text[0] == '^' && (unsigned char)text[1] >= 64 && (unsigned char)text[1] < 128)
        *character = text[1] & 31;
    else
        return false;
    return true;
}

static enum escape_command command_of(char key)
{
    for (int i = 0; i < ESCAPE_COMMANDS; i++)
        if (commands[i].name != NULL && commands[i].key == key)
            return (enum escape_command)i;
    return ESCAPE_NOTHING;
}

size_t escapes_filter(struct escapes *e, const char *typed, size_t len, char *out, size_t *out_len,
                      enum escape_command *command)
{
    *out_len = 0;
    *command = ESCAPE_NOTHING;
    for (size_t i = 0; i < len; i++) {
        char c = typed[i];
        bool is_escape = (unsigned char)c == e->character;
        if (e->begun) {
            e->begun = false;
            *command = command_of(c);
            if (*command != ESCAPE_NOTHING)
                return i + 1; /* the line has not begun yet */
            if (!is_escape)
                out[(*out_len)++] = (char)e->character;
        } else if (is_escape && !e->inside_line && !e->off) {
            e->begun = true;
            continue;
        }
        out[(*out_len)++] = c;
        e->inside_line = c != '\r' && c != '\n';
    }
    return len;
}

const char *escapes_help(enum escape_command command, const char **key)
{
    *key = commands[command].name;
    return commands[command].help;
}
