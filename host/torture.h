/* `cipmux torture [OPTION]... -- COMMAND`: a test is run once as it is, and its session recorded; then again and again, each
 * time with one fault of catalogue.h at one event of story.h. What then hangs, crashes or ends otherwise is listed, each with a
 * file that replays it. */
#ifndef HOST_TORTURE_H
#define HOST_TORTURE_H

#include <stdio.h>

/* argv[1] is "torture". The exit status of the program: 1 when something was found. */
int torture_main(int argc, char **argv);
/* `cipmux help torture`. */
void torture_help(FILE *out);

#endif
