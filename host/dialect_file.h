/* A module of the user's, described in a file: --dialect=FILE. Lines of words: a base dialect, and what the module has
 * instead. `cipmux help dialect` prints the table of words. */
#ifndef HOST_DIALECT_FILE_H
#define HOST_DIALECT_FILE_H

#include "cipmux.h"

#include <stdio.h>

typedef struct {
    cipmux_config_t config; /* config.gmr points to `gmr`, or is NULL */
    char            gmr[CIPMUX_GMR_MAX + 1];
    bool            based; /* the line `dialect` was there */
} dialect_file_t;

/* False: `text` says what is wrong, where. `out` is used only after success, and then stays where it is. */
bool dialect_file_read(dialect_file_t *out, const char *name, char *text, size_t size);

/* The page of help. */
void dialect_file_help(FILE *out);

/* The pauses between attempts: without them the program would try again and again, and do nothing else. */
bool dialect_pauses(const char *time_name);

#endif
