/* Rates of random faults: the lines that they become. */
#include "faults.h"
#include "rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char text[RATE_TEXT];

/* Each kind as often as the others, all of them together once in mtbf. */
static void test_lines(void **state)
{
    (void)state;
    assert_true(rate_words("rate:mtbf=2h,kinds=reset+typed-lost", text, sizeof text));
    assert_string_equal(text, "every 14400s typed loses 1 within=200\nevery 14400s reset-pin\n");
    assert_true(rate_words("rate:mtbf=1ms,kinds=kicked", text, sizeof text));
    assert_string_equal(text, "every 1ms kick\n");
}

static void test_all(void **state)
{
    static faults_t faults;
    static words_t  words;
    const char     *kind_words;
    size_t          kinds = 0, lines = 0;
    (void)state;
    while (rate_kind(kinds, &kind_words))
        kinds++;
    assert_true(rate_words("rate:mtbf=1000h", text, sizeof text));
    assert_true(strlen(text) + 1 < sizeof text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(words_parse(&words, line) && words_run(faults_verbs, FAULTS_VERBS, &faults, &words));
    assert_int_equal(lines, kinds);
}

static void test_wrong(void **state)
{
    static const char *const texts[] = { "",
                                         "2h",
                                         "rate:",
                                         "rate:mtbf=",
                                         "rate:mtbf=2",
                                         "rate:mtbf=10us",
                                         "rate:mtbf=1001h",
                                         "rate:mtbf=2h,",
                                         "rate:mtbf=2h,kinds=",
                                         "rate:mtbf=2h,kinds=reset+",
                                         "rate:mtbf=2h,kinds=reset+x",
                                         "rate:mtbf=2h,kinds=rese" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(rate_words(texts[i], text, sizeof text));
        assert_non_null(strstr(text, "kinds=KIND+...: typed-lost "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_all),
                                        cmocka_unit_test(test_wrong) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
