/* The pages of the commands: each command has one, names its sources and every argument, and is found by its name. */
#include "command_words.h"
#include "manual.h"
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[64 * 1024];

/* The page of a command, in `text`. */
static void print_page(size_t index)
{
    FILE *const out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    manual_print(out, index);
    fclose(out);
}

static bool near_contains(const char *typed, const char *name)
{
    FILE *const out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    const bool any = manual_print_near(out, typed);
    fclose(out);
    return any && strstr(text, name) != NULL;
}

static void every_command_names_its_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++)
        for (size_t d = 0; d < DIALECT_COUNT; d++) {
            cipmux_command_t command;
            assert_true(cipmux_command(i, d, &command));
            if (command.forms == 0 || manual_has_source(command.name, family_names[dialects[d].family])) continue;
            fail_msg("AT%s of %s: matrix.tsv has no row that names a section", command.name, dialects[d].name);
        }
}

static void every_command_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++)
        if (command_words(commands[i].name) == NULL)
            fail_msg("AT%s: host/command_words.c has no row for it", commands[i].name);
}

static void every_argument_has_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const command_t *const c = &commands[i];
        print_page(i);
        if (strstr(text, "<argument>") != NULL) fail_msg("AT%s has an argument without a name", c->name);
        if (c->set != NULL && strstr(text, "\nArguments\n") == NULL) fail_msg("AT%s: no arguments", c->name);
        if (c->set != NULL && c->schema[0] == NULL && c->schema[1] == NULL)
            assert_non_null(command_words(c->name)->line[0]);
        assert_non_null(strstr(text, "\nForms\n"));
    }
}

/* Names beyond the last argument would be explained to nobody. */
static void no_name_is_left_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const command_words_t *const w = command_words(commands[i].name);
        if (commands[i].variant != VARIANT_PLAIN) continue; /* has fewer than the name without _CUR in esp-at */
        print_page(i);
        for (size_t a = 0; a < (size_t)2 * COMMAND_ARGUMENTS; a++) {
            char              label[40];
            const char *const words = a < COMMAND_ARGUMENTS ? w->argument[a] : w->esp_at[a - COMMAND_ARGUMENTS];
            if (words == NULL || strchr(words, '|') == NULL) continue;
            snprintf(label, sizeof label, "%.*s", (int)strcspn(words, "|"), words);
            if (strstr(text, label) == NULL) fail_msg("AT%s has no argument %s", commands[i].name, label);
        }
    }
}

static void a_command_is_found_by_its_name(void **state)
{
    static const char *const typed[] = { "AT+CIPSTART",   "+CIPSTART",           "CIPSTART", "at+cipstart",
                                         "AT+CIPSTART=?", "AT+CIPSTART=\"TCP\"", "cipstart?" };
    (void)state;
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        const int index = manual_find(typed[i]);
        assert_int_not_equal(index, MANUAL_NONE);
        assert_string_equal(commands[index].name, "+CIPSTART");
    }
    assert_int_equal(manual_find("AT"), 0);
    assert_string_equal(commands[manual_find("ATE0")].name, "E0");
    assert_string_equal(commands[manual_find("e1")].name, "E1");
    assert_int_equal(manual_find(""), MANUAL_NONE);
    assert_int_equal(manual_find("CIPSTAR"), MANUAL_NONE);
    assert_int_equal(manual_find("AT+NO_SUCH_COMMAND_OF_SUCH_A_LENGTH_THAT_NOTHING_HOLDS_IT"), MANUAL_NONE);
}

static void names_that_are_near_are_told(void **state)
{
    (void)state;
    assert_true(near_contains("AT+CIPSTRAT", " AT+CIPSTART"));
    assert_true(near_contains("cwjpa", " AT+CWJAP"));
    assert_true(near_contains("SERVER", " AT+CIPSERVERMAXCONN"));
    assert_false(near_contains("nothing-like-it", "AT"));
    assert_false(near_contains("", "AT"));
}

/* A page says what the tables say: forms, ranges, the other firmware's name of an argument. */
static void a_page_says_what_the_tables_say(void **state)
{
    (void)state;
    print_page((size_t)manual_find("CIPSERVER"));
    assert_non_null(strstr(text, "    query  AT+CIPSERVER?            esp-at-2.3\n"));
    assert_non_null(strstr(text, "    AT+CIPSERVER=<mode>[,<port>]\n"));
    assert_non_null(strstr(text, "    AT+CIPSERVER=<mode>[,<port>[,\"<type>\"[,<ca>]]]\n"));
    assert_non_null(strstr(text, "<port>       1 to 65535; default 333\n"));
    assert_non_null(strstr(text, "server-needs-mux     AT+CIPSERVER needs AT+CIPMUX=1\n"));
    assert_non_null(strstr(text, "server-takes-links   (1, 0) "));
    assert_non_null(strstr(text, "nonos  TcpServer Failure\\r\\n\\r\\nERROR\\r\\n\n"));
    print_page((size_t)manual_find("CIPRECVDATA"));
    assert_non_null(strstr(text, "    nonos-1.3 has no such command: [libat 1.3]\n"));
    assert_non_null(strstr(text, "    AT+CIPRECVDATA=[<link>,]<length>\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_names_its_source),  cmocka_unit_test(every_command_is_explained),
        cmocka_unit_test(every_argument_has_a_name),       cmocka_unit_test(no_name_is_left_over),
        cmocka_unit_test(a_command_is_found_by_its_name),  cmocka_unit_test(names_that_are_near_are_told),
        cmocka_unit_test(a_page_says_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
