/* What the simulated network offers the modem, and the bytes in both directions: see net.h. */
#include "net_parts.h"

#include <string.h>

/* ---- Receive memory -------------------------------------------------------------------------------------------- */

/* Puts a block into an UP or ACCEPT. NET_BLOCKS: none left, a fault. */
static size_t lend(net_t *net, const cipmux_t *modem, cipmux_event_t *event)
{
    for (size_t i = 0; i < NET_BLOCKS; i++) {
        if (!net->block[i].used) {
            event->memory = net->memory[i];
            event->memory_size = cipmux_link_memory(modem);
            if (event->memory_size > NET_BLOCK) {
                net_fault(net, "the modem wants %zu bytes of receive memory", event->memory_size);
                event->memory_size = NET_BLOCK;
            }
            return i;
        }
    }
    net_fault(net, "no receive memory left: the modem returns too little");
    return NET_BLOCKS;
}

/* Offers an UP or ACCEPT with memory; the block belongs to the link if the modem took it. */
static cipmux_answer_t offer_link(net_t *net, uint64_t now_us, cipmux_t *modem, cipmux_event_t *event,
                                  cipmux_link_t *link)
{
    size_t block = lend(net, modem, event);
    if (block == NET_BLOCKS) {
        return CIPMUX_LATER;
    }
    cipmux_answer_t answer = cipmux_event(modem, now_us, event, link);
    if (answer == CIPMUX_TAKEN) {
        net->block[block].used = true;
        net->block[block].link = *link;
    }
    return answer;
}

/* ---- Events: each returns whether the modem took something ----------------------------------------------------------- */

static bool offer_lookups(net_t *net, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    for (size_t i = 0; i < NET_LOOKUPS; i++) {
        if (net->lookup[i].used && net->lookup[i].due_us <= now_us) {
            cipmux_event_t event = { .kind = CIPMUX_EVENT_RESOLVED,
                                     .ticket = net->lookup[i].ticket,
                                     .address = net->lookup[i].address };
            net->lookup[i].used = cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER;
            moved = moved || !net->lookup[i].used;
        }
    }
    return moved;
}

static bool offer_listening(net_t *net, uint64_t now_us, cipmux_t *modem)
{
    if (!net->listening_untold || now_us < net->listening_due_us) {
        return false;
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LISTENING,
                             .cause = net->listen_fails ? CIPMUX_CAUSE_LOCAL : CIPMUX_CAUSE_NONE };
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    if (net->listen_fails) {
        net->listening_port = 0;
    }
    net->listening_untold = net->listen_fails = false;
    net->listen_after_us = 0;
    return true;
}

static bool offer_sockets(net_t *net, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        if (!net->socket[i].used) {
            continue;
        }
        cipmux_link_t  link = net->socket[i].link;
        cipmux_event_t event = { .link = link, .local_port = net->socket[i].port };
        if (net->socket[i].port == 0) {
            event.kind = CIPMUX_EVENT_FAILED;
            event.cause = CIPMUX_CAUSE_LOCAL;
            net->socket[i].used = cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER;
            moved = moved || !net->socket[i].used;
        } else if (!net->socket[i].up) {
            event.kind = CIPMUX_EVENT_UP;
            cipmux_answer_t answer = offer_link(net, now_us, modem, &event, &link);
            net->socket[i].up = answer == CIPMUX_TAKEN;
            net->socket[i].used = answer != CIPMUX_REFUSED;
            moved = moved || answer != CIPMUX_LATER;
        } else if (net->socket[i].watched) {
            event.kind = CIPMUX_EVENT_ACKED;
            net->socket[i].watched = cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER;
            moved = moved || !net->socket[i].watched;
        }
    }
    return moved;
}

/* The outcome of the modem's SYN. */
static bool offer_dialled(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    if (now_us < peer->due_us) {
        return false;
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_FAILED, .link = peer->link, .cause = peer->outcome };
    event.address = peer->address;
    event.local_port = peer->modem_port;
    if (peer->outcome != CIPMUX_CAUSE_NONE) {
        event.address.port = peer->modem_port;
        if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
            return false;
        }
        peer->state = NET_FREE;
        peer->linked = false;
        return true;
    }
    event.kind = CIPMUX_EVENT_UP;
    cipmux_answer_t answer = offer_link(net, now_us, modem, &event, &peer->link);
    if (answer == CIPMUX_TAKEN) {
        peer->state = NET_CONNECTED;
        peer->due_us = CIPMUX_NEVER;
    } else if (answer == CIPMUX_REFUSED) {
        peer->state = NET_FREE;
        peer->linked = false;
    }
    return answer != CIPMUX_LATER;
}

