/* A web server: a page of six resources in flash, more than the RAM could hold, and a value of the ADC (pin A0).
 *
 * Each client has a row of `clients`. Its request is read byte by byte as it comes, only the path is kept. The answer
 * is made of pieces; the driver asks for the next bytes whenever it can send some (CIPDRV_FILL).
 *
 * The client closes, because it knows the length. An AT+CIPCLOSE from here could meet the next client: while it is on the
 * wire, the id may pass from one that closed to one that comes. Who does not close is closed by the modem when it has been
 * idle (AT+CIPSTO), which knows the one from the other. */
#include "network.h"
#include "uart.h"

#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <string.h>

/* ---- The resources ----------------------------------------------------------------------------------------------- */

/* The bytes of a file, in flash. */
#define FILE_IN_FLASH(name, path)                                                                                      \
    extern const char name[], name##_end[];                                                                            \
    __asm__(".section .progmem.data." #name ",\"a\",@progbits\n" #name ": .incbin \"" path "\"\n" #name                \
            "_end:\n.text\n")

FILE_IN_FLASH(file_page, "www/index.html");
FILE_IN_FLASH(file_style, "www/style.css");
FILE_IN_FLASH(file_script, "www/script.js");
FILE_IN_FLASH(file_chip, "www/chip.svg");
FILE_IN_FLASH(file_wave, "www/wave.png");

static const char type_html[] PROGMEM = "text/html; charset=utf-8";
static const char type_css[] PROGMEM = "text/css";
static const char type_js[] PROGMEM = "text/javascript";
static const char type_svg[] PROGMEM = "image/svg+xml";
static const char type_png[] PROGMEM = "image/png";
static const char type_json[] PROGMEM = "application/json";
static const char type_text[] PROGMEM = "text/plain";
static const char json_text[] PROGMEM = "{\"adc\":";
static const char absent_text[] PROGMEM = "There is no such page.\r\n";

enum { PATH_SIZE = 12, JSON = 5, ABSENT = 6 };

static const struct {
    char        path[PATH_SIZE];
    const char *type, *begin, *end;
} resources[] PROGMEM = {
    { "/", type_html, file_page, file_page_end },
    { "/style.css", type_css, file_style, file_style_end },
    { "/script.js", type_js, file_script, file_script_end },
    { "/chip.svg", type_svg, file_chip, file_chip_end },
    { "/wave.png", type_png, file_wave, file_wave_end },
    { "/value.json", type_json, json_text, json_text + sizeof json_text - 1 },
    { "", type_text, absent_text, absent_text + sizeof absent_text - 1 },
};

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

enum { READING_METHOD, READING_PATH, READING_REST, ANSWERING }; /* client_t.state */

typedef struct {
    uint8_t  state;
    uint8_t  length;   /* of the path */
    uint8_t  newlines; /* in a row */
    uint8_t  resource;
    uint8_t  piece; /* of the answer that is written next */
    uint16_t at;    /* its next byte */
    uint16_t value; /* of the ADC when the request came */
    char     path[PATH_SIZE];
} client_t;

static client_t          clients[CIPDRV_LINKS];
static volatile uint16_t adc;

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static const char status_good[] PROGMEM = "HTTP/1.0 200 OK\r\nContent-Type: ";
static const char status_absent[] PROGMEM = "HTTP/1.0 404 Not Found\r\nContent-Type: ";
static const char head_length[] PROGMEM = "\r\nContent-Length: ";
static const char head_keep[] PROGMEM =
    "\r\nCache-Control: max-age=600"; /* so a reload asks for what is missing only */
static const char head_end[] PROGMEM = "\r\nConnection: close\r\n\r\n";
static const char json_end[] PROGMEM = "}";

enum {
    PIECE_STATUS,
    PIECE_TYPE,
    PIECE_LENGTH,
    PIECE_NUMBER,
    PIECE_KEEP,
    PIECE_END,
    PIECE_BODY,
    PIECE_VALUE,
    PIECE_JSON_END,
    PIECES
};
enum { DIGITS = 5 };

static uint16_t body_length(const client_t *client)
{
    const char *begin = pgm_read_ptr(&resources[client->resource].begin);
    const char *end = pgm_read_ptr(&resources[client->resource].end);
    return (uint16_t)(end - begin);
}

