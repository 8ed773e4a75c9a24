/* The transcript runner: plays each transcript for each dialect of its header: whole, byte by byte, and in random cuts.
 *
 *   transcripts [--verbose] [--matrix=FILE] [--cuts=N] [--seed=N] [--dialect=NAME] FILE_OR_DIR...
 *   transcripts --quirks FILE_OR_DIR...     changes each quirk to each other value: a transcript must notice
 *   transcripts --reasons FILE_OR_DIR...    prints host/command_reasons.h: what each command was refused for
 *
 * A folder that holds matrix.tsv and scope.txt makes the runner check coverage too. The last line is "N passed, N failed",
 * counted in transcripts times dialects. Exit status: 0 all is well, 1 something failed, 2 usage, 3 a file is wrong. */
#define _POSIX_C_SOURCE 200809L

#include "coverage.h"
#include "load.h"
#include "player.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    bool        verbose, quirks, reasons;
    unsigned    cuts;
    uint64_t    seed;
    const char *dialect; /* only this one */
    char        matrix[1024];
    char      **file;
    size_t      files;
    coverage_t *coverage;
    player_t   *player;
    bool        noted[CIPMUX_REASON_COUNT];
    size_t      passed, failed, wrong_files;
} runner_t;

/* ---- Which files ----------------------------------------------------------------------------------------------- */

static void add_file(runner_t *runner, const char *path)
{
    runner->file = realloc(runner->file, (runner->files + 1) * sizeof *runner->file);
    char *copy = strdup(path);
    if (runner->file == NULL || copy == NULL) {
        abort();
    }
    runner->file[runner->files++] = copy;
}

static bool is_transcript(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".txt") == 0 && strcmp(name, "scope.txt") != 0;
}