bool net_is_listening(const net_t *net, const cipmux_t *modem, uint16_t port)
{
    cipmux_admission_t admission = cipmux_admission(modem);
    return net->listening_port == port && port != 0 && admission != CIPMUX_ADMIT_NOBODY &&
           admission != CIPMUX_ADMIT_RESET;
}

/* A client's SYN meets what cipmux_admission() says. */
static bool offer_client(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    if (!net_is_listening(net, modem, peer->modem_port)) {
        peer->state = NET_REFUSED;
        return true;
    }
    cipmux_admission_t admission = cipmux_admission(modem);
    if (admission == CIPMUX_ADMIT_SILENT) {
        peer->state = NET_UNANSWERED;
        return true;
    }
    if (admission == CIPMUX_ADMIT_FIN) {
        peer->state = NET_CONNECTED;
        peer->got_fin = true;
        return true;
    }
    cipmux_event_t  event = { .kind = CIPMUX_EVENT_ACCEPT, .address = peer->address, .local_port = peer->modem_port };
    cipmux_link_t   link;
    cipmux_answer_t answer = offer_link(net, now_us, modem, &event, &link);
    if (answer == CIPMUX_TAKEN) {
        peer->state = NET_CONNECTED;
        peer->link = link;
        peer->linked = true;
    } else if (answer == CIPMUX_REFUSED) {
        peer->state = NET_REFUSED;
    }
    return answer != CIPMUX_LATER;
}

/* Acknowledgement and end of a connection. */
static bool offer_progress(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    (void)net;
    bool moved = false;
    if (peer->watched && !peer->unacked) {
        cipmux_event_t event = { .kind = CIPMUX_EVENT_ACKED, .link = peer->link };
        peer->watched = cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER;
        moved = !peer->watched;
    }
    if (peer->vanished && peer->ending == CIPMUX_CAUSE_NONE && now_us >= peer->due_us) {
        peer->ending = CIPMUX_CAUSE_TIMEOUT;
    }
    const bool held = peer->mute && peer->ending == CIPMUX_CAUSE_FIN;
    if (peer->ending != CIPMUX_CAUSE_NONE && !peer->end_told && peer->segments == 0 && !held) {
        cipmux_event_t event = { .kind = CIPMUX_EVENT_ENDED, .link = peer->link, .cause = peer->ending };
        peer->end_told = cipmux_event(modem, now_us, &event, NULL) != CIPMUX_LATER;
        moved = moved || peer->end_told;
    }
    return moved;
}

/* ---- Bytes to the modem ---------------------------------------------------------------------------------------- */

static void drop_segment(net_peer_t *peer)
{
    peer->segments--;
    memmove(&peer->segment[0], &peer->segment[1], peer->segments * sizeof peer->segment[0]);
    if (peer->segments == 0) {
        peer->outbox_used = 0;
    }
}

static bool deliver_stream(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    while (peer->segments > 0 && !peer->vanished && !peer->mute) {
        net_segment_t *segment = &peer->segment[0];
        size_t         n = segment->n < CIPMUX_FRAME_MAX ? segment->n : (size_t)CIPMUX_FRAME_MAX;
        if (cipmux_receive_room(modem, peer->link) < n) {
            break;
        }
        uint8_t        counted[CIPMUX_FRAME_MAX];
        const uint8_t *bytes = net->outbox[net_index(net, peer)] + segment->at;
        for (size_t i = 0; segment->pattern && i < n; i++) {
            counted[i] = net_pattern(segment->at + i);
        }
        size_t taken = cipmux_receive(modem, now_us, peer->link, segment->pattern ? counted : bytes, n);
        segment->at += (uint32_t)taken;
        segment->n -= (uint32_t)taken;
        moved = moved || taken > 0;
        if (segment->n == 0) {
            drop_segment(peer);
        } else if (taken < n) {
            break;
        }
    }
    return moved;
}

static bool deliver_datagrams(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    while (peer->segments > 0) {
        const net_segment_t *segment = &peer->segment[0];
        size_t               i = 0;
        while (i < CIPMUX_LINKS && !(net->socket[i].used && net->socket[i].port == segment->to_port)) {
            i++;
        }
        if (i == CIPMUX_LINKS) {
            net->datagrams_nowhere++;
        } else if (!net->socket[i].up ||
                   !cipmux_datagram(modem, now_us, net->socket[i].link, &peer->address,
                                    net->outbox[net_index(net, peer)] + segment->at, segment->n)) {
            break;
        }
        drop_segment(peer);
        moved = true;
    }
    return moved;
}

/* ---- Bytes from the modem -------------------------------------------------------------------------------------- */

