/* See check.h. */
#include "check.h"

#include "conform.h"
#include "dialect_file.h"
#include "find.h"
#include "lenient.h"
#include "playback.h"
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESTART_MS = 5000, SETTLE_MS = 2, ANSWER_MS = 20000, GUARD_MS = 1100, STUCK = 2100, NAME = 512, WHY = 240 };

typedef enum { CHECK_SKIPPED, CHECK_PASSED, CHECK_FAILED } check_state_t;

typedef struct {
    char          *path, *name; /* name: behind the folder, "tcp/cipmux.txt"; within path */
    check_state_t  state;
    unsigned       line;
    char           why[WHY];
    writer_bytes_t got;
    bool           explained;
} check_row_t;

typedef struct {
    const char     *where, *dialect, *folder, *save, *only;
    bool            flash, verbose;
    unsigned long   longest_s, patience_s;
    char            found_folder[NAME];
    dialect_file_t  described;
    bool            has_file;
    module_t        module;
    find_t          found;
    conform_t       conform;
    check_row_t    *row;
    size_t          rows;
    conform_quirk_t named[CIPMUX_QUIRK_COUNT];
    size_t          nameds;
    bool            dirty; /* the module has saved something */
} check_t;

/* ---- The transcripts ---------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const check_row_t *)a)->name, ((const check_row_t *)b)->name);
}

static void add_file(check_t *check, const char *folder, const char *file)
{
    char path[2 * NAME];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    check->row = realloc(check->row, (check->rows + 1) * sizeof *check->row);
    if (!check->row) abort();
    check_row_t *row = &check->row[check->rows++];
    *row = (check_row_t){ .path = strdup(path) };
    row->name = row->path + strlen(check->folder) + 1;
    if (check->only && !strstr(row->name, check->only)) {
        free(row->path);
        check->rows--;
    }
}

/* `below`: folders of it too. False: there is no such folder. */
static bool add_folder(check_t *check, const char *path, bool below)
{
    DIR *folder = opendir(path);
    if (!folder) return false;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const size_t n = strlen(entry->d_name);
        char         inner[NAME];
        if (entry->d_name[0] == '.') continue;
        if (n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0) {
            if (!below) add_file(check, path, entry->d_name);
        } else if (below && strcmp(entry->d_name, "runner") != 0 &&
                   snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < NAME) {
            add_folder(check, inner, false);
        }
    }
    closedir(folder);
    return true;
}

/* Beside the program: installed, or where it was built. */
static const char *find_folder(check_t *check)
{
    static const char *const places[] = { "../share/cipmux/transcripts", "../tests/transcripts" };
    char                     program[NAME - 64];
    size_t                   length = sizeof program;
    if (uv_exepath(program, &length) != 0 || !strrchr(program, '/')) return places[0];
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < 2; i++) {
        snprintf(check->found_folder, NAME, "%s/%s", program, places[i]);
        if (access(check->found_folder, R_OK) == 0) break;
    }
    return check->found_folder;
}

static transcript_t *load(const check_t *check, const check_row_t *row)
{
    char          error[WHY];
    transcript_t *transcript =
        lenient_read(row->path, conform_text(&check->conform, lenient_file(row->path)), error, sizeof error);
    if (!transcript) fprintf(stderr, "%s\n", error);
    return transcript;
}

/* ---- The module -------------------------------------------------------------------------------------------------- */

static bool restarts(check_t *check)
{
    static const char *const ready[] = { "ready\r\n" };
    const char              *line = check->dirty ? "AT+RESTORE\r\n" : "AT+RST\r\n";
    check->module.got.n = 0;
    module_type(&check->module, line, strlen(line));
    if (module_await(&check->module, ready, 1, RESTART_MS, NULL) == 0) return false;
    module_settle(&check->module, SETTLE_MS + check->found.answer_ms);
    check->module.got.n = 0;
    check->dirty = false;
    return true;
}

static void idle(check_t *check, uint32_t ms)
{
    for (uint64_t until_ms = module_now_ms() + ms; module_now_ms() < until_ms;)
        module_hear(&check->module, until_ms);
}

/* Out of whatever the last transcript left it in: passthrough, or a payload that it waits for. False: it is lost. */
static bool begin(check_t *check)
{
    char filler[STUCK];
    if (restarts(check)) return true;
    if (find_again(&check->module, &check->found) && restarts(check)) return true;
    idle(check, GUARD_MS);
    module_type(&check->module, "+++", 3);
    idle(check, GUARD_MS);
    if (restarts(check)) return true;
    memset(filler, '\n', sizeof filler);
    module_type(&check->module, filler, sizeof filler);
    idle(check, GUARD_MS);
    return restarts(check);
}