/* Length of a piece of the answer, and where it is in flash; NULL: it is a number of DIGITS characters. */
static uint16_t find_piece(const client_t *client, const char **text)
{
    bool json = client->resource == JSON;
    *text = NULL;
    if (client->piece == PIECE_KEEP && client->resource >= JSON) return 0;
    switch (client->piece) {
    case PIECE_STATUS: *text = client->resource == ABSENT ? status_absent : status_good; break;
    case PIECE_TYPE: *text = pgm_read_ptr(&resources[client->resource].type); break;
    case PIECE_LENGTH: *text = head_length; break;
    case PIECE_KEEP: *text = head_keep; break;
    case PIECE_END: *text = head_end; break;
    case PIECE_BODY: *text = pgm_read_ptr(&resources[client->resource].begin); return body_length(client);
    case PIECE_NUMBER: return DIGITS;
    case PIECE_VALUE: return json ? DIGITS : 0;
    default: *text = json_end; return json;
    }
    return (uint16_t)strlen_P(*text);
}

/* The number of this piece, blanks before it. */
static void write_number(const client_t *client, char out[DIGITS])
{
    uint16_t number = client->value;
    if (client->piece == PIECE_NUMBER)
        number = client->resource == JSON ? body_length(client) + DIGITS + 1 : body_length(client);
    memset(out, ' ', DIGITS);
    for (uint8_t i = DIGITS; i && (number || i == DIGITS); number /= 10)
        out[--i] = (char)('0' + number % 10);
}

/* CIPDRV_FILL: the next n bytes of the answer. */
static uint16_t fill(client_t *client, char *out, uint16_t n)
{
    uint16_t made = 0;
    while (made < n && client->piece < PIECES) {
        const char *text;
        char        number[DIGITS];
        uint16_t    length = find_piece(client, &text), k = (uint16_t)(length - client->at);
        if (k > n - made) k = (uint16_t)(n - made);
        if (text)
            memcpy_P(out + made, text + client->at, k);
        else {
            write_number(client, number);
            memcpy(out + made, number + client->at, k);
        }
        made = (uint16_t)(made + k);
        client->at = (uint16_t)(client->at + k);
        if (client->at == length) {
            client->at = 0;
            client->piece++;
        }
    }
    return made;
}

static void answer(cipdrv_t *driver, uint8_t link)
{
    client_t   *client = &clients[link];
    const char *text;
    uint16_t    length = 0;
    client->state = ANSWERING;
    client->value = adc;
    client->path[client->length] = '\0';
    for (client->resource = 0; client->resource < ABSENT; client->resource++)
        if (!strcmp_P(client->path, resources[client->resource].path)) break;
    for (client->piece = 0; client->piece < PIECES; client->piece++)
        length = (uint16_t)(length + find_piece(client, &text));
    client->piece = 0;
    cipdrv_send(driver, link, NULL, length, CIPDRV_FROM_RAM);
}

/* ---- The request: METHOD PATH VERSION, lines, an empty line ------------------------------------------------------ */

static void read_byte(cipdrv_t *driver, uint8_t link, char c)
{
    client_t *client = &clients[link];
    if (c == '\n')
        client->newlines++;
    else if (c != '\r')
        client->newlines = 0;
    if (client->state == ANSWERING) return;
    if (client->newlines == 2)
        answer(driver, link);
    else if (client->state == READING_PATH && c != ' ' && c != '?') {
        if (client->length < PATH_SIZE - 1) client->path[client->length++] = c;
    } else if (client->state == READING_PATH)
        client->state = READING_REST;
    else if (client->state == READING_METHOD && c == ' ')
        client->state = READING_PATH;
}

static uint16_t on_event(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    const char *bytes = data;
    switch (event) {
    case CIPDRV_RATE: cipdrv_uart_rate(n); break;
    case CIPDRV_OPENED: memset(&clients[link], 0, sizeof clients[link]); break;
    case CIPDRV_RECEIVED:
        for (uint16_t i = 0; i < n; i++)
            read_byte(driver, link, bytes[i]);
        return n;
    case CIPDRV_FILL: return fill(&clients[link], data, n);
    default: break;
    }
    return 0;
}

/* ---- Main -------------------------------------------------------------------------------------------------------- */

static const cipdrv_config_t config = {
    .handler = on_event,
    .ssid = NETWORK_SSID,
    .password = NETWORK_PASSWORD,
    .rate = CIPDRV_UART_RATE,
    .server_port = 80,
    .server_idle = CIPDRV_LINKS > 1 ? 30 : 5, /* s; with one link a silent client keeps everybody out */
};
static cipdrv_t driver;

/* The ADC works by itself: the latest value is there when somebody asks. */
static void measure(void)
{
    if (ADCSRA & _BV(ADSC)) return;
    adc = ADC;
    ADCSRA |= _BV(ADSC);
}

int main(void)
{
    ADMUX = _BV(REFS0); /* A0 against AVCC */
    ADCSRA = _BV(ADEN) | _BV(ADSC) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
    cipdrv_uart_start();
    cipdrv_start(&driver, &config, cipdrv_uart_now());
    for (;;) {
        bool moved = cipdrv_uart_run(&driver);
        measure();
        if (!moved) sleep_mode(); /* idle, until the next interrupt */
    }
}
