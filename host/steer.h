/* What the control socket may say beside the words of the scene: questions, and to which modem a line is.
 *
 *   links              OK 0 tcp 10.0.2.2:5000 received=3 sent=5; 1 udp ...
 *   counters           OK links=1 faults=2 refusals=0 losses=0 lines_while_busy=0 ...
 *   noted REASON       OK 3: how often that was noted
 *   phase              OK COMMAND
 *   time               OK 12.345: seconds since the start
 *   reset              the reset pin, at once
 *   @NAME ...          the rest is to the modem of that name; without it to the first
 */
#ifndef HOST_STEER_H
#define HOST_STEER_H

#include "program.h"

/* A control_say_t; the context is a program_t. */
bool steer_say(void *context, char *line, char *answer, size_t size);

#endif
