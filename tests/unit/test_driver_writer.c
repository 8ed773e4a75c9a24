/* The driver's writer alone: the bytes of every command, with every argument that it takes, in one set of the driver's
 * features at a time. */
#include "internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cipdrv_t        driver;
static cipdrv_config_t config;

static void start(uint8_t command, uint8_t link, uint16_t amount)
{
    memset(&driver, 0, sizeof driver);
    memset(&config, 0, sizeof config);
    config.ssid = "lab";
    config.password = "password";
    config.rate = 1152;
#if CIPDRV_FLOW
    config.flow = 2;
#endif
#if CIPDRV_SOFTAP
    config.ap_ssid = "mine";
    config.ap_password = "12345678";
    config.ap_channel = 6;
#endif
    driver.config = &config;
    driver.command = command;
    driver.link = link;
    driver.amount = amount;
    driver.host = "10.0.2.2";
    driver.now = 1000;
}

/* All that is written for the command in the slot (the line end of "+++" is not for the modem), and when its answer is
 * overdue, in ms. */
static void writes(const char *expected, unsigned limit_ms)
{
    char   line[512];
    size_t n = 0;
    cipdrv_write_start(&driver);
    assert_int_equal(driver.stage, STAGE_WRITE);
    do {
        assert_true(n < sizeof line - 1);
        line[n] = (char)cipdrv_write_byte(&driver);
        n++;
    } while (driver.stage == STAGE_WRITE);
    line[n] = '\0';
    assert_string_equal(line, expected);
    assert_int_equal((uint16_t)(driver.deadline - driver.now), CIPDRV_TICKS(limit_ms));
}

#if CIPDRV_LINKS > 1
#define ID "3,"
enum { LINK_ID = 3 };
#else
#define ID ""
enum { LINK_ID = 0 };
#endif
#if CIPDRV_CUR
#define CUR_NONOS "_CUR"
#else
#define CUR_NONOS ""
#endif

/* One row a command; a test checks that none is missing. */
static const struct { /* NOLINT(clang-analyzer-optin.performance.Padding): in the order of reading */
    uint8_t     command;
    uint16_t    amount;
    const char *nonos, *esp_at; /* NULL: the same */
    unsigned    limit_ms;
} rows[] = {
    { COMMAND_NONE, 0, "\n", NULL, 256 }, /* never begun */
    { COMMAND_ESCAPE, 0, "+++\n", NULL, 256 },
    { COMMAND_PROBE, 0, "AT\r\n", NULL, 256 },
#if CIPDRV_SAVED
    { COMMAND_SAVED, 0, "AT+SAVETRANSLINK=0\r\n", NULL, 1024 },
#endif
    { COMMAND_RESET, 0, "AT+RST\r\n", NULL, 5120 },
    { COMMAND_ECHO_OFF, 0, "ATE0\r\n", NULL, 1024 },
#if CIPDRV_CUR
    { COMMAND_VERSION, 0, "AT+GMR\r\n", NULL, 1024 },
    { COMMAND_MESSAGES, 0, "AT+SYSMSG_CUR=0\r\n", "AT+SYSMSG=0\r\n", 1024 },
#endif
#if CIPDRV_SWITCH && CIPDRV_FLOW
    { COMMAND_RATE, 1152, "AT+UART_CUR=115200,8,1,0,2\r\n", NULL, 1024 },
#elif CIPDRV_SWITCH
    { COMMAND_RATE, 1152, "AT+UART_CUR=115200,8,1,0,0\r\n", NULL, 1024 },
#endif
#if CIPDRV_LINKS > 1
    { COMMAND_MUX, 1, "AT+CIPMUX=1\r\n", NULL, 1024 },
#endif
#if CIPDRV_PASSIVE
    { COMMAND_PASSIVE, 1, "AT+CIPRECVMODE=1\r\n", NULL, 1024 },
#endif
#if CIPDRV_SOFTAP
    { COMMAND_WIFI_MODE, 3, "AT+CWMODE" CUR_NONOS "=3\r\n", "AT+CWMODE=3\r\n", 1024 },
    { COMMAND_SOFTAP, 6, "AT+CWSAP" CUR_NONOS "=\"mine\",\"12345678\",6,3\r\n",
      "AT+CWSAP=\"mine\",\"12345678\",6,3\r\n", 5120 },
#else
    { COMMAND_WIFI_MODE, 1, "AT+CWMODE" CUR_NONOS "=1\r\n", "AT+CWMODE=1\r\n", 1024 },
#endif
#if CIPDRV_SERVER
    { COMMAND_SERVER_ON, 80, "AT+CIPSERVER=1,80\r\n", NULL, 1024 },
    { COMMAND_SERVER_IDLE, 7200, "AT+CIPSTO=7200\r\n", NULL, 1024 },
#endif
    { COMMAND_STATUS, 0, "AT+CIPSTATUS\r\n", NULL, 1024 },
#if CIPDRV_PASSIVE
    { COMMAND_LENGTHS, 0, "AT+CIPRECVLEN?\r\n", NULL, 1024 },
    { COMMAND_READ, 1460, "AT+CIPRECVDATA=" ID "1460\r\n", NULL, 1024 },
#endif
    { COMMAND_JOIN, 0, "AT+CWJAP" CUR_NONOS "=\"lab\",\"password\"\r\n", "AT+CWJAP=\"lab\",\"password\"\r\n", 20480 },
    { COMMAND_DIAL, 5000, "AT+CIPSTART=" ID "\"TCP\",\"10.0.2.2\",5000\r\n", NULL, 40960 },
#if CIPDRV_LINKS > 1
    { COMMAND_MUX_AGAIN, 0, "AT+CIPMUX=1\r\n", NULL, 1024 },
    { COMMAND_CLOSE, 0, "AT+CIPCLOSE=3\r\n", NULL, 2048 },
#else
    { COMMAND_CLOSE, 0, "AT+CIPCLOSE\r\n", NULL, 2048 },
#endif
    { COMMAND_SEND, 2048, "AT+CIPSEND=" ID "2048\r\n", NULL, 1024 },
#if CIPDRV_THROUGH
    { COMMAND_THROUGH_MODE, 0, "AT+CIPMODE=1\r\n", NULL, 1024 },
    { COMMAND_THROUGH, 0, "AT+CIPSEND\r\n", NULL, 1024 },
    { COMMAND_THROUGH_END, 0, "AT+CIPMODE=0\r\n", NULL, 1024 },
#endif
#if CIPDRV_ASK
    { COMMAND_ASK_NAME, 0, "AT+CIPDOMAIN=\"10.0.2.2\"\r\n", NULL, 20480 },
    { COMMAND_ASK_PING, 0, "AT+PING=\"10.0.2.2\"\r\n", NULL, 10240 },
    { COMMAND_ASK_TIME, 0, "AT+CIPSNTPTIME?\r\n", NULL, 1024 },
    { COMMAND_TIME_ZONE, 0, "AT+CIPSNTPCFG=1,10.0.2.2\r\n", NULL, 1024 },
#endif
};
enum { ROWS = sizeof rows / sizeof *rows };

