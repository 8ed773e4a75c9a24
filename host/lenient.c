/* Masks for what differs between modules, and transcripts with them. See lenient.h. */
#include "lenient.h"

#include "scenarios.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    char *out;
    char  before; /* the character in front */
} lenient_t;

static void put(lenient_t *lenient, const char *text, size_t n)
{
    memcpy(lenient->out, text, n);
    lenient->out += n;
    if (n > 0) lenient->before = text[n - 1];
}

static void put_mask(lenient_t *lenient, const char *mask)
{
    put(lenient, mask, strlen(mask));
}

static size_t digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* Four numbers with dots, and not the begin of something longer such as a version. 0: it is none. */
static size_t ip_length(const char *at)
{
    size_t n = 0;
    for (int part = 0; part < 4; part++) {
        size_t length = digits(at + n);
        if (length == 0 || length > 3) return 0;
        n += length;
        if (part < 3 && at[n++] != '.') return 0;
    }
    return strchr("\",:\\", at[n]) ? n : 0; /* the end of the text too */
}

static size_t mac_length(const char *at)
{
    for (size_t i = 0; i < 17; i++)
        if (i % 3 == 2 ? at[i] != ':' : strspn(at + i, "0123456789abcdefABCDEF") == 0) return 0;
    return 17;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* What stands in a line of some commands only: its length, and it is a number. */
static size_t number_length(const char *line, const char *at, char before)
{
    bool list = begins(line, "< +CWLAP:") || begins(line, "< +CWJAP");
    if (list && before == ',' && *at == '-') return 1 + digits(at + 1);
    if (begins(line, "< +PING:")) return before == ':' ? digits(at) : 0;
    return at == line + 3 && line[2] == '+' ? digits(at) : 0; /* an echo's time */
}

static void do_line(lenient_t *lenient, const char *line, const char *end)
{
    if (begins(line, "< +CIPSNTPTIME:")) {
        put_mask(lenient, "< +CIPSNTPTIME:{any}\\r\\n");
        return;
    }
    for (const char *at = line; at < end;) {
        bool   place = strchr("\",:=(", lenient->before) != NULL;
        size_t n;
        if (place && (n = ip_length(at)) > 0) {
            put_mask(lenient, "{ip}");
            at += n;
            if (*at == '"') put(lenient, at++, 1);
            n = *at == ',' ? digits(at + 1) : 0; /* the ports behind it */
            for (; n > 0; n = *at == ',' && begins(line, "< +CIPSTAT") ? digits(at + 1) : 0) {
                if (begins(line, "< +CIPSTAT") && at + 1 + n < end && at[1 + n] == '\\') break; /* tetype */
                put_mask(lenient, ",{n}");
                at += 1 + n;
            }
        } else if (place && (n = mac_length(at)) > 0) {
            put_mask(lenient, "{mac}");
            at += n;
        } else if ((n = number_length(line, at, lenient->before)) > 0) {
            put_mask(lenient, "{n}");
            at += n;
        } else {
            put(lenient, at++, 1);
        }
    }
}

char *lenient_text(const char *text)
{
    char     *copy = malloc(strlen(text) * 4 + 64);
    lenient_t lenient = { .out = copy };
    for (const char *line = text; copy && *line;) {
        const char *end = line + strcspn(line, "\n");
        lenient.before = '\n';
        if (begins(line, "< "))
            do_line(&lenient, line, end);
        else
            put(&lenient, line, (size_t)(end - line));
        if (*end) put(&lenient, end++, 1);
        line = end;
    }
    if (copy) *lenient.out = '\0';
    return copy;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

char *lenient_file(const char *path)
{
    writer_bytes_t text = { 0 };
    char           bytes[4096];
    size_t         n;
    FILE          *file = fopen(path, "rb");
    if (!file) return NULL;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        writer_add(&text, bytes, n);
    fclose(file);
    writer_add(&text, "", 1);
    return (char *)text.bytes;
}

/* The file of a scenario is one that is built in. */
static char *read_scenario(const char *path)
{
    const char *name = strrchr(path, '/');
    char        plain[64];
    if (!name || strlen(name) - 4 > sizeof plain) return NULL;
    snprintf(plain, sizeof plain, "%.*s", (int)strlen(name) - 5, name + 1);
    const char *text = scenarios_find(plain);
    return text ? strdup(text) : NULL;
}

transcript_t *lenient_read(const char *path, char *text, char *error, size_t size)
{
    char *soft = text ? lenient_text(text) : NULL;
    free(text);
    return transcript_read(path, soft, read_scenario, error, size);
}

transcript_t *lenient_open(const char *path, char *error, size_t size)
{
    return lenient_read(path, lenient_file(path), error, size);
}

/* ---- What would write the flash ----------------------------------------------------------------------------------- */

const step_t *lenient_writes_flash(const transcript_t *transcript)
{
    static const char *const words[] = { "_DEF",         "AT+RESTORE",  "AT+SAVETRANSLINK", "AT+SYSSTORE=1",
                                         "AT+SYSFLASH=", "AT+CIUPDATE", "AT+USEROTA" };
    for (size_t i = 0; i < transcript->steps; i++) {
        const step_t *step = &transcript->step[i];
        if (step->kind != STEP_IN && step->kind != STEP_PREPARE) continue;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            for (size_t at = 0; at + strlen(words[w]) <= step->n; at++)
                if (strncasecmp((const char *)step->bytes + at, words[w], strlen(words[w])) == 0) return step;
    }
    return NULL;
}
