/* Pins of the microcontroller by name: what it drives, and what drives it from outside. */
#ifndef LAB_PINS_H
#define LAB_PINS_H

#include "mcu.h"

typedef struct {
    char    port; /* 'B' */
    uint8_t bit;
} pin_t;

/* "PB5" or "B5"; on the ATmega328P also the Arduino's D0 to D13 and A0 to A5 (D0 to D7 are the same in both). False: no
 * such pin on this MCU. */
bool pin_parse(const mcu_t *mcu, const char *text, size_t length, pin_t *out);
/* The level from outside. It stays, whatever the firmware does with its pull-ups. */
void pin_drive(mcu_t *mcu, pin_t pin, bool high);
/* What others see at the pin: what the MCU drives, high where it drives nothing. */
bool pin_level(const mcu_t *mcu, pin_t pin);
/* Calls `changed` after each change of pin_level(). The caller fills mcu, pin, changed and context. */
typedef struct {
    mcu_t *mcu;
    pin_t  pin;
    bool   level;
    void (*changed)(void *context, bool level);
    void *context;
} pin_watch_t;
void pin_watch(pin_watch_t *watch);
/* After a reset of the AVR, which writes no register. */
void pin_look(pin_watch_t *watch);
/* After a reset of the AVR: the levels from outside stand at the pins as before. */
void pins_restore(mcu_t *mcu);
/* Millivolts at an analogue input. */
void pin_analogue(mcu_t *mcu, unsigned channel, uint32_t millivolts);

#endif