static uint32_t answer_ms(const check_t *check)
{
    return check->patience_s > 0 ? (uint32_t)check->patience_s * 1000 : ANSWER_MS;
}

static bool prepares(check_t *check, const char *line)
{
    const playback_options_t options = { .settle_ms = SETTLE_MS, .answer_ms = answer_ms(check) };
    return playback_prepare(&check->module, line, strlen(line), &options);
}

/* Whether it finds the access point that many transcripts join. */
static bool joins(check_t *check)
{
    const bool sysstore = conform_has_sysstore(&check->conform);
    if (!begin(check)) return false;
    if (sysstore) prepares(check, "AT+SYSSTORE=0\r\n");
    return prepares(check, sysstore ? "AT+CWMODE=1\r\n" : "AT+CWMODE_CUR=1\r\n") &&
           prepares(check, sysstore ? "AT+CWJAP=\"lab\",\"password\"\r\n" : "AT+CWJAP_CUR=\"lab\",\"password\"\r\n");
}

/* ---- Playing ----------------------------------------------------------------------------------------------------- */

static bool play_row(check_t *check, check_row_t *row, const transcript_t *transcript)
{
    const playback_options_t options = {
        .report = check->verbose ? stdout : NULL,
        .begun = true,
        .saves = check->flash || !conform_has_sysstore(&check->conform),
        .settle_ms = SETTLE_MS + 2 * check->found.answer_ms,
        .answer_ms = answer_ms(check),
    };
    if (transcript->start != START_OFF && !begin(check)) return false;
    if (transcript->start == START_OFF && check->dirty && !begin(check)) return false;
    const bool same = playback(&check->module, transcript, &options, &row->line);
    check->dirty = check->flash;
    row->state = same ? CHECK_PASSED : CHECK_FAILED;
    if (!same) {
        writer_add(&row->got, check->module.got.bytes, check->module.got.n);
        snprintf(row->why, WHY, "differs at line %u", row->line);
    }
    return true;
}

static void print_row(const check_row_t *row)
{
    static const char *const states[] = { "skipped", "pass", "FAIL" };
    printf("%-8s %-48s %s\n", states[row->state], row->name, row->why);
}

/* False: after a complaint; nothing more can be played. */
static bool play_all(check_t *check)
{
    size_t to = 0;
    for (size_t i = 0; i < check->rows; i++) {
        check_row_t  *row = &check->row[i];
        transcript_t *transcript = load(check, row);
        if (!transcript || !conform_is_for(&check->conform, transcript)) {
            if (transcript) transcript_free(transcript);
            free(row->path);
            continue;
        }
        bool good = conform_unfit(&check->conform, transcript, row->why, WHY) || play_row(check, row, transcript);
        transcript_free(transcript);
        if (good) print_row(row);
        check->row[to++] = *row;
        if (!good || find_feud(&check->module)) {
            fprintf(stderr, "cipmux: %s: %s\n", check->where,
                    good ? "it answers what nobody typed: two modems answer each other"
                         : "it does not restart any more (AT+RST)");
            check->rows = to;
            return false;
        }
    }
    check->rows = to;
    return true;
}

/* ---- What the differences mean ----------------------------------------------------------------------------------- */

static void print_name(const conform_name_t *name)
{
    printf("quirk %s=%u: %zu of the differences are as with it", name->quirk.id, name->quirk.value, name->cases);
    for (size_t i = 0; i < name->alsos; i++)
        printf(", or with %s=%u", name->also[i].id, name->also[i].value);
    printf(" (cipmux help %s)\n", name->quirk.id);
}

static void name_quirks(check_t *check, conform_case_t *cases, size_t n)
{
    conform_name_t name;
    size_t         open = 0;
    while (conform_name(&check->conform, cases, n, &name)) {
        print_name(&name);
        check->named[check->nameds++] = name.quirk;
    }
    for (size_t i = 0; i < n; i++)
        open += cases[i].differs && !cases[i].explained ? 1 : 0;
    if (open > 0)
        printf("%zu %s by no quirk; cipmux replay FILE --module=%s shows how\n", open, open == 1 ? "differs" : "differ",
               check->where);
}

