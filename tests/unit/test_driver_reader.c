/* The driver's reader alone: every word and its near misses, numbers, frames, answers. Its callbacks only write a log.
 * Built once for each set of the driver's features. */
#include "internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {
#define X(name, text) text,
    WORDS(X)
#undef X
};

static const cipdrv_config_t config = { .rate = 1152 };

static cipdrv_t tested;
static char     got[16384];
static size_t   used, frame_at; /* frame_at: behind the last thing logged if that was payload */
static uint16_t allowance;      /* payload bytes that the program takes */
static bool     passive;

static void note(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(got + used, sizeof got - used, format, list);
    va_end(list);
    assert_true(n >= 0 && (size_t)n < sizeof got - used);
    used += (size_t)n;
}

/* ---- What the reader calls ------------------------------------------------------------------------------------- */

void cipdrv_word(cipdrv_t *driver, uint8_t word)
{
    if (driver->id == CIPDRV_NO_LINK)
        note("[%s]", words[word]);
    else
        note("[%u %s]", driver->id, words[word]);
}

void cipdrv_number(cipdrv_t *driver, uint8_t word)
{
    (void)word;
    note("(%u)", driver->value);
}

uint16_t cipdrv_frame(cipdrv_t *driver, const uint8_t *data, uint16_t n)
{
    if (n > allowance) n = allowance;
    allowance = (uint16_t)(allowance - n);
    if (frame_at != used) note("%u:", driver->id);
    note("%.*s", n, (const char *)data);
    frame_at = used;
    return n;
}

void cipdrv_frame_end(cipdrv_t *driver)
{
    if (driver->doubt) driver->doubt = DOUBT_CHAIN;
    note(".");
}

void cipdrv_unknown(cipdrv_t *driver)
{
    (void)driver;
    note("?");
}

void cipdrv_noise(cipdrv_t *driver)
{
    driver->doubt = DOUBT;
    driver->reading = READING_SKIP;
    note("!");
}

void cipdrv_text(cipdrv_t *driver, uint8_t c)
{
    (void)driver;
    note("%c", c);
}

/* ---- Feeding --------------------------------------------------------------------------------------------------- */

static void start(void)
{
    memset(&tested, 0, sizeof tested);
    tested.config = &config;
    cipdrv_read_start(&tested);
    tested.passive = passive;
    used = 0;
    frame_at = SIZE_MAX;
    allowance = 65535;
    got[0] = '\0';
}

static void feed(const char *bytes, size_t n, size_t cut)
{
    start();
    for (size_t at = 0; at < n; at += cut) {
        uint16_t k = (uint16_t)(n - at < cut ? n - at : cut);
        assert_int_equal(cipdrv_sink(&tested, 0, (const uint8_t *)bytes + at, k), k);
    }
}

/* The same log in whatever way the bytes are cut. */
static void reads_n(const char *bytes, size_t n, const char *expected)
{
    for (size_t cut = n ? n : 1; cut; cut--) {
        feed(bytes, n, cut);
        if (strcmp(got, expected) != 0)
            fail_msg("\"%s\" in pieces of %zu: expected %s, got %s", bytes, cut, expected, got);
    }
}

static void reads(const char *bytes, const char *expected)
{
    reads_n(bytes, strlen(bytes), expected);
}

#if CIPDRV_LINKS > 1
#define ID "2,"
#define AS "2 "
#define OF "2:"
#define NO ""
#else
#define ID ""
#define AS "0 "
#define OF "0:"
#define NO "0 "
#endif

/* Behind it comes a number. */
static bool has_number(const char *word)
{
    char last = word[strlen(word) - 1];
    return last == ',' || last == ':';
}

static bool has_text(const char *word)
{
    return strcmp(word, "+CIPDOMAIN:") == 0 || strcmp(word, "+CIPSNTPTIME:") == 0 || strcmp(word, "+PING:") == 0;
}

/* Does any word begin with these n bytes? */
static bool begins(const char *bytes, size_t n)
{
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (strncmp(words[i], bytes, n) == 0) return true;
    return false;
}

/* ---- Tests ----------------------------------------------------------------------------------------------------- */

static void sorted_and_none_begins_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        assert_true(words[i][0] != '\0');
        if (i) assert_true(strcmp(words[i - 1], words[i]) < 0);
        for (size_t k = 0; k < WORD_COUNT; k++)
            if (i != k) assert_int_not_equal(strncmp(words[i], words[k], strlen(words[i])), 0);
    }
}

