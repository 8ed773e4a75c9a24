/* steady PORT: does what fragile.c does, with the driver, and dials again until its bytes came back as they were. For the
 * test of `cipmux torture`, in which it must not be found. The driver's clock runs ten times faster, to save time. */
#include "serial.h"
#include <stdlib.h>

enum { FASTER = 10, ANSWER = CIPDRV_TICKS(8000), PAUSE = CIPDRV_TICKS(400) };

static const char text[] = "hello";
static serial_t   uart;
static uint16_t   port, since, got;
static uint8_t    mine = CIPDRV_NO_LINK;
static bool       up, done;

static uint16_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint16_t)((uint64_t)time.tv_sec * 250 * FASTER + (uint64_t)time.tv_nsec * FASTER / 4000000);
}

static void take(cipdrv_t *driver, const char *data, uint16_t n)
{
    if (n > sizeof text - 1 - got || memcmp(data, text + got, n) != 0) {
        cipdrv_close(driver, mine);
        return;
    }
    got = (uint16_t)(got + n);
    done = got == sizeof text - 1;
}

static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t which, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: serial_rate(&uart, n); break;
    case CIPDRV_UP: up = true; break;
    case CIPDRV_DOWN: up = false; break;
    case CIPDRV_OPENED: cipdrv_send(driver, which, text, sizeof text - 1, CIPDRV_FROM_RAM); break;
    case CIPDRV_RECEIVED:
        if (which == mine) take(driver, data, n);
        return n;
    case CIPDRV_CLOSED:
        if (which == mine) mine = CIPDRV_NO_LINK, since = now();
        break;
    default: break;
    }
    return 0;
}

/* Dials when there is no link, and gives one up that does not answer. */
static void keep_on(cipdrv_t *driver)
{
    const uint16_t waited = (uint16_t)(now() - since);
    if (up && mine == CIPDRV_NO_LINK && waited >= PAUSE) {
        mine = cipdrv_dial(driver, CIPDRV_TYPE_TCP, "10.0.2.2", port, 0);
        since = now();
        got = 0;
    } else if (mine != CIPDRV_NO_LINK && waited >= ANSWER) {
        cipdrv_close(driver, mine);
        since = now();
    }
}

int main(int count, char **arguments)
{
    static const cipdrv_config_t config = { .handler = on_event, .ssid = "lab", .password = "password", .rate = 1152 };
    static cipdrv_t              driver;
    static uint8_t               in[256], out[sizeof uart.out];
    char                        *line = getenv("CIPMUX_TCP");
    if (count != 2 || !line) return 2;
    port = (uint16_t)atoi(arguments[1]);
    serial_open(&uart, line);
    cipdrv_start(&driver, &config, now());
    while (!done) {
        uint16_t wait = cipdrv_deadline(&driver), n;
        n = serial_read(&uart, in, sizeof in, wait > PAUSE ? PAUSE / FASTER : wait / FASTER);
        cipdrv_sink(&driver, now(), in, n);
        keep_on(&driver);
        n = cipdrv_poll(&driver, now(), out, serial_room(&uart));
        serial_write(&uart, out, n);
    }
    return 0;
}
