/* Lines of a world file that come later. */
#include "timetable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static timetable_t timetable;
static words_t     words;
static unsigned    number;

static int fresh(void **state)
{
    (void)state;
    memset(&timetable, 0, sizeof timetable);
    number = 0;
    return 0;
}

/* Reads a line and keeps it if it is for later. False: words.error. */
static bool reads(const char *text)
{
    char line[1000];
    snprintf(line, sizeof line, "%s", text);
    number++;
    if (!words_parse(&words, line) || !timetable_read(&timetable, &words, line)) return false;
    return timetable.at_us == 0 || timetable_keep(&timetable, &words, line, number);
}

static void due(uint64_t since_start_us, unsigned line, const char *verb)
{
    const timetable_line_t *found = timetable_due(&timetable, since_start_us);
    assert_non_null(found);
    assert_int_equal(found->number, line);
    assert_true(words_parse(&words, found->text));
    assert_string_equal((const char *)words.arg[0].text, verb);
}

static void test_times(void **state)
{
    (void)state;
    assert_true(reads("one x=1"));
    assert_int_equal(timetable.count, 0);
    assert_true(timetable_deadline(&timetable) == CIPMUX_NEVER);
    assert_true(reads("at 2s two"));
    assert_true(reads("three"));
    assert_true(reads("wait 500ms"));
    assert_true(reads("# a comment"));
    assert_true(reads("four"));
    assert_true(reads("wait 1s five"));
    assert_true(reads("at 4s six"));
    assert_true(timetable_deadline(&timetable) == 2000000);
    assert_null(timetable_due(&timetable, 1999999));
    due(2000000, 2, "two");
    due(2000000, 3, "three");
    assert_null(timetable_due(&timetable, 2499999));
    assert_true(timetable_deadline(&timetable) == 2500000);
    due(9000000, 6, "four");
    due(9000000, 7, "five");
    due(9000000, 8, "six");
    assert_null(timetable_due(&timetable, 9000000));
    assert_true(timetable_deadline(&timetable) == CIPMUX_NEVER);
}

static void wrong(const char *line, const char *error)
{
    assert_false(reads(line));
    assert_string_equal(words.error, error);
}

static void test_wrong_lines(void **state)
{
    (void)state;
    assert_true(reads("at 2s kick"));
    wrong("at", "column 3: expected a time such as 20ms, not the end of the line");
    wrong("at once kick", "column 4: expected a time such as 20ms (units us ms s m h), not \"once\"");
    wrong("at 1s kick", "column 4: expected a time that is not before that of the line above, not \"1s\"");
    wrong("at 3s", "column 4: expected what happens then");
    wrong("  wait  3s  \"open", "column 13: the quote is never closed");
}

static void test_columns_stay(void **state)
{
    (void)state;
    assert_true(reads("at 2s ap ssid=\"lab\""));
    assert_int_equal(words.arg[0].column, 7);
    assert_int_equal(words.arg[1].column, 15);
}

static void test_room(void **state)
{
    char line[TIMETABLE_TEXT + 1];
    (void)state;
    for (size_t i = 0; i < TIMETABLE_LINES; i++)
        assert_true(reads("at 2s kick"));
    wrong("kick", "column 1: more than 100 lines that wait");
    fresh(NULL);
    memset(line, 'a', TIMETABLE_TEXT);
    memcpy(line, "at 2s ", 6);
    line[TIMETABLE_TEXT] = '\0';
    wrong(line, "column 1: a line that waits has at most 499 bytes");
    line[TIMETABLE_TEXT - 1] = '\0';
    assert_true(reads(line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_times, fresh),
        cmocka_unit_test_setup(test_wrong_lines, fresh),
        cmocka_unit_test_setup(test_columns_stay, fresh),
        cmocka_unit_test_setup(test_room, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
