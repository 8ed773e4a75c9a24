/* See call.h. */
#include "call.h"

#include "board.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEEPALIVE_PROBES_S = 3 }; /* as sockets.c sets them */

/* ---- The pair ---------------------------------------------------------------------------------------------------- */

/* The connection to `near`, among those of other programs that found the port. -1: errno. */
static int accept_from(int listener, int near)
{
    cipmux_address_t own = address_of_socket(near);
    for (;;) {
        struct sockaddr_storage from = { 0 };
        socklen_t               length = sizeof from;
        int                     fd = accept(listener, (struct sockaddr *)&from, &length);
        cipmux_address_t        peer = address_from_sockaddr(&from);
        if (fd < 0 || address_same(&peer, &own)) return fd;
        close(fd);
    }
}

/* Two connected sockets. False: errno. */
static bool make_pair(int *near, int *far)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          length = sizeof at;
    int                listener = socket(AF_INET, SOCK_STREAM, 0);
    *far = -1;
    *near = socket(AF_INET, SOCK_STREAM, 0);
    if (listener >= 0 && *near >= 0) {
        sockets_prepare_tcp(listener);
        sockets_prepare_tcp(*near);
        if (bind(listener, (struct sockaddr *)&at, length) == 0 && listen(listener, 1) == 0 &&
            getsockname(listener, (struct sockaddr *)&at, &length) == 0 &&
            connect(*near, (struct sockaddr *)&at, length) == 0)
            *far = accept_from(listener, *near);
    }
    int error = errno;
    if (listener >= 0) close(listener);
    if (*far < 0 && *near >= 0) close(*near);
    errno = error;
    if (*far < 0) return false;
    fd_prepare(*near);
    fd_prepare(*far);
    return true;
}

/* ---- Calling ----------------------------------------------------------------------------------------------------- */

void call_begin(sockets_link_t *link, board_t *other, uint16_t keepalive_s)
{
    int near;
    link->state = LINK_IS_CALLING;
    if (!other) return;
    if (!make_pair(&near, &link->far_end)) {
        link_fail(link, host_reason_of_errno(errno));
        return;
    }
    link->other = other;
    link->keepalive_s = keepalive_s;
    link->local_port = address_of_socket(near).port;
    if (!link_take(link, near)) {
        close(link->far_end);
        return;
    }
    board_wake(other);
}

/* The dial has an outcome. */
static void answer(sockets_link_t *caller, host_reason_t reason)
{
    if (reason == HOST_REASON_NONE) {
        caller->cause = CIPMUX_CAUSE_NONE;
        caller->state = LINK_IS_DECIDED;
    } else {
        close(caller->far_end);
        link_fail(caller, reason);
    }
    caller->far_end = -1;
    board_wake(caller->board);
}

/* ---- Being called ------------------------------------------------------------------------------------------------ */

/* Where the caller's end is, for who answers. NULL: it has none, and was told so. */
static sock_t *take_far_end(board_t *board, sockets_link_t *caller)
{
    sock_t *sock = publisher_sock(&board->publisher, caller->far_end);
    answer(caller, sock ? HOST_REASON_NONE : HOST_REASON_NO_MEMORY);
    return sock;
}

static bool admit(board_t *board, uint64_t now_us, sockets_link_t *caller, const cipmux_address_t *seen)
{
    cipmux_link_t   link;
    sock_t         *sock = publisher_sock(&board->publisher, caller->far_end);
    cipmux_answer_t taken = sock ? publisher_admit(&board->publisher, now_us, sock, seen, &link) : CIPMUX_REFUSED;
    if (taken != CIPMUX_TAKEN) sock_release(sock);
    if (taken == CIPMUX_LATER) return false;
    if (taken == CIPMUX_REFUSED) {
        answer(caller, HOST_REASON_CONNECTION_REFUSED);
        return true;
    }
    sockets_link_t *own = &board->sockets.link[link.id];
    own->other = caller->board;
    own->pair = caller->pair = address_of_socket(sock_fd(sock)).port;
    answer(caller, HOST_REASON_NONE);
    return true;
}

static bool answer_call(board_t *board, uint64_t now_us, sockets_link_t *caller)
{
    publisher_t       *publisher = &board->publisher;
    cipmux_admission_t admission = cipmux_admission(&board->modem);
    cipmux_route_t     by = cipmux_route(&caller->board->modem, &caller->peer);
    cipmux_address_t   seen = neighbours_seen(caller->board, by, board);
    seen.port = caller->local_port;
    if (neighbours_find(caller->board, &caller->peer) != board) return false; /* it left: nobody answers */
    if (admission == CIPMUX_ADMIT_NOBODY || publisher->port != caller->peer.port || publisher->family != 4 ||
        (admission == CIPMUX_ADMIT_RESET && publisher->pauses)) {
        answer(caller, HOST_REASON_CONNECTION_REFUSED);
    } else if (admission == CIPMUX_ADMIT_OPEN) {
        return admit(board, now_us, caller, &seen);
    } else if (admission == CIPMUX_ADMIT_SILENT) {
        if (caller->unheard) return false;
        caller->unheard = true;
        board_log_reason(board, (log_record_t){ .event = "refused", .peer = &seen }, HOST_REASON_CLIENT_IGNORED);
    } else {
        sock_t *sock = take_far_end(board, caller);
        if (sock) publisher_turn_away(publisher, now_us, sock, &seen, admission);
    }
    return true;
}

bool call_turn(board_t *board, uint64_t now_us)
{
    const neighbours_t *modems = board->config->neighbours;
    bool                moved = false;
    for (size_t i = 0; modems && i < modems->count; i++)
        for (size_t k = 0; k < CIPMUX_LINKS; k++) {
            sockets_link_t *caller = &modems->board[i]->sockets.link[k];
            if (caller->state == LINK_IS_CALLING && caller->other == board) moved |= answer_call(board, now_us, caller);
        }
    return moved;
}

/* ---- Out of reach ------------------------------------------------------------------------------------------------ */

/* From now on only what was received before is read. */
static void lose(sockets_link_t *link, uint64_t now_us)
{
    if (link->gone) return;
    link->gone = true;
    link->readable = true;
    link->blocked = false;
    link->silent_until_us =
        link->keepalive_s ? now_us + (uint64_t)(link->keepalive_s + KEEPALIVE_PROBES_S) * 1000000 : CIPMUX_NEVER;
    board_wake(link->board);
}

void call_look(sockets_link_t *link, uint64_t now_us)
{
    if (link->other && neighbours_find(link->board, &link->peer) != link->other) lose(link, now_us);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

void call_hang_up(sockets_link_t *link, uint64_t now_us, sock_t *sock, bool reset)
{
    if (link->far_end >= 0) close(link->far_end);
    if (link->state < LINK_IS_OPEN || link->gone)
        sock_reset(sock);
    else
        sockets_part(&link->board->sockets, now_us, sock, link, reset);
}

void call_part(sockets_farewell_t *farewell)
{
    board_t *board = farewell->board, *other = farewell->other;
    farewell->other = NULL;
    if (neighbours_find(board, &farewell->peer) == other) {
        if (!farewell->reset) {
            shutdown(sock_fd(farewell->sock), SHUT_WR);
            return;
        }
    } else {
        for (size_t i = 0; i < CIPMUX_LINKS; i++) {
            sockets_link_t *link = &other->sockets.link[i];
            if (link->other == board && link->pair == farewell->pair && !link->udp) lose(link, board_now());
        }
    }
    sock_reset(farewell->sock);
    farewell->sock = NULL;
}