/* Alone, behind line ends, behind a prompt's blank, twice, and with a link's id. */
static void each_word_is_found(void **state)
{
    (void)state;
    char line[64], expected[64];
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (has_number(words[i]) || has_text(words[i]) || i == WORD_PROMPT) continue;
        snprintf(line, sizeof line, "%s\r\n", words[i]);
        snprintf(expected, sizeof expected, "[" NO "%s]", words[i]);
        reads(line, expected);
        snprintf(line, sizeof line, "\r\n\r\n%s rest, of: the line\r\n", words[i]);
        reads(line, expected);
        snprintf(line, sizeof line, " %s\r\n\r\n%s\r\n", words[i], words[i]);
        snprintf(expected, sizeof expected, "[" NO "%s][" NO "%s]", words[i], words[i]);
        reads(line, expected);
#if CIPDRV_LINKS > 1
        for (unsigned id = 0; id < CIPDRV_LINKS; id++) {
            snprintf(line, sizeof line, "\r\n%u,%s\r\n%s\r\n", id, words[i], words[i]);
            snprintf(expected, sizeof expected, "[%u %s][%s]", id, words[i], words[i]);
            reads(line, expected);
        }
#endif
    }
}

/* Each word with one byte changed, at each place to each value, is no word, unless it begins another. */
static void near_misses_are_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORD_COUNT; i++)
        for (size_t at = 0; at < strlen(words[i]); at++)
            for (int c = 1; c < 256; c++) {
                char line[64];
                memcpy(line, words[i], at);
                line[at] = (char)c;
                bool skipped = at == 0 && (c == '\r' || c == '\n' || c == ' ');
                bool digit = at == 0 && c >= '0' && c < '0' + CIPDRV_LINKS && CIPDRV_LINKS > 1;
                if (begins(line, at + 1) || skipped || digit) continue;
                strcpy(line + at + 1, "xOK\r\n\r\nOK\r\n");
                feed(line, strlen(line), strlen(line));
                if (strcmp(got, c == '\n' ? "?" : "?[" NO "OK\r]") != 0 && c != '\n')
                    fail_msg("%s with byte %zu 0x%02x: %s", words[i], at, (unsigned)c, got);
            }
}

/* A line that ends early, or has something before the word. */
static void parts_of_words_are_not_found(void **state)
{
    (void)state;
    char line[64];
    for (size_t i = 0; i < WORD_COUNT; i++)
        for (size_t n = 1; n < strlen(words[i]); n++) {
            memcpy(line, words[i], n);
            strcpy(line + n, "\r\n");
            if (!begins(line, n + 1)) reads(line, "?");
            snprintf(line, sizeof line, "x%s\r\n", words[i]);
            reads(line, "?");
        }
    reads("OKAY\r\n", "?");
    reads("READY\r\nok\r\n", "??");
    reads("SEND OK \r\n", "?");
}

/* A digit and no comma is not an id; the rest of such a line is nothing. */
static void digits_are_no_ids(void **state)
{
    (void)state;
#if CIPDRV_LINKS > 1
    reads("2\r\nOK\r\n", "?[OK\r]");
    reads("2\r\n\r\n+IPD,3,2:OK", "?[+IPD,](2)3:OK.");
    reads("12OK\r\n", "?");
    reads("2x OK\r\n\r\nOK\r\n", "?[OK\r]");
    reads("1 2,CLOSED\r\n", "?");
    reads("2,3,CLOSED\r\n", "?");
    reads("5,CLOSED\r\n", "?");
    reads(",CLOSED\r\n", "?");
#else
    reads("0,CLOSED\r\n", "?");
    reads("4,CONNECT\r\n", "?");
#endif
}

