/* A terminal at two pins: see console.h. */
#include "console.h"

#include <avr_ioport.h>
#include <sim_time.h>
#include <string.h>

enum { STOP_BIT = 9 };

void pin_drive(avr_t *avr, pin_t pin, bool high)
{
    for (avr_io_t *io = avr->io_port; io != NULL; io = io->next) {
        avr_ioport_t *port = (avr_ioport_t *)io;
        if (strcmp(io->kind, "port") != 0 || port->name != pin.port) continue;
        const unsigned mask = 1u << pin.number, others = port->external.pull_value & ~mask;
        port->external.pull_mask = (uint8_t)(port->external.pull_mask | mask); /* else the AVR's pull-up would win */
        port->external.pull_value = (uint8_t)(others | (high ? mask : 0));
        avr_raise_irq(io->irq + pin.number, high);
    }
}

/* The cycle that is so many half bits behind a start bit. */
static uint64_t behind(const console_t *console, uint64_t start, unsigned halves)
{
    return start + (uint64_t)halves * console->avr->frequency / (2 * (uint64_t)console->baud);
}

/* ---- To the AVR -------------------------------------------------------------------------------------------------- */

/* A timer of simavr: the next bit begins. */
static avr_cycle_count_t next_bit(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    console_t *console = context;
    bool       level = true;
    if (console->out_bit > STOP_BIT) {
        console->out_start = when;
        console->out_bit = 0;
        console->out_first++;
    }
    console->sends = console->out_first < console->out_end;
    if (!console->sends) return 0;
    if (console->out_bit < STOP_BIT)
        level = console->out_bit > 0 && console->out[console->out_first] >> (console->out_bit - 1) & 1;
    pin_drive(avr, console->to, level);
    return behind(console, console->out_start, 2 * ++console->out_bit);
}

bool console_send(console_t *console, const uint8_t *bytes, size_t n)
{
    memmove(console->out, console->out + console->out_first, console->out_end - console->out_first);
    console->out_end -= console->out_first;
    console->out_first = 0;
    if (n > CONSOLE_BYTES - console->out_end) return false;
    memcpy(console->out + console->out_end, bytes, n);
    console->out_end += n;
    if (console->sends) return true;
    console->sends = true;
    console->out_start = console->avr->cycle + 1;
    console->out_bit = 0;
    avr_cycle_timer_register(console->avr, 1, next_bit, console);
    return true;
}

/* ---- From the AVR ------------------------------------------------------------------------------------------------ */

/* A timer of simavr: the middle of a bit. */
static avr_cycle_count_t sample(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    console_t *console = context;
    (void)avr;
    (void)when;
    if (console->in_bit < STOP_BIT) {
        console->in_byte = (uint8_t)(console->in_byte >> 1 | (console->level ? 0x80 : 0)); /* the start bit falls out */
        return behind(console, console->in_start, 2 * ++console->in_bit + 1);
    }
    console->receives = false;
    if (!console->level || console->in_n == CONSOLE_BYTES)
        console->bad++;
    else
        console->in[console->in_n++] = console->in_byte;
    return 0;
}

/* The AVR drives its pin. */
static void changed(struct avr_irq_t *irq, uint32_t value, void *context)
{
    console_t *console = context;
    (void)irq;
    const bool fell = console->level && !value;
    console->level = value != 0;
    if (!fell || console->receives) return;
    console->receives = true;
    console->in_start = console->avr->cycle;
    console->in_bit = 0;
    avr_cycle_timer_register(console->avr, behind(console, 0, 1), sample, console);
}

void console_clear(console_t *console)
{
    console->in_n = 0;
}

void console_connect(console_t *console, avr_t *avr, pin_t to, pin_t from, unsigned baud)
{
    *console = (console_t){ .avr = avr, .to = to, .baud = baud, .level = true };
    pin_drive(avr, to, true);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ((unsigned)from.port), from.number), changed,
                            console);
}
