/* Which transcripts say something about a module on a line, and what their differences mean. Both are found by playing them in
 * the simulated world, in virtual time: as the module is thought to be, with settings that are stored, with steps that come
 * late, and with one quirk changed. */
#ifndef HOST_CONFORM_H
#define HOST_CONFORM_H

#include "cipmux.h"
#include "transcript.h"

enum { CONFORM_ALSO = 8 };

typedef struct {
    const char     *dialect; /* whose transcripts */
    cipmux_config_t config;  /* how the module is thought to be: its quirks, its AT+GMR */
    bool            saves;   /* the module's flash may be written */
    bool            no_lab;  /* no access point "lab" is within its reach */
    uint32_t        longest_ms;
    struct player  *player; /* private */
} conform_t;

/* False: no such dialect, or no memory. */
bool conform_open(conform_t *conform, const char *dialect);
void conform_close(conform_t *conform);
/* The text of a transcript, from malloc(): its preparations do not save, where there is another form of the command. Takes
 * `text`. */
char *conform_text(const conform_t *conform, char *text);
/* The module has AT+SYSSTORE, by which settings stay out of its flash. */
bool conform_has_sysstore(const conform_t *conform);
/* A transcript is for this dialect, or for another one and holds in this one too. */
bool conform_is_for(conform_t *conform, const transcript_t *transcript);
/* Why it cannot be played to the module, into `why`; false: it can. */
bool conform_unfit(conform_t *conform, const transcript_t *transcript, char *why, size_t size);

/* One value of a quirk, other than the module's. */
typedef struct {
    const char *id;
    unsigned    value;
} conform_quirk_t;

/* A transcript that was played to the module, and how that went. */
typedef struct {
    const transcript_t *transcript;
    bool                differs;
    unsigned            line; /* there */
    const uint8_t      *got;  /* what came and was not expected */
    size_t              n;
    bool                explained;
} conform_case_t;

/* What explains some differences: with that quirk these transcripts differ at the same line in the same way, and those that
 * hold hold. */
typedef struct {
    conform_quirk_t quirk, also[CONFORM_ALSO]; /* also: others that explain as many */
    size_t          alsos, cases;
} conform_name_t;

/* The one that explains most differences which are not explained yet; these are marked. False: none explains any. */
bool conform_name(conform_t *conform, conform_case_t *cases, size_t n, conform_name_t *out);

#endif
