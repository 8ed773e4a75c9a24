/* The one process that `cipmux run` starts, and whatever that leaves behind. */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include <stdbool.h>

/* Call first: from now on a signal that would end this program is for the command. Before there is one, it ends us. */
void child_prepare(void);
/* Starts argv, found along PATH, in this process group; it dies when we die. False: errno says why. */
bool child_start(char **argv);
/* Collects what has ended. True: so has the command; `status` is as a shell has it, 128 + n for a signal. */
bool child_ended(int *status);
/* Sends a signal (0: none) to every process that the command left behind. How many there are. */
unsigned child_rest(int number);

#endif
