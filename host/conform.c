/* See conform.h. */
#include "conform.h"

#include "lenient.h"
#include "player.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint64_t late_us[] = { 4000, 70000 }; /* what a busy computer may be late by */

static const struct {
    const char *id;
    unsigned    max;
} quirks[CIPMUX_QUIRK_COUNT] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, max },
    CIPMUX_QUIRKS(X)
#undef X
};

bool conform_open(conform_t *conform, const char *dialect)
{
    *conform = (conform_t){ .dialect = dialect, .longest_ms = 3000, .player = player_new() };
    return conform->player && cipmux_config(&conform->config, dialect);
}

void conform_close(conform_t *conform)
{
    player_free(conform->player);
    conform->player = NULL;
}

/* Settings are kept out of the flash by a command, elsewhere by another form of each. */
bool conform_has_sysstore(const conform_t *conform)
{
    cipmux_command_t command;
    for (size_t i = 0; cipmux_command(i, conform->config.dialect, &command); i++)
        if (strcmp(command.name, "+SYSSTORE") == 0) return command.forms != 0;
    return false;
}

/* ---- Preparations that do not save --------------------------------------------------------------------------------*/

/* The length of a preparation's command that has a form which does not save. 0: it has none. */
static size_t saving(const char *line)
{
    static const char *const names[] = { "CWMODE", "CWJAP", "CWSAP",     "CWDHCP",   "CWDHCPS",
                                         "CIPSTA", "CIPAP", "CIPSTAMAC", "CIPAPMAC", "UART" };
    if (strncmp(line, "= AT+", 5) != 0) return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t n = strlen(names[i]);
        if (strncmp(line + 5, names[i], n) == 0 && line[5 + n] == '=') return 5 + n;
    }
    return 0;
}

char *conform_text(const conform_t *conform, char *text)
{
    writer_bytes_t out = { 0 };
    if (!text || conform->saves || conform_has_sysstore(conform)) return text;
    for (const char *line = text; *line;) {
        const char  *end = strchr(line, '\n');
        const size_t n = end ? (size_t)(end + 1 - line) : strlen(line), name = saving(line);
        writer_add(&out, line, name);
        if (name > 0) writer_add(&out, "_CUR", 4);
        writer_add(&out, line + name, n - name);
        line += n;
    }
    writer_add(&out, "", 1);
    free(text);
    return (char *)out.bytes;
}

/* ---- Which can be played ------------------------------------------------------------------------------------------*/

static bool is_listed(const conform_t *conform, const transcript_t *transcript)
{
    for (size_t i = 0; i < transcript->dialects.n; i++)
        if (strcmp(transcript->dialects.word[i], conform->dialect) == 0) return true;
    return false;
}

/* For the dialect as it is; not if its preparations had to save. */
static bool holds_at_all(conform_t *conform, const transcript_t *transcript)
{
    static play_report_t report;
    play_options_t       options = { .dialect = conform->dialect, .bytes_only = true };
    return play(conform->player, transcript, &options, &report);
}

bool conform_is_for(conform_t *conform, const transcript_t *transcript)
{
    return transcript->fails == 0 && (is_listed(conform, transcript) || holds_at_all(conform, transcript));
}

static const step_t *types(const transcript_t *transcript, const char *text)
{
    const size_t n = strlen(text);
    for (size_t i = 0; i < transcript->steps; i++) {
        const step_t *step = &transcript->step[i];
        if (step->kind != STEP_IN && step->kind != STEP_PREPARE) continue;
        for (size_t at = 0; at + n <= step->n; at++)
            if (strncasecmp((const char *)step->bytes + at, text, n) == 0) return step;
    }
    return NULL;
}

