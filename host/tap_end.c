/* See tap_end.h. */
#include "tap_end.h"

#include "tty_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Raw, and held open: a program may come and go without a hang-up. */
static bool open_pty(tap_end_t *end, const char *link)
{
    const cipmux_line_t line = { .baud = 115200, .data_bits = 8, .stop_bits = 1 };
    const char         *name;
    end->line.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (end->line.fd < 0 || grantpt(end->line.fd) != 0 || unlockpt(end->line.fd) != 0) return false;
    name = ptsname(end->line.fd);
    if (!name || strlen(name) >= sizeof end->path) return false;
    memcpy(end->path, name, strlen(name) + 1);
    end->slave = open(end->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (end->slave < 0 || !tty_set_line(end->slave, &line, false)) return false;
    end->baud = line.baud;
    if (!*link) return true;
    if (symlink(end->path, link) != 0) return false;
    end->link = link;
    return true;
}

bool tap_end_open(tap_end_t *end, const char *where)
{
    cipmux_line_t line;
    *end = (tap_end_t){ .where = where, .line = { .fd = -1 }, .slave = -1 };
    const bool pty = strcmp(where, "pty") == 0 || strncmp(where, "pty:", 4) == 0;
    if (pty && !open_pty(end, where[3] ? where + 4 : "")) return false;
    if (!pty && !module_open(&end->line, where)) return false;
    if (end->line.tty && tty_get_line(end->line.fd, &line)) end->baud = line.baud;
    fd_prepare(end->line.fd);
    return true;
}

void tap_end_close(tap_end_t *end)
{
    if (end->link) unlink(end->link);
    if (end->slave >= 0) close(end->slave);
    if (end->sock) {
        sock_close(end->sock);
        end->line.fd = -1;
    }
    module_close(&end->line);
    end->sock = NULL;
    end->slave = -1;
    end->link = NULL;
}

size_t tap_end_room(tap_end_t *end)
{
    if (end->first > 0) memmove(end->out, end->out + end->first, end->end - end->first);
    end->end -= end->first;
    end->first = 0;
    return TAP_OUT - end->end;
}

void tap_end_put(tap_end_t *end, const void *bytes, size_t n)
{
    memcpy(end->out + end->end, bytes, n);
    end->end += n;
}

bool tap_end_flush(tap_end_t *end)
{
    while (end->first < end->end) {
        ssize_t n = write(end->line.fd, end->out + end->first, end->end - end->first);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0 || errno == EAGAIN;
        end->first += (size_t)n;
    }
    return true;
}

ptrdiff_t tap_end_read(tap_end_t *end)
{
    if (end->in_first < end->in_end) return 0;
    ssize_t got = read(end->line.fd, end->in, TAP_IN);
    end->in_first = 0;
    end->in_end = got > 0 ? (size_t)got : 0;
    if (got > 0) return got;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

bool tap_end_rate_changed(tap_end_t *end)
{
    cipmux_line_t line;
    if (end->slave < 0 || !tty_get_line(end->slave, &line) || line.baud == end->baud) return false;
    end->baud = line.baud;
    return true;
}

void tap_end_set_rate(tap_end_t *end, uint32_t baud)
{
    if (end->line.tty && baud != end->baud && module_set_rate(&end->line, baud)) end->baud = baud;
}
