/* See talk.h. */
#include "talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_LEN 4096

static const char *program = "sshio";
static bool to_system_log;
static FILE *log_file; /* instead of stderr */
static const char *line_end = "\n";
static bool silenced;
static bool notes = true;

void talk_as(const char *name)
{
    program = name;
}

void talk_to_system_log(void)
{
    openlog(program != NULL ? program : "sshio", LOG_PID, LOG_AUTH);
    to_system_log = true;
}

bool talk_to_facility(const char *name)
{
    static const struct {
        const char *name;
        int facility;
    } rows[] = {
        { "DAEMON", LOG_DAEMON }, { "USER", LOG_USER },     { "AUTH", LOG_AUTH },     { "AUTHPRIV", LOG_AUTHPRIV },
        { "LOCAL0", LOG_LOCAL0 }, { "LOCAL1", LOG_LOCAL1 }, { "LOCAL2", LOG_LOCAL2 }, { "LOCAL3", LOG_LOCAL3 },
        { "LOCAL4", LOG_LOCAL4 }, { "LOCAL5", LOG_LOCAL5 }, { "LOCAL6", LOG_LOCAL6 }, { "LOCAL7", LOG_LOCAL7 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        openlog(program != NULL ? program : "sshio", LOG_PID, rows[i].facility);
        to_system_log = true;
        return true;
    }
    return false;
}

bool talk_to_file(const char *path)
{
    log_file = fopen(path, "ae");
    if (log_file == NULL)
        return false;
    setvbuf(log_file, NULL, _IOLBF, 0);
    return true;
}

void talk_on_raw_terminal(bool raw)
{
    line_end = raw && log_file == NULL && isatty(STDERR_FILENO) ? "\r\n" : "\n";
}

/* Octets of the character that text begins with; 0 = it is a control, also one of those that are two octets in UTF-8,
 * or no UTF-8. */
static size_t printable_len(const char *text, bool lines)
{
    const unsigned char *t = (const unsigned char *)text;

    if (t[0] < 0x80)
        return (t[0] >= 0x20 && t[0] != 0x7f) || t[0] == '\t' || (t[0] == '\n' && lines) ? 1 : 0;
    if (t[0] < 0xc2 || t[0] > 0xf4 || (t[0] == 0xc2 && t[1] < 0xa0))
        return 0;
    size_t len = t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < len; i++)
        if ((t[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void escape(const char *text, bool lines, char *out, size_t size)
{
    size_t len = 0;

    while (*text != '\0' && len + 5 < size) {
        size_t octets = printable_len(text, lines);
        memcpy(out + len, text, octets);
        len += octets;
        text += octets;
        if (octets == 0)
            len += (size_t)snprintf(out + len, size - len, "\\x%02x", (unsigned char)*text++);
    }
    out[len] = '\0';
}

void talk_escape(const char *text, char *out, size_t size)
{
    escape(text, true, out, size);
}

/* Text of several lines is our own; in a message of one line a line end came from a peer, and would begin another
 * message. */
static void put_text(int priority, const char *prefix, const char *text, bool lines)
{
    char line[LINE_MAX_LEN];

    escape(text, lines, line, sizeof line);
    if (to_system_log)
        syslog(priority, "%s%s", prefix, line);
    else
        fprintf(log_file != NULL ? log_file : stderr, "%s%s%s", prefix, line, line_end);
}

void say(const char *format, ...)
{
    char text[LINE_MAX_LEN];
    char prefix[64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(prefix, sizeof prefix, "%s%s", program != NULL ? program : "", program != NULL ? ": " : "");
    put_text(LOG_NOTICE, to_system_log ? "" : prefix, text, false);
}

void say_line(const char *text)
{
    put_text(LOG_NOTICE, "", text, true);
}

void say_line_about(const char *what, const char *file, int os_errno)
{
    char text[LINE_MAX_LEN];
    snprintf(text, sizeof text, "%s%s%s: %s", what, what[0] != '\0' ? " " : "", file, strerror(os_errno));
    say_line(text);
}

static void log_line(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    char line[LINE_MAX_LEN];

    (void)logger;
    (void)user;
    if (context != NULL && context[0] != '\0')
        snprintf(line, sizeof line, "[%s] %s", context, text);
    else
        snprintf(line, sizeof line, "%s", text);
    if (level <= SSHIO_LOG_DEBUG)
        put_text(LOG_DEBUG, "debug1: ", line, false);
    else if (level < SSHIO_LOG_WARNING)
        put_text(LOG_INFO, "", line, false);
    else
        put_text(LOG_WARNING, "", line, false);
}

static const struct log_level {
    const char *name;
    int level;
    int debug_level;
} log_levels[] = {
    { "QUIET", SSHIO_LOG_CRITICAL, 1 }, { "FATAL", SSHIO_LOG_CRITICAL, 1 }, { "ERROR", SSHIO_LOG_ERROR, 1 },
    { "INFO", SSHIO_LOG_INFO, 1 },      { "VERBOSE", SSHIO_LOG_INFO, 1 },   { "DEBUG", SSHIO_LOG_DEBUG, 1 },
    { "DEBUG1", SSHIO_LOG_DEBUG, 1 },   { "DEBUG2", SSHIO_LOG_DEBUG, 2 },   { "DEBUG3", SSHIO_LOG_DEBUG, 3 },
};

static const struct log_level *find_level(const char *name)
{
    for (size_t i = 0; i < sizeof log_levels / sizeof log_levels[0]; i++)
        if (strcmp(log_levels[i].name, name) == 0)
            return &log_levels[i];
    return &log_levels[3];
}

bool talk_knows_level(const char *name)
{
    return strcmp(find_level(name)->name, name) == 0;
}

void talk_set_level(const char *name)
{
    const struct log_level *chosen = find_level(name);
    silenced = chosen->level >= SSHIO_LOG_CRITICAL;
    sshio_set_log_handler(log_line, NULL);
    sshio_set_log_level(chosen->level);
    sshio_set_debug_level(chosen->debug_level);
}

void talk_set_log(const sshio_config *config, int verbose, bool quiet)
{
    const char *const *names = sshio_config_get(config, "LogLevel");
    const char *name = names != NULL && names[0] != NULL ? names[0] : "INFO";
    const struct log_level *chosen = find_level(name);
    int level = chosen->level;
    int debug_level = chosen->debug_level;

    if (quiet && strcmp(chosen->name, "INFO") == 0)
        level = SSHIO_LOG_WARNING;
    if (verbose > 0) {
        level = SSHIO_LOG_DEBUG;
        debug_level = verbose < 3 ? verbose : 3;
    }
    silenced = level >= SSHIO_LOG_CRITICAL;
    notes = verbose > 0 || chosen >= find_level("INFO");
    sshio_set_log_handler(log_line, NULL);
    sshio_set_log_level(level);
    sshio_set_debug_level(debug_level);
}

bool talk_is_silenced(void)
{
    return silenced;
}

bool talk_tells_notes(void)
{
    return notes;
}
