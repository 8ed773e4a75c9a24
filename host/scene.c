/* Which verb is about what: see scene.h. */
#include "scene.h"

#include "hosts_words.h"
#include "radio_words.h"

enum { AIR, HOSTS, PINS, FAULTS, MISHAPS };

const scene_table_t scene_tables[SCENE_TABLES] = {
    [AIR] = { "The air", radio_verbs, RADIO_VERBS, false },
    [HOSTS] = { "Hosts that are simulated in place of real ones", hosts_verbs, HOSTS_VERBS, false },
    [PINS] = { "The module's pins", gpio_verbs, GPIO_VERBS, true },
    [FAULTS] = { "Faults of the serial line", faults_verbs, FAULTS_VERBS, true },
    [MISHAPS] = { "Mishaps of the network, where the other side is real", mishap_verbs, MISHAP_VERBS, true },
};

static const scene_table_t *table_of(const char *verb)
{
    for (size_t i = 0; i < SCENE_TABLES; i++)
        if (words_verb(scene_tables[i].verbs, scene_tables[i].n, verb)) return &scene_tables[i];
    return NULL;
}

static void *context_of(const scene_t *scene, const scene_table_t *table)
{
    void *const contexts[] = { [AIR] = scene->air,
                               [HOSTS] = scene->hosts,
                               [PINS] = scene->pins,
                               [FAULTS] = scene->faults,
                               [MISHAPS] = (void *)&scene->mishaps };
    return contexts[table - scene_tables];
}

static const char *verb_of(const words_t *words)
{
    return words->count > 0 && words->arg[0].key[0] == '\0' ? (const char *)words->arg[0].text : "";
}

bool scene_is_of_a_modem(const char *verb)
{
    const scene_table_t *table = table_of(verb);
    return table && table->of_a_modem;
}

bool scene_is_of_the_world(const char *verb)
{
    const scene_table_t *table = table_of(verb);
    return table && table != &scene_tables[FAULTS] && table != &scene_tables[MISHAPS];
}

const char *scene_form(const char *verb)
{
    const scene_table_t *table = table_of(verb);
    return table ? words_verb(table->verbs, table->n, verb)->form : "cipmux help world lists the verbs";
}

/* Would these words be right now, as far as that can be known? */
static bool would_be_right(const scene_t *scene, words_t *words)
{
    static radio_t   air; /* a draft; too large for the stack */
    static hosts_t   hosts;
    static gpio_t    pins;
    static faults_t  faults;
    static mishaps_t mishaps;
    const scene_t    draft = { &air, &hosts, &pins, &faults, { .places = &mishaps } };
    air = *scene->air;
    hosts = *scene->hosts;
    pins = *scene->pins;
    faults = *scene->faults;
    mishaps = *scene->mishaps.places;
    const scene_table_t *table = table_of(verb_of(words));
    if (!table) table = &scene_tables[AIR]; /* for its error */
    return words_run(table->verbs, table->n, context_of(&draft, table), words);
}

/* The rule that was said has words for later: are they right? */
static bool check_rule(const scene_t *scene, words_t *words)
{
    static words_t later;
    unsigned       column;
    const char    *line = faults_words(scene->faults, words, &column);
    if (!line) return true;
    later.now_us = words->now_us;
    later.draft = true;
    if (words_parse(&later, line) && would_be_right(scene, &later)) return true;
    faults_take_back(scene->faults);
    return words_fail(words, column, "in these words, %s", later.error);
}

bool scene_say(const scene_t *scene, words_t *words)
{
    const scene_table_t *table = table_of(verb_of(words));
    if (!table) table = &scene_tables[AIR]; /* for its error */
    if (table == &scene_tables[FAULTS] && !scene->faults)
        return words_fail(words, 1, "faults of the serial line want --fault or a word of them in the world file");
    if (!words_run(table->verbs, table->n, context_of(scene, table), words)) return false;
    return table != &scene_tables[FAULTS] || check_rule(scene, words);
}
