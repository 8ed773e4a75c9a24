/* For an ATmega2560 with the modem at UART1 and the console at UART0: asks for flow control, then stops the modem with B0 in
 * the middle of an answer for 20 ms. Says on the console how many characters came while it was stopped, and in all. */
#include <avr/io.h>
#include <stdio.h>
#include <util/delay.h>

static int to_console(char byte, FILE *stream)
{
    (void)stream;
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    UDR0 = (uint8_t)byte;
    return 0;
}

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR1A & _BV(UDRE1)))
            ;
        UDR1 = (uint8_t)*text;
    }
}

/* Characters that come until it has been silent for so many times 10 us. */
static uint16_t count(uint16_t silence, uint16_t most)
{
    uint16_t n = 0;
    for (uint16_t left = silence; left && n < most; left--) {
        if (UCSR1A & _BV(RXC1)) {
            (void)UDR1;
            n++;
            left = silence;
        }
        _delay_us(10);
    }
    return n;
}

int main(void)
{
    static FILE console = FDEV_SETUP_STREAM(to_console, NULL, _FDEV_SETUP_WRITE);
    UCSR0A = UCSR1A = _BV(U2X0);
    UBRR0 = UBRR1 = 16;
    UCSR0B = _BV(TXEN0);
    UCSR1B = _BV(RXEN1) | _BV(TXEN1);
    DDRB = _BV(0);
    count(10000, 9999);
    say("ATE0\r\n");
    count(1000, 9999);
    say("AT+UART_CUR=115200,8,1,0,2\r\n");
    count(1000, 9999);
    say("AT+GMR\r\n");
    uint16_t before = count(1000, 30);
    PORTB = _BV(0);
    uint16_t stopped = count(2000, 9999);
    PORTB = 0;
    uint16_t after = count(1000, 9999);
    fprintf(&console, "stopped %u all %u\r\nend\r\n", stopped, before + stopped + after);
    for (;;)
        ;
}
