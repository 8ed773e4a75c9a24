/* Connections: what was sent, what arrived. */
#include "sim.h"

#include <string.h>

static struct {
    uint8_t up[UP_MAX], down[DOWN_RING];
} bytes[NODES][CONNS];

static uint8_t *up_of(const node_t *n, const conn_t *c)
{
    return bytes[n->number][c - n->conn].up;
}

static uint8_t *down_of(const node_t *n, const conn_t *c)
{
    return bytes[n->number][c - n->conn].down;
}

/* ---- Finding them -------------------------------------------------------------------------------------------------- */

/* The other end in the network, or NULL: its place is another's by now. */
net_peer_t *conn_peer(node_t *n, const conn_t *c)
{
    if (c->udp) return NULL;
    net_peer_t *peer = &n->world.net.peer[c->peer];
    return peer->age == c->age ? peer : NULL;
}

static conn_t *conn_of_link(node_t *n, cipmux_link_t link)
{
    for (size_t i = n->conns; i-- > 0;)
        if (n->conn[i].link.id == link.id && n->conn[i].link.life == link.life) return &n->conn[i];
    return NULL;
}

conn_t *conn_now(node_t *n, uint8_t id)
{
    for (size_t i = n->conns; i-- > 0;)
        if (n->conn[i].link.id == id && n->conn[i].linked) return &n->conn[i];
    return NULL;
}

conn_t *conn_pick(node_t *n, uint32_t random, bool udp)
{
    conn_t *found[CONNS];
    size_t  count = 0;
    for (size_t i = 0; i < n->conns; i++)
        if (n->conn[i].linked && n->conn[i].udp == udp) found[count++] = &n->conn[i];
    return count ? found[random % count] : NULL;
}

/* Does anybody still look at it? */
static bool is_needed(const node_t *n, const conn_t *c)
{
    bool needed = c->linked || !c->told || (c->twin ? !c->twin_ended : c->knocks >= 0) || n->frame == c;
    for (int id = 0; id < CIPMUX_LINKS; id++)
        needed = needed || n->open[id] == c || n->last[id] == c;
    for (size_t i = 0; i < n->sends; i++)
        needed = needed || n->send[i].conn == c;
    return needed;
}

static conn_t *free_conn(node_t *n)
{
    if (n->conns < CONNS) return &n->conn[n->conns++];
    for (size_t i = 0; i < CONNS; i++) {
        conn_t *c = &n->conn[i];
        if (is_needed(n, c) || (c->twin && c->twin->linked)) continue;
        if (c->twin) c->twin->twin = NULL, c->twin->knocks = -1;
        return c;
    }
    return NULL;
}

static conn_t *new_conn(node_t *n, cipmux_link_t link)
{
    for (size_t i = 0; i < n->conns; i++)
        if (n->conn[i].linked && n->conn[i].link.id == link.id)
            sim_fail(n, "links", "the network has link %d twice, lives %d and %d", link.id, n->conn[i].link.life,
                     link.life);
    conn_t *c = free_conn(n);
    if (!c) {
        sim_fail(n, "test", "too few connections");
        return NULL;
    }
    *c = (conn_t){ .link = link, .linked = true, .positions = 1, .knocks = -1, .born = ++n->born };
    c->key = mix(n->number + 1u, c->born);
    c->told = n->off || cipmux_phase(&n->modem) == CIPMUX_PHASE_PASSTHROUGH;
    c->unjudged = c->told;
    sums.opened++;
    return c;
}

/* ---- Links from modem to modem: 10.0.2.(100 + N) is modem N ---------------------------------------------------------- */

