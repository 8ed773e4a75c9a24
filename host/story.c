/* A recording, read as events: see story.h. */
#include "story.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DIGITS = 4 };

/* What is known while it is read. */
typedef struct {
    story_t *story;
    bool     typed; /* something was: before, nobody listens */
    uint8_t  open, udp;
    bool     multiple, joined, through;
    size_t   line[FAULTS_LANES];                       /* where the present line begins */
    size_t   left[FAULTS_LANES], header[FAULTS_LANES]; /* of payload: bytes to come, and the event before it */
    size_t   blank;                                    /* where an empty line before the printed one begins */
    bool     asked, asked_through;                     /* AT+CIPSEND, whose prompt has not come */
    size_t   asked_bytes, asked_by;                    /* its length, and its event */
} reader_t;

/* ---- Places ------------------------------------------------------------------------------------------------------ */

unsigned story_count(const writer_bytes_t *lane, size_t at, size_t length)
{
    unsigned times = 0;
    for (size_t i = 0; i + length <= at + length;) {
        const bool here = memcmp(lane->bytes + i, lane->bytes + at, length) == 0;
        times += here;
        i += here ? length : 1;
    }
    return times;
}

/* How much of a text is the same in each run. */
static size_t steady(const uint8_t *bytes, size_t n)
{
    size_t digits = 0;
    for (size_t i = 0; i < n; i++) {
        digits = isdigit(bytes[i]) ? digits + 1 : 0;
        if (digits == DIGITS) return i + 1 - DIGITS;
    }
    return n;
}

