/* The UART line: arrival times to the microsecond, formats, wrong rates, FIFO. */
#include "uart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uart_t uart; /* too large for the stack */

static cipmux_line_t line_of(uint32_t baud, uint8_t data_bits, uint8_t parity, uint8_t stop_bits)
{
    return (cipmux_line_t){ .baud = baud, .data_bits = data_bits, .parity = parity, .stop_bits = stop_bits };
}

static void start(uint64_t now_us, cipmux_line_t modem, cipmux_line_t far)
{
    uart_init(&uart, now_us);
    uart_set_line(&uart, now_us, UART_MODEM, &modem);
    uart_set_line(&uart, now_us, UART_FAR, &far);
}

/* The microsecond in which `halves` half bit times are over, rounded up. */
static uint64_t after(uint32_t baud, uint64_t halves)
{
    return (halves * 1000000 + 2 * (uint64_t)baud - 1) / (2 * (uint64_t)baud);
}

static const struct {
    const char   *name;
    cipmux_line_t line;
    unsigned      halves, to_stop; /* a character; from its start to the middle of its first stop bit. Half bits */
} formats[] = {
    { "9600 8N1", { .baud = 9600, .data_bits = 8, .stop_bits = 1 }, 20, 19 },
    { "115200 8N1", { .baud = 115200, .data_bits = 8, .stop_bits = 1 }, 20, 19 },
    { "921600 8N1", { .baud = 921600, .data_bits = 8, .stop_bits = 1 }, 20, 19 },
    { "4608000 8N1", { .baud = 4608000, .data_bits = 8, .stop_bits = 1 }, 20, 19 },
    { "74880 8N1", { .baud = 74880, .data_bits = 8, .stop_bits = 1 }, 20, 19 },
    { "110 8N2", { .baud = 110, .data_bits = 8, .stop_bits = 3 }, 22, 19 },
    { "300 5N1", { .baud = 300, .data_bits = 5, .stop_bits = 1 }, 14, 13 },
    { "115200 7E2", { .baud = 115200, .data_bits = 7, .parity = 2, .stop_bits = 3 }, 22, 19 },
    { "57600 8O1.5", { .baud = 57600, .data_bits = 8, .parity = 1, .stop_bits = 2 }, 23, 21 },
    { "31250 6O2", { .baud = 31250, .data_bits = 6, .parity = 1, .stop_bits = 3 }, 20, 17 },
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Each of 3000 bytes in a row, several seconds at the slow rates, is there in its microsecond and not one before. */
static void exact_to_the_bit(void **state)
{
    (void)state;
    const uint64_t begin = 123456789;
    for (size_t f = 0; f < FORMATS; f++) {
        unsigned sent = 0;
        uint8_t  byte, mask = (uint8_t)((1u << formats[f].line.data_bits) - 1);
        start(begin, formats[f].line, formats[f].line);
        for (unsigned n = 0; n < 3000; n++) {
            uint64_t due = begin + after(formats[f].line.baud, (uint64_t)n * formats[f].halves + formats[f].to_stop);
            uint64_t now = n == 0 ? begin : begin + after(formats[f].line.baud, (uint64_t)n * formats[f].halves) - 1;
            for (; sent < n + 2 && sent < 3000; sent++) /* the next one is put before this one is over */
                assert_int_equal(uart_put(&uart, now, UART_FAR, &(uint8_t){ (uint8_t)(sent * 7) }, 1), 1);
            assert_int_equal(uart_deadline(&uart), due);
            assert_int_equal(uart_get(&uart, due - 1, UART_MODEM, &byte, 1), 0);
            assert_int_equal(uart_get(&uart, due, UART_MODEM, &byte, 1), 1);
            assert_int_equal(byte, (uint8_t)(n * 7) & mask);
        }
        assert_int_equal(uart_deadline(&uart), CIPMUX_NEVER);
        assert_int_equal(uart_sent_at(&uart, UART_FAR),
                         begin + after(formats[f].line.baud, 3000 * (uint64_t)formats[f].halves));
        uart_counters_t counters = uart_counters(&uart, UART_MODEM);
        assert_int_equal(counters.bytes, 3000);
        assert_int_equal(counters.framing + counters.parity + counters.overruns, 0);
    }
}

/* An hour of characters without a gap at a rate that divides nothing: no drift. */
static void no_drift(void **state)
{
    (void)state;
    enum { BAUD = 7919 };
    const uint64_t total = (uint64_t)BAUD * 3600 / 10;
    cipmux_line_t  line = line_of(BAUD, 8, 0, 1);
    uint64_t       sent = 0, got = 0, now = 0;
    start(0, line, line);
    while (got < total) {
        uint8_t bytes[512] = { 0 };
        size_t  n = total - sent < sizeof bytes ? (size_t)(total - sent) : sizeof bytes;
        size_t  room = uart_room(&uart, UART_MODEM);
        sent += uart_put(&uart, now, UART_MODEM, bytes, n < room ? n : room);
        now = uart_deadline(&uart);
        assert_int_equal(now, after(BAUD, got * 20 + 19));
        assert_int_equal(uart_get(&uart, now, UART_FAR, bytes, sizeof bytes), 1);
        got++;
    }
    assert_int_equal(uart_sent_at(&uart, UART_MODEM), UINT64_C(3600) * 1000000);
}

/* All byte values in a row from one rate to another; what arrives, in out[UART_FIFO_MAX]. */
static size_t transmit(cipmux_line_t from, cipmux_line_t to, const uint8_t *bytes, size_t n, uint8_t *out)
{
    start(1000, to, from);
    uart_set_depth(&uart, UART_MODEM, UART_FIFO_MAX);
    assert_int_equal(uart_put(&uart, 1000, UART_FAR, bytes, n), n);
    return uart_get(&uart, 1000 + 10000000, UART_MODEM, out, UART_FIFO_MAX);
}

/* 3 % passes. At 6 % a receiver that is too slow reads the last bit beside its cell, one that is too fast reads it still
 * but takes it for the stop bit as well. */
static void wrong_rates(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, to;
        bool     passes;
    } cases[] = {
        { 115200, 118656, true },  { 115200, 111744, true },  /* 3 % */
        { 115200, 119808, true },  { 115200, 110592, true },  /* 4 % */
        { 115200, 122112, false }, { 115200, 108288, false }, /* 6 % */
        { 9600, 9888, true },      { 9600, 10176, false },    { 9600, 115200, false },    { 115200, 9600, false },
        { 74880, 115200, false },  { 115200, 57600, false },  { 4608000, 4500000, true },
    };
    uint8_t all[256], got[UART_FIFO_MAX];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)(i * 167);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = transmit(line_of(cases[i].from, 8, 0, 1), line_of(cases[i].to, 8, 0, 1), all, sizeof all, got);
        bool   same = n == sizeof all && memcmp(got, all, n) == 0;
        bool   framed = uart_counters(&uart, UART_MODEM).framing == 0;
        if ((same && framed) != cases[i].passes) print_message("%u to %u: %zu bytes\n", cases[i].from, cases[i].to, n);
        assert_true((same && framed) == cases[i].passes);
        assert_true(cases[i].to >= cases[i].from || same == cases[i].passes);
    }
}

