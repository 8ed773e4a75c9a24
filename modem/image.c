/* The saved settings as an image: what a flash page or a file holds over a power cycle.
 *
 *   "CIPM"  version  length of the fields (2 bytes)  fields  CRC-32 of all before (4 bytes)
 *   field:  tag  place in its row  length  bytes
 *
 * Numbers are little endian. A field that an image has not keeps its factory value, one that this build does not know is
 * skipped: so an image outlives the version that wrote it. A tag is given once: that of a field which is gone stays free. */
#include "internal.h"

#include <string.h>

static const uint8_t magic[4] = { 'C', 'I', 'P', 'M' };
enum { VERSION = 1, HEAD = 7, TAIL = 4, FIELD_HEAD = 3 };

typedef struct {
    uint8_t  tag;
    bool     number;
    uint8_t  size, count; /* of one, bytes; how many */
    uint16_t offset, stride;
} field_t;

#define MEMBER(member) ((settings_t *)0)->member
#define PLACE(member)  sizeof MEMBER(member), 1, offsetof(settings_t, member), 0
#define NUMBER(tag, member)                                                                                            \
    {                                                                                                                  \
        tag, true, PLACE(member)                                                                                       \
    }
#define BYTES(tag, member)                                                                                             \
    {                                                                                                                  \
        tag, false, PLACE(member)                                                                                      \
    }
#define ROW(tag, array, type, field) /* one of each link */                                                            \
    {                                                                                                                  \
        tag, true, sizeof((type *)0)->field, CIPMUX_LINKS, offsetof(settings_t, array) + offsetof(type, field),        \
            sizeof(type)                                                                                               \
    }

/* clang-format off */
static const field_t fields[] = {
    BYTES(1, station.ssid), NUMBER(2, station.ssid_length), BYTES(3, station.password),
    NUMBER(4, station.password_length), BYTES(5, station.bssid), NUMBER(6, station.any_bssid),
    NUMBER(7, station.pci_en), NUMBER(8, station.strongest), NUMBER(9, station.listen_interval),
    NUMBER(10, station.pmf), NUMBER(11, station.reconnect_s),
    ROW(12, tcp_option, tcp_option_t, send_timeout_ms), ROW(13, tcp_option, tcp_option_t, linger_s),
    ROW(14, tcp_option, tcp_option_t, nodelay),
    NUMBER(15, uart.baud), NUMBER(16, uart.data_bits), NUMBER(17, uart.stop_bits), NUMBER(18, uart.parity),
    NUMBER(19, uart.flow),
    BYTES(20, translink.host), NUMBER(21, translink.port), NUMBER(22, translink.option),
    NUMBER(23, translink.host_length), NUMBER(24, translink.type), NUMBER(25, translink.on), NUMBER(26, translink.six),
    BYTES(27, country.code), NUMBER(28, country.code_length), NUMBER(29, country.first), NUMBER(30, country.count),
    NUMBER(31, country.policy), NUMBER(32, reconnect_100ms), NUMBER(33, reconnect_times), NUMBER(34, mode),
    NUMBER(35, sysmsg), NUMBER(36, cipv6), BYTES(37, interfaces.soft_ap_network.ip),
    NUMBER(38, sta_proto), NUMBER(39, ap_proto),
    NUMBER(40, autoconnect), NUMBER(41, autotrace), NUMBER(42, other_image),
    BYTES(43, interfaces.soft_ap_network.gateway), BYTES(44, interfaces.soft_ap_network.netmask),
    BYTES(45, interfaces.station_network.ip), BYTES(46, interfaces.station_network.gateway),
    BYTES(47, interfaces.station_network.netmask), BYTES(48, interfaces.soft_ap.ssid),
    NUMBER(49, interfaces.soft_ap.ssid_length), BYTES(50, interfaces.soft_ap.password),
    NUMBER(51, interfaces.soft_ap.password_length), NUMBER(52, interfaces.soft_ap.channel),
    NUMBER(53, interfaces.soft_ap.security), NUMBER(54, interfaces.soft_ap.max),
    NUMBER(55, interfaces.soft_ap.hidden), NUMBER(56, interfaces.range.lease_min), BYTES(57, interfaces.range.first),
    BYTES(58, interfaces.range.last), BYTES(59, interfaces.station_mac), BYTES(60, interfaces.soft_ap_mac),
    NUMBER(61, interfaces.dhcp),
    BYTES(62, names.list.server), NUMBER(63, names.list.count), NUMBER(64, names.manual),
    ROW(65, certificates, certificates_t, auth), ROW(66, certificates, certificates_t, key),
    ROW(67, certificates, certificates_t, ca),
};
/* clang-format on */
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static uint32_t crc32(const uint8_t *bytes, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t read_number(const uint8_t *bytes, size_t n)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

static void write_number(uint8_t *out, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static size_t place(const field_t *field, size_t index)
{
    return field->offset + index * field->stride;
}

/* A number in this computer's own order, of 1, 2 or 4 bytes. */
static void get_field(const field_t *field, const uint8_t *from, uint8_t *out)
{
    uint16_t two;
    uint32_t four;
    memcpy(out, from, field->size);
    if (!field->number || field->size == 1) return;
    memcpy(&two, from, sizeof two);
    memcpy(&four, from, field->size == 4 ? sizeof four : sizeof two);
    write_number(out, field->size, field->size == 4 ? four : two);
}

static void put_field(const field_t *field, const uint8_t *bytes, uint8_t *to)
{
    const uint32_t four = read_number(bytes, field->number ? field->size : 0);
    const uint16_t two = (uint16_t)four;
    if (!field->number || field->size == 1)
        memcpy(to, bytes, field->size);
    else if (field->size == 2)
        memcpy(to, &two, sizeof two);
    else
        memcpy(to, &four, sizeof four);
}

static size_t image_write(const settings_t *settings, uint8_t *out)
{
    const uint8_t *const bytes = (const uint8_t *)settings;
    size_t               at = HEAD;
    memcpy(out, magic, sizeof magic);
    out[4] = VERSION;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        for (size_t index = 0; index < fields[i].count; index++) {
            out[at] = fields[i].tag;
            out[at + 1] = (uint8_t)index;
            out[at + 2] = fields[i].size;
            get_field(&fields[i], bytes + place(&fields[i], index), out + at + FIELD_HEAD);
            at += FIELD_HEAD + fields[i].size;
        }
    }
    write_number(out + 5, 2, (uint32_t)(at - HEAD));
    write_number(out + at, TAIL, crc32(out, at));
    return at + TAIL;
}

bool cipmux_image_is_good(const void *image, size_t n)
{
    const uint8_t *const bytes = image;
    if (n < HEAD + TAIL || n > CIPMUX_IMAGE_MAX || memcmp(bytes, magic, sizeof magic) != 0) return false;
    return bytes[4] == VERSION && read_number(bytes + 5, 2) == n - HEAD - TAIL &&
           read_number(bytes + n - TAIL, TAIL) == crc32(bytes, n - TAIL);
}

static void take_field(settings_t *settings, const uint8_t *at)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].tag == at[0] && at[1] < fields[i].count && at[2] == fields[i].size)
            put_field(&fields[i], at + FIELD_HEAD, (uint8_t *)settings + place(&fields[i], at[1]));
}

