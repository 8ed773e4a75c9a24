/* What the modem wants from the simulated network: see net.h. */
#include "net_parts.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

static void take_back(net_t *net, cipmux_link_t link)
{
    for (size_t i = 0; i < NET_BLOCKS; i++) {
        if (net->block[i].used && net_same_link(net->block[i].link, link)) {
            net->block[i].used = false;
            return;
        }
    }
    net_fault(net, "RETURN for link %d life %d, which has no memory", link.id, link.life);
}

/* The first name server that answers; NULL: none does. A modem that names none has one that is not mentioned. */
static const uint8_t *answering_server(const net_t *net, const cipmux_name_servers_t *servers)
{
    static const uint8_t some[4];
    for (size_t i = 0; i < servers->count; i++) {
        if (net->hosts == NULL || !hosts_name_server_is_dead(net->hosts, servers->server[i])) {
            return servers->server[i];
        }
    }
    return servers->count == 0 && (net->hosts == NULL || !net->hosts->names_dead) ? some : NULL;
}

/* Which entry answers for `name` at that server: its own before one of all servers. NET_NAMES: none. */
static size_t find_name(const net_t *net, const char *name, const uint8_t server[4])
{
    static const uint8_t every[4];
    size_t               found = NET_NAMES;
    for (size_t i = 0; i < net->names; i++) {
        if (!net_same_name(net->name[i].name, name)) {
            continue;
        }
        if (memcmp(net->name[i].server, server, 4) == 0) {
            return i;
        }
        found = memcmp(net->name[i].server, every, 4) == 0 ? i : found;
    }
    return found;
}

static void start_lookup(net_t *net, uint64_t now_us, const cipmux_request_t *request)
{
    size_t slot = 0;
    while (slot < NET_LOOKUPS && net->lookup[slot].used) {
        slot++;
    }
    if (slot == NET_LOOKUPS) {
        net_fault(net, "more than %d lookups at a time", (int)NET_LOOKUPS);
        return;
    }
    const uint8_t *server = answering_server(net, &request->resolve.servers);
    if (server == NULL) {
        return;
    }
    char name[NET_HOST + 1] = "";
    if (request->resolve.length <= NET_HOST) {
        memcpy(name, request->resolve.name, request->resolve.length);
        name[request->resolve.length] = '\0';
    }
    net->lookup[slot].used = true;
    net->lookup[slot].ticket = request->ticket;
    net->lookup[slot].due_us = now_us;
    if (!words_read_host(name, request->resolve.length, &net->lookup[slot].address) ||
        net->lookup[slot].address.family != request->resolve.family) {
        memset(&net->lookup[slot].address, 0, sizeof net->lookup[slot].address);
    }
    size_t i = find_name(net, name, server);
    if (i < NET_NAMES) {
        uint8_t family = net->name[i].address.family;
        net->lookup[slot].due_us = now_us + net->name[i].after_us;
        if (request->resolve.family == 0 || request->resolve.family == family) {
            net->lookup[slot].address = net->name[i].address;
        }
    }
}

static bool udp_port_in_use(const net_t *net, uint16_t port)
{
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        if (net->socket[i].used && net->socket[i].port == port) {
            return true;
        }
    }
    return false;
}

static uint16_t local_port(net_t *net, uint16_t wanted)
{
    return wanted != 0 ? wanted : net->next_local_port++;
}

/* A UDP link needs nobody on the other side. Port 0 marks one that cannot be bound. */
static void open_socket(net_t *net, const cipmux_request_t *request)
{
    size_t slot = 0;
    while (slot < CIPMUX_LINKS && net->socket[slot].used) {
        slot++;
    }
    if (slot == CIPMUX_LINKS) {
        net_fault(net, "DIAL: more than %d UDP sockets", (int)CIPMUX_LINKS);
        return;
    }
    const net_place_t *place = net_find_place(net, &request->dial.to);
    uint16_t           port = local_port(net, request->dial.from.port);
    bool               fails = udp_port_in_use(net, port) || (place != NULL && place->kind == NET_PLACE_NO_MEMORY);
    net->socket[slot].used = true;
    net->socket[slot].up = net->socket[slot].watched = false;
    net->socket[slot].link = request->link;
    net->socket[slot].port = fails ? 0 : port;
}

/* What a SYN to this place meets. `*due_us` begins as now. */
static cipmux_cause_t dial_outcome(const net_t *net, const net_place_t *place, const cipmux_request_t *request,
                                   uint64_t *due_us)
{
    if (request->dial.route == CIPMUX_NO_ROUTE) {
        return CIPMUX_CAUSE_UNREACHABLE;
    }
    const net_place_t *late = net_find_many(net, &request->dial.to, true);
    const net_place_t *many = net_find_many(net, &request->dial.to, false);
    if (late != NULL) {
        *due_us += late->after_us;
    }
    if (many != NULL && (many->kind != NET_PLACE_NO_TLS || request->dial.type == CIPMUX_SSL)) {
        place = many;
    }
    if (place == NULL) {
        return CIPMUX_CAUSE_REFUSED;
    }
    *due_us += place->after_us;
    switch (place->kind) {
    case NET_PLACE_LISTEN: return CIPMUX_CAUSE_NONE;
    case NET_PLACE_LATE: /* is never found as such */
    case NET_PLACE_REFUSE: return CIPMUX_CAUSE_REFUSED;
    case NET_PLACE_RESET: return CIPMUX_CAUSE_RESET;
    case NET_PLACE_SILENT: *due_us = CIPMUX_NEVER; return CIPMUX_CAUSE_TIMEOUT;
    case NET_PLACE_NO_MEMORY: return CIPMUX_CAUSE_LOCAL;
    case NET_PLACE_NO_TLS: return request->dial.type == CIPMUX_SSL ? CIPMUX_CAUSE_TLS : CIPMUX_CAUSE_NONE;
    }
    return CIPMUX_CAUSE_REFUSED;
}

