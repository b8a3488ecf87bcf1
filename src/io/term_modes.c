/* Terminal modes; see term_modes.h. A mode is a control character, a bit of one of the four flag words, or a speed. */
#include "io/term_modes.h"

#include <stdbool.h>
#include <unistd.h>

#include <sshio/constants.h>

#define DISABLED 255u /* of a control character, on the wire */

static const struct {
    uint8_t op;
    uint8_t index;
} characters[] = {
    { SSHIO_PTY_VINTR, VINTR },   { SSHIO_PTY_VQUIT, VQUIT },       { SSHIO_PTY_VERASE, VERASE },
    { SSHIO_PTY_VKILL, VKILL },   { SSHIO_PTY_VEOF, VEOF },         { SSHIO_PTY_VEOL, VEOL },
    { SSHIO_PTY_VEOL2, VEOL2 },   { SSHIO_PTY_VSTART, VSTART },     { SSHIO_PTY_VSTOP, VSTOP },
    { SSHIO_PTY_VSUSP, VSUSP },   { SSHIO_PTY_VREPRINT, VREPRINT }, { SSHIO_PTY_WERASE, VWERASE },
    { SSHIO_PTY_VLNEXT, VLNEXT }, { SSHIO_PTY_VDISCARD, VDISCARD },
#ifdef VSWTC
    { SSHIO_PTY_VSWTCH, VSWTC },
#endif
};

enum word { INPUT, OUTPUT, CONTROL, LOCAL };

/* CS7 and CS8 share two bits, of which mask says which count. */
static const struct {
    uint8_t op;
    uint8_t word;
    tcflag_t bits, mask;
} flags[] = {
    { SSHIO_PTY_IGNPAR, INPUT, IGNPAR, IGNPAR },   { SSHIO_PTY_PARMRK, INPUT, PARMRK, PARMRK },
    { SSHIO_PTY_INPCK, INPUT, INPCK, INPCK },      { SSHIO_PTY_ISTRIP, INPUT, ISTRIP, ISTRIP },
    { SSHIO_PTY_INLCR, INPUT, INLCR, INLCR },      { SSHIO_PTY_IGNCR, INPUT, IGNCR, IGNCR },
    { SSHIO_PTY_ICRNL, INPUT, ICRNL, ICRNL },
#ifdef IUCLC
    { SSHIO_PTY_IUCLC, INPUT, IUCLC, IUCLC },
#endif
    { SSHIO_PTY_IXON, INPUT, IXON, IXON },         { SSHIO_PTY_IXANY, INPUT, IXANY, IXANY },
    { SSHIO_PTY_IXOFF, INPUT, IXOFF, IXOFF },      { SSHIO_PTY_IMAXBEL, INPUT, IMAXBEL, IMAXBEL },
#ifdef IUTF8
    { SSHIO_PTY_IUTF8, INPUT, IUTF8, IUTF8 },
#endif
    { SSHIO_PTY_ISIG, LOCAL, ISIG, ISIG },         { SSHIO_PTY_ICANON, LOCAL, ICANON, ICANON },
#ifdef XCASE
    { SSHIO_PTY_XCASE, LOCAL, XCASE, XCASE },
#endif
    { SSHIO_PTY_ECHO, LOCAL, ECHO, ECHO },         { SSHIO_PTY_ECHOE, LOCAL, ECHOE, ECHOE },
    { SSHIO_PTY_ECHOK, LOCAL, ECHOK, ECHOK },      { SSHIO_PTY_ECHONL, LOCAL, ECHONL, ECHONL },
    { SSHIO_PTY_NOFLSH, LOCAL, NOFLSH, NOFLSH },   { SSHIO_PTY_TOSTOP, LOCAL, TOSTOP, TOSTOP },
    { SSHIO_PTY_IEXTEN, LOCAL, IEXTEN, IEXTEN },   { SSHIO_PTY_ECHOCTL, LOCAL, ECHOCTL, ECHOCTL },
    { SSHIO_PTY_ECHOKE, LOCAL, ECHOKE, ECHOKE },
#ifdef PENDIN
    { SSHIO_PTY_PENDIN, LOCAL, PENDIN, PENDIN },
#endif
    { SSHIO_PTY_OPOST, OUTPUT, OPOST, OPOST },
#ifdef OLCUC
    { SSHIO_PTY_OLCUC, OUTPUT, OLCUC, OLCUC },
#endif
    { SSHIO_PTY_ONLCR, OUTPUT, ONLCR, ONLCR },     { SSHIO_PTY_OCRNL, OUTPUT, OCRNL, OCRNL },
    { SSHIO_PTY_ONOCR, OUTPUT, ONOCR, ONOCR },     { SSHIO_PTY_ONLRET, OUTPUT, ONLRET, ONLRET },
    { SSHIO_PTY_CS7, CONTROL, CS7, CSIZE },        { SSHIO_PTY_CS8, CONTROL, CS8, CSIZE },
    { SSHIO_PTY_PARENB, CONTROL, PARENB, PARENB }, { SSHIO_PTY_PARODD, CONTROL, PARODD, PARODD },
};