static void find_quirks(check_t *check)
{
    conform_case_t *cases = calloc(check->rows + 1, sizeof *cases);
    transcript_t  **transcripts = calloc(check->rows + 1, sizeof(transcript_t *));
    size_t          n = 0;
    if (!cases || !transcripts) abort();
    for (size_t i = 0; i < check->rows; i++) {
        const check_row_t *row = &check->row[i];
        if (row->state == CHECK_SKIPPED || !(transcripts[n] = load(check, row))) continue;
        cases[n] = (conform_case_t){ .transcript = transcripts[n],
                                     .differs = row->state == CHECK_FAILED,
                                     .line = row->line,
                                     .got = row->got.bytes,
                                     .n = row->got.n };
        n++;
    }
    name_quirks(check, cases, n);
    for (size_t i = 0; i < n; i++)
        transcript_free(transcripts[i]);
    free(transcripts);
    free(cases);
}

/* ---- The result -------------------------------------------------------------------------------------------------- */

static size_t count(const check_t *check, check_state_t state)
{
    size_t n = 0;
    for (size_t i = 0; i < check->rows; i++)
        n += check->row[i].state == state ? 1 : 0;
    return n;
}

/* In the form that --dialect=FILE reads. */
static bool save(const check_t *check)
{
    writer_bytes_t gmr = { 0 };
    FILE          *file = fopen(check->save, "w");
    if (!file) return false;
    fprintf(file, "# what cipmux check saw: %zu transcripts the same, %zu not\ndialect base=%s\n",
            count(check, CHECK_PASSED), count(check, CHECK_FAILED), check->conform.dialect);
    cipmux_config_t base;
    cipmux_config(&base, check->conform.dialect);
    if (check->has_file) {
        static const char *const ids[] = {
#define X(name, id, nonos, esp_at, max, rows, values) id,
            CIPMUX_QUIRKS(X)
#undef X
        };
        for (size_t i = 0; i < CIPMUX_QUIRK_COUNT; i++)
            if (base.quirk[i] != check->conform.config.quirk[i])
                fprintf(file, "quirk %s=%u\n", ids[i], check->conform.config.quirk[i]);
    }
    for (size_t i = 0; i < check->nameds; i++)
        fprintf(file, "quirk %s=%u\n", check->named[i].id, check->named[i].value);
    writer_escape(&gmr, (const uint8_t *)check->found.gmr, strlen(check->found.gmr), true);
    fprintf(file, "gmr \"%.*s\"\n", (int)gmr.n, (const char *)gmr.bytes);
    free(gmr.bytes);
    return fclose(file) == 0;
}

static int conclude(check_t *check)
{
    const size_t failed = count(check, CHECK_FAILED), passed = count(check, CHECK_PASSED);
    if (failed > 0) find_quirks(check);
    printf("%zu the same, %zu different, %zu skipped\n", passed, failed, count(check, CHECK_SKIPPED));
    if (check->save && !save(check)) {
        fprintf(stderr, "cipmux: %s: %s\n", check->save, strerror(errno));
        return EXIT_USAGE;
    }
    return failed > 0 || passed == 0 ? EXIT_DIFFERS : EXIT_DONE;
}

/* ---- From the options to the end ---------------------------------------------------------------------------------- */

/* The dialect: named, described in a file, or by what AT+GMR says. False: after a complaint. */
static bool choose_dialect(check_t *check)
{
    char        error[512];
    const char *name = check->dialect ? check->dialect : find_dialect(&check->found);
    if (!conform_open(&check->conform, name)) {
        if (!check->conform.player) return false;
        if (!dialect_file_read(&check->described, name, error, sizeof error))
            return fprintf(stderr, "cipmux: %s\n", error), false;
        check->conform.config = check->described.config;
        check->conform.dialect = cipmux_dialect_name(check->described.config.dialect);
        check->has_file = true;
    }
    check->conform.config.gmr = check->found.gmr;
    check->conform.saves = check->flash;
    if (check->longest_s > 0) check->conform.longest_ms = (uint32_t)check->longest_s * 1000;
    return true;
}

static void print_found(const check_t *check)
{
    const find_t *found = &check->found;
    if (found->baud) printf("rate: %u baud\n", (unsigned)found->baud);
    printf("line ends: CR LF%s%s\n", found->takes_cr ? ", CR alone" : "", found->takes_lf ? ", LF alone" : "");
    printf("firmware: %.*s; checked as %s\n", (int)strcspn(found->gmr, "\r\n"), found->gmr, check->conform.dialect);
}

