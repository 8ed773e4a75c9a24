/* What differs between firmwares, as data: the dialects, their texts, numbers, times and quirks. */
#include "internal.h"

#include <string.h>

const dialect_t dialects[DIALECT_COUNT] = {
#define X(id, name, family, about) { name, about, FAMILY_##family },
    CIPMUX_DIALECTS(X)
#undef X
};

const char *CIPMUX_TABLE texts[TEXT_COUNT][FAMILY_COUNT] = {
#define X(name, nonos, esp_at) [TEXT_##name] = { nonos, esp_at },
    CIPMUX_TEXTS(X)
#undef X
};

CIPMUX_TABLE int32_t numbers[NUMBER_COUNT][FAMILY_COUNT] = {
#define X(name, nonos, esp_at, meaning) [NUMBER_##name] = { nonos, esp_at },
    CIPMUX_NUMBERS(X)
#undef X
};

CIPMUX_TABLE difference_t differences[] = {
#define X(who, what, string, source) { string, NULL, source, 0, TEXT_##what, DIALECT_##who, DIFFERS_TEXT },
    CIPMUX_TEXT_DIFFERENCES(X)
#undef X
#define X(who, what, number, source) { NULL, NULL, source, number, NUMBER_##what, DIALECT_##who, DIFFERS_NUMBER },
        CIPMUX_NUMBER_DIFFERENCES(X)
#undef X
#define X(who, what, number, source) { NULL, NULL, source, number, CIPMUX_QUIRK_##what, DIALECT_##who, DIFFERS_QUIRK },
            CIPMUX_QUIRK_DIFFERENCES(X)
#undef X
#define X(who, name, forms, args, source) { name, args, source, forms, 0, DIALECT_##who, DIFFERS_COMMAND },
                CIPMUX_COMMAND_DIFFERENCES(X)
#undef X
};
const size_t difference_count = sizeof differences / sizeof differences[0];

static const struct {
    const char *name;
    uint32_t    real[FAMILY_COUNT], fast;
} times[CIPMUX_TIME_COUNT] = {
#define X(name, nonos, esp_at, fast, meaning) [CIPMUX_TIME_##name] = { #name, { nonos, esp_at }, fast },
    CIPMUX_TIMES(X)
#undef X
};

static const struct {
    const char *id;
    uint8_t     value[FAMILY_COUNT], max;
} quirks[CIPMUX_QUIRK_COUNT] = {
#define X(name, id, nonos, esp_at, max, rows, values) [CIPMUX_QUIRK_##name] = { id, { nonos, esp_at }, max },
    CIPMUX_QUIRKS(X)
#undef X
};

static const struct {
    const char *id, *sentence, *cure;
} reasons[CIPMUX_REASON_COUNT] = {
#define X(name, id, sentence, cure) [CIPMUX_REASON_##name] = { id, sentence, cure },
    CIPMUX_REASONS(X)
#undef X
};

const char *cipmux_dialect_name(size_t index)
{
    return index < DIALECT_COUNT ? dialects[index].name : NULL;
}
const char *cipmux_dialect_about(size_t index)
{
    return index < DIALECT_COUNT ? dialects[index].about : NULL;
}

const char *cipmux_reason_id(cipmux_reason_t reason)
{
    return reasons[reason].id;
}
const char *cipmux_reason_sentence(cipmux_reason_t reason)
{
    return reasons[reason].sentence;
}
const char *cipmux_reason_cure(cipmux_reason_t reason)
{
    return reasons[reason].cure;
}

static bool same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

static const difference_t *differs(unsigned dialect, difference_kind_t kind, unsigned index)
{
    for (size_t i = 0; i < difference_count; i++) {
        const difference_t *const d = &differences[i];
        if (d->dialect == dialect && d->kind == kind && d->index == index) return d;
    }
    return NULL;
}

const char *dialect_text(unsigned dialect, text_t text)
{
    const difference_t *const d = differs(dialect, DIFFERS_TEXT, (unsigned)text);
    return d != NULL ? d->text : texts[text][dialects[dialect].family];
}

