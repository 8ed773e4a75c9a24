/* The command line: one table is the parser and the text of --help. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "board.h"
#include "dialect_file.h"
#include "run.h"

enum {
    OPTIONS_PUBLISH_MAX = 32,
    OPTIONS_REDIRECT_MAX = 32,
    OPTIONS_FAULTS_MAX = 8,
    OPTIONS_ERROR_MAX = 512,
    OPTIONS_NAME_MAX = 16
};

typedef enum {
    SERIAL_STANDARD,
    SERIAL_PTY,
    SERIAL_TCP,
    SERIAL_UNIX,
    SERIAL_CONNECT,
    SERIAL_DEVICE,
    SERIAL_RFC2217
} serial_kind_t;

typedef struct options options_t;

enum {
    OPTION_EARLY = 1, /* others depend on it */
    OPTION_LINE = 2,  /* about the serial line to the outside: only for a program that has one */
    OPTION_MODEM = 4, /* may be a key of --modem */
    OPTION_OWN = 8,   /* no two modems share it: among several it must be such a key */
};

/* A row of the table. */
typedef struct {
    const char *name;
    const char *argument;                                /* NULL: none. In brackets, with its '=': may be left out */
    const char *help;                                    /* each line of it on a line of its own */
    bool (*read)(options_t *options, const char *value); /* value NULL: none was given. False: `error` is set */
    unsigned flags;
} option_t;

/* A program with a modem in it: what it knows beside the modem's own options. A row of a name that the modem's options
 * have too takes its place. */
typedef struct {
    const char     *name;  /* as it is called */
    const char     *usage; /* the beginning of --help */
    const option_t *rows;
    size_t          count;
    bool            line;       /* its modem has a serial line to the outside */
    bool            takes_file; /* an argument that is no option is options_t.file */
} options_program_t;

struct options {
    board_config_t board;
    publish_t      publish[OPTIONS_PUBLISH_MAX + RUN_RULES];
    redirect_t     redirect[OPTIONS_REDIRECT_MAX];
    serial_kind_t  serial;
    const char    *serial_where;                         /* link, [HOST:]PORT, path or device; NULL: none */
    const char    *log, *trace, *world, *flash, *record; /* file names, or NULL */
    const char    *fault[OPTIONS_FAULTS_MAX];            /* files, or names of `cipmux --fault=list` */
    size_t         faults;
    const char    *rate;    /* of random faults: rate.h; or NULL */
    uint64_t       seed;    /* of faults */
    const char    *control; /* path of a socket, or NULL */
    char         **command; /* of `cipmux run`, ended by NULL; or NULL */
    unsigned       fail_on; /* of `cipmux run`: RUN_FAIL_... */
    uint32_t       linger_ms;
    log_volume_t   volume;
    bool           printed; /* the option was a question (--help and the like), answered on stdout */
    int            status;  /* exit status, when the options are wrong: EXIT_USAGE, or EXIT_FILE for what a file says */
    char           error[OPTIONS_ERROR_MAX];
    dialect_file_t dialect_file; /* board.modem.gmr points into it */
    const char    *described;    /* name of that file, or NULL */

    /* With --modem: each modem's own options, the others and its keys read together. They are freed by options_close(). */
    const char *modem_text[NEIGHBOURS_MAX]; /* as they stand in argv */
    options_t  *modem[NEIGHBOURS_MAX];
    size_t      modems;                 /* 0: there is one modem, without a name */
    char        name[OPTIONS_NAME_MAX]; /* of such a modem */
    char       *keys;                   /* and its text, cut into pieces, to which its options point */
    bool        has_mac;

    const options_program_t *program;
    void                    *own;  /* of the program's own rows */
    const char              *file; /* NULL: none */
};

/* Reads argv[1..], or those between "run" and "--". False: `error` says which option and why; nothing was begun.
 * board.air stays NULL: the caller's. */
bool options_read(options_t *options, int argc, char **argv);

void options_close(options_t *options);

/* Reads argv[1..] for another program than cipmux; its rows find `own` in options->own. */
bool options_read_for(options_t *options, const options_program_t *program, void *own, int argc, char **argv);

/* For modem_options.c: the options as they begin; one pass over argv; one option, that is early or not. */
void            options_begin(options_t *options, const options_program_t *program);
bool            options_pass(options_t *options, int first, int argc, char **argv, bool early);
bool            options_set(options_t *options, const option_t *option, const char *value, bool early);
const option_t *options_find(const options_program_t *program, const char *name, size_t length);
/* For rows: sets `error` and returns false; reads a decimal number up to `max`. */
__attribute__((format(printf, 2, 3))) bool options_wrong(options_t *options, const char *format, ...);
bool                                       options_net(options_t *options, const char *value); /* the row --net */
bool                                       options_number(const char *text, unsigned long max, unsigned long *out);

/* The text of --help and `cipmux help`; of another program. */
void options_print(FILE *out);
void options_print_for(FILE *out, const options_program_t *program);

#endif
