/* Which rows of the matrix of outcomes (matrix.tsv) the transcripts cover.
 *
 * A row is an id and a firmware, nonos or esp-at; the dialect classic counts as nonos, nonos-1.3 covers nothing. The file
 * scope.txt beside the matrix says which rows must be covered:
 *
 *   tcp.CIPSTART            every row of which the id is this, or begins with it and a dot
 *   - tcp.CIPSTART.x why    but not this one (or those): it belongs to a later part, or nobody knows the answer
 *   - tcp.CIPSTART.x@esp-at why      the same for one firmware */
#ifndef COVERAGE_H
#define COVERAGE_H

#include "transcript.h"

typedef struct coverage coverage_t;

/* Reads both files. NULL: `error` says why. */
coverage_t *coverage_load(const char *matrix, const char *scope, char *error, size_t size);
void        coverage_free(coverage_t *coverage);
/* Does the matrix have this id for any of the dialects? */
bool coverage_knows(const coverage_t *coverage, const char *id, const word_list_t *dialects);
/* A transcript that covers this id passed for the dialect. */
void coverage_add(coverage_t *coverage, const char *id, const char *dialect);
/* Prints what is missing, and lines of scope.txt that mean nothing or that a transcript covers after all. Returns the
 * number of rows missing; *wrong counts the others. */
size_t coverage_print(const coverage_t *coverage, size_t *wrong);

#endif
