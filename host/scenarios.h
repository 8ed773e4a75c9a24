/* The fault files of examples/scenarios/, which are built into the program by their names. */
#ifndef HOST_SCENARIOS_H
#define HOST_SCENARIOS_H

#include <stdio.h>

/* The text of the one of that name, or NULL. */
const char *scenarios_find(const char *name);
/* Their names, each with the first line of its file. */
void scenarios_print(FILE *out);

#endif
