/* Name lookups with c-ares on the libuv loop. See dns.h. */
#include "dns.h"

#include "board.h"

#include <netdb.h>
#include <string.h>
#include <sys/time.h>

enum { DNS_TIMEOUT_MS = 2500, DNS_TRIES = 3 };

/* ---- The sockets of c-ares --------------------------------------------------------------------------------------- */

static void socket_ready(void *owner, int events)
{
    struct dns_socket *place = owner;
    ares_socket_t      fd = sock_fd(place->sock);
    ares_process_fd(place->dns->channel, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                    events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
    board_wake(place->dns->board);
}

/* c-ares opened, needs, or is about to close a socket; it closes the descriptor itself. */
static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    dns_t             *dns = data;
    struct dns_socket *place = NULL;
    for (size_t i = 0; i < DNS_SOCKETS; i++) {
        struct dns_socket *each = &dns->socket[i];
        if (each->sock ? sock_fd(each->sock) == fd : !place) place = each;
        if (each->sock && sock_fd(each->sock) == fd) break;
    }
    if (!place) return; /* this server is not heard; the next try uses another socket */
    if (!readable && !writable) {
        if (place->sock && sock_fd(place->sock) == fd) {
            sock_release(place->sock);
            place->sock = NULL;
        }
        return;
    }
    place->dns = dns;
    if (!place->sock) place->sock = sock_new(dns->board->loop, fd, socket_ready, place);
    if (place->sock) sock_want(place->sock, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

/* ---- Lookups ----------------------------------------------------------------------------------------------------- */

/* The first address of the wanted family; for "any", IPv4 first. */
static cipmux_address_t choose(const struct ares_addrinfo *found, uint8_t family)
{
    cipmux_address_t best = { 0 };
    for (const struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next) {
        struct sockaddr_storage at = { 0 };
        if (node->ai_addrlen > sizeof at) continue;
        memcpy(&at, node->ai_addr, node->ai_addrlen);
        cipmux_address_t address = address_from_sockaddr(&at);
        if (family && address.family != family) continue;
        if (best.family == 0 || (best.family == 6 && address.family == 4)) best = address;
    }
    best.port = 0;
    return address_seen(&best, NULL, NULL);
}

static void answer(dns_lookup_t *lookup, cipmux_address_t address)
{
    lookup->address = address;
    lookup->answered = true;
    board_wake(lookup->board);
}

static void found(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    dns_lookup_t *lookup = data;
    (void)timeouts;
    lookup->open = false;
    if (status == ARES_EDESTRUCTION) return;
    cipmux_address_t address = { 0 };
    if (status == ARES_SUCCESS) address = choose(result, lookup->family);
    if (result) ares_freeaddrinfo(result);
    if (address.family == 0)
        board_log_reason(lookup->board, (log_record_t){ .event = "failed" }, HOST_REASON_NAME_UNKNOWN);
    answer(lookup, address);
}

static bool channel_open(dns_t *dns)
{
    static char         files_only[] = "f", files_then_dns[] = "fb";
    struct ares_options options = { .timeout = DNS_TIMEOUT_MS,
                                    .tries = DNS_TRIES,
                                    .sock_state_cb = socket_state,
                                    .sock_state_cb_data = dns,
                                    .lookups = dns->board->config->net == SCOPE_ALL ? files_then_dns : files_only };
    if (!dns->ready)
        dns->ready = ares_init_options(&dns->channel, &options,
                                       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                                           ARES_OPT_LOOKUPS) == ARES_SUCCESS;
    return dns->ready;
}

static dns_lookup_t *free_lookup(dns_t *dns)
{
    for (size_t i = 0; i < DNS_LOOKUPS; i++)
        if (!dns->lookup[i].open && !dns->lookup[i].answered) return &dns->lookup[i];
    return NULL;
}

static void resolve(dns_t *dns, uint64_t now_us, const cipmux_request_t *request)
{
    char             name[CIPMUX_HOST_MAX + 1] = "";
    cipmux_address_t address;
    dns_lookup_t    *lookup = free_lookup(dns);
    if (!lookup) {
        board_log_reason(dns->board, (log_record_t){ .event = "failed" }, HOST_REASON_NAMES_LIMIT);
        cipmux_event_t event = { .kind = CIPMUX_EVENT_RESOLVED, .ticket = request->ticket };
        cipmux_event(&dns->board->modem, now_us, &event, NULL);
        return;
    }
    *lookup = (dns_lookup_t){ .board = dns->board, .ticket = request->ticket, .family = request->resolve.family };
    if (request->resolve.length <= CIPMUX_HOST_MAX) memcpy(name, request->resolve.name, request->resolve.length);
    board_log(dns->board, &(log_record_t){ .event = "resolve" }, "%s", name);
    if (address_parse(name, strlen(name), &address)) {
        answer(lookup, address);
    } else if (name[0] == '\0' || dns->board->config->net == SCOPE_NONE || !channel_open(dns)) {
        answer(lookup, (cipmux_address_t){ 0 });
    } else {
        struct ares_addrinfo_hints hints = { .ai_family = lookup->family == 6   ? AF_INET6
                                                          : lookup->family == 4 ? AF_INET
                                                                                : AF_UNSPEC,
                                             .ai_flags = ARES_AI_NOSORT };
        lookup->open = true;
        ares_getaddrinfo(dns->channel, name, NULL, &hints, found, lookup);
    }
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void dns_open(dns_t *dns, board_t *board)
{
    *dns = (dns_t){ .board = board };
}

void dns_close(dns_t *dns)
{
    if (dns->ready) ares_destroy(dns->channel);
    dns->ready = false;
}

bool dns_request(dns_t *dns, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind != CIPMUX_REQUEST_RESOLVE) return false;
    resolve(dns, now_us, request);
    return true;
}

bool dns_turn(dns_t *dns, uint64_t now_us)
{
    bool moved = false;
    if (dns->ready) ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time-outs */
    for (size_t i = 0; i < DNS_LOOKUPS; i++) {
        dns_lookup_t  *lookup = &dns->lookup[i];
        cipmux_event_t event = { .kind = CIPMUX_EVENT_RESOLVED, .ticket = lookup->ticket, .address = lookup->address };
        if (lookup->answered && cipmux_event(&dns->board->modem, now_us, &event, NULL) != CIPMUX_LATER) {
            lookup->answered = false;
            moved = true;
        }
    }
    return moved;
}

uint64_t dns_deadline(const dns_t *dns, uint64_t now_us)
{
    struct timeval left;
    if (!dns->ready || !ares_timeout(dns->channel, NULL, &left)) return CIPMUX_NEVER;
    return now_us + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
}

bool dns_is_asking(const dns_t *dns)
{
    for (size_t i = 0; i < DNS_LOOKUPS; i++)
        if (dns->lookup[i].open || dns->lookup[i].answered) return true;
    return false;
}
