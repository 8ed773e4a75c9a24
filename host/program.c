/* The beginning and the end of a program with modems. See program.h. */
#include "program.h"

#include "columns.h"

#include "rate.h"
#include "scenarios.h"
#include "steer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int program_complain(const program_t *program, const char *text, int status)
{
    fprintf(stderr, "%s: %s\n", program->options.program ? program->options.program->name : "cipmux", text);
    return status;
}

/* libuv's error: what the program cannot begin without. */
static int complain_of_loop(const program_t *program, int error)
{
    char text[128];
    snprintf(text, sizeof text, "no event loop: %s", uv_strerror(error));
    return program_complain(program, text, EXIT_USAGE);
}

/* Without descriptors for its own pipes libuv ends the program, and says nothing. */
static bool has_descriptors(void)
{
    enum { WANTED = 16 };
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, WANTED);
    if (fd >= 0) close(fd);
    return fd >= 0 || errno == EBADF;
}

/* ---- The world file ---------------------------------------------------------------------------------------------- */

/* What the files describe before the modems are on. */
static scene_t first_scene(program_t *program)
{
    return (scene_t){ .air = &program->air,
                      .hosts = &program->hosts,
                      .pins = &program->options.board.pins,
                      .faults = &program->faults,
                      .mishaps = { .places = &program->mishaps } };
}

scene_t program_scene(program_t *program, board_t *board)
{
    return (scene_t){ .air = &program->air,
                      .hosts = &program->hosts,
                      .pins = &board->pins,
                      .faults = board->faults,
                      .mishaps = { .places = &board->mishaps, .board = board } };
}

/* A draft of the world as it will be takes every line, so that a wrong one is found at once; the world itself those that
 * are said at once. */
static bool say_now_or_later(program_t *program, words_t *words, char *line, unsigned number)
{
    static radio_t   air; /* the draft; too large for the stack */
    static gpio_t    pins;
    static hosts_t   hosts;
    static faults_t  faults;
    static mishaps_t mishaps;
    const scene_t    draft = { &air, &hosts, &pins, &faults, { .places = &mishaps } };
    const scene_t    first = first_scene(program);
    timetable_t     *later = &program->later;
    if (number == 1) {
        air = program->air;
        pins = program->options.board.pins;
        hosts = program->hosts;
        faults = program->faults;
        mishaps = program->mishaps;
    }
    if (!timetable_read(later, words, line)) return false;
    words->draft = true;
    if (!scene_say(&draft, words)) return false;
    if (later->at_us > 0) {
        program->faults.used |= faults.used; /* so each modem has lanes for them */
        return timetable_keep(later, words, line, number);
    }
    words->draft = false;
    if (!words_parse(words, line) || !scene_say(&first, words)) return false;
    writer_add(&program->said, line, strlen(line) + 1);
    return true;
}

/* Reads lines of words. EXIT_DONE, or the exit status after a complaint. */
static int read_words(program_t *program, const char *name, FILE *file)
{
    static words_t words; /* too large for the stack */
    char           line[4096], text[2048];
    unsigned       number = 0;
    bool           good = true, own = program->say && name == program->options.world;
    words.now_us = board_now();
    while (good && fgets(line, sizeof line, file)) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        good = words_parse(&words, line) &&
               (own ? program->say(program->context, &words, line) : say_now_or_later(program, &words, line, number));
    }
    if (good) return EXIT_DONE;
    snprintf(text, sizeof text, "%s:%u: %s", name, number, words.error);
    const int status = program_complain(program, text, EXIT_FILE);
    if (!own) {
        fputs("  ", stderr);
        columns_wrap(stderr, scene_form(words.count > 0 ? (const char *)words.arg[0].text : ""), 2, 4);
    }
    return status;
}

static int read_file(program_t *program, const char *name)
{
    char  text[512];
    FILE *file = fopen(name, "r");
    if (!file) {
        snprintf(text, sizeof text, "%s: %s", name, strerror(errno));
        return program_complain(program, text, EXIT_FILE);
    }
    int status = read_words(program, name, file);
    fclose(file);
    return status;
}

static int read_text(program_t *program, const char *name, const char *text)
{
    char *copy = strdup(text);
    FILE *file = copy ? fmemopen(copy, strlen(copy), "r") : NULL;
    int   status = file ? read_words(program, name, file) : program_complain(program, strerror(errno), EXIT_FILE);
    if (file) fclose(file);
    free(copy);
    return status;
}

/* A fault file: a name of a built-in one, or a path. */
static int read_fault(program_t *program, const char *name)
{
    const char *built_in = scenarios_find(name);
    return built_in ? read_text(program, name, built_in) : read_file(program, name);
}

/* --faults, which was checked already. */
static int read_rate(program_t *program)
{
    char text[RATE_TEXT];
    rate_words(program->options.rate, text, sizeof text);
    return read_text(program, "--faults", text);
}