/* The place at `to`, found by the text from `from` on, or the end of that. length 0: there is none. */
static story_place_t place(const writer_bytes_t *lane, size_t from, size_t to)
{
    story_place_t place = { .at = from, .length = steady(lane->bytes + from, to - from) };
    if (place.length == 0) return (story_place_t){ .length = 0 };
    if (place.length > FAULTS_TEXT) {
        place.at += place.length - FAULTS_TEXT;
        place.length = FAULTS_TEXT;
    }
    place.nth = story_count(lane, place.at, place.length);
    return place;
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static story_event_t *add(reader_t *reader, story_kind_t kind, faults_lane_t lane, size_t at, size_t end)
{
    story_t *story = reader->story;
    if ((story->events & (story->events - 1)) == 0) /* 0 or a power of two: it is full */
        story->event = realloc(story->event, (story->events ? 2 * story->events : 1) * sizeof *story->event);
    if (!story->event) abort();
    story_event_t *event = &story->event[story->events++];
    *event = (story_event_t){ .kind = kind,
                              .lane = lane,
                              .at = at,
                              .end = end,
                              .open = reader->open,
                              .udp = reader->udp,
                              .multiple = reader->multiple,
                              .joined = reader->joined,
                              .through = reader->through };
    return event;
}

/* A line; one that no place tells apart is no event. */
static story_event_t *add_line(reader_t *reader, story_kind_t kind, faults_lane_t lane, size_t at, size_t end)
{
    const writer_bytes_t *bytes = &reader->story->lane[lane];
    const size_t          half = (end - at + 1) / 2;
    const story_place_t   behind = place(bytes, at, end);
    if (!reader->typed || behind.length == 0) return NULL;
    story_event_t *event = add(reader, kind, lane, at, end);
    event->behind = behind;
    event->inside = place(bytes, at, at + (half < FAULTS_TEXT ? half : FAULTS_TEXT));
    if (event->inside.length == 0) event->inside = behind;
    return event;
}

/* Payload that ends here; it is found by the line before it. */
static void add_data(reader_t *reader, faults_lane_t lane, size_t n)
{
    const story_t *story = reader->story;
    const size_t   end = story->lane[lane].n, header = reader->header[lane];
    if (n == 0 || header == SIZE_MAX) return;
    story_event_t *event = add(reader, STORY_DATA, lane, end - n, end);
    event->inside = event->behind = story->event[header].behind;
    event->behind.after = end - (event->behind.at + event->behind.length);
    event->inside.after = event->behind.after - n / 2;
}

/* ---- What is typed ----------------------------------------------------------------------------------------------- */

static bool begins(const char *line, const char *with)
{
    return strncasecmp(line, with, strlen(with)) == 0;
}

/* AT+CIPSEND and its kin: payload follows the prompt. */
static void ask(reader_t *reader, const char *line, size_t event)
{
    const char *equals = strchr(line, '='), *comma = equals ? strchr(equals, ',') : NULL;
    const char *length = !equals ? NULL : reader->multiple && comma ? comma + 1 : equals + 1;
    reader->asked = true;
    reader->asked_through = !equals;
    reader->asked_bytes = length ? strtoul(length, NULL, 10) : 0;
    reader->asked_by = event;
}

static void command(reader_t *reader, const char *line, size_t event)
{
    story_t *story = reader->story;
    reader->asked = false;
    if (begins(line, "AT+CIPSEND")) ask(reader, line, event);
    if (begins(line, "AT+CIPMUX=")) reader->multiple = begins(line, "AT+CIPMUX=1");
    if (begins(line, "AT+CIPSTART=")) {
        const unsigned bit = reader->multiple && isdigit((unsigned char)line[12]) ? (unsigned)(line[12] - '0') & 7 : 0;
        const bool     udp = strstr(line, "UDP") != NULL;
        reader->udp = (uint8_t)((reader->udp & ~(1u << bit)) | (unsigned)udp << bit);
        if (event < story->events) story->event[event].dials = !udp;
    }
    const char *quote = begins(line, "AT+CWJAP") ? strchr(line, '"') : NULL;
    if (quote && strcspn(quote + 1, "\"") < sizeof story->ssid)
        snprintf(story->ssid, sizeof story->ssid, "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
}

/* Copies a line as text. */
static void text_of(const writer_bytes_t *lane, size_t at, size_t end, char *text, size_t size)
{
    size_t n = end - at < size ? end - at : size - 1;
    memcpy(text, lane->bytes + at, n);
    text[n] = '\0';
}

static void typed_byte(reader_t *reader)
{
    char                  text[256] = "";
    const writer_bytes_t *lane = &reader->story->lane[FAULTS_TYPED];
    size_t               *left = &reader->left[FAULTS_TYPED], *line = &reader->line[FAULTS_TYPED], end = lane->n;
    if (*left > 0) {
        if (--*left == 0) add_data(reader, FAULTS_TYPED, reader->asked_bytes);
        *line = lane->n;
        return;
    }
    if (lane->bytes[end - 1] != '\n') return;
    while (end > *line && (lane->bytes[end - 1] == '\n' || lane->bytes[end - 1] == '\r'))
        end--;
    const size_t event = add_line(reader, STORY_LINE, FAULTS_TYPED, *line, end) ? reader->story->events - 1 : SIZE_MAX;
    text_of(lane, *line, end, text, sizeof text);
    command(reader, text, event);
    *line = lane->n;
}

/* In passthrough each burst is an event; "+++" alone ends it. */
static void typed_through(reader_t *reader, size_t n)
{
    const writer_bytes_t *lane = &reader->story->lane[FAULTS_TYPED];
    if (n == 3 && memcmp(lane->bytes + lane->n - 3, "+++", 3) == 0) reader->through = false;
    add_line(reader, STORY_LINE, FAULTS_TYPED, lane->n - n, lane->n);
    reader->line[FAULTS_TYPED] = lane->n;
}

static void typed(reader_t *reader, const uint8_t *bytes, size_t n)
{
    writer_bytes_t *lane = &reader->story->lane[FAULTS_TYPED];
    if (n == 0) return;
    reader->typed = true;
    if (reader->through) {
        writer_add(lane, bytes, n);
        typed_through(reader, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        writer_add(lane, bytes + i, 1);
        typed_byte(reader);
    }
}

/* ---- What is printed --------------------------------------------------------------------------------------------- */

/* Links come and go. */
static void printed_line(reader_t *reader, const char *text)
{
    const bool     numbered = isdigit((unsigned char)text[0]) && text[1] == ',';
    const unsigned bit = numbered ? 1u << ((unsigned)(text[0] - '0') & 7) : 1;
    const char    *what = numbered ? text + 2 : text;
    if (strncmp(what, "CONNECT", 7) == 0) reader->open |= (uint8_t)bit;
    if (strncmp(what, "CLOSED", 6) == 0) reader->open &= (uint8_t)~bit;
    if (strcmp(text, "WIFI GOT IP") == 0) reader->joined = true;
    if (strcmp(text, "WIFI DISCONNECT") == 0) reader->joined = false;
    if (strcmp(text, "ready") == 0) reader->open = 0, reader->multiple = reader->joined = false;
}

static void end_line(reader_t *reader)
{
    char                  text[64];
    const writer_bytes_t *lane = &reader->story->lane[FAULTS_PRINTED];
    size_t               *line = &reader->line[FAULTS_PRINTED], end = lane->n;
    while (end > *line && (lane->bytes[end - 1] == '\n' || lane->bytes[end - 1] == '\r'))
        end--;
    if (end > *line) {
        text_of(lane, *line, end, text, sizeof text);
        printed_line(reader, text);
        add_line(reader, STORY_LINE, FAULTS_PRINTED, reader->blank != SIZE_MAX ? reader->blank : *line, lane->n);
    }
    reader->blank = end > *line ? SIZE_MAX : *line;
    *line = lane->n;
}

/* "+IPD,0,5:" or "+IPD,5:", with an address behind or not: the bytes of payload. */
static size_t payload_of(const char *header)
{
    char         *end;
    const char   *comma = strchr(header, ',');
    unsigned long first = strtoul(comma + 1, &end, 10), second;
    if (*end != ',') return first;
    second = strtoul(end + 1, &end, 10);
    return *end == '.' || *end == '"' ? first : second;
}

/* What no line end follows: the prompt, and a header. */
static void look_inside(reader_t *reader)
{
    char                  text[64];
    const writer_bytes_t *lane = &reader->story->lane[FAULTS_PRINTED];
    size_t               *line = &reader->line[FAULTS_PRINTED];
    text_of(lane, *line, lane->n, text, sizeof text);
    if (reader->asked && strcmp(text, ">") == 0) {
        add_line(reader, STORY_LINE, FAULTS_PRINTED, reader->blank != SIZE_MAX ? reader->blank : *line, lane->n);
        reader->asked = false;
        reader->through = reader->asked_through;
        reader->left[FAULTS_TYPED] = reader->asked_bytes;
        reader->header[FAULTS_TYPED] = reader->asked_by;
    } else if (lane->bytes[lane->n - 1] == ':' && (begins(text, "+IPD,") || begins(text, "+CIPRECVDATA,"))) {
        const bool found = add_line(reader, STORY_HEADER, FAULTS_PRINTED, *line, lane->n);
        reader->left[FAULTS_PRINTED] = payload_of(text);
        reader->header[FAULTS_PRINTED] = found ? reader->story->events - 1 : SIZE_MAX;
    } else if (strcmp(text, " ") != 0) { /* behind the prompt */
        return;
    }
    reader->blank = SIZE_MAX;
    *line = lane->n;
}

static void printed(reader_t *reader, const uint8_t *bytes, size_t n)
{
    writer_bytes_t *lane = &reader->story->lane[FAULTS_PRINTED];
    size_t         *left = &reader->left[FAULTS_PRINTED], *line = &reader->line[FAULTS_PRINTED];
    for (size_t i = 0; i < n; i++) {
        writer_add(lane, bytes + i, 1);
        if (*left > 0) {
            const story_event_t *header = reader->header[FAULTS_PRINTED] < reader->story->events
                                              ? &reader->story->event[reader->header[FAULTS_PRINTED]]
                                              : NULL;
            if (--*left == 0 && header) add_data(reader, FAULTS_PRINTED, lane->n - header->end);
            *line = lane->n;
        } else if (bytes[i] == '\n') {
            end_line(reader);
        } else {
            look_inside(reader);
        }
    }
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

void story_read(story_t *story, const transcript_t *recording)
{
    reader_t reader = { .story = story, .blank = SIZE_MAX };
    *story = (story_t){ .ssid = "lab" };
    for (size_t i = 0; i < FAULTS_LANES; i++)
        reader.header[i] = SIZE_MAX;
    for (size_t i = 0; i < recording->steps; i++) {
        const step_t *step = &recording->step[i];
        if (step->kind == STEP_IN) typed(&reader, step->bytes, step->n);
        for (size_t t = 0; step->kind == STEP_OUT && t < step->tokens; t++) {
            const token_t *token = &recording->token[step->token + t];
            if (token->kind == TOKEN_LITERAL)
                printed(&reader, token->bytes, token->n);
            else
                printed(&reader, (const uint8_t *)"0000", 4); /* a number that differs from run to run */
        }
    }
}

void story_free(story_t *story)
{
    for (size_t i = 0; i < FAULTS_LANES; i++)
        free(story->lane[i].bytes);
    free(story->event);
}
