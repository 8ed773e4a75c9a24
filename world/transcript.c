/* Reads transcripts: see transcript.h. */
#include "transcript.h"

#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    transcript_t *out;
    char *(*read_file)(const char *path);
    char    *error;
    size_t   size;
    unsigned line;
    size_t   bytes_used, bytes_size;
    size_t   steps_size, tokens_size;
    bool     in_body; /* the first step was read */
} reader_t;

static bool fail(reader_t *reader, const char *what)
{
    snprintf(reader->error, reader->size, "%s:%u: %s", reader->out->path, reader->line, what);
    return false;
}

static void *more(void *array, size_t *size, size_t used, size_t width)
{
    if (used < *size) {
        return array;
    }
    *size = *size == 0 ? 16 : *size * 2;
    array = realloc(array, *size * width);
    if (array == NULL) {
        abort();
    }
    return array;
}

/* ---- Bytes with escapes and masks ------------------------------------------------------------------------------------ */

/* The byte pool is as large as all repeats need, so that pointers into it stay valid. */
static void put_byte(reader_t *reader, uint8_t byte)
{
    reader->out->bytes[reader->bytes_used++] = byte;
}

static const struct {
    const char  *text;
    token_kind_t kind;
} masks[] = { { "{ip}", TOKEN_IP },
              { "{n}", TOKEN_NUMBER },
              { "{hex}", TOKEN_HEX },
              { "{mac}", TOKEN_MAC },
              { "{any}", TOKEN_ANY } };

/* The mask at *at, stepped over; TOKEN_LITERAL: none. */
static token_kind_t read_mask(const char **at)
{
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        size_t n = strlen(masks[i].text);
        if (strncmp(*at, masks[i].text, n) == 0) {
            *at += n;
            return masks[i].kind;
        }
    }
    return TOKEN_LITERAL;
}

static bool is_mask(const char *at)
{
    return read_mask(&at) != TOKEN_LITERAL;
}

/* One byte, escape or repeat at *at into the pool. */
static bool read_byte(reader_t *reader, const char **at)
{
    uint8_t byte = (uint8_t) * *at;
    size_t  times = 1;
    if (byte == '\\') {
        (*at)++;
        int escaped = words_escape(at);
        if (escaped < 0) {
            return fail(reader, "no such escape; there are \\r \\n \\t \\0 \\s \\\\ and \\xHH");
        }
        byte = (uint8_t)escaped;
    } else if (!words_repeat(at, &byte, &times)) {
        (*at)++;
    }
    for (; times > 0; times--) {
        put_byte(reader, byte);
    }
    return true;
}

