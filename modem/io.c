/* The pins and what is measured on them: the input and output commands of nonos. The levels outside are the caller's (PINS).
 * Facts: [basic 2.22, 2.13]. */
#include "internal.h"

enum { SUPPLY_MV = 3300 }; /* unless the caller tells another one */

/* Those with a register of their own in the pin multiplexer. Nobody knows about the flash's pins (6-8, 11): refused. */
static const uint16_t valid_pins = 0xf63f;

/* Which function of its multiplexer makes a pin a GPIO: the first for these, the fourth for the others. */
static const uint16_t gpio_by_first = 1u << 0 | 1u << 2 | 1u << 4 | 1u << 5;

static uint8_t gpio_function(size_t pin)
{
    return gpio_by_first >> pin & 1 ? 0 : 3;
}

static bool is_gpio(const modem_t *m, size_t pin)
{
    return m->pins.pin[pin].function == gpio_function(pin);
}

static bool is_driven(const modem_t *m, size_t pin)
{
    return is_gpio(m, pin) && (m->pins.outputs >> pin & 1) != 0;
}

/* At a start: every pin is an input and has its first function, but GPIO2, which is the second UART's output
 * [conventions 1.2]. */
void io_start(modem_t *m)
{
    pins_t *const p = &m->pins;
    for (size_t pin = 0; pin < CIPMUX_PINS; pin++) {
        if (is_driven(m, pin) || p->pin[pin].pulled_up) m->asks |= ASK_PINS;
        p->pin[pin] = (pin_t){ .function = pin == 2 ? 2 : 0 };
    }
    p->outputs = p->latches = 0;
    if (p->supply == 0) p->supply = SUPPLY_MV;
}

cipmux_answer_t io_told(modem_t *m, const cipmux_event_t *event)
{
    m->pins.outside_driven = event->pins.driven;
    m->pins.outside_high = event->pins.high;
    m->pins.adc = event->pins.adc;
    m->pins.supply = event->pins.supply != 0 ? event->pins.supply : SUPPLY_MV;
    return CIPMUX_TAKEN;
}

void io_fill(const modem_t *m, cipmux_request_t *out)
{
    out->kind = CIPMUX_REQUEST_PINS;
    for (size_t pin = 0; pin < CIPMUX_PINS; pin++) {
        const unsigned bit = 1u << pin;
        if (m->pins.pin[pin].pulled_up) out->pins.pulled_up |= (uint16_t)bit;
        if (!is_driven(m, pin)) continue;
        out->pins.driven |= (uint16_t)bit;
        out->pins.high |= (uint16_t)(m->pins.latches & bit);
    }
}

/* What a pin reads: what drives it, or its pull-up. */
static bool level(const modem_t *m, size_t pin)
{
    const pins_t *const p = &m->pins;
    if (is_driven(m, pin)) return p->latches >> pin & 1;
    if (p->outside_driven >> pin & 1) return p->outside_high >> pin & 1;
    return p->pin[pin].pulled_up;
}

/* Sets or clears one bit of outputs or latches. */
static void put(modem_t *m, uint16_t *bits, size_t pin, bool on)
{
    *bits = (uint16_t)(on ? *bits | 1u << pin : *bits & ~(1u << pin));
    m->asks |= ASK_PINS;
}

/* The host's wake-up signal of esp-at is a pin as well. */
void io_drive(modem_t *m, size_t pin, bool high)
{
    m->pins.pin[pin].function = gpio_function(pin);
    put(m, &m->pins.latches, pin, high);
    put(m, &m->pins.outputs, pin, true);
}

void io_release(modem_t *m, size_t pin)
{
    put(m, &m->pins.outputs, pin, false);
}

bool io_is_valid(int32_t pin)
{
    return pin >= 0 && pin < CIPMUX_PINS && (valid_pins >> pin & 1) != 0;
}

/* The pin that a command names; VERDICT_OK: it is one, and a GPIO where it must be. */
static verdict_t check_pin(modem_t *m, const args_t *args, bool as_gpio)
{
    const int32_t pin = args->at[0].number;
    if (!io_is_valid(pin)) return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    if (as_gpio && !is_gpio(m, (size_t)pin)) return refuse(m, CIPMUX_REASON_NOT_GPIO, TEXT_NOT_GPIO);
    return VERDICT_OK;
}

verdict_t set_sysiosetcfg(modem_t *m, args_t *args)
{
    const verdict_t verdict = check_pin(m, args, false);
    if (verdict != VERDICT_OK) return verdict;
    m->pins.pin[args->at[0].number] =
        (pin_t){ .function = (uint8_t)args->at[1].number, .pulled_up = args->at[2].number == 1 };
    m->asks |= ASK_PINS;
    return VERDICT_OK;
}

