/* UDP links: where they bind, and datagrams that stay whole. Part of sockets.h. */
#include "board.h"
#include "neighbours.h"
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the link's own port is: a rule of --publish, else loopback for peers on this computer, else every interface. */
static cipmux_address_t own_place(const sockets_link_t *link, uint16_t port, uint8_t family, bool near)
{
    const board_config_t *config = link->board->config;
    cipmux_address_t      at = publish_find(config->publish, config->publish_count, true, port, family);
    if (!near && address_is_loopback(&at)) memset(at.bytes, 0, sizeof at.bytes);
    return at;
}

static void join_group(int fd, const cipmux_address_t *group, bool near)
{
    if (group->family == 6) {
        struct ipv6_mreq six = { .ipv6mr_interface = 0 };
        memcpy(&six.ipv6mr_multiaddr, group->bytes, sizeof six.ipv6mr_multiaddr);
        setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof six);
        return;
    }
    struct ip_mreq four = { .imr_interface.s_addr = htonl(near ? INADDR_LOOPBACK : INADDR_ANY) };
    memcpy(&four.imr_multiaddr, group->bytes, sizeof four.imr_multiaddr);
    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof four);
    if (near) setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &four.imr_interface, sizeof four.imr_interface);
}

/* A bound socket, or -1 and errno. */
static int bind_at(const cipmux_address_t *at, bool shared)
{
    struct sockaddr_storage own;
    socklen_t               length = address_to_sockaddr(at, &own);
    int                     fd = socket(own.ss_family, SOCK_DGRAM, 0);
    if (fd < 0) return -1;
    fd_prepare(fd);
    fd_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (shared) /* a group, or the same port on more interfaces */
        fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (struct sockaddr *)&own, length) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

void datagram_dial(sockets_link_t *link, const cipmux_request_t *request, const address_route_t *route)
{
    sockets_t *sockets = &link->board->sockets;
    uint16_t   port = request->dial.from.port;
    link->near = route->here && !route->broadcast && !route->multicast;
    cipmux_address_t at = own_place(link, port, route->real.family, link->near);
    const board_t   *has_it = port ? neighbours_publisher(link->board, &at, true) : NULL;
    if (has_it) at.port = 0;
    int fd = bind_at(&at, route->multicast);
    if (!sockets->datagram) sockets->datagram = malloc(SOCKETS_DATAGRAM_MAX);
    if (fd < 0 || !sockets->datagram) {
        link_fail(link, fd < 0 ? host_reason_of_errno(errno) : HOST_REASON_NO_MEMORY);
        if (fd >= 0) close(fd);
        return;
    }
    if (!link_take(link, fd)) return;
    if (route->multicast) join_group(fd, &route->real, route->here);
    at.port = address_of_socket(fd).port;
    link->local_port = port ? port : at.port;
    link->cause = CIPMUX_CAUSE_NONE;
    link->state = LINK_IS_DECIDED;
    if (port) {
        char text[ADDRESS_TEXT_MAX];
        board_log(link->board, &(log_record_t){ .event = "listening", .link = &link->id }, "UDP port %u is at %s%s%s",
                  (unsigned)port, address_text(&at, text), has_it ? ", its usual place is taken by modem " : "",
                  has_it ? has_it->config->name : "");
    }
}

/* A link bound to loopback gets a target beyond this computer: the same port on every interface takes its place. */
static bool widen(sockets_link_t *link, uint8_t family)
{
    cipmux_address_t at = { .family = family, .port = address_of_socket(sock_fd(link->sock)).port };
    sock_t          *narrow = link->sock;
    fd_option(sock_fd(narrow), SOL_SOCKET, SO_REUSEADDR, 1);
    int fd = bind_at(&at, true);
    if (fd < 0) return false;
    link->sock = NULL;
    if (!link_take(link, fd)) {
        link->state = LINK_IS_OPEN;
        link->sock = narrow;
        return false;
    }
    sock_close(narrow);
    link->near = false;
    return true;
}

static void failed(sockets_link_t *link, uint64_t now_us, const cipmux_address_t *to, host_reason_t reason)
{
    board_log_reason(link->board, (log_record_t){ .event = "failed", .link = &link->id, .peer = to }, reason);
    cipmux_send_failed(&link->board->modem, now_us, link->id);
}

/* The modem's datagram is on its way. */
static void sent(sockets_link_t *link, uint64_t now_us, const cipmux_address_t *to, const uint8_t *bytes, size_t n)
{
    record_sent(link->board->record, link->id.id, to, bytes, n);
    link->sent += n;
    cipmux_send_done(&link->board->modem, now_us, link->id, n);
    if (log_wants(link->board->log, LOG_DETAIL))
        board_log(link->board,
                  &(log_record_t){ .event = "sent", .level = LOG_DETAIL, .link = &link->id, .peer = to, .bytes = n },
                  "%zu bytes", n);
}

/* ---- Waiting for the modem, and between modems ------------------------------------------------------------------- */

/* Behind those that wait already. False: no memory. */
static bool keep(sockets_link_t *link, const cipmux_address_t *from, const uint8_t *bytes, size_t n)
{
    sockets_datagram_t **end = &link->first, *datagram = malloc(sizeof *datagram + n);
    if (!datagram) return false;
    *datagram = (sockets_datagram_t){ .from = *from, .size = n };
    memcpy(datagram->bytes, bytes, n);
    while (*end)
        end = &(*end)->next;
    *end = datagram;
    link->queued += n;
    link->paused = true;
    return true;
}