static int read_files(program_t *program)
{
    const options_t *options = &program->options;
    int              failed = options->world ? read_file(program, options->world) : EXIT_DONE;
    for (size_t i = 0; i < options->faults && !failed; i++) {
        program->later.at_us = 0;
        failed = read_fault(program, options->fault[i]);
    }
    program->later.at_us = 0;
    return options->rate && !failed ? read_rate(program) : failed;
}

/* ---- The world over time ----------------------------------------------------------------------------------------- */

static void wait_for_world(program_t *program);

/* What modems have of their own is so for each of them. */
static void say_line(program_t *program, const timetable_line_t *line)
{
    static words_t words;
    bool           good = true;
    for (size_t i = 0; i < program->modems && good; i++) {
        board_t      *board = &program->modem[i].board;
        const scene_t scene = program_scene(program, board);
        words.now_us = board_now();
        board_settle(board, words.now_us);
        good = words_parse(&words, line->text);
        const bool own = good && scene_is_of_a_modem((const char *)words.arg[0].text);
        if (i == 0 || own) good = good && scene_say(&scene, &words);
        if (good) record_words(board->record, words.now_us, line->text);
        if (i == 0 || own || !good)
            board_log(board, &(log_record_t){ .event = "world", .level = good ? LOG_EVENT : LOG_PROBLEM },
                      "line %u: %s", line->number, good ? (const char *)words.arg[0].text : words.error);
    }
    if (!good) program->status = EXIT_DIFFERS;
}

void program_record(program_t *program, const board_t *board, const char *line)
{
    static words_t words;
    const bool     own =
        words_parse(&words, line) && words.count > 0 && scene_is_of_a_modem((const char *)words.arg[0].text);
    for (size_t i = 0; i < program->modems; i++) {
        board_t *heard = &program->modem[i].board;
        if (!own || heard == board) record_words(heard->record, board_now(), line);
    }
}

/* The words of a fault of this modem. */
static void say_fault(void *context, board_t *board, const char *line)
{
    static words_t words;
    program_t     *program = context;
    const scene_t  scene = program_scene(program, board);
    words.now_us = board_now();
    board_settle(board, words.now_us);
    if (words_parse(&words, line) && scene_say(&scene, &words)) {
        program_record(program, board, line);
        return;
    }
    board_log(board, &(log_record_t){ .event = "fault", .level = LOG_PROBLEM }, "%s: %s", line, words.error);
}

static void say_what_is_due(uv_timer_t *clock)
{
    program_t              *program = clock->data;
    const timetable_line_t *line;
    while ((line = timetable_due(&program->later, board_now() - program->start_us)))
        say_line(program, line);
    for (size_t i = 0; i < program->modems; i++)
        board_wake(&program->modem[i].board);
    wait_for_world(program);
}

static void wait_for_world(program_t *program)
{
    uint64_t due_us = timetable_deadline(&program->later), now_us = board_now() - program->start_us;
    if (due_us == CIPMUX_NEVER) return;
    uv_update_time(&program->loop);
    uv_timer_start(&program->clock, say_what_is_due, due_us > now_us ? (due_us - now_us + 999) / 1000 : 0, 0);
}

static void start_world(program_t *program)
{
    program->start_us = board_now();
    program->clock.data = program;
    uv_timer_init(&program->loop, &program->clock);
    uv_unref((uv_handle_t *)&program->clock);
    wait_for_world(program);
}

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

static void signalled(uv_signal_t *handle, int number)
{
    program_t *program = handle->data;
    program->status = EXIT_SIGNAL + number;
    uv_stop(&program->loop);
}

bool program_watch_signals(program_t *program)
{
    static const int numbers[PROGRAM_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < PROGRAM_SIGNALS; i++) {
        int failed = uv_signal_init(&program->loop, &program->signal[i]);
        if (failed == 0) {
            program->signals++;
            program->signal[i].data = program;
            failed = uv_signal_start(&program->signal[i], signalled, numbers[i]);
        }
        if (failed != 0) {
            program->status = complain_of_loop(program, failed);
            return false;
        }
        uv_unref((uv_handle_t *)&program->signal[i]);
    }
    return true;
}

void program_ignore_signals(program_t *program)
{
    for (size_t i = 0; i < program->signals; i++)
        uv_close((uv_handle_t *)&program->signal[i], NULL);
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

void program_log_role(program_modem_t *modem, const char *where)
{
    const options_t *options = modem->options;
    const char      *name = cipmux_dialect_name(options->board.modem.dialect);
    if (options->described)
        board_log(&modem->board, &(log_record_t){ .event = "modem" }, "%s (%s), this program is the modem on %s",
                  options->described, name, where);
    else
        board_log(&modem->board, &(log_record_t){ .event = "modem" }, "%s, this program is the modem on %s", name,
                  where);
}

static void show_in_file(void *file, const char *line)
{
    fprintf(file, "%s\n", line);
}

/* A file that gets each line at once. NULL after a complaint. */
static FILE *open_lines(program_t *program, const char *option, const char *name)
{
    char  text[PORT_ERROR_MAX];
    int   fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file) {
        setvbuf(file, NULL, _IOLBF, 0);
        return file;
    }
    snprintf(text, sizeof text, "--%s=%s: %s", option, name, strerror(errno));
    program_complain(program, text, EXIT_USAGE);
    return NULL;
}

