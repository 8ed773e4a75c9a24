/* Values to text and text to values, for abstract interpretation (tools/prove): any number, any address but IPv6
 * (test_text prints every shape of those), any text of a line. */
#include "internal.h"

#include <__fc_builtin.h>

static char             typed[CIPMUX_LINE_MAX];
static char             out[TEXT_IP_MAX + 1];
static uint8_t          bytes[CIPMUX_LINE_MAX];
static cipmux_address_t address;

static void print_any(void)
{
    address.family = (uint8_t)Frama_C_interval(0, 5);
    text_number(out, Frama_C_long_long_interval(INT64_MIN + 1, INT64_MAX));
    text_hex(out, (uint32_t)Frama_C_unsigned_long_interval(0, UINT32_MAX), Frama_C_size_t_interval(0, 8));
    text_ip(out, &address);
    text_mac(out, bytes);
    text_serial(out, bytes);
}

static void read_any(void)
{
    const size_t length = Frama_C_size_t_interval(0, sizeof typed);
    parse_ip4(typed, length, bytes);
    parse_mac(typed, length, bytes);
    parse_hex(typed, length, bytes);
}

int main(void)
{
    for (;;) {
        Frama_C_make_unknown(typed, sizeof typed);
        Frama_C_make_unknown((char *)bytes, sizeof bytes);
        Frama_C_make_unknown((char *)address.bytes, sizeof address.bytes);
        if (Frama_C_interval(0, 1))
            print_any();
        else
            read_any();
    }
}
