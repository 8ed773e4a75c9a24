/* Which faults there are, where each makes sense, and its words: see catalogue.h. */
#include "catalogue.h"

#include "columns.h"

#include <stdlib.h>
#include <string.h>

enum {
    TYPED = 1, /* at what */
    PRINTED = 2,
    LINE = 4,
    HEADER = 8,
    DATA = 16,
    ANYWHERE = TYPED | PRINTED | LINE | HEADER | DATA,
    TEXTS = LINE | HEADER,
    DIAL = 32,      /* and only when: it dials, */
    OPEN = 64,      /* a link is open: once for each, */
    OPEN_TCP = 128, /* of TCP, */
    JOINED = 256,
    MULTIPLE = 512, /* AT+CIPMUX=1, with a free id */
    PEER = 1024,    /* in the frame of a link that is open: once */
};

/* In the words: %I is "on LANE TEXT" in the middle of the event, %B at its end, %L the lane, %N the link, %P what stands
 * before a frame's length, %S the network, %G the text without its line end. */
static const struct {
    const char *name, *about, *words;
    unsigned    at;
} faults[] = {
    { "byte-lost", "one byte is lost", "%I %L loses 1", ANYWHERE },
    { "byte-flipped", "one bit is wrong", "%I %L flips 1", ANYWHERE },
    { "late", "its second half comes a second late", "%I %L waits 1s", ANYWHERE },
    { "lost", "the text is lost", "%B match lost", TYPED | PRINTED | TEXTS },
    { "twice", "the text comes twice", "%B match twice", PRINTED | LINE },
    { "overtaken", "the text comes a second later, behind others", "%B match late=1s", PRINTED | LINE },
    { "glued", "its line end is lost", "%B match becomes=%G", PRINTED | LINE },
    { "busy", "the modem is busy and does not take it", "%B match lost\n%B printed adds \"busy p...\\r\\n\"",
      TYPED | LINE },
    { "long-line", "a line of 240 bytes follows", "%B printed adds \"{x*238}\\r\\n\"", ANYWHERE },
    { "data", "link %N gets OK, ERROR, SEND OK and CLOSED as data then",
      "%B printed adds \"\\r\\n+IPD,%P30:\\r\\nOK\\r\\nERROR\\r\\nSEND OK\\r\\nCLOSED\\r\\n\"", ANYWHERE | PEER },
    { "connect", "CONNECT of link %N stands in it", "%I printed adds \"%N,CONNECT\\r\\n\"", TYPED | TEXTS | MULTIPLE },
    { "closes", "link %N is closed", "%B link %N closes", ANYWHERE | OPEN_TCP },
    { "resets", "link %N is reset", "%B link %N resets", ANYWHERE | OPEN_TCP },
    { "vanishes", "the peer of link %N is gone without a word", "%B link %N vanishes", ANYWHERE | OPEN },
    { "stalls", "the peer of link %N takes nothing any more", "%B link %N stalls", ANYWHERE | OPEN },
    { "refused", "the dial is refused", "%B refuse any once", TYPED | LINE | DIAL },
    { "dial-reset", "the dial meets a reset", "%B reset any once", TYPED | LINE | DIAL },
    { "dial-late", "the dial takes three seconds", "%B late any after=3s once", TYPED | LINE | DIAL },
    { "kicked", "the access point throws the modem out", "%B kick", ANYWHERE | JOINED },
    { "ap-gone", "the access point is gone for three seconds", "%B ap-gone ssid=%S\n%B in 3s ap-back ssid=%S",
      ANYWHERE | JOINED },
    { "reset", "the modem restarts", "%B reset-pin", ANYWHERE },
};
enum { FAULTS = sizeof faults / sizeof *faults };

static const char *const lanes[] = { [FAULTS_TYPED] = "typed", [FAULTS_PRINTED] = "printed" };

