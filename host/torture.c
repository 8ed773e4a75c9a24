/* The options of torture, its good run, its runs with faults and its report: see torture.h. */
#include "torture.h"

#include "catalogue.h"
#include "lenient.h"
#include "program.h"
#include "story.h"
#include "trials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PASSED_MAX = 64,
    PATH_MAX_BYTES = 512,
    GOOD_RUN_MS = 600000, /* at most, unless --deadline says otherwise */
    DEADLINE_MS = 60000,  /* for a run with a fault: so long, */
    DEADLINE_TIMES = 5,   /* and so often the time of the good run */
};

typedef enum { OUTCOME_NONE, OUTCOME_SAME, OUTCOME_HANG, OUTCOME_CRASH, OUTCOME_WRONG } outcome_t;

typedef struct {
    outcome_t outcome;
    int       status;
    bool      injected;
} result_t;

typedef struct {
    options_t     options;
    const char   *out, *only;
    unsigned long jobs, limit;
    uint64_t      deadline_ms; /* 0: from the good run */
    bool          list;
    char         *argv[PASSED_MAX]; /* of a run; the options that are its own stand first */
    size_t        passed;
    char          fault[PATH_MAX_BYTES], log[PATH_MAX_BYTES], record[PATH_MAX_BYTES], output[PATH_MAX_BYTES];
    story_t       story;
    ordeal_t     *ordeal;
    result_t     *result;
    size_t        ordeals, done, found;
    int           good_status;
    uint64_t      good_ms, begin_ms;
    bool          shows; /* progress, on a terminal */
} torture_t;

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static bool read_out(options_t *options, const char *value)
{
    ((torture_t *)options->own)->out = value;
    return strlen(value) < PATH_MAX_BYTES / 2 || options_wrong(options, "--out: that name is too long");
}

static bool read_only(options_t *options, const char *value)
{
    ((torture_t *)options->own)->only = value;
    for (const char *at = value; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t i = 0, n = strcspn(at, ",");
        while (catalogue_name(i) && (strlen(catalogue_name(i)) != n || strncmp(catalogue_name(i), at, n) != 0))
            i++;
        if (!catalogue_name(i))
            return options_wrong(options, "--only=%s: there is no fault %.*s; cipmux torture --list names them", value,
                                 (int)n, at);
    }
    return true;
}

static bool read_jobs(options_t *options, const char *value)
{
    unsigned long *jobs = &((torture_t *)options->own)->jobs;
    return (options_number(value, TRIALS_JOBS_MAX, jobs) && *jobs > 0) ||
           options_wrong(options, "--jobs=%s: it is a number from 1 to %d", value, (int)TRIALS_JOBS_MAX);
}

static bool read_limit(options_t *options, const char *value)
{
    unsigned long *limit = &((torture_t *)options->own)->limit;
    return (options_number(value, UINT32_MAX, limit) && *limit > 0) ||
           options_wrong(options, "--limit=%s: it is a number of runs", value);
}

static bool read_deadline(options_t *options, const char *value)
{
    char  *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || !(seconds > 0) || seconds > 1e6)
        return options_wrong(options, "--deadline=%s: it is a number of seconds", value);
    ((torture_t *)options->own)->deadline_ms = (uint64_t)(seconds * 1000) + 1;
    return true;
}

static bool read_list(options_t *options, const char *value)
{
    (void)value;
    ((torture_t *)options->own)->list = true;
    return true;
}

/* Checked by `cipmux run`. */
static bool read_for_run(options_t *options, const char *value)
{
    (void)options;
    (void)value;
    return true;
}

static bool read_shared(options_t *options, const char *value)
{
    return options_wrong(options, "%s: all runs would write it; what a run of torture leaves is in --out", value);
}

