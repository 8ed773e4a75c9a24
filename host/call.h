/* TCP between two modems of one process: a pair of connected sockets, without a port of this computer.
 *
 * Who dials makes the pair and waits, as for an answer to its SYN. The other modem's turn looks who calls, and answers by
 * its server's rules. From then on both ends are sockets like others: windows, acknowledgements, FIN and RST are the
 * kernel's. Only the air is not: when one modem goes out of the other's reach, no byte and no end passes any more. */
#ifndef HOST_CALL_H
#define HOST_CALL_H

#include "sockets.h"

/* Dials. `other` NULL: nobody has that address, there will be no answer. */
void call_begin(sockets_link_t *link, board_t *other, uint16_t keepalive_s);
/* Answers those who call this board. True: something moved. */
bool call_turn(board_t *board, uint64_t now_us);
/* Looks whether the other modem is still in reach. */
void call_look(sockets_link_t *link, uint64_t now_us);
/* The link hangs up; `sock` was its socket. Whether the other modem hears of it is decided by call_part(), since the request that
 * ends the link comes before the one that leaves the air. */
void call_hang_up(sockets_link_t *link, uint64_t now_us, sock_t *sock, bool reset);
void call_part(sockets_farewell_t *farewell);

#endif