/* By what stands in it. */
static const char *unfit_text(const conform_t *conform, const transcript_t *transcript)
{
    static const struct {
        const char *typed, *why;
    } never[] = {
        { "AT+CIUPDATE", "it may replace the module's firmware" },
        { "AT+USEROTA", "it may replace the module's firmware" },
        { "AT+SYSROLLBACK", "it may replace the module's firmware" },
        { "AT+SYSREG", "it writes the chip's registers" },
        { "AT+FACTPLCP", "it is about the factory's settings of the radio" },
        { "AT+GSLP", "a module may not wake from deep sleep" },
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (types(transcript, never[i].typed)) return never[i].why;
    if (transcript->timing.n > 0) return "it is about the simulation's times";
    if (transcript->quirks.n > 0) return "it is about another value of a quirk";
    if (transcript->gmr) return "it is about another build of the firmware";
    if (conform->no_lab && types(transcript, "\"lab\""))
        return "it needs the access point \"lab\", password \"password\"";
    return NULL;
}

static bool plays(conform_t *conform, const transcript_t *transcript, play_options_t *options, play_report_t *report)
{
    options->dialect = conform->dialect;
    options->config = &conform->config;
    options->bytes_only = true;
    return play(conform->player, transcript, options, report);
}

static const char *first_line(const conform_t *conform)
{
    return !conform->saves && conform_has_sysstore(conform) ? "AT+SYSSTORE=0\r\n" : NULL;
}

/* By what it does. */
static const char *unfit_play(conform_t *conform, const transcript_t *transcript)
{
    static play_report_t report;
    play_options_t       forgets = { .flash = false }, plain = { .flash = true };
    play_options_t       option = { .flash = true, .first = first_line(conform) };
    if (!holds_at_all(conform, transcript)) return "it is about settings that are kept: --allow-flash";
    if (!plays(conform, transcript, &forgets, &report)) return "this module is known to answer otherwise";
    if (!plays(conform, transcript, &plain, &report)) return "it presumes a module that keeps no settings";
    const bool gentle = plays(conform, transcript, &option, &report);
    if (!conform->saves && (!gentle || report.stored || lenient_writes_flash(transcript)))
        return "it writes the module's flash: --allow-flash";
    if (report.switched) return "it changes the rate of the line";
    if (report.us > (uint64_t)conform->longest_ms * 1000) return "it takes long: --longest=SECONDS";
    for (size_t i = 0; i < sizeof late_us / sizeof *late_us; i++) {
        option.late_us = late_us[i];
        if (!plays(conform, transcript, &option, &report)) return "its times are exact to the millisecond";
    }
    return NULL;
}

static const char *needs_world(const transcript_t *transcript)
{
    for (size_t i = 0; i < transcript->steps; i++)
        if (transcript->step[i].kind == STEP_WORLD) return transcript->step[i].words;
    return NULL;
}

bool conform_unfit(conform_t *conform, const transcript_t *transcript, char *why, size_t size)
{
    const char *world = needs_world(transcript), *text = world ? NULL : unfit_text(conform, transcript);
    if (!world && !text) text = unfit_play(conform, transcript);
    if (world)
        snprintf(why, size, "it needs a simulated world: %s", world);
    else if (text)
        snprintf(why, size, "%s", text);
    return world || text;
}

/* ---- Quirks -------------------------------------------------------------------------------------------------------*/

enum { QUIRKS_MAX = 256 }; /* and their values */

static size_t list_quirks(const conform_t *conform, conform_quirk_t out[QUIRKS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < CIPMUX_QUIRK_COUNT; i++)
        for (unsigned value = 0; value <= quirks[i].max && n < QUIRKS_MAX; value++)
            if (value != conform->config.quirk[i]) out[n++] = (conform_quirk_t){ quirks[i].id, value };
    return n;
}

static bool plays_with(conform_t *conform, const transcript_t *transcript, const conform_quirk_t *quirk,
                       play_report_t *report)
{
    play_options_t options = { .first = first_line(conform), .flash = true, .quirk = quirk->id, .value = quirk->value };
    return plays(conform, transcript, &options, report);
}

/* As a line of a transcript, with masks for what no two modules share. */
static char *soft(const uint8_t *bytes, size_t n)
{
    writer_bytes_t text = { 0 };
    writer_add(&text, "< ", 2);
    writer_escape(&text, bytes, n, true);
    writer_add(&text, "", 1);
    char *out = lenient_text((char *)text.bytes);
    free(text.bytes);
    return out;
}

/* With that quirk the transcript differs as it did. */
static bool explains(conform_t *conform, const conform_case_t *one, const conform_quirk_t *quirk)
{
    static play_report_t report;
    if (plays_with(conform, one->transcript, quirk, &report) || report.line != one->line) return false;
    char        *is = soft(one->got, one->n), *would = soft(report.got, report.got_n);
    const size_t a = strlen(is), b = strlen(would);
    const bool   same = strncmp(is, would, a < b ? a : b) == 0; /* the later part may not have come yet */
    free(is);
    free(would);
    return same;
}

/* How many differences it explains. None, if with it a transcript would differ that holds. */
static size_t count(conform_t *conform, const conform_case_t *cases, size_t n, const conform_quirk_t *quirk)
{
    static play_report_t report;
    size_t               sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += cases[i].differs && !cases[i].explained && explains(conform, &cases[i], quirk) ? 1 : 0;
    for (size_t i = 0; i < n && sum > 0; i++)
        if (!cases[i].differs && !plays_with(conform, cases[i].transcript, quirk, &report)) return 0;
    return sum;
}

bool conform_name(conform_t *conform, conform_case_t *cases, size_t n, conform_name_t *out)
{
    conform_quirk_t all[QUIRKS_MAX];
    const size_t    quirk_count = list_quirks(conform, all);
    *out = (conform_name_t){ .cases = 0 };
    for (size_t q = 0; q < quirk_count; q++) {
        const size_t cases_now = count(conform, cases, n, &all[q]);
        if (cases_now > out->cases)
            *out = (conform_name_t){ .quirk = all[q], .cases = cases_now };
        else if (cases_now > 0 && cases_now == out->cases && out->alsos < CONFORM_ALSO)
            out->also[out->alsos++] = all[q];
    }
    for (size_t i = 0; i < n && out->cases > 0; i++)
        if (cases[i].differs && !cases[i].explained) cases[i].explained = explains(conform, &cases[i], &out->quirk);
    return out->cases > 0;
}
