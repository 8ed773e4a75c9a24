/* Records as human lines and as JSON; notes with their arguments. */
#include "log.h"
#include "reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const cipmux_address_t peer = { .family = 4, .bytes = { 10, 0, 2, 2 }, .port = 51544 };
static const cipmux_link_t    link_3 = { .id = 3, .life = 9 };

static void human_lines(void **state)
{
    (void)state;
    static const struct {
        log_record_t record;
        const char  *text, *line;
    } cases[] = {
        { { .event = "listening" }, "port 80 is at 127.0.0.1:8080", "listening: port 80 is at 127.0.0.1:8080" },
        { { .event = "accept", .link = &link_3, .peer = &peer }, "", "accept: link 3 from 10.0.2.2:51544" },
        { { .event = "dial", .link = &link_3, .peer = &peer }, NULL, "dial: link 3 to 10.0.2.2:51544" },
        { { .event = "closed", .link = &link_3 }, "by the peer", "closed: link 3, by the peer" },
        { { .event = "refused", .peer = &peer, .reason = "client-reset" },
          "no room",
          "refused: from 10.0.2.2:51544, no room [client-reset]" },
    };
    char line[LOG_LINE_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        log_human(line, &cases[i].record, cases[i].text);
        assert_string_equal(line, cases[i].line);
    }
}

static void json_lines(void **state)
{
    (void)state;
    char         line[LOG_LINE_MAX];
    log_record_t record = {
        .event = "closed", .link = &link_3, .peer = &peer, .received = 5, .sent = 7, .bytes = 12, .reason = "x-y"
    };
    log_json(line, 3.5, 2, &record, "a \"b\"\\\n\xc3\xa4");
    assert_string_equal(line, "{\"time\":3.500000,\"modem\":2,\"event\":\"closed\",\"link\":3,"
                              "\"peer\":\"10.0.2.2:51544\",\"bytes\":12,\"received\":5,\"sent\":7,\"reason\":\"x-y\","
                              "\"text\":\"a \\\"b\\\"\\\\\\u000a\\u00c3\\u00a4\"}");
    record = (log_record_t){ .event = "reset" };
    log_json(line, 0, 0, &record, NULL);
    assert_string_equal(line, "{\"time\":0.000000,\"modem\":0,\"event\":\"reset\"}");
}

/* However long the text is, a JSON line stays whole. */
static void json_is_never_cut(void **state)
{
    (void)state;
    char         line[LOG_LINE_MAX], text[2 * LOG_LINE_MAX];
    log_record_t record = { .event = "note", .link = &link_3, .peer = &peer, .reason = "no-such-form" };
    for (size_t n = 0; n < sizeof text; n++) {
        memset(text, '\001', n); /* six characters each */
        text[n] = '\0';
        log_json(line, 1e6, 0, &record, text);
        assert_string_equal(line + strlen(line) - 1, "}");
        assert_true(strlen(line) < LOG_LINE_MAX);
        memset(text, 'x', n);
        log_json(line, 1e6, 0, &record, text);
        assert_string_equal(line + strlen(line) - 1, "}");
        assert_true(strstr(line, "\"}") != NULL);
        log_human(line, &record, text);
        assert_true(strlen(line) < LOG_LINE_MAX);
    }
}

static void keep_line(void *context, const char *line)
{
    snprintf(context, LOG_LINE_MAX, "%s", line);
}

static void volumes(void **state)
{
    (void)state;
    static const bool shown[3][3] = {
        /*              LOG_EVENT LOG_PROBLEM LOG_DETAIL */
        [LOG_QUIET] = { false, true, false },
        [LOG_NORMAL] = { true, true, false },
        [LOG_VERBOSE] = { true, true, true },
    };
    for (log_volume_t volume = LOG_QUIET; volume <= LOG_VERBOSE; volume++)
        for (log_level_t level = LOG_EVENT; level <= LOG_DETAIL; level++) {
            char         line[LOG_LINE_MAX] = "";
            log_t        log = { .volume = volume, .show = keep_line, .context = line };
            log_record_t record = { .event = "reset", .level = level };
            assert_int_equal(log_wants(&log, level), shown[volume][level]);
            log_write(&log, 0, 0, &record, "by the reset pin");
            assert_string_equal(line, shown[volume][level] ? "reset: by the reset pin" : "");
        }
}

static void the_trace_gets_all(void **state)
{
    (void)state;
    char        *written = NULL;
    size_t       size = 0;
    char         line[LOG_LINE_MAX] = "";
    log_t        log = { .volume = LOG_QUIET, .show = keep_line, .context = line, .start_us = 1000000 };
    log_record_t record = { .event = "sent", .level = LOG_DETAIL, .bytes = 5 };
    log.trace = open_memstream(&written, &size);
    assert_true(log_wants(&log, LOG_DETAIL));
    log_write(&log, 3250000, 1, &record, "");
    fclose(log.trace);
    assert_string_equal(written, "{\"time\":2.250000,\"modem\":1,\"event\":\"sent\",\"bytes\":5}\n");
    assert_string_equal(line, "");
    free(written);
}

static void the_modems_names(void **state)
{
    (void)state;
    static const char *const names[] = { "ap", "sta" };
    char                    *written = NULL;
    size_t                   size = 0;
    char                     line[LOG_LINE_MAX] = "";
    log_t                    log = { .volume = LOG_NORMAL, .show = keep_line, .context = line, .names = names };
    log_record_t             record = { .event = "dial", .link = &link_3 };
    log.trace = open_memstream(&written, &size);
    log_write(&log, 0, 1, &record, "given up");
    fclose(log.trace);
    assert_string_equal(line, "sta: dial: link 3, given up");
    assert_string_equal(written, "{\"time\":0.000000,\"modem\":1,\"name\":\"sta\",\"event\":\"dial\",\"link\":3,"
                                 "\"text\":\"given up\"}\n");
    free(written);
}

