/* The words of faults: see faults.h. */
#include "faults.h"

#include <string.h>

static const char lanes[] = "typed or printed";

/* ---- Bytes ---------------------------------------------------------------------------------------------------------- */

static faults_change_t *free_change(faults_queue_t *lane, words_t *words)
{
    for (size_t i = 0; i < FAULTS_CHANGES; i++)
        if (lane->change[i].kind == FAULTS_NOTHING) return &lane->change[i];
    words_fail(words, 1, "there are %d such faults already", (int)FAULTS_CHANGES);
    return NULL;
}

static bool read_count(words_t *words, faults_change_t *change)
{
    const words_arg_t *arg = words_plain(words, 2, "a number of bytes");
    long               n = 0;
    if (arg == NULL || !words_number(words, arg, 1, 1000000, &n)) return false;
    change->count = (uint32_t)n;
    return true;
}

static bool read_kind(words_t *words, faults_change_t *change)
{
    static const char  choice[] = "loses, flips, adds or waits";
    long               bit = -1;
    const words_arg_t *what = words_plain(words, 1, choice), *arg;
    if (what == NULL) return false;
    if (words_is(what, "loses")) {
        change->kind = FAULTS_LOSES;
        return read_count(words, change);
    }
    if (words_is(what, "flips")) {
        change->kind = FAULTS_FLIPS;
        if (!read_count(words, change) || !words_key_number(words, "bit", 0, 7, &bit)) return false;
        change->bit = (int)bit;
        return true;
    }
    if (words_is(what, "waits")) {
        change->kind = FAULTS_WAITS;
        arg = words_plain(words, 2, "a time such as 20ms");
        return arg != NULL && words_time(words, arg, &change->us);
    }
    if (!words_is(what, "adds")) return words_expected(words, what, choice);
    change->kind = FAULTS_ADDS;
    arg = words_plain(words, 2, "a text");
    if (arg == NULL) return false;
    if (arg->length == 0 || arg->length > FAULTS_INSERT)
        return words_fail(words, arg->column, "expected 1 to %d bytes", (int)FAULTS_INSERT);
    memcpy(change->text, arg->text, arg->length);
    change->length = arg->length;
    return true;
}

static bool say_change(faults_t *faults, faults_lane_t at, words_t *words)
{
    faults_queue_t *lane = &faults->lane[at];
    faults_change_t change = { .bit = -1 };
    long            after = 0, every = 0, within = 0;
    if (!read_kind(words, &change) || !words_key_number(words, "after", 0, 1000000000, &after) ||
        !words_key_number(words, "every", 1, 1000000000, &every) ||
        !words_key_number(words, "within", 1, 1000000000, &within) || !words_complete(words))
        return false;
    faults->used = true;
    if (within > 0) after += (long)faults_roll(faults, (uint32_t)within);
    if (change.kind == FAULTS_ADDS && after == 0 && every == 0) {
        faults_add(faults, at, change.text, change.length);
        return true;
    }
    change.every = (uint32_t)every;
    change.after = (uint32_t)after;
    faults_change_t *place = free_change(lane, words);
    if (place == NULL) return false;
    if (every > 0) change.after += faults_next_byte(faults, &change);
    *place = change;
    return true;
}

static bool say_typed(void *context, words_t *words)
{
    return say_change(context, FAULTS_TYPED, words);
}

static bool say_printed(void *context, words_t *words)
{
    return say_change(context, FAULTS_PRINTED, words);
}

/* ---- Rules ---------------------------------------------------------------------------------------------------------- */

/* Only behind `on`: it is the text that was found. */
static bool check_match(words_t *words)
{
    static const char  choice[] = "lost, twice, late=TIME or becomes=TEXT";
    const words_arg_t *late = words_key(words, "late"), *becomes = words_key(words, "becomes");
    uint64_t           us;
    if (late != NULL) return words_time(words, late, &us);
    if (becomes != NULL)
        return becomes->length <= FAULTS_INSERT ||
               words_fail(words, becomes->column, "expected at most %d bytes", (int)FAULTS_INSERT);
    const words_arg_t *what = words_plain(words, 1, choice);
    return what != NULL && (words_is(what, "lost") || words_is(what, "twice") || words_expected(words, what, choice));
}

static bool say_match(void *context, words_t *words)
{
    (void)context;
    return words_fail(words, words->arg[0].column, "match changes a text that was found: it stands behind \"on\"");
}

/* The words from argument `from` on are kept for later. */
static bool keep(words_t *words, faults_rule_t *rule, size_t from)
{
    if (from >= words->count) return words_fail(words, 1, "expected what happens then");
    const char *rest = words->line + words->arg[from].column - 1;
    if (words->arg[from].key[0] != '\0' || words->arg[from].quoted)
        return words_fail(words, words->arg[from].column, "expected what happens then: a verb or a name");
    if (strlen(rest) >= FAULTS_WORDS)
        return words_fail(words, words->arg[from].column, "expected at most %d bytes", (int)FAULTS_WORDS - 1);
    strcpy(rule->words, rest);
    rule->words[strcspn(rule->words, "\r\n")] = '\0';
    for (size_t i = from; i < words->count; i++)
        words->arg[i].used = true;
    return true;
}