static void begin_bridge(node_t *n, conn_t *c, const net_peer_t *peer)
{
    const uint8_t *ip = peer->address.bytes;
    if (peer->address.family != 4 || peer->address.port != 80 || ip[0] != 10 || ip[1] != 0 || ip[3] < 100 ||
        ip[3] >= 100 + nodes)
        return;
    c->twin_node = (uint8_t)(ip[3] - 100);
    node_t          *far = &node[c->twin_node];
    cipmux_address_t from = { .family = 4, .bytes = { 10, 0, 2, (uint8_t)(100 + n->number) } };
    char             name[NET_NAME];
    from.port = (uint16_t)(50000 + c->age);
    snprintf(name, sizeof name, "m%u.%zu", n->number, (size_t)(c - n->conn));
    log_words(far, "client %s to %u from=10.0.2.%u:%u", name, peer->address.port, from.bytes[3], from.port);
    net_peer_t *client = net_client(&far->world.net, name, &from, peer->address.port);
    if (!client) return;
    c->knocks = (int16_t)(client - far->world.net.peer);
    c->knocks_age = client->age;
    far->dirty = true;
    sums.bridged++;
}

static void end_peer(node_t *n, conn_t *c, cipmux_cause_t how)
{
    net_peer_t *peer = conn_peer(n, c);
    if (!peer || !c->linked || peer->ending != CIPMUX_CAUSE_NONE) return;
    if (how == CIPMUX_CAUSE_RESET) {
        log_words(n, "link %u resets", c->link.id);
        c->reset = true;
    } else
        log_words(n, "link %u closes", c->link.id);
    net_end(peer, how);
    n->dirty = true;
}

/* The ends pass from one end of a bridge to the other; true: something happened. */
static bool bridge(node_t *n, conn_t *c)
{
    net_peer_t *peer = conn_peer(n, c);
    node_t     *far = &node[c->twin_node];
    if (c->knocks >= 0 && !c->twin) {
        const net_peer_t *client = &far->world.net.peer[c->knocks];
        if (client->age == c->knocks_age && client->state == NET_KNOCKING) return false;
        for (size_t i = far->conns; i-- > 0 && !c->twin;)
            if (far->conn[i].peer == c->knocks && far->conn[i].age == c->knocks_age && !far->conn[i].udp)
                c->twin = &far->conn[i];
        if (!c->twin) {
            c->knocks = -1;
            end_peer(n, c, CIPMUX_CAUSE_RESET);
            return true;
        }
        c->twin->twin = c;
        c->twin->twin_node = n->number;
        return true;
    }
    if (!c->twin || c->twin_ended || c->linked || (peer && peer->inbox_used)) return false;
    c->twin_ended = true;
    const bool fin = peer && peer->got_fin && !peer->got_reset && !c->vanished;
    end_peer(far, c->twin, fin ? CIPMUX_CAUSE_FIN : CIPMUX_CAUSE_RESET);
    return true;
}

/* ---- What the network has ------------------------------------------------------------------------------------------ */

static void update(node_t *n, conn_t *c)
{
    const net_t *net = &n->world.net;
    if (c->udp) {
        c->linked = c->linked && net->socket[c->peer].used && net->socket[c->peer].link.life == c->link.life &&
                    net->socket[c->peer].link.id == c->link.id;
        return;
    }
    const net_peer_t *peer = conn_peer(n, c);
    if (peer && peer->vanished) c->vanished = true;
    if (peer && peer->linked && !c->vanished && !c->reset) c->taken = c->sent - (uint32_t)net_unread(peer);
    c->linked = c->linked && peer && peer->linked;
}

static void look_at_peers(node_t *n)
{
    for (int16_t i = 0; i < NET_PEERS; i++) {
        const net_peer_t *peer = &n->world.net.peer[i];
        if (peer->state != NET_CONNECTED || !peer->linked || n->peer_age[i] == peer->age) continue;
        n->peer_age[i] = peer->age;
        conn_t *c = new_conn(n, peer->link);
        if (!c) return;
        c->peer = i;
        c->age = peer->age;
        begin_bridge(n, c, peer);
    }
}

static void look_at_sockets(node_t *n)
{
    const net_t *net = &n->world.net;
    for (int16_t i = 0; i < CIPMUX_LINKS; i++) {
        if (!net->socket[i].used || !net->socket[i].up) continue;
        const conn_t *known = conn_of_link(n, net->socket[i].link);
        if (known && known->linked) continue;
        conn_t *c = new_conn(n, net->socket[i].link);
        if (!c) return;
        c->udp = true;
        c->peer = i;
        c->local_port = net->socket[i].port;
    }
}

