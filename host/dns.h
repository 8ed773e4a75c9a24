/* Names into addresses, with c-ares: asynchronous, and each lookup has a channel of its own, so none waits for another's.
 *
 * Whom a lookup asks is the modem's choice: the servers of its lease or of AT+CIPDNS, in that order. One that is this
 * computer (10.0.2.2) stands for this computer's own resolver, its hosts file included; others are asked where they are,
 * as far as --net and --redirect allow. */
#ifndef HOST_DNS_H
#define HOST_DNS_H

#include "cipmux.h"
#include "sock.h"

#include <ares.h>

typedef struct board board_t;

/* Who asks. Each has one lookup: a new one takes the place of that before. */
typedef enum { DNS_FOR_MODEM, DNS_FOR_SNTP, DNS_LOOKUPS } dns_asker_t;

enum {
    DNS_SOCKETS = 16, /* of a lookup: UDP and TCP to each server */
    DNS_PORT = 53,
};

/* What was found; family 0: nothing. */
typedef void dns_found_t(void *owner, const cipmux_address_t *address);

typedef struct dns_lookup {
    board_t         *board;
    uint16_t         ticket;
    uint8_t          family;
    bool             open;     /* under way */
    bool             answered; /* to be told */
    cipmux_address_t address;
    dns_found_t     *found; /* NULL: the modem asked, by RESOLVE */
    void            *owner;
    ares_channel     channel; /* NULL: none */
    struct dns_socket {
        struct dns_lookup *lookup;
        sock_t            *sock; /* NULL: free place */
    } socket[DNS_SOCKETS];       /* those of c-ares */
} dns_lookup_t;

typedef struct dns {
    board_t     *board;
    dns_lookup_t lookup[DNS_LOOKUPS];
} dns_t;

void dns_open(dns_t *dns, board_t *board);
void dns_close(dns_t *dns);
/* Is this request for us (RESOLVE)? Serves it. */
bool dns_request(dns_t *dns, const cipmux_request_t *request);
/* For other parts of the board: looks up an IPv4 name, or takes an address as it is. `found` is called in a later turn, once,
 * unless dns_forget() comes first. */
void     dns_ask(dns_t *dns, dns_asker_t asker, const char *name, size_t length, const cipmux_name_servers_t *servers,
                 dns_found_t *found, void *owner);
void     dns_forget(dns_t *dns, dns_asker_t asker);
bool     dns_turn(dns_t *dns, uint64_t now_us);
uint64_t dns_deadline(const dns_t *dns, uint64_t now_us);
bool     dns_is_asking(const dns_t *dns); /* a name's answer is still to come, or to be told */

#endif
