/* A transcript of what happened to one modem, in the language of docs/TRANSCRIPTS.md. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

bool log_on;

typedef struct {
    uint64_t at_us;
    uint8_t  node;
    char     kind; /* > typed, < printed, ! words, 0-4 what the peer of that link sends */
    uint32_t at, length;
} entry_t;

static entry_t entry[LOG_MAX];
static size_t  entries;
static uint8_t text[4000000];
static size_t  used;

void log_clear(void)
{
    entries = used = 0;
}

void log_bytes(const node_t *n, char kind, const void *bytes, size_t length)
{
    if (!log_on || entries == LOG_MAX || length > sizeof text - used || length == 0) return;
    entry_t *last = entries ? &entry[entries - 1] : NULL;
    memcpy(text + used, bytes, length);
    used += length;
    const bool more = last && last->node == n->number && last->kind == kind && kind != '!' && last->at_us == now_us;
    if (more) {
        last->length += (uint32_t)length;
        return;
    }
    entry[entries++] = (entry_t){ now_us, n->number, kind, (uint32_t)(used - length), (uint32_t)length };
}

void log_words(const node_t *n, const char *format, ...)
{
    char    words[200];
    va_list list;
    if (!log_on) return;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    log_bytes(n, '!', words, strlen(words));
}

static void print_bytes(FILE *out, const uint8_t *bytes, size_t length, char quote)
{
    for (size_t i = 0; i < length; i++) {
        const uint8_t c = bytes[i];
        if (c == '\r' || c == '\n')
            fprintf(out, "\\%c", c == '\r' ? 'r' : 'n');
        else if (c < ' ' || c > '~' || c == '\\' || c == '{' || c == (uint8_t)quote ||
                 (c == ' ' && (i == 0 || i + 1 == length)))
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

void log_print(FILE *out, uint8_t number)
{
    uint64_t at_us = 0;
    for (size_t i = 0; i < entries; i++) {
        const entry_t *e = &entry[i];
        if (e->node != number) continue;
        if (e->at_us > at_us) fprintf(out, "@ %lluus\n", (unsigned long long)(e->at_us - at_us));
        at_us = e->at_us;
        if (e->kind == '!') {
            fprintf(out, "! %.*s\n", (int)e->length, (const char *)text + e->at);
        } else if (e->kind == '>' || e->kind == '<') {
            fprintf(out, "%c ", e->kind);
            print_bytes(out, text + e->at, e->length, '\0');
            fputc('\n', out);
        } else {
            fprintf(out, "! link %c sends \"", e->kind);
            print_bytes(out, text + e->at, e->length, '"');
            fputs("\"\n", out);
        }
    }
}