/* clang-format off */
static const option_t table[] = {
    {"out", "DIR", "where files go: for what is found NNNN-FAULT.txt, which is the --fault that\n"
                   "replays it, .log (of the modem) and .out (of the command); default torture", read_out, 0},
    {"only", "FAULT,...", "these faults only", read_only, 0},
    {"list", NULL, "print the faults, or with a command what would be run", read_list, 0},
    {"limit", "N", "at most so many runs, spread over all", read_limit, 0},
    {"jobs", "N", "runs at a time; default: as many as there are processors", read_jobs, 0},
    {"deadline", "SECONDS", "a run that takes longer hangs; default 60 and five times the good run", read_deadline, 0},
    {"pace", "max|real|hardware", "as of cipmux run", read_for_run, OPTION_MODEM},
    {"fail-on", "refusal,loss,classic", "as of cipmux run", read_for_run, 0},
    {"log", "FILE", "refused: what a run leaves is in --out", read_shared, 0},
    {"trace", "FILE", "refused: what a run leaves is in --out", read_shared, 0},
    {"flash", "FILE", "refused: what a run leaves is in --out", read_shared, 0},
};
/* clang-format on */

enum { OWN_ROWS = 6 };

static const options_program_t program = {
    .name = "cipmux torture",
    .usage = "cipmux torture: what makes a test of yours hang, crash or end otherwise?\n\n"
             "usage: cipmux torture [OPTION]... -- COMMAND [ARGUMENT]...     as with cipmux run\n"
             "       cipmux torture --list\n\n"
             "The command is run once as it is, and its session with the modem recorded. It must end with status 0. "
             "Then it\n"
             "is run again for each fault at each event: each command that it typed, each line that the modem printed, "
             "each\n"
             "payload. Exit status 1: something was found. The same seed, command and modem give the same list.\n\n",
    .rows = table,
    .count = sizeof table / sizeof *table,
};

static bool is_own(const char *option)
{
    for (size_t i = 0; i < OWN_ROWS; i++) {
        const size_t n = strlen(table[i].name);
        if (strncmp(option + 2, table[i].name, n) == 0 && (option[2 + n] == '\0' || option[2 + n] == '=')) return true;
    }
    return false;
}

/* What stands before "--" goes to each run, but for our own options. False: there are too many. */
static bool pass_on(torture_t *torture, int argc, char **argv)
{
    torture->argv[torture->passed++] = (char *)(uintptr_t) "cipmux";
    torture->argv[torture->passed++] = (char *)(uintptr_t) "run";
    for (int i = 0; i < argc; i++) {
        if (torture->passed + 8 > PASSED_MAX) return false;
        if (!is_own(argv[i]))
            torture->argv[torture->passed++] = argv[i];
        else if (strcmp(argv[i], "--list") != 0 && !strchr(argv[i], '='))
            i++; /* its value */
    }
    return true;
}

/* False: the status is set; --help and --list are answered. */
static bool read_options(torture_t *torture, int argc, char **argv, int *status)
{
    options_t *options = &torture->options;
    int        end = 2;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    *status = EXIT_DONE;
    if (!options_read_for(options, &program, torture, end - 1, argv + 1)) {
        fprintf(stderr, "cipmux torture: %s\n", options->error);
        *status = options->status;
    } else if (!options->printed && end + 1 >= argc && torture->list) {
        catalogue_print(stdout);
    } else if (!options->printed && end + 1 >= argc) {
        fprintf(stderr, "cipmux torture: which command? cipmux torture [OPTION]... -- COMMAND [ARGUMENT]...\n");
        *status = EXIT_USAGE;
    } else if (!options->printed && !pass_on(torture, end - 2, argv + 2)) {
        fprintf(stderr, "cipmux torture: too many options\n");
        *status = EXIT_USAGE;
    } else if (!options->printed) {
        options->command = argv + end + 1;
        return true;
    }
    return false;
}