verdict_t set_sysiogetcfg(modem_t *m, args_t *args)
{
    const verdict_t verdict = check_pin(m, args, false);
    if (verdict != VERDICT_OK) return verdict;
    const pin_t *const pin = &m->pins.pin[args->at[0].number];
    say(m, TEXT_IO_CONFIG, (int)args->at[0].number, pin->function, pin->pulled_up);
    return VERDICT_OK;
}

verdict_t set_sysgpiodir(modem_t *m, args_t *args)
{
    const verdict_t verdict = check_pin(m, args, true);
    if (verdict == VERDICT_OK) put(m, &m->pins.outputs, (size_t)args->at[0].number, args->at[1].number == 1);
    return verdict;
}

verdict_t set_sysgpiowrite(modem_t *m, args_t *args)
{
    const size_t    pin = (size_t)args->at[0].number;
    const verdict_t verdict = check_pin(m, args, true);
    if (verdict != VERDICT_OK) return verdict;
    if ((m->pins.outputs >> pin & 1) == 0) return refuse(m, CIPMUX_REASON_NOT_OUTPUT, TEXT_NOT_OUTPUT);
    put(m, &m->pins.latches, pin, args->at[1].number == 1);
    return VERDICT_OK;
}

verdict_t set_sysgpioread(modem_t *m, args_t *args)
{
    const size_t    pin = (size_t)args->at[0].number;
    const verdict_t verdict = check_pin(m, args, true);
    if (verdict != VERDICT_OK) return verdict;
    say(m, TEXT_GPIO, (int)pin, m->pins.outputs >> pin & 1, level(m, pin));
    return VERDICT_OK;
}

verdict_t query_sysadc(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->pins.adc);
    return VERDICT_OK;
}

/* ---- the registers: AT+SYSREG of esp-at [basic 2.20] ---- */

enum {
    REGISTERS_FIRST = 0x60000000, /* the peripherals' */
    REGISTERS_END = 0x60001400,
    GPIO_OUT = 0x60000300,
    GPIO_OUT_SET = 0x60000304,
    GPIO_OUT_CLEAR = 0x60000308,
    GPIO_ENABLE = 0x6000030c,
    GPIO_ENABLE_SET = 0x60000310,
    GPIO_ENABLE_CLEAR = 0x60000314,
    GPIO_IN = 0x60000318,
    PINS_MASK = 0xffff,
};

/* The GPIO block is alive. Of the others the last few that were written keep their value, and the rest is 0. */
static uint32_t read_register(const modem_t *m, uint32_t address)
{
    const pins_t *const p = &m->pins;
    uint32_t            value = 0;
    if (address == GPIO_OUT) return p->latches;
    if (address == GPIO_ENABLE) return p->outputs;
    for (size_t pin = 0; pin < CIPMUX_PINS && address == GPIO_IN; pin++)
        value |= (uint32_t)level(m, pin) << pin;
    for (size_t i = 0; i < KEPT_REGISTERS; i++)
        if (p->kept[i].address == address) value = p->kept[i].value;
    return value;
}

static void keep_register(pins_t *p, uint32_t address, uint32_t value)
{
    for (size_t i = 0; i < KEPT_REGISTERS; i++)
        if (p->kept[i].address == address) {
            p->kept[i].value = value;
            return;
        }
    p->kept[p->next_kept] = (kept_t){ address, value };
    p->next_kept = (uint8_t)((p->next_kept + 1) % KEPT_REGISTERS);
}

static void write_register(modem_t *m, uint32_t address, uint32_t value)
{
    pins_t *const  p = &m->pins;
    const uint16_t bits = (uint16_t)(value & PINS_MASK);
    m->asks |= ASK_PINS;
    switch (address) {
    case GPIO_OUT: p->latches = bits; break;
    case GPIO_OUT_SET: p->latches |= bits; break;
    case GPIO_OUT_CLEAR: p->latches &= (uint16_t)~bits; break;
    case GPIO_ENABLE: p->outputs = bits; break;
    case GPIO_ENABLE_SET: p->outputs |= bits; break;
    case GPIO_ENABLE_CLEAR: p->outputs &= (uint16_t)~bits; break;
    case GPIO_IN: break;
    default: keep_register(p, address, value); break;
    }
}

verdict_t set_sysreg(modem_t *m, args_t *args)
{
    const bool     writes = args->at[0].number == 1;
    const uint32_t address = (uint32_t)args->at[1].number;
    if (args->count != (writes ? 3 : 2)) return refuse_argument(m, FAULT_COUNT, args->count, TEXT_NONE);
    if (address < REGISTERS_FIRST || address >= REGISTERS_END || address % 4 != 0)
        return refuse(m, CIPMUX_REASON_BAD_ADDRESS, TEXT_NONE);
    if (writes)
        write_register(m, address, (uint32_t)args->at[2].number);
    else
        say(m, TEXT_REGISTER, read_register(m, address));
    return VERDICT_OK;
}
