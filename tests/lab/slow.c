/* A receive handler that is too slow for 115200 baud now and then: each 64th byte it takes STALL_US: 400 are 4.6 characters. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/delay.h>

#ifndef STALL_US
#define STALL_US 400
#endif

static volatile uint8_t received, overruns;

ISR(USART_RX_vect)
{
    uint8_t status = UCSR0A;
    (void)UDR0;
    if (status & _BV(DOR0)) overruns++;
    if (++received % 64 == 0) _delay_us(STALL_US);
}

static void say(const char *text)
{
    while (*text) {
        while (!(UCSR0A & _BV(UDRE0)))
            ;
        UDR0 = *text++;
    }
}

int main(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = 16;
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
    DDRB = 0xff;
    sei();
    for (;;) {
        say("AT+CIPSTATUS;AT+CIPSTATUS;AT+CIPSTATUS\r\n");
        _delay_ms(30);
        PORTB = overruns; /* for the test: as many as the bench counts */
    }
}
