/* The module's serial port at a real line: what is typed takes its time, waits in the module's receive buffer, and what
 * that cannot hold is lost unless flow control stops the sender [conventions 1.2, tcpip 4.11].
 *
 *   serial_open(&serial, now, &modem, true);
 *   taken = serial_type(&serial, now, &modem, "AT\r\n", 4);
 *   while (serial_move(&serial, now, &modem)) { ... requests, events ... }
 *   n = serial_read(&serial, now, bytes, sizeof bytes);
 *   wait until the sooner of cipmux_deadline(&modem) and serial_deadline(&serial, ...)
 *
 * The modem's line says which flow control it has (AT+UART): bit 0, its RTS stops the far side before the buffer is full;
 * bit 1, it begins no character while its CTS is high. Without bit 0 the far side types on, unless nothing is to get
 * lost: then it types what the buffer, a larger one, has room for. No clock, no heap, no I/O. */
#ifndef WORLD_SERIAL_H
#define WORLD_SERIAL_H

#include "uart.h"

/* Owned by the caller; about 85 KB. Contents are private. */
typedef struct {
    uart_t  uart;
    bool    loses;    /* what a real one loses; else nothing */
    size_t  depth;    /* of the buffer, bytes */
    size_t  rts_at;   /* RTS is high from so many bytes in the buffer on */
    bool    cts_high; /* the far side wants nothing; low at first */
    bool    holds;    /* one byte has left the buffer, and the modem did not take it yet */
    uint8_t held;
} serial_t;

/* An idle line; both ends run as the modem's line says. `loses`: the buffer is as small as the module's, and loses. */
void serial_open(serial_t *serial, uint64_t now_us, const cipmux_t *modem, bool loses);
/* Bytes of the far side; returns how many went onto the line. */
size_t serial_type(serial_t *serial, uint64_t now_us, const cipmux_t *modem, const void *bytes, size_t n);
/* From the buffer to the modem, from the modem onto the line. True: something moved. */
bool serial_move(serial_t *serial, uint64_t now_us, cipmux_t *modem);
/* What arrived at the far side by now; returns how many bytes. */
size_t serial_read(serial_t *serial, uint64_t now_us, void *bytes, size_t capacity);
/* The next character, in either direction. `typing`: the far side has more to type. */
uint64_t serial_deadline(const serial_t *serial, uint64_t now_us, bool typing);
/* The modem's end runs as its line says now. False: its last character is still under way. */
bool serial_switch(serial_t *serial, uint64_t now_us, const cipmux_t *modem);
/* How the far side's end runs. */
void serial_set_far(serial_t *serial, uint64_t now_us, const cipmux_line_t *line);
/* Everything typed has been taken by the modem. */
bool serial_is_taken(serial_t *serial, uint64_t now_us);

bool     serial_rts_high(serial_t *serial, uint64_t now_us);
size_t   serial_waiting(serial_t *serial, uint64_t now_us); /* bytes in the module's buffer */
uint64_t serial_lost(serial_t *serial, uint64_t now_us);    /* bytes of the far side that found it full */

#endif
