/* The program cipmux: one modem on a terminal, a pipe, a pseudo-terminal, a socket or a serial device, or a command
 * with a modem of its own. */
#include "board.h"
#include "child.h"
#include "help.h"
#include "options.h"
#include "radio_words.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Exit statuses of the program; a signal gives 128 and its number. */
enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_FILE = 3, EXIT_SIGNAL = 128 };

enum { SIGNALS = 3 };

typedef struct {
    options_t   options;
    uv_loop_t   loop;
    uv_signal_t signal[SIGNALS];
    log_t       log;
    FILE       *log_file; /* of --log, or NULL */
    radio_t     air;
    board_t     board;
    int         status;
} program_t;

static int complain(const char *text, int status)
{
    fprintf(stderr, "cipmux: %s\n", text);
    return status;
}

/* Reads the access points of a world file. 0, or the exit status after a complaint. */
static int read_world(program_t *program, const char *name)
{
    static words_t words; /* too large for the stack */
    char           line[4096], text[512];
    unsigned       number = 0;
    bool           good = true;
    FILE          *file = fopen(name, "r");
    if (!file) {
        snprintf(text, sizeof text, "%s: %s", name, strerror(errno));
        return complain(text, EXIT_FILE);
    }
    while (good && fgets(line, sizeof line, file)) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        good = words_parse(&words, line) && words_run(radio_verbs, RADIO_VERBS, &program->air, &words);
    }
    fclose(file);
    if (good) return 0;
    snprintf(text, sizeof text, "%s:%u: %s", name, number, words.error);
    return complain(text, EXIT_FILE);
}

static void finished(void *context)
{
    program_t *program = context;
    uv_stop(&program->loop);
}

static void signalled(uv_signal_t *handle, int number)
{
    program_t *program = handle->data;
    program->status = EXIT_SIGNAL + number;
    uv_stop(&program->loop);
}

static void watch_signals(program_t *program)
{
    static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&program->loop, &program->signal[i]);
        program->signal[i].data = program;
        uv_signal_start(&program->signal[i], signalled, numbers[i]);
        uv_unref((uv_handle_t *)&program->signal[i]);
    }
}

static port_t *open_port(program_t *program, char *text)
{
    const options_t *options = &program->options;
    uint64_t         linger_us = (uint64_t)options->linger_ms * 1000;
    switch (options->serial) {
    case SERIAL_PTY: return port_pty(&program->loop, options->serial_where, text);
    case SERIAL_TCP: return port_tcp(&program->loop, options->serial_where, text);
    case SERIAL_UNIX: return port_unix(&program->loop, options->serial_where, text);
    case SERIAL_CONNECT: return port_connect(&program->loop, options->serial_where, text);
    case SERIAL_DEVICE: return port_serial(&program->loop, options->serial_where, text);
    case SERIAL_RFC2217: return port_rfc2217(&program->loop, options->serial_where, text);
    case SERIAL_STANDARD: break;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        snprintf(text, PORT_ERROR_MAX, "stdin and stdout");
        return port_pipe(&program->loop, linger_us, text);
    }
    port_t *port = port_terminal(&program->loop, text);
    if (port && isatty(STDERR_FILENO) && !program->log.show) {
        program->log.show = port_terminal_show;
        program->log.context = port;
    }
    return port;
}

static void log_role(program_t *program, const char *where)
{
    board_log(&program->board, &(log_record_t){ .event = "modem" }, "%s, this program is the modem on %s",
              cipmux_dialect_name(program->options.board.modem.dialect), where);
}

/* With the modem's serial line to the outside. */
static void serve(program_t *program)
{
    char     text[PORT_ERROR_MAX];
    board_t *board = &program->board;
    watch_signals(program);
    port_t *port = open_port(program, text);
    if (port) {
        board->finished = finished;
        board->context = program;
        board_plug(board, port);
        log_role(program, text);
        uv_run(&program->loop, UV_RUN_DEFAULT);
    } else {
        program->status = complain(text, EXIT_USAGE);
    }
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&program->signal[i], NULL);
}

/* With a command on the modem's serial line. */
static void run(program_t *program, int alive)
{
    char text[PORT_ERROR_MAX];
    if (!run_plug(&program->board, text)) {
        program->status = complain(text, EXIT_USAGE);
        return;
    }
    log_role(program, text);
    program->status = run_command(&program->board, program->options.command, program->options.fail_on, alive);
}

static void end(program_t *program)
{
    if (!program->log_file) program->log.show = NULL; /* the terminal goes first */
    board_close(&program->board);
    uv_run(&program->loop, UV_RUN_DEFAULT);
    log_tick(&program->log, CIPMUX_NEVER);
    uv_loop_close(&program->loop);
    if (program->log.trace) fclose(program->log.trace);
    if (program->log_file) fclose(program->log_file);
}

static void show_in_file(void *file, const char *line)
{
    fprintf(file, "%s\n", line);
}

/* A file that gets each line at once. NULL after a complaint. */
static FILE *open_lines(const char *option, const char *name)
{
    char  text[PORT_ERROR_MAX];
    int   fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file) {
        setvbuf(file, NULL, _IOLBF, 0);
        return file;
    }
    snprintf(text, sizeof text, "--%s=%s: %s", option, name, strerror(errno));
    complain(text, EXIT_USAGE);
    return NULL;
}

static bool open_log(program_t *program)
{
    const options_t *options = &program->options;
    log_t           *log = &program->log;
    *log = (log_t){ .volume = options->volume, .start_us = board_now() };
    if (options->trace && !(log->trace = open_lines("trace", options->trace))) return false;
    if (!options->log) return true;
    program->log_file = open_lines("log", options->log);
    log->show = show_in_file;
    log->context = program->log_file;
    return program->log_file != NULL;
}

static int start(program_t *program)
{
    options_t *options = &program->options;
    int        alive = options->command ? child_split() : 0;
    if (alive < 0) return complain(strerror(errno), EXIT_USAGE);
    radio_init(&program->air);
    options->board.air = &program->air;
    int failed = options->world ? read_world(program, options->world) : 0;
    if (failed) return failed;
    if (!open_log(program)) return EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&program->loop);
    if (!board_open(&program->board, &program->loop, &options->board, &program->log))
        return complain(strerror(errno), EXIT_USAGE);
    if (options->command)
        run(program, alive);
    else
        serve(program);
    end(program);
    return program->status;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "help") == 0)
        return help_print(stdout, argc > 2 ? argv[2] : NULL) ? EXIT_DONE : EXIT_USAGE;
    program_t *program = calloc(1, sizeof *program);
    if (!program) return complain("no memory", EXIT_USAGE);
    int status = EXIT_DONE;
    if (!options_read(&program->options, argc, argv))
        status = complain(program->options.error, EXIT_USAGE);
    else if (!program->options.printed)
        status = start(program);
    free(program);
    return status;
}
