/* Holds the transcripts to account: changes one thing in the engine's tables - each byte of each text, each number, each
 * effect and each next state of the link, sender, slot and receiver tables, each quirk, each difference of a dialect - and plays the transcripts until one
 * fails. A change that none notices is printed; those that cannot be noticed are named in exceptions.txt, one id and the
 * reason a line.
 *
 *   mutate FOLDER EXCEPTIONS
 *
 * The engine is compiled with tables that can be written (CIPMUX_TABLE). */
#include "folder.h"
#include "names.h"
#include "player.h"

#include <stdio.h>
#include <string.h>

enum { EXCEPTION_MAX = 400 };

static folder_t    all;
static player_t   *player;
static const char *only; /* a dialect's name, or NULL: only what it plays can notice */
static char        exceptions[EXCEPTION_MAX][400];
static bool        exception_used[EXCEPTION_MAX];
static size_t      exception_count;
static size_t      changes, noticed, excepted, missed;

/* ---- loading ---- */

static void load_exceptions(const char *path)
{
    char        line[400];
    FILE *const file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && exception_count < EXCEPTION_MAX) {
        if (line[0] == '#' || line[0] == '\n') continue;
        line[strcspn(line, " \t\n")] = '\0';
        strcpy(exceptions[exception_count++], line);
    }
    if (file != NULL) fclose(file);
}

/* ---- playing ---- */

static bool in_family(const char *dialect, int family)
{
    if (only != NULL) return strcmp(dialect, only) == 0;
    return family < 0 || (strncmp(dialect, "esp-at", 6) == 0) == (family == FAMILY_ESP_AT);
}

/* Whether some transcript of that family (-1: any) fails now. The one that did moves to the front: it will again. */
static bool some_fails(int family, const char *quirk, unsigned value)
{
    static play_report_t report;
    for (size_t i = 0; i < all.count; i++) {
        transcript_t *const t = all.transcript[i];
        for (size_t d = 0; d < t->dialects.n; d++) {
            const play_options_t options = { .dialect = t->dialects.word[d], .quirk = quirk, .value = value };
            if (!in_family(t->dialects.word[d], family) || play(player, t, &options, &report)) continue;
            memmove(all.transcript + 1, all.transcript, i * sizeof all.transcript[0]);
            all.transcript[0] = t;
            return true;
        }
    }
    return false;
}

static void judge(const char *id, int family, const char *quirk, unsigned value)
{
    changes++;
    if (some_fails(family, quirk, value)) {
        noticed++;
        return;
    }
    for (size_t i = 0; i < exception_count; i++) {
        if (strcmp(exceptions[i], id) != 0) continue;
        exception_used[i] = true;
        excepted++;
        return;
    }
    missed++;
    printf("unnoticed: %s\n", id);
}

/* ---- what is changed ---- */

/* Each byte of the text at `place`. */
static void change_text(const char **place, const char *name, int family)
{
    const char *const original = *place;
    char              copy[1024], id[120];
    if (original == NULL || strlen(original) >= sizeof copy) return;
    for (size_t at = 0; original[at] != '\0'; at++) {
        if (original[at] == '%') {
            at++; /* a directive is no text */
            continue;
        }
        strcpy(copy, original);
        copy[at] = (char)(copy[at] ^ (copy[at] == '$' ? 2 : 1)); /* never a new % */
        *place = copy;
        snprintf(id, sizeof id, "%s.%zu", name, at);
        judge(id, family, NULL, 0);
    }
    *place = original;
}

static void change_texts(void)
{
    for (size_t t = 0; t < TEXT_COUNT; t++)
        for (int f = 0; f < FAMILY_COUNT; f++) {
            char name[100];
            snprintf(name, sizeof name, "text.%s.%s", text_names[t], family_names[f]);
            change_text(&texts[t][f], name, f);
        }
}

