/* The command line: one table is the parser and the text of --help. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "board.h"
#include "run.h"

enum { OPTIONS_PUBLISH_MAX = 32, OPTIONS_ERROR_MAX = 256 };

typedef enum {
    SERIAL_STANDARD,
    SERIAL_PTY,
    SERIAL_TCP,
    SERIAL_UNIX,
    SERIAL_CONNECT,
    SERIAL_DEVICE,
    SERIAL_RFC2217
} serial_kind_t;

typedef struct {
    board_config_t board;
    publish_t      publish[OPTIONS_PUBLISH_MAX + RUN_RULES];
    serial_kind_t  serial;
    const char    *serial_where;        /* link, [HOST:]PORT, path or device; NULL: none */
    const char    *log, *trace, *world; /* file names, or NULL */
    char         **command;             /* of `cipmux run`, ended by NULL; or NULL */
    unsigned       fail_on;             /* of `cipmux run`: RUN_FAIL_... */
    uint32_t       linger_ms;
    log_volume_t   volume;
    bool           printed; /* the option was a question (--help and the like), answered on stdout */
    char           error[OPTIONS_ERROR_MAX];
} options_t;

/* Reads argv[1..], or those between "run" and "--". False: `error` says which option and why; nothing was begun.
 * board.air stays NULL: the caller's. */
bool options_read(options_t *options, int argc, char **argv);

/* The text of --help and `cipmux help`. */
void options_print(FILE *out);

#endif
