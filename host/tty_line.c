/* Linux' termios2, which carries rates as numbers. It cannot be used beside <termios.h>. See tty_line.h. */
#include "tty_line.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/ioctl.h>

enum { RATE_MAX = 16000000 };

/* The name of a rate where it has one: programs that know <termios.h> only can read it then. */
static tcflag_t rate_code(uint32_t baud)
{
    static const struct {
        uint32_t baud;
        tcflag_t code;
    } named[] = {
        { 110, B110 },         { 300, B300 },         { 600, B600 },         { 1200, B1200 },
        { 2400, B2400 },       { 4800, B4800 },       { 9600, B9600 },       { 19200, B19200 },
        { 38400, B38400 },     { 57600, B57600 },     { 115200, B115200 },   { 230400, B230400 },
        { 460800, B460800 },   { 500000, B500000 },   { 576000, B576000 },   { 921600, B921600 },
        { 1000000, B1000000 }, { 1152000, B1152000 }, { 1500000, B1500000 }, { 2000000, B2000000 },
        { 2500000, B2500000 }, { 3000000, B3000000 }, { 3500000, B3500000 }, { 4000000, B4000000 },
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].baud == baud) return named[i].code;
    return BOTHER;
}

static tcflag_t flags_of(const cipmux_line_t *line)
{
    static const tcflag_t sizes[] = { CS5, CS6, CS7, CS8 };
    tcflag_t              flags = sizes[line->data_bits - 5] | CREAD | CLOCAL;
    if (line->stop_bits > 1) flags |= CSTOPB; /* with 5 data bits that is 1.5, else 2 */
    if (line->parity) flags |= PARENB;
    if (line->parity == 1) flags |= PARODD;
    if (line->flow & 2) flags |= CRTSCTS;
    return flags;
}

bool tty_set_line(int fd, const cipmux_line_t *line, bool drain)
{
    struct termios2 tty;
    if (ioctl(fd, TCGETS2, &tty) != 0) return false;
    tty.c_iflag = IGNBRK;
    tty.c_oflag = 0;
    tty.c_lflag = 0;
    tty.c_cflag = flags_of(line) | rate_code(line->baud); /* and the input's rate is the output's */
    tty.c_cc[VMIN] = 1;
    tty.c_cc[VTIME] = 0;
    tty.c_ispeed = tty.c_ospeed = line->baud;
    return ioctl(fd, drain ? TCSETSW2 : TCSETS2, &tty) == 0;
}

bool tty_get_line(int fd, cipmux_line_t *out)
{
    struct termios2 tty;
    if (ioctl(fd, TCGETS2, &tty) != 0 || tty.c_ospeed == 0 || tty.c_ospeed > RATE_MAX) return false;
    tcflag_t size = tty.c_cflag & CSIZE;
    *out = (cipmux_line_t){
        .baud = tty.c_ospeed,
        .data_bits = (uint8_t)(size == CS5   ? 5
                               : size == CS6 ? 6
                               : size == CS7 ? 7
                                             : 8),
        .stop_bits = (uint8_t)(!(tty.c_cflag & CSTOPB) ? 1
                               : size == CS5           ? 2
                                                       : 3),
        .parity = (uint8_t)(!(tty.c_cflag & PARENB) ? 0
                            : tty.c_cflag & PARODD  ? 1
                                                    : 2),
        .flow = (uint8_t)(tty.c_cflag & CRTSCTS ? 3 : 0),
    };
    return true;
}

size_t tty_unsent(int fd)
{
    int n = 0;
    return ioctl(fd, TIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}
