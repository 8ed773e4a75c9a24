/* Explains what a module and its host say to each other: which link and which command a line belongs to, what is missing, and
 * what went wrong. Fed with bytes of either direction, or of a log in which both are mixed. */
#ifndef HOST_EXPLAIN_H
#define HOST_EXPLAIN_H

#include "cipmux.h"
#include "pains.h"
#include "printed.h"

enum { EXPLAIN_LINKS = 5, EXPLAIN_COMMAND = 200, EXPLAIN_KNOWN = 64, EXPLAIN_TEXT = 300 };

typedef enum { EXPLAIN_TYPED, EXPLAIN_PRINTED, EXPLAIN_MIXED } explain_lane_t;

typedef enum {
    EXPLAIN_IDLE,
    EXPLAIN_OPEN,    /* typed, its final answer has not come */
    EXPLAIN_PAYLOAD, /* the prompt came */
    EXPLAIN_RESULT,  /* the payload went in; SEND OK has not come */
} explain_stage_t;

typedef struct {
    char            text[EXPLAIN_COMMAND]; /* "AT+CIPSEND=0,5" */
    char            name[32];              /* "+CIPSEND" */
    unsigned        line;
    explain_stage_t stage;
    int             link;                                             /* -1: none */
    uint32_t        length, typed;                                    /* of the payload */
    uint64_t        since_us;                                         /* all of it was typed */
    bool            ssl, ok, told, connected, recv, busy, echo_wrong; /* recv, busy: printed for its payload */
} explain_command_t;

typedef struct {
    bool     open, dialled, known; /* known: it was open once */
    unsigned opened, closed;       /* lines */
    uint64_t received, sent;
    unsigned times;
} explain_link_t;

typedef struct {
    /* Something is wrong in that line; `about`: more, or "". */
    void (*note)(void *context, unsigned line, pain_t pain, const char *about);
    /* What that line belongs to: "link 0", a command. May come again. */
    void (*tag)(void *context, unsigned line, const char *tag);
    /* A link's life, at its end and at the end of the log. */
    void (*link)(void *context, int id, const explain_link_t *link);
    void *context;
} explain_out_t;

typedef struct {
    explain_out_t     out;
    printed_reader_t  reader;
    bool              mixed;
    unsigned          line;
    uint64_t          now_us, event_us; /* 0: not known */
    int               mux;              /* -1: not known */
    bool              server, through_mode, through, restart_asked, alive, leave_asked, sent_failed;
    explain_command_t command, pushed; /* pushed: typed while the other was open */
    char              typed[EXPLAIN_COMMAND];
    size_t            typed_n;
    unsigned          missing_line;     /* of a payload whose SEND OK has not come; 0: none */
    unsigned garbage_line, escape_line; /* noise that may be a restart's; +++ was typed and nothing came since */
    int      frame_link;                /* the frame just printed was of that link; -2: it was none */
    unsigned may_be;                    /* a bit for each dialect that has all commands which worked so far */
    int missing_link, ok_link; /* ok_link: the SEND OK just printed was of that link; -2: the last was no SEND OK */
    explain_link_t link[EXPLAIN_LINKS];
    char           known[EXPLAIN_KNOWN][80]; /* lines of information, for what is almost the same */
    size_t         knowns;
    unsigned       noted[PAIN_COUNT], first[PAIN_COUNT];
} explain_t;

void explain_init(explain_t *explain, const explain_out_t *out);
/* The time of what follows; 0: it is not known. */
void explain_time(explain_t *explain, uint64_t now_us);
void explain_bytes(explain_t *explain, explain_lane_t lane, unsigned line, const uint8_t *bytes, size_t n);
/* What happened to a peer, as our own records have it: "peer1 closes". */
void        explain_world(explain_t *explain, unsigned line, const char *words);
void        explain_end(explain_t *explain);
const char *pain_scenario(pain_t pain);
const char *pain_sentence(pain_t pain);
unsigned    pain_number(pain_t pain);

#endif
