/* The page of a command, printed from the engine's tables and the reference: what `cipmux help AT+CIPSTART` says, and what
 * docs/PROTOCOL.md is made of. */
#ifndef HOST_MANUAL_H
#define HOST_MANUAL_H

#include "cipmux.h"

#include <stdio.h>

enum { MANUAL_NONE = -1 }; /* no such command */

/* Index of a command as a person writes it: "AT+CIPSTART", "+cipstart", "CIPSTART", "AT+CIPSTART=?"; or MANUAL_NONE. */
int manual_find(const char *text);
/* The command's page. index: see cipmux_command(). */
void manual_print(FILE *out, size_t index);
/* What the forms, arguments and answers of a page mean, and what every command answers. */
void manual_print_legend(FILE *out);
/* A line a command: name, what it does, who has it. */
void manual_print_list(FILE *out);
/* Names like this one, with blanks in front; false: there is none, and nothing was printed. */
bool manual_print_near(FILE *out, const char *text);

/* A reason's sentence with the command in place of %s ("+X": AT+X), and N in place of %d. */
void manual_sentence(const char *sentence, const char *command, char *out, size_t size);
/* What a command is for, or "". */
const char *manual_does(const char *command);
/* Has the reference a row, with its section, about this command in that firmware ("nonos", "esp-at")? */
bool manual_has_source(const char *command, const char *firmware);

#endif
