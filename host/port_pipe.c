/* stdin and stdout as the serial line, for scripts: `cipmux < commands`. stdout carries the modem's bytes only.
 *
 * A script cannot wait for OK, so the pipe does: a line goes in when the modem expects a command, a lone LF as CR LF.
 * Behind a prompt the announced number of bytes goes in raw, in passthrough everything. After the end of the input the
 * program ends once the modem has been quiet for a while. */
#include "board.h"
#include "port.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    port_t   port;
    sock_t  *in, *out;
    uint64_t linger_us;
    bool     ended;    /* no more input */
    bool     last_cr;  /* the byte before in_first was a CR */
    bool     released; /* a command line's first part is in the modem: the rest may follow */
} pipe_port_t;

static void pipe_readable(void *owner, int events)
{
    pipe_port_t *pipe = owner;
    (void)events;
    if (port_read(&pipe->port, sock_fd(pipe->in)) < 0) {
        pipe->ended = true;
        sock_want(pipe->in, 0);
        board_linger(pipe->port.board, pipe->linger_us);
    } else if (port_in_room(&pipe->port) == 0) {
        sock_want(pipe->in, 0);
    }
    board_wake(pipe->port.board);
}

static void pipe_resume(port_t *port)
{
    pipe_port_t *pipe = (pipe_port_t *)port;
    if (!pipe->ended) sock_want(pipe->in, UV_READABLE);
}

/* stdout belongs to others too, so it stays blocking: what poll() promises, a pipe takes at once. */
static void pipe_flush(port_t *port)
{
    pipe_port_t *pipe = (pipe_port_t *)port;
    while (port->out_first < port->out_end) {
        struct pollfd out = { .fd = sock_fd(pipe->out), .events = POLLOUT };
        if (poll(&out, 1, 0) == 0) {
            sock_want(pipe->out, UV_WRITABLE);
            return;
        }
        size_t  n = port->out_end - port->out_first;
        ssize_t put = write(sock_fd(pipe->out), port->out + port->out_first, n < PIPE_BUF ? n : PIPE_BUF);
        if (put < 0 && errno != EINTR && errno != EAGAIN) { /* nobody reads any more */
            port->open = false;
            port_drop_out(port);
            board_finish(port->board);
            return;
        }
        if (put > 0) port->out_first += (size_t)put;
    }
    port_drop_out(port);
    sock_want(pipe->out, 0);
}

static void pipe_writable(void *owner, int events)
{
    pipe_port_t *pipe = owner;
    (void)events;
    sock_want(pipe->out, 0);
    board_wake(pipe->port.board);
}

/* The next line of `in`, its end made CR LF. 0: there is none yet, nor a full buffer. */
static size_t next_line(pipe_port_t *pipe)
{
    port_t  *port = &pipe->port;
    size_t   waiting = port->in_end - port->in_first;
    uint8_t *begin = port->in + port->in_first;
    uint8_t *lf = memchr(begin, '\n', waiting);
    if (!lf) return pipe->ended || waiting == PORT_IN ? waiting : 0;
    size_t length = (size_t)(lf - begin);
    if (length > 0 ? lf[-1] == '\r' : pipe->last_cr) return length + 1;
    if (port_in_room(port) == 0) return length; /* the line first, which makes room for its CR */
    begin = port->in;
    memmove(begin + length + 1, begin + length, port->in_end - length);
    begin[length] = '\r';
    port->in_end++;
    return length + 2;
}

static size_t pipe_ready(port_t *port, cipmux_phase_t phase, size_t collecting)
{
    pipe_port_t *pipe = (pipe_port_t *)port;
    size_t       waiting = port->in_end - port->in_first;
    if (waiting == 0) return 0;
    switch (phase) {
    case CIPMUX_PHASE_COMMAND: return next_line(pipe);
    case CIPMUX_PHASE_COLLECTING: return waiting < collecting ? waiting : collecting;
    case CIPMUX_PHASE_PASSTHROUGH: return waiting;
    case CIPMUX_PHASE_OFF:
    case CIPMUX_PHASE_BUSY: return 0;
    }
    return 0;
}

static void pipe_close(port_t *port)
{
    pipe_port_t *pipe = (pipe_port_t *)port;
    sock_release(pipe->in);
    sock_release(pipe->out);
    free(pipe);
}

static const port_kind_t pipe_kind = {
    .flush = pipe_flush, .resume = pipe_resume, .ready = pipe_ready, .close = pipe_close
};

port_t *port_pipe(uv_loop_t *loop, uint64_t linger_us, char *text)
{
    pipe_port_t *pipe = calloc(1, sizeof *pipe);
    if (!pipe) return port_failed(text, "no memory");
    pipe->port.kind = &pipe_kind;
    pipe->port.open = true;
    pipe->linger_us = linger_us;
    pipe->in = sock_new(loop, STDIN_FILENO, pipe_readable, pipe);
    pipe->out = sock_new(loop, STDOUT_FILENO, pipe_writable, pipe);
    if (pipe->in && pipe->out) return &pipe->port;
    int failed = errno;
    sock_release(pipe->in);
    sock_release(pipe->out);
    free(pipe);
    return port_failed(text, "stdin and stdout cannot be used: %s", strerror(failed));
}
