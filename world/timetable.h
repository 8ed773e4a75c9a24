/* What a world file says for later: its lines in their order, each with its time.
 *
 *   ap ssid="lab" password="password"     said at once
 *   at 10s ap-gone ssid="lab"             10 s after the start
 *   wait 500ms                            what follows comes so much later
 *   ap-back ssid="lab"
 *
 * A line without a time of its own has that of the line before it. No clock, no heap, no I/O. */
#ifndef WORLD_TIMETABLE_H
#define WORLD_TIMETABLE_H

#include "words.h"

enum {
    TIMETABLE_LINES = 100, /* that wait */
    TIMETABLE_TEXT = 500,  /* bytes of one */
};

typedef struct {
    uint64_t at_us;  /* since the start */
    unsigned number; /* of the line in the file */
    char     text[TIMETABLE_TEXT];
} timetable_line_t;

typedef struct {
    timetable_line_t line[TIMETABLE_LINES];
    size_t           count, next;
    uint64_t         at_us; /* of the line that is read */
} timetable_t;

/* Takes the time from a line, split already, and blanks it out of `line`, so that columns stay; then splits the rest.
 * timetable->at_us is the time of these words, 0: at once. False: words->error. */
bool timetable_read(timetable_t *timetable, words_t *words, char *line);
/* Keeps the line for later. False: there is no room, words->error. */
bool timetable_keep(timetable_t *timetable, words_t *words, const char *line, unsigned number);
/* The next line that is due so long after the start, or NULL. Each is given once. */
const timetable_line_t *timetable_due(timetable_t *timetable, uint64_t since_start_us);
/* When the next line is due, since the start; CIPMUX_NEVER: there is none. */
uint64_t timetable_deadline(const timetable_t *timetable);

#endif
