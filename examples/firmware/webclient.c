/* A web client: asks a server for a page each minute. The LED (pin B5) is on while the last answer was 200. */
#include "network.h"
#include "uart.h"

#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#ifndef WEB_SERVER
#define WEB_SERVER "example.com"
#endif
#ifndef WEB_PORT
#define WEB_PORT 80
#endif

enum { PERIOD = CIPDRV_TICKS(60000), STATUS_AT = 9, STATUS_SIZE = 3 }; /* "HTTP/1.1 200 OK" */

static const char request[] PROGMEM = "GET / HTTP/1.0\r\nHost: " WEB_SERVER "\r\nConnection: close\r\n\r\n";
static const char good[] PROGMEM = "200";

static cipdrv_t driver;
static bool     up, asked;
static uint16_t asked_at;
static uint8_t  seen, matched; /* bytes of the answer, up to its status; characters of it that are as in `good` */

static void read_status(const char *bytes, uint16_t n)
{
    for (; n && seen < STATUS_AT + STATUS_SIZE; n--, bytes++, seen++)
        if (seen >= STATUS_AT && *bytes == (char)pgm_read_byte(&good[seen - STATUS_AT])) matched++;
}

static void show(bool on)
{
    if (on)
        PORTB |= _BV(PORTB5);
    else
        PORTB &= (uint8_t)~_BV(PORTB5);
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_UP: up = true; break;
    case CIPDRV_DOWN: up = false; break;
    case CIPDRV_OPENED: cipdrv_send(from, link, request, sizeof request - 1, CIPDRV_FROM_FLASH); break;
    case CIPDRV_RECEIVED: read_status(data, n); return n;
    case CIPDRV_CLOSED: show(matched == STATUS_SIZE); break;
    default: break;
    }
    return 0;
}

/* Once a minute, when there is a network. */
static void ask(void)
{
    uint16_t now = cipdrv_uart_now();
    if (!up || (asked && (uint16_t)(now - asked_at) < PERIOD)) return;
    if (cipdrv_dial(&driver, CIPDRV_TYPE_TCP, WEB_SERVER, WEB_PORT) == CIPDRV_NO_LINK) return;
    asked = true;
    asked_at = now;
    seen = matched = 0;
}

static const cipdrv_config_t config = {
    .handler = on_event, .ssid = NETWORK_SSID, .password = NETWORK_PASSWORD, .rate = CIPDRV_UART_RATE
};

int main(void)
{
    DDRB = _BV(DDB5);
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        bool moved = cipdrv_uart_run(&driver);
        ask();
        if (!moved) sleep_mode(); /* idle, until the next interrupt */
    }
}