static void forget_first(sockets_link_t *link)
{
    sockets_datagram_t *datagram = link->first;
    link->first = datagram->next;
    link->queued -= datagram->size;
    link->paused = link->first != NULL;
    free(datagram);
}

void datagram_forget(sockets_link_t *link)
{
    while (link->first)
        forget_first(link);
}

static void hand_over(board_t *other, const cipmux_address_t *from, uint16_t port, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        sockets_link_t *link = &other->sockets.link[i];
        if (link->state != LINK_IS_OPEN || !link->udp || link->local_port != port) continue;
        if (link->queued + n > SOCKETS_QUEUE_MAX || !keep(link, from, bytes, n))
            board_log_reason(other, (log_record_t){ .event = "lost", .link = &link->id, .peer = from, .bytes = n },
                             HOST_REASON_DATAGRAM_QUEUE);
        board_wake(other);
    }
}

/* To the other modem of that address, or all that hear a broadcast. */
static void send_to_modems(const sockets_link_t *link, const cipmux_address_t *to, const uint8_t *bytes, size_t n)
{
    board_t       *others[NEIGHBOURS_MAX];
    size_t         count = neighbours_hear(link->board, to, others);
    cipmux_route_t by = cipmux_route(&link->board->modem, to);
    for (size_t i = 0; i < count; i++) {
        cipmux_address_t from = neighbours_seen(link->board, by, others[i]);
        from.port = link->local_port;
        hand_over(others[i], &from, to->port, bytes, n);
    }
}

bool datagram_send(sockets_link_t *link, uint64_t now_us)
{
    const void      *bytes;
    size_t           n;
    cipmux_address_t to;
    if (link->blocked || !cipmux_send_peek(&link->board->modem, link->id, &bytes, &n, &to)) return false;
    address_route_t route = board_route(link->board, CIPMUX_UDP, &to);
    if (!route.reachable) {
        failed(link, now_us, &to, route.reason);
        return true;
    }
    send_to_modems(link, &to, bytes, n);
    if (route.modems) {
        sent(link, now_us, &to, bytes, n);
        return true;
    }
    if (link->near && !route.here && !widen(link, route.real.family)) {
        failed(link, now_us, &to, host_reason_of_errno(errno));
        return true;
    }
    struct sockaddr_storage there;
    socklen_t               length = address_to_sockaddr(&route.real, &there);
    if (sendto(sock_fd(link->sock), bytes, n, MSG_NOSIGNAL, (struct sockaddr *)&there, length) < 0) {
        if (errno == EINTR) return true;
        link->blocked = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!link->blocked) failed(link, now_us, &to, HOST_REASON_DATAGRAM_FAILED);
        return !link->blocked;
    }
    sent(link, now_us, &to, bytes, n);
    return true;
}

/* The datagram goes in, or is kept until there is room; while one is kept, the socket is not read. */
static bool offer(sockets_link_t *link, uint64_t now_us, const cipmux_address_t *from, const uint8_t *bytes, size_t n)
{
    if (record_is_full(link->board->record)) return false;
    board_settle(link->board, now_us);
    if (!cipmux_datagram(&link->board->modem, now_us, link->id, from, bytes, n)) return false;
    record_received(link->board->record, now_us, link->id.id, from, bytes, n);
    link->received += n;
    if (log_wants(link->board->log, LOG_DETAIL))
        board_log(
            link->board,
            &(log_record_t){ .event = "received", .level = LOG_DETAIL, .link = &link->id, .peer = from, .bytes = n },
            "%zu bytes", n);
    return true;
}

bool datagram_receive(sockets_link_t *link, uint64_t now_us)
{
    if (link->first) {
        if (!offer(link, now_us, &link->first->from, link->first->bytes, link->first->size)) return false;
        forget_first(link);
        return true;
    }
    if (!link->readable) return false;
    struct sockaddr_storage sender = { 0 };
    socklen_t               length = sizeof sender;
    uint8_t                *bytes = link->board->sockets.datagram;
    ssize_t got = recvfrom(sock_fd(link->sock), bytes, SOCKETS_DATAGRAM_MAX, 0, (struct sockaddr *)&sender, &length);
    if (got < 0) { /* an ICMP error about an earlier datagram tells a UDP link nothing */
        link->readable = errno != EAGAIN && errno != EWOULDBLOCK;
        return link->readable;
    }
    cipmux_address_t      real = address_from_sockaddr(&sender);
    const board_config_t *config = link->board->config;
    if (config->net == SCOPE_LOCAL && !address_is_loopback(&real)) return true;
    uint8_t computer[4];
    board_computer(link->board, computer);
    if (cipmux_route(&link->board->modem, &link->peer) == CIPMUX_BY_SOFT_AP &&
        !neighbours_find(link->board, &link->peer))
        memcpy(computer, link->peer.bytes, 4);
    const redirect_t *rule = redirect_back(config->redirect, config->redirect_count, true, &real);
    cipmux_address_t  from = rule ? rule->from : address_seen(&real, NULL, computer);
    if (!offer(link, now_us, &from, bytes, (size_t)got)) keep(link, &from, bytes, (size_t)got);
    return true;
}
