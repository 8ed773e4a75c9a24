/* The verbs of the air: access points, scanning, SmartConfig and WPS, stations of the modems' soft-APs. Their context is a
 * radio_t. */
#ifndef WORLD_RADIO_WORDS_H
#define WORLD_RADIO_WORDS_H

#include "radio.h"
#include "words.h"

enum { RADIO_VERBS = 14 };

extern const words_verb_t radio_verbs[RADIO_VERBS];

#endif
