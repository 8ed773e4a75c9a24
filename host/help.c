/* Printing the tables. See help.h. */
#include "help.h"

#include "scene.h"

#include "check.h"
#include "cipmux.h"
#include "columns.h"
#include "explain_main.h"
#include "gpio.h"
#include "hosts_words.h"
#include "manual.h"
#include "modem_options.h"
#include "options.h"
#include "radio_words.h"
#include "reasons.h"
#include "tap.h"
#include "torture.h"

#include <ctype.h>
#include <string.h>

void help_dialects(FILE *out)
{
    for (size_t i = 0; cipmux_dialect_name(i); i++)
        fprintf(out, "%-14s %s\n", cipmux_dialect_name(i), cipmux_dialect_about(i));
}

typedef struct {
    const char *id, *rows, *values;
    unsigned    nonos, esp_at, max;
} quirk_row_t;

static const quirk_row_t quirks[] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, rows, values, nonos, esp_at, max },
    CIPMUX_QUIRKS(X)
#undef X
};

static void print_quirk(FILE *out, const quirk_row_t *quirk)
{
    char label[64], text[512];
    snprintf(label, sizeof label, "%-22s %5u %6u %4u ", quirk->id, quirk->nonos, quirk->esp_at, quirk->max);
    snprintf(text, sizeof text, "%s (%s)", quirk->values, quirk->rows);
    columns_row(out, 0, 41, label, text);
}

static void print_quirk_head(FILE *out)
{
    fprintf(out, "%-22s %5s %6s %4s  %s\n", "id", "nonos", "esp-at", "max", "values (and what they are about)");
}

void help_quirks(FILE *out)
{
    print_quirk_head(out);
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
        print_quirk(out, &quirks[i]);
}

static bool help_quirk(FILE *out, const char *id)
{
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
        if (strcmp(quirks[i].id, id) == 0) {
            print_quirk_head(out);
            print_quirk(out, &quirks[i]);
            return true;
        }
    return false;
}

static void help_timing(FILE *out)
{
    static const struct {
        const char *name, *meaning;
        unsigned    nonos, esp_at, fast;
    } times[] = {
#define X(name, nonos, esp_at, fast, meaning) { #name, meaning, nonos, esp_at, fast },
        CIPMUX_TIMES(X)
#undef X
    };
    fprintf(out, "%-14s %6s %11s %12s  %s\n", "name", "fast", "real nonos", "real esp-at", "ms, from what to what");
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char name[32] = "", label[80];
        for (size_t k = 0; k < sizeof name - 1 && times[i].name[k]; k++)
            name[k] = (char)tolower((unsigned char)times[i].name[k]);
        snprintf(label, sizeof label, "%-14s %6u %11u %12u ", name, times[i].fast, times[i].nonos, times[i].esp_at);
        columns_row(out, 0, 47, label, times[i].meaning);
    }
}

static void help_reasons(FILE *out)
{
    char text[256];
    for (cipmux_reason_t i = 0; i < CIPMUX_REASON_COUNT; i++) {
        manual_sentence(cipmux_reason_sentence(i), "+X", text, sizeof text);
        columns_row(out, 0, 24, cipmux_reason_id(i), text);
    }
    for (host_reason_t i = HOST_REASON_NONE + 1; i < HOST_REASON_COUNT; i++)
        columns_row(out, 0, 24, host_reason_id(i), host_reason_sentence(i));
}

static void explain(FILE *out, const char *id, const char *sentence, const char *cure)
{
    char text[256];
    manual_sentence(sentence, "+X", text, sizeof text);
    fprintf(out, "%s: %s\n%s\n", id, text, cure);
}

static bool help_reason(FILE *out, const char *id)
{
    for (cipmux_reason_t i = 0; i < CIPMUX_REASON_COUNT; i++)
        if (strcmp(id, cipmux_reason_id(i)) == 0) {
            explain(out, id, cipmux_reason_sentence(i), cipmux_reason_cure(i));
            return true;
        }
    for (host_reason_t i = HOST_REASON_NONE + 1; i < HOST_REASON_COUNT; i++)
        if (strcmp(id, host_reason_id(i)) == 0) {
            explain(out, id, host_reason_sentence(i), host_reason_cure(i));
            return true;
        }
    return false;
}

static void help_verbs(FILE *out, const words_verb_t *verbs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fputs("  ", out);
        columns_wrap(out, verbs[i].form, 2, 4);
        fputs("      ", out);
        columns_wrap(out, verbs[i].help, 6, 6);
    }
}

