/* Pins by name. See pins.h. */
#include "pins.h"

#include <avr_adc.h>
#include <avr_ioport.h>
#include <sim_io.h>
#include <string.h>

static avr_ioport_t *port_of(const mcu_t *mcu, char name)
{
    for (avr_io_t *io = mcu->avr->io_port; io; io = io->next)
        if (strcmp(io->kind, "port") == 0 && ((avr_ioport_t *)io)->name == name) return (avr_ioport_t *)io;
    return NULL;
}

/* The Arduino's numbers, for the MCU that most of them have. */
static bool arduino_pin(const char *text, size_t length, pin_t *out)
{
    unsigned number = (unsigned)(text[1] - '0');
    if (length == 3) number = number * 10 + (unsigned)(text[2] - '0');
    if (text[0] == 'D' && number >= 8 && number <= 13)
        *out = (pin_t){ 'B', (uint8_t)(number - 8) };
    else if (text[0] == 'A' && number <= 5)
        *out = (pin_t){ 'C', (uint8_t)number };
    else
        return false;
    return true;
}

bool pin_parse(const mcu_t *mcu, const char *text, size_t length, pin_t *out)
{
    if (length == 3 && text[0] == 'P') text++, length--;
    if (length < 2 || length > 3 || text[1] < '0' || text[1] > '9') return false;
    if (length == 3 && (text[2] < '0' || text[2] > '9')) return false;
    if (strncmp(mcu->avr->mmcu, "atmega328", 9) == 0 && arduino_pin(text, length, out)) return true;
    if (length != 2 || text[1] > '7') return false;
    *out = (pin_t){ text[0], (uint8_t)(text[1] - '0') };
    return port_of(mcu, text[0]) != NULL;
}

void pin_drive(mcu_t *mcu, pin_t pin, bool high)
{
    avr_ioport_t *port = port_of(mcu, pin.port);
    uint8_t       mask = (uint8_t)(1u << pin.bit);
    port->external.pull_mask |= mask; /* simavr would let the pull-up win with the next write to the port */
    port->external.pull_value = (uint8_t)((port->external.pull_value & ~mask) | (high ? mask : 0));
    avr_raise_irq(port->io.irq + pin.bit, high);
}

bool pin_level(const mcu_t *mcu, pin_t pin)
{
    const avr_ioport_t *port = port_of(mcu, pin.port);
    uint8_t             mask = (uint8_t)(1u << pin.bit);
    return !(mcu->avr->data[port->r_ddr] & mask) || mcu->avr->data[port->r_port] & mask;
}

void pin_look(pin_watch_t *watch)
{
    bool level = pin_level(watch->mcu, watch->pin);
    if (level == watch->level) return;
    watch->level = level;
    watch->changed(watch->context, level);
}

static void pin_moved(struct avr_irq_t *irq, uint32_t value, void *context)
{
    (void)irq;
    (void)value;
    pin_look(context);
}

static avr_cycle_count_t look_later(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    (void)avr;
    (void)when;
    pin_look(context);
    return 0;
}

/* simavr tells the direction before it is written. */
static void direction_moves(struct avr_irq_t *irq, uint32_t value, void *context)
{
    pin_watch_t *watch = context;
    (void)irq;
    (void)value;
    avr_cycle_timer_register(watch->mcu->avr, 1, look_later, watch);
}

void pin_watch(pin_watch_t *watch)
{
    avr_ioport_t *port = port_of(watch->mcu, watch->pin.port);
    watch->level = pin_level(watch->mcu, watch->pin);
    avr_irq_register_notify(port->io.irq + watch->pin.bit, pin_moved, watch);
    avr_irq_register_notify(port->io.irq + IOPORT_IRQ_DIRECTION_ALL, direction_moves, watch);
}

void pins_restore(mcu_t *mcu)
{
    for (avr_io_t *io = mcu->avr->io_port; io; io = io->next)
        if (strcmp(io->kind, "port") == 0) {
            const avr_ioport_t *port = (const avr_ioport_t *)io;
            mcu->avr->data[port->r_pin] = port->external.pull_value;
        }
}

void pin_analogue(mcu_t *mcu, unsigned channel, uint32_t millivolts)
{
    avr_raise_irq(avr_io_getirq(mcu->avr, AVR_IOCTL_ADC_GETIRQ, (int)(ADC_IRQ_ADC0 + channel)), millivolts);
}
