/* This terminal as the serial line, for a person.
 *
 * The modem has no line editing: a Backspace would be one more wrong byte. So a command line is edited here and sent
 * whole, with CR LF, at Enter; the modem's echo of it is taken out of the output, so that each character is seen once,
 * with echo on or off. Behind a prompt and in passthrough each key goes to the modem at once, and is shown, since
 * nobody echoes it. What the modem says while a line is being typed is printed above that line. Ctrl-] begins a
 * command to the program itself. */
#include "board.h"
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    LINE_MAX_EDIT = 512,
    HISTORY = 16,
    KEY_CTRL_C = 0x03,
    KEY_BACKSPACE = 0x08,
    KEY_CTRL_U = 0x15,
    KEY_ESCAPE = 0x1b,
    KEY_COMMAND = 0x1d, /* Ctrl-] */
    KEY_DELETE = 0x7f,
};

typedef struct {
    uint8_t bytes[LINE_MAX_EDIT];
    size_t  length;
} edit_t;

typedef enum { KEYS_PLAIN, KEYS_COMMAND, KEYS_ESCAPE, KEYS_SEQUENCE } keys_t;

typedef struct {
    port_t  port;
    sock_t *tty;
    keys_t  keys;
    edit_t  edit;
    edit_t  history[HISTORY];
    size_t  history_count, history_at;
    edit_t  echo; /* the line that the modem is expected to echo, and how much of it came */
    size_t  echoed;
    bool    echo_open;
    bool    hide_data; /* bytes behind a prompt and in passthrough are not shown */
    bool    midline;   /* the cursor is behind output that has no line end */
} terminal_t;

/* ---- The terminal's settings ------------------------------------------------------------------------------------- */

/* What to restore when the process ends, in whatever way. A process has one terminal, and a signal handler and atexit()
 * have no argument: hence the only globals of the program. */
static struct termios saved;
static int            saved_fd = -1;

static void restore(void)
{
    if (saved_fd >= 0) tcsetattr(saved_fd, TCSADRAIN, &saved);
}

static void make_raw(void)
{
    struct termios raw = saved;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (saved_fd >= 0) tcsetattr(saved_fd, TCSADRAIN, &raw);
}

static void restore_and_die(int number)
{
    restore();
    signal(number, SIG_DFL);
    raise(number);
}

static void restore_and_stop(int number)
{
    (void)number;
    restore();
    raise(SIGSTOP);
    make_raw();
}

static void continued(int number)
{
    (void)number;
    make_raw();
}

static void watch_signals(void)
{
    static const struct {
        int number;
        void (*handler)(int);
    } handlers[] = { { SIGSEGV, restore_and_die }, { SIGBUS, restore_and_die },   { SIGABRT, restore_and_die },
                     { SIGQUIT, restore_and_die }, { SIGTSTP, restore_and_stop }, { SIGCONT, continued } };
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        struct sigaction action = { .sa_handler = handlers[i].handler, .sa_flags = SA_RESTART };
        sigaction(handlers[i].number, &action, NULL);
    }
}

/* ---- The screen -------------------------------------------------------------------------------------------------- */

/* What the person must see now, such as a key: waits for the terminal, but not for ever. */
static void show(terminal_t *terminal, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    int            fd = sock_fd(terminal->tty);
    while (n > 0) {
        ssize_t       put = write(fd, at, n);
        struct pollfd writable = { .fd = fd, .events = POLLOUT };
        if (put < 0 && errno != EINTR && (errno != EAGAIN || poll(&writable, 1, 1000) <= 0)) return;
        if (put > 0) {
            at += put;
            n -= (size_t)put;
        }
    }
}

static void show_text(terminal_t *terminal, const char *text)
{
    show(terminal, text, strlen(text));
}

/* Characters of a line: bytes that do not continue a UTF-8 sequence. */
static size_t width(const edit_t *edit)
{
    size_t columns = 0;
    for (size_t i = 0; i < edit->length; i++)
        columns += (edit->bytes[i] & 0xc0) != 0x80;
    return columns;
}

static void hide_edit(terminal_t *terminal)
{
    for (size_t i = width(&terminal->edit); i > 0; i--)
        show_text(terminal, "\b \b");
}

static void show_edit(terminal_t *terminal)
{
    show(terminal, terminal->edit.bytes, terminal->edit.length);
}

