/* The lines of the world file. See script.h. */
#include "script.h"

#include "hosts_words.h"
#include "net_words.h"
#include "radio_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_US = 500, ADC_CHANNELS = 16, ADC_STEPS = 1023 }; /* how often `within` looks */

/* ---- Verbs ------------------------------------------------------------------------------------------------------- */

static bool say_adc(void *context, words_t *words)
{
    script_t          *script = context;
    const words_arg_t *channel = words_plain(words, 1, "a channel"), *value = words_plain(words, 2, "a value");
    long               number, steps, millivolts;
    if (!channel || !value || !words_number(words, channel, 0, ADC_CHANNELS - 1, &number)) return false;
    if (value->length > 2 && memcmp(value->text + value->length - 2, "mV", 2) == 0) {
        char *end;
        millivolts = strtol((const char *)value->text, &end, 10);
        if (end != (const char *)value->text + value->length - 2 || millivolts < 0 || millivolts > 20000)
            return words_expected(words, value, "millivolts such as 2500mV");
    } else {
        if (!words_number(words, value, 0, ADC_STEPS, &steps)) return false;
        millivolts = (steps * (long)script->mcu->avr->avcc + ADC_STEPS - 1) / ADC_STEPS;
    }
    pin_analogue(script->mcu, (unsigned)number, (uint32_t)millivolts);
    return true;
}

static bool say_pin(void *context, words_t *words)
{
    script_t          *script = context;
    const words_arg_t *name = words_plain(words, 1, "a pin"), *level = words_plain(words, 2, "high or low");
    pin_t              pin;
    if (!name || !level) return false;
    if (!pin_parse(script->mcu, (const char *)name->text, name->length, &pin))
        return words_expected(words, name, "a pin of this microcontroller, such as B5");
    if (!words_is(level, "high") && !words_is(level, "low")) return words_expected(words, level, "high or low");
    if (words_has(words, 3)) { /* a check: pin B5 high driven */
        const words_arg_t *driven = words_plain(words, 3, "driven");
        if (!words_is(driven, "driven")) return words_expected(words, driven, "driven");
        return pin_level(script->mcu, pin) == words_is(level, "high") ||
               words_fail(words, level->column, "it is %s", words_is(level, "high") ? "low" : "high");
    }
    pin_drive(script->mcu, pin, words_is(level, "high"));
    return true;
}

static bool say_press(void *context, words_t *words)
{
    script_t          *script = context;
    const words_arg_t *what = words_plain(words, 1, "reset");
    if (!what || !words_is(what, "reset")) return what && words_expected(words, what, "reset");
    mcu_reset(script->mcu);
    return true;
}

static bool say_end(void *context, words_t *words)
{
    (void)words;
    ((script_t *)context)->over = true;
    return true;
}

const words_verb_t script_verbs[SCRIPT_VERBS] = {
    { "adc", say_adc, "adc CHANNEL VALUE|MILLIVOLTSmV",
      "an analogue input, in steps of 1/1023 of AVCC, or in millivolts" },
    { "pin", say_pin, "pin B5 high|low [driven]",
      "sets a pin from outside, or checks what the microcontroller drives" },
    { "press", say_press, "press reset", "the microcontroller's reset button" },
    { "end", say_end, "end", "ends the run" },
};

/* ---- Saying ------------------------------------------------------------------------------------------------------ */

/* "one sends ...": words of a peer of the simulated network. */
static bool say_of_peer(script_t *script, words_t *words, bool *good)
{
    bool                two = script->net && words->count >= 2 && words->arg[1].key[0] == '\0';
    const words_verb_t *does = two ? words_verb(peer_verbs, PEER_VERBS, (const char *)words->arg[1].text) : NULL;
    net_words_t         said = { script->net, script->modem, NULL };
    if (!does) return false;
    said.peer = net_peer(script->net, (const char *)words->arg[0].text);
    if (!said.peer) return false;
    words->arg[0].used = words->arg[1].used = true;
    *good = does->run(&said, words) && words_complete(words);
    return true;
}

