/* Plays a transcript against the engine in a simulated world, in virtual time. */
#ifndef PLAYER_H
#define PLAYER_H

#include "cipmux.h"
#include "transcript.h"

/* How the bytes of `>` are cut, all within one instant. */
typedef enum {
    CUT_WHOLE,
    CUT_BYTES,  /* one byte a call */
    CUT_RANDOM, /* random pieces, random capacities of poll, random ticks */
} cut_t;

typedef struct {
    const char            *dialect;
    cut_t                  cut;
    uint64_t               seed;
    const char            *quirk; /* id of a quirk to change, or NULL */
    unsigned               value;
    const char            *first;      /* a line with its end, typed and answered before the first step; or NULL */
    const cipmux_config_t *config;     /* instead of the dialect's: quirks and times; or NULL */
    uint64_t               late_us;    /* so long before each step, and each wait so much longer */
    bool                   flash;      /* the module stores its settings */
    bool                   bytes_only; /* whatever reasons are noted */
    bool                   explain;    /* on failure fill report->text */
    void (*heard)(void *context, const cipmux_note_t *note); /* each note; or NULL */
    void *context;
} play_options_t;

typedef struct {
    bool           passed;
    unsigned       line; /* where it failed */
    bool           noted[CIPMUX_REASON_COUNT];
    bool           stored;   /* the modem wrote its flash */
    bool           switched; /* it changed the rate or format of its line */
    uint64_t       us;       /* how long it took, in virtual time */
    uint32_t       hash;     /* of everything that the modem printed */
    const uint8_t *got;      /* what had been printed and was not accounted for; valid until the next play */
    size_t         got_n;
    char text[8192]; /* what happened, escaped, with a caret under the first difference; "" unless asked for */
} play_report_t;

/* The memory that a play needs, about 1.4 MB; reused from play to play. */
typedef struct player player_t;

player_t *player_new(void);
void      player_free(player_t *player);

/* Plays once. Returns report->passed. Nothing is printed, nothing is allocated. */
bool play(player_t *player, const transcript_t *transcript, const play_options_t *options, play_report_t *report);
/* The short form: whole, no quirk, no explanation. */
bool play_whole(player_t *player, const transcript_t *transcript, const char *dialect, play_report_t *report);

#endif
