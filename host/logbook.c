/* See logbook.h. */
#include "logbook.h"

#include "transcript.h"
#include "writer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void logbook_read(logbook_t *book, FILE *file)
{
    writer_bytes_t all = { 0 };
    char           bytes[4096];
    size_t         n;
    *book = (logbook_t){ .n = 0 };
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        writer_add(&all, bytes, n);
    book->n = all.n;
    writer_add(&all, "", 1);
    book->bytes = (char *)all.bytes;
    for (size_t from = 0; from < book->n;) {
        const char *at = book->bytes + from, *end = memchr(at, '\n', book->n - from);
        n = end ? (size_t)(end - at) : book->n - from;
        if (book->lines % 1024 == 0) book->line = realloc(book->line, (book->lines + 1024) * sizeof *book->line);
        if (!book->line) abort();
        book->line[book->lines++] = (logbook_line_t){ .text = book->bytes + from, .n = n };
        from += n + 1;
    }
}

void logbook_free(logbook_t *book)
{
    free(book->bytes);
    free(book->line);
    *book = (logbook_t){ .n = 0 };
}

/* ---- Our own ----------------------------------------------------------------------------------------------------- */

static bool is_transcript(const logbook_t *book)
{
    for (size_t i = 0; i < book->lines; i++)
        if (book->line[i].n > 10 && memcmp(book->line[i].text, "# dialect:", 10) == 0) return true;
    return false;
}

/* What a mask may stand for. */
static const char *sample(token_kind_t kind)
{
    switch (kind) {
    case TOKEN_IP: return "10.0.2.2";
    case TOKEN_NUMBER: return "1";
    case TOKEN_HEX: return "0";
    case TOKEN_MAC: return "00:00:00:00:00:00";
    case TOKEN_ANY:
    case TOKEN_LITERAL: break;
    }
    return "";
}

static void say(explain_t *explain, const step_t *step, const char *answer)
{
    explain_bytes(explain, EXPLAIN_PRINTED, step->line, (const uint8_t *)answer, strlen(answer));
}

/* A preparation ended as it should, and its answer was dropped. */
static void prepared(explain_t *explain, const step_t *step)
{
    const char *text = (const char *)step->bytes;
    const bool  restart = step->n > 6 && (strncmp(text, "AT+RST", 6) == 0 || strncmp(text, "AT+RESTORE", 10) == 0);
    if (step->n > 11 && strncmp(text, "AT+CIPCLOSE", 11) == 0) {
        const bool id = text[11] == '=' && text[12] < '5';
        char       closed[20];
        snprintf(closed, sizeof closed, "%.*s%sCLOSED\r\n", id ? 1 : 0, text + 12, id ? "," : "");
        say(explain, step, closed);
    }
    say(explain, step, restart ? "\r\nready\r\n" : "\r\nOK\r\n");
    if (step->n > 11 && strncmp(text, "AT+CIPSEND", 10) == 0) say(explain, step, "> ");
    if (step->n > 13 && strncmp(text, "AT+CIPSTART=", 12) == 0 && isdigit((unsigned char)text[12])) {
        char connect[20];
        snprintf(connect, sizeof connect, "%c,CONNECT\r\n", text[12]);
        say(explain, step, connect);
    }
}

/* {any} in a payload is as long as the payload's rest wants. */
static void fill(explain_t *explain, const transcript_t *transcript, const step_t *step, size_t token)
{
    static const char closed[] = "CLOSED\r\n";
    const size_t      n = sizeof closed - 1;
    uint32_t          rest = 0;
    for (size_t i = token + 1; i < step->token + step->tokens; i++) {
        const token_t *next = &transcript->token[i];
        rest += (uint32_t)next->n;
        if (next->n > n && memcmp(next->bytes + next->n - n, closed, n) == 0) rest -= (uint32_t)n;
        for (size_t k = 0; k < next->n && explain->reader.lf_only; k++)
            rest += next->bytes[k] == '\n' ? 1 : 0;
    }
    for (uint32_t left = explain->reader.left; left > rest; left--)
        explain_bytes(explain, EXPLAIN_PRINTED, transcript->token[token].line, (const uint8_t *)"x", 1);
}

