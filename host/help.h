/* `cipmux help TOPIC`: what the tables of cipmux.h and reasons.h say, for a person. */
#ifndef HOST_HELP_H
#define HOST_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* topic NULL: a list of them. False: there is no such topic; stderr has a list, and what is like it. */
bool help_print(FILE *out, const char *topic);

void help_dialects(FILE *out);
void help_quirks(FILE *out);

#endif
