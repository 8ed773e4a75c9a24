/* A TCP port or a Unix socket as the serial line: one client at a time, a second one is turned away. Or a connection
 * that we make ourselves, to an emulator whose serial line listens; it is made again whenever it ends. */
#include "address.h"
#include "board.h"
#include "port.h"
#include "rfc2217.h"
#include "unix_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    port_t  port;
    sock_t *listener; /* NULL: we connect */
    sock_t *client;   /* NULL: nobody */
    char   *path;     /* Unix: to be removed */

    rfc2217_t *telnet; /* NULL: raw bytes */

    uv_loop_t              *loop;
    struct sockaddr_storage to; /* where we connect, and when again */
    socklen_t               to_length;
    uv_timer_t              again;
    sock_t                 *attempt; /* under way */
    bool                    missed;  /* nobody listens there, which was logged */
} socket_port_t;

enum {
    CONNECT_PAUSE_MS = 250,
    SOCKET_KERNEL_BUFFER = 8192, /* a UART has no megabytes: a far side that does not read stops the modem soon */
};

/* Before listen() or connect(): TCP's clients inherit both. A Unix socket's inherit nothing: behind accept() again. */
static void make_small(int fd)
{
    fd_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_KERNEL_BUFFER);
    fd_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_KERNEL_BUFFER);
}

static bool may_read(socket_port_t *sock)
{
    return (sock->port.in_end < PORT_IN || sock->port.in_first > 0) &&
           (!sock->telnet || rfc2217_room(sock->telnet) > 0);
}

static bool has_to_write(const socket_port_t *sock)
{
    return sock->port.out_first < sock->port.out_end ||
           (sock->telnet && sock->telnet->wire_first < sock->telnet->wire_end);
}

static void socket_want(socket_port_t *sock)
{
    int events = (may_read(sock) ? UV_READABLE : 0) | (has_to_write(sock) ? UV_WRITABLE : 0);
    if (sock->client) sock_want(sock->client, events);
}

static void connect_again(uv_timer_t *timer);

