/* The modems of one process: who has which address on whose network, as the air that they share says. */
#ifndef HOST_NEIGHBOURS_H
#define HOST_NEIGHBOURS_H

#include "cipmux.h"

typedef struct board board_t;

enum { NEIGHBOURS_MAX = 8 };

/* The caller's; each board is added when it is open. A board's config points to it, or to nothing: then it is alone. */
typedef struct {
    board_t *board[NEIGHBOURS_MAX];
    size_t   count;
} neighbours_t;

bool neighbours_any(const board_t *board); /* is there another modem? */
/* The modem that has this address on a network of the board's, or NULL. */
board_t *neighbours_find(const board_t *board, const cipmux_address_t *to);
/* The same into out[0], or for a broadcast address everybody on that network. Returns how many, at most NEIGHBOURS_MAX. */
size_t neighbours_hear(const board_t *board, const cipmux_address_t *to, board_t **out);
/* The board's own address as `other` sees it, to which it goes by that interface. Port 0. */
cipmux_address_t neighbours_seen(const board_t *board, cipmux_route_t by, const board_t *other);
/* Which other modem has published a port at this place of the computer, or NULL. */
const board_t *neighbours_publisher(const board_t *board, const cipmux_address_t *at, bool udp);
/* Everybody else looks at the air again. */
void neighbours_wake(const board_t *board);

#endif
