/* The language of words: splitting, escapes, values, and errors that name the column. */
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static words_t words;

static void parse(const char *line)
{
    if (!words_parse(&words, line)) {
        fail_msg("%s: %s", line, words.error);
    }
}

static void assert_error(const char *expected)
{
    assert_string_equal(words.error, expected);
}

static void assert_arg(size_t index, const char *key, const char *text, unsigned column)
{
    assert_true(index < words.count);
    assert_string_equal(words.arg[index].key, key);
    assert_string_equal((const char *)words.arg[index].text, text);
    assert_int_equal(words.arg[index].length, strlen(text));
    assert_int_equal(words.arg[index].column, column);
}

/* ---- Splitting ------------------------------------------------------------------------------------------------- */

static void test_nothing(void **state)
{
    (void)state;
    parse("");
    assert_int_equal(words.count, 0);
    parse(" \t ");
    assert_int_equal(words.count, 0);
    parse("  # ap ssid=\"unclosed");
    assert_int_equal(words.count, 0);
}

static void test_words_and_keys(void **state)
{
    (void)state;
    parse("ap  ssid=\"lab one\" channel=6\thidden 10.0.2.2:5000 dhcp=");
    assert_int_equal(words.count, 6);
    assert_arg(0, "", "ap", 1);
    assert_arg(1, "ssid", "lab one", 10);
    assert_true(words.arg[1].quoted);
    assert_arg(2, "channel", "6", 28);
    assert_false(words.arg[2].quoted);
    assert_arg(3, "", "hidden", 30);
    assert_arg(4, "", "10.0.2.2:5000", 37);
    assert_arg(5, "dhcp", "", 56);
}

static void test_a_hash_is_text_behind_the_verb(void **state)
{
    (void)state;
    parse("name # x");
    assert_int_equal(words.count, 3);
    assert_arg(1, "", "#", 6);
}

static void test_escapes(void **state)
{
    (void)state;
    parse("p sends \"\\r\\n\\t\\\\\\\"\\s\\x7F\\xa0=\\0z\"");
    const uint8_t expected[] = { '\r', '\n', '\t', '\\', '"', ' ', 0x7f, 0xa0, '=', 0, 'z' };
    assert_int_equal(words.arg[2].length, sizeof expected);
    assert_memory_equal(words.arg[2].text, expected, sizeof expected);
}

static void test_repeats(void **state)
{
    (void)state;
    parse("p sends \"<{a*3}{\\r*2}{{*2}{}>{a*}{ab*2}\"");
    assert_arg(2, "", "<aaa\r\r{{{}>{a*}{ab*2}", 9);
}

static void test_no_escapes_outside_quotes(void **state)
{
    (void)state;
    parse("p sends a\\rb{x*3}");
    assert_arg(2, "", "a\\rb{x*3}", 9);
}

static void test_wrong_lines(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        { "p sends \"abc", "column 9: the quote is never closed" },
        { "p sends \"a\\qc\"", "column 11: expected an escape: \\r \\n \\t \\0 \\s \\\\ \\\" or \\xHH" },
        { "p sends \"a\\x4\"", "column 11: expected an escape: \\r \\n \\t \\0 \\s \\\\ \\\" or \\xHH" },
        { "p sends \"a\"b", "column 12: expected a blank behind the quote" },
        { "p sends a\"b\"", "column 10: expected a blank in front of the quote" },
        { "p sends \"{a*99999}\"", "column 10: the line holds more than 16384 bytes" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_false(words_parse(&words, lines[i][0]));
        assert_error(lines[i][1]);
    }
}

static void test_too_many_words(void **state)
{
    (void)state;
    char   line[3 * WORDS_ARGS];
    size_t end = 2 * (size_t)WORDS_ARGS;
    for (size_t i = 0; i <= WORDS_ARGS; i++) {
        memcpy(line + 2 * i, "a ", 3);
    }
    assert_false(words_parse(&words, line));
    assert_error("column 65: more than 32 words");
    line[end] = '\0';
    parse(line);
    assert_int_equal(words.count, WORDS_ARGS);
}

