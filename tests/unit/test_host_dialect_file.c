/* A module described in a file: what each word does, and where each wrong one is reported. */
#include "dialect_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static dialect_file_t file;
static char           path[40], text[600];

/* Reads a file of that text. */
static bool read_text(const char *content)
{
    strcpy(path, "test_dialect_file.XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *const out = fdopen(fd, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    text[0] = '\0';
    const bool good = dialect_file_read(&file, path, text, sizeof text);
    remove(path);
    return good;
}

static void a_base_alone_is_that_dialect(void **state)
{
    (void)state;
    for (size_t i = 0; cipmux_dialect_name(i) != NULL; i++) {
        char            line[80];
        cipmux_config_t config;
        snprintf(line, sizeof line, "# mine\n\ndialect base=%s\n", cipmux_dialect_name(i));
        assert_true(read_text(line));
        assert_true(cipmux_config(&config, cipmux_dialect_name(i)));
        assert_memory_equal(&file.config, &config, sizeof config);
    }
}

static void each_word_changes_one_thing(void **state)
{
    (void)state;
    assert_true(read_text("dialect base=nonos-1.3\r\n"
                          "quirk full-reset=1 udp-status=5\n"
                          "time real\n"
                          "time boot=2s join_limit=20ms\n"
                          "gmr \"one\\r\\ntwo 100%d\"\n"));
    cipmux_config_t config;
    assert_true(cipmux_config(&config, "nonos-1.3"));
    cipmux_config_timing(&config, true);
    config.quirk[CIPMUX_QUIRK_FULL_RESET] = 1;
    config.quirk[CIPMUX_QUIRK_UDP_STATUS] = 5;
    config.time_ms[CIPMUX_TIME_BOOT] = 2000;
    config.time_ms[CIPMUX_TIME_JOIN_LIMIT] = 20;
    config.gmr = file.gmr;
    assert_string_equal(file.gmr, "one\r\ntwo 100%d");
    assert_memory_equal(&file.config, &config, sizeof config);
}

static void each_fault_has_its_place(void **state)
{
    static const struct {
        const char *lines, *place; /* behind the line `dialect base=nonos-1.3`, unless they say it */
    } faults[] = {
        { "quirk full-rest=1", "2: column 7: expected the id of a quirk (cipmux help quirks), not \"full-rest\"" },
        { "quirk full-reset=2", "2: column 18: expected a number from 0 to 1, not \"2\"" },
        { "quirk full-reset=\"2\"", "2: column 18: expected a number from 0 to 1, not \"2\"" },
        { "quirk full-rest=\"1\"", "2: column 7: expected the id of a quirk (cipmux help quirks), not \"full-rest\"" },
        { "quirk", "2: column 6: expected ID=VALUE, not the end of the line" },
        { "quirk full-reset", "2: column 7: expected ID=VALUE, not \"full-reset\"" },
        { "time boot=300", "2: column 11: expected a time such as 20ms" },
        { "time boot=300us", "2: column 11: expected whole milliseconds" },
        { "time boot=9999h", "2: column 11: expected whole milliseconds" },
        { "time reconnect=0ms", "2: column 16: expected a pause of at least 1ms, not \"0ms\"" },
        { "time boots=1ms", "2: column 6: expected the name of a time (cipmux help timing), not \"boots\"" },
        { "time soon", "2: column 6: expected real, fast or NAME=TIME, not \"soon\"" },
        { "time real boot=1ms", "2: column 16: this verb does not know \"boot=1ms\"" },
        { "gmr", "2: column 4: expected the text of AT+GMR in quotes, not the end of the line" },
        { "gmr \"{a*256}\"", "2: column 5: expected a text of at most 255 bytes, not 256" },
        { "gmr \"a\\0\"", "2: column 5: expected a text without \\0" },
        { "\n\nname \"mine\"", "4: column 1: no verb is called \"name\"" },
        { "dialect base=classic", "2: column 1: expected one line \"dialect\", not a second one" },
        { "gmr \"open", "2: column 5: the quote is never closed" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char content[200], wanted[200];
        snprintf(content, sizeof content, "dialect base=nonos-1.3\n%s\n", faults[i].lines);
        assert_false(read_text(content));
        snprintf(wanted, sizeof wanted, "%s:%s", path, faults[i].place);
        text[strlen(wanted) < sizeof text ? strlen(wanted) : 0] = '\0';
        assert_string_equal(text, wanted);
    }
}

static void the_base_comes_first(void **state)
{
    (void)state;
    assert_false(read_text("quirk full-reset=1\ndialect base=nonos-1.3\n"));
    assert_non_null(strstr(text, ":1: column 1: expected \"dialect base=NAME\" first\n  quirk ID=VALUE"));
    assert_false(read_text("dialect base=nonos-2\n"));
    assert_non_null(strstr(text, ":1: column 14: expected the name of a dialect"));
    assert_false(read_text("dialect\n"));
    assert_non_null(strstr(text, ":1: column 8: expected base=NAME, not the end of the line"));
    assert_false(read_text("# nothing\n"));
    assert_non_null(strstr(text, ": expected a line \"dialect base=NAME\", there is none"));
    assert_false(dialect_file_read(&file, "no such file", text, sizeof text));
    assert_string_equal(text, "no such file: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_alone_is_that_dialect),
        cmocka_unit_test(each_word_changes_one_thing),
        cmocka_unit_test(each_fault_has_its_place),
        cmocka_unit_test(the_base_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