static const struct {
    uint32_t bps;
    speed_t speed;
} speeds[] = {
    { 50, B50 },     { 75, B75 },       { 110, B110 },     { 134, B134 },     { 150, B150 },       { 200, B200 },
    { 300, B300 },   { 600, B600 },     { 1200, B1200 },   { 1800, B1800 },   { 2400, B2400 },     { 4800, B4800 },
    { 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static tcflag_t *word_of(struct termios *t, uint8_t word)
{
    tcflag_t *const words[] = { &t->c_iflag, &t->c_oflag, &t->c_cflag, &t->c_lflag };
    return words[word];
}

static speed_t speed_of(uint32_t bps, speed_t otherwise)
{
    for (size_t i = 0; i < COUNT(speeds); i++)
        if (speeds[i].bps == bps)
            return speeds[i].speed;
    return otherwise;
}

static uint32_t bps_of(speed_t speed)
{
    for (size_t i = 0; i < COUNT(speeds); i++)
        if (speeds[i].speed == speed)
            return speeds[i].bps;
    return 0;
}

static void apply_flag(struct termios *t, size_t row, bool on)
{
    tcflag_t *word = word_of(t, flags[row].word);
    if (on)
        *word = (*word & ~flags[row].mask) | flags[row].bits;
    else if (flags[row].bits == flags[row].mask)
        *word &= ~flags[row].bits;
}

static void apply(const sshio_term_mode *mode, struct termios *t)
{
    for (size_t i = 0; i < COUNT(characters); i++)
        if (characters[i].op == mode->op)
            t->c_cc[characters[i].index] = mode->value == DISABLED ? _POSIX_VDISABLE : (cc_t)mode->value;
    for (size_t i = 0; i < COUNT(flags); i++)
        if (flags[i].op == mode->op)
            apply_flag(t, i, mode->value != 0);
    if (mode->op == SSHIO_PTY_OP_ISPEED)
        cfsetispeed(t, speed_of(mode->value, cfgetispeed(t)));
    if (mode->op == SSHIO_PTY_OP_OSPEED)
        cfsetospeed(t, speed_of(mode->value, cfgetospeed(t)));
}

void term_modes_apply(const sshio_term_mode *modes, struct termios *t)
{
    for (; modes != NULL && modes->op != SSHIO_PTY_OP_END; modes++)
        apply(modes, t);
}

struct list_of_modes {
    sshio_term_mode *next;
    size_t room;
};

static void add(struct list_of_modes *list, uint8_t op, uint32_t value)
{
    if (list->room < 2)
        return;
    *list->next++ = (sshio_term_mode){ .op = op, .value = value };
    list->room--;
}

void term_modes_of(const struct termios *t, sshio_term_mode *modes, size_t size)
{
    struct list_of_modes list = { modes, size };
    struct termios copy = *t;
    for (size_t i = 0; i < COUNT(characters); i++) {
        cc_t c = t->c_cc[characters[i].index];
        add(&list, characters[i].op, c == _POSIX_VDISABLE ? DISABLED : c);
    }
    for (size_t i = 0; i < COUNT(flags); i++)
        add(&list, flags[i].op, (*word_of(&copy, flags[i].word) & flags[i].mask) == flags[i].bits);
    add(&list, SSHIO_PTY_OP_ISPEED, bps_of(cfgetispeed(t)));
    add(&list, SSHIO_PTY_OP_OSPEED, bps_of(cfgetospeed(t)));
    if (size != 0)
        *list.next = (sshio_term_mode){ 0 };
}
