/* AT+MDNS on real sockets: a small responder for one host with one service. It announces both, answers who asks, and says
 * goodbye at the end. It neither probes for others of that name nor holds answers back.
 *
 * What it says is true for whoever hears it: the name leads to where the modem's port is published (--publish), by default
 * 127.0.0.1, and only there, on that interface, questions are heard. */
#ifndef HOST_MDNS_H
#define HOST_MDNS_H

#include "cipmux.h"
#include "mdns_packet.h"
#include "sock.h"

typedef struct board board_t;

enum { MDNS_ANNOUNCEMENTS = 2, MDNS_PAUSE_US = 1000000 };

typedef struct {
    board_t         *board;
    sock_t          *sock; /* NULL: off */
    mdns_host_t      host;
    uint16_t         port;      /* of the modem's service */
    cipmux_address_t interface; /* where questions are heard; 0.0.0.0: the system's choice */
    unsigned         left;      /* announcements */
    uint64_t         next_us;
    bool             known; /* somebody may have heard of us */
} mdns_t;

void mdns_open(mdns_t *mdns, board_t *board);
void mdns_close(mdns_t *mdns);
/* Is this request for us (MDNS)? Serves it. */
bool mdns_request(mdns_t *mdns, uint64_t now_us, const cipmux_request_t *request);
/* Announces, once the station has joined. */
bool     mdns_turn(mdns_t *mdns, uint64_t now_us);
uint64_t mdns_deadline(const mdns_t *mdns);

#endif
