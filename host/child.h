/* The processes of `cipmux run`. Each waits for the next:
 *
 *   what was started       does nothing else, and its status is the command's
 *     the modem            this program, and the parent of whatever the command leaves behind
 *       the command
 *
 * Whichever is killed, with SIGKILL too, nothing of the command lives on. That is so on Linux; elsewhere the command
 * itself ends with the process that was started, and what it left behind is not known. */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include <stdbool.h>

/* Call first: splits off the modem's process and returns in that, a descriptor that reports its end when the process that
 * was started has gone. That one never returns. From now on a signal that would end this program is for the command;
 * before there is one, it ends us. -1: errno says why not. */
int child_split(void);
/* Starts argv, found along PATH, in this process group; it dies when we die. False: errno says why. */
bool child_start(char **argv);
/* Collects what has ended. True: so has the command; `status` is as a shell has it, 128 + n for a signal. */
bool child_ended(int *status);
/* Sends a signal (0: none) to the command and to every process that it left behind. How many there are. Where the system
 * does not tell what it left behind, the command only. */
unsigned child_rest(int number);

#endif
