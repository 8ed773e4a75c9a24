/* `cipmux replay FILE [--module=WHERE] [--allow-flash]`: plays the host's side of a transcript against a module and compares
 * what comes. WHERE is DEVICE[,BAUD] or HOST:PORT; without it a modem of its own, in the file's first dialect. */
#ifndef HOST_REPLAY_H
#define HOST_REPLAY_H

/* argv: behind "replay". Returns the exit status: 0 the same, 1 it differs, 2 wrong options or no module, 3 a wrong file. */
int replay_main(int argc, char **argv);

#endif
