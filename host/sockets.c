/* The life of each link's socket, and TCP. UDP is in datagram.c. See sockets.h. */
#include "sockets.h"

#include "board.h"
#include "call.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- Sockets as links need them ---------------------------------------------------------------------------------- */

void sockets_prepare_tcp(int fd)
{
    fd_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKETS_KERNEL_BUFFER);
    fd_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKETS_KERNEL_BUFFER);
    fd_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static void set_keepalive(int fd, uint16_t idle_s)
{
    if (idle_s == 0) return;
    fd_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    fd_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    fd_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    fd_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void link_ready(void *owner, int events)
{
    sockets_link_t *link = owner;
    if (events & UV_READABLE) link->readable = true;
    if (events & UV_WRITABLE) link->blocked = false;
    board_wake(link->board);
}

/* What the loop has to watch in each state. */
static void link_want(sockets_link_t *link)
{
    int events = 0;
    if (!link->sock) return;
    if (link->state == LINK_IS_DIALING)
        events = link->blocked ? UV_WRITABLE : 0;
    else if (link->state == LINK_IS_OPEN && !link->paused && !link->gone && !link->mute)
        events = UV_READABLE;
    if ((link->state == LINK_IS_OPEN || link->state == LINK_IS_ENDING) && link->blocked && link->cause == 0 &&
        !link->gone && !link->stalled)
        events |= UV_WRITABLE;
    sock_want(link->sock, events);
}

bool link_take(sockets_link_t *link, int fd)
{
    link->sock = sock_new(link->board->loop, fd, link_ready, link);
    if (link->sock) return true;
    link_fail(link, host_reason_of_errno(errno));
    close(fd);
    return false;
}

/* ---- Dialling ---------------------------------------------------------------------------------------------------- */

static cipmux_cause_t cause_of(host_reason_t reason)
{
    static const struct {
        host_reason_t  reason;
        cipmux_cause_t cause;
    } causes[] = {
        { HOST_REASON_CONNECTION_REFUSED, CIPMUX_CAUSE_REFUSED },
        { HOST_REASON_CONNECTION_RESET, CIPMUX_CAUSE_RESET },
        { HOST_REASON_NO_ANSWER, CIPMUX_CAUSE_TIMEOUT },
        { HOST_REASON_PORT_IN_USE, CIPMUX_CAUSE_LOCAL },
        { HOST_REASON_PORT_FORBIDDEN, CIPMUX_CAUSE_LOCAL },
        { HOST_REASON_NO_DESCRIPTORS, CIPMUX_CAUSE_LOCAL },
        { HOST_REASON_NO_MEMORY, CIPMUX_CAUSE_LOCAL },
        { HOST_REASON_NO_TLS, CIPMUX_CAUSE_TLS },
    };
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].reason == reason) return causes[i].cause;
    return CIPMUX_CAUSE_UNREACHABLE;
}

void link_fail(sockets_link_t *link, host_reason_t reason)
{
    link->cause = cause_of(reason);
    link->state = LINK_IS_DECIDED;
    board_log_reason(link->board, (log_record_t){ .event = "failed", .link = &link->id, .peer = &link->peer }, reason);
}

/* connect() has come to an end: error 0, or why not. */
static void dial_decided(sockets_link_t *link, int error)
{
    cipmux_address_t        local = address_of_socket(sock_fd(link->sock));
    struct sockaddr_storage to;
    socklen_t               length = sizeof to;
    link->local_port = local.port;
    if (error == 0 && getpeername(sock_fd(link->sock), (struct sockaddr *)&to, &length) == 0) {
        cipmux_address_t peer = address_from_sockaddr(&to);
        if (address_same(&peer, &local)) /* nobody listens there, and the kernel connected us to ourselves */
            error = ECONNREFUSED;
    }
    if (error) {
        link_fail(link, host_reason_of_errno(error));
        return;
    }
    link->cause = CIPMUX_CAUSE_NONE;
    link->state = LINK_IS_DECIDED;
}

