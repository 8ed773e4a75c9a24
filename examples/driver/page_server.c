/* page_server LINE [SSID PASSWORD]: a web server behind the modem on LINE (HOST:PORT or a tty), at the modem's port 80.
 * Every answer is asked for piece by piece: no page need be in memory. */
#include "cipdrv.h"
#include "serial.h"
#include <stdio.h>

static const struct page {
    const char *path, *type, *text; /* text NULL: NUMBERS, a line each */
} pages[] = {
    { "/", "text/html",
      "<!doctype html><title>cipdrv</title><link rel=stylesheet href=style.css><h1>It works</h1><p id=status></p>\n"
      "<img src=picture.svg><a href=numbers.txt>200,000 bytes</a><script src=script.js></script>\n" },
    { "/style.css", "text/css", "body { font-family: sans-serif; margin: 3em; background: #eef }\n" },
    { "/script.js", "text/javascript", "fetch('status.json').then(r => r.text()).then(t => status.textContent = t)\n" },
    { "/picture.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><circle r='99' fill='teal'/></svg>\n" },
    { "/status.json", "application/json", "{ \"link\": %d, \"served\": %u }\n" },
    { "/numbers.txt", "text/plain", NULL },
    { NULL, "text/plain", "not found\n" },
};

enum { NUMBERS = 25000, LINE = 8 }; /* "0000000\n" to "0024999\n" */

static struct client {
    char request[64], text[512]; /* the request's first bytes; the answer's head, and its body unless it is NUMBERS */
    uint32_t length, end;        /* of the request: how many are kept, and its latest four bytes */
    uint32_t text_length, total, given;
} clients[CIPDRV_LINKS];

static serial_t uart;

static void prepare(struct client *client, int link)
{
    static unsigned    served;
    char               path[sizeof client->request] = "", body[256] = "";
    const struct page *page = pages;
    sscanf(client->request, "GET %s", path);
    while (page->path && strcmp(page->path, path) != 0)
        page++;
    int length = page->text ? snprintf(body, sizeof body, page->text, link, ++served) : NUMBERS * LINE;
    int text = snprintf(client->text, sizeof client->text,
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                        page->path ? "200 OK" : "404 Not Found", page->type, length, body);
    client->text_length = (uint32_t)text;
    client->total = (uint32_t)(page->text ? text : text + length);
}

static char answer_byte(const struct client *client, uint32_t at)
{
    static const uint32_t powers[LINE - 1] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
    if (at < client->text_length) return client->text[at];
    at -= client->text_length;
    return at % LINE == LINE - 1 ? '\n' : (char)('0' + at / LINE / powers[at % LINE] % 10);
}

/* Sends what is left of the answer. The client closes, because it knows the length: an AT+CIPCLOSE could meet the next
 * client, which has the same id. One that does not close is closed after config.server_idle. */
static void answer(cipdrv_t *driver, uint8_t link)
{
    uint32_t left = clients[link].total - clients[link].given;
    if (left > 0) cipdrv_send(driver, link, NULL, left < 65535 ? (uint16_t)left : 65535, CIPDRV_FROM_RAM);
}

/* The answer begins when the empty line behind the request has come. */
static void receive(cipdrv_t *driver, uint8_t link, const uint8_t *data, uint16_t n)
{
    static const uint32_t empty_line = 0x0D0A0D0A;
    struct client        *client = &clients[link];
    for (; n > 0 && client->end != empty_line; n--, data++) {
        if (client->length < sizeof client->request - 1u) client->request[client->length++] = (char)*data;
        client->end = client->end << 8 | *data;
        if (client->end != empty_line) continue;
        prepare(client, link);
        answer(driver, link);
    }
}

static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: serial_rate(&uart, n); break;
    case CIPDRV_UP: puts("up"); break;
    case CIPDRV_DOWN: printf("down, cause %u\n", n); break;
    case CIPDRV_OPENED: clients[link] = (struct client){ 0 }; break;
    case CIPDRV_RECEIVED: receive(driver, link, data, n); return n;
    case CIPDRV_FILL: *(char *)data = answer_byte(&clients[link], clients[link].given++); break;
    case CIPDRV_SENT: answer(driver, link); break;
    case CIPDRV_CLOSED: printf("closed: link %u, cause %u\n", link, n); break;
    default: break;
    }
    return 0;
}

int main(int count, char **arguments)
{
    static cipdrv_config_t config = { on_event, "lab", "password", 1152, .server_port = 80, .server_idle = 60 };
    static cipdrv_t        driver;
    static uint8_t         in[512], out[sizeof uart.out];
    if (count != 2 && count != 4) return 2;
    if (count == 4) config.ssid = arguments[2], config.password = arguments[3];
    setvbuf(stdout, NULL, _IOLBF, 0);
    serial_open(&uart, arguments[1]);
    cipdrv_start(&driver, &config, serial_now());
    for (;;) {
        uint16_t n = serial_read(&uart, in, sizeof in, cipdrv_deadline(&driver));
        cipdrv_sink(&driver, serial_now(), in, n);
        n = cipdrv_poll(&driver, serial_now(), out, serial_room(&uart));
        serial_write(&uart, out, n);
    }
}
