/* Says on the console why it was reset, what the ADC measures and what stands at B1; when B1 is low it lets the watchdog
 * bite, once. */
#include <avr/io.h>
#include <avr/wdt.h>

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(UCSR0A & _BV(UDRE0)))
            ;
        UDR0 = (uint8_t)*text;
    }
}

static uint16_t measure(void)
{
    ADMUX = _BV(REFS0);
    ADCSRA = _BV(ADEN) | _BV(ADSC) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
    while (ADCSRA & _BV(ADSC))
        ;
    return ADC;
}

int main(void)
{
    uint8_t cause = MCUSR;
    char    number[] = " 0000 ";
    MCUSR = 0;
    wdt_disable();
    UCSR0A = _BV(U2X0);
    UBRR0 = 16;
    UCSR0B = _BV(TXEN0);
    say(cause & _BV(WDRF) ? "watchdog" : cause & _BV(EXTRF) ? "button" : "power");
    for (uint16_t i = 4, value = measure(); i > 0; i--, value /= 10)
        number[i] = (char)('0' + value % 10);
    say(number);
    say(PINB & _BV(1) ? "high\r\n" : "low\r\n");
    for (;;) {
        if (PINB & _BV(1) || cause & _BV(WDRF)) continue;
        wdt_enable(WDTO_15MS);
        for (;;)
            ;
    }
}
