/* The simulated network, its pools and what its peers do: see net.h. */
#include "net_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const cipmux_address_t this_computer = { .family = 4, .bytes = { 10, 0, 2, 2 } };

void net_fault(net_t *net, const char *format, ...)
{
    if (net->fault[0] == '\0') {
        va_list list;
        va_start(list, format);
        /* clang-tidy loses va_start() in the second file of a run: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
        vsnprintf(net->fault, sizeof net->fault, format, list);
        va_end(list);
    }
}

void net_init(net_t *net)
{
    memset(net, 0, offsetof(net_t, memory));
    net->next_local_port = 49153;
    net->next_client_port = 50001;
}

bool net_same_host(const cipmux_address_t *a, const cipmux_address_t *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool net_same_address(const cipmux_address_t *a, const cipmux_address_t *b)
{
    return a->port == b->port && net_same_host(a, b);
}

bool net_same_link(cipmux_link_t a, cipmux_link_t b)
{
    return a.id == b.id && a.life == b.life;
}

size_t net_index(const net_t *net, const net_peer_t *peer)
{
    return (size_t)(peer - net->peer);
}

/* ---- Peers ----------------------------------------------------------------------------------------------------- */

net_peer_t *net_peer_at(net_t *net, uint8_t link)
{
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        if (peer->linked && peer->link.id == link && net_is_alive(peer)) return peer;
    }
    return NULL;
}

bool net_is_alive(const net_peer_t *peer)
{
    return peer->linked || peer->state == NET_DIALLED || peer->state == NET_KNOCKING || peer->state == NET_ENDPOINT;
}

net_peer_t *net_new_peer(net_t *net, net_state_t state, const char *name, const cipmux_address_t *address)
{
    net_peer_t *best = NULL;
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        if (peer->state == NET_FREE) {
            best = peer;
            break;
        }
        if (!net_is_alive(peer) && peer->inbox_used == 0 && (best == NULL || peer->age < best->age)) {
            best = peer;
        }
    }
    if (best == NULL) {
        net_fault(net, "more than %d peers at a time", (int)NET_PEERS);
        return NULL;
    }
    memset(best, 0, sizeof *best);
    best->state = state;
    best->age = ++net->next_age;
    best->due_us = CIPMUX_NEVER;
    best->address = *address;
    snprintf(best->name, sizeof best->name, "%s", name);
    return best;
}

net_peer_t *net_peer(net_t *net, const char *name)
{
    net_peer_t *found = NULL;
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        if (peer->state != NET_FREE && strcmp(peer->name, name) == 0 && (found == NULL || peer->age > found->age)) {
            found = peer;
        }
    }
    return found;
}

net_peer_t *net_peer_of(net_t *net, cipmux_link_t link)
{
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        if (peer->linked && net_same_link(peer->link, link)) {
            return peer;
        }
    }
    return NULL;
}

int net_socket_of(const net_t *net, cipmux_link_t link)
{
    for (int i = 0; i < CIPMUX_LINKS; i++) {
        if (net->socket[i].used && net_same_link(net->socket[i].link, link)) {
            return i;
        }
    }
    return -1;
}

net_peer_t *net_client(net_t *net, const char *name, const cipmux_address_t *from, uint16_t to_port)
{
    cipmux_address_t address = *from;
    if (address.family == 0) {
        address = this_computer;
        address.port = net->next_client_port++;
    }
    net_peer_t *peer = net_new_peer(net, NET_KNOCKING, name, &address);
    if (peer != NULL) {
        peer->modem_port = to_port;
    }
    return peer;
}

net_peer_t *net_endpoint(net_t *net, const char *name, const cipmux_address_t *at)
{
    return net_new_peer(net, NET_ENDPOINT, name, at);
}

/* ---- Places and names ------------------------------------------------------------------------------------------ */

/* What is said of an address and how late it is are two places. */
static net_place_t *find_place(net_t *net, const cipmux_address_t *at, bool late)
{
    for (size_t i = 0; i < net->places; i++) {
        net_place_t *place = &net->place[i];
        if ((place->kind == NET_PLACE_LATE) == late && net_same_address(&place->at, at)) {
            return place;
        }
    }
    return NULL;
}

net_place_t *net_find_place(net_t *net, const cipmux_address_t *at)
{
    return find_place(net, at, false);
}

const net_place_t *net_find_many(const net_t *net, const cipmux_address_t *at, bool late)
{
    for (size_t i = 0; i < net->places; i++) {
        const net_place_t *place = &net->place[i];
        const bool         many = place->at.family == 0 || (place->at.port == 0 && net_same_host(&place->at, at));
        if ((place->kind == NET_PLACE_LATE) == late && (many || (late && net_same_address(&place->at, at)))) {
            return place;
        }
    }
    return NULL;
}