static void check_window(const node_t *n, const conn_t *c)
{
    const uint32_t window = n->nonos ? 2920 : 5760; /* [tcpip 4.10] */
    if (!c->udp && c->taken - c->got > window && !c->gone && !c->ended && !c->reset)
        sim_fail(n, "memory", "link %d holds %u bytes, its window is %u", c->link.id, c->taken - c->got, window);
}

void conn_look(node_t *n)
{
    const bool passive = inside_passive(&n->modem);
    size_t     linked = 0;
    for (size_t i = 0; i < n->conns; i++)
        if (n->conn[i].linked) update(n, &n->conn[i]);
    look_at_peers(n);
    look_at_sockets(n);
    for (size_t i = 0; i < n->conns; i++) {
        conn_t *c = &n->conn[i];
        if (!c->linked) continue;
        if (passive) c->may_lose = true;
        check_window(n, c);
        linked++;
    }
    if (linked > CIPMUX_LINKS) sim_fail(n, "links", "%zu links", linked);
}

/* ---- Down: from a peer to the host --------------------------------------------------------------------------------- */

/* Bytes of a stream: noise, and in between what a modem might say. */
static void make(uint32_t key, uint32_t at, uint8_t *out, uint32_t length)
{
    static const char *const words[] = { "\r\nOK\r\n",      "\r\n+IPD,0,5:",    "\r\nERROR\r\n",
                                         "0,CLOSED\r\n",    "\r\nCLOSED\r\n",   "> ",
                                         "\r\nSEND OK\r\n", "1,CONNECT\r\n",    "\r\nready\r\n",
                                         "busy p...\r\n",   "\r\n+IPD,1460:OK", "+++" };
    for (uint32_t i = 0; i < length;) {
        const uint32_t random = mix(key, at + i);
        const char    *word = words[random / 8 % (sizeof words / sizeof *words)];
        if (random % 8 == 0)
            while (*word && i < length)
                out[i++] = (uint8_t)*word++;
        else
            for (int k = 0; k < 4 && i < length; k++)
                out[i++] = (uint8_t)(random >> (8 * k));
    }
}

static bool send_bytes(node_t *n, conn_t *c, const uint8_t *data, uint32_t length)
{
    net_peer_t *peer = conn_peer(n, c);
    if (!peer || !net_send(&n->world.net, peer, data, length, 0)) return false;
    log_bytes(n, (char)('0' + c->link.id), data, length);
    for (uint32_t i = 0; i < length; i++)
        down_of(n, c)[(c->sent + i) % DOWN_RING] = data[i];
    c->sent += length;
    n->dirty = true;
    return true;
}

bool conn_send(node_t *n, conn_t *c, uint32_t length)
{
    uint8_t           data[1500];
    const net_peer_t *peer = conn_peer(n, c);
    if (!peer || !peer->linked || c->vanished || peer->ending != CIPMUX_CAUSE_NONE || c->twin || c->knocks >= 0)
        return false;
    if (c->sent - c->got + length > DOWN_RING - 8000 || peer->segments > 40) return false;
    make(c->key, c->sent, data, length);
    return send_bytes(n, c, data, length);
}

void conn_send_datagram(node_t *n, uint32_t random)
{
    static uint8_t data[1500];
    conn_t        *c = conn_pick(n, random, true);
    net_peer_t    *peer = net_peer(&n->world.net, "u");
    const uint32_t length = 1 + mix(random, 1) % (mix(random, 2) % 4 ? 60 : 1472);
    if (!c || !peer || c->datagrams_sent - c->datagrams == DATAGRAMS) return;
    make(c->key, c->datagrams_sent * 4096, data, length);
    if (!net_send(&n->world.net, peer, data, length, c->local_port)) return;
    c->datagram[c->datagrams_sent++ % DATAGRAMS] = length;
    n->dirty = true;
    log_words(n, "u sends %u to=%u", length, c->local_port);
}

