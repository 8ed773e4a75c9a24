/* Names into addresses, with c-ares: asynchronous, and each modem has its own few lookups, so none waits for
 * another's. */
#ifndef HOST_DNS_H
#define HOST_DNS_H

#include "cipmux.h"
#include "sock.h"

#include <ares.h>

typedef struct board board_t;

enum { DNS_LOOKUPS = 4, DNS_SOCKETS = 16 };

typedef struct {
    board_t         *board;
    uint16_t         ticket;
    uint8_t          family;
    bool             open;     /* under way */
    bool             answered; /* to be told */
    cipmux_address_t address;
} dns_lookup_t;

typedef struct dns {
    board_t     *board;
    ares_channel channel;
    bool         ready; /* the channel exists */
    dns_lookup_t lookup[DNS_LOOKUPS];
    struct dns_socket {
        struct dns *dns;
        sock_t     *sock;  /* NULL: free place */
    } socket[DNS_SOCKETS]; /* those of c-ares */
} dns_t;

void dns_open(dns_t *dns, board_t *board);
void dns_close(dns_t *dns);
/* Is this request for us (RESOLVE)? Serves it. */
bool     dns_request(dns_t *dns, uint64_t now_us, const cipmux_request_t *request);
bool     dns_turn(dns_t *dns, uint64_t now_us);
uint64_t dns_deadline(const dns_t *dns, uint64_t now_us);
bool     dns_is_asking(const dns_t *dns); /* a name's answer is still to come, or to be told */

#endif
