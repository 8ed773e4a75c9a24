/* See module.h. */
#define _GNU_SOURCE /* memmem */
#include "module.h"

#include "port.h"
#include "program.h"
#include "tty_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STALLED_MS = 20000 }; /* a line that takes nothing, a program that does not come up */

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static bool open_device(module_t *module, const char *where)
{
    cipmux_line_t line = { .data_bits = 8, .stop_bits = 1 };
    size_t        length;
    char          path[256];
    errno = EINVAL;
    if (!port_device_parse(where, &length, &line.baud) || length >= sizeof path) return false;
    snprintf(path, sizeof path, "%.*s", (int)length, where);
    module->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    module->tty = module->fd >= 0 && tty_set_line(module->fd, &line, false);
    return module->tty;
}

static int tcp_socket(const char *host, uint16_t port, struct sockaddr_in *at)
{
    *at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    errno = EINVAL;
    return inet_pton(AF_INET, host, &at->sin_addr) == 1 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
}

static bool open_tcp(module_t *module, const port_place_t *place)
{
    struct sockaddr_in at;
    module->fd = tcp_socket(place->host, place->port, &at);
    return module->fd >= 0 && connect(module->fd, (struct sockaddr *)&at, sizeof at) == 0;
}

static bool open_unix(module_t *module, const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof at.sun_path) return false;
    memcpy(at.sun_path, path, strlen(path) + 1);
    module->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return module->fd >= 0 && connect(module->fd, (struct sockaddr *)&at, sizeof at) == 0;
}

static bool open_any(module_t *module, const char *where)
{
    port_place_t place;
    struct stat  is;
    const bool   tcp = strncmp(where, "tcp:", 4) == 0;
    if (strncmp(where, "unix:", 5) == 0) return open_unix(module, where + 5);
    if (stat(where, &is) == 0 && S_ISSOCK(is.st_mode)) return open_unix(module, where);
    if (tcp || !strchr(where, '/'))
        if (port_place_parse(where + (tcp ? 4 : 0), &place)) return open_tcp(module, &place);
    return open_device(module, where);
}

bool module_open(module_t *module, const char *where)
{
    *module = (module_t){ .fd = -1 };
    if (open_any(module, where)) return true;
    const int why = errno;
    module_close(module);
    errno = why;
    return false;
}

/* The child: it calls back at this port. */
static void become(const char *const *options, uint16_t port)
{
    enum { OPTIONS = 80 };
    char  line[64];
    char *argv[OPTIONS] = { (char *)"cipmux", (char *)"--quiet", line };
    snprintf(line, sizeof line, "--tcp-connect=127.0.0.1:%u", port);
    for (size_t i = 0; options[i] && i + 4 < OPTIONS; i++)
        argv[i + 3] = (char *)options[i];
    execv("/proc/self/exe", argv);
    _exit(EXIT_USAGE);
}

/* Waits for that, whatever signals come meanwhile. */
static bool is_ready(int fd, short events, uint64_t until_ms)
{
    struct pollfd line = { .fd = fd, .events = events };
    int           n;
    do {
        const uint64_t now = module_now_ms();
        n = poll(&line, 1, until_ms > now ? (int)(until_ms - now) : 0);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

bool module_start(module_t *module, const char *const *options)
{
    struct sockaddr_in at;
    socklen_t          length = sizeof at;
    const int          knocks = tcp_socket("127.0.0.1", 0, &at);
    *module = (module_t){ .fd = -1 };
    if (knocks < 0) return false;
    if (bind(knocks, (struct sockaddr *)&at, sizeof at) == 0 && listen(knocks, 1) == 0 &&
        getsockname(knocks, (struct sockaddr *)&at, &length) == 0) {
        module->own = fork();
        if (module->own == 0) become(options, ntohs(at.sin_port));
        if (module->own > 0 && is_ready(knocks, POLLIN, module_now_ms() + STALLED_MS))
            module->fd = accept(knocks, NULL, NULL);
    }
    const int why = errno;
    close(knocks);
    if (module->fd < 0) module_close(module);
    errno = why;
    return module->fd >= 0;
}

void module_close(module_t *module)
{
    if (module->fd >= 0) close(module->fd);
    if (module->own > 0) {
        kill(module->own, SIGTERM);
        while (waitpid(module->own, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(module->got.bytes);
    *module = (module_t){ .fd = -1 };
}

bool module_set_rate(module_t *module, uint32_t baud)
{
    const cipmux_line_t line = { .baud = baud, .data_bits = 8, .stop_bits = 1 };
    return module->tty && tty_set_line(module->fd, &line, true);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

uint64_t module_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

bool module_hear(module_t *module, uint64_t until_ms)
{
    uint8_t bytes[4096];
    ssize_t n;
    do {
        if (!is_ready(module->gone ? -1 : module->fd, POLLIN, until_ms)) return false;
        n = read(module->fd, bytes, sizeof bytes);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    module->gone = n <= 0;
    if (n <= 0) return false;
    writer_add(&module->got, bytes, (size_t)n);
    return true;
}

void module_settle(module_t *module, uint32_t quiet_ms)
{
    while (module_hear(module, module_now_ms() + quiet_ms))
        ;
}

void module_type(module_t *module, const void *bytes, size_t n)
{
    for (size_t put = 0; put < n;) {
        if (!is_ready(module->fd, POLLOUT, module_now_ms() + STALLED_MS)) return;
        ssize_t wrote = write(module->fd, (const char *)bytes + put, n - put);
        if (wrote <= 0 && errno != EINTR && errno != EAGAIN) return;
        if (wrote > 0) put += (size_t)wrote;
    }
}

size_t module_await(module_t *module, const char *const *texts, size_t n, uint32_t limit_ms, size_t *which)
{
    const writer_bytes_t *got = &module->got;
    const uint64_t        until_ms = module_now_ms() + limit_ms;
    do {
        for (size_t i = 0; i < n; i++) {
            const uint8_t *at = got->n ? memmem(got->bytes, got->n, texts[i], strlen(texts[i])) : NULL;
            if (which) *which = i;
            if (at) return (size_t)(at - got->bytes) + strlen(texts[i]);
        }
    } while (module_hear(module, until_ms));
    return 0;
}
