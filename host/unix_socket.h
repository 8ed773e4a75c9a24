/* Unix stream sockets by their path. */
#ifndef HOST_UNIX_SOCKET_H
#define HOST_UNIX_SOCKET_H

/* A socket that listens at a path, non-blocking; the name of one that nobody has any more is taken over. -1: errno. */
int unix_listen(const char *path);
/* Connects to such a one, blocking. -1: errno. */
int unix_connect(const char *path);

#endif
