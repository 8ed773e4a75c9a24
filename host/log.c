/* Records into lines. See log.h. */
#include "log.h"

#include "address.h"

#include <string.h>

/* A line under construction: never beyond LOG_LINE_MAX, always terminated. */
typedef struct {
    char  *out;
    size_t used;
} line_t;

static void put(line_t *line, const char *text, size_t length)
{
    size_t room = LOG_LINE_MAX - 1 - line->used;
    if (length > room) length = room;
    memcpy(line->out + line->used, text, length);
    line->used += length;
    line->out[line->used] = '\0';
}

static void puts_on(line_t *line, const char *text)
{
    put(line, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void printf_on(line_t *line, const char *format, ...)
{
    char    text[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    puts_on(line, text);
}

bool log_wants(const log_t *log, log_level_t level)
{
    if (log->trace) return true;
    return level == LOG_PROBLEM || (level == LOG_EVENT ? log->volume >= LOG_NORMAL : log->volume >= LOG_VERBOSE);
}

/* How the peer is introduced: an event that comes from it, or one that goes to it. */
static const char *preposition(const char *event)
{
    static const char *const from[] = { "accept", "refused", "received" };
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        if (strcmp(event, from[i]) == 0) return "from";
    return "to";
}

void log_human(char *out, const log_record_t *record, const char *text)
{
    char   peer[ADDRESS_TEXT_MAX];
    line_t line = { .out = out };
    if (record->name) printf_on(&line, "%s: ", record->name);
    puts_on(&line, record->event);
    puts_on(&line, ":");
    if (record->link) printf_on(&line, " link %u", (unsigned)record->link->id);
    if (record->peer) printf_on(&line, " %s %s", preposition(record->event), address_text(record->peer, peer));
    if (text && *text) printf_on(&line, "%s ", (record->link || record->peer) ? "," : ""), puts_on(&line, text);
    if (record->reason) printf_on(&line, " [%s]", record->reason);
}

enum { JSON_BYTE = 6, JSON_END = 2 }; /* characters of a byte at most, and of the string's and the record's end */

/* A JSON string, cut where the line would become too long; bytes that are no ASCII text become \u00XX. */
static void json_text(line_t *line, const char *text)
{
    puts_on(line, "\"");
    for (const char *at = text; *at && line->used + JSON_BYTE + JSON_END < LOG_LINE_MAX; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            printf_on(line, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            printf_on(line, "\\u%04x", byte);
        else
            put(line, at, 1);
    }
    puts_on(line, "\"");
}

static void json_number(line_t *line, const char *name, uint64_t value)
{
    if (value) printf_on(line, ",\"%s\":%llu", name, (unsigned long long)value);
}

void log_json(char *out, double seconds, unsigned modem, const log_record_t *record, const char *text)
{
    char   peer[ADDRESS_TEXT_MAX];
    line_t line = { .out = out };
    printf_on(&line, "{\"time\":%.6f,\"modem\":%u", seconds, modem);
    if (record->name) printf_on(&line, ",\"name\":\"%s\"", record->name);
    printf_on(&line, ",\"event\":\"%s\"", record->event);
    if (record->link) printf_on(&line, ",\"link\":%u", (unsigned)record->link->id);
    if (record->peer) printf_on(&line, ",\"peer\":\"%s\"", address_text(record->peer, peer));
    json_number(&line, "bytes", record->bytes);
    json_number(&line, "received", record->received);
    json_number(&line, "sent", record->sent);
    if (record->reason) printf_on(&line, ",\"reason\":\"%s\"", record->reason);
    if (text && *text) {
        puts_on(&line, ",\"text\":");
        json_text(&line, text);
    }
    puts_on(&line, "}");
}

/* ---- Again and again --------------------------------------------------------------------------------------------- */

static void show(const log_t *log, const char *line)
{
    if (log->show)
        log->show(log->context, line);
    else
        fprintf(stderr, "%s\n", line);
}

static const char *name_of(const log_t *log, unsigned modem)
{
    return log->names ? log->names[modem] : NULL;
}

static bool is_over(const log_repeat_t *repeat, uint64_t now_us)
{
    return repeat->reason && now_us >= repeat->since_us + LOG_SECOND_US;
}

void log_tick(log_t *log, uint64_t now_us)
{
    for (size_t i = 0; i < LOG_REASONS; i++) {
        log_repeat_t *repeat = &log->repeat[i];
        if (!is_over(repeat, now_us)) continue;
        if (repeat->left_out) {
            char line[LOG_LINE_MAX], text[64];
            snprintf(text, sizeof text, "... %u more in the last second", repeat->left_out);
            const log_record_t rest = { .event = repeat->event,
                                        .reason = repeat->reason,
                                        .name = name_of(log, repeat->modem) };
            log_human(line, &rest, text);
            show(log, line);
        }
        repeat->reason = NULL;
    }
}

uint64_t log_deadline(const log_t *log)
{
    uint64_t due = CIPMUX_NEVER;
    for (size_t i = 0; i < LOG_REASONS; i++) {
        const log_repeat_t *repeat = &log->repeat[i];
        uint64_t            end = repeat->since_us + LOG_SECOND_US;
        if (repeat->reason && repeat->left_out && end < due) due = end;
    }
    return due;
}

/* The place of this reason; a new one is free, or NULL when all are taken. */
static log_repeat_t *find_repeat(log_t *log, unsigned modem, const char *reason)
{
    log_repeat_t *place = NULL;
    for (size_t i = 0; i < LOG_REASONS; i++) {
        log_repeat_t *repeat = &log->repeat[i];
        if (repeat->reason && repeat->modem == modem && strcmp(repeat->reason, reason) == 0) return repeat;
        if (!repeat->reason) place = repeat;
    }
    return place;
}

/* Was this reason shown often enough in this second? */
static bool is_left_out(log_t *log, uint64_t now_us, unsigned modem, const log_record_t *record)
{
    log_repeat_t *repeat = record->reason ? find_repeat(log, modem, record->reason) : NULL;
    if (!repeat) return false;
    if (!repeat->reason)
        *repeat =
            (log_repeat_t){ .event = record->event, .reason = record->reason, .modem = modem, .since_us = now_us };
    if (repeat->shown == LOG_BURST) {
        repeat->left_out++;
        return true;
    }
    repeat->shown++;
    return false;
}

void log_write(log_t *log, uint64_t now_us, unsigned modem, const log_record_t *record, const char *text)
{
    char         line[LOG_LINE_MAX];
    log_record_t named = *record;
    named.name = name_of(log, modem);
    bool shown = record->level == LOG_PROBLEM ||
                 (record->level == LOG_EVENT ? log->volume >= LOG_NORMAL : log->volume >= LOG_VERBOSE);
    if (log->trace) {
        log_json(line, (double)(now_us - log->start_us) / 1e6, modem, &named, text);
        fprintf(log->trace, "%s\n", line);
    }
    if (!shown) return;
    log_tick(log, now_us);
    if (is_left_out(log, now_us, modem, record)) return;
    log_human(line, &named, text);
    show(log, line);
}

void log_note_text(char *out, const cipmux_note_t *note)
{
    line_t      line = { .out = out };
    const char *sentence = cipmux_reason_sentence(note->reason);
    out[0] = '\0';
    for (const char *at = sentence ? sentence : ""; *at; at++) {
        if (at[0] != '%' || (at[1] != 's' && at[1] != 'd')) {
            put(&line, at, 1);
            continue;
        }
        at++;
        if (*at == 's')
            puts_on(&line, note->text);
        else
            printf_on(&line, "%ld", (long)note->number);
    }
}
