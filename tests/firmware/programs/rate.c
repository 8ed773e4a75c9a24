/* Firmware for the test of driver/avr without the driver: it tells the modem to run at 9600 baud and at once sets its own
 * UART so. The command must still go out at 115200. B0: the modem answered at 9600. */
#include "uart.h"

#include <avr/io.h>
#include <string.h>

static void pass(uint16_t ticks)
{
    uint16_t from = cipdrv_uart_now();
    while ((uint16_t)(cipdrv_uart_now() - from) < ticks) {
    }
}

static void put(const char *text)
{
    while (*text) {
        uint8_t *out, room = cipdrv_uart_room(&out);
        uint8_t  n = (uint8_t)strlen(text);
        if (n > room) n = room;
        memcpy(out, text, n);
        cipdrv_uart_put(n);
        text += n;
    }
}

static bool drain(char wanted)
{
    const uint8_t *data;
    bool           seen = false;
    for (uint8_t n; (n = cipdrv_uart_received(&data)) != 0; cipdrv_uart_taken(n))
        if (memchr(data, wanted, n)) seen = true;
    return seen;
}

int main(void)
{
    uint8_t *out;
    DDRB = 1;
    cipdrv_uart_start();
    cipdrv_uart_rate(1152);
    cipdrv_uart_room(&out);
    pass(CIPDRV_TICKS(200));
    put("AT+UART_CUR=9600,8,1,0,0\r\n");
    cipdrv_uart_rate(96);
    cipdrv_uart_rate(2304); /* not from this clock: ignored */
    while (!cipdrv_uart_room(&out)) {
    }
    pass(CIPDRV_TICKS(20)); /* for the OK, at either rate */
    drain(0);
    put("ATE0\r\n");
    pass(CIPDRV_TICKS(100));
    PORTB = drain('K');
    for (;;) {
    }
}
