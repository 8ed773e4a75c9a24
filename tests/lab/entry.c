/* Says how many cycles of timer 1 sixty instructions take, without and with an interrupt whose handler is empty. */
#include <avr/interrupt.h>
#include <avr/io.h>

static void put(uint8_t byte)
{
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    UDR0 = byte;
}

ISR(TIMER1_COMPA_vect, ISR_NAKED)
{
    reti();
}

static void say(uint16_t cycles)
{
    put((uint8_t)('0' + cycles / 10));
    put((uint8_t)('0' + cycles % 10));
    put('\n');
}

static uint16_t measure(void)
{
    TCNT1 = 0;
    OCR1A = 20;
    TIFR1 = _BV(OCF1A);
    uint16_t begin = TCNT1;
    __asm__ volatile(".rept 60\n nop\n .endr");
    return TCNT1 - begin;
}

int main(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = 16;
    UCSR0B = _BV(TXEN0);
    TCCR1B = _BV(CS10);
    say(measure());
    TIMSK1 = _BV(OCIE1A);
    sei();
    uint16_t with = measure();
    cli();
    say(with);
    put('e');
    for (;;)
        ;
}
