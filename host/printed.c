/* See printed.h. */
#include "printed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void printed_init(printed_reader_t *reader, void (*found)(void *context, const printed_t *printed), void *context)
{
    *reader = (printed_reader_t){ .found = found, .context = context };
}

static void begin(printed_reader_t *reader)
{
    reader->now = (printed_t){ .link = -1, .glued = reader->behind_frame };
}

static void tell(printed_reader_t *reader, printed_kind_t kind)
{
    reader->now.kind = kind;
    reader->now.text[reader->now.n] = '\0';
    if (kind != PRINTED_LINE || reader->now.n > 0) reader->found(reader->context, &reader->now);
    reader->behind_frame = kind == PRINTED_FRAME || kind == PRINTED_SHORT;
    begin(reader);
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

/* The numbers of a header, up to its colon: "0,5", "5", "0,5,\"10.0.2.2\",5000". False: it is none. */
static bool read_header(const char *text, size_t n, int *link, uint32_t *length)
{
    long   number[2] = { -1, -1 };
    size_t numbers = 0;
    for (size_t i = 0; i < n && numbers < 2;) {
        if (!isdigit((unsigned char)text[i])) break;
        char *end;
        number[numbers++] = strtol(text + i, &end, 10);
        i = (size_t)(end - text) + 1;
        if (i <= n && *end != ',') break;
    }
    if (numbers == 0 || number[numbers - 1] < 0 || number[numbers - 1] > 65535) return false;
    *link = numbers == 2 ? (int)number[0] : -1;
    *length = (uint32_t)number[numbers - 1];
    return *length > 0 && *link < 5;
}

/* The line so far ends with a frame's header. */
static bool header(printed_reader_t *reader)
{
    static const struct {
        const char *name;
        char        end;
        bool        pulled;
    } forms[] = { { "+IPD,", ':', false }, { "+CIPRECVDATA,", ':', true }, { "+CIPRECVDATA:", ',', true } };
    printed_t *now = &reader->now;
    now->text[now->n] = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *at = strstr(now->text, forms[i].name), *from = at ? at + strlen(forms[i].name) : NULL;
        int         link;
        uint32_t    length;
        if (!at || now->text[now->n - 1] != forms[i].end || from >= now->text + now->n - 1) continue;
        if (!read_header(from, (size_t)(now->text + now->n - 1 - from), &link, &length)) continue;
        const unsigned line = now->line;
        if (at > now->text) { /* what stands before it is a line of its own */
            now->n = (size_t)(at - now->text);
            tell(reader, PRINTED_LINE);
            reader->now.line = line;
        }
        now->n = 0;
        now->link = forms[i].pulled ? -1 : link;
        now->length = reader->left = length;
        now->pulled = forms[i].pulled;
        reader->tails = 0;
        return true;
    }
    return false;
}

/* An answer, or another frame, where payload should be. Its begin in the last bytes, or NULL. */
static const char *answer_inside(const printed_reader_t *reader)
{
    static const char *const answers[] = { "\r\nSEND OK\r\n", "\r\nOK\r\n", "\r\nERROR\r\n", "\r\n+IPD," };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const size_t n = strlen(answers[i]);
        if (reader->tails >= n && memcmp(reader->tail + reader->tails - n, answers[i], n) == 0)
            return reader->tail + reader->tails - n;
    }
    return NULL;
}

static void payload(printed_reader_t *reader, uint8_t byte)
{
    char        again[sizeof reader->tail];
    const char *inside;
    if (reader->tails == sizeof reader->tail) memmove(reader->tail, reader->tail + 1, --reader->tails);
    reader->tail[reader->tails++] = (char)byte;
    reader->left -= byte == '\n' && reader->lf_only && reader->left > 1 ? 2 : 1;
    if (reader->left == 0) {
        tell(reader, PRINTED_FRAME);
    } else if (reader->waits && (inside = answer_inside(reader)) != NULL) {
        const size_t n = (size_t)(reader->tail + reader->tails - inside);
        memcpy(again, inside, n);
        reader->now.missing = reader->left + (uint32_t)n;
        reader->left = 0;
        const unsigned line = reader->now.line;
        tell(reader, PRINTED_SHORT);
        for (size_t i = 0; i < n; i++)
            printed_byte(reader, line, (uint8_t)again[i]);
    }
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

void printed_byte(printed_reader_t *reader, unsigned line, uint8_t byte)
{
    printed_t *now = &reader->now;
    if (reader->left > 0) {
        payload(reader, byte);
        return;
    }
    if (byte == '\n') {
        tell(reader, PRINTED_LINE);
        return;
    }
    if (byte == '\r') return;
    if (now->n == 0 && byte == ' ') return; /* behind the prompt */
    if (now->n == 0) now->line = line;
    if (now->n == 0 && byte == '>') {
        tell(reader, PRINTED_PROMPT);
        return;
    }
    if (now->n == PRINTED_TEXT) tell(reader, PRINTED_LINE);
    now->text[now->n++] = (char)byte;
    if (byte == ':' || byte == ',') (void)header(reader);
}

void printed_end(printed_reader_t *reader)
{
    if (reader->left > 0) {
        reader->now.missing = reader->left;
        reader->left = 0;
        tell(reader, PRINTED_SHORT);
    }
    tell(reader, PRINTED_LINE);
}