/* Of a good image. */
static void image_read(settings_t *settings, const uint8_t *image, size_t n)
{
    size_t at = HEAD;
    while (at + FIELD_HEAD <= n - TAIL && at + FIELD_HEAD + image[at + 2] <= n - TAIL) {
        take_field(settings, image + at);
        at += FIELD_HEAD + image[at + 2];
    }
}

size_t cipmux_image(const cipmux_t *modem, void *out)
{
    return image_write(&((const modem_t *)modem)->saved, out);
}

/* ---- the flash ---- */

static uint32_t mark(const modem_t *m)
{
    return crc32((const uint8_t *)&m->saved, sizeof m->saved);
}

/* A command that changed what is saved stays open until that is stored: see settings_stored(). */
bool settings_must_be_stored(modem_t *m)
{
    if (!m->flash || mark(m) == m->stored) return false;
    m->asks |= ASK_STORE;
    return true;
}

/* The answer to STORE. What could not be stored is not saved. */
bool settings_stored(modem_t *m, const cipmux_event_t *event)
{
    const bool good = event->cause == CIPMUX_CAUSE_NONE;
    if (!good) {
        note(m, CIPMUX_REASON_SAVE_FAILED, -1, 0);
        settings_factory(m);
        if (cipmux_image_is_good(event->image, event->image_size))
            image_read(&m->saved, event->image, event->image_size);
    }
    m->stored = mark(m);
    return good;
}

bool cipmux_use_flash(cipmux_t *modem, const void *image, size_t n)
{
    modem_t *const m = (modem_t *)modem;
    const bool     good = n == 0 || cipmux_image_is_good(image, n);
    m->flash = true;
    if (good && n > 0) image_read(&m->saved, image, n);
    m->stored = mark(m);
    modem_reload(m);
    return good;
}
