/* Signal names and numbers; see signals.h. */
#include "session/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    int number;
} rows[] = {
    { "ABRT", SIGABRT }, { "ALRM", SIGALRM },   { "FPE", SIGFPE },   { "HUP", SIGHUP },   { "ILL", SIGILL },
    { "INT", SIGINT },   { "KILL", SIGKILL },   { "PIPE", SIGPIPE }, { "QUIT", SIGQUIT }, { "SEGV", SIGSEGV },
    { "TERM", SIGTERM }, { "USR1", SIGUSR1 },   { "USR2", SIGUSR2 }, { "BUS", SIGBUS },   { "TRAP", SIGTRAP },
    { "SYS", SIGSYS },   { "XCPU", SIGXCPU },   { "XFSZ", SIGXFSZ }, { "TSTP", SIGTSTP }, { "CONT", SIGCONT },
    { "STOP", SIGSTOP }, { "WINCH", SIGWINCH },
};

int signal_number(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].number;
    return 0;
}

const char *signal_name(int number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == number)
            return rows[i].name;
    return NULL;
}