/* What a dialect has other than its family's column: its text or value changed, and the difference forgotten. */
static void change_differences(void)
{
    for (size_t i = 0; i < difference_count; i++) {
        difference_t *const d = &differences[i];
        const difference_t  original = *d;
        char                name[100];
        if (!difference_is_there(d)) continue;
        only = dialects[d->dialect].name;
        difference_name(d, name, sizeof name);
        if (d->kind == DIFFERS_TEXT) change_text(&d->text, name, -1);
        if (d->kind == DIFFERS_NUMBER) {
            d->value++;
            judge(name, -1, NULL, 0);
        }
        *d = original;
        d->dialect = DIALECT_COUNT;
        strcat(name, ".without");
        judge(name, -1, NULL, 0);
        *d = original;
    }
    only = NULL;
}

static void change_numbers(void)
{
    for (size_t n = 0; n < NUMBER_COUNT; n++)
        for (int f = 0; f < FAMILY_COUNT; f++) {
            const int32_t original = numbers[n][f];
            char          id[100];
            numbers[n][f] = original == INT32_MAX ? original - 1 : original + 1;
            snprintf(id, sizeof id, "number.%s.%s", number_names[n], family_names[f]);
            judge(id, f, NULL, 0);
            numbers[n][f] = original;
        }
}

/* A request is a flag that is fetched later: its place among the effects leaves no trace. */
static bool link_request(uint8_t effect)
{
    return effect == ASK_DIAL || effect == ASK_HANG_UP || effect == ASK_RETURN;
}

static bool sender_request(uint8_t effect)
{
    return effect == SENDER_ASK_NAME || effect == SENDER_ASK_WATCH;
}

typedef struct {
    const char *id;
    int         family;
    unsigned    states;
    bool (*is_request)(uint8_t effect);
} cell_kind_t;

/* Each effect left out, each two neighbours exchanged unless one is a request, another next state. */
static void change_cell(const cell_kind_t *kind, uint8_t *next, uint8_t effects[EFFECT_MAX])
{
    char          name[200];
    const uint8_t state = *next;
    for (size_t i = 0; i < EFFECT_MAX && effects[i] != 0; i++) {
        const uint8_t effect = effects[i];
        effects[i] = 0;
        snprintf(name, sizeof name, "%s.without-%zu", kind->id, i + 1);
        judge(name, kind->family, NULL, 0);
        effects[i] = effect;
        if (i + 1 == EFFECT_MAX || effects[i + 1] == 0) continue;
        if (kind->is_request(effect) || kind->is_request(effects[i + 1])) continue;
        effects[i] = effects[i + 1];
        effects[i + 1] = effect;
        snprintf(name, sizeof name, "%s.swap-%zu", kind->id, i + 1);
        judge(name, kind->family, NULL, 0);
        effects[i + 1] = effects[i];
        effects[i] = effect;
    }
    *next = (uint8_t)((state + 1u) % kind->states);
    snprintf(name, sizeof name, "%s.next", kind->id);
    judge(name, kind->family, NULL, 0);
    *next = state;
}

static void change_links(void)
{
    char id[100];
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
        for (unsigned e = 0; e < LINK_EVENT_COUNT; e++) {
            link_cell_t *const cell = &link_cells[s][e];
            if (!cell->legal) continue;
            snprintf(id, sizeof id, "link.%s.%s", link_state_names[s], link_event_names[e]);
            change_cell(&(cell_kind_t){ id, -1, LINK_STATE_COUNT, link_request }, &cell->next, cell->effects);
        }
    for (size_t p = 0; p < link_patch_count; p++) {
        link_patch_t *const patch = &link_patches[p];
        snprintf(id, sizeof id, "link-patch.%s.%s", link_state_names[patch->state], link_event_names[patch->event]);
        change_cell(&(cell_kind_t){ id, patch->family, LINK_STATE_COUNT, link_request }, &patch->cell.next,
                    patch->cell.effects);
    }
}