static void frames(void **state)
{
    (void)state;
    reads("\r\n+IPD," ID "5:hello", "[" NO "+IPD,](5)" OF "hello.");
    reads("\r\n+IPD," ID "5:hello\r\nOK\r\n", "[" NO "+IPD,](5)" OF "hello.[" NO "OK\r]");
    reads("+IPD," ID "2:OK\r\n+IPD," ID "3:a\r\n\r\n", "[" NO "+IPD,](2)" OF "OK.[" NO "+IPD,](3)" OF "a\r\n.");
    reads("\r\n+IPD," ID "10:OK\r\n+IPD,0" ID "CLOSED\r\n", "[" NO "+IPD,](10)" OF "OK\r\n+IPD,0.[" AS "CLOSED\r]");
    /* a frame with the sender (AT+CIPDINFO=1) is not read: its length is told and the rest of the line is dropped */
    reads("+IPD," ID "1:x+IPD," ID "1:yERROR\r\n", "[" NO "+IPD,](1)" OF "x.[" NO "+IPD,](1)" OF "y.[" NO "ERROR]");
#if CIPDRV_LINKS > 1
    reads("+IPD,0,1:a+IPD,4,1:b", "[+IPD,](1)0:a.[+IPD,](1)4:b.");
    reads("3,+IPD,3,1:a", "[3 +IPD,]!");
#endif
}

/* A header with a byte lost or garbled is noise: what follows is payload without its header. */
static void headers_garbled(void **state)
{
    (void)state;
    static const char *const heads[] = {
#if CIPDRV_LINKS > 1
        "+IPD,,5:",
        "+IPD,25:",
        "+IPD,9,5:",
        "+IPD,5,5:",
        "+IPD,2:",
        "+IPD,x,5:",
        "+IPD,2x5:",
        "+IPD,22,5:",
        "+IPD,2\r\n",
        "+IPD,",
#endif
        "+IPD," ID "5",
        "+IPD," ID "5;",
        "+IPD," ID "x:",
        "+IPD," ID "5,",
        "+IPD," ID "\n",
        "+IPD," ID "5\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char line[64];
        snprintf(line, sizeof line, "%shello\r\nOK\r\n", heads[i]);
        reads(line, strchr(heads[i], '\r') ? "[" NO "+IPD,]!?" : "[" NO "+IPD,]!"); /* "hello" is a line of its own */
    }
}

static void frame_lengths(void **state)
{
    (void)state;
    static char  bytes[2200];
    static char  expected[2200];
    const size_t head = strlen("+IPD," ID "2048:");
    memset(bytes, 'z', sizeof bytes);
    memcpy(bytes, "+IPD," ID "2048:", head); /* NOLINT(bugprone-not-null-terminated-result) */
    feed(bytes, head + 2048, 100);
    int n = snprintf(expected, sizeof expected, "[" NO "+IPD,](2048)" OF);
    memset(expected + n, 'z', 2048);
    strcpy(expected + n + 2048, ".");
    assert_string_equal(got, expected);

    reads("+IPD," ID "2049:OK\r\nOK\r\n", "[" NO "+IPD,]!");
    reads("+IPD," ID "0:OK\r\nOK\r\n", "[" NO "+IPD,]!");
    reads("+IPD," ID ":OK\r\nOK\r\n", "[" NO "+IPD,]!");
    reads("+IPD," ID "9999:OK\r\nOK\r\n", "[" NO "+IPD,]!");
    reads("+IPD," ID "65535:OK\r\nOK\r\n", "[" NO "+IPD,]!");
}

/* The program takes a part: the rest is offered again, and what is behind it waits. */
static void partial_takes(void **state)
{
    (void)state;
    static const char bytes[] = "+IPD," ID "5:helloOK\r\n";
    for (uint16_t first = 0; first < 5; first++) {
        start();
        allowance = first;
        uint16_t n = (uint16_t)strlen(bytes), taken = cipdrv_sink(&tested, 0, (const uint8_t *)bytes, n);
        assert_int_equal(taken, n - 9 + first);
        assert_int_equal(cipdrv_sink(&tested, 0, (const uint8_t *)bytes + taken, (uint16_t)(n - taken)), 0);
        allowance = 65535;
        assert_int_equal(cipdrv_sink(&tested, 0, (const uint8_t *)bytes + taken, (uint16_t)(n - taken)), n - taken);
        assert_string_equal(got, "[" NO "+IPD,](5)" OF "hello.[" NO "OK\r]");
    }
}

