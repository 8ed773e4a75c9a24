/* The bench for speed: no sleep. Counts in a loop with a timer interrupt each millisecond and asks the modem AT again and
 * again, polling its UART. */
#include <avr/interrupt.h>
#include <avr/io.h>

#ifndef DIVISOR
#define DIVISOR 17
#endif

static volatile uint16_t milliseconds;
volatile uint32_t        count;

ISR(TIMER0_COMPA_vect)
{
    milliseconds++;
}

int main(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = DIVISOR - 1;
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    OCR0A = 249;
    TCCR0A = _BV(WGM01);
    TCCR0B = _BV(CS01) | _BV(CS00);
    TIMSK0 = _BV(OCIE0A);
    sei();
    for (uint16_t last = 0;;) {
        count++;
        if (UCSR0A & _BV(RXC0)) (void)UDR0;
        if (milliseconds - last < 10) continue;
        last = milliseconds;
        for (const char *at = "AT\r\n"; *at; at++) {
            while (!(UCSR0A & _BV(UDRE0)))
                ;
            UDR0 = *at;
        }
    }
}
