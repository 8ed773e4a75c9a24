/* modem/image.c: every saved setting is in the image, a damaged image is known as such, and which settings survive what. */
#include "internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static cipmux_config_t config;
static cipmux_t        modem, other;
static uint64_t        now_us;

static modem_t *inside(cipmux_t *m)
{
    return (modem_t *)m;
}

/* Every byte of the settings that is not padding between members comes back. */
static void every_byte_is_kept(void **state)
{
    enum { PADDING_MAX = 24 };
    uint8_t image[CIPMUX_IMAGE_MAX];
    size_t  lost = 0;
    (void)state;
    cipmux_config(&config, "nonos-1.7.6");
    for (size_t i = 0; i < sizeof(settings_t); i++) {
        cipmux_power_on(&modem, &config, 0);
        uint8_t *byte = (uint8_t *)&inside(&modem)->saved + i;
        *byte ^= 1; /* a bool stays one */
        uint8_t changed = *byte;
        size_t  n = cipmux_image(&modem, image);
        assert_true(n <= CIPMUX_IMAGE_MAX);
        cipmux_power_on(&other, &config, 0);
        assert_true(cipmux_use_flash(&other, image, n));
        lost += ((uint8_t *)&inside(&other)->saved)[i] != changed;
    }
    assert_true(lost <= PADDING_MAX);
    print_message("%zu bytes of settings, %zu of them padding, image of %zu bytes\n", sizeof(settings_t), lost,
                  cipmux_image(&modem, image));
}

static void damage_is_seen(void **state)
{
    uint8_t image[CIPMUX_IMAGE_MAX];
    (void)state;
    cipmux_config(&config, "esp-at-2.3");
    cipmux_power_on(&modem, &config, 0);
    size_t n = cipmux_image(&modem, image);
    assert_true(cipmux_image_is_good(image, n));
    for (size_t bit = 0; bit < n * 8; bit++) {
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(cipmux_image_is_good(image, n));
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t shorter = 0; shorter < n; shorter++)
        assert_false(cipmux_image_is_good(image, shorter));
    assert_false(cipmux_use_flash(&modem, image, n - 1));
}

/* ---- Which settings survive what -------------------------------------------------------------------------------- */

static size_t run(const char *line, char *out, size_t capacity)
{
    cipmux_request_t request;
    size_t           typed = 0, n = 0, length = strlen(line);
    for (int round = 0; round < 200; round++) {
        typed += cipmux_sink(&modem, now_us, line + typed, length - typed);
        while (cipmux_request(&modem, now_us, &request)) {
            cipmux_event_t event = { .kind = CIPMUX_EVENT_STORED };
            if (request.kind == CIPMUX_REQUEST_LINE) event.kind = CIPMUX_EVENT_LINE_SET;
            if (request.kind == CIPMUX_REQUEST_LINE || request.kind == CIPMUX_REQUEST_STORE)
                cipmux_event(&modem, now_us, &event, NULL);
        }
        n += cipmux_poll(&modem, now_us, out + n, capacity - 1 - n);
        now_us += 10000;
        cipmux_tick(&modem, now_us);
    }
    out[n] = '\0';
    return n;
}

static bool says(const char *line, const char *answer)
{
    char typed[200], out[4096];
    snprintf(typed, sizeof typed, "%s\r\n", line);
    run(typed, out, sizeof out);
    return strstr(out, answer) != NULL;
}

static void power_cycle(const uint8_t *image, size_t n)
{
    char out[4096];
    cipmux_power_on(&modem, &config, now_us);
    assert_true(cipmux_use_flash(&modem, image, n));
    run("", out, sizeof out);
    assert_non_null(strstr(out, "ready"));
}

enum { RESTART = 1, CYCLE = 2, BOTH = 3, NEVER = 0 };

/* `before` prepares, `set` sets, `query` shows `shown` while it lasts. It lasts over AT+RST, a power cycle, or neither;
 * over AT+RESTORE nothing does. */
