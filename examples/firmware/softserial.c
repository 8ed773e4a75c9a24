/* A serial line at two pins: see softserial.h. Timer 1 counts the cycles of one bit, again and again: when it
 * begins anew (compare unit A) the next bit leaves; when it meets unit B, set by the edge of a start bit, the one
 * that arrives is in its middle. */
#include "softserial.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

enum {
    BIT = (F_CPU - F_CPU / 200) / 9600, /* cycles; 0.5 % faster, not to fall behind a source of 9600 baud */
    LATE = 40,                          /* cycles from an edge to the instruction that reads the timer */
    MATCH_MIN = 8,                      /* simavr overlooks some at the count's very beginning */
    RECEIVE_MASK = SOFTSERIAL_RECEIVE - 1,
    TRANSMIT_MASK = SOFTSERIAL_TRANSMIT - 1,
    STOP_BIT = 9, /* the start bit is 0 */
    IDLE,
    STALE = 255 /* the next match was before the start bit */
};

/* Each ring has one writer of `head` and one of `tail`, so no interrupt needs to be disabled. */
static uint8_t          received[SOFTSERIAL_RECEIVE];
static volatile uint8_t received_head; /* interrupt */
static volatile uint8_t received_tail; /* program   */
static uint8_t          written[SOFTSERIAL_TRANSMIT];
static volatile uint8_t written_head; /* program   */
static volatile uint8_t written_tail; /* interrupt */
static volatile uint8_t lost;

static uint8_t  in_bit = IDLE, in_byte; /* of the character that arrives */
static uint16_t out;                    /* the bits that are still to leave, the stop bit is the highest; 0: none */

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

/* A start bit begins. */
ISR(INT0_vect)
{
    uint16_t middle = (uint16_t)(TCNT1 + BIT / 2 - LATE);
    if (middle >= BIT) middle -= BIT;
    OCR1B = middle < MATCH_MIN ? MATCH_MIN : middle;
    in_bit = TIFR1 & _BV(OCF1B) ? STALE : 0;
    EIMSK &= (uint8_t)~_BV(INT0);
}

static void keep(uint8_t byte)
{
    uint8_t head = received_head, next = (uint8_t)(head + 1) & RECEIVE_MASK;
    if (next == received_tail) {
        if (lost != 255) lost++;
        return;
    }
    received[head] = byte;
    received_head = next;
}

ISR(TIMER1_COMPB_vect)
{
    uint8_t high = PIND & _BV(PIND2), bit = in_bit;
    if (bit == IDLE) return;
    in_bit++;
    if (bit == STALE) return;
    if (bit < STOP_BIT && (bit || !high)) {
        in_byte >>= 1; /* the start bit falls out */
        if (high) in_byte |= 0x80;
        return;
    }
    in_bit = IDLE;
    EIFR = _BV(INTF0); /* the edges inside the character */
    EIMSK |= _BV(INT0);
    if (!bit) return; /* a spike, no start bit */
    if (high)
        keep(in_byte);
    else if (lost != 255)
        lost++;
}

ISR(TIMER1_COMPA_vect)
{
    if (!out) {
        uint8_t tail = written_tail;
        if (tail == written_head) return;
        out = (uint16_t)(0x100 | written[tail]) << 1;
        written_tail = (uint8_t)(tail + 1) & TRANSMIT_MASK;
    }
    if (out & 1)
        PORTD |= _BV(PORTD3);
    else
        PORTD &= (uint8_t)~_BV(PORTD3);
    out >>= 1;
}

/* ---- For the main loop ------------------------------------------------------------------------------------------- */

void softserial_start(void)
{
    PORTD |= _BV(PORTD2) | _BV(PORTD3); /* pull-up; an idle line is high */
    DDRD |= _BV(DDD3);
    OCR1A = BIT - 1;
    TCCR1B = _BV(WGM12) | _BV(CS10);
    TIMSK1 = _BV(OCIE1A) | _BV(OCIE1B);
    EICRA |= _BV(ISC01); /* falling edge */
    EIFR = _BV(INTF0);
    EIMSK |= _BV(INT0);
}

uint8_t softserial_received(const uint8_t **data)
{
    uint8_t head = received_head, tail = received_tail;
    *data = &received[tail];
    return (uint8_t)(head >= tail ? head - tail : SOFTSERIAL_RECEIVE - tail);
}

void softserial_taken(uint8_t n)
{
    received_tail = (uint8_t)(received_tail + n) & RECEIVE_MASK;
}

uint8_t softserial_write(const uint8_t *data, uint16_t n)
{
    uint8_t taken = 0, head = written_head, next;
    while (taken < n && (next = (uint8_t)(head + 1) & TRANSMIT_MASK) != written_tail) {
        written[head] = data[taken++];
        head = next;
    }
    written_head = head;
    return taken;
}

uint8_t softserial_lost(void)
{
    uint8_t count;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        count = lost;
        lost = 0;
    }
    return count;
}
