/* Name lookups with c-ares on the libuv loop. See dns.h. */
#include "dns.h"

#include "board.h"

#include <netdb.h>
#include <string.h>
#include <sys/time.h>

enum { DNS_TIMEOUT_MS = 2500, DNS_TRIES = 3, DNS_SERVERS = 8 };

/* ---- The sockets of c-ares --------------------------------------------------------------------------------------- */

static void socket_ready(void *owner, int events)
{
    struct dns_socket *place = owner;
    dns_lookup_t      *lookup = place->lookup;
    ares_socket_t      fd = sock_fd(place->sock);
    ares_process_fd(lookup->channel, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                    events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
    board_wake(lookup->board);
}

/* c-ares opened, needs, or is about to close a socket; it closes the descriptor itself. */
static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    dns_lookup_t      *lookup = data;
    struct dns_socket *place = NULL;
    for (size_t i = 0; i < DNS_SOCKETS; i++) {
        struct dns_socket *each = &lookup->socket[i];
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
    place->lookup = lookup;
    if (!place->sock) place->sock = sock_new(lookup->board->loop, fd, socket_ready, place);
    if (place->sock) sock_want(place->sock, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

/* ---- Whom to ask ------------------------------------------------------------------------------------------------- */

typedef struct {
    cipmux_address_t at[DNS_SERVERS]; /* real */
    size_t           count, own_at;   /* this computer's resolver stands in front of own_at */
    bool             own;
    bool             silent; /* the world says that one of them is dead */
} whom_t;

static whom_t whom_to_ask(board_t *board, const cipmux_name_servers_t *servers)
{
    whom_t whom = { 0 };
    for (size_t i = 0; i < servers->count; i++) {
        cipmux_address_t server = { .family = 4, .port = DNS_PORT };
        memcpy(server.bytes, servers->server[i], 4);
        const address_route_t route = board_route(board, CIPMUX_UDP, &server);
        if (hosts_name_server_is_dead(board->config->hosts, servers->server[i])) {
            whom.silent = true;
        } else if (!route.reachable || route.modems) {
            board_log_reason(board, (log_record_t){ .event = "failed", .peer = &server },
                             route.modems ? HOST_REASON_NO_SERVICE : route.reason);
        } else if (!route.here || route.real.port != DNS_PORT) {
            whom.at[whom.count++] = route.real;
        } else if (!whom.own) {
            whom.own = true;
            whom.own_at = whom.count;
        }
    }
    return whom;
}

static struct ares_addr_port_node *add_node(struct ares_addr_port_node *node, const cipmux_address_t *at)
{
    *node = (struct ares_addr_port_node){ .family = at->family == 6 ? AF_INET6 : AF_INET,
                                          .udp_port = at->port,
                                          .tcp_port = at->port };
    memcpy(&node->addr, at->bytes, at->family == 6 ? 16 : 4);
    return node + 1;
}

/* Puts our servers in front of, and behind, those that the channel has from this computer. */
static bool set_servers(ares_channel channel, const whom_t *whom, bool ask_own)
{
    struct ares_addr_port_node  node[DNS_SERVERS * 2], *end = node, *own = NULL;
    struct ares_addr_port_node *each;
    size_t                      i = 0;
    if (ask_own && ares_get_servers_ports(channel, &own) != ARES_SUCCESS) return false;
    for (; i < (whom->own ? whom->own_at : whom->count); i++)
        end = add_node(end, &whom->at[i]);
    for (each = own; each && end < node + DNS_SERVERS; each = each->next)
        *end++ = *each;
    for (; i < whom->count; i++)
        end = add_node(end, &whom->at[i]);
    for (each = node; each < end; each++)
        each->next = each + 1 < end ? each + 1 : NULL;
    ares_free_data(own);
    return ares_set_servers_ports(channel, end > node ? node : NULL) == ARES_SUCCESS;
}

/* A channel that asks them and, for this computer, looks at its files first. Beyond this computer its resolver is asked
 * only where the modem may reach everything. */
static bool channel_open(dns_lookup_t *lookup, const whom_t *whom)
{
    static char         files[] = "f", files_then_servers[] = "fb", only_servers[] = "b";
    const bool          ask_own = whom->own && lookup->board->config->net == SCOPE_ALL;
    const bool          ask = ask_own || whom->count > 0;
    struct ares_options options = { .timeout = DNS_TIMEOUT_MS,
                                    .tries = DNS_TRIES,
                                    .sock_state_cb = socket_state,
                                    .sock_state_cb_data = lookup,
                                    .lookups = !whom->own ? only_servers
                                               : ask      ? files_then_servers
                                                          : files };
    int                 mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
    if (!ask_own) mask |= ARES_OPT_DOMAINS; /* no search list: this computer's is nobody else's business */
    if (!whom->own && !ask) return false;
    if (ares_init_options(&lookup->channel, &options, mask) != ARES_SUCCESS) {
        lookup->channel = NULL;
        return false;
    }
    return !ask || set_servers(lookup->channel, whom, ask_own);
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
    if (status == ARES_EDESTRUCTION) return;
    lookup->open = false;
    cipmux_address_t address = { 0 };
    if (status == ARES_SUCCESS) address = choose(result, lookup->family);
    if (result) ares_freeaddrinfo(result);
    if (address.family == 0)
        board_log_reason(lookup->board, (log_record_t){ .event = "failed" }, HOST_REASON_NAME_UNKNOWN);
    answer(lookup, address);
}

/* Not from within a callback of c-ares. */
static void forget(dns_lookup_t *lookup)
{
    if (lookup->channel) ares_destroy(lookup->channel);
    *lookup = (dns_lookup_t){ 0 };
}

static void begin(dns_lookup_t *lookup, const char *text, size_t length, const cipmux_name_servers_t *servers)
{
    char             name[CIPMUX_HOST_MAX + 1] = "";
    cipmux_address_t address;
    board_t         *board = lookup->board;
    if (length <= CIPMUX_HOST_MAX) memcpy(name, text, length);
    board_log(board, &(log_record_t){ .event = "resolve" }, "%s", name);
    if (address_parse(name, strlen(name), &address)) {
        answer(lookup, address);
        return;
    }
    const whom_t whom = whom_to_ask(board, servers);
    if (whom.silent && whom.count == 0 && !whom.own) {
        forget(lookup); /* the modem gives up by itself */
    } else if (name[0] == '\0' || board->config->net == SCOPE_NONE || !channel_open(lookup, &whom)) {
        answer(lookup, (cipmux_address_t){ 0 });
    } else {
        struct ares_addrinfo_hints hints = { .ai_family = lookup->family == 6   ? AF_INET6
                                                          : lookup->family == 4 ? AF_INET
                                                                                : AF_UNSPEC,
                                             .ai_flags = ARES_AI_NOSORT };
        lookup->open = true;
        ares_getaddrinfo(lookup->channel, name, NULL, &hints, found, lookup);
    }
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void dns_open(dns_t *dns, board_t *board)
{
    *dns = (dns_t){ .board = board };
}

void dns_close(dns_t *dns)
{
    for (size_t i = 0; i < DNS_LOOKUPS; i++)
        forget(&dns->lookup[i]);
}

bool dns_request(dns_t *dns, const cipmux_request_t *request)
{
    dns_lookup_t *const lookup = &dns->lookup[DNS_FOR_MODEM];
    if (request->kind != CIPMUX_REQUEST_RESOLVE) return false;
    forget(lookup);
    *lookup = (dns_lookup_t){ .board = dns->board, .ticket = request->ticket, .family = request->resolve.family };
    record_resolve(dns->board->record, board_now(), request->resolve.name, request->resolve.length);
    begin(lookup, request->resolve.name, request->resolve.length, &request->resolve.servers);
    return true;
}

void dns_ask(dns_t *dns, dns_asker_t asker, const char *name, size_t length, const cipmux_name_servers_t *servers,
             dns_found_t *found_it, void *owner)
{
    dns_lookup_t *const lookup = &dns->lookup[asker];
    forget(lookup);
    *lookup = (dns_lookup_t){ .board = dns->board, .family = 4, .found = found_it, .owner = owner };
    begin(lookup, name, length, servers);
}

void dns_forget(dns_t *dns, dns_asker_t asker)
{
    forget(&dns->lookup[asker]);
}

/* True: whoever asked has the answer, or will never want it. */
static bool tell(dns_lookup_t *lookup, uint64_t now_us)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_RESOLVED, .ticket = lookup->ticket, .address = lookup->address };
    board_settle(lookup->board, now_us);
    if (!lookup->found && cipmux_event(&lookup->board->modem, now_us, &event, NULL) == CIPMUX_LATER) return false;
    if (!lookup->found) record_resolved(lookup->board->record, now_us, &lookup->address);
    const dns_lookup_t told = *lookup;
    forget(lookup);
    if (told.found) told.found(told.owner, &told.address);
    return true;
}

bool dns_turn(dns_t *dns, uint64_t now_us)
{
    bool moved = false;
    for (size_t i = 0; i < DNS_LOOKUPS; i++) {
        dns_lookup_t *lookup = &dns->lookup[i];
        if (lookup->channel) ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time-outs */
        if (lookup->answered) moved |= tell(lookup, now_us);
    }
    return moved;
}

uint64_t dns_deadline(const dns_t *dns, uint64_t now_us)
{
    uint64_t due_us = CIPMUX_NEVER;
    for (size_t i = 0; i < DNS_LOOKUPS; i++) {
        struct timeval left;
        if (!dns->lookup[i].channel || !ares_timeout(dns->lookup[i].channel, NULL, &left)) continue;
        const uint64_t at_us = now_us + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
        if (at_us < due_us) due_us = at_us;
    }
    return due_us;
}

bool dns_is_asking(const dns_t *dns)
{
    for (size_t i = 0; i < DNS_LOOKUPS; i++)
        if (dns->lookup[i].open || dns->lookup[i].answered) return true;
    return false;
}
