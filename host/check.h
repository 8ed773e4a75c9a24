/* `cipmux check --module=WHERE`: the project's transcripts as a conformance suite against any modem. */
#ifndef HOST_CHECK_H
#define HOST_CHECK_H

#include <stdio.h>

/* argv: behind "check". Returns the exit status: 0 all that was played is the same, 1 something differs, 2 wrong options, or no
 * module answers, 3 a wrong file. */
int check_main(int argc, char **argv);
/* cipmux help check */
void check_help(FILE *out);

#endif
