/* The command line: one table is the parser and the text of --help. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "board.h"

enum { OPTIONS_PUBLISH_MAX = 32, OPTIONS_ERROR_MAX = 256 };

typedef enum { SERIAL_STANDARD, SERIAL_PTY, SERIAL_TCP, SERIAL_UNIX } serial_kind_t;

typedef struct {
    board_config_t board;
    publish_t      publish[OPTIONS_PUBLISH_MAX];
    serial_kind_t  serial;
    const char    *serial_where;  /* link, [HOST:]PORT or path; NULL: none */
    const char    *trace, *world; /* file names, or NULL */
    uint32_t       linger_ms;
    log_volume_t   volume;
    bool           printed; /* the option was a question (--help and the like), answered on stdout */
    char           error[OPTIONS_ERROR_MAX];
} options_t;

/* Reads argv[1..]. False: `error` says which option and why; nothing was begun.
 * board.air stays NULL: the caller's. */
bool options_read(options_t *options, int argc, char **argv);

/* The text of --help and `cipmux help`. */
void options_print(FILE *out);

#endif
