/* A serial bridge: what arrives at a serial line of 9600 baud (D2 receives, D3 transmits, see softserial.h) goes to a TCP
 * peer, and back, with the modem in passthrough. A button from D4 to ground leaves passthrough, closes the link and dials
 * anew. The LED (B5) is on while the link is open. While the serial line is busy the modem is stopped by RTS (D5), and so
 * is the peer: nothing is lost. Without RTS the modem runs at 9600 baud too (bridge-slow). What the line says while there
 * is no link waits, up to 255 bytes. */
#include "network.h"
#include "softserial.h"
#include "uart.h"

#include <avr/io.h>
#include <avr/sleep.h>

#ifndef BRIDGE_PEER
#define BRIDGE_PEER "example.com"
#endif
#ifndef BRIDGE_PORT
#define BRIDGE_PORT 7000
#endif

enum { PAUSE = CIPDRV_TICKS(1000) }; /* between two dials */

static cipdrv_t driver;
static bool     up, dialled, open;
static uint16_t dialled_at;
static uint8_t  sending; /* bytes that the driver sends, at the beginning of the serial line's ring */
static uint8_t  button;  /* its last eight looks, a tick apart; 1 is pressed */
static uint16_t looked_at;

static void sent(void)
{
    softserial_taken(sending);
    sending = 0;
}

static void set_open(bool now)
{
    open = now;
    if (open)
        PORTB |= _BV(PORTB5);
    else
        PORTB &= (uint8_t)~_BV(PORTB5);
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)link;
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_UP: up = true; break;
    case CIPDRV_DOWN: up = false; break;
    case CIPDRV_OPENED:
        set_open(true);
        cipdrv_through(from, true);
        break;
    case CIPDRV_RECEIVED:
        return softserial_write(data, n); /* the rest stays in the ring of the UART, which stops the modem */
    case CIPDRV_SENT: sent(); break;
    case CIPDRV_CLOSED:
        sent(); /* or not, nobody knows */
        set_open(false);
        dialled = false;
        break;
    default: break;
    }
    return 0;
}

static void dial(uint16_t now)
{
    if (!up || dialled || (uint16_t)(now - dialled_at) < PAUSE) return;
    dialled = cipdrv_dial(&driver, CIPDRV_TYPE_TCP, BRIDGE_PEER, BRIDGE_PORT) != CIPDRV_NO_LINK;
    dialled_at = now;
}

/* From the serial line to the peer. What cannot be sent yet stays in the ring. */
static void carry(void)
{
    const uint8_t *bytes;
    uint8_t        n = softserial_received(&bytes);
    if (open && n && !sending && cipdrv_send(&driver, 0, bytes, n, CIPDRV_FROM_RAM)) sending = n;
}

static void look_at_button(uint16_t now)
{
    if (looked_at == now) return;
    looked_at = now;
    button = (uint8_t)(button << 1 | !(PIND & _BV(PIND4)));
    if ((button & 15) == 3) cipdrv_close(&driver, 0); /* pressed for two looks, and not before: it has bounced */
}

static const cipdrv_config_t config = {
    .handler = on_event,
    .ssid = NETWORK_SSID,
    .password = NETWORK_PASSWORD,
    .rate = CIPDRV_UART_RATE,
#ifdef CIPDRV_UART_RTS_PORT
    .flow = 2,
#endif
};

int main(void)
{
    DDRB = _BV(DDB5);
    PORTD = _BV(PORTD4); /* pull-up */
    softserial_start();
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        uint16_t now = cipdrv_uart_now();
        bool     moved = cipdrv_uart_run(&driver);
        carry();
        look_at_button(now);
        dial(now);
        if (!moved) sleep_mode(); /* idle, until the next interrupt */
    }
}
