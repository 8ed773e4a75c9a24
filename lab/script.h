/* What happens on the bench, as words: the lines of the world file in their order.
 *
 *   ap ssid="lab" password="password"
 *   adc 0 512                       the lines up to the first pause are said before power-on
 *   at 2s pin D7 low                waits until that time of the bench, then says the words
 *   wait 500ms                      a pause
 *   press reset                     the microcontroller's button
 *   within 5s one connected         says the words until they are true
 *   end                             the run is over, and good
 *
 * `one connected` and the like are words about a simulated network (--net=simulated). */
#ifndef LAB_SCRIPT_H
#define LAB_SCRIPT_H

#include "hosts.h"
#include "net.h"
#include "pins.h"
#include "radio.h"
#include "words.h"

#include "cipmux.h"

enum { SCRIPT_LINES = 256, SCRIPT_ERROR_MAX = 300, SCRIPT_VERBS = 4 };

typedef struct {
    mcu_t          *mcu;
    radio_t        *air;
    hosts_t        *hosts;
    net_t          *net; /* NULL: the network is real, and no words speak of it */
    const cipmux_t *modem;

    struct {
        char    *text;
        unsigned number; /* in the file */
    } line[SCRIPT_LINES];
    size_t   count, next;
    uint64_t due_us;    /* of the next line; CIPMUX_NEVER: there is none */
    uint64_t limit_us;  /* of a `within` that is under way, 0: none */
    bool     timed;     /* the line's `at` or `wait` is over */
    bool     over;      /* `end` was said */
    unsigned file_line; /* while it is read */
    words_t  words;
    char     error[SCRIPT_ERROR_MAX]; /* with the line's number */
} script_t;

extern const words_verb_t script_verbs[SCRIPT_VERBS]; /* context a script_t */

/* One line of the file, split already. Said now, or kept. */
bool script_read(script_t *script, words_t *words, const char *line);
/* Says what is due. False: words that are wrong, or a check that failed: script->error. */
bool script_step(script_t *script, uint64_t now_us);
void script_close(script_t *script);

#endif