void port_terminal_show(void *port, const char *line)
{
    terminal_t *terminal = port;
    hide_edit(terminal);
    show_text(terminal, terminal->midline ? "\r\n\033[2m" : "\033[2m");
    show_text(terminal, line);
    show_text(terminal, "\033[0m\r\n");
    terminal->midline = false;
    show_edit(terminal);
}

/* ---- What the modem says ----------------------------------------------------------------------------------------- */

/* Takes the echo of the last line out of out[first..end); what does not match ends the search. */
static void take_out_echo(terminal_t *terminal)
{
    port_t *port = &terminal->port;
    while (terminal->echo_open && port->out_first < port->out_end) {
        uint8_t byte = port->out[port->out_first];
        bool    behind = terminal->echoed >= terminal->echo.length; /* its line end: CR CR LF, or CR LF */
        if (behind ? byte != '\r' && byte != '\n' : byte != terminal->echo.bytes[terminal->echoed]) {
            terminal->echo_open = false;
            if (!behind) show(terminal, terminal->echo.bytes, terminal->echoed); /* it was no echo after all */
            return;
        }
        terminal->echoed++;
        port->out_first++;
        if (behind && byte == '\n') terminal->echo_open = false;
    }
}

static void terminal_flush(port_t *port)
{
    terminal_t *terminal = (terminal_t *)port;
    take_out_echo(terminal);
    if (port->out_first < port->out_end) {
        uint8_t last = port->out[port->out_end - 1];
        bool    typing = terminal->edit.length > 0;
        if (typing) hide_edit(terminal);
        bool all = port_write(port, sock_fd(terminal->tty));
        if (!all && errno != 0) port_drop_out(port);
        if (all) terminal->midline = last != '\n';
        if (typing) show_edit(terminal);
    } else {
        port_drop_out(port);
    }
    sock_want(terminal->tty, UV_READABLE | (port->out_first < port->out_end ? UV_WRITABLE : 0));
}

/* ---- What the person types --------------------------------------------------------------------------------------- */

static void type(terminal_t *terminal, const void *bytes, size_t n)
{
    port_t *port = &terminal->port;
    if (port_in_room(port) < n) {
        show_text(terminal, "\a");
        return;
    }
    memcpy(port->in + port->in_end, bytes, n);
    port->in_end += n;
}

static void remember(terminal_t *terminal)
{
    if (terminal->edit.length > 0) {
        memmove(terminal->history + 1, terminal->history, (HISTORY - 1) * sizeof *terminal->history);
        terminal->history[0] = terminal->edit;
        if (terminal->history_count < HISTORY) terminal->history_count++;
    }
    terminal->history_at = 0;
}

static void enter(terminal_t *terminal)
{
    show_text(terminal, "\r\n");
    terminal->midline = false;
    type(terminal, terminal->edit.bytes, terminal->edit.length);
    type(terminal, "\r\n", 2);
    terminal->echo = terminal->edit;
    terminal->echoed = 0;
    terminal->echo_open = true;
    remember(terminal);
    terminal->edit.length = 0;
}

static void recall(terminal_t *terminal, bool older)
{
    if (older ? terminal->history_at >= terminal->history_count : terminal->history_at == 0) return;
    terminal->history_at += older ? 1 : (size_t)-1;
    hide_edit(terminal);
    terminal->edit.length = 0;
    if (terminal->history_at > 0) terminal->edit = terminal->history[terminal->history_at - 1];
    show_edit(terminal);
}

static void erase_one(edit_t *edit)
{
    while (edit->length > 0 && (edit->bytes[--edit->length] & 0xc0) == 0x80)
        ;
}

static void edit_key(terminal_t *terminal, uint8_t key)
{
    edit_t *edit = &terminal->edit;
    switch (key) {
    case '\r':
    case '\n': enter(terminal); break;
    case KEY_BACKSPACE:
    case KEY_DELETE:
        hide_edit(terminal);
        erase_one(edit);
        show_edit(terminal);
        break;
    case KEY_CTRL_U:
        hide_edit(terminal);
        edit->length = 0;
        break;
    case KEY_CTRL_C: raise(SIGINT); break;
    case KEY_ESCAPE: terminal->keys = KEYS_ESCAPE; break;
    default:
        if (key >= ' ' && edit->length < LINE_MAX_EDIT) {
            edit->bytes[edit->length++] = key;
            show(terminal, &key, 1);
        }
    }
}

