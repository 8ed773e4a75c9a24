/* Holds the module in reset with B0 for 60 ms, then waits for its "ready" and says AT. */
#include <avr/io.h>
#include <util/delay.h>

int main(void)
{
    DDRB = _BV(0);
    UCSR0A = _BV(U2X0);
    UBRR0 = 16;
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    _delay_ms(60);
    PORTB = _BV(0);
    for (char last = 0; last != 'y';) {
        while (!(UCSR0A & _BV(RXC0)))
            ;
        last = (char)UDR0;
    }
    for (const char *at = "AT\r\n"; *at; at++) {
        while (!(UCSR0A & _BV(UDRE0)))
            ;
        UDR0 = (uint8_t)*at;
    }
    for (;;)
        ;
}
