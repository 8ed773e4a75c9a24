/* `cipmux explain [LOG]`: a log of the serial line, with a margin that says what each line belongs to, and notes on what is
 * missing and what went wrong. */
#ifndef HOST_EXPLAIN_MAIN_H
#define HOST_EXPLAIN_MAIN_H

#include "explain.h"

#include <stdio.h>

/* argv: behind "explain". Returns the exit status: 0 nothing is wrong, 1 something is noted, 2 wrong options, 3 no such file. */
int explain_main(int argc, char **argv);
/* cipmux help explain */
void explain_help(FILE *out);
/* One line about it, without the line's number and end: "busy (pain 1): a command came ...". */
void explain_print(FILE *out, pain_t pain, const char *about);

#endif
