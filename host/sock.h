/* One file descriptor on the loop: readiness only, reading and writing are the owner's. Sockets, terminals, pipes and
 * regular files alike; a regular file, which no loop can poll, is always ready. */
#ifndef HOST_SOCK_H
#define HOST_SOCK_H

#include <stdbool.h>
#include <uv.h>

typedef struct sock sock_t;

/* `events`: UV_READABLE, UV_WRITABLE; an error or hang-up counts as all that was wanted. */
typedef void sock_ready_t(void *owner, int events);

/* Takes `fd`, which need not be non-blocking unless its owner writes more than a pipe's atomic size.
 * NULL: no memory; errno is set, `fd` stays the caller's. */
sock_t *sock_new(uv_loop_t *loop, int fd, sock_ready_t *ready, void *owner);
int     sock_fd(const sock_t *sock);
/* Who is told from now on. */
void sock_give(sock_t *sock, sock_ready_t *ready, void *owner);
/* What to wait for from now on; 0: nothing. */
void sock_want(sock_t *sock, int events);
/* Forgets the descriptor, and closes it or leaves it open (stdin and the like). NULL is allowed. */
void sock_close(sock_t *sock);
void sock_release(sock_t *sock);

/* close() with RST instead of FIN. */
void sock_reset(sock_t *sock);

/* Makes `fd` non-blocking and closed on exec. */
void fd_prepare(int fd);
/* Sets a socket option whose value is a number. Each of ours is an improvement, none a condition: a failure is not told. */
void fd_option(int fd, int level, int option, int value);

#endif
