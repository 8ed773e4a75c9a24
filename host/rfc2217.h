/* Telnet's COM-PORT-OPTION [RFC 2217], the server's side: a TCP client that sets the rate, format and control lines of a
 * serial port. Bytes in, bytes out, no I/O. BINARY and SGA are agreed to, every other option is refused. */
#ifndef HOST_RFC2217_H
#define HOST_RFC2217_H

#include "cipmux.h"

enum { RFC2217_WIRE = 4096, RFC2217_SUB = 64 };

typedef struct {
    uint8_t       wire[RFC2217_WIRE]; /* for the client, escaped: answers and data in their order */
    size_t        wire_first, wire_end;
    uint8_t       sub[RFC2217_SUB]; /* the subnegotiation under way, without its IAC SB and IAC SE */
    size_t        sub_length;
    uint8_t       state, verb;
    uint8_t       ours, theirs; /* options that are on, a bit each */
    cipmux_line_t line;         /* as the client set it */
    bool          line_known;   /* it did */
    bool          dtr, rts;
    bool          reset; /* DTR went off and on: for who reads it, and clears it */
} rfc2217_t;

/* A new client; the port runs at `line` until the client says otherwise. DTR and RTS are on. */
void rfc2217_start(rfc2217_t *telnet, const cipmux_line_t *line);
/* So many bytes may be given to rfc2217_receive(); 0: its answers must leave first. */
size_t rfc2217_room(const rfc2217_t *telnet);
/* Bytes of the client; returns how many of them are data, which then stand at data[0..]; `data` may be `bytes`. */
size_t rfc2217_receive(rfc2217_t *telnet, const uint8_t *bytes, size_t n, uint8_t *data);
/* Data for the client into `wire`; returns how many bytes found room. */
size_t rfc2217_send(rfc2217_t *telnet, const uint8_t *data, size_t n);

#endif
