/* The verbs of hosts that answer echoes, SNTP, names and updates. */
#ifndef WORLD_HOSTS_WORDS_H
#define WORLD_HOSTS_WORDS_H

#include "hosts.h"
#include "words.h"

enum { HOSTS_VERBS = 4 };
extern const words_verb_t hosts_verbs[HOSTS_VERBS]; /* context a hosts_t */

#endif
