/* The whole engine for abstract interpretation (tools/prove): any settings within their ranges, then for ever any of the
 * public calls with any bytes, events and times. What the caller promises is what cipmux.h asks for: memory of the size that
 * it names, buffers as long as their length, time that does not go back (the engine does not even need that). */
#include "cipmux.h"

#include <__fc_builtin.h>

enum { MEMORY = 8640, TYPED = 64, TEXT = 300 };

static cipmux_t        modem;
static cipmux_config_t config;
static uint64_t        memory[2 * CIPMUX_LINKS][MEMORY / 8];
static uint8_t         heap[CIPMUX_HEAP_SIZE];
static uint8_t         flash[CIPMUX_FLASH_SIZE];
static uint8_t         bytes[MEMORY];
static uint8_t         image[CIPMUX_IMAGE_MAX];
static uint64_t        now;

static uint8_t any_byte(void)
{
    return (uint8_t)Frama_C_interval(0, 255);
}

static uint16_t any_word(void)
{
    return (uint16_t)Frama_C_unsigned_int_interval(0, 65535);
}

static uint32_t any_long(void)
{
    return (uint32_t)Frama_C_unsigned_long_interval(0, UINT32_MAX);
}

static uint64_t any_time(void)
{
    return Frama_C_unsigned_long_long_interval(0, UINT64_MAX / 2);
}

static size_t any_size(size_t most)
{
    return Frama_C_size_t_interval(0, most);
}

static cipmux_link_t any_link(void)
{
    return (cipmux_link_t){ .id = any_byte(), .life = any_byte() };
}

static cipmux_address_t any_address(void)
{
    cipmux_address_t address = { .family = any_byte(), .port = any_word() };
    Frama_C_make_unknown((char *)address.bytes, sizeof address.bytes);
    return address;
}

static void any_config(void)
{
#define X(name, id, nonos, esp_at, max, rows, values) max,
    static const uint8_t most[] = { CIPMUX_QUIRKS(X) };
#undef X
    static const char *const names[] = { "classic", "nonos-1.7.6", "esp-at-2.3", "nonos-1.3" };
    cipmux_config(&config, names[Frama_C_interval(0, 3)]);
    for (size_t i = 0; i < CIPMUX_QUIRK_COUNT; i++)
        config.quirk[i] = (uint8_t)Frama_C_interval(0, most[i]);
    for (size_t i = 0; i < CIPMUX_TIME_COUNT; i++)
        config.time_ms[i] = any_long();
    Frama_C_make_unknown((char *)config.mac, sizeof config.mac);
    if (Frama_C_interval(0, 1)) {
        config.heap = heap;
        config.heap_size = any_size(sizeof heap);
    }
    if (Frama_C_interval(0, 1)) config.flash = flash;
}

static void any_event(void)
{
    cipmux_ap_t          ap;
    cipmux_credentials_t told = { bytes, bytes, any_byte(), any_byte() };
    cipmux_link_t        assigned;
    Frama_C_make_unknown((char *)&ap, sizeof ap);
    cipmux_event_t event = {
        .kind = (cipmux_event_kind_t)Frama_C_interval(0, CIPMUX_EVENT_PINS),
        .link = any_link(),
        .ticket = any_word(),
        .cause = (cipmux_cause_t)Frama_C_interval(0, CIPMUX_CAUSE_AP_LOST),
        .address = any_address(),
        .local_port = any_word(),
        .memory = memory[Frama_C_interval(0, 2 * CIPMUX_LINKS - 1)],
        .memory_size = MEMORY,
        .ap = &ap,
        .smart_type = any_byte(),
        .credentials = &told,
        .refuses = (cipmux_refuses_t)Frama_C_interval(0, CIPMUX_REFUSES_WPS_STOP),
        .image = image,
        .image_size = any_size(sizeof image),
        .pins = { any_word(), any_word(), any_word(), any_word() },
        .ms = any_long(),
        .utc_us = any_time(),
        .step = any_byte(),
    };
    Frama_C_make_unknown((char *)event.gateway, sizeof event.gateway);
    Frama_C_make_unknown((char *)event.netmask, sizeof event.netmask);
    Frama_C_make_unknown((char *)event.mac, sizeof event.mac);
    Frama_C_make_unknown((char *)event.name_server, sizeof event.name_server);
    cipmux_event(&modem, now, &event, Frama_C_interval(0, 1) ? &assigned : NULL);
}

static void any_bytes_from_the_network(void)
{
    const cipmux_address_t from = any_address();
    if (Frama_C_interval(0, 1))
        cipmux_receive(&modem, now, any_link(), bytes, any_size(sizeof bytes));
    else
        cipmux_datagram(&modem, now, any_link(), &from, bytes, any_size(sizeof bytes));
}

static void any_bytes_to_the_network(void)
{
    const cipmux_link_t link = any_link();
    const void         *out;
    size_t              n;
    cipmux_address_t    to;
    if (!cipmux_send_peek(&modem, link, &out, &n, &to)) return;
    if (Frama_C_interval(0, 1))
        cipmux_send_done(&modem, now, link, any_size(n));
    else
        cipmux_send_failed(&modem, now, link);
}

static void any_question(void)
{
    size_t                 rts_at;
    cipmux_note_t          note;
    const cipmux_address_t to = any_address();
    switch (Frama_C_interval(0, 10)) {
    case 0: cipmux_note(&modem, &note); break;
    case 1: cipmux_deadline(&modem); break;
    case 2: cipmux_receive_room(&modem, any_link()); break;
    case 3: cipmux_admission(&modem); break;
    case 4: cipmux_route(&modem, &to); break;
    case 5: cipmux_phase(&modem); break;
    case 6: cipmux_collecting(&modem); break;
    case 7: cipmux_uart_buffer(&modem, &rts_at); break;
    case 8: cipmux_counters(&modem); break;
    case 9: cipmux_line(&modem); break;
    default: cipmux_image(&modem, image); break;
    }
}

int main(void)
{
    cipmux_request_t request;
    any_config();
    cipmux_power_on(&modem, &config, now);
    Frama_C_make_unknown((char *)image, sizeof image);
    if (Frama_C_interval(0, 1)) cipmux_use_flash(&modem, image, any_size(sizeof image));
    for (;;) {
        now = any_time();
        Frama_C_make_unknown((char *)bytes, sizeof bytes);
        switch (Frama_C_interval(0, 6)) {
        case 0: cipmux_sink(&modem, now, bytes, any_size(TYPED)); break;
        case 1: cipmux_poll(&modem, now, bytes, any_size(sizeof bytes)); break;
        case 2: cipmux_request(&modem, now, &request); break;
        case 3: any_event(); break;
        case 4: any_bytes_from_the_network(); break;
        case 5: any_bytes_to_the_network(); break;
        default: any_question(); break;
        }
    }
}