/* What wrong sampling reads, worked out by hand. */
static void garbles_as_sampling_does(void **state)
{
    (void)state;
    uint8_t got[UART_FIFO_MAX];
    /* 0x00 at half the rate: 18 of the receiver's bits are low, so a whole character and its stop bit; then no edge */
    assert_int_equal(transmit(line_of(57600, 8, 0, 1), line_of(115200, 8, 0, 1), (const uint8_t[]){ 0 }, 1, got), 1);
    assert_int_equal(got[0], 0);
    assert_int_equal(uart_counters(&uart, UART_MODEM).framing, 1);
    /* 0xff at half the rate: start bit and one data bit low */
    assert_int_equal(transmit(line_of(57600, 8, 0, 1), line_of(115200, 8, 0, 1), (const uint8_t[]){ 0xff }, 1, got), 1);
    assert_int_equal(got[0], 0xfe);
    assert_int_equal(uart_counters(&uart, UART_MODEM).framing, 0);
    /* 0xff at more than twice the rate: the start bit is over before its middle, nothing is seen */
    assert_int_equal(transmit(line_of(250000, 8, 0, 1), line_of(115200, 8, 0, 1), (const uint8_t[]){ 0xff }, 1, got),
                     0);
    assert_int_equal(uart_deadline(&uart), CIPMUX_NEVER);
    /* 'U' 0x55 at twice the rate: cells start 1 0 1 0 1 0 1 0 stop, sampled at 1, 3, 5 ...: the start is a false one, and so
     * is each low cell */
    assert_int_equal(transmit(line_of(300000, 8, 0, 1), line_of(115200, 8, 0, 1), (const uint8_t[]){ 0x55 }, 1, got),
                     0);
    /* one data bit fewer: the receiver takes bit 7 for the stop bit */
    assert_int_equal(transmit(line_of(9600, 8, 0, 1), line_of(9600, 7, 0, 1), (const uint8_t[]){ 0x41 }, 1, got), 1);
    assert_int_equal(got[0], 0x41);
    assert_int_equal(uart_counters(&uart, UART_MODEM).framing, 1);
    /* even parity read as odd */
    assert_int_equal(transmit(line_of(9600, 7, 2, 1), line_of(9600, 7, 1, 1), (const uint8_t *)"AT", 2, got), 2);
    assert_memory_equal(got, "AT", 2);
    assert_int_equal(uart_counters(&uart, UART_MODEM).parity, 2);
}

