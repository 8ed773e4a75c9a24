/* A clock that asks a time server by UDP (SNTP, RFC 4330) each 1024 s, and shows UTC in binary on LEDs: hours on C0 to
 * C4, minutes on B0 to B5, seconds on D2 to D7. All are dark until the first answer. */
#include "network.h"
#include "uart.h"

#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#ifndef TIME_SERVER
#define TIME_SERVER "pool.ntp.org"
#endif

enum {
    PACKET = 48,
    CLIENT = 0x23, /* version 4, mode 3 */
    SERVER = 4,    /* the answer's mode */
    SECONDS = 40,  /* where its time of sending stands: seconds since 1900, four bytes, high one first */
    SECOND = CIPDRV_TICKS(1000),
    RETRY = 16,  /* seconds */
    AGAIN = 1024 /* seconds; a crystal is wrong by 50 ms in that time */
};
#define DAY 86400UL

static const uint8_t question[PACKET] PROGMEM = { CLIENT };

static cipdrv_t driver;
static bool     up, known;
static uint16_t ticked_at; /* the second began */
static uint16_t wait;      /* seconds until the next question */
static uint32_t time;      /* seconds of the day */
static uint8_t  seen;      /* bytes of the answer */
static uint32_t answered;

static void show(void)
{
    uint16_t minutes = (uint16_t)(time / 60);
    PORTC = (uint8_t)(minutes / 60);
    PORTB = (uint8_t)(minutes % 60);
    PORTD = (uint8_t)((PORTD & 3) | (uint8_t)(time % 60) << 2);
}

static void read_answer(cipdrv_t *from, uint8_t link, const uint8_t *bytes, uint16_t n)
{
    for (; n && seen < PACKET; n--, seen++) {
        uint8_t byte = *bytes++;
        if ((!seen && (byte & 7) != SERVER) || (seen == 1 && !byte)) /* not an answer, or "go away" */
            seen = PACKET;
        if (seen >= SECONDS && seen < SECONDS + 4) answered = answered << 8 | byte;
        if (seen == PACKET - 1) {
            time = answered % DAY; /* 1900 began at midnight */
            ticked_at = cipdrv_uart_now();
            known = true;
            wait = AGAIN;
            show();
            cipdrv_close(from, link);
        }
    }
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_UP: up = true; break;
    case CIPDRV_DOWN: up = false; break;
    case CIPDRV_OPENED: cipdrv_send(from, link, question, PACKET, CIPDRV_FROM_FLASH); break;
    case CIPDRV_RECEIVED: read_answer(from, link, data, n); return n;
    default: break;
    }
    return 0;
}

static void ask(void)
{
    if (cipdrv_dial(&driver, CIPDRV_TYPE_UDP, TIME_SERVER, 123, 0) == CIPDRV_NO_LINK)
        cipdrv_close(&driver, 0); /* no answer to the last one */
    else
        seen = 0;
    wait = RETRY;
}

static void tick(void)
{
    if (up && !wait) ask();
    if ((uint16_t)(cipdrv_uart_now() - ticked_at) < SECOND) return;
    ticked_at = (uint16_t)(ticked_at + SECOND);
    if (wait) wait--;
    if (!known) return;
    if (++time == DAY) time = 0;
    show();
}

static const cipdrv_config_t config = {
    .handler = on_event, .ssid = NETWORK_SSID, .password = NETWORK_PASSWORD, .rate = CIPDRV_UART_RATE
};

int main(void)
{
    DDRB = 0x3f;
    DDRC = 0x1f;
    DDRD = 0xfc;
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        bool moved = cipdrv_uart_run(&driver);
        tick();
        if (!moved) sleep_mode(); /* idle, until the next interrupt */
    }
}