/* A key behind a prompt or in passthrough. */
static void data_key(terminal_t *terminal, uint8_t key)
{
    const char *bytes = key == '\r' ? "\r\n" : (const char *)&key;
    size_t      n = key == '\r' ? 2 : 1;
    type(terminal, bytes, n);
    if (!terminal->hide_data) show(terminal, bytes, n);
}

static void help(terminal_t *terminal)
{
    port_terminal_show(terminal, "Ctrl-] then  q quit   r reset pin   + send +++ alone   e show data keys or not   "
                                 "] send Ctrl-]");
}

static void command_key(terminal_t *terminal, uint8_t key)
{
    static const uint8_t literal = KEY_COMMAND;
    switch (key) {
    case 'q': board_finish(terminal->port.board); break;
    case 'r': board_reset(terminal->port.board); break;
    case '+': type(terminal, "+++", 3); break;
    case 'e': terminal->hide_data = !terminal->hide_data; break;
    case ']':
    case KEY_COMMAND: type(terminal, &literal, 1); break;
    default: help(terminal);
    }
}

static void take_key(terminal_t *terminal, uint8_t key)
{
    cipmux_phase_t phase = cipmux_phase(&terminal->port.board->modem);
    bool           data = phase == CIPMUX_PHASE_COLLECTING || phase == CIPMUX_PHASE_PASSTHROUGH;
    keys_t         keys = terminal->keys;
    terminal->keys = KEYS_PLAIN;
    if (keys == KEYS_COMMAND)
        command_key(terminal, key);
    else if (keys == KEYS_ESCAPE)
        terminal->keys = key == '[' || key == 'O' ? KEYS_SEQUENCE : KEYS_PLAIN;
    else if (keys == KEYS_SEQUENCE && key < '@') /* parameters of the sequence */
        terminal->keys = KEYS_SEQUENCE;
    else if (keys == KEYS_SEQUENCE && (key == 'A' || key == 'B'))
        recall(terminal, key == 'A');
    else if (keys == KEYS_SEQUENCE)
        return; /* arrows to the sides and the like have no meaning here */
    else if (key == KEY_COMMAND)
        terminal->keys = KEYS_COMMAND;
    else if (data && terminal->edit.length == 0)
        data_key(terminal, key);
    else
        edit_key(terminal, key);
}

static void tty_ready(void *owner, int events)
{
    terminal_t *terminal = owner;
    uint8_t     keys[256];
    if (events & UV_READABLE) {
        ssize_t got = read(sock_fd(terminal->tty), keys, sizeof keys);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) { /* the terminal is gone */
            sock_want(terminal->tty, 0);
            board_finish(terminal->port.board);
            return;
        }
        for (ssize_t i = 0; i < got; i++)
            take_key(terminal, keys[i]);
    }
    board_wake(terminal->port.board);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void terminal_resume(port_t *port)
{
    sock_want(((terminal_t *)port)->tty, UV_READABLE);
}

static void terminal_close(port_t *port)
{
    terminal_t *terminal = (terminal_t *)port;
    if (terminal->midline || terminal->edit.length > 0) show_text(terminal, "\r\n");
    restore();
    saved_fd = -1;
    sock_close(terminal->tty);
    free(terminal);
}

static const port_kind_t terminal_kind = { .flush = terminal_flush,
                                           .resume = terminal_resume,
                                           .close = terminal_close };

port_t *port_terminal(uv_loop_t *loop, char *text)
{
    const char *name = ttyname(STDIN_FILENO); /* opened anew: O_NONBLOCK must not reach who shares stdin */
    int         fd = name ? open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    terminal_t *terminal = fd >= 0 ? calloc(1, sizeof *terminal) : NULL;
    if (terminal && tcgetattr(fd, &saved) == 0) {
        terminal->port.kind = &terminal_kind;
        terminal->port.open = true;
        terminal->tty = sock_new(loop, fd, tty_ready, terminal);
    }
    if (!terminal || !terminal->tty) {
        port_failed(text, "this terminal cannot be used: %s", strerror(errno));
        free(terminal);
        if (fd >= 0) close(fd);
        return NULL;
    }
    saved_fd = fd;
    atexit(restore);
    watch_signals();
    make_raw();
    snprintf(text, PORT_ERROR_MAX, "this terminal; Ctrl-] then q quits, Ctrl-] then ? helps");
    return &terminal->port;
}