/* Adds a file, or all transcripts below a folder. False: there is no such thing. */
static bool add_path(runner_t *runner, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        add_file(runner, path);
        return true;
    }
    DIR *folder = opendir(path);
    if (folder == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    bool good = true;
    for (struct dirent *entry = readdir(folder); entry != NULL && good; entry = readdir(folder)) {
        char below[1024];
        if (entry->d_name[0] == '.' ||
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= (int)sizeof below) {
            continue;
        }
        if (strcmp(entry->d_name, "matrix.tsv") == 0 && runner->matrix[0] == '\0') {
            memcpy(runner->matrix, below, sizeof runner->matrix);
        }
        if (stat(below, &status) == 0 && (S_ISDIR(status.st_mode) || is_transcript(entry->d_name))) {
            good = add_path(runner, below);
        }
    }
    closedir(folder);
    return good;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* scope.txt stands beside the matrix. */
static bool load_coverage(runner_t *runner)
{
    char scope[1024], error[1200];
    if (runner->matrix[0] == '\0') {
        return true;
    }
    const char *slash = strrchr(runner->matrix, '/');
    int         folder = slash == NULL ? 0 : (int)(slash - runner->matrix) + 1;
    snprintf(scope, sizeof scope, "%.*sscope.txt", folder, runner->matrix);
    runner->coverage = coverage_load(runner->matrix, scope, error, sizeof error);
    if (runner->coverage == NULL) {
        fprintf(stderr, "%s\n", error);
    }
    return runner->coverage != NULL;
}

/* ---- Playing --------------------------------------------------------------------------------------------------- */

/* One dialect of one transcript, in every cut. All must print the same bytes. */
static bool play_all_cuts(runner_t *runner, const transcript_t *transcript, const char *dialect)
{
    static play_report_t report;
    play_options_t       options = { .dialect = dialect, .cut = CUT_WHOLE, .explain = true };
    bool                 passed = play(runner->player, transcript, &options, &report);
    uint32_t             hash = report.hash;
    for (int reason = 0; reason < CIPMUX_REASON_COUNT; reason++) {
        runner->noted[reason] = runner->noted[reason] || report.noted[reason];
    }
    for (unsigned i = 0; passed && i <= runner->cuts; i++) {
        options.cut = i == 0 ? CUT_BYTES : CUT_RANDOM;
        options.seed = runner->seed + i;
        passed = play(runner->player, transcript, &options, &report);
        if (passed && report.hash != hash) {
            snprintf(report.text, sizeof report.text, "%s: [%s, cut %u] other bytes came out than in the whole play\n",
                     transcript->path, dialect, i);
            passed = false;
        }
    }
    if (!passed) {
        printf("%s", report.text);
    }
    return passed;
}

/* A transcript that must fail, whatever the cut: it shows that the runner notices. */
static bool play_to_fail(runner_t *runner, const transcript_t *transcript, const char *dialect)
{
    static play_report_t report;
    play_options_t       options = { .dialect = dialect, .explain = true };
    for (unsigned i = 0; i < 3; i++) {
        options.cut = (cut_t)i;
        options.seed = runner->seed;
        if (play(runner->player, transcript, &options, &report) || report.line != transcript->fails) {
            printf("%s: [%s, cut %u] must fail at line %u%s%s", transcript->path, dialect, i, transcript->fails,
                   report.passed ? " and passes\n" : ", not there:\n", report.text);
            return false;
        }
    }
    return true;
}

static bool check_ids(const runner_t *runner, const transcript_t *transcript)
{
    bool good = true;
    for (size_t i = 0; runner->coverage != NULL && i < transcript->covers.n; i++) {
        if (!coverage_knows(runner->coverage, transcript->covers.word[i], &transcript->dialects)) {
            printf("%s:1: the matrix has no %s for these dialects\n", transcript->path, transcript->covers.word[i]);
            good = false;
        }
    }
    return good;
}

static void run_file(runner_t *runner, const char *path)
{
    char          error[1200];
    transcript_t *transcript = transcript_load(path, error, sizeof error);
    if (transcript == NULL) {
        printf("%s\n", error);
        runner->wrong_files++;
        return;
    }
    runner->wrong_files += check_ids(runner, transcript) ? 0 : 1;
    for (size_t d = 0; d < transcript->dialects.n; d++) {
        const char *dialect = transcript->dialects.word[d];
        if (runner->dialect != NULL && strcmp(runner->dialect, dialect) != 0) {
            continue;
        }
        bool passed = (transcript->fails > 0 ? play_to_fail : play_all_cuts)(runner, transcript, dialect);
        runner->passed += passed ? 1 : 0;
        runner->failed += passed ? 0 : 1;
        if (runner->verbose || !passed) {
            printf("%s %s [%s]\n", passed ? "ok" : "FAILED", path, dialect);
        }
        for (size_t i = 0; runner->coverage != NULL && passed && transcript->fails == 0 && i < transcript->covers.n;
             i++) {
            coverage_add(runner->coverage, transcript->covers.word[i], dialect);
        }
    }
    transcript_free(transcript);
}

static void print_reasons(const runner_t *runner)
{
    const char *separator = "reasons never noted: ";
    for (int reason = 0; reason < CIPMUX_REASON_COUNT; reason++) {
        if (!runner->noted[reason]) {
            printf("%s%s", separator, cipmux_reason_id((cipmux_reason_t)reason));
            separator = " ";
        }
    }
    printf("%s", separator[1] == '\0' ? "\n" : "reasons never noted: none\n");
}

/* ---- Quirks ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *id;
    unsigned    nonos, esp_at, max;
} quirks[] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, nonos, esp_at, max },
    CIPMUX_QUIRKS(X)
#undef X
};

/* How many transcripts of a firmware fail when this quirk has this value. */
static size_t noticed_by(runner_t *runner, transcript_t **transcripts, size_t n, const char *dialect, const char *quirk,
                         unsigned value)
{
    static play_report_t report;
    play_options_t       options = { .dialect = dialect, .cut = CUT_WHOLE, .quirk = quirk, .value = value };
    size_t               noticed = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; transcripts[i]->fails == 0 && d < transcripts[i]->dialects.n; d++) {
            if (strcmp(transcripts[i]->dialects.word[d], dialect) == 0) {
                noticed += play(runner->player, transcripts[i], &options, &report) ? 0 : 1;
            }
        }
    }
    return noticed;
}

