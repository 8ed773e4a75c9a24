/* One end of a tap: a serial device, a connection, or a pseudo-terminal that it makes. */
#ifndef HOST_TAP_END_H
#define HOST_TAP_END_H

#include "module.h"
#include "sock.h"

enum { TAP_IN = 4096, TAP_OUT = 16384 };

typedef struct {
    const char *where;
    module_t    line;  /* its descriptor */
    int         slave; /* of a pseudo-terminal of ours, held open; -1: it is none */
    const char *link;  /* the symbolic link to it that we made; NULL: none */
    char        path[64];
    uint32_t    baud; /* as it was seen or set last; 0: it has none */
    sock_t     *sock;
    uint8_t     in[TAP_IN]; /* came from it */
    size_t      in_first, in_end;
    uint8_t     out[TAP_OUT]; /* waits for it */
    size_t      first, end;
} tap_end_t;

/* MODULE_WHERE, or pty[:LINK]. False: errno. */
bool   tap_end_open(tap_end_t *end, const char *where);
void   tap_end_close(tap_end_t *end);
size_t tap_end_room(tap_end_t *end);
void   tap_end_put(tap_end_t *end, const void *bytes, size_t n); /* at most that many */
/* Writes what it takes. False: it is gone. */
bool tap_end_flush(tap_end_t *end);
/* Reads into `in` when that is empty. Bytes; 0: none now; -1: it is gone. */
ptrdiff_t tap_end_read(tap_end_t *end);
/* The rate that the program on a pseudo-terminal of ours has set, if it is another one than before. */
bool tap_end_rate_changed(tap_end_t *end);
/* Behind all that was written. Nothing for what has no rate of its own. */
void tap_end_set_rate(tap_end_t *end, uint32_t baud);

#endif
