/* What happened, as records. A record is printed as one human line, and written to the trace as one line of JSON:
 *
 *   accept: link 0 from 10.0.2.2:51544
 *   {"time":3.120450,"modem":0,"event":"accept","link":0,"peer":"10.0.2.2:51544"}
 *
 * A reason that comes again and again is shown LOG_BURST times a second; what is left out is counted on one line:
 *
 *   note: ... 1234 more in the last second [unknown-command]
 *
 * The trace has every record. Among several modems each line begins with its modem's name, "ap: accept: ...", and each
 * record has it, "name":"ap".
 *
 * Records never hold a secret: no password, no payload. */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include "cipmux.h"

#include <stdarg.h>
#include <stdio.h>

/* LOG_EVENT is shown unless --quiet, LOG_PROBLEM always, LOG_DETAIL only with --verbose. The trace gets all. */
typedef enum { LOG_EVENT, LOG_PROBLEM, LOG_DETAIL } log_level_t;

typedef struct {
    const char             *event;                 /* one word: dial, up, accept, closed, refused, listening, ... */
    const char             *reason;                /* stable id, or NULL */
    const cipmux_link_t    *link;                  /* NULL: none */
    const cipmux_address_t *peer;                  /* virtual; NULL: none */
    uint64_t                received, sent, bytes; /* bytes; 0 is left out of the trace */
    log_level_t             level;
    const char             *name; /* of the modem, filled in by the log; NULL: it has none */
} log_record_t;

typedef enum { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE } log_volume_t;

enum {
    LOG_BURST = 10,
    LOG_SECOND_US = 1000000,
    LOG_REASONS = 8, /* more at a time are not limited */
};

/* A reason that was shown within the last second. */
typedef struct {
    const char *event, *reason; /* reason NULL: free place */
    unsigned    modem;
    uint64_t    since_us;
    unsigned    shown, left_out;
} log_repeat_t;

typedef struct {
    log_volume_t       volume;
    FILE              *trace;    /* NULL: none. The caller's */
    uint64_t           start_us; /* time 0 of the trace */
    const char *const *names;    /* of the modems, by number; NULL: there is one, without a name */
    /* Prints one line; it has no line end. NULL: stderr. */
    void (*show)(void *context, const char *line);
    void        *context;
    log_repeat_t repeat[LOG_REASONS]; /* the log's own */
} log_t;

/* Would anybody see a record of that level? For records that come with each byte. */
bool log_wants(const log_t *log, log_level_t level);

/* Prints and writes one record. `text` is the rest of the human line, for people only. */
void log_write(log_t *log, uint64_t now_us, unsigned modem, const log_record_t *record, const char *text);
/* Tells what was left out, when its second is over; call it at log_deadline(), and at the end with CIPMUX_NEVER. */
void     log_tick(log_t *log, uint64_t now_us);
uint64_t log_deadline(const log_t *log); /* CIPMUX_NEVER: nothing was left out */

enum { LOG_LINE_MAX = 512 };
/* The same two forms into out[LOG_LINE_MAX], cut when too long. */
void log_human(char *out, const log_record_t *record, const char *text);
void log_json(char *out, double seconds, unsigned modem, const log_record_t *record, const char *text);
/* The sentence of an engine's note with its %s and %d filled in, into out[LOG_LINE_MAX]. */
void log_note_text(char *out, const cipmux_note_t *note);

#endif
