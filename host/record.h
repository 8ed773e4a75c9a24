/* A session of one modem as a transcript, in the language of docs/TRANSCRIPTS.md: --record=FILE.
 *
 * A transcript is played in virtual time, where all that can happen at an instant has happened before the next step. So
 * while a modem is recorded
 *   - what it has to say is taken before each event and before each typed byte, and waits here for the wire;
 *   - each event of a link, and each piece that was typed, has a round of the board's turn to itself;
 *   - bytes of a peer come in segments.
 * What has its place before the step that caused it, but is known only later (who answers at a dialled address, and when),
 * gets a line that is filled in later. The file is written by record_close(): all is kept in memory until then.
 *
 * Every function may be called with NULL, and then does nothing: this modem is not recorded. Beginning with record_settle()
 * each is to be called where the modem meets that, in the order in which it does. */
#ifndef HOST_RECORD_H
#define HOST_RECORD_H

#include "cipmux.h"

#include <stdio.h>

typedef struct record record_t;

enum {
    RECORD_SEGMENT = 1460, /* as a simulated peer sends */
    RECORD_WAITING = 8192, /* bytes for the wire; with more, nothing new happens to the modem */
};

/* Into `file`, which belongs to the record from now on. NULL: no memory. */
record_t *record_open(FILE *file, cipmux_t *modem, const cipmux_config_t *config, uint64_t now_us);
/* The module's settings are kept; `new`: for the first time. */
void record_flash(record_t *record, uint64_t now_us, bool new);
/* `noted`: how often each reason was noted. False: the file cannot be written; errno. */
bool record_close(record_t *record, const uint32_t noted[CIPMUX_REASON_COUNT]);

/* Takes what the modem has to say: before an event. Not for a paced line, nor while the ROM talks. */
void record_settle(record_t *record, uint64_t now_us);
/* The next of those bytes for the wire. */
size_t record_read(record_t *record, uint8_t *out, size_t room);
/* So much waits for the wire that the modem is to be left alone. */
bool record_is_full(const record_t *record);

/* The modem printed, or was sent, these. */
void record_printed(record_t *record, uint64_t now_us, const uint8_t *bytes, size_t n);
void record_typed(record_t *record, uint64_t now_us, const uint8_t *bytes, size_t n);
/* A line of words about the world; one about the modem's links or its serial line is left out: what came of it is
 * recorded. */
void record_words(record_t *record, uint64_t now_us, const char *line);
/* Why the file will not play exactly. */
void record_remark(record_t *record, const char *text);

/* A link's dial, how that ended (CIPMUX_CAUSE_NONE: connected), and a client of the modem's server: link NULL if it was
 * turned away. */
void record_dial(record_t *record, uint64_t now_us, uint8_t link, const cipmux_request_t *request);
void record_dialled(record_t *record, uint64_t now_us, uint8_t link, cipmux_cause_t cause);
void record_client(record_t *record, uint64_t now_us, const cipmux_link_t *link, const cipmux_address_t *from,
                   uint16_t port);
void record_server_fails(record_t *record);
/* Bytes, or a datagram, to the modem and from it. */
void record_received(record_t *record, uint64_t now_us, uint8_t link, const cipmux_address_t *from,
                     const uint8_t *bytes, size_t n);
void record_sent(record_t *record, uint8_t link, const cipmux_address_t *to, const uint8_t *bytes, size_t n);
/* The modem waits for the peer's acknowledgement, and has it. */
void record_watched(record_t *record, uint8_t link);
void record_acked(record_t *record, uint64_t now_us, uint8_t link);
/* The peer ended the link; the modem did, or let go of one that had ended. */
void record_ended(record_t *record, uint64_t now_us, uint8_t link, cipmux_cause_t cause);
void record_hung_up(record_t *record, uint8_t link);
/* A name, and its address; family 0: there is none. An echo, and how it went. */
void record_resolve(record_t *record, uint64_t now_us, const char *name, size_t length);
void record_resolved(record_t *record, uint64_t now_us, const cipmux_address_t *address);
void record_ping(record_t *record, const cipmux_address_t *to);
void record_echo(record_t *record, uint32_t ms);

#endif