static bool open_log(program_t *program)
{
    const options_t *options = &program->options;
    log_t           *log = &program->log;
    *log = (log_t){ .volume = options->volume, .start_us = board_now() };
    if (options->modems) log->names = program->names;
    if (options->trace && !(log->trace = open_lines(program, "trace", options->trace))) return false;
    if (!options->log) return true;
    program->log_file = open_lines(program, "log", options->log);
    log->show = show_in_file;
    log->context = program->log_file;
    return program->log_file != NULL;
}

static bool open_record(program_t *program, program_modem_t *modem)
{
    options_t *options = modem->options;
    if (!options->record) return true;
    options->board.record = open_lines(program, "record", options->record);
    return options->board.record != NULL;
}

static bool open_flash(const program_t *program, program_modem_t *modem)
{
    options_t *options = modem->options;
    char       text[PORT_ERROR_MAX];
    if (!options->flash) return true;
    options->board.flash = &modem->flash;
    if (flash_open(&modem->flash, options->flash)) return true;
    snprintf(text, sizeof text, "--flash=%s: %s", options->flash, strerror(errno));
    program_complain(program, text, EXIT_FILE);
    return false;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* Microseconds since 1970. */
static uint64_t computers_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Each modem's own config, with what all of them share. */
static void share(program_t *program)
{
    options_t *options = &program->options;
    program->modems = options->modems ? options->modems : 1;
    for (size_t i = 0; i < program->modems; i++) {
        options_t      *own = program->modem[i].options = options->modems ? options->modem[i] : options;
        board_config_t *config = &own->board;
        config->air = &program->air;
        config->hosts = &program->hosts;
        config->pins = options->board.pins;
        config->faults = faults_used(&program->faults) || options->control ? &program->faults : NULL;
        config->mishaps = &program->mishaps;
        config->say = say_fault;
        config->say_context = program;
        config->number = (unsigned)i;
        if (options->modems == 0) continue;
        config->neighbours = &program->neighbours;
        config->name = program->names[i] = own->name;
    }
}

static int open_boards(program_t *program)
{
    for (size_t i = 0; i < program->modems; i++) {
        program_modem_t *modem = &program->modem[i];
        if (!board_open(&modem->board, &program->loop, &modem->options->board, &program->log))
            return program_complain(program, strerror(errno), EXIT_USAGE);
        program->neighbours.board[program->neighbours.count++] = &modem->board;
        for (size_t at = 0; at < program->said.n; at += strlen((char *)program->said.bytes + at) + 1)
            record_words(modem->board.record, board_now(), (char *)program->said.bytes + at);
    }
    return EXIT_DONE;
}

static int open_control(program_t *program)
{
    const char *path = program->options.control;
    char        text[512];
    if (!path) return EXIT_DONE;
    program->control = control_open(&program->loop, path, steer_say, program);
    if (program->control) return EXIT_DONE;
    snprintf(text, sizeof text, "--control=%s: %s", path, strerror(errno));
    return program_complain(program, text, EXIT_USAGE);
}

int program_open(program_t *program)
{
    options_t *options = &program->options;
    radio_init(&program->air);
    hosts_init(&program->hosts);
    program->hosts.clock_us = computers_clock() - board_now();
    gpio_init(&options->board.pins);
    faults_init(&program->faults, options->seed);
    int failed = read_files(program);
    if (failed) return failed;
    share(program);
    for (size_t i = 0; i < program->modems; i++)
        if (!open_flash(program, &program->modem[i])) return EXIT_FILE;
    for (size_t i = 0; i < program->modems; i++)
        if (!open_record(program, &program->modem[i])) return EXIT_USAGE;
    if (!open_log(program)) return EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    failed = has_descriptors() ? uv_loop_init(&program->loop) : UV_EMFILE;
    if (failed != 0) return complain_of_loop(program, failed);
    failed = open_boards(program);
    if (failed) return failed;
    start_world(program);
    failed = open_control(program);
    if (failed) program_close(program);
    return failed;
}

void program_close(program_t *program)
{
    if (!program->log_file) program->log.show = NULL; /* the terminal goes first */
    for (size_t i = 0; i < program->modems; i++)
        board_close(&program->modem[i].board);
    control_close(program->control);
    uv_close((uv_handle_t *)&program->clock, NULL);
    uv_run(&program->loop, UV_RUN_DEFAULT);
    log_tick(&program->log, CIPMUX_NEVER);
    uv_loop_close(&program->loop);
}

void program_free(program_t *program)
{
    if (program->log.trace) fclose(program->log.trace);
    if (program->log_file) fclose(program->log_file);
    free(program->said.bytes);
    options_close(&program->options);
}
