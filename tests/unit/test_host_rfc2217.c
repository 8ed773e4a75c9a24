/* RFC 2217: what a whole session answers, however it is cut; escapes; bounded answers. */
#include "rfc2217.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const cipmux_line_t start = { .baud = 115200, .data_bits = 8, .stop_bits = 1 };
static rfc2217_t           telnet;

/* What pyserial says when it opens at 9600 7E2, with data before, between and behind. */
static const uint8_t session[] = "A\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03\xff\xfd\x00\xff\xfb\x00\xff\xfd\x2c\xff\xfb\x2c"
                                 "B\xff\xff\xff\xfa\x2c\x01\x00\x00\x25\x80\xff\xf0\xff\xfa\x2c\x02\x07\xff\xf0"
                                 "\xff\xfa\x2c\x03\x03\xff\xf0\xff\xfa\x2c\x04\x02\xff\xf0"
                                 "C\xff\xfa\x2c\x05\x09\xff\xf0\xff\xfa\x2c\x05\x08\xff\xf0\xff\xf9"
                                 "D";
enum { SESSION = sizeof session - 1 };

static void play(size_t piece, uint8_t *data, size_t *n)
{
    *n = 0;
    rfc2217_start(&telnet, &start);
    for (size_t i = 0; i < SESSION; i += piece)
        *n += rfc2217_receive(&telnet, session + i, SESSION - i < piece ? SESSION - i : piece, data + *n);
}

static void however_it_is_cut(void **state)
{
    (void)state;
    uint8_t data[SESSION], wire[RFC2217_WIRE];
    size_t  n, answers;
    play(SESSION, data, &n);
    assert_int_equal(n, 5);
    assert_memory_equal(data,
                        "AB\xff"
                        "CD",
                        5);
    assert_int_equal(telnet.line.baud, 9600);
    assert_int_equal(telnet.line.data_bits, 7);
    assert_int_equal(telnet.line.parity, 2);
    assert_int_equal(telnet.line.stop_bits, 3);
    assert_true(telnet.line_known && telnet.reset && telnet.dtr);
    answers = telnet.wire_end;
    memcpy(wire, telnet.wire, answers);
    for (size_t piece = 1; piece < 12; piece++) {
        play(piece, data, &n);
        assert_int_equal(n, 5);
        assert_int_equal(telnet.wire_end, answers);
        assert_memory_equal(telnet.wire, wire, answers);
    }
}

/* In place, as the port may use it. */
static void decodes_in_place(void **state)
{
    (void)state;
    uint8_t bytes[SESSION];
    memcpy(bytes, session, SESSION);
    rfc2217_start(&telnet, &start);
    assert_int_equal(rfc2217_receive(&telnet, bytes, SESSION, bytes), 5);
    assert_memory_equal(bytes,
                        "AB\xff"
                        "CD",
                        5);
}

static void data_is_escaped(void **state)
{
    (void)state;
    static const uint8_t wire[] = { 'a', 255, 255, 'b', 255, 255, 255, 255 };
    rfc2217_start(&telnet, &start);
    assert_int_equal(rfc2217_send(&telnet, (const uint8_t[]){ 'a', 255, 'b', 255, 255 }, 5), 5);
    assert_int_equal(telnet.wire_end, sizeof wire);
    assert_memory_equal(telnet.wire, wire, sizeof wire);
}

/* Whatever a client says, and however little it reads: who keeps to the room never overruns the wire. */
static void answers_are_bounded(void **state)
{
    (void)state;
    static const uint8_t pieces[][7] = {
        { 255, 250, 44, 0, 255, 240, 0 }, { 255, 250, 44, 11, 255, 255, 255 }, { 240, 255, 251, 44, 255, 252, 44 },
        { 255, 253, 1, 255, 251, 99, 1 }, { 255, 250, 44, 1, 0, 255, 255 },    { 0, 255, 240, 255, 250, 44, 5 },
    };
    uint8_t  bytes[7], data[512];
    uint32_t seed = 7;
    rfc2217_start(&telnet, &start);
    memset(data, 255, sizeof data);
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        memcpy(bytes, pieces[(seed >> 24) % 6], sizeof bytes);
        size_t room = rfc2217_room(&telnet);
        rfc2217_receive(&telnet, bytes, room < sizeof bytes ? room : sizeof bytes, data);
        assert_true(telnet.wire_end <= RFC2217_WIRE);
        if (seed >> 28 == 1) rfc2217_send(&telnet, data, sizeof data);
        assert_true(telnet.wire_end <= RFC2217_WIRE);
        if (seed >> 26 == 3) telnet.wire_first += (telnet.wire_end - telnet.wire_first) / 2;
        if (seed >> 22 == 5) telnet.wire_first = telnet.wire_end;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_is_cut),
        cmocka_unit_test(decodes_in_place),
        cmocka_unit_test(data_is_escaped),
        cmocka_unit_test(answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
