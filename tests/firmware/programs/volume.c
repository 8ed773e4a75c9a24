/* Firmware for the test of driver/avr at full speed (tests/e2e/rates.py): blocks of a counting pattern go to 10.0.2.2:5000,
 * each when the peer has taken the one before; then "?", and as many come back.
 *
 * C0 low: receives passively. C1 low: few blocks. B0: all came, in order. B1: a loss was told. B2: a wrong byte came. B3 is
 * high while it sends, B4 while it receives. */
#include "uart.h"

#include <avr/io.h>
#include <avr/sleep.h>
#include <stddef.h>

enum { PATTERN = 251, BLOCK = 64 * PATTERN, MANY = 63, FEW = 2 };

static cipdrv_t driver;
static uint8_t  all;    /* blocks */
static uint8_t  blocks; /* to be sent */
static uint32_t left;   /* bytes to come */
static uint8_t  next;   /* of the pattern */

static uint8_t behind(uint8_t byte)
{
    return byte == PATTERN - 1 ? 0 : byte + 1;
}

static void check(const uint8_t *bytes, uint16_t n)
{
    uint8_t wrong = 0, byte = next;
    PORTB |= _BV(PORTB4);
    left -= n;
    for (; n; n--, byte = behind(byte))
        wrong |= *bytes++ ^ byte;
    next = byte;
    if (wrong) PORTB |= _BV(PORTB2);
    if (!left) PORTB = (uint8_t)((PORTB & ~_BV(PORTB4)) | _BV(PORTB0));
}

static void taken(cipdrv_t *from, uint8_t link)
{
    PORTB |= _BV(PORTB3);
    if (blocks) {
        blocks--;
        cipdrv_send(from, link, NULL, BLOCK, CIPDRV_FROM_RAM);
        return;
    }
    PORTB &= (uint8_t)~_BV(PORTB3);
    left = (uint32_t)all * BLOCK;
    cipdrv_send(from, link, "?", 1, CIPDRV_FROM_RAM);
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_UP: cipdrv_dial(from, CIPDRV_TYPE_TCP, "10.0.2.2", 5000, 0); break;
    case CIPDRV_FAULT: PORTB |= _BV(PORTB1); break;
    case CIPDRV_OPENED:
        blocks = all;
        taken(from, link);
        break;
    case CIPDRV_FILL:
        *(uint8_t *)data = next;
        next = behind(next);
        break;
    case CIPDRV_ROOM: return n;
    case CIPDRV_RECEIVED:
        if (left)
            check(data, n);
        else
            taken(from, link);
        return n;
    default: break;
    }
    return 0;
}

static cipdrv_config_t config = {
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
    DDRB = 0x1f;
    PORTC = _BV(PORTC0) | _BV(PORTC1);
    __asm__ volatile("nop"); /* before a pin is read */
    cipdrv_uart_start();
    all = PINC & _BV(PINC1) ? MANY : FEW;
    config.passive = !(PINC & _BV(PINC0));
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;)
        if (!cipdrv_uart_run(&driver)) sleep_mode();
}
