/* The UART and a clock of the ATmega328P (and 168, 88) for cipdrv: both work by interrupt into rings, nobody waits.
 *
 *     static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
 *     {
 *         if (event == CIPDRV_RATE)
 *             cipdrv_uart_rate(n);
 *         ...
 *     }
 *
 *     cipdrv_uart_start();
 *     cipdrv_start(&driver, &config, cipdrv_uart_now());
 *     for (;;)
 *         cipdrv_uart_run(&driver);
 *
 * The rest of the functions is for a loop of your own. All are to be called from the main program, not from interrupts.
 * Wiring: RXD is pin 0 of port D, TXD pin 1, at 3.3 V or with a divider before the ESP8266's RXD.
 *
 * Interrupts must not be disabled for longer than two characters (174 us at 115200), else bytes are lost; that is
 * noticed and told to the driver. Licence: 0BSD, see driver/LICENSE. */
#ifndef CIPDRV_UART_H
#define CIPDRV_UART_H

#include "cipdrv.h"

/* ---- What can be chosen, at compile time ------------------------------------------------------------------------- */

#ifndef CIPDRV_UART_BAUD /* wanted rate; a new module has 115200 */
#define CIPDRV_UART_BAUD 115200
#endif
#ifndef CIPDRV_UART_RECEIVE /* bytes of the receive ring: a power of two, 16 to 256. One is never used */
#define CIPDRV_UART_RECEIVE 128
#endif
#ifndef CIPDRV_UART_TRANSMIT /* bytes of the transmit ring: a power of two, 8 to 256. One is never used */
#define CIPDRV_UART_TRANSMIT 64
#endif
#ifndef CIPDRV_UART_TIMER /* 0 or 2: the timer that makes the ticks of 4 ms */
#define CIPDRV_UART_TIMER 0
#endif
/* A line to the ESP8266's CTS (its GPIO13), high while the receive ring is filled to three quarters: define
 * CIPDRV_UART_RTS_PORT as the letter of a port, CIPDRV_UART_RTS_PIN as the number of its pin, and set config.flow to
 * 2. */

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

#ifndef F_CPU
#error "Define F_CPU, the clock in Hz: -DF_CPU=16000000UL"
#endif
/* At double speed (U2X0) the rate is F_CPU / 8 / divisor; rates are in units of 100 baud. */
#define CIPDRV_UART_DIVIDEND (F_CPU / 800)
#define CIPDRV_UART_RATE     (CIPDRV_UART_BAUD / 100) /* for config.rate */
#define CIPDRV_UART_DIVISOR  ((CIPDRV_UART_DIVIDEND + CIPDRV_UART_RATE / 2) / CIPDRV_UART_RATE)
#define CIPDRV_UART_PRODUCT  (CIPDRV_UART_DIVISOR * CIPDRV_UART_RATE)

#if CIPDRV_UART_DIVIDEND > 65535 || CIPDRV_UART_DIVISOR < 1 || CIPDRV_UART_DIVISOR > 4096
#error "The UART cannot run at CIPDRV_UART_BAUD from this clock"
#endif
/* 2.2 %, because 115200 from 16 MHz is 2.1 % too fast, and works: the ESP8266 adds 0.1 %, a character bears 4 %. */
#if CIPDRV_UART_DIVIDEND * 1000 > CIPDRV_UART_PRODUCT * 1022 || CIPDRV_UART_DIVIDEND * 1000 < CIPDRV_UART_PRODUCT * 978
#error "From this clock CIPDRV_UART_BAUD is more than 2.2 % wrong: choose another, such as 38400, 57600 or 250000"
#endif
#if CIPDRV_UART_RECEIVE & (CIPDRV_UART_RECEIVE - 1) || CIPDRV_UART_RECEIVE < 16 || CIPDRV_UART_RECEIVE > 256
#error "CIPDRV_UART_RECEIVE is a power of two from 16 to 256"
#endif
#if CIPDRV_UART_TRANSMIT & (CIPDRV_UART_TRANSMIT - 1) || CIPDRV_UART_TRANSMIT < 8 || CIPDRV_UART_TRANSMIT > 256
#error "CIPDRV_UART_TRANSMIT is a power of two from 8 to 256"
#endif

/* ---- Functions --------------------------------------------------------------------------------------------------- */

/* Starts UART, timer and interrupts. */
void cipdrv_uart_start(void);

/* Runs the UART at rate * 100 baud as soon as all that was written has left it; for CIPDRV_RATE. What this clock cannot
 * do within 3 % is ignored, and the driver goes on to look at the next rate. */
void cipdrv_uart_rate(uint16_t rate);

/* One round of the main loop: what has arrived goes to the driver, what the driver writes goes out. False: nothing
 * moved, so the program may sleep until the next interrupt, which comes within 4 ms (SLEEP_MODE_IDLE). */
bool cipdrv_uart_run(cipdrv_t *driver);

/* The time in ticks of 4 ms, for cipdrv_start() and for your own purposes. Goes round every 262 s. */
uint16_t cipdrv_uart_now(void);

/* What has arrived, up to the end of the ring: returns the number of bytes at `*data`. They stay until taken. */
uint8_t cipdrv_uart_received(const uint8_t **data);
void    cipdrv_uart_taken(uint8_t n);

/* Where to write, up to the end of the ring: returns the number of bytes at `*out`, of which `n` are then sent. */
uint8_t cipdrv_uart_room(uint8_t **out);
void    cipdrv_uart_put(uint8_t n);

/* Since the last call, bytes that were lost (overrun of hardware or ring) or bad (frame error): if any, cipdrv_fault()
 * comes before cipdrv_sink(). */
uint8_t cipdrv_uart_faults(void);

#endif
