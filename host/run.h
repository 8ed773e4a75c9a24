/* `cipmux run -- COMMAND`: a command with a modem of its own, for tests of firmware and drivers.
 *
 * The modem is on a pseudo-terminal and on a TCP port of 127.0.0.1; the command finds them in its environment:
 *
 *   CIPMUX_TTY   path of the pseudo-terminal
 *   CIPMUX_TCP   host:port; who comes first, there or on the pseudo-terminal, has the modem
 *   CIPMUX_HOST  a loopback address that no other run has: the modem's server port 80 is at CIPMUX_HOST:8080
 *
 * The command starts when the modem is ready, in the same process group and with the same stdin, stdout and stderr.
 * What it leaves running ends with it, and everything ends when `cipmux run` is killed. */
#ifndef HOST_RUN_H
#define HOST_RUN_H

#include "board.h"

enum { RUN_FAIL_REFUSAL = 1, RUN_FAIL_LOSS = 2, RUN_FAIL_CLASSIC = 4 };

/* One of --fail-on's words: its bit. 0: there is no such word. */
unsigned run_fail_named(const char *name);

/* Where the modem's ports appear: puts the rules of CIPMUX_HOST in front of the `count` others, so that those win.
 * `rules` has room for RUN_RULES more. */
enum { RUN_RULES = 2 };
void run_publish(publish_t *rules, size_t *count);

/* Plugs the modem into its two ports. `text` then says where they are. False: it says why not. */
bool run_plug(board_t *board, char *text);

/* Runs the command until it ends or `alive`, of child_split(), reports an end, and the loop with it. Returns the command's exit status, 128 + n for a signal, 127 or
 * 126 if it cannot be started; 1, with a line on stderr, if it succeeded and the modem noted one of `fail_on`. */
int run_command(board_t *board, char **command, unsigned fail_on, int alive);

#endif