/* How many bytes the repeats of the text add, at most. */
static size_t repeats_of(const char *text)
{
    size_t sum = 0;
    while (*text != '\0') {
        uint8_t byte;
        size_t  times;
        if (*text == '{' && words_repeat(&text, &byte, &times)) {
            sum += times;
        } else {
            text++;
        }
    }
    return sum;
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

static step_t *new_step(reader_t *reader, step_kind_t kind)
{
    transcript_t *out = reader->out;
    out->step = more(out->step, &reader->steps_size, out->steps, sizeof *out->step);
    step_t *step = &out->step[out->steps++];
    *step = (step_t){ .kind = kind, .line = reader->line, .token = out->tokens };
    return step;
}

static bool read_in(reader_t *reader, const char *text, step_kind_t kind)
{
    step_t *step = new_step(reader, kind);
    step->bytes = reader->out->bytes + reader->bytes_used;
    size_t begin = reader->bytes_used;
    while (*text != '\0') {
        if (!read_byte(reader, &text)) {
            return false;
        }
    }
    if (kind == STEP_PREPARE) {
        put_byte(reader, '\r');
        put_byte(reader, '\n');
    }
    step->n = reader->bytes_used - begin;
    return step->n > 0 || fail(reader, "no bytes");
}

static token_t *new_token(reader_t *reader, token_kind_t kind)
{
    transcript_t *out = reader->out;
    out->token = more(out->token, &reader->tokens_size, out->tokens, sizeof *out->token);
    token_t *token = &out->token[out->tokens++];
    *token = (token_t){ .kind = kind, .bytes = out->bytes + reader->bytes_used, .line = reader->line };
    return token;
}

/* In `lines`, CR and empty lines are no part of what is expected. `begin` is a new line. */
static void squeeze(reader_t *reader, token_t *token, bool *line_begins)
{
    uint8_t *to = (uint8_t *)token->bytes;
    size_t   n = 0;
    for (size_t i = 0; i < token->n; i++) {
        uint8_t byte = token->bytes[i];
        if (byte != '\r' && !(byte == '\n' && *line_begins)) {
            to[n++] = byte;
            *line_begins = byte == '\n';
        }
    }
    reader->bytes_used -= token->n - n;
    token->n = n;
}

static bool read_out(reader_t *reader, const char *text, bool *line_begins)
{
    transcript_t *out = reader->out;
    bool          joins = out->steps > 0 && out->step[out->steps - 1].kind == STEP_OUT;
    step_t       *step = joins ? &out->step[out->steps - 1] : new_step(reader, STEP_OUT);
    *line_begins = *line_begins || !joins;
    while (*text != '\0') {
        token_kind_t kind = read_mask(&text);
        token_t     *token = new_token(reader, kind);
        if (kind != TOKEN_LITERAL) {
            *line_begins = false;
            continue;
        }
        size_t begin = reader->bytes_used;
        while (*text != '\0' && !is_mask(text)) {
            if (!read_byte(reader, &text)) {
                return false;
            }
        }
        token->n = reader->bytes_used - begin;
        if (out->compare != COMPARE_BYTES) {
            squeeze(reader, token, line_begins);
        }
    }
    step->tokens = out->tokens - step->token;
    return true;
}

/* ---- Header ---------------------------------------------------------------------------------------------------- */

static void read_words(word_list_t *list, char *text)
{
    for (char *word = strtok(text, " \t"); word != NULL; word = strtok(NULL, " \t")) {
        list->word = realloc(list->word, (list->n + 1) * sizeof *list->word);
        if (list->word == NULL) {
            abort();
        }
        list->word[list->n++] = word;
    }
}

/* One of `n` names; -1: none, and an error. */
static int read_choice(reader_t *reader, char *text, const char *const *names, size_t n)
{
    char *word = strtok(text, " \t");
    for (size_t i = 0; word != NULL && i < n; i++) {
        if (strcmp(word, names[i]) == 0 && strtok(NULL, " \t") == NULL) {
            return (int)i;
        }
    }
    fail(reader, "a header has a value that it does not know");
    return -1;
}

/* Text with escapes, up to the line end. */
static bool read_gmr(reader_t *reader, const char *text)
{
    text += strspn(text, " \t");
    reader->out->gmr = (const char *)reader->out->bytes + reader->bytes_used;
    while (*text != '\0') {
        if (!read_byte(reader, &text)) {
            return false;
        }
    }
    put_byte(reader, '\0');
    return true;
}

/* examples/scenarios/NAME.txt of the repository in whose tests/transcripts/ this file is, or of where the program runs. */
static char *read_scenario(const reader_t *reader, const char *name)
{
    static const char below[] = "tests/transcripts/";
    const char       *root = NULL;
    char              path[1024];
    for (const char *at = reader->out->path; (at = strstr(at, below)) != NULL; at++) {
        root = at;
    }
    int length = root == NULL ? 0 : (int)(root - reader->out->path);
    int n = snprintf(path, sizeof path, "%.*sexamples/scenarios/%s.txt", length, reader->out->path, name);
    return n < (int)sizeof path && reader->read_file != NULL ? reader->read_file(path) : NULL;
}

/* Its lines become steps of the world. */
static bool read_scenario_steps(reader_t *reader, char *value)
{
    const char *name = strtok(value, " \t");
    if (name == NULL || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' ||
        reader->out->scenario != NULL) {
        return fail(reader, "expected the name of one scenario");
    }
    reader->out->scenario = read_scenario(reader, name);
    if (reader->out->scenario == NULL) {
        return fail(reader, "there is no such file in examples/scenarios/");
    }
    reader->out->scenario_name = name;
    reader->out->scenario_end = reader->out->scenario + strlen(reader->out->scenario);
    for (char *line = strtok(reader->out->scenario, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] != '#') {
            new_step(reader, STEP_WORLD)->words = line;
        }
    }
    return reader->out->steps > 0 || fail(reader, "that scenario says nothing");
}

