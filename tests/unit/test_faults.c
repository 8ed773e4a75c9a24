/* Faults on a serial line: what comes out of the lanes, whole, byte by byte and in random pieces. */
#include "faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static faults_t faults;
static words_t  words;
static uint64_t now_us;
static char     out[FAULTS_LANES][8192]; /* what came out */
static size_t   come[FAULTS_LANES];
static char     due[1000]; /* what was to be said, with what had come out before it: "6 server closes;" */

static int fresh(void **state)
{
    (void)state;
    faults_init(&faults, 1);
    now_us = 1000000;
    memset(come, 0, sizeof come);
    due[0] = '\0';
    return 0;
}

static bool says(const char *line)
{
    words.now_us = now_us;
    return words_parse(&words, line) && words_run(faults_verbs, FAULTS_VERBS, &faults, &words);
}

static void say(const char *line)
{
    if (!says(line)) fail_msg("%s: %s", line, words.error);
}

static void wrong(const char *line, const char *error)
{
    const size_t rules = faults.rules;
    assert_false(says(line));
    assert_string_equal(words.error, error);
    assert_int_equal(faults.rules, rules);
}

static void take_due(faults_lane_t lane)
{
    const char *line;
    while ((line = faults_due(&faults, now_us)) != NULL) {
        size_t n = strlen(due);
        if (words_parse(&words, line) && words_verb(faults_verbs, FAULTS_VERBS, (const char *)words.arg[0].text))
            say(line);
        else
            snprintf(due + n, sizeof due - n, "%zu %s;", come[lane], line);
    }
}

/* Takes what comes out now, in pieces of at most `piece` bytes. */
static void take(faults_lane_t lane, size_t piece)
{
    const uint8_t *bytes;
    size_t         n;
    do {
        take_due(lane);
        n = faults_peek(&faults, now_us, lane, &bytes);
        if (n > piece) n = piece;
        memcpy(out[lane] + come[lane], bytes, n);
        come[lane] += n;
        faults_taken(&faults, lane, n);
    } while (n > 0);
    take_due(lane);
    out[lane][come[lane]] = '\0';
}

static void pass(faults_lane_t lane, const char *text, size_t n, size_t piece)
{
    for (size_t done = 0; done < n;) {
        size_t room = faults_room(&faults, lane);
        if (room > n - done) room = n - done;
        if (room == 0 && !faults.lane[lane].stopped) break; /* it waits for a time */
        faults_put(&faults, now_us, lane, text + done, room);
        done += room;
        if (faults.lane[lane].end - faults.lane[lane].first >= piece || room == 0) take(lane, piece);
    }
    faults_quiet(&faults, now_us, lane);
    take(lane, piece);
}

static void prints(const char *text)
{
    pass(FAULTS_PRINTED, text, strlen(text), 1000);
}

static void came(faults_lane_t lane, const char *text)
{
    assert_string_equal(out[lane], text);
    come[lane] = 0;
    out[lane][0] = '\0';
}

static void test_nothing(void **state)
{
    (void)state;
    assert_false(faults_used(&faults));
    prints("abc");
    came(FAULTS_PRINTED, "abc");
    assert_null(faults_told(&faults));
    assert_true(faults_deadline(&faults) == CIPMUX_NEVER);
}

static void test_bytes(void **state)
{
    (void)state;
    say("printed loses 2 after=3");
    say("printed flips 1 bit=0 after=7");
    say("printed adds \"<>\" after=8");
    assert_true(faults_used(&faults));
    prints("abcdefghijk");
    came(FAULTS_PRINTED, "abcfgi<>ijk");
    assert_string_equal(faults_told(&faults), "printed: 2 bytes lost, from byte 3 on");
    assert_string_equal(faults_told(&faults), "printed: 1 byte flipped, from byte 7 on");
    assert_string_equal(faults_told(&faults), "printed: text added, at byte 8");
    assert_null(faults_told(&faults));
    say("printed adds \"now\"");
    prints("");
    came(FAULTS_PRINTED, "now");
    say("typed loses 1");
    prints("lanes differ");
    came(FAULTS_PRINTED, "lanes differ");
    pass(FAULTS_TYPED, "xyz", 3, 1);
    came(FAULTS_TYPED, "yz");
}

