/* What the files of the simulated network share, and nobody else needs. */
#ifndef WORLD_NET_PARTS_H
#define WORLD_NET_PARTS_H

#include "net.h"

/* Remembers the first thing that went wrong in the world itself. */
void net_fault(net_t *net, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

bool net_same_host(const cipmux_address_t *a, const cipmux_address_t *b);
bool net_same_address(const cipmux_address_t *a, const cipmux_address_t *b);
bool net_same_link(cipmux_link_t a, cipmux_link_t b);
bool net_same_name(const char *a, const char *b); /* host names: case does not count */

/* A new peer in the place of none, or of the oldest one that is over and was looked at. NULL: a fault. */
net_peer_t *net_new_peer(net_t *net, net_state_t state, const char *name, const cipmux_address_t *address);
/* Its index in the pools. */
size_t net_index(const net_t *net, const net_peer_t *peer);
/* The connection, or the index of the UDP socket, that the modem knows by this link; NULL, -1: none. */
net_peer_t  *net_peer_of(net_t *net, cipmux_link_t link);
int          net_socket_of(const net_t *net, cipmux_link_t link);
net_place_t *net_find_place(net_t *net, const cipmux_address_t *at);
/* The place of many addresses that has this one, or NULL. `late`: that of one or many which says how late it is. */
const net_place_t *net_find_many(const net_t *net, const cipmux_address_t *at, bool late);
/* Byte `at` of the counting pattern. */
uint8_t net_pattern(size_t at);

#endif
