/* --control=PATH: a test program steers the running modem. A Unix socket that only its owner may open; each line that comes in
 * is words, each is answered by one line, in order:
 *
 *   OK                      it was done
 *   OK 0 tcp 10.0.2.2:5000  a question, and its answer
 *   ERROR column 4: ...     it was not, and nothing has changed
 *
 * `cipmux ctl PATH WORDS` is a client. */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct control control_t;

enum {
    CONTROL_LINE = 4096,   /* bytes of a line, with its end */
    CONTROL_ANSWER = 1024, /* of an answer */
    CONTROL_CLIENTS = 8,   /* at a time */
};

/* Does what a line says, which it may change. False: the answer is an error. An answer has no end of line; "" is allowed. */
typedef bool control_say_t(void *context, char *line, char *answer, size_t size);

/* NULL: errno says why it cannot listen there. */
control_t *control_open(uv_loop_t *loop, const char *path, control_say_t *say, void *context);
/* Ends all clients and removes the socket. NULL is allowed. */
void control_close(control_t *control);

/* The client: sends `line`, or with NULL each line of stdin, and prints the answers. The exit status of the program: 0; 1 if
 * an answer was an error, 2 if nobody is there. */
int control_ask(const char *path, const char *line);

#endif
