/* Values <-> text: numbers, addresses. No printf: the engine depends on nothing. */
#include "internal.h"

#include <string.h>

size_t text_number(char *out, int64_t value)
{
    char     digits[20];
    size_t   count = 0;
    size_t   length = 0;
    uint64_t positive = value < 0 ? (uint64_t)-value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + positive % 10);
        positive /= 10;
    } while (positive > 0);
    if (value < 0) out[length++] = '-';
    while (count > 0)
        out[length++] = digits[--count];
    return length;
}

size_t text_hex(char *out, uint32_t value, size_t digits)
{
    size_t length = 1;
    while (length < 8 && value >> (4 * length) != 0)
        length++;
    if (length < digits) length = digits;
    for (size_t i = 0; i < length; i++)
        out[i] = "0123456789abcdef"[value >> (4 * (length - 1 - i)) & 15];
    return length;
}

static size_t text_ip4(char *out, const uint8_t bytes[4])
{
    size_t length = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0) out[length++] = '.';
        length += text_number(out + length, bytes[i]);
    }
    return length;
}

/* RFC 5952: the longest run of at least two zero groups becomes "::". */
static size_t text_ip6(char *out, const uint8_t bytes[16])
{
    uint16_t group[8];
    size_t   run_at = 8, run = 1;
    for (size_t i = 0; i < 8; i++)
        group[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    for (size_t i = 0; i < 8; i++) {
        size_t zeros = 0;
        while (i + zeros < 8 && group[i + zeros] == 0)
            zeros++;
        if (zeros > run) {
            run = zeros;
            run_at = i;
        }
    }
    size_t length = 0;
    for (size_t i = 0; i < 8;) {
        if (i == run_at) {
            out[length++] = ':';
            out[length++] = ':';
            i += run;
            continue;
        }
        if (i > 0 && out[length - 1] != ':') out[length++] = ':';
        length += text_hex(out + length, group[i++], 1);
    }
    return length;
}

size_t text_ip(char *out, const cipmux_address_t *address)
{
    static const uint8_t none[4];
    if (address->family == 6) return text_ip6(out, address->bytes);
    return text_ip4(out, address->family == 4 ? address->bytes : none);
}

size_t text_mac(char *out, const uint8_t mac[6])
{
    size_t length = 0;
    for (size_t i = 0; i < 6; i++) {
        if (i > 0) out[length++] = ':';
        length += text_hex(out + length, mac[i], 2);
    }
    return length;
}

size_t text_serial(char *out, const uint8_t mac[6])
{
    for (size_t i = 0; i < 6; i++)
        out[i] = "0123456789ABCDEF"[mac[3 + i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    return 6;
}

bool parse_ip4(const char *text, size_t length, uint8_t out[4])
{
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0;
        size_t   digits = 0;
        if (i > 0 && (at == length || text[at++] != '.')) return false;
        for (; at < length && text[at] >= '0' && text[at] <= '9' && digits < 4; at++, digits++)
            value = value * 10 + (unsigned)(text[at] - '0');
        if (digits == 0 || digits > 3 || value > 255) return false;
        out[i] = (uint8_t)value;
    }
    return at == length;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool parse_mac(const char *text, size_t length, uint8_t out[6])
{
    if (length != 17) return false;
    for (size_t i = 0; i < 6; i++) {
        const int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool parse_hex(const char *text, size_t length, uint8_t *out)
{
    for (size_t i = 0; i + 1 < length; i += 2) {
        const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return length % 2 == 0;
}

bool same_text(const char *a, size_t length, const char *terminated)
{
    return terminated != NULL && strlen(terminated) == length && memcmp(a, terminated, length) == 0;
}

bool same_address(const cipmux_address_t *a, const cipmux_address_t *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->bytes, b->bytes, a->family == 6 ? 16 : 4) == 0;
}