static void passive_forms(void **state)
{
    (void)state;
    passive = false;
#if CIPDRV_PASSIVE
    passive = true;
    reads("\r\n+IPD," ID "1460\r\n\r\nOK\r\n", "[" NO "+IPD,](1460)[" NO "OK\r]");
    const char *id = CIPDRV_LINKS > 1 ? "255:" : "0:"; /* whose it is only the command knows */
    char        expected[64];
    snprintf(expected, sizeof expected, "[" NO "+CIPRECVDATA,](5)%sCLOSE.[" NO "OK\r]", id);
    reads("+CIPRECVDATA,5:CLOSE\r\nOK\r\n", expected);
    snprintf(expected, sizeof expected, "[" NO "+CIPRECVDATA:](5)%sCLOSE.[" NO "OK\r]", id);
    reads("+CIPRECVDATA:5,CLOSE\r\nOK\r\n", expected);
    /* nothing was left: no noise */
    reads("+CIPRECVDATA:0,\r\n\r\nOK\r\n", "[" NO "+CIPRECVDATA:](0)[" NO "OK\r]");
    reads("+CIPRECVDATA,0:\r\nOK\r\n", "[" NO "+CIPRECVDATA,](0)[" NO "OK\r]");
    reads("+CIPRECVDATA:2049,\r\n\r\nOK\r\n", "[" NO "+CIPRECVDATA:]!");
    /* the "," or ":" is lost */
    reads("+CIPRECVDATA,5hello\r\nOK\r\n", "[" NO "+CIPRECVDATA,]!");
    reads("+CIPRECVDATA:5\xda\r\nOK\r\n", "[" NO "+CIPRECVDATA:]!");
#if CIPDRV_LINKS > 1
    reads("+CIPRECVLEN:1,22,0,-1,2920\r\n\r\nOK\r\n", "[+CIPRECVLEN:](1)(22)(0)(65531)(2920)[OK\r]");
#else
    reads("+CIPRECVLEN:22\r\n\r\nOK\r\n", "[0 +CIPRECVLEN:](22)[0 OK\r]");
#endif
    passive = false;
#endif
}

/* A prompt has no line end: what is behind it is a line of its own. */
static void behind_the_prompt(void **state)
{
    (void)state;
    reads("\r\nOK\r\n> " ID "CLOSED\r\n", "[" NO "OK\r][" NO ">][" AS "CLOSED\r]");
    reads("\r\n>\r\n+IPD," ID "2:OK", "[" NO ">][" NO "+IPD,](2)" OF "OK.");
    reads(">>> ", "[" NO ">][" NO ">][" NO ">]");
}

static void numbers(void **state)
{
    (void)state;
    reads("STATUS:3\r\n\r\nOK\r\n", "[" NO "STATUS:](3)[" NO "OK\r]");
#if CIPDRV_LINKS > 1
    reads("STATUS:3\r\n+CIPSTATUS:4,\"TCP\",\"10.0.2.2\",80,5000,0\r\n\r\nOK\r\n",
          "[STATUS:](3)[+CIPSTATUS:](4)[OK\r]");
#endif
}

static void answers(void **state)
{
    (void)state;
#if CIPDRV_ASK
    reads("+CIPDOMAIN:10.0.2.2\r\n\r\nOK\r\n", "[" NO "+CIPDOMAIN:]10.0.2.2[" NO "OK\r]");
    reads("+PING:12\r\n\r\nOK\r\n", "[" NO "+PING:]12[" NO "OK\r]");
    reads("+PING:TIMEOUT\r\n\r\nERROR\r\n", "[" NO "+PING:]TIMEOUT[" NO "ERROR]");
    reads("+CIPSNTPTIME:Thu Aug 04 14:48:05 2016\r\nOK\r\n",
          "[" NO "+CIPSNTPTIME:]Thu Aug 04 14:48:05 2016[" NO "OK\r]");
#else
    reads("+CIPDOMAIN:10.0.2.2\r\n", "?");
#endif
}

static void reads_in_doubt(const char *bytes, const char *expected, uint8_t after)
{
    size_t n = strlen(bytes);
    for (size_t cut = 1; cut <= n; cut++) {
        start();
        cipdrv_noise(&tested);
        for (size_t at = 0; at < n; at += cut) {
            uint16_t k = (uint16_t)(n - at < cut ? n - at : cut);
            assert_int_equal(cipdrv_sink(&tested, 0, (const uint8_t *)bytes + at, k), k);
        }
        if (strcmp(got, expected) != 0 || tested.doubt != after)
            fail_msg("\"%s\" in pieces of %zu: expected %s, got %s", bytes, cut, expected, got);
    }
}

/* In doubt the rest of the line is skipped and no word is believed, but the bytes of a frame are counted; a word right
 * behind them ends the doubt, and so does the fourth known line in a row. */
