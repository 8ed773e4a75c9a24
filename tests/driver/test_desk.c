/* The first scenario, on the desk: find the modem, join, dial a peer, have bytes echoed, close. In each dialect, with
 * the modem found at each rate that the driver knows. `test_desk --trace DIALECT BAUD` shows one. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

static desk_t  desk;
static uint8_t got[64];
static size_t  got_n;

static uint16_t program(desk_t *d, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)d, (void)link;
    if (event != CIPDRV_RECEIVED) return event == CIPDRV_ROOM ? n : 0;
    if (n > sizeof got - got_n) n = (uint16_t)(sizeof got - got_n);
    memcpy(got + got_n, data, n);
    got_n += n;
    return n;
}

static bool echo(desk_t *d)
{
    size_t         n = 0;
    net_peer_t    *peer = net_peer(&d->world.net, "server");
    const uint8_t *bytes = peer ? net_received(&d->world.net, peer, &n) : NULL;
    if (n == 0) return false;
    net_send(&d->world.net, peer, bytes, n, 0);
    net_look(&d->world.net, peer);
    return true;
}

static const char *scenario(const char *dialect, unsigned baud, bool passive, FILE *trace)
{
    static const char text[] = "hello OK\r\n+IPD,0,5:CLOSED\r\n";
    uint16_t          size = sizeof text - 1;
    desk_options_t    options = desk_options(dialect);
    char              command[64];
    (void)passive;
    options.driver.ssid = "lab";
    options.driver.password = "password";
#if CIPDRV_PASSIVE
    options.driver.passive = passive;
#endif
    options.program = program;
    options.network = echo;
    options.trace = trace;
    got_n = 0;
    desk_start(&desk, &options);
    desk_say(&desk, "listen server 10.0.2.2:7");
    snprintf(command, sizeof command, "AT+UART_DEF=%u,8,1,0,0\r\n", baud);
    if (!desk_type(&desk, "", "ready") || !desk_type(&desk, command, "OK")) return desk.error;
    if (!desk_await(&desk, CIPDRV_UP, CIPDRV_NO_LINK, 60 * DESK_SECOND)) return "it is not up";
    uint8_t link = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, "10.0.2.2", 7 IF_UDP(, 0));
    if (!desk_await(&desk, CIPDRV_OPENED, link, DESK_SECOND)) return "the link does not open";
    if (!cipdrv_send(&desk.driver, link, text, size, CIPDRV_FROM_RAM)) return "it does not send";
    if (!desk_await(&desk, CIPDRV_SENT, link, DESK_SECOND)) return "nothing is sent";
    desk_run(&desk, DESK_SECOND);
    if (got_n != size || memcmp(got, text, got_n) != 0) return "the echo differs";
    cipdrv_close(&desk.driver, link);
    if (!desk_await(&desk, CIPDRV_CLOSED, link, DESK_SECOND)) return "the link does not close";
    return desk.error[0] ? desk.error : NULL;
}

int main(int argc, char **argv)
{
    static const unsigned bauds[] = { 115200, 9600, 57600, 38400, 19200, 230400, 460800 };
    int                   failed = 0, run = 0;
    if (argc == 4) {
        const char *wrong = scenario(argv[2], (unsigned)strtoul(argv[3], NULL, 10), false, stdout);
        puts(wrong ? wrong : "ok");
        return wrong != NULL;
    }
    for (size_t dialect = 0; cipmux_dialect_name(dialect); dialect++)
        for (size_t baud = 0; baud < sizeof bauds / sizeof *bauds; baud++)
            for (int passive = 0; passive <= CIPDRV_PASSIVE; passive++) {
                const char *name = cipmux_dialect_name(dialect);
                const char *wrong = scenario(name, bauds[baud], passive, NULL);
                run++;
                failed += wrong != NULL;
                if (wrong) printf("%s, %u baud, passive %d: %s\n", name, bauds[baud], passive, wrong);
            }
    printf("%d passed, %d failed\n", run - failed, failed);
    return failed != 0;
}
