/* The verbs of the air: ap, ap-gone, ap-back, kick, no-aps, scan, smartconfig, wps-button, sdk. Their context is a radio_t. */
#ifndef WORLD_RADIO_WORDS_H
#define WORLD_RADIO_WORDS_H

#include "radio.h"
#include "words.h"

enum { RADIO_VERBS = 9 };

extern const words_verb_t radio_verbs[RADIO_VERBS];

#endif
