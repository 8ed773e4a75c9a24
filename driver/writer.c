/* The writer: the command in the slot -> bytes, one at a time, from its text in flash and its arguments where they are. */
#include "internal.h"

static const char commands[] FLASH =
#define X(name, text) text
    COMMANDS(X)
#undef X
    ;

/* What is inserted from flash. */
static const char cip[] FLASH = "AT+CIP";
#if CIPDRV_CUR
static const char cur[] FLASH = "_CUR";
#endif
#if CIPDRV_UDP || CIPDRV_SSL
static const char types[][4] FLASH = { "TCP", "UDP", "SSL" };
#endif

static void insert_part(cipdrv_t *driver, const char *part)
{
    driver->rest = driver->text;
    driver->text = part;
}

static void insert_number(cipdrv_t *driver, uint16_t value)
{
    char *at = driver->digits + sizeof driver->digits - 1;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    driver->insert = at;
}

void cipdrv_wait(cipdrv_t *driver, uint8_t quarters)
{
    driver->deadline = (uint16_t)(driver->now + quarters * CIPDRV_TICKS(256));
}

void cipdrv_write_start(cipdrv_t *driver)
{
    const char *text = commands;
    for (uint8_t i = driver->command; i;)
        if (flash_next(&text) == '\n') i--;
    cipdrv_wait(driver, flash_next(&text));
    driver->text = text;
    driver->insert = driver->digits + sizeof driver->digits - 1; /* "" */
    driver->stage = STAGE_WRITE;
}

static void insert(cipdrv_t *driver, uint8_t code)
{
    const cipdrv_config_t *config = driver->config;
    const char            *ssid = config->ssid, *password = config->password;
#if CIPDRV_SOFTAP
    if (driver->command == COMMAND_SOFTAP) {
        ssid = config->ap_ssid;
        password = config->ap_password;
    }
#endif
    uint16_t number = driver->amount;
    if (code == CIP[0])
        insert_part(driver, cip);
    else if (code == SSID[0])
        driver->insert = ssid;
    else if (code == PASSWORD[0])
        driver->insert = password;
    else if (code == HOST[0])
        driver->insert = driver->host;
#if CIPDRV_UDP || CIPDRV_SSL
    else if (code == TYPE[0])
        insert_part(driver, types[link_at(driver, driver->link)->type]);
#endif
#if CIPDRV_CUR
    else if (code == CUR[0]) {
        if (!driver->esp_at) insert_part(driver, cur);
    }
#endif
#if CIPDRV_UDP
    else if (code == END_UNLESS_PORT[0]) {
        while (!driver->local_port && flash_byte(driver->text) != '\r')
            driver->text++;
    }
#endif
    else {
        if (CIPDRV_LINKS > 1 && code == LINK[0]) number = driver->link;
#if CIPDRV_FLOW
        else if (code == FLOW[0])
            number = config->flow;
#endif
#if CIPDRV_UDP
        else if (code == LOCAL_PORT[0])
            number = driver->local_port;
#endif
        insert_number(driver, number);
    }
}

/* A comma, a quote and a backslash in a quoted argument have a backslash before them [conventions 1.3]. 0: there is no more
 * of it. */
static uint8_t insert_byte(cipdrv_t *driver)
{
    uint8_t c = (uint8_t)*driver->insert;
    if (!driver->escaped && (c == ',' || c == '"' || c == '\\')) {
        driver->escaped = true;
        return '\\';
    }
    driver->escaped = false;
    if (c) driver->insert++;
    return c;
}

uint8_t cipdrv_write_byte(cipdrv_t *driver)
{
    for (;;) {
        uint8_t c = insert_byte(driver);
        if (c) return c;
        c = flash_next(&driver->text);
        if (c == '\n') driver->stage = STAGE_AWAIT;
        if (c == '\n' || c >= '\r') /* no code */
            return c;
        if (c)
            insert(driver, c);
        else /* the end of a part */
            driver->text = driver->rest;
    }
}
