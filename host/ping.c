/* ICMP echoes. See ping.h. */
#include "ping.h"

#include "board.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <unistd.h>

enum {
    ECHO_HEAD = 8,  /* type, code, checksum, identifier, sequence */
    ECHO_SIZE = 40, /* with 32 bytes of data */
    ECHO6_REQUEST = 128,
    ECHO6_REPLY = 129,
    ANSWER_MAX = 256, /* with the IP header, which a raw IPv4 socket hands over */
};

static bool is_six(const ping_t *ping)
{
    struct sockaddr_storage own = { 0 };
    socklen_t               length = sizeof own;
    return getsockname(sock_fd(ping->sock), (struct sockaddr *)&own, &length) == 0 && own.ss_family == AF_INET6;
}

/* The identifier of a raw socket's echoes. A datagram socket has its own from the kernel. */
static uint16_t identifier(const ping_t *ping)
{
    return (uint16_t)((unsigned)getpid() * 8 + ping->board->config->number);
}

static uint16_t checksum(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static void end(ping_t *ping)
{
    sock_close(ping->sock);
    ping->sock = NULL;
}

static bool is_answer(const ping_t *ping, const uint8_t *packet, size_t n)
{
    bool   six = is_six(ping);
    size_t head = ping->raw && !six && n > 0 ? (size_t)(packet[0] & 15) * 4 : 0;
    if (n < head + ECHO_HEAD) return false;
    uint8_t ours[4];
    put16(ours, identifier(ping));
    put16(ours + 2, ping->sequence);
    packet += head;
    return packet[0] == (six ? ECHO6_REPLY : ICMP_ECHOREPLY) && (!ping->raw || memcmp(packet + 4, ours, 2) == 0) &&
           memcmp(packet + 6, ours + 2, 2) == 0;
}

static void packet_ready(void *owner, int events)
{
    ping_t *ping = owner;
    uint8_t packet[ANSWER_MAX];
    (void)events;
    for (;;) {
        ssize_t n = recv(sock_fd(ping->sock), packet, sizeof packet, 0);
        if (n < 0) return; /* nothing more; what an ICMP error told ends as silence */
        if (!is_answer(ping, packet, (size_t)n)) continue;
        ping->ms = (uint32_t)((board_now() - ping->sent_us) / 1000);
        ping->answered = true;
        end(ping);
        board_wake(ping->board);
        return;
    }
}

/* ---- The request ------------------------------------------------------------------------------------------------- */

/* A connected socket for echoes, or -1 and errno. */
static int socket_to(const cipmux_address_t *to, bool *raw)
{
    struct sockaddr_storage at;
    cipmux_address_t        host = *to;
    host.port = 0;
    socklen_t length = address_to_sockaddr(&host, &at);
    int       protocol = at.ss_family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    int       fd = socket(at.ss_family, SOCK_DGRAM, protocol);
    *raw = fd < 0;
    if (fd < 0) fd = socket(at.ss_family, SOCK_RAW, protocol);
    if (fd < 0) return -1;
    fd_prepare(fd);
    if (connect(fd, (struct sockaddr *)&at, length) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_echo(ping_t *ping)
{
    uint8_t packet[ECHO_SIZE] = { is_six(ping) ? ECHO6_REQUEST : ICMP_ECHO };
    put16(packet + 4, identifier(ping));
    put16(packet + 6, ++ping->sequence);
    put16(packet + 2, checksum(packet, sizeof packet)); /* of ICMPv6 the kernel makes its own */
    return send(sock_fd(ping->sock), packet, sizeof packet, 0) == (ssize_t)sizeof packet;
}

/* False: the echo cannot be sent; the log says why. */
static bool begin(ping_t *ping, const cipmux_address_t *to)
{
    board_t        *board = ping->board;
    char            text[ADDRESS_TEXT_MAX];
    address_route_t route = board_route(board, CIPMUX_UDP, to);
    board_log(board, &(log_record_t){ .event = "ping" }, "%s", address_text(to, text));
    if (route.reason != HOST_REASON_NONE) board_log_reason(board, (log_record_t){ .event = "note" }, route.reason);
    if (!route.reachable) return true; /* silence */
    if (route.modems) {
        ping->answered = neighbours_find(board, to) != NULL;
        ping->ms = 0;
        return true;
    }
    int fd = socket_to(&route.real, &ping->raw);
    if (fd < 0) {
        board_log_reason(board, (log_record_t){ .event = "failed" },
                         errno == EPERM || errno == EACCES ? HOST_REASON_NO_ECHOES : host_reason_of_errno(errno));
        return false;
    }
    ping->sock = sock_new(board->loop, fd, packet_ready, ping);
    if (!ping->sock) {
        close(fd);
        return false;
    }
    sock_want(ping->sock, UV_READABLE);
    if (send_echo(ping)) return true;
    board_log_reason(board, (log_record_t){ .event = "failed" }, host_reason_of_errno(errno));
    end(ping);
    return false;
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void ping_open(ping_t *ping, board_t *board)
{
    *ping = (ping_t){ .board = board };
}

void ping_close(ping_t *ping)
{
    end(ping);
}

bool ping_request(ping_t *ping, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind != CIPMUX_REQUEST_PING) return false;
    end(ping);
    ping->ticket = request->ticket;
    ping->sent_us = now_us;
    ping->answered = false;
    ping->cause = CIPMUX_CAUSE_NONE;
    record_ping(ping->board->record, &request->ping.to);
    if (begin(ping, &request->ping.to)) return true;
    ping->answered = true;
    ping->cause = CIPMUX_CAUSE_UNREACHABLE;
    return true;
}

bool ping_turn(ping_t *ping, uint64_t now_us)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_PONG, .ticket = ping->ticket, .ms = ping->ms, .cause = ping->cause };
    if (!ping->answered) return false;
    board_settle(ping->board, now_us);
    if (cipmux_event(&ping->board->modem, now_us, &event, NULL) == CIPMUX_LATER) return false;
    if (ping->cause == CIPMUX_CAUSE_NONE) record_echo(ping->board->record, ping->ms);
    ping->answered = false;
    return true;
}

bool ping_is_asking(const ping_t *ping)
{
    return ping->sock || ping->answered;
}