void conn_got(node_t *n, conn_t *c, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (data[i] != down_of(n, c)[(c->got + i) % DOWN_RING]) {
            sim_fail(n, "bytes", "link %d: byte %zu of what its peer sent is %02x, the host got %02x", c->link.id,
                     c->got + i, down_of(n, c)[(c->got + i) % DOWN_RING], data[i]);
            return;
        }
    c->got += (uint32_t)length;
    sums.down += length;
    if (c->got > c->taken)
        sim_fail(n, "bytes", "link %d: the host got %u bytes, its modem %u", c->link.id, c->got, c->taken);
}

bool conn_delivered(const node_t *n, const conn_t *c, uint32_t at, const uint8_t *data, size_t length)
{
    bool same = at + length <= c->got;
    for (size_t i = 0; i < length; i++)
        same = same && data[i] == down_of(n, c)[(at + i) % DOWN_RING];
    return same;
}

/* A datagram has its number in front; what is lost is counted by the modem. */
void conn_got_datagram(node_t *n, conn_t *c, const uint8_t *data, size_t length)
{
    uint8_t wanted[1500];
    sums.datagrams++;
    while (c->datagrams < c->datagrams_sent) {
        const uint32_t number = (uint32_t)c->datagrams++, size = c->datagram[number % DATAGRAMS];
        make(c->key, number * 4096, wanted, size);
        if (size == length && memcmp(data, wanted, size) == 0) return;
        if (++n->datagrams_skipped > cipmux_counters(&n->modem).datagrams_lost) break;
    }
    sim_fail(n, "bytes", "link %d: a datagram of %zu bytes that is not the next one", c->link.id, length);
}

/* ---- Up: from the host to a peer ----------------------------------------------------------------------------------- */

void conn_typed(node_t *n, conn_t *c, const uint8_t *data, size_t length)
{
    if (c->typed + length > UP_MAX) {
        c->unjudged = true;
        return;
    }
    memcpy(up_of(n, c) + c->typed, data, length);
    c->typed += (uint32_t)length;
}

static void add_position(conn_t *c, uint32_t at)
{
    for (size_t i = 0; i < c->positions; i++)
        if (c->at[i] == at) return;
    if (c->positions < POSITIONS) c->at[c->positions++] = at;
}

/* The peer may have missed the rest of a send that failed, or of which nobody knows yet. */
static void skip_failed(conn_t *c)
{
    for (size_t i = 0; i < c->positions; i++)
        for (size_t p = 0; p < c->pieces; p++) {
            const piece_t *piece = &c->piece[p];
            const bool     inside = c->at[i] >= piece->first && c->at[i] < piece->first + piece->n;
            if (inside && piece->state != PIECE_SENT && piece->complete) add_position(c, piece->first + piece->n);
        }
}

static void got_up(node_t *n, conn_t *c, const uint8_t *data, size_t length)
{
    const uint8_t *up = up_of(n, c);
    sums.up += length;
    for (size_t i = 0; i < length && !c->unjudged; i++) {
        size_t left = 0;
        if (c->failed || c->positions != 1 || c->at[0] >= c->typed || up[c->at[0]] != data[i]) skip_failed(c);
        const uint32_t first = c->at[0];
        for (size_t k = 0; k < c->positions; k++)
            if (c->at[k] < c->typed && up[c->at[k]] == data[i]) c->at[left++] = c->at[k] + 1;
        c->positions = left;
        if (left) continue;
        sim_fail(n, "bytes", "link %d: its peer got %02x, which is not byte %u of what the host sent (of %u: %02x)",
                 c->link.id, data[i], first, c->typed, first < c->typed ? up[first] : 0);
        c->unjudged = true;
        c->positions = 1;
    }
}

bool conn_has(node_t *n, const conn_t *c, uint32_t end)
{
    uint32_t          most = 0;
    const net_peer_t *peer = conn_peer(n, c);
    for (size_t i = 0; i < c->positions; i++)
        if (c->at[i] > most) most = c->at[i];
    if (peer) most += (uint32_t)peer->inbox_used; /* not looked at, because the other modem cannot take it yet */
    return most >= end || c->unjudged || c->vanished;
}