static void printed(explain_t *explain, const transcript_t *transcript, const step_t *step)
{
    for (size_t i = step->token; i < step->token + step->tokens; i++) {
        const token_t *token = &transcript->token[i];
        const char    *mask = sample(token->kind);
        if (token->kind == TOKEN_LITERAL)
            explain_bytes(explain, EXPLAIN_PRINTED, token->line, token->bytes, token->n);
        else if (token->kind == TOKEN_ANY && explain->reader.left > 0)
            fill(explain, transcript, step, i);
        else
            explain_bytes(explain, EXPLAIN_PRINTED, token->line, (const uint8_t *)mask, strlen(mask));
    }
}

/* What a scenario says is not looked at: only what came of it. */
static char *no_scenario(const char *path)
{
    (void)path;
    return strdup("unread");
}

static bool explain_transcript(const logbook_t *book, const char *path, explain_t *explain, char *error, size_t size)
{
    transcript_t *transcript = transcript_read(path, strdup(book->bytes), no_scenario, error, size);
    uint64_t      now_us = 1;
    if (!transcript) return false;
    explain->reader.lf_only = transcript->compare != COMPARE_BYTES;
    for (size_t i = 0; i < transcript->steps; i++) {
        const step_t *step = &transcript->step[i];
        explain_time(explain, now_us);
        switch (step->kind) {
        case STEP_IN: explain_bytes(explain, EXPLAIN_TYPED, step->line, step->bytes, step->n); break;
        case STEP_PREPARE:
            explain_bytes(explain, EXPLAIN_TYPED, step->line, step->bytes, step->n);
            prepared(explain, step);
            break;
        case STEP_OUT: printed(explain, transcript, step); break;
        case STEP_WAIT: now_us += step->us; break;
        case STEP_WORLD: explain_world(explain, step->line, step->words); break;
        }
    }
    transcript_free(transcript);
    return true;
}

/* ---- Other people's ---------------------------------------------------------------------------------------------- */

typedef struct {
    bool        stamped;
    uint64_t    us;     /* of the stamp; 0: none */
    int         marker; /* 1: to the module, -1: from it, 0: no direction is told */
    bool        arrow;  /* the marker is -> or <- */
    const char *text;
} entry_t;

/* "10:04:31.118" or "10:04:31": the text behind it; NULL: it is no time. */
static const char *read_clock(const char *text, uint64_t *us)
{
    unsigned hour, minute, second, ms = 0;
    int      n = 0, more = 0;
    if (sscanf(text, "%2u:%2u:%2u%n", &hour, &minute, &second, &n) != 3 || n < 7) return NULL;
    if ((text[n] == '.' || text[n] == ',' || text[n] == ':') && sscanf(text + n + 1, "%3u%n", &ms, &more) == 1)
        n += more + 1;
    while (isdigit((unsigned char)text[n]))
        n++;
    *us = ((uint64_t)(hour * 3600 + minute * 60 + second) * 1000 + ms) * 1000;
    return text + n;
}

/* "[2023-02-01 10:04:31.118] ", "10:04:31.118 ", "(1234) ": what is behind the stamp, or `text`. */
static const char *skip_stamp(const char *text, entry_t *entry)
{
    const char *at = text + strspn(text, " \t");
    const bool  bracket = *at == '[' || *at == '(';
    unsigned    number[3];
    int         n = 0;
    if (bracket) at++;
    if (sscanf(at, "%4u-%2u-%2u%n", &number[0], &number[1], &number[2], &n) == 3 && n >= 8)
        at += n + (at[n] == ' ' || at[n] == 'T' || at[n] == '_' ? 1 : 0);
    const char *behind = read_clock(at, &entry->us);
    if (!behind && bracket && isdigit((unsigned char)*at)) { /* seconds or ticks */
        char *end;
        entry->us = (uint64_t)(strtod(at, &end) * 1000);
        behind = *end == ']' || *end == ')' ? end : NULL;
    }
    if (!behind) return text;
    if (bracket && (*behind == ']' || *behind == ')')) behind++;
    entry->stamped = true;
    return behind;
}

