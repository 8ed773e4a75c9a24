/* client LINE HOST PORT TEXT: joins the network "lab", dials HOST:PORT, sends TEXT, prints the line that is answered.
 * LINE is the modem's serial line: a tty or HOST:PORT. */
#include "cipdrv.h"
#include "serial.h"
#include <stdio.h>
#include <stdlib.h>

static serial_t    uart;
static const char *host, *text;
static uint16_t    port;
static int         status = -1; /* of the program: -1 while it runs, 10 and the cause after a failure */

static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: serial_rate(&uart, n); break;
    case CIPDRV_UP: cipdrv_dial(driver, CIPDRV_TYPE_TCP, host, port, 0); break;
    case CIPDRV_OPENED: cipdrv_send(driver, link, text, (uint16_t)strlen(text), CIPDRV_FROM_RAM); break;
    case CIPDRV_RECEIVED:
        fwrite(data, 1, n, stdout);
        if (memchr(data, '\n', n)) cipdrv_close(driver, link);
        return n;
    case CIPDRV_DOWN:
    case CIPDRV_CLOSED: status = n == CIPDRV_BY_US ? 0 : 10 + n; break;
    default: break;
    }
    return 0;
}

int main(int count, char **arguments)
{
    static const cipdrv_config_t config = { .handler = on_event, .ssid = "lab", .password = "password", .rate = 1152 };
    static cipdrv_t              driver;
    static uint8_t               in[256], out[sizeof uart.out];
    if (count != 5) return 2;
    host = arguments[2], port = (uint16_t)atoi(arguments[3]), text = arguments[4];
    serial_open(&uart, arguments[1]);
    cipdrv_start(&driver, &config, serial_now());
    while (status < 0) {
        uint16_t n = serial_read(&uart, in, sizeof in, cipdrv_deadline(&driver));
        cipdrv_sink(&driver, serial_now(), in, n);
        n = cipdrv_poll(&driver, serial_now(), out, serial_room(&uart));
        serial_write(&uart, out, n);
    }
    return status;
}
