/* The logs of a serial line that people have: plain bytes, with or without time stamps and directions, and our own transcripts
 * and recordings. */
#ifndef HOST_LOGBOOK_H
#define HOST_LOGBOOK_H

#include "explain.h"

#include <stdio.h>

typedef struct {
    char  *text; /* as it stands in the log, ended */
    size_t n;
} logbook_line_t;

typedef struct {
    char           *bytes;
    size_t          n;
    logbook_line_t *line;
    size_t          lines;
} logbook_t;

/* Reads all of it. */
void logbook_read(logbook_t *book, FILE *file);
void logbook_free(logbook_t *book);
/* Feeds it to `explain`; line numbers are the log's, from 1. False: it looks like a transcript and is none; `error`. */
bool logbook_explain(const logbook_t *book, const char *path, explain_t *explain, char *error, size_t size);

#endif