/* A full FIFO loses what comes, counted; who puts no more than the room loses nothing. */
static void fifo_overruns(void **state)
{
    (void)state;
    uint8_t       bytes[200], got[200];
    cipmux_line_t line = line_of(115200, 8, 0, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    start(0, line, line);
    uart_set_depth(&uart, UART_FAR, 2); /* an ATmega328P */
    assert_int_equal(uart_room(&uart, UART_MODEM), 2);
    assert_int_equal(uart_put(&uart, 0, UART_MODEM, bytes, 5), 5);
    assert_int_equal(uart_room(&uart, UART_MODEM), 0);
    assert_int_equal(uart_get(&uart, 1000, UART_FAR, got, sizeof got), 2);
    assert_memory_equal(got, bytes, 2);
    assert_int_equal(uart_counters(&uart, UART_FAR).overruns, 3);
    assert_int_equal(uart_room(&uart, UART_FAR), UART_FIFO_ESP8266);
    assert_int_equal(uart_put(&uart, 1000, UART_FAR, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(uart_get(&uart, 100000, UART_MODEM, got, sizeof got), UART_FIFO_ESP8266);
    assert_int_equal(uart_counters(&uart, UART_MODEM).overruns, sizeof bytes - UART_FIFO_ESP8266);
}

/* Bytes that were put keep their rate; the wire takes as many as it holds; both directions are independent. */
static void rates_change_behind_bytes(void **state)
{
    (void)state;
    static uint8_t many[UART_AIR + 100];
    uint8_t        got[4];
    cipmux_line_t  slow = line_of(9600, 8, 0, 1), fast = line_of(921600, 8, 0, 1);
    start(0, slow, slow);
    assert_int_equal(uart_put(&uart, 0, UART_MODEM, "ab", 2), 2);
    assert_int_equal(uart_sent_at(&uart, UART_MODEM), after(9600, 40));
    uart_set_line(&uart, 0, UART_MODEM, &fast);
    assert_int_equal(uart_put(&uart, 0, UART_MODEM, "c", 1), 1);
    assert_int_equal(uart_get(&uart, after(9600, 40), UART_FAR, got, sizeof got), 2);
    assert_memory_equal(got, "ab", 2);
    uart_set_line(&uart, after(9600, 40), UART_FAR, &fast);
    assert_int_equal(uart_get(&uart, after(9600, 40) + 11, UART_FAR, got, sizeof got), 1);
    assert_int_equal(got[0], 'c');
    assert_int_equal(uart_counters(&uart, UART_FAR).framing, 0);
    assert_int_equal(uart_put(&uart, 10000, UART_FAR, many, sizeof many), UART_AIR);
    assert_int_equal(uart_put(&uart, 10000, UART_MODEM, "d", 1), 1);
    assert_int_equal(uart_deadline(&uart), 10000 + after(921600, 19));
}

/* However the time is cut into calls, the same bytes arrive. */
static void calls_do_not_matter(void **state)
{
    (void)state;
    uint8_t  sent[200], whole[UART_FIFO_MAX], cut[UART_FIFO_MAX];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    cipmux_line_t from = line_of(115200, 8, 0, 1), to = line_of(100000, 8, 0, 1);
    size_t        n = transmit(from, to, sent, sizeof sent, whole), k = 0;
    start(1000, to, from);
    assert_int_equal(uart_put(&uart, 1000, UART_FAR, sent, sizeof sent), sizeof sent);
    for (uint64_t now = 1000; now < 40000; now += 1 + (seed = seed * 1664525 + 1013904223) % 300)
        k += uart_get(&uart, now, UART_MODEM, cut + k, sizeof cut - k);
    assert_int_equal(k, n);
    assert_memory_equal(cut, whole, n);
    assert_memory_not_equal(whole, sent, sizeof sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_to_the_bit),    cmocka_unit_test(no_drift),
        cmocka_unit_test(wrong_rates),         cmocka_unit_test(garbles_as_sampling_does),
        cmocka_unit_test(fifo_overruns),       cmocka_unit_test(rates_change_behind_bytes),
        cmocka_unit_test(calls_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
