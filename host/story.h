/* What happened on a modem's serial line in a recorded run, as a list of events: the places at which `cipmux torture` lets
 * something go wrong. An event is a command that was typed, a line that was printed, the header of received data, or payload,
 * either way. Each can be found again in another run: by its text and how often that has passed before. */
#ifndef HOST_STORY_H
#define HOST_STORY_H

#include "faults.h"
#include "transcript.h"
#include "writer.h"

typedef enum { STORY_LINE, STORY_HEADER, STORY_DATA } story_kind_t;

/* Behind so many bytes after the nth time that a text passed. The text is a part of the lane's bytes, FAULTS_TEXT at most,
 * without what may differ from run to run: it ends before a number of four digits or more, such as a port. */
typedef struct {
    size_t   at, length, after;
    unsigned nth; /* from 1 */
} story_place_t;

typedef struct {
    story_kind_t  kind;
    faults_lane_t lane;
    size_t        at, end;        /* its bytes in the lane; a printed line with its end and the empty line before it */
    story_place_t inside, behind; /* in its middle; at its end, of a typed line before the CR LF */
    uint8_t       open, udp;      /* bits of the links that are open then, and which of them are UDP */
    bool          multiple, joined, through; /* AT+CIPMUX=1, with an address, in passthrough */
    bool          dials;                     /* AT+CIPSTART */
} story_event_t;

typedef struct {
    writer_bytes_t lane[FAULTS_LANES];
    story_event_t *event;
    size_t         events;
    char           ssid[33]; /* of the network that was joined */
} story_t;

/* Reads the events out of a recording. To be freed with story_free(). */
void story_read(story_t *story, const transcript_t *recording);
void story_free(story_t *story);

/* How often the text at this place of a lane has passed when it ends, as `on ... nth=` counts. */
unsigned story_count(const writer_bytes_t *lane, size_t at, size_t length);

#endif
