/* A serial device as the modem's own UART: a microcontroller, or another computer, is at its other end.
 *
 * The device is opened raw and without modem control lines, and locked. It runs at the modem's rate: AT+UART changes it
 * behind the last byte of the old rate. A device that goes away (an adapter is unplugged) is told once and tried again
 * until it is back. */
#include "board.h"
#include "port.h"
#include "tty_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SERIAL_RETRY_MS = 500 };

typedef struct {
    port_t        port;
    uv_loop_t    *loop;
    sock_t       *device; /* NULL: it is away */
    uv_timer_t    again;
    cipmux_line_t line;
    char         *path;
} serial_port_t;

static void serial_want(serial_port_t *serial)
{
    int events = serial->port.in_end < PORT_IN || serial->port.in_first > 0 ? UV_READABLE : 0;
    if (serial->port.out_first < serial->port.out_end) events |= UV_WRITABLE;
    if (serial->device) sock_want(serial->device, events);
}

static void try_again(uv_timer_t *timer);

static void device_is_gone(serial_port_t *serial, int error)
{
    log_record_t record = { .event = "serial", .level = LOG_PROBLEM };
    board_log(serial->port.board, &record, "%s is gone (%s); trying until it is back", serial->path,
              error ? strerror(error) : "hung up");
    sock_close(serial->device);
    serial->device = NULL;
    board_far_side(&serial->port, false);
    uv_timer_start(&serial->again, try_again, SERIAL_RETRY_MS, SERIAL_RETRY_MS);
}

static void device_ready(void *owner, int events)
{
    serial_port_t *serial = owner;
    if ((events & UV_READABLE) && port_in_room(&serial->port) > 0 &&
        port_read(&serial->port, sock_fd(serial->device)) < 0)
        device_is_gone(serial, errno);
    serial_want(serial);
    board_wake(serial->port.board);
}

/* Opened, locked and set, or -1 and errno. */
static int open_device(const char *path, const cipmux_line_t *line)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && tty_set_line(fd, line, false)) return fd;
    int failed = errno == EWOULDBLOCK ? EBUSY : errno;
    close(fd);
    errno = failed;
    return -1;
}

/* False: see errno. */
static bool open_serial(serial_port_t *serial)
{
    int fd = open_device(serial->path, &serial->line);
    if (fd < 0) return false;
    serial->device = sock_new(serial->loop, fd, device_ready, serial);
    if (!serial->device) close(fd);
    return serial->device != NULL;
}

static void try_again(uv_timer_t *timer)
{
    serial_port_t *serial = timer->data;
    if (!open_serial(serial)) return;
    uv_timer_stop(timer);
    board_log(serial->port.board, &(log_record_t){ .event = "serial" }, "%s is back", serial->path);
    board_far_side(&serial->port, true);
    serial_want(serial);
}

static void serial_resume(port_t *port)
{
    serial_want((serial_port_t *)port);
}

static void serial_flush(port_t *port)
{
    serial_port_t *serial = (serial_port_t *)port;
    if (!serial->device)
        port_drop_out(port);
    else if (!port_write(port, sock_fd(serial->device)) && errno != 0)
        device_is_gone(serial, errno);
    serial_want(serial);
}

/* The kernel's queue is watched rather than waited for; what is left in the device's own FIFO is waited for, which is
 * milliseconds. */
static bool serial_set_line(port_t *port, const cipmux_line_t *line)
{
    serial_port_t *serial = (serial_port_t *)port;
    if (serial->device && tty_unsent(sock_fd(serial->device)) > 0) return false;
    serial->line = *line;
    if (serial->device && !tty_set_line(sock_fd(serial->device), line, true)) device_is_gone(serial, errno);
    return true;
}

static void forget(uv_handle_t *timer)
{
    serial_port_t *serial = timer->data;
    free(serial->path);
    free(serial);
}

static void serial_close(port_t *port)
{
    serial_port_t *serial = (serial_port_t *)port;
    sock_close(serial->device);
    serial->device = NULL;
    uv_close((uv_handle_t *)&serial->again, forget);
}

static const port_kind_t serial_kind = {
    .flush = serial_flush, .resume = serial_resume, .set_line = serial_set_line, .close = serial_close
};

bool port_device_parse(const char *text, size_t *path_length, uint32_t *baud)
{
    const char *comma = strrchr(text, ',');
    char       *end;
    *path_length = comma ? (size_t)(comma - text) : strlen(text);
    *baud = 115200;
    if (*path_length == 0) return false;
    if (!comma) return true;
    unsigned long rate = strtoul(comma + 1, &end, 10);
    *baud = (uint32_t)rate;
    return comma[1] >= '1' && comma[1] <= '9' && *end == '\0' && rate >= 50 && rate <= 16000000;
}

port_t *port_serial(uv_loop_t *loop, const char *where, char *text)
{
    size_t         length;
    serial_port_t *serial = calloc(1, sizeof *serial);
    if (!serial) return port_failed(text, "no memory");
    serial->line = (cipmux_line_t){ .data_bits = 8, .stop_bits = 1 };
    if (!port_device_parse(where, &length, &serial->line.baud)) {
        free(serial);
        return port_failed(text, "'%s' is no DEVICE[,BAUD]", where);
    }
    serial->port.kind = &serial_kind;
    serial->port.open = true;
    serial->loop = loop;
    serial->path = strndup(where, length);
    if (serial->path && open_serial(serial)) {
        uv_timer_init(loop, &serial->again);
        serial->again.data = serial;
        snprintf(text, PORT_ERROR_MAX, "%s at %lu baud", serial->path, (unsigned long)serial->line.baud);
        return &serial->port;
    }
    port_failed(text, "%s: %s", serial->path, errno == EBUSY ? "another program uses it" : strerror(errno));
    free(serial->path);
    free(serial);
    return NULL;
}
