/* Compares output with expectation: see match.h.
 *
 * The matcher is a plain backtracking one: a mask tries the shortest text first, and the whole output must be used up. */
#include "match.h"

#include <string.h>

typedef struct {
    const token_t *token;
    size_t         tokens;
    const uint8_t *out;
    size_t         n;
    bool           drop_last_newline; /* of the expectation: `lines` */
    match_place_t  place;             /* indices relative to `token` */
} matcher_t;

static void remember(matcher_t *m, size_t token, size_t offset, size_t at)
{
    if (at >= m->place.at) {
        m->place = (match_place_t){ .token = token, .offset = offset, .at = at };
    }
}

static size_t literal_length(const matcher_t *m, size_t token)
{
    size_t n = m->token[token].n;
    bool   drop = m->drop_last_newline && token + 1 == m->tokens && n > 0 && m->token[token].bytes[n - 1] == '\n';
    return drop ? n - 1 : n;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* May this text of `n` bytes be the begin of what the mask stands for? */
static bool mask_begins(token_kind_t kind, const uint8_t *text, size_t n)
{
    uint8_t last = text[n - 1];
    switch (kind) {
    case TOKEN_IP: return n <= 15 && (is_digit(last) || (last == '.' && n > 1 && text[n - 2] != '.'));
    case TOKEN_NUMBER: return is_digit(last) || (last == '-' && n == 1);
    case TOKEN_HEX: return is_hex(last);
    case TOKEN_MAC: return n <= 17 && (n % 3 == 0 ? last == ':' : is_hex(last));
    case TOKEN_ANY: return true;
    case TOKEN_LITERAL: break;
    }
    return false;
}

/* Is it complete? Only asked when mask_begins() said yes to every length up to n. */
static bool mask_complete(token_kind_t kind, const uint8_t *text, size_t n)
{
    size_t dots = 0;
    for (size_t i = 0; i < n; i++) {
        dots += text[i] == '.' ? 1 : 0;
    }
    switch (kind) {
    case TOKEN_IP: return dots == 3 && is_digit(text[n - 1]);
    case TOKEN_NUMBER: return n > 0 && is_digit(text[n - 1]);
    case TOKEN_HEX: return n > 0;
    case TOKEN_MAC: return n == 17;
    case TOKEN_ANY: return true;
    case TOKEN_LITERAL: break;
    }
    return false;
}

static match_t match_from(matcher_t *m, size_t token, size_t at);

static match_t match_mask(matcher_t *m, size_t token, size_t at)
{
    token_kind_t kind = m->token[token].kind;
    match_t      best = MATCH_NO;
    for (size_t n = 0; at + n <= m->n; n++) {
        if (n > 0 && !mask_begins(kind, m->out + at, n)) {
            return best;
        }
        if (mask_complete(kind, m->out + at, n)) {
            match_t rest = match_from(m, token + 1, at + n);
            if (rest == MATCH_FULL) {
                return rest;
            }
            best = rest == MATCH_PARTIAL ? rest : best;
        }
        if (n == 0 || kind != TOKEN_ANY) remember(m, token, 0, at + n);
    }
    return MATCH_PARTIAL; /* the output ended inside the mask */
}

static match_t match_from(matcher_t *m, size_t token, size_t at)
{
    if (token == m->tokens) {
        remember(m, token, 0, at);
        return at == m->n ? MATCH_FULL : MATCH_NO;
    }
    if (m->token[token].kind != TOKEN_LITERAL) {
        return match_mask(m, token, at);
    }
    size_t length = literal_length(m, token);
    for (size_t i = 0; i < length; i++) {
        if (at + i == m->n || m->out[at + i] != m->token[token].bytes[i]) {
            /* {any} tries every place: that the text does not begin there says nothing */
            if (i > 0 || token == 0 || m->token[token - 1].kind != TOKEN_ANY) remember(m, token, i, at + i);
            return at + i == m->n ? MATCH_PARTIAL : MATCH_NO;
        }
    }
    return match_from(m, token + 1, at + length);
}

/* ---- order: one expected line after the other ---------------------------------------------------------------------- */

typedef struct {
    size_t token, offset; /* where the next expected line begins */
} line_start_t;

enum { LINE_TOKENS = 32 };

/* Cuts the next expected line out of the tokens. 0: there is none. */
static size_t next_line(const transcript_t *transcript, const step_t *step, line_start_t *at, token_t *line)
{
    size_t n = 0;
    while (at->token < step->token + step->tokens && n < LINE_TOKENS) {
        token_t piece = transcript->token[at->token];
        if (piece.kind == TOKEN_LITERAL) {
            piece.bytes += at->offset;
            piece.n -= at->offset;
            const uint8_t *end = memchr(piece.bytes, '\n', piece.n);
            if (end != NULL) {
                at->offset += (size_t)(end - piece.bytes) + 1;
                piece.n = (size_t)(end - piece.bytes);
                line[n++] = piece;
                return n;
            }
        }
        if (piece.kind != TOKEN_LITERAL || piece.n > 0) {
            line[n++] = piece;
        }
        at->token++;
        at->offset = 0;
    }
    return n;
}

static match_t match_order(const transcript_t *transcript, const step_t *step, const uint8_t *out, size_t n,
                           size_t *used, match_place_t *place)
{
    line_start_t start = { step->token, 0 }, next = start;
    token_t      line[LINE_TOKENS];
    size_t       tokens = next_line(transcript, step, &next, line), at = 0;
    while (tokens > 0 && at < n) {
        const uint8_t *end = memchr(out + at, '\n', n - at);
        size_t         stop = end == NULL ? n : (size_t)(end - out) + 1;
        uint8_t        clean[4096];
        size_t         length = stop - at < sizeof clean ? stop - at : sizeof clean;
        memcpy(clean, out + at, length);
        matcher_t m = { .token = line, .tokens = tokens, .out = clean, .n = match_squeeze(clean, length) };
        if (match_from(&m, 0, 0) == MATCH_FULL) {
            start = next;
            tokens = next_line(transcript, step, &next, line);
            *used = stop;
        }
        at = stop;
    }
    *place = (match_place_t){ .token = start.token, .offset = start.offset, .at = n };
    place->line = start.token < transcript->tokens ? transcript->token[start.token].line : step->line;
    return tokens == 0 ? MATCH_FULL : MATCH_PARTIAL;
}

/* ---- The two doors ------------------------------------------------------------------------------------------------- */

match_t match(const transcript_t *transcript, const step_t *step, const uint8_t *output, size_t n, size_t *used,
              match_place_t *place)
{
    *used = 0;
    if (transcript->compare == COMPARE_ORDER) {
        return match_order(transcript, step, output, n, used, place);
    }
    matcher_t m = { .token = transcript->token + step->token,
                    .tokens = step->tokens,
                    .out = output,
                    .n = n,
                    .drop_last_newline = transcript->compare == COMPARE_LINES };
    match_t   result = match_from(&m, 0, 0);
    *used = n;
    *place = m.place;
    place->token += step->token;
    place->line = m.place.token < m.tokens ? m.token[m.place.token].line : m.token[m.tokens - 1].line;
    return result;
}

size_t match_squeeze(uint8_t *bytes, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\r' && !(bytes[i] == '\n' && (to == 0 || bytes[to - 1] == '\n'))) {
            bytes[to++] = bytes[i];
        }
    }
    return to > 0 && bytes[to - 1] == '\n' ? to - 1 : to;
}
