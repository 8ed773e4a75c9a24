/* One SNTP question. See sntp.h. */
#include "sntp.h"

#include "board.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- Packets ----------------------------------------------------------------------------------------------------- */

enum {
    NTP_VERSION_4 = 4 << 3,
    NTP_CLIENT = 3,
    NTP_SERVER = 4,
    NTP_UNSYNCHRONISED = 3, /* the leap indicator */
    NTP_STRATUM_MAX = 15,
    AT_STRATUM = 1,
    AT_ORIGINATE = 24,
    AT_RECEIVE = 32,
    AT_TRANSMIT = 40,
};

void sntp_question(uint8_t out[SNTP_SIZE], const uint8_t stamp[SNTP_STAMP])
{
    memset(out, 0, SNTP_SIZE);
    out[0] = NTP_VERSION_4 | NTP_CLIENT;
    memcpy(out + AT_TRANSMIT, stamp, SNTP_STAMP);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Microseconds since 1900, or since 2036 when the first bit is 0 (RFC 4330, 3); always since 1900 here. */
static uint64_t get_stamp(const uint8_t *at)
{
    const uint64_t seconds = get32(at), era = seconds >> 31 ? 0 : (uint64_t)1 << 32;
    return (seconds + era) * 1000000 + ((uint64_t)get32(at + 4) * 1000000 >> 32);
}

sntp_answer_t sntp_read(const uint8_t *packet, size_t n, const uint8_t stamp[SNTP_STAMP], uint64_t took_us,
                        uint64_t *utc_us)
{
    static const uint64_t from_1900_us = 2208988800ULL * 1000000;
    static const uint8_t  zero[SNTP_STAMP];
    if (n < SNTP_SIZE || (packet[0] & 7) != NTP_SERVER || (packet[0] >> 3 & 7) == 0 ||
        memcmp(packet + AT_ORIGINATE, stamp, SNTP_STAMP) != 0)
        return SNTP_IGNORED;
    if (packet[AT_STRATUM] == 0) return SNTP_GO_AWAY;
    if (packet[AT_STRATUM] > NTP_STRATUM_MAX || packet[0] >> 6 == NTP_UNSYNCHRONISED ||
        memcmp(packet + AT_TRANSMIT, zero, SNTP_STAMP) == 0)
        return SNTP_IGNORED;
    const uint64_t received_us = get_stamp(packet + AT_RECEIVE), sent_us = get_stamp(packet + AT_TRANSMIT);
    if (sent_us < from_1900_us) return SNTP_IGNORED;
    const uint64_t held_us = sent_us > received_us ? sent_us - received_us : 0;
    const uint64_t way_us = held_us < took_us ? (took_us - held_us) / 2 : 0;
    *utc_us = sent_us - from_1900_us + way_us;
    return SNTP_TIME;
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static void end(sntp_t *sntp)
{
    sock_close(sntp->sock);
    sntp->sock = NULL;
}

static void decide(sntp_t *sntp, cipmux_cause_t cause)
{
    end(sntp);
    sntp->cause = cause;
    sntp->answered = true;
    sntp->heard_us = board_now();
    board_wake(sntp->board);
}

static void log_time(const sntp_t *sntp)
{
    const time_t seconds = (time_t)(sntp->utc_us / 1000000);
    struct tm    utc;
    char         text[32] = "";
    if (gmtime_r(&seconds, &utc)) strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    board_log(sntp->board, &(log_record_t){ .event = "sntp" }, "%s says %s UTC", sntp->name, text);
}

static void packet_ready(void *owner, int events)
{
    sntp_t *sntp = owner;
    uint8_t packet[SNTP_SIZE]; /* what may stand behind it, extensions and keys, says nothing about the time */
    (void)events;
    for (;;) {
        const ssize_t n = recv(sock_fd(sntp->sock), packet, sizeof packet, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            board_log_reason(sntp->board, (log_record_t){ .event = "failed" }, host_reason_of_errno(errno));
            end(sntp); /* an ICMP error tells the modem nothing: it waits, then asks again */
            return;
        }
        switch (sntp_read(packet, (size_t)n, sntp->stamp, board_now() - sntp->asked_us, &sntp->utc_us)) {
        case SNTP_TIME:
            log_time(sntp);
            decide(sntp, CIPMUX_CAUSE_NONE);
            return;
        case SNTP_GO_AWAY:
            board_log_reason(sntp->board, (log_record_t){ .event = "failed" }, HOST_REASON_TIME_REFUSED);
            decide(sntp, CIPMUX_CAUSE_UNREACHABLE);
            return;
        case SNTP_IGNORED:
            board_log_reason(sntp->board, (log_record_t){ .event = "note" }, HOST_REASON_NOT_THE_TIME);
            break;
        }
    }
}

/* ---- The question ------------------------------------------------------------------------------------------------ */

static void fail(sntp_t *sntp, host_reason_t reason)
{
    board_log_reason(sntp->board, (log_record_t){ .event = "failed" }, reason);
    decide(sntp, CIPMUX_CAUSE_UNREACHABLE);
}

/* The socket is connected, so that only that server is heard. */
static bool send_to(sntp_t *sntp, const cipmux_address_t *real)
{
    struct sockaddr_storage at;
    const socklen_t         length = address_to_sockaddr(real, &at);
    uint8_t                 packet[SNTP_SIZE];
    const int               fd = socket(at.ss_family, SOCK_DGRAM, 0);
    if (fd < 0) return false;
    fd_prepare(fd);
    sntp->sock = sock_new(sntp->board->loop, fd, packet_ready, sntp);
    if (!sntp->sock) {
        close(fd);
        return false;
    }
    uv_random(NULL, NULL, sntp->stamp, sizeof sntp->stamp, 0, NULL);
    sntp_question(packet, sntp->stamp);
    sntp->asked_us = board_now();
    sock_want(sntp->sock, UV_READABLE);
    return connect(fd, (struct sockaddr *)&at, length) == 0 && send(fd, packet, sizeof packet, 0) == SNTP_SIZE;
}

static void server_found(void *owner, const cipmux_address_t *address)
{
    sntp_t          *sntp = owner;
    cipmux_address_t server = *address;
    if (server.family == 0) {
        decide(sntp, CIPMUX_CAUSE_UNREACHABLE);
        return;
    }
    server.port = SNTP_PORT;
    const address_route_t route = board_route(sntp->board, CIPMUX_UDP, &server);
    board_log(sntp->board, &(log_record_t){ .event = "sntp", .peer = &server }, "%s", sntp->name);
    if (!route.reachable || route.modems)
        fail(sntp, route.modems ? HOST_REASON_NO_SERVICE : route.reason);
    else if (!send_to(sntp, &route.real))
        fail(sntp, host_reason_of_errno(errno));
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void sntp_open(sntp_t *sntp, board_t *board)
{
    *sntp = (sntp_t){ .board = board };
}

static void give_up(sntp_t *sntp)
{
    end(sntp);
    dns_forget(&sntp->board->dns, DNS_FOR_SNTP);
    sntp->answered = false;
}

void sntp_close(sntp_t *sntp)
{
    give_up(sntp);
}

bool sntp_request(sntp_t *sntp, uint64_t now_us, const cipmux_request_t *request)
{
    (void)now_us;
    if (request->kind != CIPMUX_REQUEST_TIME) return false;
    record_remark(sntp->board->record, "Here the modem asked a real SNTP server: what shows the time will differ.");
    give_up(sntp);
    const size_t length = request->time.length < sizeof sntp->name ? request->time.length : sizeof sntp->name - 1;
    memcpy(sntp->name, request->time.name, length);
    sntp->name[length] = '\0';
    sntp->ticket = request->ticket;
    dns_ask(&sntp->board->dns, DNS_FOR_SNTP, sntp->name, length, &request->time.servers, server_found, sntp);
    return true;
}

bool sntp_turn(sntp_t *sntp, uint64_t now_us)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_TIME, .ticket = sntp->ticket, .cause = sntp->cause };
    event.utc_us = sntp->utc_us + (now_us > sntp->heard_us ? now_us - sntp->heard_us : 0);
    if (!sntp->answered || cipmux_event(&sntp->board->modem, now_us, &event, NULL) == CIPMUX_LATER) return false;
    sntp->answered = false;
    return true;
}

bool sntp_is_asking(const sntp_t *sntp)
{
    return sntp->sock || sntp->answered;
}
