/* The pins of one modem: see gpio.h. */
#include "gpio.h"

void gpio_init(gpio_t *pins)
{
    *pins = (gpio_t){ .supply = 3300, .wake_us = CIPMUX_NEVER };
}

/* ---- The modem's side ------------------------------------------------------------------------------------------ */

bool gpio_serves(const cipmux_request_t *request)
{
    return request->kind == CIPMUX_REQUEST_PINS || request->kind == CIPMUX_REQUEST_SLEEP;
}

void gpio_request(gpio_t *pins, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind == CIPMUX_REQUEST_PINS) {
        pins->modem.driven = request->pins.driven;
        pins->modem.high = request->pins.high;
        pins->modem.pulled_up = request->pins.pulled_up;
        return;
    }
    pins->asleep = true;
    pins->wake_us = request->sleep_ms == 0 ? CIPMUX_NEVER : now_us + (uint64_t)request->sleep_ms * 1000;
}

static void tell(gpio_t *pins, uint64_t now_us, cipmux_t *modem)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_PINS };
    event.pins.driven = pins->driven;
    event.pins.high = pins->high;
    event.pins.adc = pins->adc;
    event.pins.supply = pins->supply;
    cipmux_event(modem, now_us, &event, NULL);
    pins->untold = false;
}

gpio_due_t gpio_offer(gpio_t *pins, uint64_t now_us, cipmux_t *modem)
{
    cipmux_event_t reset = { .kind = CIPMUX_EVENT_RESET_PIN };
    if (pins->untold) {
        tell(pins, now_us, modem);
        return GPIO_TELL;
    }
    if (!pins->reset && now_us < gpio_deadline(pins)) return GPIO_NOTHING;
    pins->reset = pins->asleep = false;
    pins->wake_us = CIPMUX_NEVER;
    cipmux_event(modem, now_us, &reset, NULL);
    return GPIO_RESET;
}

uint64_t gpio_deadline(const gpio_t *pins)
{
    return pins->asleep ? pins->wake_us : CIPMUX_NEVER;
}

void gpio_reset(gpio_t *pins)
{
    pins->reset = true;
}

pin_level_t gpio_level(const gpio_t *pins, size_t pin)
{
    const unsigned bit = 1u << pin;
    if (pins->modem.driven & bit) return pins->modem.high & bit ? PIN_HIGH : PIN_LOW;
    if (pins->driven & bit) return pins->high & bit ? PIN_HIGH : PIN_LOW;
    return pins->modem.pulled_up & bit ? PIN_HIGH : PIN_OPEN;
}

/* ---- Words ----------------------------------------------------------------------------------------------------- */

static const char *const level_names[] = { [PIN_OPEN] = "open", [PIN_LOW] = "low", [PIN_HIGH] = "high" };

/* "pin 4 high": which pin, and which level. */
static bool read_pin(words_t *words, size_t *pin, pin_level_t *level)
{
    long               number;
    const words_arg_t *which = words_plain(words, 1, "the number of a GPIO");
    const words_arg_t *how = which == NULL ? NULL : words_plain(words, 2, "high, low or open");
    if (how == NULL || !words_number(words, which, 0, CIPMUX_PINS - 1, &number)) return false;
    *pin = (size_t)number;
    for (*level = PIN_OPEN; *level <= PIN_HIGH; ++*level)
        if (words_is(how, level_names[*level])) return true;
    return words_expected(words, how, "high, low or open");
}

static bool say_pin(void *context, words_t *words)
{
    gpio_t     *pins = context;
    size_t      pin;
    pin_level_t level;
    if (!read_pin(words, &pin, &level)) return false;
    const uint16_t bit = (uint16_t)(1u << pin);
    pins->driven = (uint16_t)(level == PIN_OPEN ? pins->driven & ~bit : pins->driven | bit);
    pins->high = (uint16_t)(level == PIN_HIGH ? pins->high | bit : pins->high & ~bit);
    pins->untold = true;
    return true;
}

static bool say_pin_is(void *context, words_t *words)
{
    const gpio_t *pins = context;
    size_t        pin;
    pin_level_t   level;
    if (!read_pin(words, &pin, &level)) return false;
    const pin_level_t now = gpio_level(pins, pin);
    return level == now || words->draft || words_fail(words, words->arg[2].column, "the pin is %s", level_names[now]);
}

static bool read_value(words_t *words, long max, uint16_t *out)
{
    long               number;
    const words_arg_t *value = words_plain(words, 1, "a number");
    if (value == NULL || !words_number(words, value, 0, max, &number)) return false;
    *out = (uint16_t)number;
    return true;
}

static bool say_adc(void *context, words_t *words)
{
    gpio_t *pins = context;
    pins->untold = true;
    return read_value(words, 1024, &pins->adc);
}

static bool say_supply(void *context, words_t *words)
{
    gpio_t *pins = context;
    pins->untold = true;
    return read_value(words, 3600, &pins->supply);
}

static bool say_reset_pin(void *context, words_t *words)
{
    (void)words;
    gpio_reset(context);
    return true;
}

static bool say_asleep(void *context, words_t *words)
{
    return ((const gpio_t *)context)->asleep || words->draft || words_fail(words, 1, "the modem is awake");
}

static bool say_awake(void *context, words_t *words)
{
    return !((const gpio_t *)context)->asleep || words->draft || words_fail(words, 1, "the modem is deep asleep");
}

const words_verb_t gpio_verbs[GPIO_VERBS] = {
    { "pin", say_pin, "pin 0-15 high|low|open", "what is connected to that GPIO of the modem" },
    { "pin-is", say_pin_is, "pin-is 0-15 high|low|open", "checks the level at that GPIO" },
    { "adc", say_adc, "adc 0-1024", "what AT+SYSADC? measures, 1/1024 V" },
    { "supply", say_supply, "supply MV", "the chip's supply, 0-3600 mV" },
    { "reset-pin", say_reset_pin, "reset-pin", "the modem's reset pin is pulled" },
    { "asleep", say_asleep, "asleep", "checks that it sleeps deeply" },
    { "awake", say_awake, "awake", "checks that it does not" },
};
