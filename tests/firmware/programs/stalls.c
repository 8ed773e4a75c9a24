/* Firmware for the test of driver/avr: a client whose main loop stalls for longer than its receive ring lasts. It asks
 * 10.0.2.2:5000 and counts the answer, a counting pattern. B0: all came, in order, and the peer closed. B1: a loss was told.
 * B2: a wrong byte came. With STALL_INTERRUPTS it stalls with interrupts disabled, so that the hardware overruns. */
#include "uart.h"

#include <avr/io.h>
#include <util/atomic.h>
#include <util/delay.h>

enum { ANSWER = 5000, PATTERN = 251, PERIOD = CIPDRV_TICKS(1000) };

static cipdrv_t driver;
static bool     up, open;
static uint16_t asked_at, count;

static void check(const uint8_t *bytes, uint16_t n)
{
    for (; n; n--, count++)
        if (*bytes++ != count % PATTERN) PORTB |= _BV(PORTB2);
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_UP: up = true; break;
    case CIPDRV_FAULT: PORTB |= _BV(PORTB1); break;
    case CIPDRV_OPENED:
        count = 0;
        open = true;
        cipdrv_send(from, link, "more", 4, CIPDRV_FROM_RAM);
        break;
    case CIPDRV_RECEIVED: check(data, n); return n;
    case CIPDRV_CLOSED:
        open = false;
        if (n == CIPDRV_BY_PEER && count == ANSWER) PORTB |= _BV(PORTB0);
        break;
    default: break;
    }
    return 0;
}

static void stall(void)
{
    if (!open || !count) return;
#ifdef STALL_INTERRUPTS
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        _delay_us(400);
    }
#else
    _delay_ms(20);
#endif
}

static const cipdrv_config_t config = {
    .handler = on_event,
    .ssid = "lab",
    .password = "password",
    .rate = CIPDRV_UART_RATE,
#ifdef CIPDRV_UART_RTS_PORT
    .flow = 2,
#endif
};

int main(void)
{
    DDRB = 7;
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        uint16_t now = cipdrv_uart_now();
        cipdrv_uart_run(&driver);
        stall();
        if (up && (uint16_t)(now - asked_at) > PERIOD) {
            asked_at = now;
            cipdrv_dial(&driver, CIPDRV_TYPE_TCP, "10.0.2.2", 5000);
        }
    }
}
