/* Faults on demand: bytes of the serial line are lost, changed, added or held back, and words are said when certain text
 * passes there or from time to time. So a race that a desk shows once a week comes each time.
 *
 *   typed loses 3 after=12                        of what the far side types, three bytes, twelve further on
 *   typed loses 3 within=200                      at a random place among the next 200
 *   printed flips 1 every=2000                    of what the modem prints, one bit in every 2000 bytes on average
 *   on printed "> " server closes                 the words "server closes", when the modem has printed its prompt
 *   on typed "AT+CIPSEND" nth=3 reset-pin         when the far side types that the third time
 *   on printed "\r\nSEND OK\r\n" match late=5s    that text itself: late
 *   every 2h ap-gone ssid="lab"                   again and again
 *   on typed "AT+CIPSTART" in 3s kick             three seconds behind it, once
 *
 * The two lanes lie between the modem and its far side. Whoever moves the bytes:
 *
 *   faults_init(&faults, seed);                   // words then come in through faults_verbs
 *   n = faults_room(&faults, FAULTS_TYPED); ... faults_put(&faults, now, FAULTS_TYPED, bytes, n);
 *   nothing more to put at this instant: faults_quiet(&faults, now, FAULTS_TYPED);
 *   n = faults_peek(&faults, now, FAULTS_TYPED, &bytes); k = cipmux_sink(...); faults_taken(&faults, FAULTS_TYPED, k);
 *   ... the same the other way, then:
 *   while ((line = faults_due(&faults, now)) != NULL) say(line);
 *   while ((text = faults_told(&faults)) != NULL) log(text);
 *   wait until faults_deadline(&faults)
 *
 * Which byte a fault touches does not depend on how the bytes are cut. No clock, no heap, no I/O. */
#ifndef WORLD_FAULTS_H
#define WORLD_FAULTS_H

#include "cipmux.h"
#include "words.h"

typedef enum { FAULTS_TYPED, FAULTS_PRINTED, FAULTS_LANES } faults_lane_t;

enum {
    FAULTS_RULES = 64,   /* on, every, in */
    FAULTS_TEXT = 64,    /* bytes of a text that is looked for */
    FAULTS_WORDS = 240,  /* of the words that are said then */
    FAULTS_CHANGES = 16, /* loses, flips, adds, waits: of one lane at a time */
    FAULTS_INSERT = 240, /* bytes that are put in, or come late */
    FAULTS_LATE = 4,     /* texts that are late, at a time */
    FAULTS_QUEUE = 2048, /* bytes in a lane */
    FAULTS_HOLD_US = 2000,
    FAULTS_MESSAGES = 16, /* that wait to be told; more are counted in the last */
};

/* A text that passes, or a time that comes, and what is said then. Contents of all these are private. */
typedef struct {
    uint8_t  text[FAULTS_TEXT];
    size_t   length, progress; /* 0: a rule of time */
    uint8_t  lane;
    bool     each, spent, armed, fired;
    bool     changes; /* the text itself: `match` */
    uint32_t skip, after, left;
    uint64_t mean_us, due_us; /* mean_us 0: once */
    char     words[FAULTS_WORDS];
} faults_rule_t;

typedef enum { FAULTS_NOTHING, FAULTS_LOSES, FAULTS_FLIPS, FAULTS_ADDS, FAULTS_WAITS } faults_kind_t;

typedef struct {
    faults_kind_t kind;
    uint32_t      after, count, done, every;
    uint64_t      first; /* the byte of the lane that was touched first */
    int           bit;   /* -1: any */
    uint64_t      us;
    uint8_t       text[FAULTS_INSERT];
    size_t        length;
} faults_change_t;

typedef struct {
    uint8_t         bytes[FAULTS_QUEUE];
    size_t          first, end;
    size_t          held;    /* of them, at the end: they may be a text that is to be changed */
    uint64_t        put_us;  /* when the last byte came in */
    uint64_t        seen;    /* bytes put in, ever */
    bool            stopped; /* words wait until all of this has left; nothing is put in before */
    bool            waits;   /* the bytes behind this place wait for a time */
    size_t          wait_at;
    uint64_t        wait_us, until_us; /* 0: they have not got there yet */
    faults_change_t change[FAULTS_CHANGES];
} faults_queue_t;

typedef struct {
    bool           used;
    uint64_t       random;
    faults_queue_t lane[FAULTS_LANES];
    faults_rule_t  rule[FAULTS_RULES];
    size_t         rules;
    struct {
        uint8_t  lane, bytes[FAULTS_INSERT];
        size_t   length; /* 0: free */
        uint64_t due_us;
    } late[FAULTS_LATE];
    char   message[FAULTS_MESSAGES][120];
    size_t messages, told;
} faults_t; /* about 60 KB */

/* No faults. The same seed and bytes give the same faults. */
void faults_init(faults_t *faults, uint64_t seed);
/* Something was said, so bytes have to go through the lanes from now on. */
bool faults_used(const faults_t *faults);

/* on, every, in, match, typed, printed; their context is a faults_t. What the first three say is kept as text, and nobody
 * looks at it before it is due. */
enum { FAULTS_VERBS = 6 };
extern const words_verb_t faults_verbs[FAULTS_VERBS];
/* The words of the rule that was said last, to be checked by who knows them; NULL: the last line was no rule. `column`: where
 * they begin in that line, from 1. `match` is checked already. */
const char *faults_words(const faults_t *faults, const words_t *said, unsigned *column);
/* Takes the rule that was said last back: its words are wrong. */
void faults_take_back(faults_t *faults);

/* How many bytes may be put into a lane now. */
size_t faults_room(const faults_t *faults, faults_lane_t at);
/* Puts in n bytes, at most faults_room(). */
void faults_put(faults_t *faults, uint64_t now_us, faults_lane_t at, const void *bytes, size_t n);
/* Who puts has nothing more at this instant: what is late finds a gap, and what the modem printed that looked like the begin
 * of a text is none. What is typed waits for its rest, FAULTS_HOLD_US at most. */
void faults_quiet(faults_t *faults, uint64_t now_us, faults_lane_t at);
/* What comes out of a lane; returns how many bytes, valid until the next call. */
size_t faults_peek(faults_t *faults, uint64_t now_us, faults_lane_t at, const uint8_t **bytes);
void   faults_taken(faults_t *faults, faults_lane_t at, size_t n);
/* Nothing is in a lane. */
bool faults_is_empty(const faults_t *faults, faults_lane_t at);

/* The next line of words to be said now, or NULL. */
const char *faults_due(faults_t *faults, uint64_t now_us);
/* The next fault that was injected, for the log, or NULL: "typed: 3 bytes lost, from byte 117 on". */
const char *faults_told(faults_t *faults);
/* When something becomes due, or CIPMUX_NEVER. */
uint64_t faults_deadline(const faults_t *faults);

/* Puts bytes in at once, behind what is in the lane. */
void faults_add(faults_t *faults, faults_lane_t at, const uint8_t *bytes, size_t n);

/* ---- For faults_words.c ------------------------------------------------------------------------------------------ */

uint32_t faults_roll(faults_t *faults, uint32_t sides);                     /* 0 to sides - 1 */
uint64_t faults_next_time(faults_t *faults, uint64_t now, uint64_t mean);   /* after now, by mean on average */
uint32_t faults_next_byte(faults_t *faults, const faults_change_t *change); /* how many bytes further on */

#endif
