/* The sockets of multicast DNS. See mdns.h. */
#include "mdns.h"

#include "board.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static const cipmux_address_t group = { .family = 4, .bytes = { 224, 0, 0, 251 }, .port = MDNS_PORT };

/* ---- Where ------------------------------------------------------------------------------------------------------- */

/* Where the modem's service is found: where it is published, or would be. */
static cipmux_address_t place(const mdns_t *mdns)
{
    const board_t *const        board = mdns->board;
    const board_config_t *const config = board->config;
    cipmux_address_t            at = publish_find(config->publish, config->publish_count, false, mdns->port, 4);
    if (board->publisher.port == mdns->port && board->publisher.at.port) at = board->publisher.at;
    if (at.port == 0) at.port = mdns->port;
    return at;
}

/* Our address on the way to there, for a service that is published on every interface. */
static void own_address(const cipmux_address_t *to, uint8_t out[4])
{
    struct sockaddr_storage at;
    const socklen_t         length = address_to_sockaddr(to, &at);
    const int               fd = socket(AF_INET, SOCK_DGRAM, 0);
    cipmux_address_t        own = { 0 };
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, length) == 0) own = address_of_socket(fd);
    if (fd >= 0) close(fd);
    memcpy(out, own.bytes, 4);
}

static bool is_any(const cipmux_address_t *address)
{
    return (address->bytes[0] | address->bytes[1] | address->bytes[2] | address->bytes[3]) == 0;
}

/* ---- Out --------------------------------------------------------------------------------------------------------- */

static bool send_to(mdns_t *mdns, unsigned records, mdns_kind_t kind, const cipmux_address_t *to,
                    const cipmux_address_t *asker, const mdns_question_t *question, const uint8_t *packet)
{
    uint8_t                 out[MDNS_PACKET];
    struct sockaddr_storage at;
    const socklen_t         length = address_to_sockaddr(to, &at);
    cipmux_address_t        own = place(mdns);
    mdns->host.port = own.port;
    if (is_any(&own)) own_address(asker, own.bytes);
    const size_t n = mdns_write(out, &mdns->host, records, kind, own.bytes, question, packet);
    return sendto(sock_fd(mdns->sock), out, n, MSG_NOSIGNAL, (struct sockaddr *)&at, length) == (ssize_t)n;
}

static bool say(mdns_t *mdns, mdns_kind_t kind)
{
    return send_to(mdns, MDNS_ALL, kind, &group, &group, NULL, NULL);
}

/* ---- In ---------------------------------------------------------------------------------------------------------- */

static bool is_joined(const mdns_t *mdns)
{
    return radio_joined(mdns->board->config->air, &mdns->board->station) != NULL;
}

static void answer(mdns_t *mdns, const uint8_t *packet, size_t n, const cipmux_address_t *from)
{
    char            text[ADDRESS_TEXT_MAX];
    mdns_question_t question;
    const bool      legacy = from->port != MDNS_PORT;
    if (!is_joined(mdns) || !mdns_read(&mdns->host, packet, n, &question) || question.records == 0) return;
    const bool sent = send_to(mdns, question.records, legacy ? MDNS_LEGACY : MDNS_ANSWER,
                              legacy || question.unicast ? from : &group, from, legacy ? &question : NULL, packet);
    board_log(mdns->board, &(log_record_t){ .event = "mdns", .level = LOG_DETAIL }, "%s %s",
              sent ? "answered" : "could not answer", address_text(from, text));
}

static void packet_ready(void *owner, int events)
{
    enum { AT_ONCE = 16 };
    mdns_t *mdns = owner;
    uint8_t packet[MDNS_PACKET];
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_storage sender = { 0 };
        socklen_t               length = sizeof sender;
        const ssize_t n = recvfrom(sock_fd(mdns->sock), packet, sizeof packet, 0, (struct sockaddr *)&sender, &length);
        if (n < 0) return;
        const cipmux_address_t from = address_from_sockaddr(&sender);
        answer(mdns, packet, (size_t)n, &from);
    }
}

/* ---- On and off -------------------------------------------------------------------------------------------------- */

/* A socket that hears the group on one interface, and speaks there. -1 and errno: this computer has no such thing. */
static int open_group(const cipmux_address_t *interface)
{
    struct sockaddr_storage at;
    const socklen_t         length = address_to_sockaddr(&group, &at);
    struct ip_mreq          member;
    const int               fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) return -1;
    memcpy(&member.imr_multiaddr, group.bytes, sizeof member.imr_multiaddr);
    memcpy(&member.imr_interface, interface->bytes, sizeof member.imr_interface);
    fd_prepare(fd);
    fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* other responders of this computer have that port too */
    fd_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255);