static void doubt(void **state)
{
    (void)state;
    reads_in_doubt("rest\r\nOK\r\nready\r\n" ID "CLOSED\r\n", "!", DOUBT_CHAIN);
    reads_in_doubt("rest\r\nOK\r\nready\r\n" ID "CLOSED\r\n\r\nOK\r\n> ", "![" NO "OK\r][" NO ">]", DOUBT_NONE);
    reads_in_doubt("rest\r\n+IPD," ID "5:ready\r\nOK\r\n", "!(5)" OF "ready.[" NO "OK\r]", DOUBT_NONE);
    reads_in_doubt("rest\r\n+IPD," ID "5:ready\r\n+IPD," ID "2:OK", "!(5)" OF "ready.[" NO "+IPD,](2)" OF "OK.",
                   DOUBT_NONE);
    reads_in_doubt("rest\r\n+IPD," ID "5:readymore\r\nOK\r\n", "!(5)" OF "ready.?[" NO "OK\r]", DOUBT_NONE);
    reads_in_doubt("\r\n+IPD," ID "9999:x\r\nOK\r\n", "!!", DOUBT - 1);
    reads_in_doubt("\r\n+IPD," ID "5\r\nOK\r\n", passive ? "!(5)" : "!!", DOUBT - 1 - passive);
}

/* When the silence begins that ends a frame: with the last byte. But in doubt, where the header may be payload, when the frame
 * has had time enough, whatever comes now and then. 100 bytes: 25 / 9 ticks at 115200 baud. */
static void slow_frames(void **state)
{
    (void)state;
    for (int doubted = 0; doubted < 2; doubted++)
        for (uint16_t pause = 1; pause < 50; pause++) {
            uint16_t begin = 65500, now = begin;
            start();
            if (doubted) cipdrv_noise(&tested);
            assert_int_equal(
                cipdrv_sink(&tested, now, (const uint8_t *)"\r\n+IPD," ID "100:", CIPDRV_LINKS > 1 ? 13 : 11),
                CIPDRV_LINKS > 1 ? 13 : 11);
            for (int i = 0; i < 10; i++) {
                now = (uint16_t)(now + pause);
                assert_int_equal(cipdrv_sink(&tested, now, (const uint8_t *)"\r\nOK\r\n", 6), 6);
            }
            assert_int_equal(tested.reading, READING_FRAME);
            assert_int_equal(tested.heard, doubted && CIPDRV_SWITCH ? (uint16_t)(begin + 2) : now);
        }
}

/* Random lines from pieces of the real ones: the log is the same whole and byte by byte, and frames swallow exactly
 * their bytes. */
static void random_cuts(void **state)
{
    (void)state;
    static const char        closed[] = ID "CLOSED\r\n";
    static const char *const pieces[] = { "\r\n", "OK\r\n", "+IPD,",           ID,
                                          "5:",   "ERROR",  "SEND ",           "SEND OK\r\n",
                                          closed, "> ",     "\r\n>",           "busy p...\r\n",
                                          "x",    "7",      "+CIPRECVDATA",    ",",
                                          ":",    "12:",    "WIFI GOT IP\r\n", "ready\r\n" };
    enum { PIECES = sizeof pieces / sizeof *pieces };
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char   line[256] = "";
        char   whole[1024];
        size_t n = 0;
        for (int k = 0; k < 12; k++) {
            seed = seed * 1664525 + 1013904223;
            n += (size_t)snprintf(line + n, sizeof line - n, "%s", pieces[(seed >> 16) % PIECES]);
        }
        feed(line, n, n);
        strcpy(whole, got);
        feed(line, n, 1);
        assert_string_equal(got, whole);
        feed(line, n, 1 + (seed >> 8) % 7);
        assert_string_equal(got, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_none_begins_another),
        cmocka_unit_test(each_word_is_found),
        cmocka_unit_test(near_misses_are_not_found),
        cmocka_unit_test(parts_of_words_are_not_found),
        cmocka_unit_test(digits_are_no_ids),
        cmocka_unit_test(frames),
        cmocka_unit_test(headers_garbled),
        cmocka_unit_test(frame_lengths),
        cmocka_unit_test(partial_takes),
        cmocka_unit_test(passive_forms),
        cmocka_unit_test(behind_the_prompt),
        cmocka_unit_test(numbers),
        cmocka_unit_test(answers),
        cmocka_unit_test(doubt),
        cmocka_unit_test(slow_frames),
        cmocka_unit_test(random_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
