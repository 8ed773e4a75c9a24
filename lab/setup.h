/* What the owner of the module did before it was wired: AT commands, whose settings it keeps (its rate, an access point).
 *
 * A port of the board. A line of the file goes in when the modem expects a command; the next one when it has answered
 * OK. */
#ifndef LAB_SETUP_H
#define LAB_SETUP_H

#include "board.h"

#include <stdio.h>

enum { SETUP_LINE_MAX = 512, SETUP_ANSWER_MAX = 16, SETUP_ERROR_MAX = 80 };

typedef struct {
    port_t   port;
    FILE    *file;
    unsigned number;                   /* of the line */
    bool     asked;                    /* the modem has not answered it yet */
    bool     over;                     /* the last line was answered, or `error` is set */
    char     answer[SETUP_ANSWER_MAX]; /* the line that the modem prints, its beginning */
    size_t   length;
    char     error[SETUP_ERROR_MAX]; /* empty: none */
} setup_t;

/* False: the file cannot be opened, see errno. */
bool setup_open(setup_t *setup, const char *file);
void setup_close(setup_t *setup);

#endif
