/* Puts bugs into the engine's tables, one at a time, and plays seeds until one fails:
 *
 *   judge_tables SEEDS [NAME ...]     these changes, or without a name all: each effect of the link and sender tables left out,
 *                                     another next state, the slot's verdicts exchanged
 *
 * Prints a line each: its name, the seed that found it, the rule. The engine is compiled with tables that can be written. */
#include "names.h"
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static int      wanted;
static char   **wanted_name;
static uint64_t seeds;
static unsigned found, missed;

static bool is_wanted(const char *name)
{
    for (int i = 0; i < wanted; i++)
        if (strcmp(wanted_name[i], name) == 0) return true;
    return wanted == 0;
}

static void judge(const char *name)
{
    static plan_t plan;
    if (!is_wanted(name)) return;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        plan_make(&plan, seed);
        if (sim_run(&plan)) continue;
        printf("table %s | %llu | %s\n", name, (unsigned long long)seed, failed_rule);
        found++;
        return;
    }
    printf("table %s | not found | -\n", name);
    missed++;
}

static void change_cell(const char *id, uint8_t *next, uint8_t effects[EFFECT_MAX], unsigned states)
{
    char          name[120];
    const uint8_t state = *next;
    for (size_t i = 0; i < EFFECT_MAX && effects[i] != 0; i++) {
        const uint8_t effect = effects[i];
        effects[i] = 0;
        snprintf(name, sizeof name, "%s.without-%zu", id, i + 1);
        judge(name);
        effects[i] = effect;
    }
    *next = (uint8_t)((state + 1u) % states);
    snprintf(name, sizeof name, "%s.next", id);
    judge(name);
    *next = state;
}

static void change_links(void)
{
    char id[100];
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
        for (unsigned e = 0; e < LINK_EVENT_COUNT; e++) {
            link_cell_t *cell = &link_cells[s][e];
            snprintf(id, sizeof id, "link.%s.%s", link_state_names[s], link_event_names[e]);
            if (cell->legal) change_cell(id, &cell->next, cell->effects, LINK_STATE_COUNT);
        }
}

static void change_sender(void)
{
    char id[100];
    for (unsigned s = 0; s < SENDER_STATE_COUNT; s++)
        for (unsigned e = 0; e < SEND_EVENT_COUNT; e++) {
            sender_cell_t *cell = &sender_cells[s][e];
            snprintf(id, sizeof id, "sender.%s.%s", sender_state_names[s], sender_event_names[e]);
            if (cell->legal) change_cell(id, &cell->next, cell->effects, SENDER_STATE_COUNT);
        }
}

static void change_slots(void)
{
    char id[100];
    for (unsigned w = 0; w < WAIT_COUNT; w++)
        for (unsigned o = 0; o < OUTCOME_COUNT; o++) {
            slot_cell_t  *cell = &slot_cells[w][o];
            const uint8_t verdict = cell->verdict;
            if (!cell->legal) continue;
            snprintf(id, sizeof id, "slot.%s.%s", wait_names[w], outcome_names[o]);
            cell->verdict = verdict == VERDICT_DONE ? VERDICT_OK : VERDICT_DONE;
            judge(id);
            cell->verdict = verdict;
        }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: judge_tables SEEDS [NAME ...]\n");
        return 2;
    }
    seeds = strtoull(argv[1], NULL, 10);
    wanted = argc - 2;
    wanted_name = argv + 2;
    change_links();
    change_sender();
    change_slots();
    printf("%u passed, %u failed\n", found, missed);
    return missed > 0;
}
