/* The control socket: see control.h. */
#include "control.h"

#include "sock.h"
#include "unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    control_t *control;
    sock_t    *sock; /* NULL: a free place */
    char       line[CONTROL_LINE];
    size_t     used;
    bool       too_long; /* the line that is read is, and goes */
} client_t;

struct control {
    uv_loop_t     *loop;
    sock_t        *listener;
    char          *path;
    control_say_t *say;
    void          *context;
    client_t       client[CONTROL_CLIENTS];
};

static void leave(client_t *client)
{
    sock_close(client->sock);
    client->sock = NULL;
}

/* One write: an answer is short. Who does not read its answers is sent away. */
static void answer(client_t *client, bool good, const char *text)
{
    char line[CONTROL_ANSWER + 16];
    int  n = snprintf(line, sizeof line, "%s%s%s\n", good ? "OK" : "ERROR", text[0] ? " " : "", text);
    if (send(sock_fd(client->sock), line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n) leave(client);
}

static void take_line(client_t *client, char *line)
{
    char text[CONTROL_ANSWER] = "";
    line[strcspn(line, "\r")] = '\0';
    if (client->too_long) {
        client->too_long = false;
        answer(client, false, "the line is too long");
        return;
    }
    bool good = client->control->say(client->control->context, line, text, sizeof text);
    answer(client, good, text);
}

static void take_lines(client_t *client)
{
    char *line = client->line, *end;
    while (client->sock && (end = memchr(line, '\n', client->used - (size_t)(line - client->line)))) {
        *end = '\0';
        take_line(client, line);
        line = end + 1;
    }
    client->used -= (size_t)(line - client->line);
    memmove(client->line, line, client->used);
    if (client->used < sizeof client->line) return;
    client->too_long = true;
    client->used = 0;
}

static void client_ready(void *owner, int events)
{
    client_t *client = owner;
    (void)events;
    ssize_t n = read(sock_fd(client->sock), client->line + client->used, sizeof client->line - client->used);
    if (n > 0) {
        client->used += (size_t)n;
        take_lines(client);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        leave(client);
    }
}

static void listener_ready(void *owner, int events)
{
    control_t *control = owner;
    (void)events;
    int fd = accept(sock_fd(control->listener), NULL, NULL);
    if (fd < 0) return;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        client_t *client = &control->client[i];
        if (client->sock) continue;
        fd_prepare(fd);
        *client = (client_t){ .control = control };
        client->sock = sock_new(control->loop, fd, client_ready, client);
        if (!client->sock) break;
        sock_want(client->sock, UV_READABLE);
        return;
    }
    close(fd);
}

control_t *control_open(uv_loop_t *loop, const char *path, control_say_t *say, void *context)
{
    mode_t     mask = umask(0177);
    int        fd = unix_listen(path);
    control_t *control = fd < 0 ? NULL : calloc(1, sizeof *control);
    umask(mask);
    if (control) control->listener = sock_new(loop, fd, listener_ready, control);
    if (!control || !control->listener || !(control->path = strdup(path))) {
        int failed = errno;
        if (control) sock_close(control->listener);
        free(control);
        errno = failed;
        return NULL;
    }
    control->loop = loop;
    control->say = say;
    control->context = context;
    sock_want(control->listener, UV_READABLE);
    return control;
}

void control_close(control_t *control)
{
    if (!control) return;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (control->client[i].sock) leave(&control->client[i]);
    sock_close(control->listener);
    unlink(control->path);
    free(control->path);
    free(control);
}

/* ---- The client -------------------------------------------------------------------------------------------------- */

/* Sends one line, prints its answer. 0 OK, 1 an error, 2 the other side is gone. */
static int ask(int fd, const char *line)
{
    char   text[CONTROL_ANSWER + 16];
    size_t n = strcspn(line, "\n"), used = 0;
    if (send(fd, line, n, MSG_NOSIGNAL) != (ssize_t)n || send(fd, "\n", 1, MSG_NOSIGNAL) != 1) return 2;
    do {
        ssize_t got = read(fd, text + used, sizeof text - used);
        if (got <= 0) return 2;
        used += (size_t)got;
    } while (text[used - 1] != '\n' && used < sizeof text);
    fwrite(text, 1, used, stdout);
    return strncmp(text, "OK", 2) == 0 ? 0 : 1;
}

int control_ask(const char *path, const char *line)
{
    char text[CONTROL_LINE];
    int  fd = unix_connect(path), worst = 0;
    if (fd < 0) {
        fprintf(stderr, "cipmux ctl: %s: %s\n", path, strerror(errno));
        return 2;
    }
    if (line) worst = ask(fd, line);
    while (!line && worst < 2 && fgets(text, sizeof text, stdin)) {
        int status = ask(fd, text);
        worst = status > worst ? status : worst;
        fflush(stdout);
    }
    if (worst == 2) fprintf(stderr, "cipmux ctl: %s: the modem has gone\n", path);
    close(fd);
    return worst;
}
