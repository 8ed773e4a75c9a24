/* Fuzz target of the flash image: any bytes as a module's flash. What is no image leaves the module as new; what is one is in
 * force, and stored again it is the same settings. Half of the inputs get a right checksum, or they would never be read. */
#include "cipmux.h"
#include "promise.h"

#include <string.h>

/* Head and CRC-32 of an image, whatever its fields say. */
static void sign(uint8_t *image, size_t n)
{
    static const uint8_t head[] = { 'C', 'I', 'P', 'M', 1 };
    uint32_t             crc = 0xffffffff;
    memcpy(image, head, sizeof head);
    image[5] = (uint8_t)(n - 11);
    image[6] = (uint8_t)((n - 11) >> 8);
    for (size_t i = 0; i + 4 < n; i++) {
        crc ^= image[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (size_t i = 0; i < 4; i++)
        image[n - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void run(cipmux_t *modem)
{
    static const char asks[] = "AT+CWJAP_DEF?\r\nAT+CWSAP?\r\nAT+UART_DEF?\r\nAT+CIFSR\r\nAT+CIPSTA?\r\n";
    uint8_t           out[512];
    cipmux_request_t  request;
    cipmux_note_t     note;
    uint64_t          now_us = 1;
    for (int i = 0; i < 12; i++) {
        while (cipmux_request(modem, now_us, &request)) {
            cipmux_event_t event = { .kind = CIPMUX_EVENT_LINE_SET };
            if (request.kind == CIPMUX_REQUEST_LINE) cipmux_event(modem, now_us, &event, NULL);
        }
        while (cipmux_note(modem, &note))
            continue;
        while (cipmux_poll(modem, now_us, out, sizeof out) > 0)
            continue;
        now_us += 1000000;
        cipmux_tick(modem, now_us);
        if (i == 5) cipmux_sink(modem, now_us, asks, sizeof asks - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t  image[CIPMUX_IMAGE_MAX + 64], stored[CIPMUX_IMAGE_MAX], again[CIPMUX_IMAGE_MAX];
    cipmux_config_t config;
    cipmux_t        modem, other;
    if (size < 1) return 0;
    const uint8_t how = data[0];
    size_t        n = size - 1 < sizeof image ? size - 1 : sizeof image;
    memcpy(image, data + 1, n);
    if (how % 2 && n >= 11) sign(image, n);
    PROMISE(cipmux_config(&config, cipmux_dialect_name(how / 2 % 4)));
    cipmux_power_on(&modem, &config, 0);
    const bool whole = cipmux_image_is_good(image, n);
    const bool taken = cipmux_use_flash(&modem, image, n);
    PROMISE(taken == (whole || n == 0));
    size_t stored_size = cipmux_image(&modem, stored);
    PROMISE(stored_size <= CIPMUX_IMAGE_MAX && cipmux_image_is_good(stored, stored_size));
    cipmux_power_on(&other, &config, 0);
    PROMISE(cipmux_use_flash(&other, stored, stored_size));
    PROMISE(cipmux_image(&other, again) == stored_size && memcmp(stored, again, stored_size) == 0);
    run(&modem);
    return 0;
}
