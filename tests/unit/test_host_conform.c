/* Which quirks `cipmux check` can name: the module is an engine with one quirk changed, and every transcript that fits a module on
 * a line is played to it.
 *
 *   test_host_conform        each third quirk
 *   test_host_conform all [flash]    all of them, and how many that are; with --allow-flash */
#include "conform.h"
#include "lenient.h"
#include "player.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CASES_MAX = 1600 };

typedef struct {
    transcript_t  *transcript[CASES_MAX];
    conform_case_t one[CASES_MAX];
    uint8_t       *got[CASES_MAX];
    size_t         n;
} cases_t;

static void add_file(conform_t *conform, cases_t *cases, const char *path)
{
    char          error[500], why[300];
    transcript_t *transcript = lenient_read(path, conform_text(conform, lenient_file(path)), error, sizeof error);
    assert_non_null(transcript);
    if (conform_is_for(conform, transcript) && !conform_unfit(conform, transcript, why, sizeof why) &&
        cases->n < CASES_MAX)
        cases->transcript[cases->n++] = transcript;
    else
        transcript_free(transcript);
}

static void add_folder(conform_t *conform, cases_t *cases, const char *path, bool below)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char   inner[1024];
        size_t n = strlen(entry->d_name);
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "runner") == 0) continue;
        if (!below && n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0) add_file(conform, cases, inner);
        if (below && !strchr(entry->d_name, '.')) add_folder(conform, cases, inner, false);
    }
    closedir(folder);
}

/* The module has that quirk. Returns how many transcripts differ. */
static size_t play_module(conform_t *conform, cases_t *cases, const char *quirk, unsigned value)
{
    static play_report_t report;
    size_t               differ = 0;
    for (size_t i = 0; i < cases->n; i++) {
        play_options_t  options = { .dialect = conform->dialect,
                                    .quirk = quirk,
                                    .value = value,
                                    .bytes_only = true,
                                    .flash = true,
                                    .first =
                                       !conform->saves && conform_has_sysstore(conform) ? "AT+SYSSTORE=0\r\n" : NULL };
        conform_case_t *one = &cases->one[i];
        *one = (conform_case_t){ .transcript = cases->transcript[i] };
        free(cases->got[i]);
        cases->got[i] = NULL;
        one->differs = !play(conform->player, one->transcript, &options, &report);
        if (!one->differs) continue;
        one->line = report.line;
        one->n = report.got_n;
        one->got = cases->got[i] = malloc(report.got_n + 1);
        memcpy(cases->got[i], report.got, report.got_n);
        differ++;
    }
    return differ;
}

static size_t step = 3;
static bool   saves; /* --allow-flash */

/* Returns how many of its quirks are named; the wrong one never is. */
static size_t name_all(const char *dialect, size_t *visible, size_t *all)
{
    static const struct {
        const char *id;
        unsigned    max;
    } quirks[] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, max },
        CIPMUX_QUIRKS(X)
#undef X
    };
    static cases_t cases;
    conform_t      conform;
    size_t         named = 0;
    memset(&cases, 0, sizeof cases);
    assert_true(conform_open(&conform, dialect));
    conform.saves = saves;
    add_folder(&conform, &cases,
               SOURCE_DIR "/"
                          "tests/transcripts",
               true);
    *visible = *all = 0;
    for (size_t q = 0; q < sizeof quirks / sizeof *quirks; q += step) {
        bool seen = false, found = false;
        for (unsigned value = 0; value <= quirks[q].max; value++) {
            conform_name_t name;
            if (value == conform.config.quirk[q]) continue;
            size_t differ = play_module(&conform, &cases, quirks[q].id, value);
            if (differ == 0) continue;
            seen = true;
            assert_true(conform_name(&conform, cases.one, cases.n, &name));
            bool right = strcmp(name.quirk.id, quirks[q].id) == 0 && name.quirk.value == value;
            for (size_t i = 0; i < name.alsos; i++)
                right = right || (strcmp(name.also[i].id, quirks[q].id) == 0 && name.also[i].value == value);
            if (!right)
                print_message("# %s: %s=%u is named %s=%u\n", dialect, quirks[q].id, value, name.quirk.id,
                              name.quirk.value);
            assert_true(right);
            assert_int_equal(name.cases, differ);
            found = true;
        }
        if (!seen) print_message("# %s: %s is not seen\n", dialect, quirks[q].id);
        named += found ? 1 : 0;
        *visible += seen ? 1 : 0;
        *all += 1;
    }
    print_message("# %s: %zu transcripts; %zu of %zu quirks are named\n", dialect, cases.n, named, *all);
    for (size_t i = 0; i < cases.n; i++) {
        transcript_free(cases.transcript[i]);
        free(cases.got[i]);
    }
    conform_close(&conform);
    return named;
}

static void names_quirks(void **state)
{
    size_t visible, all;
    (void)state;
    assert_in_range(name_all("nonos-1.7.6", &visible, &all), 4, all);
    assert_in_range(name_all("esp-at-2.3", &visible, &all), 6, all);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "all") == 0) step = 1;
    saves = argc > 2 && strcmp(argv[2], "flash") == 0;
    const struct CMUnitTest tests[] = { cmocka_unit_test(names_quirks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
