/* IPv6 addresses as text, all shapes: each of the eight groups none, or a number of one to four digits. What is printed must fit,
 * and the C library must read the same address from it. */
#include "internal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SHAPES = 5 * 5 * 5 * 5 * 5 * 5 * 5 * 5 };

static void test_every_shape_of_ipv6(void **state)
{
    static const uint16_t groups[] = { 0, 0xf, 0x10, 0xa0b, 0xfedc };
    size_t                longest = 0;
    (void)state;
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        cipmux_address_t address = { .family = 6 };
        uint8_t          read[16];
        char             text[TEXT_IP_MAX + 2];
        memset(text, '#', sizeof text);
        unsigned left = shape;
        for (size_t group = 0; group < 8; group++, left /= 5) {
            address.bytes[2 * group] = (uint8_t)(groups[left % 5] >> 8);
            address.bytes[2 * group + 1] = (uint8_t)groups[left % 5];
        }
        const size_t length = text_ip(text, &address);
        assert_in_range(length, 2, TEXT_IP_MAX - 1);
        assert_int_equal(text[length], '#');
        text[length] = '\0';
        assert_int_equal(inet_pton(AF_INET6, text, read), 1);
        assert_memory_equal(read, address.bytes, sizeof read);
        if (length > longest) longest = length;
    }
    assert_int_equal(longest, 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_shape_of_ipv6) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