static void dial(net_t *net, uint64_t now_us, const cipmux_request_t *request)
{
    if (net_peer_of(net, request->link) != NULL || net_socket_of(net, request->link) >= 0) {
        net_fault(net, "DIAL for link %d life %d, which is in use", request->link.id, request->link.life);
        return;
    }
    if (request->dial.type == CIPMUX_UDP) {
        open_socket(net, request);
        return;
    }
    uint64_t       due_us = now_us;
    net_place_t   *place = net_find_place(net, &request->dial.to);
    cipmux_cause_t outcome = dial_outcome(net, place, request, &due_us);
    char           name[NET_NAME] = "";
    if (outcome == CIPMUX_CAUSE_NONE) {
        unsigned number = ++place->connections;
        if (number == 1) {
            memcpy(name, place->name, sizeof name);
        } else if (snprintf(name, sizeof name, "%s.%u", place->name, number) >= NET_NAME) {
            net_fault(net, "the name %s.%u is too long", place->name, number);
        }
    }
    net_peer_t *peer = net_new_peer(net, NET_DIALLED, name, &request->dial.to);
    if (peer != NULL) {
        peer->outcome = outcome;
        peer->due_us = due_us;
        peer->linked = true;
        peer->link = request->link;
        peer->keepalive_s = request->dial.keepalive_s;
        size_t length = request->dial.name_length;
        if (length > 0 && length <= NET_HOST) {
            memcpy(peer->dialled_as, request->dial.name, length);
        }
        peer->modem_port = local_port(net, request->dial.from.port);
    }
}

static void hang_up(net_t *net, const cipmux_request_t *request)
{
    int         socket = net_socket_of(net, request->link);
    net_peer_t *peer = net_peer_of(net, request->link);
    if (socket >= 0) {
        net->socket[socket].used = false;
    } else if (peer == NULL) {
        net_fault(net, "HANG_UP for link %d life %d, which has no connection", request->link.id, request->link.life);
    } else if (peer->state == NET_DIALLED) {
        peer->state = NET_FREE;
        peer->linked = false;
    } else {
        peer->linked = false;
        peer->segments = peer->outbox_used = 0;
        if (!peer->vanished) {
            peer->got_reset = peer->got_reset || request->hang_up.reset;
            peer->got_fin = peer->got_fin || !request->hang_up.reset;
        }
    }
}

static void watch(net_t *net, const cipmux_request_t *request)
{
    int         socket = net_socket_of(net, request->link);
    net_peer_t *peer = net_peer_of(net, request->link);
    if (peer != NULL) {
        peer->watched = true;
    } else if (socket >= 0) {
        net->socket[socket].watched = true;
    } else {
        net_fault(net, "WATCH for link %d life %d, which has no connection", request->link.id, request->link.life);
    }
}

static void set_option(net_t *net, const cipmux_request_t *request)
{
    net_peer_t *peer = net_peer_of(net, request->link);
    if (peer != NULL) {
        peer->nodelay = request->option.nodelay;
    } else if (net_socket_of(net, request->link) < 0) {
        net_fault(net, "OPTION for link %d life %d, which has no connection", request->link.id, request->link.life);
    }
}

void net_request(net_t *net, uint64_t now_us, const cipmux_request_t *request)
{
    switch (request->kind) {
    case CIPMUX_REQUEST_RESOLVE: start_lookup(net, now_us, request); break;
    case CIPMUX_REQUEST_DIAL: dial(net, now_us, request); break;
    case CIPMUX_REQUEST_HANG_UP: hang_up(net, request); break;
    case CIPMUX_REQUEST_RETURN: take_back(net, request->link); break;
    case CIPMUX_REQUEST_WATCH: watch(net, request); break;
    case CIPMUX_REQUEST_OPTION: set_option(net, request); break;
    case CIPMUX_REQUEST_LISTEN:
        net->listening_port = request->listen.port;
        net->listening_untold = true;
        net->listening_due_us = now_us + net->listen_after_us;
        break;
    case CIPMUX_REQUEST_MDNS: break; /* nobody in here asks for names */
    case CIPMUX_REQUEST_UNLISTEN:
        net->listening_port = 0;
        net->listening_untold = false;
        break;
    case CIPMUX_REQUEST_SMART:
    case CIPMUX_REQUEST_WPS:
    case CIPMUX_REQUEST_NONE:
    case CIPMUX_REQUEST_PING:
    case CIPMUX_REQUEST_TIME: break; /* of somebody who is not there */
    case CIPMUX_REQUEST_UPDATE:
    case CIPMUX_REQUEST_LINE:
    case CIPMUX_REQUEST_ROM_LINE:
    case CIPMUX_REQUEST_SCAN:
    case CIPMUX_REQUEST_JOIN:
    case CIPMUX_REQUEST_LEAVE:
    case CIPMUX_REQUEST_PINS:
    case CIPMUX_REQUEST_STORE:
    case CIPMUX_REQUEST_SLEEP:
    case CIPMUX_REQUEST_SOFT_AP:
    case CIPMUX_REQUEST_KICK:
    case CIPMUX_REQUEST_ADDRESS:
    case CIPMUX_REQUEST_RADIO: net_fault(net, "request %d is not for the network", (int)request->kind); break;
    }
}