/* Changes a quirk to each value that the dialect does not have. Returns how many transcripts notice. */
static size_t run_quirk(runner_t *runner, transcript_t **transcripts, size_t n, size_t quirk, const char *dialect,
                        unsigned own_value)
{
    size_t sum = 0;
    for (unsigned value = 0; value <= quirks[quirk].max; value++) {
        if (value != own_value) {
            size_t noticed = noticed_by(runner, transcripts, n, dialect, quirks[quirk].id, value);
            printf("quirk %s=%u [%s]: %zu transcripts notice\n", quirks[quirk].id, value, dialect, noticed);
            sum += noticed;
        }
    }
    return sum;
}

/* A transcript of some dialect must notice each quirk. */
static void run_quirks(runner_t *runner, transcript_t **transcripts, size_t n)
{
    for (size_t q = 0; q < sizeof quirks / sizeof quirks[0]; q++) {
        size_t noticed = run_quirk(runner, transcripts, n, q, "nonos-1.7.6", quirks[q].nonos) +
                         run_quirk(runner, transcripts, n, q, "esp-at-2.3", quirks[q].esp_at);
        runner->passed += noticed > 0 ? 1 : 0;
        runner->failed += noticed > 0 ? 0 : 1;
        if (noticed == 0) {
            printf("FAILED quirk %s: nobody notices\n", quirks[q].id);
        }
    }
}

/* All files that can be read; `n` says how many. */
static transcript_t **load_all(runner_t *runner, size_t *n)
{
    char           error[1200];
    transcript_t **transcripts = calloc(runner->files, sizeof(transcript_t *));
    if (transcripts == NULL) {
        abort();
    }
    *n = 0;
    for (size_t i = 0; i < runner->files; i++) {
        transcripts[*n] = transcript_load(runner->file[i], error, sizeof error);
        *n += transcripts[*n] != NULL ? 1 : 0;
        free(runner->file[i]);
    }
    return transcripts;
}

static void free_all(runner_t *runner, transcript_t **transcripts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        transcript_free(transcripts[i]);
    }
    free(transcripts);
    free(runner->file);
    player_free(runner->player);
}

static int quirks_main(runner_t *runner)
{
    size_t         n;
    transcript_t **transcripts = load_all(runner, &n);
    run_quirks(runner, transcripts, n);
    free_all(runner, transcripts, n);
    printf("%zu passed, %zu failed\n", runner->passed, runner->failed);
    return runner->failed > 0 ? 1 : 0;
}

/* ---- Reasons --------------------------------------------------------------------------------------------------- */

enum { COMMANDS_MAX = 512 };

typedef struct {
    bool of[COMMANDS_MAX][CIPMUX_REASON_COUNT];
} refusals_t;

static void hear(void *context, const cipmux_note_t *note)
{
    refusals_t           *refusals = context;
    cipmux_command_t      command;
    const cipmux_reason_t reason = note->reason; /* these three may come with every command */
    if (strncmp(note->text, "AT", 2) != 0 || reason == CIPMUX_REASON_UNKNOWN_COMMAND ||
        reason == CIPMUX_REASON_NO_SUCH_FORM || reason == CIPMUX_REASON_BAD_ARGUMENT) {
        return;
    }
    for (size_t i = 0; i < COMMANDS_MAX && cipmux_command(i, 0, &command); i++) {
        if (strcmp(command.name, note->text + 2) == 0) {
            refusals->of[i][reason] = true;
        }
    }
}