/* ---- Values ---------------------------------------------------------------------------------------------------- */

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t    us;
    } good[] = { { "0ms", 0 },      { "7us", 7 },        { "20ms", 20000 },
                 { "3s", 3000000 }, { "2m", 120000000 }, { "1h", 3600000000u } };
    static const char *const bad[] = { "", "20", "ms", "1.5s", "-1s", "20 ms", "20msx", "20d", "99999999999h" };
    uint64_t                 us = 1;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(words_duration(good[i].text, strlen(good[i].text), &us));
        assert_true(us == good[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(words_duration(bad[i], strlen(bad[i]), &us));
    }
    parse("listen p 10.0.2.2:1 after=20");
    assert_false(words_key_time(&words, "after", &us));
    assert_error("column 27: expected a time such as 20ms (units us ms s m h), not \"20\"");
}

static void test_numbers(void **state)
{
    (void)state;
    long value = 0;
    parse("x -50 14 15 1x - 99999999999999");
    assert_true(words_number(&words, &words.arg[1], -120, 0, &value));
    assert_int_equal(value, -50);
    assert_true(words_number(&words, &words.arg[2], 1, 14, &value));
    assert_int_equal(value, 14);
    assert_false(words_number(&words, &words.arg[3], 1, 14, &value));
    assert_error("column 10: expected a number from 1 to 14, not \"15\"");
    for (size_t i = 4; i <= 6; i++) {
        assert_false(words_number(&words, &words.arg[i], -1000000, 1000000, &value));
    }
    assert_int_equal(value, 14);
}

static void test_ip4(void **state)
{
    (void)state;
    static const char *const bad[] = { "x 10.0.2",    "x 10.0.2.256", "x 10.0.2.2.2", "x 10..2.2",
                                       "x 10.0.2.2 ", "x a.b.c.d",    "x 10.0.2.",    "x 00001.0.2.2" };
    uint8_t                  ip[4];
    const uint8_t            expected[4] = { 10, 0, 2, 255 };
    parse("x 10.0.2.255");
    assert_true(words_ip4(&words, &words.arg[1], ip));
    assert_memory_equal(ip, expected, 4);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parse(bad[i]);
        assert_int_equal(words_ip4(&words, &words.arg[1], ip), i == 4);
    }
}

static void test_ip6(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t     bytes[16];
    } good[] = {
        { "x ::", { 0 } },
        { "x ::1", { [15] = 1 } },
        { "x fe80::", { 0xfe, 0x80 } },
        { "x fe80::5ecf:7fff:fe00:1", { 0xfe, 0x80, [8] = 0x5e, 0xcf, 0x7f, 0xff, 0xfe, 0, 0, 1 } },
        { "x 1:2:3:4:5:6:7:8", { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 } },
        { "x 1::8", { 0, 1, [15] = 8 } },
    };
    static const char *const bad[] = {
        "x 1:2:3:4:5:6:7", "x 1:2:3:4:5:6:7:8:9", "x 1::2::3", "x :1", "x 12345::", "x 1:2:3:4:5:6:7:8::", "x g::",
        "x 1:::2",         "x 1:2:3:4::5:6:7:8",  "x 1:"
    };
    cipmux_address_t address;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        parse(good[i].text);
        assert_true(words_host(&words, &words.arg[1], &address));
        assert_int_equal(address.family, 6);
        assert_memory_equal(address.bytes, good[i].bytes, 16);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parse(bad[i]);
        if (words_host(&words, &words.arg[1], &address)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = { "x 10.0.2.2",       "x 10.0.2.2:",     "x 10.0.2.2:0", "x 10.0.2.2:65536",
                                       "x fe80::1:80",     "x [10.0.2.2]:80", "x []:80",      "x [fe80::1:80",
                                       "x example.com:80", "x :80",           "x 10.0.2.2:8x" };
    cipmux_address_t         address;
    parse("x 10.0.2.2:65535 [fe80::1]:80");
    assert_true(words_address(&words, &words.arg[1], &address));
    assert_int_equal(address.family, 4);
    assert_int_equal(address.port, 65535);
    assert_true(words_address(&words, &words.arg[2], &address));
    assert_int_equal(address.family, 6);
    assert_int_equal(address.bytes[15], 1);
    assert_int_equal(address.port, 80);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parse(bad[i]);
        if (words_address(&words, &words.arg[1], &address)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    assert_error("column 3: expected an address and port such as 10.0.2.2:5000, not \"10.0.2.2:8x\"");
}

static void test_many_addresses(void **state)
{
    (void)state;
    cipmux_address_t address;
    parse("x 10.0.2.2:0 any 10.0.2.2:");
    assert_true(words_addresses(&words, &words.arg[1], &address));
    assert_int_equal(address.family, 4);
    assert_int_equal(address.port, 0);
    assert_true(words_addresses(&words, &words.arg[2], &address));
    assert_int_equal(address.family, 0);
    assert_int_equal(address.port, 0);
    assert_false(words_addresses(&words, &words.arg[3], &address));
    assert_false(words_address(&words, &words.arg[1], &address));
}

static void test_mac(void **state)
{
    (void)state;
    static const char *const bad[] = { "x 02:00:00:00:00", "x 02-00-00-00-00-01", "x 02:00:00:00:00:0g",
                                       "x 02:00:00:00:00:011" };
    const uint8_t            expected[6] = { 0x02, 0xAB, 0, 0, 0, 1 };
    uint8_t                  mac[6];
    parse("x 02:aB:00:00:00:01");
    assert_true(words_mac(&words, &words.arg[1], mac));
    assert_memory_equal(mac, expected, 6);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parse(bad[i]);
        assert_false(words_mac(&words, &words.arg[1], mac));
    }
}