static void each_command_has_a_row(void **state)
{
    (void)state;
    unsigned seen[COMMAND_COUNT] = { 0 };
    for (size_t i = 0; i < ROWS; i++)
        seen[rows[i].command]++;
    for (size_t c = 0; c < COMMAND_COUNT; c++)
        assert_int_equal(seen[c], 1);
    assert_int_equal(ROWS, COMMAND_COUNT);
}

static void each_command_on_nonos(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        start(rows[i].command, LINK_ID, rows[i].amount);
        writes(rows[i].nonos, rows[i].limit_ms);
    }
}

static void each_command_on_esp_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        start(rows[i].command, LINK_ID, rows[i].amount);
        driver.esp_at = true;
        writes(rows[i].esp_at ? rows[i].esp_at : rows[i].nonos, rows[i].limit_ms);
    }
}

/* A modem's line may have 256 bytes. */
static void longest_lines(void **state)
{
    (void)state;
    char longest[65], host[64], expected[256];
    memset(longest, 'p', 64);
    longest[64] = '\0';
    memset(host, 'h', 63);
    host[63] = '\0';
    start(COMMAND_JOIN, 0, 0);
    config.ssid = longest + 32;
    config.password = longest;
    snprintf(expected, sizeof expected, "AT+CWJAP" CUR_NONOS "=\"%s\",\"%s\"\r\n", longest + 32, longest);
    writes(expected, 20480);
    start(COMMAND_DIAL, LINK_ID, 65535);
    driver.host = host;
    snprintf(expected, sizeof expected, "AT+CIPSTART=" ID "\"TCP\",\"%s\",65535\r\n", host);
    writes(expected, 40960);
}

