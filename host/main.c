/* The program cipmux: a modem, or several, on a terminal, a pipe, a pseudo-terminal, a socket or a serial device, or a command
 * with a modem of its own. */
#include "check.h"
#include "child.h"
#include "explain_main.h"
#include "help.h"
#include "program.h"
#include "replay.h"
#include "tap.h"
#include "torture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void finished(void *context)
{
    program_t *program = context;
    uv_stop(&program->loop);
}

static port_t *open_port(program_t *program, const options_t *options, char *text)
{
    uint64_t linger_us = (uint64_t)options->linger_ms * 1000;
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

/* False: after a complaint. */
static bool plug(program_t *program, program_modem_t *modem)
{
    char    text[PORT_ERROR_MAX];
    port_t *port = open_port(program, modem->options, text);
    if (!port) {
        program->status = program_complain(program, text, EXIT_USAGE);
        return false;
    }
    modem->board.finished = finished;
    modem->board.context = program;
    board_plug(&modem->board, port);
    program_log_role(modem, text);
    return true;
}

/* With the modems' serial lines to the outside. */
static void serve(program_t *program)
{
    size_t plugged = 0;
    if (program_watch_signals(program))
        while (plugged < program->modems && plug(program, &program->modem[plugged]))
            plugged++;
    if (plugged == program->modems) uv_run(&program->loop, UV_RUN_DEFAULT);
    program_ignore_signals(program);
}

/* With a command on the modem's serial line. */
static void run(program_t *program, int alive)
{
    char     text[PORT_ERROR_MAX];
    board_t *board = &program->modem[0].board;
    if (!run_plug(board, text)) {
        program->status = program_complain(program, text, EXIT_USAGE);
        return;
    }
    program_log_role(&program->modem[0], text);
    const int status = run_command(board, program->options.command, program->options.fail_on, alive);
    if (status != EXIT_DONE) program->status = status;
}

static int start(program_t *program)
{
    int alive = program->options.command ? child_split() : 0;
    if (alive < 0) return program_complain(program, strerror(errno), EXIT_USAGE);
    int failed = program_open(program);
    if (failed) return failed;
    if (program->options.command)
        run(program, alive);
    else
        serve(program);
    program_close(program);
    return program->status;
}

/* `cipmux ctl PATH [WORDS...]`: the words in one line. */
static int ctl(int argc, char **argv)
{
    char   line[CONTROL_LINE] = "";
    size_t used = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: cipmux ctl PATH [WORDS]...    says them to the modem with --control=PATH; "
                        "without words, the lines of stdin\n");
        return EXIT_USAGE;
    }
    for (int i = 3; i < argc && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i > 3 ? " " : "", argv[i]);
    return control_ask(argv[2], argc > 3 ? line : NULL);
}

/* `cipmux lab`: a program of its own, because it links simavr, which is under the GPL. It lies beside this one. */
static int lab(char **argv)
{
    char   path[4096];
    size_t length = sizeof path;
    if (uv_exepath(path, &length) == 0) {
        char *name = strrchr(path, '/') + 1;
        snprintf(name, sizeof path - (size_t)(name - path), "cipmux-lab");
        execv(path, argv + 1);
    }
    fprintf(stderr, "cipmux: %s: %s\n", path, strerror(errno));
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "help") == 0)
        return help_print(stdout, argc > 2 ? argv[2] : NULL) ? EXIT_DONE : EXIT_USAGE;
    if (argc >= 2 && strcmp(argv[1], "lab") == 0) return lab(argv);
    if (argc >= 2 && strcmp(argv[1], "replay") == 0) return replay_main(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "check") == 0) return check_main(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "torture") == 0) return torture_main(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "tap") == 0) return tap_main(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "explain") == 0) return explain_main(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "ctl") == 0) return ctl(argc, argv);
    program_t *program = calloc(1, sizeof *program);
    if (!program) {
        fprintf(stderr, "cipmux: no memory\n");
        return EXIT_USAGE;
    }
    int status = EXIT_DONE;
    if (!options_read(&program->options, argc, argv))
        status = program_complain(program, program->options.error, program->options.status);
    else if (!program->options.printed)
        status = start(program);
    program_free(program);
    free(program);
    return status;
}
