/* A TCP server on port 7 that sends five clients back what they send, whatever its speed and theirs: it receives
 * passively, so the modem keeps what there is no room for, and its TCP window stops the client. Firmware without
 * passive mode (AT+CIPRECVMODE, before 1.7) is not enough. */
#include "network.h"
#include "uart.h"

#include <avr/sleep.h>
#include <string.h>

enum { BUFFER = 128 };

typedef struct {
    uint8_t used, sending; /* bytes; `sending` are the first of them */
    uint8_t bytes[BUFFER];
} client_t;

static client_t clients[CIPDRV_LINKS];
static cipdrv_t driver;

static uint16_t take(client_t *client, const void *data, uint16_t n)
{
    uint8_t room = (uint8_t)(BUFFER - client->used);
    if (n > room) n = room;
    memcpy(client->bytes + client->used, data, n);
    client->used = (uint8_t)(client->used + n);
    return n;
}

static void sent(client_t *client)
{
    client->used = (uint8_t)(client->used - client->sending);
    memmove(client->bytes, client->bytes + client->sending, client->used);
    client->sending = 0;
}

static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)from;
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_OPENED: clients[link].used = clients[link].sending = 0; break;
    case CIPDRV_CLOSED: clients[link].used = clients[link].sending = 0; break;
    case CIPDRV_ROOM: return (uint16_t)(BUFFER - clients[link].used);
    case CIPDRV_RECEIVED: return take(&clients[link], data, n);
    case CIPDRV_SENT: sent(&clients[link]); break;
    default: break;
    }
    return 0;
}

/* What has come goes back. */
static void echo(void)
{
    for (uint8_t link = 0; link < CIPDRV_LINKS; link++) {
        client_t *client = &clients[link];
        if (client->used && !client->sending &&
            cipdrv_send(&driver, link, client->bytes, client->used, CIPDRV_FROM_RAM))
            client->sending = client->used;
    }
}

static const cipdrv_config_t config = {
    .handler = on_event,
    .ssid = NETWORK_SSID,
    .password = NETWORK_PASSWORD,
    .rate = CIPDRV_UART_RATE,
    .server_port = 7,
    .passive = true,
};

int main(void)
{
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        bool moved = cipdrv_uart_run(&driver);
        echo();
        if (!moved) sleep_mode(); /* idle, until the next interrupt */
    }
}
