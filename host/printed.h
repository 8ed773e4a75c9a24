/* What a module prints, cut into what it means: lines, the prompt, and frames, whose payload is counted and never looked at. A
 * log is not trusted: a frame may be too short. */
#ifndef HOST_PRINTED_H
#define HOST_PRINTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRINTED_TEXT = 400 };

typedef enum {
    PRINTED_LINE,   /* text; also what stands before a frame or a prompt without a line end */
    PRINTED_PROMPT, /* > */
    PRINTED_FRAME,  /* +IPD or +CIPRECVDATA with all its bytes */
    PRINTED_SHORT,  /* the same, but `missing` bytes are not there */
} printed_kind_t;

typedef struct {
    printed_kind_t kind;
    unsigned       line;  /* of the log, where it began */
    bool           glued; /* behind a frame, with nothing between */
    char           text[PRINTED_TEXT + 1];
    size_t         n;
    int            link; /* of a frame; -1: it has none */
    uint32_t       length, missing;
    bool           pulled; /* +CIPRECVDATA */
} printed_t;

typedef struct {
    printed_t now;
    uint32_t  left;    /* bytes of the frame's payload still to come */
    bool      lf_only; /* the log has lost its CRs: a LF counts as two bytes */
    bool      waits;   /* a command is open: an answer inside a payload is none of it */
    char      tail[24];
    size_t    tails;
    bool      behind_frame;
    void (*found)(void *context, const printed_t *printed);
    void *context;
} printed_reader_t;

void printed_init(printed_reader_t *reader, void (*found)(void *context, const printed_t *printed), void *context);
void printed_byte(printed_reader_t *reader, unsigned line, uint8_t byte);
/* What was begun ends here: the log does, or the module restarts. */
void printed_end(printed_reader_t *reader);

#endif