static const char *skip_marker(const char *text, entry_t *entry)
{
    static const struct {
        const char *text;
        int         marker;
        bool        arrow;
    } markers[] = {
        { "->", 1, true },     { "<-", -1, true },     { ">>", 1, false },   { "<<", -1, false },
        { "TX", 1, false },    { "RX", -1, false },    { "[TX]", 1, false }, { "[RX]", -1, false },
        { "SEND:", 1, false }, { "RECV:", -1, false }, { "发→◇", 1, false }, { "收←◆", -1, false },
        { "-->", 1, false },   { "<--", -1, false },
    };
    const char *at = text + strspn(text, " \t");
    size_t      best = 0, found = 0;
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        const size_t n = strlen(markers[i].text);
        if (n > best && strncasecmp(at, markers[i].text, n) == 0) {
            best = n;
            found = i;
        }
    }
    if (best == 0) return text;
    entry->marker = markers[found].marker;
    entry->arrow = markers[found].arrow;
    at += best;
    if (*at == ':') at++;
    return *at == ' ' ? at + 1 : at;
}

static void read_entry(const logbook_line_t *line, entry_t *entry)
{
    *entry = (entry_t){ .text = line->text };
    const char *behind = skip_stamp(line->text, entry), *text = skip_marker(behind, entry);
    entry->text = entry->marker ? text : behind;
    if (entry->stamped && !entry->marker && *entry->text == ' ') entry->text++;
    if (!entry->stamped && !entry->marker) entry->text = line->text;
}

/* Which stamps and markers are meant: those of a log that has them in most of its lines. */
typedef struct {
    bool stamps, directions;
} habit_t;

static habit_t learn(const logbook_t *book)
{
    size_t stamps = 0, to = 0, from = 0;
    for (size_t i = 0; i < book->lines; i++) {
        entry_t entry;
        read_entry(&book->line[i], &entry);
        stamps += entry.stamped ? 1 : 0;
        to += entry.marker > 0 ? 1 : 0;
        from += entry.marker < 0 ? 1 : 0;
    }
    return (habit_t){ .stamps = stamps * 4 > book->lines, .directions = to > 0 && from > 0 };
}

/* A log that was kept as text has no CR, and what stands in its payloads is counted without. */
static void explain_text(const logbook_t *book, explain_t *explain)
{
    const habit_t  habit = learn(book);
    const bool     has_cr = memchr(book->bytes, '\r', book->n) != NULL;
    explain_lane_t lane = EXPLAIN_MIXED;
    explain->reader.lf_only = !has_cr && !habit.stamps;
    for (size_t i = 0; i < book->lines; i++) {
        const logbook_line_t *line = &book->line[i];
        const char           *text = line->text;
        const unsigned        number = (unsigned)i + 1;
        entry_t               entry;
        read_entry(line, &entry);
        if (habit.stamps || habit.directions) text = entry.text;
        if (!habit.stamps && !(habit.directions && entry.marker)) text = line->text;
        if (habit.directions && entry.marker) lane = entry.marker > 0 ? EXPLAIN_TYPED : EXPLAIN_PRINTED;
        size_t n = line->n - (size_t)(text - line->text);
        if (habit.stamps && entry.stamped) explain_time(explain, entry.us);
        while ((habit.stamps || !has_cr) && n > 0 && text[n - 1] == '\r')
            n--;
        explain_bytes(explain, lane, number, (const uint8_t *)text, n);
        if (i + 1 < book->lines || book->bytes[book->n - 1] == '\n')
            explain_bytes(explain, lane, number, (const uint8_t *)(habit.stamps ? "\r\n" : "\n"), habit.stamps ? 2 : 1);
    }
}

bool logbook_explain(const logbook_t *book, const char *path, explain_t *explain, char *error, size_t size)
{
    if (is_transcript(book)) {
        if (!explain_transcript(book, path, explain, error, size)) return false;
    } else if (book->n > 0) {
        explain_text(book, explain);
    }
    explain_end(explain);
    return true;
}
