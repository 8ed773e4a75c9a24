/* SNTP packets: the question, the time in an answer, and what is no answer. */
#include "sntp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t stamp[SNTP_STAMP] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* An answer of version 4 with both timestamps at `seconds` and `fraction`. */
static void answer(uint8_t out[SNTP_SIZE], uint32_t seconds, uint32_t fraction)
{
    memset(out, 0, SNTP_SIZE);
    out[0] = 4 << 3 | 4;
    out[1] = 2;
    memcpy(out + 24, stamp, sizeof stamp);
    put32(out + 32, seconds);
    put32(out + 36, fraction);
    memcpy(out + 40, out + 32, 8);
}

static void the_question(void **state)
{
    (void)state;
    uint8_t packet[SNTP_SIZE], rest[39] = { 0 };
    sntp_question(packet, stamp);
    assert_int_equal(packet[0], 0x23); /* no leap warning, version 4, client */
    assert_memory_equal(packet + 1, rest, sizeof rest);
    assert_memory_equal(packet + 40, stamp, sizeof stamp);
}

static void the_time(void **state)
{
    (void)state;
    static const struct {
        uint32_t seconds, fraction;
        uint64_t took_us, utc_us;
    } cases[] = {
        { 2208988800u, 0, 0, 0 }, /* 1970 */
        { 3789987830u, 0x80000000u, 0, 1580999030500000 },
        { 3789987830u, 0, 30000, 1580999030015000 }, /* half of the way there and back */
        { 0xffffffffu, 0, 0, 2085978495000000 },     /* the last second of 1900's era */
        { 0, 0x40000000u, 0, 2085978496250000 },     /* 2036 */
        { 1, 0xffffffffu, 0, 2085978497999999 },
    };
    uint8_t  packet[SNTP_SIZE];
    uint64_t utc_us;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer(packet, cases[i].seconds, cases[i].fraction);
        assert_int_equal(sntp_read(packet, sizeof packet, stamp, cases[i].took_us, &utc_us), SNTP_TIME);
        assert_int_equal(utc_us, cases[i].utc_us);
    }
    answer(packet, 3789987830u, 0); /* it held the question for one of the 1.5 s */
    put32(packet + 32, 3789987829u);
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 1500000, &utc_us), SNTP_TIME);
    assert_int_equal(utc_us, 1580999030250000);
    put32(packet + 32, 3789980000u); /* it says that it held it for longer than we waited */
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 1500000, &utc_us), SNTP_TIME);
    assert_int_equal(utc_us, 1580999030000000);
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        size_t  at;
        uint8_t value;
    } wrong[] = {
        { 0, 4 << 3 | 3 },          /* a client's */
        { 0, 4 << 3 | 5 },          /* a broadcast */
        { 0, 4 },                   /* version 0 */
        { 0, 3 << 6 | 4 << 3 | 4 }, /* not synchronised */
        { 1, 16 },                  /* so is stratum 16 */
        { 24, 0 },                  /* another's question */
        { 31, 0 },
    };
    uint8_t  packet[SNTP_SIZE];
    uint64_t utc_us;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        answer(packet, 3789987830u, 0);
        packet[wrong[i].at] = wrong[i].value;
        assert_int_equal(sntp_read(packet, sizeof packet, stamp, 0, &utc_us), SNTP_IGNORED);
    }
    answer(packet, 3789987830u, 0);
    for (size_t n = 0; n < sizeof packet; n++) {
        uint8_t *cut = malloc(n + 1); /* so that a byte too much is seen */
        memcpy(cut, packet, n);
        assert_int_equal(sntp_read(cut, n, stamp, 0, &utc_us), SNTP_IGNORED);
        free(cut);
    }
    memset(packet + 40, 0, 8);
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 0, &utc_us), SNTP_IGNORED);
    answer(packet, 2208988799u, 0); /* 1969 */
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 0, &utc_us), SNTP_IGNORED);
}

static void go_away(void **state)
{
    (void)state;
    uint8_t  packet[SNTP_SIZE];
    uint64_t utc_us;
    answer(packet, 3789987830u, 0);
    packet[1] = 0;
    memcpy(packet + 12, "DENY", 4);
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 0, &utc_us), SNTP_GO_AWAY);
    packet[24] = 0; /* said by who has not seen our question */
    assert_int_equal(sntp_read(packet, sizeof packet, stamp, 0, &utc_us), SNTP_IGNORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question),
        cmocka_unit_test(the_time),
        cmocka_unit_test(what_is_no_answer),
        cmocka_unit_test(go_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