int32_t dialect_number(unsigned dialect, number_t number)
{
    const difference_t *const d = differs(dialect, DIFFERS_NUMBER, (unsigned)number);
    return d != NULL ? d->value : numbers[number][dialects[dialect].family];
}

static uint8_t dialect_quirk(unsigned dialect, cipmux_quirk_t quirk)
{
    const difference_t *const d = differs(dialect, DIFFERS_QUIRK, (unsigned)quirk);
    return d != NULL ? (uint8_t)d->value : quirks[quirk].value[dialects[dialect].family];
}

static const difference_t *command_differs(unsigned dialect, const command_t *command)
{
    for (size_t i = 0; i < difference_count; i++) {
        const difference_t *const d = &differences[i];
        if (d->dialect == dialect && d->kind == DIFFERS_COMMAND && same(d->text, command->name)) return d;
    }
    return NULL;
}

unsigned dialect_forms(unsigned dialect, const command_t *command)
{
    const difference_t *const d = command_differs(dialect, command);
    if (d != NULL) return (unsigned)d->value;
    return dialects[dialect].family == FAMILY_NONOS ? command->forms & 15u : command->forms >> 4;
}

const char *dialect_schema(unsigned dialect, const command_t *command)
{
    const difference_t *const d = command_differs(dialect, command);
    return d != NULL && d->schema != NULL ? d->schema : command->schema[dialects[dialect].family];
}

bool cipmux_command(size_t index, size_t dialect, cipmux_command_t *out)
{
    if (index >= command_count || dialect >= DIALECT_COUNT) return false;
    const command_t *const    c = &commands[index];
    const difference_t *const d = command_differs((unsigned)dialect, c);
    *out = (cipmux_command_t){ .name = c->name,
                               .forms = dialect_forms((unsigned)dialect, c),
                               .arguments = dialect_schema((unsigned)dialect, c),
                               .source = d != NULL ? d->says : NULL };
    return true;
}

bool cipmux_config(cipmux_config_t *config, const char *dialect)
{
    static const uint8_t mac[6] = { 0x5c, 0xcf, 0x7f, 0, 0, 1 };
    for (size_t i = 0; i < DIALECT_COUNT; i++) {
        if (!same(dialects[i].name, dialect)) continue;
        *config = (cipmux_config_t){ .dialect = (uint8_t)i };
        memcpy(config->mac, mac, sizeof mac);
        for (size_t q = 0; q < CIPMUX_QUIRK_COUNT; q++)
            config->quirk[q] = dialect_quirk((unsigned)i, (cipmux_quirk_t)q);
        cipmux_config_timing(config, false);
        return true;
    }
    return false;
}

void cipmux_config_timing(cipmux_config_t *config, bool real)
{
    const family_t family = dialects[config->dialect].family;
    for (size_t t = 0; t < CIPMUX_TIME_COUNT; t++)
        config->time_ms[t] = real ? times[t].real[family] : times[t].fast;
}

/* Names of times are upper case in the source and lower case for users. */
static bool same_folded(const char *upper, const char *lower)
{
    size_t i = 0;
    for (; upper[i] != '\0' && lower[i] != '\0'; i++) {
        const char folded = upper[i] >= 'A' && upper[i] <= 'Z' ? (char)(upper[i] - 'A' + 'a') : upper[i];
        if (folded != lower[i]) return false;
    }
    return upper[i] == lower[i];
}

bool cipmux_config_time(cipmux_config_t *config, const char *name, uint32_t ms)
{
    for (size_t t = 0; t < CIPMUX_TIME_COUNT; t++) {
        if (!same_folded(times[t].name, name)) continue;
        config->time_ms[t] = ms;
        return true;
    }
    return false;
}

bool cipmux_config_quirk(cipmux_config_t *config, const char *id, unsigned value)
{
    for (size_t q = 0; q < CIPMUX_QUIRK_COUNT; q++) {
        if (!same(quirks[q].id, id) || value > quirks[q].max) continue;
        config->quirk[q] = (uint8_t)value;
        return true;
    }
    return false;
}
