/* The far side of the modem's UART: a terminal, a pipe, a pseudo-terminal, a socket or a serial device.
 *
 * A port holds bytes in both directions, a little: `in` waits for the modem, `out` for the far side. While `out` is
 * full the board does not poll the modem, while `in` is full nothing is read: back-pressure both ways. While nobody
 * has the far side open what the modem says is lost, as on a wire. */
#ifndef HOST_PORT_H
#define HOST_PORT_H

#include "cipmux.h"

#include <uv.h>

typedef struct board board_t;
typedef struct port  port_t;

enum { PORT_IN = 4096, PORT_OUT = 8192 };

/* One kind of port. */
typedef struct {
    /* Moves `out` to the far side, as much as it takes. */
    void (*flush)(port_t *port);
    /* `in` has room again. */
    void (*resume)(port_t *port);
    /* How many bytes of `in` may go into the modem in this phase; NULL: all. May rewrite `in`. */
    size_t (*ready)(port_t *port, cipmux_phase_t phase, size_t collecting);
    /* The modem's end changes its rate, everything printed before has left `out`. False: not yet, ask again. NULL: this
     * port has no rate. */
    bool (*set_line)(port_t *port, const cipmux_line_t *line);
    /* The rate that the program on the far side has set. False: not known. NULL: never known. */
    bool (*far_line)(port_t *port, cipmux_line_t *out);
    /* Ends it and frees it. */
    void (*close)(port_t *port);
} port_kind_t;

struct port {
    const port_kind_t *kind;
    board_t           *board;
    bool               open; /* somebody has the far side */
    uint8_t            in[PORT_IN], out[PORT_OUT];
    size_t             in_first, in_end, out_first, out_end;
};

/* Each: a port that is not plugged in yet; `text` then says where it is. NULL: `text` says why not. One line, no
 * end. */
enum { PORT_ERROR_MAX = 256 };
port_t *port_terminal(uv_loop_t *loop, char *text);
void    port_terminal_show(void *port, const char *line); /* a line of the log on that terminal: log_t.show */
port_t *port_pipe(uv_loop_t *loop, uint64_t linger_us, char *text);
/* `link`: a symbolic link to make, or NULL. */
port_t *port_pty(uv_loop_t *loop, const char *link, char *text);
/* "[HOST:]PORT", default host 127.0.0.1; port 0: any. */
port_t *port_tcp(uv_loop_t *loop, const char *where, char *text);
port_t *port_unix(uv_loop_t *loop, const char *path, char *text);
/* "[HOST:]PORT", for a client that speaks RFC 2217. */
port_t *port_rfc2217(uv_loop_t *loop, const char *where, char *text);
/* "HOST:PORT", to which the modem's UART connects, again and again. */
port_t *port_connect(uv_loop_t *loop, const char *where, char *text);
/* "DEVICE[,BAUD]": a tty, its rate (default 115200) until the modem changes it. */
port_t *port_serial(uv_loop_t *loop, const char *where, char *text);
bool    port_device_parse(const char *text, size_t *path_length, uint32_t *baud); /* false: it is not that */

/* For the board. */
size_t port_peek(port_t *port, cipmux_phase_t phase, size_t collecting, const uint8_t **bytes);
void   port_taken(port_t *port, size_t n);
size_t port_room(const port_t *port, uint8_t **out); /* where, and how much, `out` can take */
void   port_put(port_t *port, size_t n);             /* so much was put there */
void   port_plugged(port_t *port, board_t *board);

/* For the kinds. */
size_t port_in_room(port_t *port); /* room behind in_end; moves what is there to the front */
/* Reads from `fd` into `in`. Bytes read; 0: nothing now, or no room; -1: the end or an error, see errno (0: the
 * end). */
ptrdiff_t port_read(port_t *port, int fd);
/* Writes `out` to `fd` in one go. False: it did not take all; wait for it. errno 0, or the error that broke it. */
bool                                          port_write(port_t *port, int fd);
void                                          port_drop_out(port_t *port);
__attribute__((format(printf, 2, 3))) port_t *port_failed(char *text, const char *format, ...);

/* "PORT" or "HOST:PORT" or "[V6]:PORT" of --tcp; HOST is an address or localhost. False: it is not that. */
typedef struct {
    char     host[48];
    uint16_t port;
} port_place_t;
bool port_place_parse(const char *text, port_place_t *out);

#endif
