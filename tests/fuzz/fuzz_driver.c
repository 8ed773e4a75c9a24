/* Fuzz target of the driver: the input is what a modem says, with time between, and what the program does in its handler.
 * Promised: no more bytes than there is room for, links within bounds, events of a link only between its OPENED and its
 * CLOSED, and a deadline always. */
#include "cipdrv.h"
#include "promise.h"

#include <string.h>

static const char *const lines[] = {
    "\r\nOK\r\n",
    "\r\nERROR\r\n",
    "\r\nready\r\n",
    "> ",
    "\r\nSEND OK\r\n",
    "\r\nSEND FAIL\r\n",
    "\r\n+IPD,0,5:hello",
    "\r\n+IPD,3:abc",
    "0,CONNECT\r\n",
    "0,CLOSED\r\n",
    "4,CONNECT\r\n",
    "4,CLOSED\r\n",
    "CLOSED\r\n",
    "CONNECT\r\n",
    "busy p...\r\n",
    "WIFI CONNECTED\r\n",
    "WIFI GOT IP\r\n",
    "WIFI DISCONNECT\r\n",
    "\r\nFAIL\r\n",
    "AT version:1.7.6.0\r\nSDK version:3.0.6\r\n",
    "AT version:2.3.0.0\r\n",
    "STATUS:3\r\n",
    "+CIPSTATUS:0,\"TCP\",\"10.0.2.2\",80,80,1\r\n",
    "link is not valid\r\n",
    "\r\nRecv 5 bytes\r\n",
    "ALREADY CONNECTED\r\n",
    "+IPD,4,2000\r\n",
    "+CIPRECVDATA,5:hello",
    "+CIPRECVDATA:5,hello",
};
enum { LINES = sizeof lines / sizeof lines[0] };

typedef struct {
    cipdrv_t       driver;
    const uint8_t *data;
    size_t         size;
    bool           open[CIPDRV_LINKS];
    bool           dialled[CIPDRV_LINKS];
    uint16_t       now;
} fuzz_t;

static fuzz_t f;

static uint8_t next(void)
{
    if (f.size == 0) return 0;
    f.size--;
    return *f.data++;
}

static void act(uint8_t link)
{
    static const uint8_t bytes[300] = { 'O', 'K', '\r', '\n' };
    const uint8_t        what = next();
    if (what % 8 == 0) {
        uint8_t id = cipdrv_dial(&f.driver, CIPDRV_TYPE_TCP, "10.0.2.2", 80
#if CIPDRV_UDP
                                 ,
                                 0
#endif
        );
        PROMISE(id == CIPDRV_NO_LINK || (id < CIPDRV_LINKS && !f.open[id] && !f.dialled[id]));
        if (id != CIPDRV_NO_LINK) f.dialled[id] = true;
    }
    if (link >= CIPDRV_LINKS) return;
    if (what % 8 == 1) cipdrv_send(&f.driver, link, bytes, (uint16_t)(1 + what), CIPDRV_FROM_RAM);
    if (what % 8 == 2) cipdrv_send(&f.driver, link, NULL, (uint16_t)(1 + what), CIPDRV_FROM_RAM);
    if (what % 8 == 3) cipdrv_close(&f.driver, link);
}

static uint16_t told(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    PROMISE(driver == &f.driver && event <= CIPDRV_ANSWER);
    PROMISE(link < CIPDRV_LINKS || link == CIPDRV_NO_LINK);
    uint16_t take = 0;
    switch ((cipdrv_event_t)event) {
    case CIPDRV_OPENED:
        PROMISE(link < CIPDRV_LINKS && !f.open[link] && (n == 1 || f.dialled[link]));
        f.open[link] = true;
        f.dialled[link] = false;
        break;
    case CIPDRV_CLOSED:
        PROMISE(link < CIPDRV_LINKS && (f.open[link] || f.dialled[link]));
        f.open[link] = f.dialled[link] = false;
        break;
    case CIPDRV_RECEIVED: {
        uint8_t sum = 0;
        PROMISE(link < CIPDRV_LINKS && f.open[link] && data != NULL && n > 0);
        for (uint16_t i = 0; i < n; i++)
            sum = (uint8_t)(sum + ((uint8_t *)data)[i]);
        take = sum % 4 == 0 ? (uint16_t)(n / 2) : n;
        break;
    }
    case CIPDRV_ROOM: PROMISE(link < CIPDRV_LINKS && f.open[link]); return next() % 2 ? n : 0;
    case CIPDRV_FILL:
        PROMISE(link < CIPDRV_LINKS && data != NULL);
        *(uint8_t *)data = 'x';
        return 0;
    case CIPDRV_SENT: PROMISE(link < CIPDRV_LINKS && f.open[link]); break;
    case CIPDRV_RATE:
    case CIPDRV_UP:
    case CIPDRV_DOWN:
    case CIPDRV_FAULT:
    case CIPDRV_ANSWER: break;
    }
    act(link);
    return take;
}

static void poll(uint16_t room)
{
    uint8_t out[64];
    memset(out, 0xa5, sizeof out);
    uint16_t n = cipdrv_poll(&f.driver, f.now, out, room);
    PROMISE(n <= room);
    for (size_t i = n; i < sizeof out; i++)
        PROMISE(out[i] == 0xa5);
    PROMISE(cipdrv_deadline(&f.driver) <= 0x8000);
}

static void step(void)
{
    const uint8_t what = next();
    const uint8_t n = next();
    uint8_t       raw[64];
    uint16_t      length = (uint16_t)(n % sizeof raw);
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        PROMISE(cipdrv_sink(&f.driver, f.now, (const uint8_t *)lines[n % LINES], (uint16_t)strlen(lines[n % LINES])) <=
                strlen(lines[n % LINES]));
        break;
    case 3:
        for (uint16_t i = 0; i < length; i++)
            raw[i] = next();
        PROMISE(cipdrv_sink(&f.driver, f.now, raw, length) <= length);
        break;
    case 4: f.now = (uint16_t)(f.now + n); break;
    case 5: f.now = (uint16_t)(f.now + cipdrv_deadline(&f.driver)); break;
    case 6: cipdrv_fault(&f.driver); break;
    default: act(n % CIPDRV_LINKS); break;
    }
    poll((uint16_t)(what / 8 % 33));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cipdrv_config_t config;
    memset(&f, 0, sizeof f);
    f.data = data;
    f.size = size;
    const uint8_t how = next();
    config = (cipdrv_config_t){ .handler = told, .ssid = how & 1 ? "lab" : NULL, .password = "password", .rate = 1152 };
#if CIPDRV_PASSIVE
    config.passive = how & 2;
#endif
#if CIPDRV_SERVER
    config.server_port = how & 4 ? 80 : 0;
#endif
    cipdrv_start(&f.driver, &config, f.now);
    while (f.size > 0)
        step();
    return 0;
}