static bool read_header(reader_t *reader, char *text)
{
    static const char *const compares[] = { "bytes", "lines", "order" };
    static const char *const starts[] = { "ready", "echo", "off" };
    static const char *const remarks[] = { "source", "firmware", "confidence", "shows", "note" };
    transcript_t            *out = reader->out;
    const struct {
        const char  *name;
        word_list_t *list;
    } lists[] = { { "dialect", &out->dialects },
                  { "covers", &out->covers },
                  { "reasons", &out->reasons },
                  { "timing", &out->timing },
                  { "quirk", &out->quirks } };
    text += strspn(text, " \t");
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    if (n == 0 || text[n] != ':') {
        return true; /* a comment */
    }
    char *value = text + n + 1;
    text[n] = '\0';
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(text, lists[i].name) == 0) {
            read_words(lists[i].list, value);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
        if (strcmp(text, remarks[i]) == 0) {
            return true;
        }
    }
    if (strcmp(text, "compare") == 0 || strcmp(text, "start") == 0) {
        bool compare = text[0] == 'c';
        int  choice = read_choice(reader, value, compare ? compares : starts, 3);
        out->compare = compare && choice >= 0 ? (compare_t)choice : out->compare;
        out->start = !compare && choice >= 0 ? (start_t)choice : out->start;
        return choice >= 0;
    }
    if (strcmp(text, "scenario") == 0) {
        return read_scenario_steps(reader, value);
    }
    if (strcmp(text, "gmr") == 0) {
        return read_gmr(reader, value);
    }
    if (strcmp(text, "fails") == 0) {
        out->fails = (unsigned)strtoul(value, NULL, 10);
        return out->fails > 0 || fail(reader, "expected the number of the line that fails");
    }
    return fail(reader, "no such header");
}

/* ---- The file -------------------------------------------------------------------------------------------------- */

static bool read_line(reader_t *reader, char *line, bool *line_begins)
{
    char mark = line[0];
    if (mark == '\0') {
        return true;
    }
    if (mark == '#') {
        return reader->in_body || read_header(reader, line + 1);
    }
    reader->in_body = true;
    if (line[1] != ' ' || strchr("><=@!", mark) == NULL) {
        return fail(reader, "expected one of > < = @ ! and a blank, or #");
    }
    char *text = line + 2;
    if (mark == '<') {
        return read_out(reader, text, line_begins);
    }
    if (mark == '>' || mark == '=') {
        return read_in(reader, text, mark == '>' ? STEP_IN : STEP_PREPARE);
    }
    if (mark == '!') {
        new_step(reader, STEP_WORLD)->words = text;
        return true;
    }
    return words_duration(text, strlen(text), &new_step(reader, STEP_WAIT)->us) ||
           fail(reader, "expected a time such as 20ms");
}

static bool read_all(reader_t *reader)
{
    transcript_t *out = reader->out;
    /* Each byte of the file gives at most one byte, and "= x" gives two more. */
    reader->bytes_size = strlen(out->text) * 2 + repeats_of(out->text) + 16;
    out->bytes = malloc(reader->bytes_size);
    if (out->bytes == NULL) {
        abort();
    }
    bool line_begins = true;
    for (char *line = out->text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        reader->line++;
        if (!read_line(reader, line, &line_begins)) {
            return false;
        }
    }
    return (out->dialects.n > 0 || fail(reader, "there is no # dialect:")) &&
           (out->steps > 0 || fail(reader, "there are no steps"));
}

transcript_t *transcript_read(const char *path, char *text, char *(*read_file)(const char *path), char *error,
                              size_t size)
{
    transcript_t *out = calloc(1, sizeof *out);
    size_t        length = strlen(path) + 1;
    if (out == NULL || (out->path = malloc(length)) == NULL) {
        abort();
    }
    memcpy(out->path, path, length);
    out->text = text;
    reader_t reader = { .out = out, .read_file = read_file, .error = error, .size = size };
    if (text != NULL ? read_all(&reader) : fail(&reader, "cannot be read")) {
        return out;
    }
    transcript_free(out);
    return NULL;
}

void transcript_free(transcript_t *transcript)
{
    free(transcript->path);
    free(transcript->text);
    free(transcript->scenario);
    free(transcript->bytes);
    free(transcript->step);
    free(transcript->token);
    free(transcript->dialects.word);
    free(transcript->covers.word);
    free(transcript->reasons.word);
    free(transcript->timing.word);
    free(transcript->quirks.word);
    free(transcript);
}
