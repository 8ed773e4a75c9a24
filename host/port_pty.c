/* A pseudo-terminal as the serial line: other programs open it like a real port.
 *
 * The kernel is asked who is there, nothing is counted: without a program on the far side the master reports a hang-up
 * (EIO), with one it does not. A slave descriptor of our own would hide that, so it is held only before the path is
 * published and while the terminal is put in order. A hang-up is reported for ever, so the master is not polled then;
 * inotify tells of the next opening. The terminal is raw before anybody can open it, and again after each program. */
#include "board.h"
#include "port.h"
#include "tty_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
    port_t  port;
    sock_t *master;
    sock_t *watch; /* inotify */
    char    path[64];
    char   *link;   /* the symbolic link that we made, or NULL */
    bool    tidied; /* the next opening that inotify tells of is our own, in put_in_order() */
} pty_port_t;

/* The far side must find a UART, not a terminal that echoes, edits lines or translates. Also drops what the last
 * program left unread. False: see errno. */
static bool put_in_order(const char *path)
{
    struct termios raw;
    int            slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return false;
    bool done = tcgetattr(slave, &raw) == 0;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF | IXANY);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CREAD | CLOCAL;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    cfsetispeed(&raw, B115200);
    cfsetospeed(&raw, B115200);
    done = done && tcsetattr(slave, TCSANOW, &raw) == 0 && tcflush(slave, TCIFLUSH) == 0;
    close(slave);
    return done;
}

static bool somebody_is_there(const pty_port_t *pty)
{
    struct pollfd master = { .fd = sock_fd(pty->master), .events = POLLOUT };
    return poll(&master, 1, 0) >= 0 && !(master.revents & POLLHUP);
}

static void pty_want(pty_port_t *pty)
{
    int events = pty->port.in_end < PORT_IN || pty->port.in_first > 0 ? UV_READABLE : 0;
    if (pty->port.out_first < pty->port.out_end) events |= UV_WRITABLE;
    sock_want(pty->master, pty->port.open ? events : 0);
}

static void tidy(pty_port_t *pty)
{
    put_in_order(pty->path);
    pty->tidied = true;
}

/* Reads what there is room for. True: the end was reached, nobody is there. */
static bool read_master(pty_port_t *pty)
{
    ptrdiff_t got = 0;
    while (port_in_room(&pty->port) > 0 && (got = port_read(&pty->port, sock_fd(pty->master))) > 0)
        ;
    board_wake(pty->port.board);
    return got < 0;
}

static void master_ready(void *owner, int events)
{
    pty_port_t *pty = owner;
    if ((events & UV_READABLE) && read_master(pty)) {
        tidy(pty);
        board_far_side(&pty->port, false);
    }
    board_wake(pty->port.board);
    pty_want(pty);
}

/* Somebody opened or closed the far side, or we did. While it is open, only the master's end counts. */
static void watch_ready(void *owner, int events)
{
    _Alignas(struct inotify_event) char news[1024];
    pty_port_t                         *pty = owner;
    (void)events;
    while (read(sock_fd(pty->watch), news, sizeof news) > 0)
        ;
    if (pty->port.open) return;
    if (somebody_is_there(pty)) {
        board_far_side(&pty->port, true);
    } else if (pty->tidied) {
        pty->tidied = false;
    } else { /* a program was here and is gone, perhaps with a few bytes written */
        board_far_side(&pty->port, true);
        if (read_master(pty)) {
            tidy(pty);
            board_far_side(&pty->port, false);
        }
    }
    pty_want(pty);
}

static void pty_resume(port_t *port)
{
    pty_port_t *pty = (pty_port_t *)port;
    sock_want(pty->watch, UV_READABLE);
    pty_want(pty);
}

static void pty_flush(port_t *port)
{
    pty_port_t *pty = (pty_port_t *)port;
    if (!port_write(port, sock_fd(pty->master)) && errno != 0) port_drop_out(port);
    pty_want(pty);
}

/* ---- The symbolic link ------------------------------------------------------------------------------------------- */

/* A link of the same name is replaced, in one step; anything else is not touched. */
static bool make_link(const char *link, const char *path)
{
    struct stat about;
    char        next[512];
    if (lstat(link, &about) == 0 && !S_ISLNK(about.st_mode)) {
        errno = EEXIST;
        return false;
    }
    snprintf(next, sizeof next, "%s.%ld", link, (long)getpid());
    if (symlink(path, next) != 0) return false;
    if (rename(next, link) == 0) return true;
    int failed = errno;
    unlink(next);
    errno = failed;
    return false;
}

static void remove_link(const pty_port_t *pty)
{
    char    target[sizeof pty->path];
    ssize_t length = readlink(pty->link, target, sizeof target);
    if (length == (ssize_t)strlen(pty->path) && memcmp(target, pty->path, (size_t)length) == 0) unlink(pty->link);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void pty_close(port_t *port)
{
    pty_port_t *pty = (pty_port_t *)port;
    if (pty->link) remove_link(pty);
    sock_close(pty->master);
    sock_close(pty->watch);
    free(pty->link);
    free(pty);
}

/* Both ends of a pseudo-terminal have the same settings. It has no data bits and parity of its own: always 8N. */
static bool pty_far_line(port_t *port, cipmux_line_t *out)
{
    cipmux_line_t line;
    if (!tty_get_line(sock_fd(((pty_port_t *)port)->master), &line)) return false;
    out->baud = line.baud;
    out->stop_bits = line.stop_bits;
    return true;
}

static const port_kind_t pty_kind = {
    .flush = pty_flush, .resume = pty_resume, .far_line = pty_far_line, .close = pty_close
};

/* The master, and the path of its far side, which is raw. -1: see errno. */
static int open_master(char *path, size_t size)
{
    int         master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char *name = NULL;
    if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0) name = ptsname(master);
    if (name) {
        snprintf(path, size, "%s", name);
        fd_prepare(master);
        if (put_in_order(path)) return master;
    }
    int failed = errno;
    if (master >= 0) close(master);
    errno = failed;
    return -1;
}

static int open_watch(const char *path)
{
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch >= 0 && inotify_add_watch(watch, path, IN_OPEN | IN_CLOSE) >= 0) return watch;
    if (watch >= 0) close(watch);
    return -1;
}

static sock_t *watched(uv_loop_t *loop, int fd, sock_ready_t *ready, pty_port_t *pty)
{
    sock_t *sock = fd >= 0 ? sock_new(loop, fd, ready, pty) : NULL;
    if (!sock && fd >= 0) close(fd);
    return sock;
}

port_t *port_pty(uv_loop_t *loop, const char *link, char *text)
{
    pty_port_t *pty = calloc(1, sizeof *pty);
    if (!pty) return port_failed(text, "no memory");
    pty->port.kind = &pty_kind;
    pty->master = watched(loop, open_master(pty->path, sizeof pty->path), master_ready, pty);
    if (pty->master) pty->watch = watched(loop, open_watch(pty->path), watch_ready, pty);
    if (pty->master && pty->watch) {
        if (!link || ((pty->link = strdup(link)) && make_link(link, pty->path))) {
            snprintf(text, PORT_ERROR_MAX, "%s%s%s", pty->path, link ? ", also " : "", link ? link : "");
            return &pty->port;
        }
        port_failed(text, "%s cannot be made: %s", link, strerror(errno));
    } else {
        port_failed(text, "no pseudo-terminal: %s", strerror(errno));
    }
    sock_close(pty->master);
    sock_close(pty->watch);
    free(pty->link);
    free(pty);
    return NULL;
}
