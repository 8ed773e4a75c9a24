/* --modem=NAME[,KEY=VALUE]...: the options of one of several modems. */
#ifndef HOST_MODEM_OPTIONS_H
#define HOST_MODEM_OPTIONS_H

#include "options.h"

#include <stdio.h>

/* Reads each of options->modem_text into options->modem: what stands outside in argv, then its own keys over it. False:
 * `error` says which and why; also when two of them want the same thing. */
bool modem_options_read(options_t *options, int first, int argc, char **argv);

/* The page of help. */
void modem_options_help(FILE *out);

#endif
