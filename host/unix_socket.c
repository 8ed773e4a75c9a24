/* Unix stream sockets: see unix_socket.h. */
#include "unix_socket.h"

#include "sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* False: the path is too long, errno says so. */
static bool unix_address(const char *path, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){ .sun_family = AF_UNIX };
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof at->sun_path) return false;
    memcpy(at->sun_path, path, strlen(path));
    return true;
}

static int give_up(int fd)
{
    int failed = errno;
    if (fd >= 0) close(fd);
    errno = failed;
    return -1;
}

int unix_connect(const char *path)
{
    struct sockaddr_un at;
    if (!unix_address(path, &at)) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
    return give_up(fd);
}

int unix_listen(const char *path)
{
    struct sockaddr_un at;
    struct stat        about;
    if (!unix_address(path, &at)) return -1;
    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode)) { /* left by a program that was killed, or in use */
        int probe = unix_connect(path);
        if (probe >= 0)
            close(probe);
        else if (errno == ECONNREFUSED)
            unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fd_prepare(fd);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0) return fd;
    return give_up(fd);
}
