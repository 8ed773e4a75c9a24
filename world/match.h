/* Compares what came out of the modem with what a transcript expects. */
#ifndef MATCH_H
#define MATCH_H

#include "transcript.h"

typedef enum {
    MATCH_NO,      /* they differ */
    MATCH_PARTIAL, /* right so far, more is expected */
    MATCH_FULL,
} match_t;

/* Where the comparison got furthest, for the report. */
typedef struct {
    size_t   token;  /* index in the transcript; step->token + step->tokens: more came out than expected */
    size_t   offset; /* in a literal */
    size_t   at;     /* in the output */
    unsigned line;
} match_place_t;

/* Compares the whole of `output` (bytes and lines), or looks for the lines in it (order). `*used`: how much of the output
 * a full match stands for. In `lines` the output must have gone through match_squeeze(). */
match_t match(const transcript_t *transcript, const step_t *step, const uint8_t *output, size_t n, size_t *used,
              match_place_t *place);

/* Drops CR, empty lines and the last line end, in place. Returns the new length. */
size_t match_squeeze(uint8_t *bytes, size_t n);

#endif
