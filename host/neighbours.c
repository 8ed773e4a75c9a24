/* Looking around on the air. See neighbours.h. */
#include "neighbours.h"

#include "board.h"

#include <string.h>

static size_t count_of(const board_t *board)
{
    return board->config->neighbours ? board->config->neighbours->count : 0;
}

bool neighbours_any(const board_t *board)
{
    return count_of(board) > 1;
}

static bool is_broadcast(const cipmux_address_t *to, const uint8_t ip[4])
{
    static const uint8_t everybody[4] = { 255, 255, 255, 255 };
    return memcmp(to->bytes, everybody, 4) == 0 || (memcmp(to->bytes, ip, 3) == 0 && to->bytes[3] == 255);
}

static size_t hear(const board_t *board, const cipmux_address_t *to, bool all, board_t **out)
{
    const radio_t *air = board->config->air;
    cipmux_route_t by = to->family == 4 ? cipmux_route(&board->modem, to) : CIPMUX_NO_ROUTE;
    uint8_t        ip[4];
    size_t         n = 0;
    for (size_t i = 0; i < count_of(board) && by != CIPMUX_NO_ROUTE; i++) {
        board_t *other = board->config->neighbours->board[i];
        if (other == board || !radio_neighbour(air, &board->station, by == CIPMUX_BY_SOFT_AP, &other->station, ip))
            continue;
        if (memcmp(ip, to->bytes, 4) == 0 || (all && is_broadcast(to, ip))) out[n++] = other;
    }
    return n;
}

board_t *neighbours_find(const board_t *board, const cipmux_address_t *to)
{
    board_t *found[NEIGHBOURS_MAX];
    return hear(board, to, false, found) ? found[0] : NULL;
}

size_t neighbours_hear(const board_t *board, const cipmux_address_t *to, board_t **out)
{
    return hear(board, to, true, out);
}

cipmux_address_t neighbours_seen(const board_t *board, cipmux_route_t by, const board_t *other)
{
    const radio_t   *air = board->config->air;
    cipmux_address_t seen = { .family = 4 };
    if (by != CIPMUX_BY_STATION || !radio_neighbour(air, &other->station, true, &board->station, seen.bytes))
        radio_neighbour(air, &other->station, false, &board->station, seen.bytes);
    return seen;
}

static bool has_published(const board_t *board, const cipmux_address_t *at, bool udp)
{
    if (!udp) return board->publisher.listener && address_same(&board->publisher.at, at);
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        const sockets_link_t *link = &board->sockets.link[i];
        if (!link->udp || !link->sock) continue;
        cipmux_address_t own = address_of_socket(sock_fd(link->sock));
        if (own.port == at->port) return true;
    }
    return false;
}

const board_t *neighbours_publisher(const board_t *board, const cipmux_address_t *at, bool udp)
{
    for (size_t i = 0; i < count_of(board); i++) {
        const board_t *other = board->config->neighbours->board[i];
        if (other != board && has_published(other, at, udp)) return other;
    }
    return NULL;
}

void neighbours_wake(const board_t *board)
{
    for (size_t i = 0; i < count_of(board); i++)
        if (board->config->neighbours->board[i] != board) board_wake(board->config->neighbours->board[i]);
}
