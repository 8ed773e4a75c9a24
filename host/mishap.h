/* Mishaps of the network on demand: words about the modem's links and about addresses that it dials, for fault files and the
 * control socket. The sockets behind the links are real; what happens to the modem here does not come from their peers.
 *
 *   link 2 resets                     the modem is told that the peer of its link 2 reset the connection
 *   refuse 10.0.2.2:5000 after=3s     who is dialled there refuses, three seconds later
 */
#ifndef HOST_MISHAP_H
#define HOST_MISHAP_H

#include "cipmux.h"
#include "words.h"

typedef struct board board_t;

typedef enum { MISHAP_NONE, MISHAP_REFUSE, MISHAP_RESET, MISHAP_SILENT, MISHAP_LATE } mishap_kind_t;

enum { MISHAP_PLACES = 16 };

/* What a dial meets. */
typedef struct {
    mishap_kind_t    kind;
    cipmux_address_t at; /* the modem's view; port 0: every port, family 0: every host */
    uint64_t         after_us;
    bool             once; /* the next dial only */
} mishap_t;

typedef struct {
    mishap_t place[MISHAP_PLACES];
    size_t   places;
} mishaps_t;

/* A dial to this address: what it meets. MISHAP_NONE: nothing. */
mishap_t mishap_meet(mishaps_t *mishaps, const cipmux_address_t *to);

/* For the log: "refused", "no answer" ... */
const char *mishap_name(mishap_kind_t kind);

/* What the words change. */
typedef struct {
    mishaps_t *places;
    board_t   *board; /* whose links; NULL: it has none yet */
} mishap_words_t;

/* link, refuse, reset, silent, late, works; their context is a mishap_words_t. */
enum { MISHAP_VERBS = 6 };
extern const words_verb_t mishap_verbs[MISHAP_VERBS];

#endif