static void test_waits(void **state)
{
    (void)state;
    say("printed waits 30ms after=2");
    prints("abcd");
    came(FAULTS_PRINTED, "ab");
    assert_int_equal(faults_room(&faults, FAULTS_PRINTED), 0);
    assert_true(faults_deadline(&faults) == now_us + 30000);
    now_us += 29999;
    take(FAULTS_PRINTED, 100);
    came(FAULTS_PRINTED, "");
    now_us += 1;
    take(FAULTS_PRINTED, 100);
    came(FAULTS_PRINTED, "c"); /* d was not put in yet */
    assert_true(faults_deadline(&faults) == CIPMUX_NEVER);
    prints("d");
    came(FAULTS_PRINTED, "d");
}

static void test_rates(void **state)
{
    static char zeroes[100000];
    size_t      lost = 0;
    (void)state;
    memset(zeroes, '0', sizeof zeroes);
    say("typed loses 1 every=1000");
    for (size_t i = 0; i < sizeof zeroes; i += 1000) {
        pass(FAULTS_TYPED, zeroes, 1000, 100);
        lost += 1000 - come[FAULTS_TYPED];
        come[FAULTS_TYPED] = 0;
    }
    assert_in_range(lost, 70, 130);
    say("printed loses 1 within=50"); /* one of them, and it is known which: the log says it */
    pass(FAULTS_PRINTED, zeroes, 100, 100);
    assert_int_equal(come[FAULTS_PRINTED], 99);
    come[FAULTS_PRINTED] = 0;
    say("every 10s beat");
    for (int i = 0; i < 1000; i++) {
        now_us += 1000000;
        take_due(FAULTS_TYPED);
    }
    size_t beats = 0;
    for (const char *at = due; (at = strstr(at, "beat")) != NULL; at++)
        beats++;
    assert_in_range(beats, 70, 130);
}

/* Once, that much later, and never again. */
static void test_in(void **state)
{
    (void)state;
    say("in 3s knock");
    assert_int_equal(faults_deadline(&faults), now_us + 3000000);
    now_us += 2999999;
    take_due(FAULTS_TYPED);
    assert_null(strstr(due, "knock"));
    now_us++;
    take_due(FAULTS_TYPED);
    assert_non_null(strstr(due, "knock"));
    assert_int_equal(faults_deadline(&faults), CIPMUX_NEVER);
    due[0] = '\0';
    now_us += 1000000000;
    take_due(FAULTS_TYPED);
    assert_null(strstr(due, "knock"));
}

static void test_on(void **state)
{
    (void)state;
    say("on printed \"> \" server closes");
    say("on printed \"> \" nth=3 third");
    say("on printed \"b\" each after=2 later");
    prints("a> b12> b3456> > ");
    came(FAULTS_PRINTED, "a> b12> b3456> > ");
    assert_string_equal(due, "3 server closes;6 later;11 later;15 third;");
    say("on printed \"> \" nth=2 each again");
    due[0] = '\0';
    prints("> > > ");
    assert_string_equal(due, "4 again;6 again;");
}

/* A text that overlaps itself, and one of which a begin stands before it. */
static void test_overlaps(void **state)
{
    (void)state;
    say("on printed \"aab\" found");
    say("on printed \"\\r\\n\\r\\nx\" each gap");
    prints("aaab\r\n\r\n\r\nx");
    assert_string_equal(due, "4 found;11 gap;");
}

static void test_match(void **state)
{
    (void)state;
    say("on printed \"SEND OK\" match late=5s");
    say("on printed \"SEND OK\" nth=2 match lost");
    say("on printed \"CLOSED\" match twice");
    say("on printed \"\\r\\n0,CONNECT\" match becomes=\"0,CONNECT\"");
    prints("[SEND OK]");
    came(FAULTS_PRINTED, "[]");
    assert_true(faults_deadline(&faults) == now_us + 5000000);
    prints("[SEND OK]");
    came(FAULTS_PRINTED, "[]");
    prints("[SEND OK][CLOSED]\r\n0,CONNECT\r\n1,CONNECT");
    came(FAULTS_PRINTED, "[SEND OK][CLOSEDCLOSED]0,CONNECT\r\n1,CONNECT");
    now_us += 5000000;
    prints("");
    came(FAULTS_PRINTED, "SEND OK");
    prints("SEND");
    came(FAULTS_PRINTED, "SEND");
}

