/* A polled descriptor over uv_poll_t, with an idle handle in its place where polling is impossible. See sock.h. */
#include "sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct sock {
    union {
        uv_handle_t handle;
        uv_poll_t   poll;
        uv_idle_t   always; /* regular files and devices such as /dev/null */
    };
    sock_ready_t *ready;
    void         *owner;
    int           fd, wanted;
    bool          pollable;
};

static void poll_ready(uv_poll_t *poll, int status, int events)
{
    sock_t *sock = poll->data;
    int     wanted = sock->wanted;
    if (status < 0) { /* an error without anything to read: libuv has stopped polling */
        sock->wanted = 0;
        events = wanted;
    }
    sock->ready(sock->owner, events & wanted ? events & wanted : wanted);
}

static void always_ready(uv_idle_t *idle)
{
    sock_t *sock = idle->data;
    sock->ready(sock->owner, sock->wanted);
}

static bool is_pollable(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0) return true;
    if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode) || S_ISBLK(about.st_mode)) return false;
    return !S_ISCHR(about.st_mode) || isatty(fd) || errno != ENOTTY; /* a terminal whose ioctl failed is one */
}

sock_t *sock_new(uv_loop_t *loop, int fd, sock_ready_t *ready, void *owner)
{
    sock_t *sock = calloc(1, sizeof *sock);
    if (!sock) return NULL;
    sock->fd = fd;
    sock->ready = ready;
    sock->owner = owner;
    sock->pollable = is_pollable(fd);
    int failed = 0;
    if (sock->pollable) {
        int flags = fcntl(fd, F_GETFL); /* uv_poll_init makes it non-blocking, which others that share it would feel */
        failed = uv_poll_init(loop, &sock->poll, fd);
        if (flags >= 0) fcntl(fd, F_SETFL, flags);
    } else {
        failed = uv_idle_init(loop, &sock->always);
    }
    if (failed) {
        free(sock);
        errno = -failed;
        return NULL;
    }
    sock->handle.data = sock;
    return sock;
}

int sock_fd(const sock_t *sock)
{
    return sock->fd;
}

void sock_give(sock_t *sock, sock_ready_t *ready, void *owner)
{
    sock->ready = ready;
    sock->owner = owner;
}

void sock_want(sock_t *sock, int events)
{
    if (sock->wanted == events) return;
    sock->wanted = events;
    if (sock->pollable) {
        if (events)
            uv_poll_start(&sock->poll, events, poll_ready);
        else
            uv_poll_stop(&sock->poll);
    } else if (events) {
        uv_idle_start(&sock->always, always_ready);
    } else {
        uv_idle_stop(&sock->always);
    }
}

static void forget(uv_handle_t *handle)
{
    free(handle->data);
}

void sock_release(sock_t *sock)
{
    if (sock) uv_close(&sock->handle, forget);
}

void sock_close(sock_t *sock)
{
    if (!sock) return;
    int fd = sock->fd;
    sock_release(sock);
    close(fd);
}

void sock_reset(sock_t *sock)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (sock) setsockopt(sock->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    sock_close(sock);
}

void fd_prepare(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void fd_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}