const char *catalogue_name(size_t fault)
{
    return fault < FAULTS ? faults[fault].name : NULL;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static bool is_listed(const char *only, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
    return !only;
}

static bool makes_sense(const story_t *story, const story_event_t *event, size_t fault)
{
    static const unsigned kinds[] = { [STORY_LINE] = LINE, [STORY_HEADER] = HEADER, [STORY_DATA] = DATA };
    const unsigned        at = faults[fault].at;
    if (!(at & (event->lane == FAULTS_TYPED ? TYPED : PRINTED)) || !(at & kinds[event->kind])) return false;
    if (at & DIAL && !event->dials) return false;
    if (at & JOINED && !event->joined) return false;
    if (at & (PEER | MULTIPLE) && event->through) return false;
    if (at & MULTIPLE && !event->multiple) return false;
    return strcmp(faults[fault].name, "glued") != 0 || /* the text must reach its line end */
           story->lane[event->lane].bytes[event->behind.at + event->behind.length - 1] == '\n';
}

/* The links that it is about, as bits; 1 for what is about none. */
static unsigned links_of(const story_event_t *event, unsigned at)
{
    const unsigned all = (1u << CIPMUX_LINKS) - 1, open = event->open & all, lowest = open & (0 - open),
                   unused = all & ~open;
    if (at & OPEN_TCP) return open & ~(unsigned)event->udp;
    if (at & OPEN) return open;
    if (at & PEER) return lowest;
    if (at & MULTIPLE) return unused & (0 - unused);
    return 1;
}

size_t catalogue_plan(const story_t *story, const char *only, ordeal_t **out)
{
    size_t n = 0, room = story->events * FAULTS * CIPMUX_LINKS;
    *out = malloc((room ? room : 1) * sizeof **out);
    if (!*out) abort();
    for (size_t e = 0; e < story->events; e++)
        for (size_t f = 0; f < FAULTS; f++) {
            if (!is_listed(only, faults[f].name) || !makes_sense(story, &story->event[e], f)) continue;
            const unsigned links = links_of(&story->event[e], faults[f].at);
            for (unsigned link = 0; link < CIPMUX_LINKS; link++)
                if (links >> link & 1)
                    (*out)[n++] = (ordeal_t){ .event = e, .fault = (uint8_t)f, .link = (uint8_t)link };
        }
    return n;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static void add(writer_bytes_t *out, const char *text)
{
    writer_add(out, text, strlen(text));
}

static void add_quoted(writer_bytes_t *out, const void *bytes, size_t n)
{
    add(out, "\"");
    writer_escape(out, bytes, n, true);
    add(out, "\"");
}

static void add_place(writer_bytes_t *out, const story_t *story, const story_event_t *event, const story_place_t *place)
{
    char number[64] = "";
    add(out, "on ");
    add(out, lanes[event->lane]);
    add(out, " ");
    add_quoted(out, story->lane[event->lane].bytes + place->at, place->length);
    snprintf(number, sizeof number, " nth=%u", place->nth);
    add(out, number);
    snprintf(number, sizeof number, " after=%zu", place->after);
    if (place->after > 0) add(out, number);
}

static void add_template(writer_bytes_t *out, const char *text, const story_t *story, const ordeal_t *ordeal)
{
    const story_event_t *event = &story->event[ordeal->event];
    const char           id[] = { (char)('0' + ordeal->link), '\0' };
    for (; *text; text++) {
        if (*text != '%') {
            writer_add(out, text, 1);
            continue;
        }
        switch (*++text) {
        case 'N': add(out, id); break;
        case 'I': add_place(out, story, event, &event->inside); break;
        case 'B': add_place(out, story, event, &event->behind); break;
        case 'L': add(out, lanes[event->lane]); break;
        case 'S': add_quoted(out, story->ssid, strlen(story->ssid)); break;
        case 'G': add_quoted(out, story->lane[event->lane].bytes + event->behind.at, event->behind.length - 2); break;
        case 'P':
            if (event->multiple) add(out, id), add(out, ",");
            break;
        default: break;
        }
    }
}

void catalogue_words(const story_t *story, const ordeal_t *ordeal, writer_bytes_t *out)
{
    add_template(out, faults[ordeal->fault].words, story, ordeal);
    add(out, "\n");
}

void catalogue_about(const ordeal_t *ordeal, writer_bytes_t *out)
{
    const char  id = ordeal->link < CIPMUX_LINKS ? (char)('0' + ordeal->link) : 'n';
    const char *text = faults[ordeal->fault].about, *link = strstr(text, "%N");
    if (link) {
        writer_add(out, text, (size_t)(link - text));
        writer_add(out, &id, 1);
        text = link + 2;
    }
    add(out, text);
}

/* Without the line end and the empty line before. */
void catalogue_event(const story_t *story, const ordeal_t *ordeal, writer_bytes_t *out)
{
    enum { SHOWN = 40 };
    char                 number[64] = "";
    const story_event_t *event = &story->event[ordeal->event];
    const uint8_t       *bytes = story->lane[event->lane].bytes;
    size_t               at = event->kind == STORY_DATA ? event->behind.at : event->at;
    size_t               end = event->kind == STORY_DATA ? at + event->behind.length : event->end;
    while (at < end && (bytes[at] == '\r' || bytes[at] == '\n'))
        at++;
    while (end > at && (bytes[end - 1] == '\r' || bytes[end - 1] == '\n'))
        end--;
    add(out, lanes[event->lane]);
    add(out, event->kind == STORY_DATA ? " data of " : " ");
    add_quoted(out, bytes + at, end - at > SHOWN ? SHOWN : end - at);
    snprintf(number, sizeof number, " #%u", event->behind.nth);
    add(out, number);
}

void catalogue_print(FILE *out)
{
    for (size_t i = 0; i < FAULTS; i++) {
        writer_bytes_t about = { 0 };
        catalogue_about(&(ordeal_t){ .fault = (uint8_t)i, .link = CIPMUX_LINKS }, &about);
        writer_add(&about, "", 1);
        columns_row(out, 0, 14, faults[i].name, (const char *)about.bytes);
        free(about.bytes);
    }
}