/* What ssid and password may hold, and how it is written [conventions 1.3]. */
static void escapes(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *written;
    } cases[] = {
        { "a", "a" },
        { ",", "\\," },
        { "\"", "\\\"" },
        { "\\", "\\\\" },
        { "a,b", "a\\,b" },
        { ",,", "\\,\\," },
        { "\\\\", "\\\\\\\\" },
        { "\\,\"", "\\\\\\,\\\"" },
        { "a;b", "a;b" },
        { "semi;colon 'quote' +++ =?", "semi;colon 'quote' +++ =?" },
        { "\xc3\xa4\xff\x80\x7f", "\xc3\xa4\xff\x80\x7f" },       /* UTF-8 and no text at all */
        { "\1\2\3\4\5\6\7\10\11\12", "\1\2\3\4\5\6\7\10\11\12" }, /* the codes of the driver's own texts */
        { "\r\n\t", "\r\n\t" },
        { "a\\", "a\\\\" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            char expected[128];
            start(COMMAND_JOIN, 0, 0);
            config.ssid = cases[i].plain;
            config.password = cases[k].plain;
            snprintf(expected, sizeof expected, "AT+CWJAP" CUR_NONOS "=\"%s\",\"%s\"\r\n", cases[i].written,
                     cases[k].written);
            writes(expected, 20480);
#if CIPDRV_SOFTAP
            start(COMMAND_SOFTAP, 0, 13);
            config.ap_ssid = cases[i].plain;
            config.ap_password = cases[k].plain;
            snprintf(expected, sizeof expected, "AT+CWSAP" CUR_NONOS "=\"%s\",\"%s\",13,3\r\n", cases[i].written,
                     cases[k].written);
            writes(expected, 5120);
#endif
        }
}

static void numbers(void **state)
{
    (void)state;
    static const uint16_t some[] = { 0, 1, 9, 10, 99, 100, 999, 1000, 2048, 9999, 10000, 65535 };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char expected[64];
        start(COMMAND_DIAL, LINK_ID, some[i]);
        snprintf(expected, sizeof expected, "AT+CIPSTART=" ID "\"TCP\",\"10.0.2.2\",%u\r\n", some[i]);
        writes(expected, 40960);
    }
    for (uint8_t id = 0; id < CIPDRV_LINKS; id++) {
        char expected[64];
        start(COMMAND_SEND, id, 5);
#if CIPDRV_LINKS > 1
        snprintf(expected, sizeof expected, "AT+CIPSEND=%u,5\r\n", id);
#else
        snprintf(expected, sizeof expected, "AT+CIPSEND=5\r\n");
#endif
        writes(expected, 1024);
    }
}

#if CIPDRV_SWITCH
/* Every rate of the hunt, as the command would set it. */
static void rates(void **state)
{
    (void)state;
    static const uint16_t some[] = { 96, 192, 384, 576, 748, 1152, 2304, 4608, 9216 };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (uint8_t flow = 0; flow < (CIPDRV_FLOW ? 4 : 1); flow++) {
            char expected[64];
            start(COMMAND_RATE, 0, some[i]);
#if CIPDRV_FLOW
            config.flow = flow;
#endif
            snprintf(expected, sizeof expected, "AT+UART_CUR=%u00,8,1,0,%u\r\n", some[i], flow);
            writes(expected, 1024);
        }
}
#endif

static void types_and_local_ports(void **state)
{
    (void)state;
#if CIPDRV_UDP
    start(COMMAND_DIAL, LINK_ID, 123);
    link_at(&driver, LINK_ID)->type = CIPDRV_TYPE_UDP;
    writes("AT+CIPSTART=" ID "\"UDP\",\"10.0.2.2\",123\r\n", 40960);
    start(COMMAND_DIAL, LINK_ID, 123);
    link_at(&driver, LINK_ID)->type = CIPDRV_TYPE_UDP;
    driver.local_port = 5000;
    writes("AT+CIPSTART=" ID "\"UDP\",\"10.0.2.2\",123,5000,2\r\n", 40960);
    driver.local_port = 65535;
    writes("AT+CIPSTART=" ID "\"UDP\",\"10.0.2.2\",123,65535,2\r\n", 40960);
#endif
#if CIPDRV_SSL
    start(COMMAND_DIAL, LINK_ID, 443);
    link_at(&driver, LINK_ID)->type = CIPDRV_TYPE_SSL;
    writes("AT+CIPSTART=" ID "\"SSL\",\"10.0.2.2\",443\r\n", 40960);
#endif
}

/* A command that is begun anew in the middle of another leaves nothing of it behind. */
static void begun_anew(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 40; k++) {
        start(COMMAND_JOIN, 0, 0);
        config.ssid = "a,b";
        cipdrv_write_start(&driver);
        for (unsigned i = 0; i < k; i++)
            cipdrv_write_byte(&driver);
        driver.command = COMMAND_JOIN;
        config.ssid = "lab";
        driver.esp_at = true;
        writes("AT+CWJAP=\"lab\",\"password\"\r\n", 20480);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_a_row),
        cmocka_unit_test(each_command_on_nonos),
        cmocka_unit_test(each_command_on_esp_at),
        cmocka_unit_test(longest_lines),
        cmocka_unit_test(escapes),
        cmocka_unit_test(numbers),
#if CIPDRV_SWITCH
        cmocka_unit_test(rates),
#endif
        cmocka_unit_test(types_and_local_ports),
        cmocka_unit_test(begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
