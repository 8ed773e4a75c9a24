/* `cipmux tap HOST MODULE`: between a host and a module on two serial lines. Copies both ways, records, explains while it runs, and
 * does to the bytes what faults of the line say. */
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <stdio.h>

/* argv: behind "tap". Returns the exit status: 0 one of the lines ended, 2 wrong options or no such line, 3 a wrong file of
 * faults, 128 and its number for a signal. */
int tap_main(int argc, char **argv);
/* cipmux help tap */
void tap_help(FILE *out);

#endif
