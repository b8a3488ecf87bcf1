/* Pseudo-terminals; see pty.h. */
#include "io/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "io/term_modes.h"

static int open_master(void)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static int open_slave(int master)
{
    char name[128];
    if (ptsname_r(master, name, sizeof name) != 0)
        return -1;
    return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

int pty_open(struct pty *pty, const sshio_term_size *size, const sshio_term_mode *modes, struct error *e)
{
    struct termios settings;
    pty->slave = -1;
    pty->master = open_master();
    if (pty->master >= 0)
        pty->slave = open_slave(pty->master);
    if (pty->slave < 0) {
        int error = errno;
        pty_close(pty);
        return error_set_errno(e, error, "no terminal for a program could be made");
    }
    if (tcgetattr(pty->slave, &settings) == 0) {
        term_modes_apply(modes, &settings);
        tcsetattr(pty->slave, TCSANOW, &settings);
    }
    pty_set_size(pty->slave, size);
    return 0;
}

void pty_close_slave(struct pty *pty)
{
    if (pty->slave >= 0)
        close(pty->slave);
    pty->slave = -1;
}

void pty_close(struct pty *pty)
{
    pty_close_slave(pty);
    if (pty->master >= 0)
        close(pty->master);
    pty->master = -1;
}

static unsigned short clamp(int value)
{
    return value < 0 ? 0 : value > USHRT_MAX ? USHRT_MAX : (unsigned short)value;
}

void pty_set_size(int fd, const sshio_term_size *size)
{
    struct winsize window = {
        .ws_row = clamp(size->height),
        .ws_col = clamp(size->width),
        .ws_xpixel = clamp(size->pixwidth),
        .ws_ypixel = clamp(size->pixheight),
    };
    ioctl(fd, TIOCSWINSZ, &window);
}

bool pty_signal(int master, int signal)
{
    pid_t group = tcgetpgrp(master);
    return group > 1 && kill(-group, signal) == 0;
}

bool pty_has_output(int master)
{
    struct pollfd fd = { .fd = master, .events = POLLIN };
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLIN) != 0;
}