static const struct {
    const char *dialect, *before, *set, *query, *shown;
    int         lasts;
} classes[] = {
    /* nonos: _CUR never, _DEF and the bare name always */
    { "nonos-1.7.6", NULL, "AT+CWMODE_CUR=3", "AT+CWMODE?", "+CWMODE:3", NEVER },
    { "nonos-1.7.6", NULL, "AT+CWMODE_DEF=3", "AT+CWMODE?", "+CWMODE:3", BOTH },
    { "nonos-1.7.6", NULL, "AT+CWMODE=1", "AT+CWMODE_DEF?", "+CWMODE_DEF:1", BOTH },
    { "nonos-1.7.6", NULL, "AT+UART_CUR=115200,8,1,0,3", "AT+UART_CUR?", ":115200,8,1,0,3", NEVER },
    { "nonos-1.7.6", NULL, "AT+UART_DEF=115200,8,1,0,3", "AT+UART_CUR?", ":115200,8,1,0,3", BOTH },
    { "nonos-1.7.6", NULL, "AT+SYSMSG_CUR=1", "AT+SYSMSG_CUR?", ":0x1", NEVER },
    { "nonos-1.7.6", NULL, "AT+SYSMSG_DEF=1", "AT+SYSMSG_CUR?", ":0x1", BOTH },
    { "nonos-1.7.6", NULL, "AT+CWAUTOCONN=0", "AT+CWAUTOCONN?", ":0", BOTH },
    { "nonos-1.7.6", NULL, "AT+CIPMUX=1", "AT+CIPMUX?", ":1", NEVER },
    { "nonos-1.7.6", NULL, "AT+CIPDINFO=1", "AT+CIPDINFO?", "TRUE", NEVER },
    /* esp-at: AT+SYSSTORE decides for Wi-Fi, UART_DEF has a name of its own */
    { "esp-at-2.3", NULL, "AT+CWMODE=3", "AT+CWMODE?", "+CWMODE:3", BOTH },
    { "esp-at-2.3", "AT+SYSSTORE=0", "AT+CWMODE=3", "AT+CWMODE?", "+CWMODE:3", NEVER },
    { "esp-at-2.3", "AT+SYSSTORE=0", "AT+CWAUTOCONN=0", "AT+CWAUTOCONN?", ":0", BOTH }, /* always saved [wifi 1.2] */
    { "esp-at-2.3", NULL, "AT+CWAUTOCONN=0", "AT+CWAUTOCONN?", ":0", BOTH },
    { "esp-at-2.3", NULL, "AT+UART_CUR=115200,8,1,0,3", "AT+UART_CUR?", ":115200,8,1,0,3", NEVER },
    { "esp-at-2.3", "AT+SYSSTORE=0", "AT+UART_DEF=115200,8,1,0,3", "AT+UART_CUR?", ":115200,8,1,0,3", BOTH },
    { "esp-at-2.3", NULL, "AT+CIPTCPOPT=-1,1,0", "AT+CIPTCPOPT?", "+CIPTCPOPT:0,-1,1,0", BOTH },
    { "esp-at-2.3", NULL, "AT+CIPRECONNINTV=20", "AT+CIPRECONNINTV?", ":20", BOTH },
    { "esp-at-2.3", NULL, "AT+SYSSTORE=0", "AT+SYSSTORE?", ":0", NEVER },
    { "esp-at-2.3", NULL, "AT+SYSLOG=1", "AT+SYSLOG?", ":1", NEVER },
    { "esp-at-2.3", NULL, "AT+CIPMUX=1", "AT+CIPMUX?", ":1", NEVER },
};

/* Sets the setting in a new modem and does `what`, then asks. */
static bool lasts(size_t i, int what)
{
    uint8_t image[CIPMUX_IMAGE_MAX];
    cipmux_config(&config, classes[i].dialect);
    cipmux_power_on(&modem, &config, now_us);
    power_cycle(image, cipmux_image(&modem, image));
    if (classes[i].before) assert_true(says(classes[i].before, "OK"));
    says(classes[i].set, "OK");
    if (!says(classes[i].query, classes[i].shown)) fail_msg("%s does not show %s", classes[i].set, classes[i].shown);
    if (what == RESTART) says("AT+RST", "ready");
    if (what == CYCLE) power_cycle(image, cipmux_image(&modem, image));
    if (what == NEVER) says("AT+RESTORE", "ready");
    return says(classes[i].query, classes[i].shown);
}

static void what_survives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        for (int what = RESTART; what <= CYCLE; what++)
            if (lasts(i, what) != ((classes[i].lasts & what) != 0))
                fail_msg("%s: %s over %s: %s", classes[i].dialect, classes[i].set,
                         what == RESTART ? "AT+RST" : "a power cycle", classes[i].lasts & what ? "lost" : "kept");
        if (lasts(i, NEVER)) fail_msg("%s: %s outlives AT+RESTORE", classes[i].dialect, classes[i].set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_kept),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(what_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
