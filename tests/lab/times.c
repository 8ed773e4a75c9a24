/* For an ATmega2560 with the modem at UART1 and the console at UART0: measures in cycles how long a character takes, sent
 * (115200 by this clock: U2X, divisor 17) and received (115200 by the modem's), and says so on the console. */
#include <avr/io.h>
#include <stdio.h>
#include <util/delay.h>

enum { CHARACTERS = 40 };

static int to_console(char byte, FILE *stream)
{
    (void)stream;
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    UDR0 = (uint8_t)byte;
    return 0;
}

static void send(uint8_t byte)
{
    while (!(UCSR1A & _BV(UDRE1)))
        ;
    UDR1 = byte;
}

static uint8_t receive(void)
{
    while (!(UCSR1A & _BV(RXC1)))
        ;
    return UDR1;
}

int main(void)
{
    static FILE console = FDEV_SETUP_STREAM(to_console, NULL, _FDEV_SETUP_WRITE);
    UBRR0 = UBRR1 = 16; /* the rate before U2X: no trap here */
    UCSR0A = UCSR1A = _BV(U2X0);
    UCSR0B = _BV(TXEN0);
    UCSR1B = _BV(RXEN1) | _BV(TXEN1);
    TCCR1B = _BV(CS10);
    _delay_ms(100);
    send(' ');
    send(' ');
    while (!(UCSR1A & _BV(UDRE1)))
        ;
    uint16_t from = TCNT1;
    for (uint8_t i = 0; i < CHARACTERS; i++)
        send(' ');
    while (!(UCSR1A & _BV(UDRE1)))
        ;
    uint16_t sent = TCNT1 - from;
    send('\r');
    send('\n');
    while (receive() != '\n') /* the echo */
        ;
    for (const char *at = "AT+GMR\r\n"; *at; at++)
        send((uint8_t)*at);
    while (receive() != ':')
        ;
    from = TCNT1;
    for (uint8_t i = 0; i < CHARACTERS; i++)
        receive();
    uint16_t received = TCNT1 - from;
    fprintf(&console, "sent %u received %u\r\nend\r\n", sent / CHARACTERS, received / CHARACTERS);
    for (;;)
        ;
}