net_place_t *net_place(net_t *net, net_place_kind_t kind, const cipmux_address_t *at)
{
    net_place_t *place = find_place(net, at, kind == NET_PLACE_LATE);
    if (place == NULL) {
        if (net->places == NET_PLACES) {
            return NULL;
        }
        place = &net->place[net->places++];
    }
    memset(place, 0, sizeof *place);
    place->kind = kind;
    place->at = *at;
    return place;
}

bool net_same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;
        if (x != y) {
            return false;
        }
    }
    return *a == *b;
}

bool net_name(net_t *net, const char *name, const uint8_t server[4], const cipmux_address_t *address, uint64_t after_us)
{
    size_t i = 0;
    while (i < net->names && !(net_same_name(net->name[i].name, name) && memcmp(net->name[i].server, server, 4) == 0)) {
        i++;
    }
    if (i == NET_NAMES || strlen(name) > NET_HOST) {
        return false;
    }
    net->names += i == net->names ? 1 : 0;
    snprintf(net->name[i].name, sizeof net->name[i].name, "%s", name);
    net->name[i].address = *address;
    net->name[i].after_us = after_us;
    memcpy(net->name[i].server, server, 4);
    return true;
}

uint64_t net_deadline(const net_t *net, uint64_t now_us)
{
    const bool listens = net->listening_untold && net->listening_due_us > now_us;
    uint64_t   due_us = listens ? net->listening_due_us : CIPMUX_NEVER;
    for (size_t i = 0; i < NET_LOOKUPS; i++) {
        if (net->lookup[i].used && net->lookup[i].due_us > now_us && net->lookup[i].due_us < due_us) {
            due_us = net->lookup[i].due_us;
        }
    }
    for (size_t i = 0; i < NET_PEERS; i++) {
        const net_peer_t *peer = &net->peer[i];
        if (peer->linked && peer->due_us > now_us && peer->due_us < due_us) {
            due_us = peer->due_us;
        }
    }
    return due_us;
}

/* ---- What peers do --------------------------------------------------------------------------------------------- */

uint8_t net_pattern(size_t at)
{
    return (uint8_t)(at % NET_PATTERN);
}

bool net_send(net_t *net, net_peer_t *peer, const void *bytes, size_t n, uint16_t to_port)
{
    bool datagram = peer->state == NET_ENDPOINT;
    bool stored = bytes != NULL || datagram;
    if (peer->segments == NET_SEGMENTS || (stored && n > NET_OUTBOX - peer->outbox_used)) {
        return false;
    }
    net_segment_t *segment = &peer->segment[peer->segments++];
    *segment = (net_segment_t){ .n = (uint32_t)n, .pattern = !stored, .to_port = to_port };
    if (!stored) {
        return true;
    }
    uint8_t *out = net->outbox[net_index(net, peer)] + peer->outbox_used;
    for (size_t i = 0; i < n; i++) {
        out[i] = bytes != NULL ? ((const uint8_t *)bytes)[i] : net_pattern(i);
    }
    segment->at = (uint32_t)peer->outbox_used;
    peer->outbox_used += n;
    return true;
}

const uint8_t *net_received(const net_t *net, const net_peer_t *peer, size_t *n)
{
    *n = peer->inbox_used;
    if (peer->state == NET_ENDPOINT) {
        *n = peer->datagrams > 0 ? peer->datagram[0].n : SIZE_MAX;
    }
    return net->inbox[net_index(net, peer)];
}

void net_look(net_t *net, net_peer_t *peer)
{
    uint8_t *inbox = net->inbox[net_index(net, peer)];
    size_t   n = peer->inbox_used;
    if (peer->state == NET_ENDPOINT) {
        if (peer->datagrams == 0) {
            return;
        }
        n = peer->datagram[0].n;
        peer->datagrams--;
        memmove(&peer->datagram[0], &peer->datagram[1], peer->datagrams * sizeof peer->datagram[0]);
    }
    peer->inbox_used -= n;
    memmove(inbox, inbox + n, peer->inbox_used);
}

void net_end(net_peer_t *peer, cipmux_cause_t how)
{
    peer->ending = how;
    if (how == CIPMUX_CAUSE_RESET) {
        peer->segments = peer->outbox_used = 0;
    }
}

void net_vanish(net_peer_t *peer, uint64_t now_us)
{
    peer->vanished = true;
    peer->segments = peer->outbox_used = 0;
    if (peer->keepalive_s != 0) {
        peer->due_us = now_us + ((uint64_t)peer->keepalive_s + 3) * 1000000;
    } else if (peer->unacked) {
        peer->due_us = now_us + NET_GIVE_UP_US;
    }
}

size_t net_unread(const net_peer_t *peer)
{
    size_t n = 0;
    for (size_t i = 0; i < peer->segments; i++) {
        n += peer->segment[i].n;
    }
    return n;
}