static int run(check_t *check)
{
    char       why[WHY];
    const bool fixed = strchr(check->where, ',') != NULL;
    if (!find(&check->module, fixed, &check->found, why, sizeof why))
        return fprintf(stderr, "cipmux: %s: %s\n", check->where, why), EXIT_USAGE;
    if (!choose_dialect(check)) return EXIT_FILE;
    print_found(check);
    check->dirty = check->flash; /* what it had saved is not what the transcripts begin with */
    check->conform.no_lab = !joins(check);
    qsort(check->row, check->rows, sizeof *check->row, by_name);
    const bool whole = play_all(check);
    if (check->flash && check->dirty) restarts(check);
    const int status = conclude(check);
    return whole ? status : EXIT_USAGE;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: cipmux check --module=" MODULE_WHERE " [--dialect=NAME|FILE] [--allow-flash] "
        "[--save=FILE]\n       [--transcripts=FOLDER] [--longest=SECONDS] [--patience=SECONDS] [--verbose] [TEXT]    "
        "(cipmux help check)\n");
    return EXIT_USAGE;
}

static bool read_option(check_t *check, const char *text)
{
    const struct {
        const char *name, **value;
    } texts[] = { { "--module=", &check->where },
                  { "--dialect=", &check->dialect },
                  { "--transcripts=", &check->folder },
                  { "--save=", &check->save } };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const size_t n = strlen(texts[i].name);
        if (strncmp(text, texts[i].name, n) != 0) continue;
        *texts[i].value = text + n;
        return text[n] != '\0';
    }
    if (strncmp(text, "--longest=", 10) == 0) return options_number(text + 10, 3600, &check->longest_s);
    if (strncmp(text, "--patience=", 11) == 0) return options_number(text + 11, 3600, &check->patience_s);
    if (strcmp(text, "--allow-flash") == 0) return check->flash = true;
    if (strcmp(text, "--verbose") == 0) return check->verbose = true;
    if (text[0] == '-' || check->only) return false;
    check->only = text;
    return true;
}

int check_main(int argc, char **argv)
{
    static check_t check;
    int            status = EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < argc; i++)
        if (!read_option(&check, argv[i])) return usage();
    if (!check.where) return usage();
    if (!check.folder) check.folder = find_folder(&check);
    if (!add_folder(&check, check.folder, true))
        return fprintf(stderr, "cipmux: %s: %s\n", check.folder, strerror(errno)), EXIT_USAGE;
    if (module_open(&check.module, check.where))
        status = run(&check);
    else
        fprintf(stderr, "cipmux: %s: %s\n", check.where, strerror(errno));
    module_close(&check.module);
    if (check.conform.player) conform_close(&check.conform);
    for (size_t i = 0; i < check.rows; i++) {
        free(check.row[i].path);
        free(check.row[i].got.bytes);
    }
    free(check.row);
    return status;
}

void check_help(FILE *out)
{
    fputs(
        "cipmux check --module=WHERE plays the project's transcripts to a modem, and says where it answers otherwise.\n"
        "WHERE is a serial device (/dev/ttyUSB0 or /dev/ttyUSB0,9600), a pseudo-terminal, [tcp:]HOST:PORT or "
        "unix:PATH;\n"
        "behind it is a real module, or another emulator.\n\n"
        "First it looks for the module: the usual rates, with AT, until one is answered with OK; then whether CR or "
        "LF\n"
        "alone end a line; then AT+GMR, and by the version in it the dialect whose transcripts are played. It stops "
        "if\n"
        "answers come to what nobody typed: then two modems hear each other.\n\n"
        "Each transcript begins with AT+RST and ATE0. What the module's flash would keep is left out, or said in the "
        "form\n"
        "that is not kept (_CUR, AT+SYSSTORE=0). With --allow-flash it is played too, and AT+RESTORE takes it back:\n"
        "all that the module had saved is gone then.\n\n"
        "  --dialect=NAME|FILE   play these transcripts, whatever AT+GMR says; FILE as for cipmux --dialect=FILE\n"
        "  --allow-flash         the module's flash may be written, and is restored to factory settings\n"
        "  --save=FILE           write what was seen as a dialect file: cipmux --dialect=FILE is that module then\n"
        "  --transcripts=FOLDER  others than those that came with the program\n"
        "  --longest=SECONDS     the longest that a transcript may take (3)\n"
        "  --patience=SECONDS    the longest wait for what a transcript expects (20)\n"
        "  --verbose             show what was expected and what came\n"
        "  TEXT                  only those with this in their name, such as tcp/cipmux\n\n"
        "Skipped, with the reason, are: those that need a simulated network or radio; those that join the access "
        "point\n"
        "\"lab\" with \"password\", if there is none (set one up, and more is checked); exact times; what changes the "
        "rate of\n"
        "the line, replaces firmware or sleeps for ever.\n\n"
        "Where a transcript differs just as it would with a quirk changed, and no other speaks against it, that quirk "
        "is\n"
        "named. Exit status: 0 the same, 1 something differs, 2 no module, wrong options, 3 a wrong file.\n",
        out);
}