#ifdef IP_MULTICAST_ALL
    fd_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0); /* Linux: not what others joined on other interfaces */
#endif
    if (bind(fd, (struct sockaddr *)&at, length) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member) == 0 &&
        (is_any(interface) ||
         setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &member.imr_interface, sizeof member.imr_interface) == 0))
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void log_place(const mdns_t *mdns)
{
    char                   text[ADDRESS_TEXT_MAX];
    const cipmux_address_t at = place(mdns);
    board_log(mdns->board, &(log_record_t){ .event = "mdns" }, "%.*s.local, %.*s._tcp.local at %s",
              mdns->host.host_length, (const char *)mdns->host.host, mdns->host.service_length,
              (const char *)mdns->host.service, address_text(&at, text));
}

static void no_multicast(mdns_t *mdns, const char *why)
{
    board_noted(mdns->board, HOST_REASON_NO_MULTICAST);
    board_log(mdns->board, &(log_record_t){ .event = "failed", .reason = host_reason_id(HOST_REASON_NO_MULTICAST) },
              "%s: %s", host_reason_sentence(HOST_REASON_NO_MULTICAST), why);
}

static void stop(mdns_t *mdns)
{
    if (!mdns->sock) return;
    if (mdns->known) say(mdns, MDNS_GOODBYE);
    sock_close(mdns->sock);
    mdns->sock = NULL;
    mdns->known = false;
}

static bool take_names(mdns_t *mdns, const cipmux_request_t *request)
{
    mdns_host_t *const host = &mdns->host;
    const char *const  prefix = request->mdns.prefix;
    const size_t       first = strlen(prefix), length = first + request->mdns.service_length;
    if (length > MDNS_LABEL || strlen(request->mdns.about) >= sizeof host->about) return false;
    memcpy(host->host, request->mdns.host, request->mdns.host_length);
    memcpy(host->service, prefix, first);
    memcpy(host->service + first, request->mdns.service, request->mdns.service_length);
    host->host_length = request->mdns.host_length;
    host->service_length = (uint8_t)length;
    strcpy(host->about, request->mdns.about);
    mdns->port = request->mdns.port;
    return true;
}

static void start(mdns_t *mdns, uint64_t now_us, const cipmux_request_t *request)
{
    if (!take_names(mdns, request)) {
        no_multicast(mdns, "the service and its underscore are longer than a label");
        return;
    }
    if (mdns->board->config->net == SCOPE_NONE) {
        no_multicast(mdns, "--net=none");
        return;
    }
    mdns->interface = place(mdns);
    const int fd = open_group(&mdns->interface);
    mdns->sock = fd < 0 ? NULL : sock_new(mdns->board->loop, fd, packet_ready, mdns);
    if (!mdns->sock) {
        no_multicast(mdns, strerror(errno));
        if (fd >= 0) close(fd);
        return;
    }
    sock_want(mdns->sock, UV_READABLE);
    mdns->left = MDNS_ANNOUNCEMENTS;
    mdns->next_us = now_us;
    log_place(mdns);
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void mdns_open(mdns_t *mdns, board_t *board)
{
    *mdns = (mdns_t){ .board = board };
}

void mdns_close(mdns_t *mdns)
{
    stop(mdns);
}

bool mdns_request(mdns_t *mdns, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind != CIPMUX_REQUEST_MDNS) return false;
    stop(mdns);
    if (request->mdns.on) start(mdns, now_us, request);
    return true;
}

bool mdns_turn(mdns_t *mdns, uint64_t now_us)
{
    if (!mdns->sock || mdns->left == 0 || now_us < mdns->next_us || !is_joined(mdns)) return false;
    mdns->left--;
    mdns->next_us = now_us + MDNS_PAUSE_US;
    mdns->known = say(mdns, MDNS_ANSWER);
    if (mdns->known) return true;
    no_multicast(mdns, strerror(errno));
    mdns->left = 0;
    return true;
}

uint64_t mdns_deadline(const mdns_t *mdns)
{
    return mdns->sock && mdns->left > 0 && is_joined(mdns) ? mdns->next_us : CIPMUX_NEVER;
}
