/* The single faults of `cipmux torture`: each is a few lines of the words of --fault, said at an event of a recorded run. */
#ifndef HOST_CATALOGUE_H
#define HOST_CATALOGUE_H

#include "story.h"

/* One fault at one event. */
typedef struct {
    size_t  event;
    uint8_t fault, link; /* of the table; the link that it is about */
} ordeal_t;

/* NULL: there are no more. */
const char *catalogue_name(size_t fault);
/* Every fault at every event at which it makes sense, in the order of the events. `only`: names with commas between, or NULL
 * for all. Returns how many there are and where they are, to be freed. */
size_t catalogue_plan(const story_t *story, const char *only, ordeal_t **out);
/* Adds its words, lines of a fault file; or what a person is told of its event: `typed "AT+CIPSEND=5", 2nd time`. */
void catalogue_words(const story_t *story, const ordeal_t *ordeal, writer_bytes_t *out);
void catalogue_event(const story_t *story, const ordeal_t *ordeal, writer_bytes_t *out);
/* What goes wrong, for a person: "link 2 is reset". */
void catalogue_about(const ordeal_t *ordeal, writer_bytes_t *out);
/* The names, each with what it does. */
void catalogue_print(FILE *out);

#endif