/* What is typed is held while it may be the text, but not for long. */
static void test_typed_slowly(void **state)
{
    (void)state;
    say("on typed \"AT+RST\" match becomes=\"AT\"");
    pass(FAULTS_TYPED, "AT+", 3, 1);
    came(FAULTS_TYPED, "");
    assert_true(faults_deadline(&faults) == now_us + FAULTS_HOLD_US);
    pass(FAULTS_TYPED, "RST\r\n", 5, 1);
    came(FAULTS_TYPED, "AT\r\n");
    fresh(NULL);
    say("on typed \"AT+RST\" match becomes=\"AT\"");
    pass(FAULTS_TYPED, "AT+", 3, 1);
    now_us += FAULTS_HOLD_US;
    take(FAULTS_TYPED, 1);
    came(FAULTS_TYPED, "AT+");
    pass(FAULTS_TYPED, "RST\r\n", 5, 1);
    came(FAULTS_TYPED, "RST\r\n");
    assert_string_equal(faults_told(&faults), "typed: a text to be changed had passed in part, at byte 6");
}

/* Words that are faults themselves begin behind the text. */
static void test_chains(void **state)
{
    (void)state;
    say("on printed \"+IPD,\" printed loses 2");
    say("on printed \"x\" on printed \"y\" printed adds \"!\"");
    prints("\r\n+IPD,5:hellyoxxyz");
    came(FAULTS_PRINTED, "\r\n+IPD,hellyoxxy!z");
}

/* The same comes out, and the same is said at the same bytes, however they are cut. */
static void test_cuts(void **state)
{
    static const char *const rules[] = { "printed loses 3 every=40",
                                         "printed flips 1 every=60",
                                         "on printed \"abc\" each printed adds \"<+>\"",
                                         "on printed \"bca\" each match twice",
                                         "on printed \"cc\" each after=5 beep",
                                         "on printed \"aaa\" each match lost" };
    char                     first[8192] = "", first_due[1000] = "";
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        char text[2000];
        srand(seed / 3);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "abc"[rand() % 3];
        fresh(NULL);
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
            say(rules[i]);
        for (size_t done = 0; done < sizeof text;) {
            size_t n = seed % 3 == 0 ? sizeof text : seed % 3 == 1 ? 1 : 1 + (size_t)rand() % 50;
            if (n > sizeof text - done) n = sizeof text - done;
            /* within one instant: no faults_quiet() between the pieces */
            for (size_t i = 0; i < n;) {
                size_t room = faults_room(&faults, FAULTS_PRINTED);
                if (room > 0) faults_put(&faults, now_us, FAULTS_PRINTED, text + done + i, 1);
                if (room == 0 || rand() % 3 == 0) take(FAULTS_PRINTED, 1 + (size_t)rand() % 20);
                i += room;
            }
            done += n;
        }
        for (int i = 0; i < 2; i++) { /* words may have been due at first */
            faults_quiet(&faults, now_us, FAULTS_PRINTED);
            take(FAULTS_PRINTED, 1000);
        }
        if (seed % 3 == 0) {
            strcpy(first, out[FAULTS_PRINTED]);
            strcpy(first_due, due);
        }
        assert_string_equal(out[FAULTS_PRINTED], first);
        assert_string_equal(due, first_due);
    }
}