static void help_world(FILE *out)
{
    fputs(
        "--world=FILE describes what is around the modem, one line each: a verb, then words and key=value. Text with\n"
        "blanks is quoted; \\r \\n \\t \\0 \\s \\\\ \\\" \\xHH are escapes there, and {x*20} is twenty x. A time has "
        "a\n"
        "unit: 20ms, 10s, 2m. A line that begins with # is a comment. A wrong line is named, with its column, before\n"
        "the modem starts. In the beginning there is one access point:\n\n"
        "  ap ssid=\"lab\" password=\"password\" channel=6 rssi=-50 bssid=02:00:00:00:00:01\n\n"
        "A file for cipmux --world=FILE, for example:\n\n"
        "  # a second access point: AT+CWJAP=\"cafe\",\"espresso\" joins, another password answers +CWJAP:2 and FAIL\n"
        "  ap ssid=\"cafe\" password=\"espresso\" rssi=-70\n"
        "  # it goes 20 s after the start, and comes back 5 s later\n"
        "  at 20s ap-gone ssid=\"cafe\"\n"
        "  wait 5s\n"
        "  ap-back ssid=\"cafe\"\n"
        "  # a minute later lab, told by its bssid, has another password: who is joined is thrown out\n"
        "  wait 1m\n"
        "  ap ssid=\"lab\" bssid=02:00:00:00:00:01 password=\"changed\"\n\n"
        "And one with a station, which joins after AT+CWMODE=2 and AT+CWSAP=\"mine\",\"12345678\",5,3. (A modem that "
        "was\n"
        "never told is the open soft-AP \"ESP-000001\", after the end of its MAC.)\n\n"
        "  station phone ssid=\"mine\" password=\"12345678\"\n"
        "  at 30s station-is phone joined\n"
        "  station-leaves phone\n\n"
        "A check (station-is, pin-is, asleep, awake) that fails is told on the log, and the exit status is 1.\n\n"
        "When:\n"
        "  at TIME VERB ...\n      so long after the start; what follows, not before that\n"
        "  wait TIME [VERB ...]\n      this, and what follows, comes so much later\n\n"
        "What goes wrong at will is in a file for --fault=FILE, or in the same file: there what a modem has of its own "
        "is\nsaid to each of them.\n",
        out);
    for (size_t i = 0; i < SCENE_TABLES; i++) {
        fprintf(out, "\n%s:\n", scene_tables[i].title);
        help_verbs(out, scene_tables[i].verbs, scene_tables[i].n);
    }
}

static void help_commands(FILE *out)
{
    manual_print_list(out);
    fprintf(out, "\n`cipmux help AT+CIPSTART` prints all about one of them. There:\n\n");
    manual_print_legend(out);
}

static bool help_command(FILE *out, const char *text)
{
    const int index = manual_find(text);
    if (index == MANUAL_NONE) return false;
    manual_print(out, (size_t)index);
    return true;
}

static const struct {
    const char *name, *about;
    void (*print)(FILE *out);
} topics[] = {
    { "options", "the command line: cipmux --help", options_print },
    { "world", "the language of --world: access points, stations, and what happens to them", help_world },
    { "commands", "the AT commands; each has a page: cipmux help AT+CIPSTART", help_commands },
    { "reasons", "why a command is refused or a link fails; each has a page: cipmux help link-in-use", help_reasons },
    { "dialects", "firmwares", help_dialects },
    { "dialect", "a module of yours, described in a file", dialect_file_help },
    { "quirks", "details in which firmwares differ, and guesses; also one: cipmux help send-ok-on-ack", help_quirks },
    { "timing", "how long things take", help_timing },
    { "check", "the project's transcripts against any modem: cipmux check --module=WHERE", check_help },
    { "explain", "what a log of the serial line shows: cipmux explain LOG", explain_help },
    { "tap", "between a host and a module: cipmux tap HOST MODULE", tap_help },
    { "modems", "several modems in one program", modem_options_help },
    { "torture", "a test of yours with each fault at each event in turn", torture_help },
};

static void help_topics(FILE *out)
{
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        fprintf(out, "cipmux help %-10s %s\n", topics[i].name, topics[i].about);
}

static void complain(const char *topic)
{
    char  near[1024];
    FILE *text = fmemopen(near, sizeof near, "w");
    bool  any = text && manual_print_near(text, topic);
    if (text) fclose(text);
    fprintf(stderr, "cipmux: help %s: there is no such topic, command, reason or quirk\n", topic);
    if (any) fprintf(stderr, "  like it:%s\n", near);
    help_topics(stderr);
}

bool help_print(FILE *out, const char *topic)
{
    if (!topic) {
        help_topics(out);
        return true;
    }
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (strcmp(topic, topics[i].name) == 0) {
            topics[i].print(out);
            return true;
        }
    if (help_reason(out, topic) || help_quirk(out, topic) || help_command(out, topic)) return true;
    complain(topic);
    return false;
}
