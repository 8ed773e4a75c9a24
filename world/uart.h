/* A UART line between two ends, to the bit: rate, format, receive FIFO, and what the wrong rate makes of the bytes.
 *
 * Each end sends and receives with its own rate and format. A byte that is put becomes a character on the wire: start
 * bit, data bits (least significant first), parity, stop bits; characters that were put in time follow each other
 * without a gap. The other end waits for the falling edge of a start bit and samples in the middle of its own bit
 * cells, up to the first stop bit; then the byte is there. So 3 % difference of the rates passes, 6 % does not (too
 * slow: wrong bits; too fast: framing errors), and beyond that the bytes are those that hardware would read.
 *
 *   uart_init(&uart, now);
 *   uart_set_line(&uart, now, UART_FAR, &line);
 *   taken = uart_put(&uart, now, UART_FAR, "AT\r\n", 4);
 *   wait until uart_deadline(&uart)
 *   n = uart_get(&uart, now, UART_MODEM, bytes, sizeof bytes);
 *
 * Bit times are computed from the start of a row of characters, in fractions of a microsecond: there is no drift at any
 * rate. No clock, no heap, no I/O. `now_us` is in microseconds and must not go back. */
#ifndef WORLD_UART_H
#define WORLD_UART_H

#include "cipmux.h"

enum {
    UART_AIR = 1024,         /* characters that one end can have put and the other has not sampled yet */
    UART_FIFO_MAX = 1152,    /* bytes */
    UART_FIFO_ESP8266 = 128, /* bytes; the depth of both FIFOs after uart_init() */
};

typedef enum { UART_MODEM, UART_FAR, UART_SIDES } uart_side_t;

/* What one end received, since uart_init(). */
typedef struct {
    uint64_t bytes;    /* that went into its FIFO */
    uint64_t overruns; /* bytes lost because the FIFO was full */
    uint64_t framing;  /* stop bit was low: the byte is delivered as it was read */
    uint64_t parity;   /* parity was wrong: likewise */
} uart_counters_t;

/* A character on the wire. */
typedef struct {
    uint64_t      row;        /* when its row of characters without a gap began, ticks */
    uint64_t      halves;     /* half bit times from there to its start bit */
    uint64_t      start, end; /* ticks */
    cipmux_line_t line;
    uint8_t       byte;
} uart_frame_t;

/* From one end to the other. Private. */
typedef struct {
    uart_frame_t    air[UART_AIR];
    size_t          air_first, air_count;
    uart_frame_t    last;       /* that was put */
    uint64_t        looks_from; /* ticks; the receiver looks for a start edge from here on */
    uint8_t         fifo[UART_FIFO_MAX];
    size_t          fifo_first, fifo_count, depth;
    uart_counters_t counters;
} uart_wire_t;

/* Owned by the caller; about 85 KB. Contents are private. */
typedef struct {
    cipmux_line_t line[UART_SIDES];
    uart_wire_t   to[UART_SIDES]; /* by receiver */
} uart_t;

/* An idle line, both ends at 115200,8,1,0. */
void uart_init(uart_t *uart, uint64_t now_us);

/* The rate and format of one end: of what it puts from now on, and of how it samples every character that it has not
 * received yet. The rate is above 0 and at most 16 M. Flow control is not the line's: see uart_room(). */
void          uart_set_line(uart_t *uart, uint64_t now_us, uart_side_t side, const cipmux_line_t *line);
cipmux_line_t uart_line(const uart_t *uart, uart_side_t side);

/* Depth of the receive FIFO of `side`, 1 to UART_FIFO_MAX bytes. */
void uart_set_depth(uart_t *uart, uart_side_t side, size_t depth);

/* Bytes from `side` onto the wire; returns how many were taken, fewer than n while UART_AIR are under way. Those that
 * are taken will be sent with the present line of that side, whatever is set later. */
size_t uart_put(uart_t *uart, uint64_t now_us, uart_side_t side, const void *bytes, size_t n);
/* So many bytes of `side` are sure to find room in the other end's FIFO, even if nothing is taken from it: what a
 * sender with flow control puts. */
size_t uart_room(const uart_t *uart, uart_side_t side);
/* When the last bit of all that `side` has put leaves it; 0: nothing was ever put. */
uint64_t uart_sent_at(const uart_t *uart, uart_side_t side);

/* Takes bytes that have arrived at `side` by now; returns how many. */
size_t uart_get(uart_t *uart, uint64_t now_us, uart_side_t side, void *bytes, size_t capacity);

/* So many bytes wait at `side` to be taken. */
size_t uart_waiting(uart_t *uart, uint64_t now_us, uart_side_t side);

/* Has the start bit of the next byte for `side` come by now? So a receiver with a full buffer knows what it loses. */
bool uart_receiving(const uart_t *uart, uint64_t now_us, uart_side_t side);

/* When the next byte arrives at either end, as far as the bytes put so far tell; CIPMUX_NEVER: none is under way. A
 * byte that is in a FIFO already is not waited for. */
uint64_t uart_deadline(const uart_t *uart);

uart_counters_t uart_counters(const uart_t *uart, uart_side_t side);

#endif
