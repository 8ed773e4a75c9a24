/* The pins of one modem: what is connected to them, what the modem does with them, and the chip's sleep and reset.
 *
 * Answers the requests PINS and SLEEP of cipmux.h with the events PINS and RESET_PIN. GPIO16 is wired to the reset pin, as
 * on every board that sleeps, so a sleep that has an end ends in a reset. No clock, no heap, no I/O.
 *
 *   gpio_init(&pins);
 *   while (cipmux_request(...)) if (gpio_serves(&request)) gpio_request(&pins, now, &request);
 *   if (gpio_offer(&pins, now, &modem) == GPIO_RESET) radio_station_reset(&air, &station);
 *   wait until gpio_deadline(&pins)
 */
#ifndef WORLD_GPIO_H
#define WORLD_GPIO_H

#include "cipmux.h"
#include "words.h"

typedef enum { PIN_OPEN, PIN_LOW, PIN_HIGH } pin_level_t;

typedef enum { GPIO_NOTHING, GPIO_TELL, GPIO_RESET } gpio_due_t;

typedef struct {
    uint16_t driven, high; /* from outside, bit n: GPIO n */
    uint16_t adc, supply;  /* 1/1024 V; mV */
    bool     untold;       /* the modem does not know that yet */
    bool     reset;        /* the reset pin was pulled, and the modem was not told yet */
    bool     asleep;
    uint64_t wake_us; /* asleep: when GPIO16 pulls the reset pin; CIPMUX_NEVER: not */
    struct {
        uint16_t driven, high, pulled_up;
    } modem; /* as it was asked last */
} gpio_t;

/* Nothing is connected, 0 V at the ADC, 3.3 V supply; awake. */
void gpio_init(gpio_t *pins);

/* Is this request for the pins (PINS, SLEEP)? */
bool gpio_serves(const cipmux_request_t *request);
void gpio_request(gpio_t *pins, uint64_t now_us, const cipmux_request_t *request);
/* Offers the modem what is due. GPIO_RESET: it was reset, so the radio must be too. */
gpio_due_t gpio_offer(gpio_t *pins, uint64_t now_us, cipmux_t *modem);
/* When the sleep ends, or CIPMUX_NEVER. */
uint64_t gpio_deadline(const gpio_t *pins);
/* Pulls the reset pin. */
void gpio_reset(gpio_t *pins);

/* The level that a meter shows at GPIO `pin`. Both ends drive: the modem's counts. */
pin_level_t gpio_level(const gpio_t *pins, size_t pin);

/* pin, pin-is, adc, supply, reset-pin, asleep, awake; their context is a gpio_t. */
enum { GPIO_VERBS = 7 };
extern const words_verb_t gpio_verbs[GPIO_VERBS];

#endif
