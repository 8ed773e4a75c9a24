/* All that words can be about in the program: the air and simulated hosts, which all modems share, and the pins, the faults
 * of the serial line and the mishaps of the network, which each modem has of its own. */
#ifndef HOST_SCENE_H
#define HOST_SCENE_H

#include "faults.h"
#include "gpio.h"
#include "hosts.h"
#include "mishap.h"
#include "radio.h"
#include "words.h"

/* What a line of words changes; the caller's. */
typedef struct {
    radio_t       *air;
    hosts_t       *hosts;
    gpio_t        *pins;
    faults_t      *faults; /* NULL: there are none, and can be none any more */
    mishap_words_t mishaps;
} scene_t;

/* Says a line that is split already, what a fault will say later included. False: words->error, nothing has changed. */
bool scene_say(const scene_t *scene, words_t *words);
/* Is this verb about one modem, and not about what all share? */
bool scene_is_of_a_modem(const char *verb);
/* Is it about what a simulated world has too? Not the modem's links and its serial line. */
bool scene_is_of_the_world(const char *verb);
/* What the verb takes, for who got it wrong. */
const char *scene_form(const char *verb);

/* The tables of verbs, for the help. */
typedef struct {
    const char         *title;
    const words_verb_t *verbs;
    size_t              n;
    bool                of_a_modem;
} scene_table_t;
enum { SCENE_TABLES = 5 };
extern const scene_table_t scene_tables[SCENE_TABLES];

#endif
