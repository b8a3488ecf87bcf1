/* What a program's own terminal is like, in the words of the protocol. */
#include <errno.h>
#include <sys/ioctl.h>

#include <sshio/process.h>

#include "io/last_error.h"
#include "io/term_modes.h"

int sshio_get_terminal(int fd, sshio_term_size *size, sshio_term_mode *modes, size_t max)
{
    struct termios t;
    struct winsize w = { .ws_col = 0 };
    if (tcgetattr(fd, &t) != 0)
        return error_set_errno(last_error(), errno, "descriptor %d is no terminal", fd);
    if (modes != NULL)
        term_modes_of(&t, modes, max);
    if (size == NULL)
        return 0;
    ioctl(fd, TIOCGWINSZ, &w); /* one that cannot tell has no size */
    *size = (sshio_term_size){ w.ws_col, w.ws_row, w.ws_xpixel, w.ws_ypixel };
    return 0;
}