void torture_help(FILE *out)
{
    options_print_for(out, &program);
    fprintf(out, "\nFaults, each wherever it makes sense; n is each link that is open then:\n");
    catalogue_print(out);
    fprintf(
        out,
        "\nA fault is at an event as `on typed TEXT nth=N` has it: in its middle, or at its end, which of a line that "
        "is\n"
        "typed is before its CR LF. Numbers of four digits or more, such as ports, may differ from run to run, so a\n"
        "text ends before one. What cannot be found again did not come to pass: the last line counts those runs.\n"
        "Runs at a time share this computer: a peer of the command's own needs a port of its own in each, or\n"
        "$CIPMUX_HOST; and a deadline that is too short takes a slow recovery for a hang.\n");
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

/* An option in front of the command, and that. */
static char *const *call(torture_t *torture, size_t n)
{
    static char **whole;
    size_t        words = 0;
    while (torture->options.command[words])
        words++;
    char **more = realloc(whole, (n + words + 2) * sizeof *whole);
    if (!more) abort();
    whole = more;
    memcpy(whole, torture->argv, n * sizeof *whole);
    whole[n] = (char *)(uintptr_t) "--";
    memcpy(whole + n + 1, torture->options.command, (words + 1) * sizeof *whole);
    return whole;
}

static void name_files(torture_t *torture, const char *stem)
{
    snprintf(torture->fault, PATH_MAX_BYTES, "--fault=%s/%s.txt", torture->out, stem);
    snprintf(torture->log, PATH_MAX_BYTES, "--log=%s/%s.log", torture->out, stem);
    snprintf(torture->record, PATH_MAX_BYTES, "--record=%s/%s.txt", torture->out, stem);
    snprintf(torture->output, PATH_MAX_BYTES, "%s/%s.out", torture->out, stem);
}

static char *const *arguments_of_good(void *context, size_t i)
{
    torture_t *torture = context;
    size_t     n = torture->passed;
    (void)i;
    name_files(torture, "good");
    torture->argv[n++] = torture->log;
    torture->argv[n++] = torture->record;
    return call(torture, n);
}

static void name_run(torture_t *torture, size_t i)
{
    char stem[64];
    snprintf(stem, sizeof stem, "%04zu-%s", i + 1, catalogue_name(torture->ordeal[i].fault));
    name_files(torture, stem);
}

static const char *path_of(const char *option)
{
    return strchr(option, '=') + 1;
}

static char *const *arguments_of_ordeal(void *context, size_t i)
{
    torture_t     *torture = context;
    writer_bytes_t words = { 0 };
    size_t         n = torture->passed;
    name_run(torture, i);
    catalogue_words(&torture->story, &torture->ordeal[i], &words);
    FILE *file = fopen(path_of(torture->fault), "w");
    if (file) {
        fwrite(words.bytes, 1, words.n, file);
        fclose(file);
    }
    free(words.bytes);
    torture->argv[n++] = torture->log;
    torture->argv[n++] = torture->fault;
    return call(torture, n);
}

static const char *output(void *context, size_t i)
{
    (void)i; /* it was just named */
    return ((torture_t *)context)->output;
}

static void good_ended(void *context, size_t i, int status, uint64_t ms)
{
    torture_t *torture = context;
    (void)i;
    torture->good_status = status;
    torture->good_ms = ms;
}

/* Does the modem's log say that the fault came to pass? */
static bool was_injected(const char *log)
{
    char  line[1024];
    bool  found = false;
    FILE *file = fopen(log, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, "fault: ", 7) == 0;
    if (file) fclose(file);
    return found;
}

static void show_progress(const torture_t *torture)
{
    if (!torture->shows || torture->done == 0) return;
    const uint64_t ms = uv_hrtime() / 1000000 - torture->begin_ms;
    const uint64_t left_s = ms * (torture->ordeals - torture->done) / torture->done / 1000;
    fprintf(stderr, "\r%zu of %zu, %zu found, %llu:%02llu left \b", torture->done, torture->ordeals, torture->found,
            (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
}

static const char *outcome_text(const result_t *result, char *text, size_t size)
{
    if (result->outcome == OUTCOME_HANG) return "hang";
    snprintf(text, size, result->outcome == OUTCOME_CRASH ? "crash, signal %d" : "status %d",
             result->outcome == OUTCOME_CRASH ? result->status - EXIT_SIGNAL : result->status);
    return text;
}

/* What a person wants to know when he opens the file that replays it, in front of the words. */
static void explain(const torture_t *torture, size_t i)
{
    char           text[64];
    writer_bytes_t words = { 0 }, event = { 0 };
    FILE          *file = fopen(path_of(torture->fault), "w");
    if (!file) return;
    catalogue_about(&torture->ordeal[i], &words);
    catalogue_event(&torture->story, &torture->ordeal[i], &event);
    fprintf(file, "# %.*s: %.*s; %s\n#", (int)event.n, (const char *)event.bytes, (int)words.n,
            (const char *)words.bytes, outcome_text(&torture->result[i], text, sizeof text));
    for (size_t k = 0; k < torture->passed; k++)
        fprintf(file, " %s", torture->argv[k]);
    fprintf(file, " %s --", torture->fault);
    for (char **word = torture->options.command; *word; word++)
        if (!strchr(*word, '\n')) fprintf(file, " %s", *word);
    words.n = 0;
    catalogue_words(&torture->story, &torture->ordeal[i], &words);
    fprintf(file, "\n%.*s", (int)words.n, (const char *)words.bytes);
    fclose(file);
    free(words.bytes);
    free(event.bytes);
}

static void ordeal_ended(void *context, size_t i, int status, uint64_t ms)
{
    torture_t *torture = context;
    result_t  *result = &torture->result[i];
    (void)ms;
    name_run(torture, i);
    result->status = status;
    result->injected = was_injected(path_of(torture->log));
    result->outcome = status == TRIALS_HUNG  ? OUTCOME_HANG
                      : status == EXIT_DONE  ? OUTCOME_SAME
                      : status > EXIT_SIGNAL ? OUTCOME_CRASH
                                             : OUTCOME_WRONG;
    torture->done++;
    if (result->outcome == OUTCOME_SAME) {
        unlink(path_of(torture->fault));
        unlink(path_of(torture->log));
        unlink(torture->output);
    } else {
        torture->found++;
        explain(torture, i);
    }
    show_progress(torture);
}

/* ---- The report -------------------------------------------------------------------------------------------------- */

static void print_row(torture_t *torture, size_t i, const char *outcome, const char *file)
{
    writer_bytes_t event = { 0 };
    catalogue_event(&torture->story, &torture->ordeal[i], &event);
    printf("%-13s %-48.*s", catalogue_name(torture->ordeal[i].fault), (int)event.n, (const char *)event.bytes);
    if (outcome)
        printf(" %-16s %s\n", outcome, file);
    else
        printf("\n");
    free(event.bytes);
}

static void report(torture_t *torture)
{
    char   text[64];
    size_t count[OUTCOME_WRONG + 1] = { 0 }, missed = 0;
    if (torture->shows) fprintf(stderr, "\r%60s\r", "");
    if (torture->found > 0) printf("%-13s %-48s %-16s %s\n", "fault", "event", "outcome", "file");
    for (size_t i = 0; i < torture->ordeals; i++) {
        const result_t *result = &torture->result[i];
        count[result->outcome]++;
        missed += result->outcome != OUTCOME_NONE && !result->injected;
        if (result->outcome <= OUTCOME_SAME) continue;
        name_run(torture, i);
        print_row(torture, i, outcome_text(result, text, sizeof text), path_of(torture->fault));
    }
    printf("%zu runs: %zu as without a fault, %zu hangs, %zu crashes, %zu other results", torture->done,
           count[OUTCOME_SAME], count[OUTCOME_HANG], count[OUTCOME_CRASH], count[OUTCOME_WRONG]);
    if (missed > 0) printf("; in %zu the fault did not come to pass", missed);
    printf("\n");
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

static int good_run(torture_t *torture)
{
    const trials_t trials = {
        .runs = 1,
        .jobs = 1,
        .deadline_ms = torture->deadline_ms ? torture->deadline_ms : GOOD_RUN_MS,
        .context = torture,
        .arguments = arguments_of_good,
        .output = output,
        .ended = good_ended,
    };
    if (mkdir(torture->out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "cipmux torture: --out=%s: %s\n", torture->out, strerror(errno));
        return EXIT_USAGE;
    }
    const int stopped = trials_run(&trials);
    if (stopped > 0) return EXIT_SIGNAL + stopped;
    if (stopped == 0 && torture->good_status == EXIT_DONE) return EXIT_DONE;
    if (stopped < 0)
        fprintf(stderr, "cipmux torture: %s\n", strerror(errno));
    else if (torture->good_status == TRIALS_HUNG)
        fprintf(stderr, "cipmux torture: the command does not end in time, without any fault; see %s\n",
                torture->output);
    else
        fprintf(stderr, "cipmux torture: the command ends with status %d, without any fault; see %s\n",
                torture->good_status, torture->output);
    return EXIT_USAGE;
}

/* False: after a complaint. */
static bool plan(torture_t *torture)
{
    char           error[512];
    writer_bytes_t text = { 0 };
    char           bytes[4096];
    size_t         n;
    const char    *path = path_of(torture->record);
    FILE          *file = fopen(path, "rb");
    while (file && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
        writer_add(&text, bytes, n);
    if (file) fclose(file);
    writer_add(&text, "", 1);
    char *soft = lenient_text((char *)text.bytes);
    free(text.bytes);
    transcript_t *recording = transcript_read(path, soft, NULL, error, sizeof error);
    if (!recording) {
        fprintf(stderr, "cipmux torture: %s\n", error);
        return false;
    }
    story_read(&torture->story, recording);
    transcript_free(recording);
    torture->ordeals = catalogue_plan(&torture->story, torture->only, &torture->ordeal);
    if (torture->limit > 0 && torture->limit < torture->ordeals) {
        for (size_t i = 0; i < torture->limit; i++)
            torture->ordeal[i] = torture->ordeal[i * torture->ordeals / torture->limit];
        torture->ordeals = torture->limit;
    }
    torture->result = calloc(torture->ordeals + 1, sizeof *torture->result);
    if (!torture->result) abort();
    return true;
}

static int ordeals(torture_t *torture)
{
    const trials_t trials = {
        .runs = torture->ordeals,
        .jobs = (unsigned)torture->jobs,
        .deadline_ms = torture->deadline_ms ? torture->deadline_ms : DEADLINE_MS + DEADLINE_TIMES * torture->good_ms,
        .context = torture,
        .arguments = arguments_of_ordeal,
        .output = output,
        .ended = ordeal_ended,
    };
    for (size_t i = 0; i < torture->ordeals && torture->list; i++)
        print_row(torture, i, NULL, NULL);
    if (torture->list) return printf("%zu runs\n", torture->ordeals), EXIT_DONE;
    torture->begin_ms = uv_hrtime() / 1000000;
    torture->shows = isatty(STDERR_FILENO) == 1;
    const int stopped = trials_run(&trials);
    if (stopped < 0) {
        fprintf(stderr, "cipmux torture: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    report(torture);
    return stopped > 0 ? EXIT_SIGNAL + stopped : torture->found > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

int torture_main(int argc, char **argv)
{
    torture_t *torture = calloc(1, sizeof *torture);
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int        status;
    if (!torture) return EXIT_USAGE;
    torture->out = "torture";
    torture->jobs = processors < 1 ? 1 : processors > TRIALS_JOBS_MAX ? TRIALS_JOBS_MAX : (unsigned long)processors;
    if (read_options(torture, argc, argv, &status) && (status = good_run(torture)) == EXIT_DONE)
        status = plan(torture) ? ordeals(torture) : EXIT_FILE;
    options_close(&torture->options);
    story_free(&torture->story);
    free(torture->ordeal);
    free(torture->result);
    free(torture);
    return status;
}
