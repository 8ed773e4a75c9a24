/* The USART of the AVR as silicon has it, in the place of simavr's.
 *
 * simavr's own receives into 64 places, counts 11 bits a character and looks at the rate only when UBRRnL is written. This
 * one takes over its registers and interrupt vectors:
 *   - Receiver: two characters and the shift register. A third waits there; when the start bit of a fourth comes, it is
 *     lost, and DORn is set with the next character that is read (datasheet, "Data OverRun").
 *   - Transmitter: UDRn and the shift register, each character as long as UBRRn, U2Xn and the frame format say.
 *   - RXCn and UDREn ask for their interrupt as long as they are set. FEn and UPEn belong to the character in UDRn.
 * Not modelled: synchronous modes, nine data bits (the ninth is ignored), multi-processor mode. */
#ifndef LAB_USART_H
#define LAB_USART_H

#include "cipmux.h"
#include "mcu.h"

#include <avr_uart.h>

enum { USART_FIFO = 2 };

enum { USART_FRAMING = 1, USART_PARITY = 2, USART_OVERRUN = 4 }; /* of a character */

typedef struct {
    uint64_t received; /* characters that came */
    uint64_t read;     /* that the firmware read */
    uint64_t lost;     /* overruns */
    uint64_t unheard;  /* that came while the receiver was off */
    uint64_t bad;      /* with a framing or parity error */
    uint64_t sent;
    uint64_t unsent; /* written while the transmitter was off, or over a character that waited */
} usart_counters_t;

typedef struct {
    mcu_t      *mcu;
    avr_uart_t *port; /* simavr's: where its registers and vectors are */
    struct {
        uint8_t byte, errors;
    } fifo[USART_FIFO];
    unsigned         held;
    bool             waits; /* a character in the receiver's shift register */
    uint8_t          waiting, waiting_errors, lost_before;
    bool             shifting, full; /* transmitter: its shift register, UDRn */
    uint8_t          next;
    usart_counters_t counters;
    avr_irq_t       *irq; /* bytes for --vcd: USART_IRQ_... */
    /* All may be NULL. */
    void (*sends)(void *context, uint8_t byte);    /* its start bit begins */
    bool (*arriving)(void *context);               /* has the start bit of the next character come? */
    void (*loses)(void *context, uint64_t number); /* that character, counted from 1, is lost */
    void *context;
} usart_t;

enum { USART_IRQ_RECEIVED, USART_IRQ_SENT, USART_IRQS };

/* Takes over UART `number`. False: this MCU has none of that number. */
bool usart_open(usart_t *usart, mcu_t *mcu, unsigned number);
/* After a reset of the AVR. */
void usart_reset(usart_t *usart);
/* A character has arrived: its stop bit is sampled now. */
void usart_receive(usart_t *usart, uint8_t byte, uint8_t errors);
/* How the registers say that the line runs. */
cipmux_line_t usart_line(const usart_t *usart);
/* Receiver or transmitter. */
bool usart_is_on(const usart_t *usart);
/* Length of a character, cycles. */
uint64_t usart_character(const usart_t *usart);

#endif