static void dial_tcp(sockets_link_t *link, const cipmux_request_t *request, const address_route_t *route)
{
    struct sockaddr_storage to;
    socklen_t               length = address_to_sockaddr(&route->real, &to);
    int                     fd = socket(to.ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        link_fail(link, host_reason_of_errno(errno));
        return;
    }
    fd_prepare(fd);
    sockets_prepare_tcp(fd);
    set_keepalive(fd, request->dial.keepalive_s);
    if (!link_take(link, fd)) return;
    if (connect(fd, (struct sockaddr *)&to, length) == 0)
        dial_decided(link, 0);
    else if (errno != EINPROGRESS)
        dial_decided(link, errno);
    else
        link->blocked = true;
}

/* Looks whether connect() has come to an end. */
static bool dial_look(sockets_link_t *link)
{
    int       error = 0;
    socklen_t length = sizeof error;
    if (link->blocked || !link->sock) return false;
    if (getsockopt(sock_fd(link->sock), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    dial_decided(link, error);
    return true;
}

/* Among modems an address that nobody has is one that somebody may have soon: no answer, instead of a failure at once. */
static bool is_waited_for(const sockets_link_t *link, host_reason_t reason)
{
    return !link->udp && reason == HOST_REASON_NOBODY_THERE && neighbours_any(link->board);
}

/* A mishap on demand. False: the dial goes on. */
static bool meets_mishap(sockets_link_t *link)
{
    const mishap_t mishap = mishap_meet(&link->board->mishaps, &link->peer);
    if (mishap.kind == MISHAP_NONE) return false;
    board_log(link->board, &(log_record_t){ .event = "fault", .link = &link->id, .peer = &link->peer }, "%s",
              mishap_name(mishap.kind));
    link->board->faults_injected++;
    link->mishap_us = mishap.kind == MISHAP_SILENT ? CIPMUX_NEVER : board_now() + mishap.after_us;
    link->mishap = mishap.kind == MISHAP_REFUSE  ? HOST_REASON_CONNECTION_REFUSED
                   : mishap.kind == MISHAP_RESET ? HOST_REASON_CONNECTION_RESET
                                                 : HOST_REASON_NONE;
    return mishap.kind != MISHAP_LATE;
}

/* What a mishap has kept back until now. True: it keeps on. */
static bool mishap_keeps(sockets_link_t *link, uint64_t now_us)
{
    if (link->mishap_us == 0) return false;
    if (link->mishap_us > now_us) return true;
    link->mishap_us = 0;
    if (link->mishap != HOST_REASON_NONE) link_fail(link, link->mishap);
    return false;
}

static void dial(sockets_t *sockets, const cipmux_request_t *request)
{
    sockets_link_t *link = &sockets->link[request->link.id];
    address_route_t route = board_route(sockets->board, request->dial.type, &request->dial.to);
    *link = (sockets_link_t){ .board = sockets->board,
                              .state = LINK_IS_DIALING,
                              .id = request->link,
                              .peer = request->dial.to,
                              .far_end = -1,
                              .udp = request->dial.type == CIPMUX_UDP };
    log_record_t record = { .event = "dial", .link = &link->id, .peer = &link->peer };
    board_log(link->board, &record, "%s", "");
    record_dial(link->board->record, board_now(), link->id.id, request);
    if (!link->udp && meets_mishap(link)) return;
    if (request->dial.type == CIPMUX_SSL) {
        link_fail(link, HOST_REASON_NO_TLS);
    } else if (!route.reachable && !is_waited_for(link, route.reason)) {
        link_fail(link, route.reason);
    } else {
        record.event = "note";
        if (route.reason != HOST_REASON_NONE) board_log_reason(link->board, record, route.reason);
        if (link->udp)
            datagram_dial(link, request, &route);
        else if (!route.reachable || route.modems)
            call_begin(link, neighbours_find(link->board, &link->peer), request->dial.keepalive_s);
        else
            dial_tcp(link, request, &route);
    }
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void lend(sockets_t *sockets, cipmux_link_t id, void *memory)
{
    for (size_t i = 0; i < SOCKETS_LOANS; i++)
        if (!sockets->loan[i].memory) {
            sockets->loan[i] = (sockets_loan_t){ .id = id, .memory = memory };
            return;
        }
}

static void take_back(sockets_t *sockets, cipmux_link_t id)
{
    for (size_t i = 0; i < SOCKETS_LOANS; i++) {
        sockets_loan_t *loan = &sockets->loan[i];
        if (loan->memory && loan->id.id == id.id && loan->id.life == id.life) {
            free(loan->memory);
            loan->memory = NULL;
        }
    }
}

/* ---- Telling the modem ------------------------------------------------------------------------------------------- */

/* The modem took the link: bytes may flow. */
static void link_opens(sockets_link_t *link, void *memory)
{
    lend(&link->board->sockets, link->id, memory);
    link->memory = NULL;
    link->state = LINK_IS_OPEN;
    link->room = cipmux_receive_room(&link->board->modem, link->id);
    link->readable = true;
    link->blocked = false;
}

static void link_forget(sockets_link_t *link)
{
    sock_close(link->sock);
    free(link->memory);
    datagram_forget(link);
    *link = (sockets_link_t){ .board = link->board, .far_end = -1 };
}

/* Tells UP or FAILED. True: the modem took it, or will never. */
static bool tell_decision(sockets_link_t *link, uint64_t now_us)
{
    cipmux_t      *modem = &link->board->modem;
    cipmux_event_t event = {
        .kind = CIPMUX_EVENT_FAILED, .link = link->id, .cause = link->cause, .address = link->peer
    };
    if (link->cause == CIPMUX_CAUSE_NONE) {
        event.kind = CIPMUX_EVENT_UP;
        event.local_port = link->local_port;
        event.memory_size = cipmux_link_memory(modem);
        if (!link->memory) link->memory = malloc(event.memory_size);
        event.memory = link->memory;
        if (!link->memory) {
            link_fail(link, HOST_REASON_NO_MEMORY);
            return true;
        }
    } else {
        event.address.port = link->local_port;
    }
    board_settle(link->board, now_us);
    cipmux_answer_t answer = cipmux_event(modem, now_us, &event, NULL);
    if (answer == CIPMUX_LATER) return false;
    record_dialled(link->board->record, now_us, link->id.id, link->cause);
    if (answer == CIPMUX_TAKEN && event.kind == CIPMUX_EVENT_UP) {
        board_log(link->board, &(log_record_t){ .event = "connected", .link = &link->id, .peer = &link->peer },
                  "from port %u", (unsigned)link->local_port);
        link_opens(link, event.memory);
    } else {
        link_forget(link);
    }
    return true;
}

static bool tell_end(sockets_link_t *link, uint64_t now_us)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ENDED, .link = link->id, .cause = link->cause };
    board_settle(link->board, now_us);
    if (cipmux_event(&link->board->modem, now_us, &event, NULL) == CIPMUX_LATER) return false;
    if (!link->udp) record_ended(link->board->record, now_us, link->id.id, link->cause);
    link->state = LINK_IS_OVER;
    return true;
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

/* The peer's end of the stream was found behind the last byte. */
static void link_ends(sockets_link_t *link, int error)
{
    if (link->cause == CIPMUX_CAUSE_NONE)
        link->cause = error == 0 ? CIPMUX_CAUSE_FIN : error == ETIMEDOUT ? CIPMUX_CAUSE_TIMEOUT : CIPMUX_CAUSE_RESET;
    link->state = LINK_IS_ENDING;
    link->readable = false;
}

void sockets_end(sockets_link_t *link, cipmux_cause_t cause)
{
    link->cause = cause;
    link_ends(link, 0);
}

static bool tcp_receive(sockets_link_t *link, uint64_t now_us)
{
    uint8_t   bytes[CIPMUX_FRAME_MAX * 4];
    cipmux_t *modem = &link->board->modem;
    size_t    room = cipmux_receive_room(modem, link->id);
    if (link->paused && room < (link->room + 1) / 2) return false;
    link->paused = room == 0;
    if (!link->readable || link->paused || link->mute) return false;
    if (room > sizeof bytes) room = sizeof bytes;
    if (link->board->record && room > RECORD_SEGMENT) room = RECORD_SEGMENT;
    ssize_t got = recv(sock_fd(link->sock), bytes, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        link->readable = errno == EINTR;
        return false;
    }
    if (got <= 0 && link->gone) {
        link->readable = false;
        return false;
    }
    if (got <= 0) {
        link_ends(link, got == 0 ? 0 : errno);
        return true;
    }
    link->received += (size_t)got;
    link->readable = (size_t)got == room;
    board_settle(link->board, now_us);
    cipmux_receive(modem, now_us, link->id, bytes, (size_t)got);
    record_received(link->board->record, now_us, link->id.id, NULL, bytes, (size_t)got);
    if (log_wants(link->board->log, LOG_DETAIL))
        board_log(
            link->board,
            &(log_record_t){ .event = "received", .level = LOG_DETAIL, .link = &link->id, .bytes = (uint64_t)got },
            "%zd bytes", got);
    return true;
}

static bool tcp_send(sockets_link_t *link, uint64_t now_us)
{
    cipmux_t        *modem = &link->board->modem;
    const void      *bytes;
    size_t           n;
    cipmux_address_t to;
    if (link->blocked || link->stalled || link->cause == CIPMUX_CAUSE_RESET || link->cause == CIPMUX_CAUSE_TIMEOUT)
        return false;
    if (!cipmux_send_peek(modem, link->id, &bytes, &n, &to) || n == 0) return false;
    if (link->gone) {
        if (neighbours_find(link->board, &link->peer) != link->other) return false;
        link_ends(link, ECONNRESET); /* it is back, and does not know this connection */
        return true;
    }
    ssize_t put = send(sock_fd(link->sock), bytes, n, MSG_NOSIGNAL);
    if (put < 0) {
        if (errno == ENOBUFS || errno == ENOMEM) {
            cipmux_send_failed(modem, now_us, link->id);
            return true;
        }
        link->blocked = errno != EINTR;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
        link->cause = errno == ETIMEDOUT ? CIPMUX_CAUSE_TIMEOUT : CIPMUX_CAUSE_RESET;
        link->readable = true; /* what the peer sent before is still there: reading finds the end behind it */
        return true;
    }
    link->sent += (size_t)put;
    link->blocked = (size_t)put < n;
    record_sent(link->board->record, link->id.id, NULL, bytes, (size_t)put);
    cipmux_send_done(modem, now_us, link->id, (size_t)put);
    if (log_wants(link->board->log, LOG_DETAIL))
        board_log(link->board,
                  &(log_record_t){ .event = "sent", .level = LOG_DETAIL, .link = &link->id, .bytes = (uint64_t)put },
                  "%zd bytes", put);
    return true;
}

/* Has the peer's kernel acknowledged what the modem waits for? TIOCOUTQ counts what it has not. */
static bool tell_acked(sockets_link_t *link, uint64_t now_us)
{
    int waiting = 0;
    if (!link->watched || link->gone || link->stalled) return false;
    if (!link->udp && ioctl(sock_fd(link->sock), TIOCOUTQ, &waiting) == 0 && waiting > 0 &&
        link->sent - (uint64_t)waiting < link->watch_mark)
        return false;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ACKED, .link = link->id };
    board_settle(link->board, now_us);
    if (cipmux_event(&link->board->modem, now_us, &event, NULL) == CIPMUX_LATER) return false;
    record_acked(link->board->record, now_us, link->id.id);
    link->watched = false;
    return true;
}

static bool link_turn(sockets_link_t *link, uint64_t now_us)
{
    bool moved = false;
    if (link->state == LINK_IS_DIALING) moved |= dial_look(link);
    if ((link->state == LINK_IS_DIALING || link->state == LINK_IS_DECIDED) && mishap_keeps(link, now_us)) return moved;
    if (link->state == LINK_IS_DECIDED) moved |= tell_decision(link, now_us);
    if (link->board->record && (moved || record_is_full(link->board->record))) return moved; /* one thing a turn */
    if (link->state == LINK_IS_OPEN) moved |= link->udp ? datagram_receive(link, now_us) : tcp_receive(link, now_us);
    if (link->board->record && moved) return moved;
    if (link->state == LINK_IS_OPEN || link->state == LINK_IS_ENDING) {
        moved |= link->udp ? datagram_send(link, now_us) : tcp_send(link, now_us);
        moved |= tell_acked(link, now_us);
    }
    if (link->state == LINK_IS_OPEN && link->gone && now_us >= link->silent_until_us) link_ends(link, ETIMEDOUT);
    if (link->state == LINK_IS_ENDING) moved |= tell_end(link, now_us);
    link_want(link);
    return moved;
}

/* ---- The end of a socket ----------------------------------------------------------------------------------------- */

static void farewell_ready(void *owner, int events)
{
    uint8_t             bytes[4096];
    sockets_farewell_t *farewell = owner;
    (void)events;
    ssize_t got = recv(sock_fd(farewell->sock), bytes, sizeof bytes, 0);
    if (got > 0 && (farewell->discarded += (size_t)got) <= SOCKETS_FAREWELL_BYTES) return;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    sock_close(farewell->sock);
    farewell->sock = NULL;
}

static sockets_farewell_t *new_farewell(sockets_t *sockets, uint64_t now_us, sock_t *sock)
{
    sockets_farewell_t *place = &sockets->farewell[0]; /* a free place, or the one that waits longest */
    for (size_t i = 0; i < SOCKETS_FAREWELLS && place->sock; i++)
        if (!sockets->farewell[i].sock || sockets->farewell[i].until_us < place->until_us)
            place = &sockets->farewell[i];
    sock_close(place->sock);
    *place = (sockets_farewell_t){ .board = sockets->board,
                                   .sock = sock,
                                   .until_us = now_us + SOCKETS_FAREWELL_MS * 1000ULL };
    sock_give(sock, farewell_ready, place);
    sock_want(sock, UV_READABLE);
    return place;
}

void sockets_farewell(sockets_t *sockets, uint64_t now_us, sock_t *sock)
{
    shutdown(sock_fd(sock), SHUT_WR);
    new_farewell(sockets, now_us, sock);
}

void sockets_part(sockets_t *sockets, uint64_t now_us, sock_t *sock, const sockets_link_t *link, bool reset)
{
    sockets_farewell_t *farewell = new_farewell(sockets, now_us, sock);
    farewell->other = link->other;
    farewell->peer = link->peer;
    farewell->pair = link->pair;
    farewell->reset = reset;
}

static void hang_up(sockets_t *sockets, uint64_t now_us, cipmux_link_t id, bool reset)
{
    static const char *const why[] = { [CIPMUX_CAUSE_FIN] = "by the peer",
                                       [CIPMUX_CAUSE_RESET] = "reset by the peer",
                                       [CIPMUX_CAUSE_TIMEOUT] = "the peer is silent" };
    sockets_link_t          *link = &sockets->link[id.id];
    if (link->state == LINK_IS_FREE || link->id.life != id.life) return;
    bool ended = link->state == LINK_IS_ENDING || link->state == LINK_IS_OVER;
    if (link->state >= LINK_IS_OPEN)
        board_log(
            sockets->board,
            &(log_record_t){ .event = "closed", .link = &link->id, .received = link->received, .sent = link->sent },
            "%s, %llu bytes received, %llu sent", ended && why[link->cause] ? why[link->cause] : "by the modem",
            (unsigned long long)link->received, (unsigned long long)link->sent);
    else
        board_log(sockets->board, &(log_record_t){ .event = "dial", .link = &link->id, .peer = &link->peer },
                  "given up");
    record_hung_up(sockets->board->record, id.id);
    sock_t *sock = link->sock;
    link->sock = NULL;
    if (link->other && !ended)
        call_hang_up(link, now_us, sock, reset);
    else if (reset)
        sock_reset(sock);
    else if (sock && !link->udp && link->state >= LINK_IS_OPEN && !ended)
        sockets_farewell(sockets, now_us, sock);
    else
        sock_close(sock);
    link_forget(link);
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void sockets_open(sockets_t *sockets, board_t *board)
{
    *sockets = (sockets_t){ .board = board };
    for (size_t i = 0; i < CIPMUX_LINKS; i++)
        sockets->link[i] = (sockets_link_t){ .board = board, .far_end = -1 };
}

/* FIN even when the peer's last bytes were not read: close() alone would reset. */
static void close_politely(sock_t *sock)
{
    uint8_t bytes[4096];
    if (!sock) return;
    shutdown(sock_fd(sock), SHUT_WR);
    while (recv(sock_fd(sock), bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    sock_close(sock);
}

void sockets_close(sockets_t *sockets)
{
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        close_politely(sockets->link[i].sock);
        if (sockets->link[i].far_end >= 0) close(sockets->link[i].far_end);
        sockets->link[i].sock = NULL;
        link_forget(&sockets->link[i]);
    }
    for (size_t i = 0; i < SOCKETS_FAREWELLS; i++)
        close_politely(sockets->farewell[i].sock);
    for (size_t i = 0; i < SOCKETS_LOANS; i++)
        free(sockets->loan[i].memory);
    free(sockets->datagram);
    *sockets = (sockets_t){ 0 };
}

bool sockets_request(sockets_t *sockets, uint64_t now_us, const cipmux_request_t *request)
{
    sockets_link_t *link = &sockets->link[request->link.id % CIPMUX_LINKS];
    if (request->kind == CIPMUX_REQUEST_DIAL) {
        dial(sockets, request);
    } else if (request->kind == CIPMUX_REQUEST_HANG_UP) {
        hang_up(sockets, now_us, request->link, request->hang_up.reset);
    } else if (request->kind == CIPMUX_REQUEST_RETURN) {
        take_back(sockets, request->link);
    } else if (request->kind == CIPMUX_REQUEST_OPTION) {
        if (link->sock && link->id.life == request->link.life)
            fd_option(sock_fd(link->sock), IPPROTO_TCP, TCP_NODELAY, request->option.nodelay);
    } else if (request->kind == CIPMUX_REQUEST_WATCH) {
        link->watched = link->id.life == request->link.life;
        link->watch_mark = link->sent;
        if (link->watched) record_watched(link->board->record, link->id.id);
    } else {
        return false;
    }
    return true;
}

void sockets_adopt(sockets_t *sockets, cipmux_link_t id, sock_t *sock, const cipmux_address_t *peer,
                   uint16_t local_port, void *memory)
{
    sockets_link_t *link = &sockets->link[id.id];
    *link = (sockets_link_t){
        .board = sockets->board, .sock = sock, .id = id, .peer = *peer, .local_port = local_port, .far_end = -1
    };
    sock_give(sock, link_ready, link);
    fd_option(sock_fd(sock), IPPROTO_TCP, TCP_NODELAY, 1); /* the buffers are inherited from the listener */
    link_opens(link, memory);
}

bool sockets_look(sockets_t *sockets, uint64_t now_us)
{
    bool moved = false;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        sockets_link_t *link = &sockets->link[i];
        if (link->state != LINK_IS_OPEN || !link->other) continue;
        call_look(link, now_us);
        while (link->gone && tcp_receive(link, now_us))
            moved = true;
    }
    return moved;
}

bool sockets_turn(sockets_t *sockets, uint64_t now_us)
{
    bool moved = false;
    for (size_t i = 0; i < CIPMUX_LINKS && !(moved && sockets->board->record); i++) {
        sockets_link_t *link = &sockets->link[(sockets->first + i) % CIPMUX_LINKS];
        moved |= link_turn(link, now_us);
    }
    if (sockets->board->record) sockets->first++;
    for (size_t i = 0; i < SOCKETS_FAREWELLS; i++)
        if (sockets->farewell[i].other) call_part(&sockets->farewell[i]);
    for (size_t i = 0; i < SOCKETS_FAREWELLS; i++)
        if (sockets->farewell[i].sock && sockets->farewell[i].until_us <= now_us) {
            sock_close(sockets->farewell[i].sock);
            sockets->farewell[i].sock = NULL;
        }
    return moved;
}

uint64_t sockets_deadline(const sockets_t *sockets, uint64_t now_us)
{
    uint64_t deadline = CIPMUX_NEVER;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        const sockets_link_t *link = &sockets->link[i];
        if (link->mishap_us > 0 && link->mishap_us < deadline) deadline = link->mishap_us;
        if (link->watched && !link->gone) deadline = now_us + SOCKETS_ACK_INTERVAL_US;
        if (link->gone && link->state == LINK_IS_OPEN && link->silent_until_us < deadline)
            deadline = link->silent_until_us;
    }
    for (size_t i = 0; i < SOCKETS_FAREWELLS; i++)
        if (sockets->farewell[i].sock && sockets->farewell[i].until_us < deadline)
            deadline = sockets->farewell[i].until_us;
    return deadline;
}