static void change_sender(void)
{
    char id[100];
    for (unsigned s = 0; s < SENDER_STATE_COUNT; s++)
        for (unsigned e = 0; e < SEND_EVENT_COUNT; e++) {
            sender_cell_t *const cell = &sender_cells[s][e];
            if (!cell->legal) continue;
            snprintf(id, sizeof id, "sender.%s.%s", sender_state_names[s], sender_event_names[e]);
            change_cell(&(cell_kind_t){ id, -1, SENDER_STATE_COUNT, sender_request }, &cell->next, cell->effects);
        }
    for (size_t p = 0; p < sender_patch_count; p++) {
        sender_patch_t *const patch = &sender_patches[p];
        snprintf(id, sizeof id, "sender-patch.%s.%s", sender_state_names[patch->state],
                 sender_event_names[patch->event]);
        change_cell(&(cell_kind_t){ id, patch->family, SENDER_STATE_COUNT, sender_request }, &patch->cell.next,
                    patch->cell.effects);
    }
}

static void change_slots_and_receiver(void)
{
    char id[100];
    for (unsigned w = 0; w < WAIT_COUNT; w++)
        for (unsigned o = 0; o < OUTCOME_COUNT; o++) {
            slot_cell_t *const cell = &slot_cells[w][o];
            const uint8_t      verdict = cell->verdict;
            if (!cell->legal) continue;
            cell->verdict = verdict == VERDICT_OK ? VERDICT_ERROR : VERDICT_OK;
            snprintf(id, sizeof id, "slot.%s.%s", wait_names[w], outcome_names[o]);
            judge(id, -1, NULL, 0);
            cell->verdict = verdict;
        }
    for (int f = 0; f < FAMILY_COUNT; f++)
        for (unsigned r = 0; r < RECEIVER_COUNT; r++)
            for (unsigned e = 0; e < RECEIVE_EVENT_COUNT; e++) {
                uint8_t *const cell = &receive_cells[f][r][e];
                const uint8_t  original = *cell;
                *cell = original == RECEIVE_NOTICE        ? RECEIVE_NOTICE_ONCE
                        : original == RECEIVE_NOTICE_ONCE ? RECEIVE_NOTICE
                                                          : RECEIVE_HOLD;
                if (original == RECEIVE_HOLD) *cell = RECEIVE_FRAME;
                if (e == RECEIVE_READ) *cell = original == RECEIVE_NOTHING ? RECEIVE_NOTICE : RECEIVE_NOTHING;
                snprintf(id, sizeof id, "receiver.%s.%s.%s", family_names[f], receiver_names[r],
                         receive_event_names[e]);
                judge(id, f, NULL, 0);
                *cell = original;
            }
}

static void change_quirk(const char *id, int family, unsigned value, unsigned max)
{
    char           name[100];
    const unsigned other = value == max ? 0 : value + 1;
    snprintf(name, sizeof name, "quirk.%s.%s", id, family_names[family]);
    judge(name, family, id, other);
}

static void change_quirks(void)
{
#define X(name, id, nonos, esp_at, max, rows, values)                                                                  \
    change_quirk(id, FAMILY_NONOS, nonos, max);                                                                        \
    change_quirk(id, FAMILY_ESP_AT, esp_at, max);
    CIPMUX_QUIRKS(X)
#undef X
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: mutate FOLDER EXCEPTIONS\n");
        return 2;
    }
    folder_load(&all, argv[1]);
    load_exceptions(argv[2]);
    player = player_new();
    if (some_fails(-1, NULL, 0)) {
        printf("a transcript fails already, without any change: %s\n0 passed, 1 failed\n", all.transcript[0]->path);
        return 1;
    }
    change_texts();
    change_numbers();
    change_links();
    change_sender();
    change_slots_and_receiver();
    change_quirks();
    change_differences();
    for (size_t i = 0; i < exception_count; i++) {
        if (exception_used[i]) continue;
        printf("an exception that is none: %s\n", exceptions[i]);
        missed++;
    }
    printf("%zu of %zu changes of the tables are noticed by %zu transcripts, %zu are exceptions\n", noticed, changes,
           all.count, excepted);
    printf("%zu passed, %zu failed\n", noticed + excepted, missed);
    return missed > 0;
}
