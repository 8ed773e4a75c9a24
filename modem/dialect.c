/* What differs between firmwares, as data: the dialects, their texts, numbers, times and quirks. */
#include "internal.h"

#include <string.h>

const dialect_t dialects[] = {
    { "classic", "nonos-1.7.6, and a server may run in single mode (default)", FAMILY_NONOS, 1 },
    { "nonos-1.7.6", "AT 1.7.6 on the NonOS SDK 3.0.6, exact", FAMILY_NONOS, 0 },
    { "esp-at-2.3", "ESP-AT 2.3.0.0 for the ESP8266, exact", FAMILY_ESP_AT, 0 },
};
enum { DIALECT_COUNT = sizeof dialects / sizeof dialects[0] };

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

bool cipmux_config(cipmux_config_t *config, const char *dialect)
{
    static const uint8_t mac[6] = { 0x5c, 0xcf, 0x7f, 0, 0, 1 };
    for (size_t i = 0; i < DIALECT_COUNT; i++) {
        if (!same(dialects[i].name, dialect)) continue;
        *config = (cipmux_config_t){ .dialect = (uint8_t)i };
        memcpy(config->mac, mac, sizeof mac);
        for (size_t q = 0; q < CIPMUX_QUIRK_COUNT; q++)
            config->quirk[q] = quirks[q].value[dialects[i].family];
        config->quirk[CIPMUX_QUIRK_SINGLE_SERVER] = dialects[i].single_server;
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