/* A datagram is one whole send, and none comes twice. */
static void got_up_datagram(node_t *n, const uint8_t *data, size_t length, uint16_t from_port)
{
    for (size_t i = n->conns; i-- > 0;) {
        conn_t *c = &n->conn[i];
        if (!c->udp || c->local_port != from_port) continue;
        for (size_t p = 0; p < c->pieces && !c->unjudged; p++) {
            const piece_t *piece = &c->piece[p];
            if (piece->first < c->at[0] || piece->n != length || !piece->complete) continue;
            if (memcmp(up_of(n, c) + piece->first, data, length) != 0) continue;
            c->at[0] = piece->first + piece->n;
            return;
        }
        if (c->unjudged) return;
    }
    sim_fail(n, "bytes", "a datagram of %zu bytes from port %u that the host did not send, or sent before", length,
             from_port);
}

static bool collect(node_t *n, net_peer_t *peer, conn_t *c)
{
    net_t         *net = &n->world.net;
    const uint8_t *inbox = net->inbox[peer - net->peer];
    const uint32_t used = (uint32_t)peer->inbox_used;
    if (c && (c->knocks >= 0 || c->twin)) peer->stalled = used > 4096; /* its window */
    if (c && c->knocks >= 0 && !c->twin) return false;                 /* the other modem has not answered yet */
    if (!c || !c->twin) {
        if (c) got_up(n, c, inbox, used);
        net_look(net, peer);
        return used > 0;
    }
    const net_peer_t *far = conn_peer(&node[c->twin_node], c->twin);
    const bool        open = far && far->linked && !c->twin->vanished && far->ending == CIPMUX_CAUSE_NONE;
    if (open && (far->outbox_used + used > NET_OUTBOX || far->segments > 40)) return false;
    got_up(n, c, inbox, used);
    if (open && used && !send_bytes(&node[c->twin_node], c->twin, inbox, used)) sim_fail(n, "test", "a bridge is full");
    net_look(net, peer);
    peer->stalled = false;
    return used > 0;
}

bool conn_collect(node_t *n)
{
    net_t *net = &n->world.net;
    bool   moved = false;
    for (int16_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &net->peer[i];
        size_t      length;
        if (peer->state == NET_ENDPOINT) {
            for (const uint8_t *data = net_received(net, peer, &length); length != SIZE_MAX;
                 net_look(net, peer), data = net_received(net, peer, &length))
                got_up_datagram(n, data, length, peer->datagram[0].from_port);
            continue;
        }
        if (peer->inbox_used == 0) continue;
        conn_t *c = NULL;
        for (size_t k = n->conns; k-- > 0 && !c;)
            if (!n->conn[k].udp && n->conn[k].peer == i && n->conn[k].age == peer->age) c = &n->conn[k];
        moved = collect(n, peer, c) || moved;
    }
    for (size_t i = 0; i < n->conns; i++)
        if (n->conn[i].knocks >= 0 || n->conn[i].twin) moved = bridge(n, &n->conn[i]) || moved;
    return moved;
}

/* ---- What the host is told ----------------------------------------------------------------------------------------- */

void conn_told(node_t *n, uint8_t id)
{
    if (n->open[id]) {
        sim_fail(n, "links", "CONNECT for link %d, which is open", id);
        return;
    }
    conn_t *first = NULL;
    for (size_t i = 0; i < n->conns; i++) {
        conn_t *c = &n->conn[i];
        if (c->link.id == id && !c->told && (!first || c->born < first->born)) first = c;
    }
    if (!first) {
        sim_fail(n, "links", "CONNECT for link %d, which nobody has", id);
        return;
    }
    first->told = true;
    n->open[id] = n->last[id] = first;
}

void conn_closed(node_t *n, uint8_t id)
{
    conn_t *c = n->open[id];
    if (!c) {
        if (!n->dial_failed[id] && !n->restarts) sim_fail(n, "links", "CLOSED for link %d, which is not open", id);
        n->dial_failed[id] = false;
        return;
    }
    n->open[id] = NULL;
    c->ended = true;
    if (!c->udp && !c->may_lose && !c->gone && c->got != c->taken)
        sim_fail(n, "bytes", "link %d: CLOSED, but %u of the %u bytes that the modem took were not printed", id,
                 c->taken - c->got, c->taken);
}