static void client_left(socket_port_t *sock)
{
    sock_close(sock->client);
    sock->client = NULL;
    board_far_side(&sock->port, false);
    if (!sock->listener) uv_timer_start(&sock->again, connect_again, CONNECT_PAUSE_MS, 0);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The client's bytes, of which some are telnet's. False: it is gone. */
static bool read_telnet(socket_port_t *sock)
{
    uint8_t    bytes[1024];
    port_t    *port = &sock->port;
    rfc2217_t *telnet = sock->telnet;
    size_t     room = smaller(sizeof bytes, smaller(port_in_room(port), rfc2217_room(telnet)));
    ssize_t    got = room ? recv(sock_fd(sock->client), bytes, room, 0) : 1;
    if (room == 0) return true;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    port->in_end += rfc2217_receive(telnet, bytes, (size_t)got, port->in + port->in_end);
    if (telnet->reset) board_reset(port->board);
    telnet->reset = false;
    return true;
}

static void client_ready(void *owner, int events)
{
    socket_port_t *sock = owner;
    bool           there = true;
    if (events & UV_READABLE)
        there = sock->telnet ? read_telnet(sock)
                             : port_in_room(&sock->port) == 0 || port_read(&sock->port, sock_fd(sock->client)) >= 0;
    if (!there) client_left(sock);
    socket_want(sock);
    board_wake(sock->port.board);
}

static void listener_ready(void *owner, int events)
{
    socket_port_t *sock = owner;
    int            fd = accept(sock_fd(sock->listener), NULL, NULL);
    (void)events;
    if (fd < 0) return;
    fd_prepare(fd);
    make_small(fd);
    fd_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* a Unix socket refuses that, and needs it not */
    sock_t *client = sock_new(sock->loop, fd, client_ready, sock);
    if (!client) {
        close(fd);
    } else if (sock->client || board_is_taken(&sock->port)) {
        board_log_reason(sock->port.board, (log_record_t){ .event = "refused" }, HOST_REASON_SECOND_ON_PORT);
        sock_reset(client);
    } else {
        sock->client = client;
        if (sock->telnet) rfc2217_start(sock->telnet, &sock->port.board->wire.line);
        board_far_side(&sock->port, true);
        socket_want(sock);
    }
}

static void socket_resume(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    if (sock->listener) sock_want(sock->listener, UV_READABLE);
    socket_want(sock);
}

/* As port_write(), with telnet's escapes and answers. */
static bool write_telnet(socket_port_t *sock)
{
    port_t    *port = &sock->port;
    rfc2217_t *telnet = sock->telnet;
    for (;;) {
        port->out_first += rfc2217_send(telnet, port->out + port->out_first, port->out_end - port->out_first);
        if (port->out_first == port->out_end) port_drop_out(port);
        size_t n = telnet->wire_end - telnet->wire_first;
        errno = 0;
        if (n == 0) return true;
        ssize_t put = write(sock_fd(sock->client), telnet->wire + telnet->wire_first, n);
        if (put < 0) {
            if (errno == EAGAIN || errno == EINTR) errno = 0;
            return false;
        }
        telnet->wire_first += (size_t)put;
    }
}

static bool socket_far_line(port_t *port, cipmux_line_t *out)
{
    const rfc2217_t *telnet = ((socket_port_t *)port)->telnet;
    if (!telnet || !telnet->line_known) return false;
    *out = telnet->line;
    return true;
}

static void socket_flush(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    if (!sock->client)
        port_drop_out(port);
    else if (!(sock->telnet ? write_telnet(sock) : port_write(port, sock_fd(sock->client))) && errno != 0)
        client_left(sock);
    socket_want(sock);
}

static void forget(uv_handle_t *timer)
{
    socket_port_t *sock = timer->data;
    free(sock->telnet);
    free(sock->path);
    free(sock);
}

static void socket_close(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    sock_close(sock->client);
    sock_close(sock->listener);
    sock_close(sock->attempt);
    sock->client = sock->listener = sock->attempt = NULL;
    if (sock->path) unlink(sock->path);
    uv_close((uv_handle_t *)&sock->again, forget);
}

static const port_kind_t socket_kind = {
    .flush = socket_flush, .resume = socket_resume, .far_line = socket_far_line, .close = socket_close
};

/* A bound and listening socket, or -1 and errno. */
static int listen_on(const void *at, socklen_t length, int family)
{
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fd_prepare(fd);
    fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    make_small(fd);
    if (bind(fd, at, length) == 0 && listen(fd, 8) == 0) return fd;
    int failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

static socket_port_t *socket_new(uv_loop_t *loop)
{
    socket_port_t *sock = calloc(1, sizeof *sock);
    if (!sock) return NULL;
    sock->port.kind = &socket_kind;
    sock->loop = loop;
    uv_timer_init(loop, &sock->again);
    sock->again.data = sock;
    return sock;
}

static port_t *socket_port(uv_loop_t *loop, int fd)
{
    socket_port_t *sock = fd < 0 ? NULL : socket_new(loop);
    if (sock) sock->listener = sock_new(loop, fd, listener_ready, sock);
    if (sock && sock->listener) return &sock->port;
    int failed = errno;
    if (sock) socket_close(&sock->port);
    if (fd >= 0) close(fd);
    errno = failed;
    return NULL;
}

port_t *port_tcp(uv_loop_t *loop, const char *where, char *text)
{
    port_place_t     place;
    cipmux_address_t address;
    if (!port_place_parse(where, &place)) return port_failed(text, "'%s' is no [HOST:]PORT", where);
    address_parse(place.host, strlen(place.host), &address);
    address.port = place.port;
    struct sockaddr_storage at;
    socklen_t               length = address_to_sockaddr(&address, &at);
    int                     fd = listen_on(&at, length, at.ss_family);
    port_t                 *port = socket_port(loop, fd);
    if (!port) return port_failed(text, "%s: %s", where, strerror(errno));
    cipmux_address_t own = address_of_socket(fd);
    address_text(&own, text);
    return port;
}

port_t *port_rfc2217(uv_loop_t *loop, const char *where, char *text)
{
    socket_port_t *sock = (socket_port_t *)port_tcp(loop, where, text);
    if (!sock) return NULL;
    sock->telnet = calloc(1, sizeof *sock->telnet);
    snprintf(text + strlen(text), PORT_ERROR_MAX - strlen(text), ", RFC 2217");
    if (sock->telnet) return &sock->port;
    socket_close(&sock->port);
    return port_failed(text, "no memory");
}

port_t *port_unix(uv_loop_t *loop, const char *path, char *text)
{
    port_t *port = socket_port(loop, unix_listen(path));
    if (!port) return port_failed(text, "%s: %s", path, strerror(errno));
    ((socket_port_t *)port)->path = strdup(path);
    snprintf(text, PORT_ERROR_MAX, "%s", path);
    return port;
}

/* ---- Connecting out ---------------------------------------------------------------------------------------------- */

static void attempt_failed(socket_port_t *sock, int error)
{
    if (!sock->missed)
        board_log(sock->port.board, &(log_record_t){ .event = "serial" }, "not connected yet (%s); trying on",
                  strerror(error));
    sock->missed = true;
    sock_close(sock->attempt);
    sock->attempt = NULL;
    uv_timer_start(&sock->again, connect_again, CONNECT_PAUSE_MS, 0);
}

static void connected(void *owner, int events)
{
    socket_port_t   *sock = owner;
    int              failed = 0, fd = sock_fd(sock->attempt);
    socklen_t        length = sizeof failed;
    cipmux_address_t own = address_of_socket(fd), to = address_from_sockaddr(&sock->to);
    (void)events;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &length);
    if (!failed && address_same(&own, &to)) failed = ECONNREFUSED; /* TCP can meet itself on a port that nobody has */
    if (failed) {
        attempt_failed(sock, failed);
        return;
    }
    fd_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    sock->client = sock->attempt;
    sock->attempt = NULL;
    sock->missed = false;
    sock_give(sock->client, client_ready, sock);
    sock_want(sock->client, 0);
    board_far_side(&sock->port, true);
    socket_want(sock);
}

static void connect_again(uv_timer_t *timer)
{
    socket_port_t *sock = timer->data;
    int            fd = socket(sock->to.ss_family, SOCK_STREAM, 0);
    sock->attempt = fd < 0 ? NULL : sock_new(sock->loop, fd, connected, sock);
    if (!sock->attempt) {
        if (fd >= 0) close(fd);
        attempt_failed(sock, errno);
        return;
    }
    fd_prepare(fd);
    make_small(fd);
    if (connect(fd, (struct sockaddr *)&sock->to, sock->to_length) != 0 && errno != EINPROGRESS)
        attempt_failed(sock, errno);
    else
        sock_want(sock->attempt, UV_WRITABLE);
}

port_t *port_connect(uv_loop_t *loop, const char *where, char *text)
{
    port_place_t     place;
    cipmux_address_t address;
    if (!port_place_parse(where, &place) || place.port == 0) return port_failed(text, "'%s' is no HOST:PORT", where);
    socket_port_t *sock = socket_new(loop);
    if (!sock) return port_failed(text, "no memory");
    address_parse(place.host, strlen(place.host), &address);
    address.port = place.port;
    sock->to_length = address_to_sockaddr(&address, &sock->to);
    uv_timer_start(&sock->again, connect_again, 0, 0);
    snprintf(text, PORT_ERROR_MAX, "a connection to ");
    address_text(&address, text + strlen(text));
    return &sock->port;
}