static bool put_inbox(net_t *net, net_peer_t *peer, const void *bytes, size_t n)
{
    if (n > NET_INBOX - peer->inbox_used) {
        net_fault(net, "%s has received more than %d bytes that nobody looked at", peer->name, (int)NET_INBOX);
        return false;
    }
    memcpy(net->inbox[net_index(net, peer)] + peer->inbox_used, bytes, n);
    peer->inbox_used += n;
    return true;
}

static bool collect_stream(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    const void      *bytes;
    size_t           n;
    cipmux_address_t to;
    bool             moved = false;
    while (!peer->stalled && net->fault[0] == '\0' && cipmux_send_peek(modem, peer->link, &bytes, &n, &to)) {
        if (peer->no_memory) {
            peer->no_memory = false;
            cipmux_send_failed(modem, now_us, peer->link);
            return true;
        }
        if (peer->vanished) {
            uint64_t give_up_us = now_us + NET_GIVE_UP_US;
            peer->due_us = !peer->unacked && give_up_us < peer->due_us ? give_up_us : peer->due_us;
        } else if (!put_inbox(net, peer, bytes, n)) {
            return moved;
        }
        peer->unacked = peer->unacked || peer->holding || peer->vanished;
        cipmux_send_done(modem, now_us, peer->link, n);
        moved = true;
    }
    return moved;
}

static void put_datagram(net_t *net, net_peer_t *peer, const void *bytes, size_t n, uint16_t from_port)
{
    if (peer->datagrams == NET_DATAGRAMS) {
        net_fault(net, "%s has received more than %d datagrams that nobody looked at", peer->name, (int)NET_DATAGRAMS);
    } else if (put_inbox(net, peer, bytes, n)) {
        peer->datagram[peer->datagrams].n = (uint16_t)n;
        peer->datagram[peer->datagrams++].from_port = from_port;
        peer->modem_port = from_port;
    }
}

static bool reaches(const net_peer_t *peer, const cipmux_address_t *to)
{
    static const cipmux_address_t everybody = { .family = 4, .bytes = { 255, 255, 255, 255 } };
    return peer->state == NET_ENDPOINT && peer->address.port == to->port &&
           (net_same_host(&peer->address, to) || net_same_host(&everybody, to));
}

/* Gives one datagram to every endpoint it reaches. False: the modem's own stack has no memory for it. */
static bool send_datagram(net_t *net, const void *bytes, size_t n, const cipmux_address_t *to, uint16_t from_port)
{
    bool found = false;
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        if (!reaches(peer, to)) {
            continue;
        }
        if (peer->no_memory) {
            peer->no_memory = false;
            return false;
        }
        put_datagram(net, peer, bytes, n, from_port);
        found = true;
    }
    net->datagrams_nowhere += found ? 0 : 1;
    return true;
}

static bool collect_datagrams(net_t *net, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        cipmux_link_t    link = net->socket[i].link;
        const void      *bytes;
        size_t           n;
        cipmux_address_t to;
        while (net->socket[i].used && net->socket[i].up && net->fault[0] == '\0' &&
               cipmux_send_peek(modem, link, &bytes, &n, &to)) {
            if (send_datagram(net, bytes, n, &to, net->socket[i].port)) {
                cipmux_send_done(modem, now_us, link, n);
            } else {
                cipmux_send_failed(modem, now_us, link);
            }
            moved = true;
        }
    }
    return moved;
}

/* ---- One round ------------------------------------------------------------------------------------------------- */

static bool offer_peer(net_t *net, net_peer_t *peer, uint64_t now_us, cipmux_t *modem)
{
    if (peer->state == NET_DIALLED) {
        return offer_dialled(net, peer, now_us, modem);
    }
    if (peer->state == NET_KNOCKING) {
        return offer_client(net, peer, now_us, modem);
    }
    if (peer->state == NET_ENDPOINT) {
        return deliver_datagrams(net, peer, now_us, modem);
    }
    if (peer->state != NET_CONNECTED || !peer->linked) {
        return false;
    }
    bool moved = collect_stream(net, peer, now_us, modem);
    moved = deliver_stream(net, peer, now_us, modem) || moved;
    return offer_progress(net, peer, now_us, modem) || moved;
}

bool net_offer(net_t *net, uint64_t now_us, cipmux_t *modem)
{
    bool moved = offer_lookups(net, now_us, modem);
    moved = offer_listening(net, now_us, modem) || moved;
    moved = offer_sockets(net, now_us, modem) || moved;
    moved = collect_datagrams(net, now_us, modem) || moved;
    for (size_t i = 0; i < NET_PEERS; i++) {
        moved = offer_peer(net, &net->peer[i], now_us, modem) || moved;
    }
    return moved;
}