static bool say(script_t *script, words_t *words)
{
    net_words_t said = { script->net, script->modem, NULL };
    const char *name = (const char *)words->arg[0].text;
    bool        good = true;
    if (words->count == 0 || say_of_peer(script, words, &good)) return good;
    const struct {
        const words_verb_t *verbs;
        size_t              n;
        void               *context;
    } tables[] = {
        { script_verbs, SCRIPT_VERBS, script },
        { radio_verbs, RADIO_VERBS, script->air },
        { net_verbs, script->net ? NET_VERBS : 0, &said },
        { hosts_verbs, HOSTS_VERBS, script->hosts },
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (words_verb(tables[i].verbs, tables[i].n, name))
            return words_run(tables[i].verbs, tables[i].n, tables[i].context, words);
    return words_fail(words, words->arg[0].column, "\"%.40s\" is neither a verb nor a peer", name);
}

/* `at TIME`, `wait TIME` and `within TIME` at the beginning of a line: the time, and where the rest begins. */
static const char *prefix(const char *line, const char *word, uint64_t *us)
{
    size_t length = strlen(word);
    while (*line == ' ')
        line++;
    if (strncmp(line, word, length) != 0 || line[length] != ' ') return NULL;
    const char *time = line + length + strspn(line + length, " ");
    size_t      width = strcspn(time, " ");
    if (!words_duration(time, width, us)) return NULL;
    return time + width + strspn(time + width, " ");
}

static bool pauses(const char *line)
{
    uint64_t us;
    return prefix(line, "at", &us) || prefix(line, "wait", &us) || prefix(line, "within", &us);
}

bool script_read(script_t *script, words_t *words, const char *line)
{
    script->file_line++;
    if (words->count == 0) return true;
    if (script->count == 0 && !pauses(line) && !words_is(&words->arg[0], "end")) return say(script, words);
    if (script->count == SCRIPT_LINES) return words_fail(words, 1, "only %d lines can wait", SCRIPT_LINES);
    script->line[script->count].text = strdup(line);
    script->line[script->count++].number = script->file_line;
    return script->line[script->count - 1].text || words_fail(words, 1, "no memory");
}

/* The next line, or what of it is due. True: go on with the one behind; false: it waits, or is wrong. */
static bool next_line(script_t *script, uint64_t now_us)
{
    uint64_t    us;
    const char *line = script->line[script->next].text, *rest;
    if (script->timed) {
        if ((rest = prefix(line, "at", &us)) || (rest = prefix(line, "wait", &us))) line = rest;
    } else if (prefix(line, "at", &us) || prefix(line, "wait", &us)) {
        script->due_us = prefix(line, "at", &us) ? us : now_us + us;
        script->timed = true;
        return script->due_us <= now_us;
    }
    rest = prefix(line, "within", &us);
    if (rest && !script->limit_us) script->limit_us = now_us + us;
    script->words.now_us = now_us;
    bool good = words_parse(&script->words, rest ? rest : line) && say(script, &script->words);
    if (!good && rest && now_us < script->limit_us) {
        script->due_us = now_us + AGAIN_US;
        return false;
    }
    if (!good)
        snprintf(script->error, sizeof script->error, "line %u: %s", script->line[script->next].number,
                 script->words.error);
    script->next++;
    script->timed = false;
    script->limit_us = 0;
    return good;
}

bool script_step(script_t *script, uint64_t now_us)
{
    script->due_us = now_us;
    while (script->next < script->count && script->error[0] == '\0' && !script->over && next_line(script, now_us))
        ;
    if (script->next == script->count) script->due_us = CIPMUX_NEVER;
    if (script->net && script->net->fault[0]) snprintf(script->error, sizeof script->error, "%s", script->net->fault);
    return script->error[0] == '\0';
}

void script_close(script_t *script)
{
    for (size_t i = 0; i < script->count; i++)
        free(script->line[i].text);
}
