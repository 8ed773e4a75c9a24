/* A transcript, read from the text of a file and checked. The language is described in docs/TRANSCRIPTS.md. */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { COMPARE_BYTES, COMPARE_LINES, COMPARE_ORDER } compare_t;
typedef enum { START_READY, START_ECHO, START_OFF } start_t;

typedef enum {
    STEP_IN,      /* > bytes into the modem */
    STEP_OUT,     /* < bytes out of it: consecutive lines joined */
    STEP_PREPARE, /* = a line, and wait for its OK */
    STEP_WAIT,    /* @ time passes */
    STEP_WORLD,   /* ! words */
} step_kind_t;

/* A piece of what must come out. */
typedef enum { TOKEN_LITERAL, TOKEN_IP, TOKEN_NUMBER, TOKEN_HEX, TOKEN_MAC, TOKEN_ANY } token_kind_t;

typedef struct {
    token_kind_t   kind;
    unsigned       line;
    const uint8_t *bytes; /* LITERAL */
    size_t         n;
} token_t;

typedef struct {
    step_kind_t    kind;
    unsigned       line;
    const uint8_t *bytes; /* IN, PREPARE (with CR LF) */
    size_t         n;
    const char    *words;         /* WORLD */
    uint64_t       us;            /* WAIT */
    size_t         token, tokens; /* OUT: which */
} step_t;

/* Lists of words of the header, in order of appearance. */
typedef struct {
    const char **word;
    size_t       n;
} word_list_t;

typedef struct {
    char       *path;
    char       *text;     /* the file; words and lists point into it */
    char       *scenario; /* examples/scenarios/NAME.txt, whose lines are the first steps; or NULL */
    const char *scenario_end, *scenario_name;
    uint8_t    *bytes;
    step_t     *step;
    size_t      steps;
    token_t    *token;
    size_t      tokens;
    compare_t   compare;
    start_t     start;
    word_list_t dialects, covers, reasons, timing, quirks;
    const char *gmr;   /* what AT+GMR prints; NULL: the dialect's text */
    unsigned    fails; /* it must fail, at this line: a test of the runner itself. 0: it must pass */
} transcript_t;

/* Reads and checks the text of a file, from malloc(), which the transcript takes in either case; NULL: it cannot be read.
 * `path` is for the errors. `read_file` reads a file that this one names, likewise; NULL: there is none. NULL: `error` says
 * where and why. */
transcript_t *transcript_read(const char *path, char *text, char *(*read_file)(const char *path), char *error,
                              size_t size);
void          transcript_free(transcript_t *transcript);

#endif
