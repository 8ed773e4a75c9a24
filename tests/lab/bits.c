/* A console on UART0, the modem on D2 and D3 by hand, at RATE baud: what the modem says goes to the console. A program that
 * waits for each byte, with interrupts off while it moves one, as SoftwareSerial does. */
#include <avr/io.h>
#include <util/delay.h>

#ifndef RATE
#define RATE 9600
#endif
#define BIT_US (1e6 / RATE)

static void console(uint8_t byte)
{
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    UDR0 = byte;
}

static void say(const char *text)
{
    for (; *text; text++) {
        uint16_t frame = (uint16_t)((uint8_t)*text << 1) | 0x200;
        for (uint8_t i = 0; i < 10; i++, frame >>= 1) {
            if (frame & 1)
                PORTD |= _BV(3);
            else
                PORTD &= (uint8_t)~_BV(3);
            _delay_us(BIT_US - 1);
        }
    }
}

/* The next byte, or 0 after about a tenth of a second of silence. */
static uint8_t hear(void)
{
    uint8_t byte = 0;
    for (uint32_t left = 200000; PIND & _BV(2); left--)
        if (!left) return 0;
    _delay_us(BIT_US * 0.5 - 1);
    for (uint8_t i = 0; i < 8; i++) {
        _delay_us(BIT_US - 0.8);
        byte = (uint8_t)(byte >> 1) | (PIND & _BV(2) ? 0x80 : 0);
    }
    _delay_us(BIT_US - 1);
    return byte;
}

int main(void)
{
    static uint8_t heard[200];
    uint8_t        n = 0;
    PORTD = _BV(3) | _BV(2); /* idle; a pull-up */
    DDRD = _BV(3);
    UCSR0A = _BV(U2X0);
    UBRR0 = 16;
    UCSR0B = _BV(TXEN0);
    _delay_ms(200);
    say("AT\r\n");
    while (n < sizeof heard && (heard[n] = hear()) != 0)
        n++;
    for (uint8_t i = 0; i < n; i++)
        console(heard[i]);
    for (const char *at = "end\r\n"; *at; at++)
        console((uint8_t)*at);
    for (;;)
        ;
}