static void print_refusals(const refusals_t *refusals)
{
    cipmux_command_t command;
    printf("/* What the log says of each command, as the transcripts meet it. Printed by `make docs`; do not edit. */\n"
           "/* clang-format off */\n");
    for (size_t i = 0; i < COMMANDS_MAX && cipmux_command(i, 0, &command); i++) {
        const char *separator = "";
        for (int reason = 0; reason < CIPMUX_REASON_COUNT; reason++) {
            if (refusals->of[i][reason]) {
                if (separator[0] == '\0') {
                    printf("{ \"%s\", \"", command.name);
                }
                printf("%s%s", separator, cipmux_reason_id((cipmux_reason_t)reason));
                separator = " ";
            }
        }
        printf("%s", separator[0] == '\0' ? "" : "\" },\n");
    }
}

static int reasons_main(runner_t *runner)
{
    static refusals_t    refusals;
    static play_report_t report;
    size_t               n;
    transcript_t       **transcripts = load_all(runner, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; transcripts[i]->fails == 0 && d < transcripts[i]->dialects.n; d++) {
            const play_options_t options = {
                .dialect = transcripts[i]->dialects.word[d], .cut = CUT_WHOLE, .heard = hear, .context = &refusals
            };
            runner->failed += play(runner->player, transcripts[i], &options, &report) ? 0 : 1;
        }
    }
    print_refusals(&refusals);
    free_all(runner, transcripts, n);
    return runner->failed > 0 ? 1 : 0;
}

/* ---- The program ----------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, const char *name, unsigned long *out)
{
    size_t n = strlen(name);
    if (strncmp(text, name, n) != 0) {
        return false;
    }
    *out = strtoul(text + n, NULL, 10);
    return true;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: transcripts [--verbose] [--quirks|--reasons] [--matrix=FILE] [--cuts=N] [--seed=N] [--dialect=NAME] "
        "FILE_OR_DIR...\n");
    return 2;
}

/* False: the command line is wrong. */
static bool read_arguments(runner_t *runner, int argc, char **argv)
{
    unsigned long cuts = 100, seed = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            runner->verbose = true;
        } else if (strcmp(argv[i], "--quirks") == 0) {
            runner->quirks = true;
        } else if (strcmp(argv[i], "--reasons") == 0) {
            runner->reasons = true;
        } else if (strncmp(argv[i], "--matrix=", 9) == 0) {
            snprintf(runner->matrix, sizeof runner->matrix, "%s", argv[i] + 9);
        } else if (strncmp(argv[i], "--dialect=", 10) == 0) {
            runner->dialect = argv[i] + 10;
        } else if (read_number(argv[i], "--cuts=", &cuts) || read_number(argv[i], "--seed=", &seed)) {
            continue;
        } else if (argv[i][0] == '-' || !add_path(runner, argv[i])) {
            return false;
        }
    }
    runner->cuts = (unsigned)cuts;
    runner->seed = seed;
    return runner->files > 0;
}

int main(int argc, char **argv)
{
    static runner_t runner;
    size_t          wrong_scope = 0, missing = 0;
    if (!read_arguments(&runner, argc, argv)) {
        return usage();
    }
    if (!runner.quirks && !runner.reasons && !load_coverage(&runner)) {
        return 3;
    }
    runner.player = player_new();
    if (runner.player == NULL) {
        return 3;
    }
    if (runner.quirks || runner.reasons) {
        return (runner.quirks ? quirks_main : reasons_main)(&runner);
    }
    qsort(runner.file, runner.files, sizeof *runner.file, by_name);
    for (size_t i = 0; i < runner.files; i++) {
        run_file(&runner, runner.file[i]);
        free(runner.file[i]);
    }
    free(runner.file);
    player_free(runner.player);
    if (runner.coverage != NULL) {
        missing = coverage_print(runner.coverage, &wrong_scope);
        print_reasons(&runner);
        coverage_free(runner.coverage);
    }
    if (runner.wrong_files > 0) {
        printf("%zu files are wrong\n", runner.wrong_files);
    }
    printf("%zu passed, %zu failed\n", runner.passed, runner.failed);
    if (runner.wrong_files > 0 || wrong_scope > 0) {
        return 3;
    }
    return runner.failed > 0 || missing > 0 ? 1 : 0;
}
