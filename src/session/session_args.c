/* What a client's session asks for: the options of the call over those of the connection. All of it is checked here,
 * before a channel is opened. (RFC 4254 6.2, 6.4, 6.5) */
#include <string.h>
#include <unistd.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "base/pattern.h"
#include "io/last_error.h"
#include "session/chan.h"

#define TEXT_MAX_LEN (SESSION_FIELDS_MAX - 1024u) /* with what surrounds it, a message takes it */
#define SUBSYSTEM_MAX_LEN 255u

/* NULL is not given, SSHIO_NONE explicitly nothing. */
static const void *choose(const void *given, const void *otherwise)
{
    return given == (const void *)sshio_none ? NULL : given != NULL ? given : otherwise;
}

static int copy_text(char **to, const char *text, size_t max, const char *what)
{
    if (strlen(text) > max)
        return fail(SSHIO_ELIMIT, "%s of %zu bytes: at most %zu can be sent", what, strlen(text), max);
    *to = mem_strdup(text);
    return *to != NULL ? 0 : fail_nomem();
}

static int set_program(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    const char *command = choose(o->command, s->command);
    const char *subsystem = choose(o->subsystem, s->subsystem);
    if (o->subsystem != NULL && o->command == NULL)
        command = NULL; /* the call's subsystem is not run as the connection's command */
    if (command != NULL && command[0] != '\0')
        return copy_text(&chan->command, command, TEXT_MAX_LEN, "command");
    if (subsystem == NULL)
        return 0;
    for (const char *c = subsystem; *c != '\0'; c++)
        if ((unsigned char)*c > 0x7e || (unsigned char)*c < 0x20)
            return fail(SSHIO_EINVAL, "name of a subsystem is not printable ASCII: %s", subsystem);
    return copy_text(&chan->subsystem, subsystem, SUBSYSTEM_MAX_LEN, "name of a subsystem");
}

/* ---- environment ---- */

static int set_variable(sshio_chan *chan, const char *entry)
{
    size_t name_len = strcspn(entry, "=");
    size_t len = strlen(entry);
    if (len > TEXT_MAX_LEN)
        return fail(SSHIO_ELIMIT, "environment variable %.*s of %zu bytes", (int)name_len, entry, len);
    bool set = texts_set(&chan->env, entry, name_len, entry + name_len + 1, len - name_len - 1);
    return set ? 0 : fail_nomem();
}

static bool is_sent(const char *entry, const char *const *patterns)
{
    size_t name_len = strcspn(entry, "=");
    for (size_t i = 0; entry[name_len] == '=' && name_len != 0 && patterns[i] != NULL; i++)
        if (pattern_match(span_of(patterns[i]), SPAN(entry, name_len)))
            return true;
    return false;
}

/* Variables of this process whose names match, then those that are named: the latter win. */
static int set_env(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    const char *const *patterns = choose(o->send_env, texts_items(&s->send_env));
    const char *const *env = choose(o->env, texts_items(&s->env));
    int rc = env != NULL ? settings_check_env(env, last_error()) : 0;
    for (size_t i = 0; rc == 0 && patterns != NULL && environ != NULL && environ[i] != NULL; i++)
        if (is_sent(environ[i], patterns))
            rc = set_variable(chan, environ[i]);
    for (size_t i = 0; rc == 0 && env != NULL && env[i] != NULL; i++)
        rc = set_variable(chan, env[i]);
    return rc;
}

/* ---- terminal ---- */

static bool wants_terminal(const sshio_chan *chan, sshio_pty_choice choice, const char *type)
{
    switch (choice) {
    case SSHIO_REQUEST_PTY_NO:
        return false;
    case SSHIO_REQUEST_PTY_FORCE:
        return true;
    case SSHIO_REQUEST_PTY_AUTO:
        return type != NULL && chan->command == NULL && chan->subsystem == NULL;
    default:
        return type != NULL;
    }
}

static int set_terminal(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    const sshio_term_size *size = &o->term_size;
    bool size_given = size->width != 0 || size->height != 0 || size->pixwidth != 0 || size->pixheight != 0;
    const char *type = choose(o->term_type, s->terminal.type);
    const sshio_term_mode *modes = choose(o->term_modes, s->terminal.modes);
    sshio_pty_choice choice = o->request_pty != SSHIO_REQUEST_PTY_UNSET ? o->request_pty : s->request_pty;
    if (!size_given)
        size = &s->terminal.size;
    int rc = terminal_check(type, size, modes, last_error());
    if (rc != 0 || !wants_terminal(chan, choice, type))
        return rc;
    chan->terminal.size = *size;
    chan->terminal.type = mem_strdup(type != NULL ? type : "");
    bool copied = chan->terminal.type != NULL && terminal_modes_copy(&chan->terminal.modes, modes);
    return copied ? 0 : fail_nomem();
}

static int set_encoding(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    return chan_use_encoding(chan, choose(o->encoding, s->encoding),
                             o->errors != SSHIO_ERRORS_UNSET ? o->errors : s->errors);
}

int session_args_take(sshio_chan *chan, const sshio_session_options *options)
{
    int rc = set_program(chan, options);
    if (rc == 0)
        rc = set_env(chan, options);
    if (rc == 0)
        rc = set_terminal(chan, options);
    if (rc == 0)
        rc = set_encoding(chan, options);
    return rc;
}
