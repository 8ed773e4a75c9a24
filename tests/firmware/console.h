/* A terminal at two pins of the AVR: 8 data bits, no parity, one stop bit, in the time of the AVR's cycles. It
 * never waits: what it has to send leaves without a gap. */
#ifndef FIRMWARE_CONSOLE_H
#define FIRMWARE_CONSOLE_H

#include <sim_avr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONSOLE_BYTES = 16384 };

/* A pin of the AVR: port 'B' to 'D', number 0 to 7. */
typedef struct {
    char    port;
    uint8_t number;
} pin_t;

typedef struct {
    avr_t   *avr; /* NULL: there is no terminal */
    pin_t    to;  /* where the AVR receives */
    unsigned baud;

    uint8_t  out[CONSOLE_BYTES];
    size_t   out_first, out_end;
    uint64_t out_start; /* cycle of the character's start bit */
    unsigned out_bit;   /* the next one, 0 the start bit */
    bool     sends;

    uint8_t  in[CONSOLE_BYTES]; /* since the last console_clear() */
    size_t   in_n;
    uint64_t in_start;
    unsigned in_bit; /* the next one to be sampled */
    uint8_t  in_byte;
    bool     level, receives;
    unsigned bad; /* characters without a stop bit, or beyond `in` */
} console_t;

/* The level at a pin of the AVR, from outside; it stays. */
void pin_drive(avr_t *avr, pin_t pin, bool high);

/* Connects a terminal to the pin where the AVR receives and the one where it transmits. */
void console_connect(console_t *console, avr_t *avr, pin_t to, pin_t from, unsigned baud);
/* False: it has too much to send already. */
bool console_send(console_t *console, const uint8_t *bytes, size_t n);
void console_clear(console_t *console);

#endif