static void test_flags(void **state)
{
    (void)state;
    bool silent = false, hidden = true, refuses = false, other = true;
    parse("ap silent hidden=no refuses=maybe \"other\"");
    assert_true(words_flag(&words, "silent", &silent));
    assert_true(silent);
    assert_true(words_flag(&words, "hidden", &hidden));
    assert_false(hidden);
    assert_true(words_flag(&words, "absent", &other));
    assert_true(words_flag(&words, "other", &other));
    assert_true(other);
    assert_false(words.arg[4].used); /* quoted text is no flag */
    assert_false(words_flag(&words, "refuses", &refuses));
    assert_error("column 29: expected yes or no, not \"maybe\"");
}

static void test_absent_keys_leave_values(void **state)
{
    (void)state;
    long     number = 7;
    uint64_t us = 8;
    uint8_t  ip[4] = { 9, 9, 9, 9 };
    parse("ap");
    assert_true(words_key_number(&words, "channel", 1, 14, &number));
    assert_true(words_key_time(&words, "after", &us));
    assert_true(words_key_ip4(&words, "address", ip));
    assert_int_equal(number, 7);
    assert_true(us == 8);
    assert_int_equal(ip[0], 9);
}

/* ---- Verbs ----------------------------------------------------------------------------------------------------- */

static bool say_wait(void *context, words_t *said)
{
    const words_arg_t *arg = words_plain(said, 1, "a time");
    uint64_t           us = 0;
    if (arg == NULL || !words_time(said, arg, &us)) {
        return false;
    }
    *(uint64_t *)context += us;
    return true;
}

static const words_verb_t verbs[] = { { "wait", say_wait, "wait TIME", "waits" } };

static bool run(const char *line, uint64_t *sum)
{
    return words_parse(&words, line) && words_run(verbs, 1, sum, &words);
}

static void test_verbs(void **state)
{
    (void)state;
    uint64_t sum = 0;
    assert_true(run("wait 3us", &sum));
    assert_true(run("wait 4us", &sum));
    assert_true(run("", &sum));
    assert_true(sum == 7);
    assert_false(run("wait", &sum));
    assert_error("column 5: expected a time, not the end of the line");
    assert_false(run("wait 3us 4us", &sum));
    assert_error("column 10: this verb does not know \"4us\"");
    assert_false(run("wait 3us for=me", &sum));
    assert_error("column 14: this verb does not know \"for=me\"");
    assert_false(run("sleep 3us", &sum));
    assert_error("column 1: no verb is called \"sleep\"");
    assert_ptr_equal(words_verb(verbs, 1, "wait"), &verbs[0]);
    assert_null(words_verb(verbs, 1, "wai"));
}

static void test_the_first_error_stays(void **state)
{
    (void)state;
    parse("x");
    assert_false(words_fail(&words, 3, "one %d", 1));
    assert_false(words_fail(&words, 4, "two"));
    assert_error("column 3: one 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_words_and_keys),
        cmocka_unit_test(test_a_hash_is_text_behind_the_verb),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_no_escapes_outside_quotes),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_too_many_words),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_ip4),
        cmocka_unit_test(test_ip6),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_absent_keys_leave_values),
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_the_first_error_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