static bool add_rule(faults_t *faults, words_t *words, const faults_rule_t *rule)
{
    if (!words_complete(words)) return false;
    if (faults->rules == FAULTS_RULES) return words_fail(words, 1, "there are %d rules already", (int)FAULTS_RULES);
    faults->rule[faults->rules++] = *rule;
    faults->used = true;
    return true;
}

/* nth=, each and after= in front of the words; returns the place of the first of these. */
static size_t read_which(words_t *words, faults_rule_t *rule)
{
    size_t i = 3;
    long   n;
    for (; i < words->count; i++) {
        words_arg_t *arg = &words->arg[i];
        const bool   nth = strcmp(arg->key, "nth") == 0;
        if (arg->key[0] == '\0' && words_is(arg, "each")) {
            rule->each = true;
        } else if (nth || strcmp(arg->key, "after") == 0) {
            if (!words_number(words, arg, nth, 1000000000, &n)) return i;
            *(nth ? &rule->skip : &rule->after) = (uint32_t)(nth ? n - 1 : n);
        } else {
            break;
        }
        arg->used = true;
    }
    return i;
}

/* `match` is split and checked as the line that it will be. */
static bool take_match(words_t *words, faults_rule_t *rule, unsigned column)
{
    words_t match;
    if (strncmp(rule->words, "match", 5) != 0 || (rule->words[5] != ' ' && rule->words[5] != '\0')) return true;
    rule->changes = true;
    if (rule->after > 0) return words_fail(words, column, "match changes the text itself: after= is not for it");
    match.now_us = words->now_us;
    if (words_parse(&match, rule->words)) {
        match.arg[0].used = true;
        if (check_match(&match) && words_complete(&match)) return true;
    }
    return words_fail(words, column, "in these words, %s", match.error);
}

static bool say_on(void *context, words_t *words)
{
    faults_rule_t      rule = { 0 };
    const words_arg_t *lane = words_plain(words, 1, lanes), *text = NULL;
    if (lane == NULL) return false;
    if (!words_is(lane, "typed") && !words_is(lane, "printed")) return words_expected(words, lane, lanes);
    rule.lane = words_is(lane, "typed") ? FAULTS_TYPED : FAULTS_PRINTED;
    text = words_plain(words, 2, "a text");
    if (text == NULL) return false;
    if (text->length == 0 || text->length > FAULTS_TEXT)
        return words_fail(words, text->column, "expected 1 to %d bytes", (int)FAULTS_TEXT);
    memcpy(rule.text, text->text, text->length);
    rule.length = text->length;
    const size_t from = read_which(words, &rule);
    return words->error[0] == '\0' && keep(words, &rule, from) && take_match(words, &rule, words->arg[from].column) &&
           add_rule(context, words, &rule);
}

/* The time, and what is said then. */
static bool read_timed(words_t *words, faults_rule_t *rule, uint64_t *us)
{
    const words_arg_t *time = words_plain(words, 1, "a time such as 20ms");
    if (time == NULL || !words_time(words, time, us)) return false;
    if (*us < 1000) return words_expected(words, time, "a time of 1ms or more");
    return keep(words, rule, 2);
}

static bool say_every(void *context, words_t *words)
{
    faults_t     *faults = context;
    faults_rule_t rule = { 0 };
    if (!read_timed(words, &rule, &rule.mean_us)) return false;
    rule.due_us = faults_next_time(faults, words->now_us, rule.mean_us);
    return add_rule(faults, words, &rule);
}

static bool say_in(void *context, words_t *words)
{
    faults_rule_t rule = { 0 };
    uint64_t      us = 0;
    if (!read_timed(words, &rule, &us)) return false;
    rule.due_us = words->now_us + us;
    return add_rule(context, words, &rule);
}

const char *faults_words(const faults_t *faults, const words_t *said, unsigned *column)
{
    static const char *const verbs[] = { "on", "every", "in" };
    bool                     is_rule = false;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        is_rule |= said->count > 0 && words_is(&said->arg[0], verbs[i]);
    if (faults->rules == 0 || !is_rule) return NULL;
    const faults_rule_t *rule = &faults->rule[faults->rules - 1];
    if (rule->changes) return NULL;
    *column = (unsigned)(strlen(said->line) - strlen(rule->words)) + 1;
    return rule->words;
}

void faults_take_back(faults_t *faults)
{
    if (faults->rules > 0) faults->rules--;
}

const words_verb_t faults_verbs[FAULTS_VERBS] = {
    { "on", say_on, "on typed|printed TEXT [nth=N] [each] [after=BYTES] WORDS",
      "says these words when TEXT passes there (each: every time), and so many bytes behind it" },
    { "every", say_every, "every TIME WORDS", "says these words again and again, at times that are random" },
    { "in", say_in, "in TIME WORDS", "says these words once, so much later; also behind `on`" },
    { "match", say_match, "match lost|twice|late=TIME|becomes=TEXT", "behind `on`: what happens to the text itself" },
    { "typed", say_typed,
      "typed loses N|flips N [bit=0-7]|adds TEXT|waits TIME [after=BYTES] [within=BYTES] [every=BYTES]",
      "what happens to the bytes that the modem is sent, so many further on, or at a random one of so many" },
    { "printed", say_printed,
      "printed loses N|flips N [bit=0-7]|adds TEXT|waits TIME [after=BYTES] [within=BYTES] [every=BYTES]",
      "what happens to the bytes that it sends" },
};
