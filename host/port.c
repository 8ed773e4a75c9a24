/* What all serial ports share: the two small buffers and reading and writing a descriptor. See port.h. */
#include "port.h"

#include "address.h"
#include "board.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- For the board ----------------------------------------------------------------------------------------------- */

size_t port_peek(port_t *port, cipmux_phase_t phase, size_t collecting, const uint8_t **bytes)
{
    size_t n = port->kind->ready ? port->kind->ready(port, phase, collecting) : port->in_end - port->in_first;
    *bytes = port->in + port->in_first;
    return n;
}

void port_taken(port_t *port, size_t n)
{
    bool was_full = port->in_end == PORT_IN;
    port->in_first += n;
    if (port->in_first == port->in_end) port->in_first = port->in_end = 0;
    if (was_full || port->in_end == 0) port->kind->resume(port);
}

size_t port_room(const port_t *port, uint8_t **out)
{
    *out = (uint8_t *)(uintptr_t)(port->out + port->out_end);
    return PORT_OUT - port->out_end;
}

void port_put(port_t *port, size_t n)
{
    port->out_end += n;
}

void port_plugged(port_t *port, board_t *board)
{
    port->board = board;
    port->kind->resume(port);
}

/* ---- For the kinds ----------------------------------------------------------------------------------------------- */

size_t port_in_room(port_t *port)
{
    if (port->in_first > 0) {
        memmove(port->in, port->in + port->in_first, port->in_end - port->in_first);
        port->in_end -= port->in_first;
        port->in_first = 0;
    }
    return PORT_IN - port->in_end;
}

ptrdiff_t port_read(port_t *port, int fd)
{
    size_t  room = port_in_room(port);
    ssize_t got = room ? read(fd, port->in + port->in_end, room) : 0;
    if (room == 0) return 0;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
    if (got <= 0) {
        if (got == 0) errno = 0;
        return -1;
    }
    port->in_end += (size_t)got;
    return got;
}

bool port_write(port_t *port, int fd)
{
    size_t n = port->out_end - port->out_first;
    errno = 0;
    if (n == 0) return true;
    ssize_t put = write(fd, port->out + port->out_first, n);
    if (put < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) errno = 0;
        return false;
    }
    errno = 0;
    port->out_first += (size_t)put;
    if (port->out_first < port->out_end) return false;
    port_drop_out(port);
    return true;
}

void port_drop_out(port_t *port)
{
    port->out_first = port->out_end = 0;
}

port_t *port_failed(char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, PORT_ERROR_MAX, format, arguments);
    va_end(arguments);
    return NULL;
}

bool port_place_parse(const char *text, port_place_t *out)
{
    const char *colon = strrchr(text, ':');
    const char *digits = colon ? colon + 1 : text;
    size_t      width = colon ? (size_t)(colon - text) : 0;
    char       *end;
    long        port = strtol(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end || port > UINT16_MAX) return false;
    if (width >= 2 && text[0] == '[' && text[width - 1] == ']') {
        text++;
        width -= 2;
    }
    if (width >= sizeof out->host) return false;
    snprintf(out->host, sizeof out->host, "%.*s", (int)width, text);
    if (width == 0 || strcmp(out->host, "localhost") == 0) snprintf(out->host, sizeof out->host, "127.0.0.1");
    out->port = (uint16_t)port;
    cipmux_address_t address;
    return address_parse(out->host, strlen(out->host), &address);
}
