/* The UART of the examples on Linux: a tty or pseudo-terminal (a path) or a TCP connection (HOST:PORT). */
#ifndef SERIAL_H
#define SERIAL_H

#include "cipdrv.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char    *where;
    int      fd;
    uint16_t rate; /* baud / 100 that is still to be set */
    uint16_t kept; /* bytes that are still to be written */
    uint8_t  out[512];
} serial_t;

static inline uint16_t serial_now(void) /* in ticks of 4 ms */
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint16_t)((uint64_t)now.tv_sec * 250 + (uint64_t)now.tv_nsec / 4000000);
}

static inline int serial_connect(char *host, char *colon)
{
    struct addrinfo *list = NULL, hints = { .ai_socktype = SOCK_STREAM };
    *colon = '\0';
    int fd = getaddrinfo(host, colon + 1, &hints, &list) == 0 ? socket(list->ai_family, SOCK_STREAM, 0) : -1;
    *colon = ':';
    if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    if (list) freeaddrinfo(list);
    return fd;
}

/* Opens the line; waits for the other end until it is there. */
static inline void serial_open(serial_t *serial, char *where)
{
    struct termios tty;
    char          *colon = *where == '/' ? NULL : strrchr(where, ':');
    signal(SIGPIPE, SIG_IGN);
    serial->where = where;
    serial->kept = 0;
    while ((serial->fd = colon ? serial_connect(where, colon) : open(where, O_RDWR | O_NOCTTY)) < 0)
        poll(NULL, 0, 50);
    setsockopt(serial->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* else each answer waits 40 ms */
    if (tcgetattr(serial->fd, &tty) == 0) {
        cfmakeraw(&tty);
        tcsetattr(serial->fd, TCSANOW, &tty);
    }
    fcntl(serial->fd, F_SETFL, O_NONBLOCK);
}

/* Writes what it can of what is kept, and sets the rate when that was all. */
static inline void serial_flush(serial_t *serial)
{
    struct termios tty;
    ssize_t        n = serial->kept ? write(serial->fd, serial->out, serial->kept) : 0;
    if (n > 0) memmove(serial->out, serial->out + n, serial->kept = (uint16_t)(serial->kept - n));
    if (serial->kept > 0 || serial->rate == 0) return;
    if (tcgetattr(serial->fd, &tty) == 0 && cfsetspeed(&tty, serial->rate * 100u) == 0)
        tcsetattr(serial->fd, TCSADRAIN, &tty);
    serial->rate = 0;
}

/* CIPDRV_RATE: what was written before goes out at the old rate. */
static inline void serial_rate(serial_t *serial, uint16_t hundreds)
{
    serial->rate = hundreds;
    serial_flush(serial);
}

/* Bytes that have arrived; waits for them `ticks` at most, and less when there is something to write. */
static inline uint16_t serial_read(serial_t *serial, uint8_t *data, uint16_t n, uint16_t ticks)
{
    serial_flush(serial);
    struct pollfd uart = { serial->fd, (short)(serial->kept ? POLLIN | POLLOUT : POLLIN), 0 };
    if (poll(&uart, 1, serial->kept ? 100 : ticks * 4) <= 0 || !(uart.revents & ~POLLOUT)) return 0;
    ssize_t got = read(serial->fd, data, n);
    if (got > 0) return (uint16_t)got;
    close(serial->fd); /* the other end is gone */
    serial_open(serial, serial->where);
    return 0;
}

static inline uint16_t serial_room(const serial_t *serial)
{
    return serial->rate ? 0 : (uint16_t)(sizeof serial->out - serial->kept);
}

static inline void serial_write(serial_t *serial, const uint8_t *data, uint16_t n)
{
    memcpy(serial->out + serial->kept, data, n);
    serial->kept = (uint16_t)(serial->kept + n);
    serial_flush(serial);
}

/* One round of the main loop. It waits until something comes or the driver has something to do. */
static inline void serial_run(serial_t *serial, cipdrv_t *driver)
{
    static uint8_t in[512], out[sizeof serial->out];
    uint16_t       n = serial_read(serial, in, sizeof in, cipdrv_deadline(driver));
    cipdrv_sink(driver, serial_now(), in, n);
    n = cipdrv_poll(driver, serial_now(), out, serial_room(serial));
    serial_write(serial, out, n);
}
#endif