static void test_wrong(void **state)
{
    char line[500], text[400];
    (void)state;
    wrong("typed", "column 6: expected loses, flips, adds or waits, not the end of the line");
    wrong("typed eats 3", "column 7: expected loses, flips, adds or waits, not \"eats\"");
    wrong("typed loses", "column 12: expected a number of bytes, not the end of the line");
    wrong("typed loses 0", "column 13: expected a number from 1 to 1000000, not \"0\"");
    wrong("typed flips 1 bit=8", "column 19: expected a number from 0 to 7, not \"8\"");
    wrong("typed waits 3", "column 13: expected a time such as 20ms (units us ms s m h), not \"3\"");
    wrong("typed adds \"\"", "column 12: expected 1 to 240 bytes");
    wrong("typed loses 3 before=2", "column 22: this verb does not know \"before=2\"");
    wrong("on", "column 3: expected typed or printed, not the end of the line");
    wrong("on line \"x\" y", "column 4: expected typed or printed, not \"line\"");
    wrong("on typed \"\" y", "column 10: expected 1 to 64 bytes");
    wrong("on typed \"x\"", "column 1: expected what happens then");
    wrong("on typed \"x\" nth=0 y", "column 18: expected a number from 1 to 1000000000, not \"0\"");
    wrong("on typed \"x\" match", "column 14: in these words, column 6: expected lost, twice, late=TIME or "
                                  "becomes=TEXT, not the end of the line");
    wrong("on typed \"x\" after=2 match lost", "column 22: match changes the text itself: after= is not for it");
    wrong("on typed \"x\" match late=2",
          "column 14: in these words, column 12: expected a time such as 20ms (units us ms s m h), not \"2\"");
    wrong("match lost", "column 1: match changes a text that was found: it stands behind \"on\"");
    wrong("every 10 x", "column 7: expected a time such as 20ms (units us ms s m h), not \"10\"");
    wrong("every 10us x", "column 7: expected a time of 1ms or more, not \"10us\"");
    wrong("every 10s", "column 1: expected what happens then");
    wrong("in 10us x", "column 4: expected a time of 1ms or more, not \"10us\"");
    wrong("in 10s", "column 1: expected what happens then");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(line, sizeof line, "every 10s %s", text);
    wrong(line, "column 11: expected at most 239 bytes");
    while (faults.rules < FAULTS_RULES)
        say("every 10s x");
    wrong("every 10s x", "column 1: there are 64 rules already");
    for (int i = 0; i < FAULTS_CHANGES; i++)
        say("typed loses 1");
    wrong("typed loses 1", "column 1: there are 16 such faults already");
}

/* What `on` says is given to who knows those words. */
static void test_words_of_a_rule(void **state)
{
    unsigned column = 0;
    (void)state;
    say("on typed \"x\" nth=2  ap-gone ssid=\"lab\"");
    assert_string_equal(faults_words(&faults, &words, &column), "ap-gone ssid=\"lab\"");
    assert_int_equal(column, 21);
    say("on typed \"x\" match lost");
    assert_null(faults_words(&faults, &words, &column));
    say("typed loses 3");
    assert_null(faults_words(&faults, &words, &column));
}

static void test_many_messages(void **state)
{
    (void)state;
    say("printed loses 1 every=1");
    for (int i = 0; i < 100; i++)
        prints("0123456789");
    for (int i = 1; i < FAULTS_MESSAGES; i++)
        assert_non_null(faults_told(&faults));
    assert_string_equal(faults_told(&faults), "and more");
    assert_null(faults_told(&faults));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, fresh),
        cmocka_unit_test_setup(test_bytes, fresh),
        cmocka_unit_test_setup(test_waits, fresh),
        cmocka_unit_test_setup(test_rates, fresh),
        cmocka_unit_test_setup(test_in, fresh),
        cmocka_unit_test_setup(test_on, fresh),
        cmocka_unit_test_setup(test_overlaps, fresh),
        cmocka_unit_test_setup(test_match, fresh),
        cmocka_unit_test_setup(test_typed_slowly, fresh),
        cmocka_unit_test_setup(test_chains, fresh),
        cmocka_unit_test_setup(test_cuts, fresh),
        cmocka_unit_test_setup(test_wrong, fresh),
        cmocka_unit_test_setup(test_words_of_a_rule, fresh),
        cmocka_unit_test_setup(test_many_messages, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