typedef struct {
    unsigned lines;
    char     last[LOG_LINE_MAX];
} shown_t;

static void count_line(void *context, const char *line)
{
    shown_t *shown = context;
    shown->lines++;
    snprintf(shown->last, sizeof shown->last, "%s", line);
}

/* Two modems back to back answer each other for ever: the human log stays short, the trace has all. */
static void a_flood_is_counted(void **state)
{
    (void)state;
    char        *written = NULL;
    size_t       size = 0, traced = 0;
    shown_t      shown = { 0 };
    log_t        log = { .volume = LOG_NORMAL, .show = count_line, .context = &shown };
    log_record_t flood = { .event = "note", .reason = "unknown-command" };
    log_record_t other = { .event = "note", .reason = "no-command" }, plain = { .event = "accept" };
    log.trace = open_memstream(&written, &size);
    assert_int_equal(log_deadline(&log), CIPMUX_NEVER);
    for (unsigned i = 0; i < 1000; i++) {
        log_write(&log, 5000000 + i, 0, &flood, "ATERROR");
        log_write(&log, 5000000 + i, 0, &plain, "");
    }
    assert_int_equal(shown.lines, LOG_BURST + 1000); /* what has no reason is not limited */
    log_write(&log, 5500000, 0, &other, "");
    assert_string_equal(shown.last, "note: [no-command]");
    assert_int_equal(log_deadline(&log), 6000000);
    log_tick(&log, 5999999);
    assert_string_equal(shown.last, "note: [no-command]");
    log_tick(&log, 6000000);
    assert_string_equal(shown.last, "note: ... 990 more in the last second [unknown-command]");
    assert_int_equal(log_deadline(&log), CIPMUX_NEVER);
    log_write(&log, 6000001, 0, &flood, "ATERROR"); /* a new second */
    assert_string_equal(shown.last, "note: ATERROR [unknown-command]");
    fclose(log.trace);
    for (const char *at = written; (at = strchr(at, '\n')); at++)
        traced++;
    assert_int_equal(traced, 1000 + 1000 + 1 + 1);
    free(written);
}

/* A record that comes late, or the end of the program, tells it too; as many reasons at a time as there are. */
static void every_flood_is_told(void **state)
{
    (void)state;
    static char  reasons[LOG_REASONS + 1][8];
    shown_t      shown = { 0 };
    log_t        log = { .show = count_line, .context = &shown };
    log_record_t record = { .event = "failed", .level = LOG_PROBLEM };
    for (size_t r = 0; r <= LOG_REASONS; r++) {
        snprintf(reasons[r], sizeof reasons[r], "r%zu", r);
        record.reason = reasons[r];
        for (unsigned i = 0; i < LOG_BURST + 3; i++)
            log_write(&log, 0, 0, &record, "");
    }
    assert_int_equal(shown.lines, LOG_REASONS * LOG_BURST + LOG_BURST + 3); /* the last one found no place */
    log_write(&log, LOG_SECOND_US, 0, &record, "");
    assert_int_equal(shown.lines, LOG_REASONS * (LOG_BURST + 1) + LOG_BURST + 4);
    for (unsigned i = 0; i < LOG_BURST; i++)
        log_write(&log, LOG_SECOND_US, 0, &record, "");
    log_tick(&log, CIPMUX_NEVER);
    assert_string_equal(shown.last, "failed: ... 1 more in the last second [r8]");
}

static void notes(void **state)
{
    (void)state;
    char          line[LOG_LINE_MAX];
    cipmux_note_t note = { .reason = CIPMUX_REASON_UNKNOWN_COMMAND, .link = -1, .text = "+%s%d" };
    log_note_text(line, &note); /* what was typed is never a format */
    assert_string_equal(line, "+%s%d is no command of this firmware");
    note = (cipmux_note_t){ .reason = CIPMUX_REASON_LINE_END, .link = -1, .number = 13 };
    log_note_text(line, &note);
    assert_non_null(strstr(line, "waiting for CR LF"));
    assert_non_null(strstr(line, "13"));
}

/* Each reason, the engine's and ours, has an id of its own, a sentence and a cure. */
static void reasons_are_complete(void **state)
{
    (void)state;
    const char *ids[CIPMUX_REASON_COUNT + HOST_REASON_COUNT];
    size_t      count = 0;
    for (cipmux_reason_t i = 0; i < CIPMUX_REASON_COUNT; i++) {
        ids[count++] = cipmux_reason_id(i);
        assert_non_null(cipmux_reason_sentence(i));
        assert_non_null(cipmux_reason_cure(i));
    }
    assert_null(host_reason_id(HOST_REASON_NONE));
    for (host_reason_t i = HOST_REASON_NONE + 1; i < HOST_REASON_COUNT; i++) {
        ids[count++] = host_reason_id(i);
        assert_non_null(host_reason_sentence(i));
        assert_non_null(host_reason_cure(i));
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(strspn(ids[i], "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(ids[i]));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(human_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(json_is_never_cut),
        cmocka_unit_test(volumes),
        cmocka_unit_test(notes),
        cmocka_unit_test(the_trace_gets_all),
        cmocka_unit_test(the_modems_names),
        cmocka_unit_test(a_flood_is_counted),
        cmocka_unit_test(every_flood_is_told),
        cmocka_unit_test(reasons_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
