/* What programs with modems share: the air, the log, the boards on a loop, signals, and how all that begins and ends. */
#ifndef HOST_PROGRAM_H
#define HOST_PROGRAM_H

#include "board.h"
#include "control.h"
#include "options.h"
#include "radio.h"
#include "scene.h"
#include "timetable.h"
#include "words.h"
#include "writer.h"

/* Exit statuses; a signal gives 128 and its number. */
enum { EXIT_DONE = 0, EXIT_DIFFERS = 1, EXIT_USAGE = 2, EXIT_FILE = 3, EXIT_TIME = 4, EXIT_SIGNAL = 128 };

enum { PROGRAM_SIGNALS = 3 };

typedef struct {
    options_t *options; /* its own */
    flash_t    flash;
    board_t    board;
} program_modem_t;

typedef struct {
    options_t      options; /* read by the caller, before anything else */
    uv_loop_t      loop;
    uv_signal_t    signal[PROGRAM_SIGNALS];
    size_t         signals; /* of them, that are watched */
    log_t          log;
    FILE          *log_file; /* of --log, or NULL */
    radio_t        air;
    timetable_t    later;    /* what the world file says for later */
    uv_timer_t     clock;    /* the next of it */
    uint64_t       start_us; /* when its time began */
    hosts_t        hosts;
    faults_t       faults; /* of each modem at first */
    mishaps_t      mishaps;
    writer_bytes_t said;    /* the lines of the files that were said at once, each with its zero */
    control_t     *control; /* NULL: none */
    int            status;

    program_modem_t modem[NEIGHBOURS_MAX];
    size_t          modems;
    neighbours_t    neighbours;
    const char     *names[NEIGHBOURS_MAX];

    /* Takes a line of the world file, split into words; NULL: it is about access points. False: words->error. */
    bool (*say)(void *context, words_t *words, const char *line);
    void *context;
} program_t;

/* Prints "cipmux: TEXT" on stderr and returns the status. */
int program_complain(const program_t *program, const char *text, int status);
/* Reads the world file, opens log and loop, powers the modems on. EXIT_DONE, or the status after a complaint. */
int program_open(program_t *program);
/* What words change now, as far as it is a modem's own: this one's. */
scene_t program_scene(program_t *program, board_t *board);
/* These words were said to a modem: for the records of it, or of all when they are about what all share. */
void program_record(program_t *program, const board_t *board, const char *line);
/* SIGINT, SIGTERM and SIGHUP stop the loop and set the status. Undone by program_ignore_signals(), also after false: then there
 * was a complaint and the status is set. */
bool program_watch_signals(program_t *program);
void program_ignore_signals(program_t *program);
/* The log's line about who a modem is. */
void program_log_role(program_modem_t *modem, const char *where);
/* Ends the boards, their connections and the loop. Only after program_open() succeeded. */
void program_close(program_t *program);
/* Closes the files of the log and frees what the options and the files of words took, whether it was opened or not. */
void program_free(program_t *program);

#endif
