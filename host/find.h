/* Finds the module at the end of a line: at which rate it answers, which line ends it takes, how fast it is, and which firmware
 * it says it is. */
#ifndef HOST_FIND_H
#define HOST_FIND_H

#include "module.h"

typedef struct {
    uint32_t baud;               /* 0: its line has no rate */
    bool     takes_cr, takes_lf; /* alone, as the end of a line */
    uint32_t answer_ms;          /* AT to its OK */
    char     gmr[512];           /* what AT+GMR prints in front of its OK */
    unsigned major, minor;       /* the AT version in it; 0.0: it has none */
} find_t;

/* `fixed`: the rate is known. Echo is off then. False: `why` says why it was not found. */
bool find(module_t *module, bool fixed, find_t *out, char *why, size_t size);
/* The rate again: it may be another one after a restart. */
bool find_again(module_t *module, find_t *found);
/* Something else than we talks to it: answers come to what nobody typed. */
bool find_feud(const module_t *module);
/* A dialect that is like such a version. */
const char *find_dialect(const find_t *found);

#endif
