/* AT+PING's echo: one ICMP request to a real host. Needs a datagram socket of ICMP, which net.ipv4.ping_group_range allows,
 * or else a raw one. */
#ifndef HOST_PING_H
#define HOST_PING_H

#include "cipmux.h"
#include "sock.h"

typedef struct board board_t;

typedef struct {
    board_t       *board;
    sock_t        *sock; /* NULL: none under way */
    uint64_t       sent_us;
    uint16_t       ticket, sequence;
    bool           raw;
    bool           answered; /* to be told, with `ms` and `cause` */
    uint32_t       ms;
    cipmux_cause_t cause;
} ping_t;

void ping_open(ping_t *ping, board_t *board);
void ping_close(ping_t *ping);
/* Is this request for us (PING)? Serves it; an echo that is still open is given up. */
bool ping_request(ping_t *ping, uint64_t now_us, const cipmux_request_t *request);
/* Tells the answer. True: the modem took it. */
bool ping_turn(ping_t *ping, uint64_t now_us);
bool ping_is_asking(const ping_t *ping); /* an answer is still to come, or to be told */

#endif
