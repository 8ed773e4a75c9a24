/* Random faults at a rate: "rate:mtbf=2h", or "rate:mtbf=2h,kinds=typed-lost+reset" for some kinds only. mtbf, 1ms to 1000h, is
 * the mean time between faults of any kind. It becomes lines of words (faults.h), a rule of time for each kind, so the same seed gives the
 * same faults. */
#ifndef WORLD_RATE_H
#define WORLD_RATE_H

#include <stdbool.h>
#include <stddef.h>

enum { RATE_TEXT = 1024 }; /* room for all lines */

/* The name of a kind, and its words; NULL: there are no more. */
const char *rate_kind(size_t i, const char **words);
/* The lines for `text`, each with its end. False: `out` says what is wrong. */
bool rate_words(const char *text, char *out, size_t size);

#endif
