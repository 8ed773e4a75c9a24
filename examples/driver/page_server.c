/* page_server LINE [SSID PASSWORD]: a web server behind the modem on LINE (HOST:PORT or a tty), at the modem's port 80. */
#include "pages.h"
#include "serial.h"
#include <stdio.h>

static struct client {
    char  request[4096], answer[sizeof numbers + 256];
    char *next; /* what is still to be sent; NULL: the request is not complete */
} clients[CIPDRV_LINKS];

static serial_t uart;

static void prepare(struct client *client, int link)
{
    static char        body[sizeof numbers];
    static unsigned    served;
    const struct page *page = pages;
    while (strncmp(client->request, page->request, strlen(page->request)) != 0)
        page++;
    int length = snprintf(body, sizeof body, page->text, link, ++served);
    snprintf(client->answer, sizeof client->answer,
             "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
             *page->request ? "200 OK" : "404 Not Found", page->type, length, body);
    client->next = client->answer;
}

/* The client closes, because it knows the length: an AT+CIPCLOSE could meet the next one, which has the same id. */
static void send_on(cipdrv_t *driver, uint8_t link)
{
    uint16_t n = (uint16_t)strnlen(clients[link].next, UINT16_MAX);
    if (n) cipdrv_send(driver, link, clients[link].next, n, CIPDRV_FROM_RAM);
    clients[link].next += n;
}

static void receive(cipdrv_t *driver, uint8_t link, const char *data, uint16_t n)
{
    struct client *client = &clients[link];
    size_t         length = strlen(client->request);
    snprintf(client->request + length, sizeof client->request - length, "%.*s", n, data);
    if (client->next || !strstr(client->request, "\r\n\r\n")) return;
    prepare(client, link);
    send_on(driver, link);
}

static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    switch (event) {
    case CIPDRV_RATE: serial_rate(&uart, n); break;
    case CIPDRV_UP: puts("up"); break;
    case CIPDRV_DOWN: printf("down, cause %u\n", n); break;
    case CIPDRV_OPENED: memset(&clients[link], 0, sizeof *clients); break;
    case CIPDRV_RECEIVED: receive(driver, link, data, n); return n;
    case CIPDRV_SENT: send_on(driver, link); break;
    default: break;
    }
    return 0;
}

int main(int count, char **arguments)
{
    static cipdrv_config_t config = { on_event, "lab", "password", 1152, .server_port = 80, .server_idle = 60 };
    static cipdrv_t        driver;
    if (count != 2 && count != 4) return 2;
    if (count == 4) config.ssid = arguments[2], config.password = arguments[3];
    write_numbers();
    setvbuf(stdout, NULL, _IOLBF, 0);
    serial_open(&uart, arguments[1]);
    cipdrv_start(&driver, &config, serial_now());
    for (;;)
        serial_run(&uart, &driver);
}
