/* Faults on the serial line: see faults.h. */
#include "faults.h"

#include <stdio.h>
#include <string.h>

/* What one byte may add to a lane, texts that were late included. */
enum { FAULTS_SPARE = (FAULTS_LATE + 2) * FAULTS_INSERT };

static const char *const lane_names[] = { [FAULTS_TYPED] = "typed", [FAULTS_PRINTED] = "printed" };

void faults_init(faults_t *faults, uint64_t seed)
{
    memset(faults, 0, sizeof *faults);
    faults->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

bool faults_used(const faults_t *faults)
{
    return faults->used;
}

uint32_t faults_roll(faults_t *faults, uint32_t sides)
{
    faults->random ^= faults->random << 13;
    faults->random ^= faults->random >> 7;
    faults->random ^= faults->random << 17;
    return (uint32_t)((faults->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % sides);
}

uint64_t faults_next_time(faults_t *faults, uint64_t now, uint64_t mean)
{
    return now + 1 + mean * faults_roll(faults, 2000) / 1000;
}

uint32_t faults_next_byte(faults_t *faults, const faults_change_t *change)
{
    return change->every == 0 ? change->after : faults_roll(faults, 2 * change->every);
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

static char *next_message(faults_t *faults)
{
    if (faults->told == faults->messages) faults->told = faults->messages = 0;
    if (faults->messages < FAULTS_MESSAGES) return faults->message[faults->messages++];
    return NULL;
}

static void tell(faults_t *faults, const char *lane, const char *what, uint32_t count, uint64_t first)
{
    char *message = next_message(faults);
    if (message == NULL) {
        snprintf(faults->message[FAULTS_MESSAGES - 1], sizeof faults->message[0], "and more");
    } else if (count > 0) {
        snprintf(message, sizeof faults->message[0], "%s: %lu %s %s, from byte %llu on", lane, (unsigned long)count,
                 count == 1 ? "byte" : "bytes", what, (unsigned long long)first);
    } else {
        snprintf(message, sizeof faults->message[0], "%s: %s, at byte %llu", lane, what, (unsigned long long)first);
    }
}

const char *faults_told(faults_t *faults)
{
    return faults->told < faults->messages ? faults->message[faults->told++] : NULL;
}

/* ---- Texts that are changed ---------------------------------------------------------------------------------------- */

static void append(faults_queue_t *lane, const uint8_t *bytes, size_t n)
{
    if (n > FAULTS_QUEUE - lane->end) n = FAULTS_QUEUE - lane->end;
    memcpy(lane->bytes + lane->end, bytes, n);
    lane->end += n;
}

/* What stands at the end of the lane is no begin of a text any more. */
static void forget_begins(faults_t *faults, faults_lane_t at)
{
    for (size_t i = 0; i < faults->rules; i++)
        if (faults->rule[i].changes && faults->rule[i].lane == at) faults->rule[i].progress = 0;
    faults->lane[at].held = 0;
}

void faults_add(faults_t *faults, faults_lane_t at, const uint8_t *bytes, size_t n)
{
    append(&faults->lane[at], bytes, n);
    forget_begins(faults, at);
    tell(faults, lane_names[at], "text added", 0, faults->lane[at].seen);
}

/* Takes the text out of the lane, to bring it later. False: there are too many already. */
static bool postpone(faults_t *faults, uint64_t due_us, faults_lane_t at, const faults_rule_t *rule)
{
    for (size_t i = 0; i < FAULTS_LATE; i++) {
        if (faults->late[i].length > 0) continue;
        faults->late[i].lane = (uint8_t)at;
        faults->late[i].length = rule->length;
        faults->late[i].due_us = due_us;
        memcpy(faults->late[i].bytes, rule->text, rule->length);
        return true;
    }
    return false;
}

/* `match`: the rule's words are "match ..." and were checked when they were said. */
static void change_text(faults_t *faults, uint64_t now_us, faults_lane_t at, faults_rule_t *rule)
{
    faults_queue_t    *lane = &faults->lane[at];
    words_t            words;
    const words_arg_t *what;
    uint64_t           us = 0;
    if (lane->end - lane->first < rule->length ||
        memcmp(lane->bytes + lane->end - rule->length, rule->text, rule->length) != 0) {
        tell(faults, lane_names[at], "a text to be changed had passed in part", 0, lane->seen);
        return;
    }
    words_parse(&words, rule->words);
    const char *said;
    if (words_is(&words.arg[1], "twice")) {
        append(lane, rule->text, rule->length);
        said = "a text twice";
    } else if ((what = words_key(&words, "late")) != NULL) {
        words_time(&words, what, &us);
        if (!postpone(faults, now_us + us, at, rule)) return;
        lane->end -= rule->length;
        said = "a text late";
    } else {
        lane->end -= rule->length;
        what = words_key(&words, "becomes");
        if (what != NULL) append(lane, what->text, what->length);
        said = what != NULL ? "a text changed" : "a text lost";
    }
    forget_begins(faults, at);
    tell(faults, lane_names[at], said, 0, lane->seen);
}

/* ---- Texts that are looked for -------------------------------------------------------------------------------------- */

/* How much of the text stands at the end when `byte` has followed what stood there. */
static size_t advance(const faults_rule_t *rule, uint8_t byte)
{
    size_t n = rule->progress;
    while (rule->text[n] != byte) {
        if (n == 0) return 0;
        size_t shorter = n - 1; /* the longest end of what stood there that is also a begin of the text */
        while (shorter > 0 && memcmp(rule->text, rule->text + n - shorter, shorter) != 0)
            shorter--;
        n = shorter;
    }
    return n + 1;
}

/* Nothing more is put in until all that is there has left, and the words were said. */
static void fire(faults_queue_t *lane, faults_rule_t *rule)
{
    rule->fired = lane->stopped = true;
}

static bool is_live(const faults_rule_t *rule)
{
    return rule->length > 0 && !rule->spent;
}

/* Has the byte made the text whole, and is it the one that is meant? */
static bool finds(faults_rule_t *rule, uint8_t byte)
{
    if (!is_live(rule)) return false;
    rule->progress = advance(rule, byte);
    if (rule->progress < rule->length) return false;
    rule->progress = 0;
    if (rule->skip > 0) {
        rule->skip--;
        return false;
    }
    rule->spent = !rule->each;
    return true;
}

static void look_for_texts(faults_t *faults, uint64_t now_us, faults_lane_t at, uint8_t byte)
{
    bool found[FAULTS_RULES] = { false };
    for (size_t i = 0; i < faults->rules; i++) {
        faults_rule_t *rule = &faults->rule[i];
        if (rule->lane != at || rule->length == 0) continue;
        if (rule->armed && --rule->left == 0) {
            rule->armed = false;
            fire(&faults->lane[at], rule);
        }
        found[i] = finds(rule, byte);
    }
    for (size_t i = 0; i < faults->rules; i++) {
        faults_rule_t *rule = &faults->rule[i];
        if (!found[i]) continue;
        if (rule->changes) {
            change_text(faults, now_us, at, rule);
        } else if (rule->after > 0) {
            rule->armed = true;
            rule->left = rule->after;
        } else {
            fire(&faults->lane[at], rule);
        }
    }
}

static size_t held(const faults_t *faults, faults_lane_t at)
{
    size_t most = 0;
    for (size_t i = 0; i < faults->rules; i++) {
        const faults_rule_t *rule = &faults->rule[i];
        if (rule->changes && rule->lane == at && is_live(rule) && rule->progress > most) most = rule->progress;
    }
    const faults_queue_t *lane = &faults->lane[at];
    return most < lane->end - lane->first ? most : lane->end - lane->first;
}

/* ---- Bytes ---------------------------------------------------------------------------------------------------------- */

static void end_change(faults_t *faults, faults_lane_t at, faults_change_t *change, const char *what)
{
    tell(faults, lane_names[at], what, change->done, change->first);
    change->done = 0;
    change->after = faults_next_byte(faults, change);
    if (change->every == 0) change->kind = FAULTS_NOTHING;
}

/* What one change does to a byte. False: it is lost. */
static bool apply(faults_t *faults, faults_lane_t at, faults_change_t *change, uint8_t *byte)
{
    static const char *const what[] = {
        [FAULTS_LOSES] = "lost", [FAULTS_FLIPS] = "flipped", [FAULTS_ADDS] = "text added", [FAULTS_WAITS] = "held back"
    };
    faults_queue_t *lane = &faults->lane[at];
    if (change->kind == FAULTS_NOTHING) return true;
    if (change->after > 0) {
        change->after--;
        return true;
    }
    const faults_kind_t kind = change->kind;
    if (change->done == 0) change->first = lane->seen;
    if (kind == FAULTS_ADDS) {
        append(lane, change->text, change->length);
        forget_begins(faults, at);
    }
    if (kind == FAULTS_FLIPS)
        *byte ^= (uint8_t)(1u << (change->bit < 0 ? faults_roll(faults, 8) : (uint32_t)change->bit));
    if (kind == FAULTS_WAITS) {
        lane->waits = true;
        lane->wait_at = lane->end;
        lane->wait_us = change->us;
        lane->until_us = 0;
    }
    const bool counts = kind == FAULTS_LOSES || kind == FAULTS_FLIPS;
    if (counts) change->done++;
    if (!counts || change->done == change->count) end_change(faults, at, change, what[kind]);
    return kind != FAULTS_LOSES;
}

static void put_byte(faults_t *faults, uint64_t now_us, faults_lane_t at, uint8_t byte)
{
    faults_queue_t *lane = &faults->lane[at];
    bool            stays = true;
    for (size_t i = 0; i < FAULTS_CHANGES; i++)
        stays = apply(faults, at, &lane->change[i], &byte) && stays;
    lane->seen++;
    if (!stays) return;
    append(lane, &byte, 1);
    look_for_texts(faults, now_us, at, byte);
}

size_t faults_room(const faults_t *faults, faults_lane_t at)
{
    const faults_queue_t *lane = &faults->lane[at];
    const size_t          room = FAULTS_QUEUE - (lane->end - lane->first);
    /* One at a time, because each may be one behind which something is to happen. */
    return !lane->stopped && !lane->waits && room > FAULTS_SPARE ? 1 : 0;
}

void faults_put(faults_t *faults, uint64_t now_us, faults_lane_t at, const void *bytes, size_t n)
{
    faults_queue_t *lane = &faults->lane[at];
    if (lane->first > 0) {
        memmove(lane->bytes, lane->bytes + lane->first, lane->end - lane->first);
        lane->end -= lane->first;
        lane->first = 0;
    }
    for (size_t i = 0; i < n; i++)
        put_byte(faults, now_us, at, ((const uint8_t *)bytes)[i]);
    lane->held = held(faults, at);
    lane->put_us = now_us;
}

void faults_quiet(faults_t *faults, uint64_t now_us, faults_lane_t at)
{
    faults_queue_t *lane = &faults->lane[at];
    if (lane->stopped || lane->waits) return;
    if (at == FAULTS_PRINTED) lane->held = 0;
    for (size_t i = 0; i < FAULTS_LATE; i++) {
        if (faults->late[i].length == 0 || faults->late[i].lane != at || faults->late[i].due_us > now_us) continue;
        append(lane, faults->late[i].bytes, faults->late[i].length);
        faults->late[i].length = 0;
    }
}

size_t faults_peek(faults_t *faults, uint64_t now_us, faults_lane_t at, const uint8_t **bytes)
{
    faults_queue_t *lane = &faults->lane[at];
    if (lane->waits && lane->first == lane->wait_at) {
        if (lane->until_us == 0) lane->until_us = now_us + lane->wait_us;
        lane->waits = lane->until_us > now_us;
    }
    if (lane->put_us + FAULTS_HOLD_US <= now_us) lane->held = 0;
    *bytes = lane->bytes + lane->first;
    return (lane->waits ? lane->wait_at : lane->end - lane->held) - lane->first;
}

void faults_taken(faults_t *faults, faults_lane_t at, size_t n)
{
    faults->lane[at].first += n;
}

bool faults_is_empty(const faults_t *faults, faults_lane_t at)
{
    return faults->lane[at].first == faults->lane[at].end;
}

/* ---- What is due ---------------------------------------------------------------------------------------------------- */

static const char *say(faults_t *faults, const faults_rule_t *rule)
{
    char  *message = next_message(faults);
    size_t n = strlen(rule->words);
    if (n >= sizeof faults->message[0]) n = sizeof faults->message[0] - 1;
    if (message != NULL) {
        memmove(message, rule->words, n);
        message[n] = '\0';
    }
    return rule->words;
}

const char *faults_due(faults_t *faults, uint64_t now_us)
{
    for (size_t i = 0; i < faults->rules; i++) {
        faults_rule_t  *rule = &faults->rule[i];
        faults_queue_t *lane = &faults->lane[rule->lane];
        if (rule->length == 0 && rule->due_us <= now_us) {
            rule->due_us = rule->mean_us > 0 ? faults_next_time(faults, now_us, rule->mean_us) : CIPMUX_NEVER;
            return say(faults, rule);
        }
        if (rule->fired && !lane->waits && lane->first == lane->end - lane->held) {
            rule->fired = lane->stopped = false;
            for (size_t k = i + 1; k < faults->rules; k++) /* the same byte may have fired another */
                lane->stopped |= faults->rule[k].fired && faults->rule[k].lane == rule->lane;
            return say(faults, rule);
        }
    }
    return NULL;
}

uint64_t faults_deadline(const faults_t *faults)
{
    uint64_t due_us = CIPMUX_NEVER;
    for (size_t i = 0; i < faults->rules; i++)
        if (faults->rule[i].length == 0 && faults->rule[i].due_us < due_us) due_us = faults->rule[i].due_us;
    for (size_t i = 0; i < FAULTS_LATE; i++)
        if (faults->late[i].length > 0 && faults->late[i].due_us < due_us) due_us = faults->late[i].due_us;
    for (size_t i = 0; i < FAULTS_LANES; i++) {
        const faults_queue_t *lane = &faults->lane[i];
        if (lane->held > 0 && lane->put_us + FAULTS_HOLD_US < due_us) due_us = lane->put_us + FAULTS_HOLD_US;
        if (lane->waits && lane->until_us > 0 && lane->until_us < due_us) due_us = lane->until_us;
    }
    return due_us;
}
