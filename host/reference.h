/* What is known of each command, from tests/transcripts/: the rows of matrix.tsv that are about a command, and the
 * recordings of real modules in which it is typed, and an example. Built by tools/reference.awk. */
#ifndef HOST_REFERENCE_H
#define HOST_REFERENCE_H

#include <stddef.h>

typedef struct {
    const char *id;        /* "tcp.CIPSERVER.set.port-zero" */
    const char *firmware;  /* "nonos" or "esp-at" */
    const char *command;   /* as in cipmux_command_t: "+CIPSERVER"; "" is AT itself */
    const char *form;      /* query set run test; model and event: what belongs to no form */
    const char *when;      /* in what state, with what arguments */
    const char *reply;     /* escaped; {in braces} what is no text */
    const char *section;   /* of the reference: "tcpip.md 3.14" */
    const char *certainty; /* settled, GUESS or UNKNOWN */
} reference_row_t;

typedef struct {
    const char *command;
    const char *numbers; /* with blanks between */
} reference_recordings_t;

/* The command in use, out of a transcript. */
typedef struct {
    const char *command, *dialect;
    const char *file;   /* tests/transcripts/... */
    const char *typed;  /* escaped, one line */
    const char *answer; /* escaped, with a line feed after each line of the transcript */
} reference_example_t;

extern const reference_row_t        reference_rows[];
extern const size_t                 reference_count;
extern const reference_recordings_t reference_recordings[];
extern const size_t                 reference_recordings_count;
extern const reference_example_t    reference_examples[];
extern const size_t                 reference_examples_count;

#endif
