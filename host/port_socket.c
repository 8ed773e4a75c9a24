/* A TCP port or a Unix socket as the serial line: one client at a time, a second one is turned away. */
#include "address.h"
#include "board.h"
#include "port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct {
    port_t  port;
    sock_t *listener;
    sock_t *client; /* NULL: nobody */
    char   *path;   /* Unix: to be removed */
} socket_port_t;

static void socket_want(socket_port_t *sock)
{
    int events = sock->port.in_end < PORT_IN || sock->port.in_first > 0 ? UV_READABLE : 0;
    if (sock->port.out_first < sock->port.out_end) events |= UV_WRITABLE;
    if (sock->client) sock_want(sock->client, events);
}

static void client_left(socket_port_t *sock)
{
    sock_close(sock->client);
    sock->client = NULL;
    board_far_side(sock->port.board, false);
}

static void client_ready(void *owner, int events)
{
    socket_port_t *sock = owner;
    if ((events & UV_READABLE) && port_in_room(&sock->port) > 0 && port_read(&sock->port, sock_fd(sock->client)) < 0)
        client_left(sock);
    socket_want(sock);
    board_wake(sock->port.board);
}

static void listener_ready(void *owner, int events)
{
    socket_port_t *sock = owner;
    int            on = 1, fd = accept(sock_fd(sock->listener), NULL, NULL);
    (void)events;
    if (fd < 0) return;
    fd_prepare(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a Unix socket refuses that, and needs it not */
    sock_t *client = sock_new(sock->port.board->loop, fd, client_ready, sock);
    if (!client) {
        close(fd);
    } else if (sock->client) {
        board_log_reason(sock->port.board, (log_record_t){ .event = "refused" }, HOST_REASON_SECOND_ON_PORT);
        sock_reset(client);
    } else {
        sock->client = client;
        board_far_side(sock->port.board, true);
        socket_want(sock);
    }
}

static void socket_resume(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    sock_want(sock->listener, UV_READABLE);
    socket_want(sock);
}

static void socket_flush(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    if (!sock->client)
        port_drop_out(port);
    else if (!port_write(port, sock_fd(sock->client)) && errno != 0)
        client_left(sock);
    socket_want(sock);
}

static void socket_close(port_t *port)
{
    socket_port_t *sock = (socket_port_t *)port;
    sock_close(sock->client);
    sock_close(sock->listener);
    if (sock->path) unlink(sock->path);
    free(sock->path);
    free(sock);
}

static const port_kind_t socket_kind = { .flush = socket_flush, .resume = socket_resume, .close = socket_close };

enum { SOCKET_KERNEL_BUFFER = 8192 }; /* a UART has no megabytes: a far side that does not read stops the modem soon */

static void set(int fd, int option, int value)
{
    setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

/* A bound and listening socket, or -1 and errno. */
static int listen_on(const void *at, socklen_t length, int family)
{
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fd_prepare(fd);
    set(fd, SO_REUSEADDR, 1);
    set(fd, SO_SNDBUF, SOCKET_KERNEL_BUFFER); /* every client's socket inherits both */
    set(fd, SO_RCVBUF, SOCKET_KERNEL_BUFFER);
    if (bind(fd, at, length) == 0 && listen(fd, 8) == 0) return fd;
    int failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

static port_t *socket_port(uv_loop_t *loop, int fd)
{
    socket_port_t *sock = fd < 0 ? NULL : calloc(1, sizeof *sock);
    if (sock) {
        sock->port.kind = &socket_kind;
        sock->listener = sock_new(loop, fd, listener_ready, sock);
        if (sock->listener) return &sock->port;
    }
    int failed = errno;
    free(sock);
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

port_t *port_unix(uv_loop_t *loop, const char *path, char *text)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct stat        about;
    if (strlen(path) >= sizeof at.sun_path) return port_failed(text, "%s: the path is too long", path);
    memcpy(at.sun_path, path, strlen(path));
    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode)) { /* left by a program that was killed, or in use */
        int probe = socket(AF_UNIX, SOCK_STREAM, 0);
        if (probe >= 0 && connect(probe, (struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED) unlink(path);
        if (probe >= 0) close(probe);
    }
    port_t *port = socket_port(loop, listen_on(&at, sizeof at, AF_UNIX));
    if (!port) return port_failed(text, "%s: %s", path, strerror(errno));
    ((socket_port_t *)port)->path = strdup(path);
    snprintf(text, PORT_ERROR_MAX, "%s", path);
    return port;
}
