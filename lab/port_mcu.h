/* The modem's serial line ends at the microcontroller: at one of its USARTs, or at two pins that a program moves by hand
 * (SoftwareSerial).
 *
 * A USART's bytes travel on the board's wire, with its rates and what a wrong one makes of them; the board must have
 * WIRE_REAL. Pins have levels, so there this port makes the bits itself, and samples those of the MCU, at the modem's rate
 * and to the cycle; such a board has no pace. */
#ifndef LAB_PORT_MCU_H
#define LAB_PORT_MCU_H

#include "board.h"
#include "pins.h"
#include "usart.h"

typedef struct {
    uint64_t to_modem, from_modem; /* bytes */
    uint64_t bad;                  /* pins: stop bits that were low, as the modem sees them */
} port_mcu_counters_t;

typedef struct {
    port_t   port;
    mcu_t   *mcu;
    usart_t *usart; /* NULL: pins */
    bool     held;  /* the module is in reset: silent and deaf */

    pin_t         receive; /* pins: as the MCU sees them */
    pin_watch_t   transmit;
    cipmux_line_t line;  /* pins: the modem's */
    uint64_t      start; /* pins: cycle of the character's start edge, to the MCU; 0: none is under way */
    unsigned      cell;  /* ... and how many of its bits have begun */
    uint8_t       byte;
    bool          sampling; /* a character of the MCU is under way */
    uint64_t      edge;     /* its start edge */
    unsigned      sampled;  /* bits */
    unsigned      bits;

    uint64_t            framing, parity; /* of the wire, as they were last */
    port_mcu_counters_t counters;
    /* Each byte as it leaves (true) or has come (false), for who wants to look. */
    void (*passed)(void *context, bool to_modem, uint8_t byte);
    void *context;
} port_mcu_t;

void port_mcu_usart(port_mcu_t *port, mcu_t *mcu, usart_t *usart);
void port_mcu_pins(port_mcu_t *port, mcu_t *mcu, pin_t receive, pin_t transmit);
/* The AVR was reset: what hangs on its timers begins anew. */
void port_mcu_reset(port_mcu_t *port);
/* The module's reset or enable pin. */
void port_mcu_hold(port_mcu_t *port, bool held);

#endif
