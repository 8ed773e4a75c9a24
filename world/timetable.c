/* Lines of a world file that come later: see timetable.h. */
#include "timetable.h"

#include <string.h>

bool timetable_read(timetable_t *timetable, words_t *words, char *line)
{
    if (words->count == 0 || words->arg[0].key[0] != '\0') {
        return true;
    }
    const bool         at = words_is(&words->arg[0], "at");
    const words_arg_t *time = NULL;
    uint64_t           us = 0;
    if (!at && !words_is(&words->arg[0], "wait")) {
        return true;
    }
    time = words_plain(words, 1, "a time such as 20ms");
    if (time == NULL || !words_time(words, time, &us)) {
        return false;
    }
    if (at && us < timetable->at_us) {
        return words_expected(words, time, "a time that is not before that of the line above");
    }
    timetable->at_us = at ? us : timetable->at_us + us;
    memset(line, ' ', time->column - 1 + time->length);
    if (!words_parse(words, line)) {
        return false;
    }
    return words->count > 0 || !at || words_fail(words, time->column, "expected what happens then");
}

bool timetable_keep(timetable_t *timetable, words_t *words, const char *line, unsigned number)
{
    if (words->count == 0) {
        return true;
    }
    if (timetable->count == TIMETABLE_LINES) {
        return words_fail(words, 1, "more than %d lines that wait", (int)TIMETABLE_LINES);
    }
    if (strlen(line) >= TIMETABLE_TEXT) {
        return words_fail(words, 1, "a line that waits has at most %d bytes", (int)TIMETABLE_TEXT - 1);
    }
    size_t at = timetable->count++;
    for (; at > timetable->next && timetable->line[at - 1].at_us > timetable->at_us;
         at--) /* another file's are later */
        timetable->line[at] = timetable->line[at - 1];
    timetable_line_t *kept = &timetable->line[at];
    kept->at_us = timetable->at_us;
    kept->number = number;
    strcpy(kept->text, line);
    return true;
}

const timetable_line_t *timetable_due(timetable_t *timetable, uint64_t since_start_us)
{
    return timetable_deadline(timetable) <= since_start_us ? &timetable->line[timetable->next++] : NULL;
}

uint64_t timetable_deadline(const timetable_t *timetable)
{
    return timetable->next < timetable->count ? timetable->line[timetable->next].at_us : CIPMUX_NEVER;
}
