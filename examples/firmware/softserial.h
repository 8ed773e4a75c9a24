/* A second serial line for the ATmega328P: 9600 8N1 in both directions at once, by interrupts. D2 receives (INT0), D3
 * transmits; it takes the whole of timer 1. All functions are for the main program, not for interrupts. */
#ifndef SOFTSERIAL_H
#define SOFTSERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the rings: powers of two, 8 to 256. One of each is never used. */
#ifndef SOFTSERIAL_RECEIVE
#define SOFTSERIAL_RECEIVE 256
#endif
#ifndef SOFTSERIAL_TRANSMIT
#define SOFTSERIAL_TRANSMIT 128
#endif

/* Starts pins, timer and interrupts; sei() is the caller's. */
void softserial_start(void);

/* What has arrived, up to the end of the ring: returns the number of bytes at `*data`. They stay until taken. */
uint8_t softserial_received(const uint8_t **data);
void    softserial_taken(uint8_t n);

/* Sends up to n bytes; returns how many the ring took. */
uint8_t softserial_write(const uint8_t *data, uint16_t n);

/* Bytes that were lost since the last call, because the ring was full or a stop bit was missing; 255 stands for
 * more. */
uint8_t softserial_lost(void);

#endif
