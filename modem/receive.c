/* Received bytes on their way to the UART: +IPD frames, passive notices and reads, raw bytes of passthrough. Each link keeps
 * what it received in memory that was lent with it: a ring; UDP puts a record head before each datagram. Facts: [tcpip 4.5,
 * 4.7, 4.8, 3.20], [500, 501, 505]. */
#include "internal.h"

#include <string.h>

/* What each mode does with the three things that happen to received bytes. */
/* clang-format off */
CIPMUX_TABLE uint8_t receive_cells[FAMILY_COUNT][RECEIVER_COUNT][RECEIVE_EVENT_COUNT] = {
    [FAMILY_NONOS] = {
        [RECEIVER_ACTIVE]  = { [RECEIVE_ARRIVED] = RECEIVE_FRAME, [RECEIVE_ENDED] = RECEIVE_FRAME },
        [RECEIVER_PASSIVE] = { [RECEIVE_ARRIVED] = RECEIVE_NOTICE, [RECEIVE_ENDED] = RECEIVE_HOLD },
        [RECEIVER_RAW]     = { [RECEIVE_ARRIVED] = RECEIVE_FRAME, [RECEIVE_ENDED] = RECEIVE_FRAME },
    },
    [FAMILY_ESP_AT] = {
        [RECEIVER_ACTIVE]  = { [RECEIVE_ARRIVED] = RECEIVE_FRAME, [RECEIVE_ENDED] = RECEIVE_FRAME },
        [RECEIVER_PASSIVE] = { [RECEIVE_ARRIVED] = RECEIVE_NOTICE_ONCE, [RECEIVE_READ] = RECEIVE_NOTICE,
                               [RECEIVE_ENDED] = RECEIVE_HOLD },
        [RECEIVER_RAW]     = { [RECEIVE_ARRIVED] = RECEIVE_FRAME, [RECEIVE_ENDED] = RECEIVE_FRAME },
    },
};
/* clang-format on */

/* What stands before a datagram in the ring. */
typedef struct {
    uint8_t          length[2];
    cipmux_address_t from;
} record_t;

receiver_mode_t receiver_mode(const modem_t *m, const link_t *link)
{
    if (m->raw && !m->mux && link == &m->link[0]) return RECEIVER_RAW;
    if (!m->passive) return RECEIVER_ACTIVE;
    return link->type == CIPMUX_TCP || m->family == FAMILY_ESP_AT ? RECEIVER_PASSIVE : RECEIVER_ACTIVE;
}

/* ---- the ring ---- */

static size_t room(const link_t *link)
{
    return (size_t)(link->size - link->fill);
}

static void ring_put(link_t *link, const void *bytes, size_t n)
{
    const uint8_t *const from = bytes;
    for (size_t i = 0; i < n; i++)
        link->memory[(size_t)(link->head + link->fill + i) % link->size] = from[i];
    link->fill = (uint16_t)(link->fill + n);
}

static void ring_copy(const link_t *link, size_t at, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = link->memory[(link->head + at + i) % link->size];
}

static void ring_drop(link_t *link, size_t n)
{
    link->head = (uint16_t)((link->head + n) % link->size);
    link->fill = (uint16_t)(link->fill - n);
}

static size_t record_length(const record_t *record)
{
    return (size_t)(record->length[0] | record->length[1] << 8);
}

/* ---- payload, without the record heads ---- */

/* Bytes of payload held, at most `limit` from the front; `*from` gets the sender of the last of them. */
static size_t payload(const link_t *link, size_t limit, cipmux_address_t *from)
{
    *from = link->peer;
    if (link->type != CIPMUX_UDP) return link->fill < limit ? link->fill : limit;
    size_t at = link->first_left;
    size_t count = at;
    while (at + sizeof(record_t) <= link->fill && count < limit) {
        record_t record;
        ring_copy(link, at, &record, sizeof record);
        *from = record.from;
        count += record_length(&record);
        at += sizeof record + record_length(&record);
    }
    return count < limit ? count : limit;
}

size_t receive_take(modem_t *m, uint8_t id, uint8_t *out, size_t n)
{
    link_t *const link = &m->link[id];
    size_t        taken = 0;
    while (taken < n && link->fill > 0) {
        if (link->type == CIPMUX_UDP && link->first_left == 0) {
            record_t record;
            ring_copy(link, 0, &record, sizeof record);
            ring_drop(link, sizeof record);
            link->first_left = (uint16_t)record_length(&record);
            continue;
        }
        size_t piece = link->type == CIPMUX_UDP ? link->first_left : link->fill;
        if (piece > n - taken) piece = n - taken;
        ring_copy(link, 0, out + taken, piece);
        ring_drop(link, piece);
        if (link->type == CIPMUX_UDP) link->first_left = (uint16_t)(link->first_left - piece);
        taken += piece;
    }
    return taken;
}

/* ---- frames ---- */

static void open_frame(modem_t *m, uint8_t id, size_t head, size_t n, size_t tail)
{
    reply_t *const r = &m->reply;
    r->frame_open = true;
    r->frame_link = id;
    r->frame_head_at = 0;
    r->frame_head_length = (uint8_t)head;
    r->frame_left = (uint16_t)n;
    r->frame_tail = (uint8_t)tail;
}

static size_t ipd_head(modem_t *m, uint8_t id, int n, const cipmux_address_t *from)
{
    char *const head = m->reply.frame_head;
    if (m->dinfo && m->mux) return compose(m, head, FRAME_HEAD, TEXT_IPD_MULTI_INFO, id, n, from, from->port);
    if (m->dinfo) return compose(m, head, FRAME_HEAD, TEXT_IPD_SINGLE_INFO, n, from, from->port);
    if (m->mux) return compose(m, head, FRAME_HEAD, TEXT_IPD_MULTI, id, n);
    return compose(m, head, FRAME_HEAD, TEXT_IPD_SINGLE, n);
}

/* The next unit of an active or raw link: one piece of the stream, or one datagram. */
static void frame_of(modem_t *m, uint8_t id)
{
    link_t *const    link = &m->link[id];
    const bool       raw = receiver_mode(m, link) == RECEIVER_RAW;
    cipmux_address_t from = link->peer;
    size_t           n = link->fill;
    if (link->type == CIPMUX_UDP) {
        record_t record;
        ring_copy(link, 0, &record, sizeof record);
        ring_drop(link, sizeof record);
        link->first_left = (uint16_t)record_length(&record);
        from = record.from;
        n = link->first_left;
    } else if (n > (size_t)number(m, NUMBER_FRAME_MAX)) {
        n = (size_t)number(m, NUMBER_FRAME_MAX);
    }
    const size_t tail = !raw && quirk(m, CIPMUX_QUIRK_IPD_TAIL) ? strlen(text_of(m, TEXT_IPD_TAIL)) : 0;
    open_frame(m, id, raw ? 0 : ipd_head(m, id, (int)n, &from), n, tail);
}

/* AT+CIPRECVDATA: header, data, and then the command is done. */
static void frame_of_read(modem_t *m)
{
    const uint8_t    id = m->slot.link;
    cipmux_address_t from;
    const size_t     n = payload(&m->link[id], m->slot.read_length, &from);
    char *const      head = m->reply.frame_head;
    const size_t     length = m->dinfo ? compose(m, head, FRAME_HEAD, TEXT_READ_INFO, (int)n, &from, from.port)
                                       : compose(m, head, FRAME_HEAD, TEXT_READ, (int)n);
    open_frame(m, id, length, n, 0);
}

static bool link_has_frame(const modem_t *m, uint8_t id)
{
    const link_t *const link = &m->link[id];
    if (link->fill == 0 || link->state < LINK_OPEN || link->state > LINK_KEPT) return false;
    return receive_cells[m->family][receiver_mode(m, link)][RECEIVE_ARRIVED] == RECEIVE_FRAME;
}

bool receive_next_frame(modem_t *m)
{
    if (modem_is_off(m) || (m->asks & ASK_LINE) != 0) return false; /* nothing new in front of the new rate */
    if (m->slot.wait == WAIT_READ) {
        frame_of_read(m);
        return true;
    }
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        const uint8_t id = (uint8_t)((m->next_frame + i) % CIPMUX_LINKS);
        if (!link_has_frame(m, id)) continue;
        if (!wake_host(m)) return m->reply.fill > 0; /* the signal itself, if that is a byte */
        m->next_frame = (uint8_t)((id + 1) % CIPMUX_LINKS);
        frame_of(m, id);
        return true;
    }
    return false;
}

/* ---- notices ---- */

static void notice_due(modem_t *m, link_t *link, receive_event_t event)
{
    const uint8_t effect = receive_cells[m->family][receiver_mode(m, link)][event];
    if (effect == RECEIVE_NOTICE) link->notice_due = true;
    if (effect == RECEIVE_NOTICE_ONCE && !link->noticed) link->notice_due = true;
}

void receive_settle(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS && reply_has_room(m) && !modem_is_off(m); id++) {
        link_t *const link = &m->link[id];
        if (!link->notice_due || m->slot.wait == WAIT_READ) continue;
        if (!wake_host(m)) return;
        cipmux_address_t from;
        const int        n = (int)payload(link, SIZE_MAX, &from);
        link->notice_due = false;
        link->noticed = true;
        if (n == 0 || receiver_mode(m, link) != RECEIVER_PASSIVE) continue;
        if (m->mux)
            say(m, TEXT_NOTICE_MULTI, id, n);
        else
            say(m, TEXT_NOTICE_SINGLE, n);
    }
}

/* AT+CIPRECVDATA was answered: the rest of a datagram is lost [501], the rest of a stream is announced. */
void receive_read_done(modem_t *m, uint8_t id)
{
    link_t *const link = &m->link[id];
    if (link->type == CIPMUX_UDP && link->first_left > 0) {
        ring_drop(link, link->first_left);
        link->first_left = 0;
    }
    link->noticed = false;
    if (link->fill > 0 && (link->state == LINK_OPEN || link->state == LINK_HELD)) notice_due(m, link, RECEIVE_READ);
}

size_t receive_held(const modem_t *m, uint8_t id)
{
    cipmux_address_t from;
    return payload(&m->link[id], SIZE_MAX, &from);
}

/* ---- the network's side ---- */

static const link_t *receiving_link(const modem_t *m, cipmux_link_t handle)
{
    if (handle.id >= CIPMUX_LINKS) return NULL;
    const link_t *const link = &m->link[handle.id];
    return link->life == handle.life && link->state == LINK_OPEN ? link : NULL;
}

size_t cipmux_link_memory(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    return (size_t)number(m, NUMBER_RECEIVE_MEMORY) + (size_t)number(m, NUMBER_SEND_MEMORY);
}

size_t cipmux_receive_room(const cipmux_t *modem, cipmux_link_t handle)
{
    const modem_t *const m = (const modem_t *)modem;
    const link_t *const  link = receiving_link(m, handle);
    return link != NULL && link->type != CIPMUX_UDP ? room(link) : 0;
}

size_t cipmux_receive(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const void *bytes, size_t n)
{
    modem_t *const m = (modem_t *)modem;
    cipmux_tick(modem, now_us);
    if (receiving_link(m, handle) == NULL || m->link[handle.id].type == CIPMUX_UDP) return 0;
    link_t *const link = &m->link[handle.id];
    const size_t  taken = n < room(link) ? n : room(link);
    if (taken == 0) return 0;
    ring_put(link, bytes, taken);
    link->since = m->now;
    notice_due(m, link, RECEIVE_ARRIVED);
    cipmux_tick(modem, now_us);
    return taken;
}

/* UDP modes 1 and 2: the target follows the sender, once or always [tcpip 4.7]. */
static void follow_sender(link_t *link, const cipmux_address_t *from)
{
    if (same_address(&link->peer, from)) return;
    if (link->udp_mode == 2 || (link->udp_mode == 1 && !link->target_moved)) {
        link->peer = *from;
        link->target_moved = true;
    }
}

bool cipmux_datagram(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const cipmux_address_t *from,
                     const void *bytes, size_t n)
{
    modem_t *const m = (modem_t *)modem;
    cipmux_tick(modem, now_us);
    if (receiving_link(m, handle) == NULL || m->link[handle.id].type != CIPMUX_UDP) return true;
    link_t *const link = &m->link[handle.id];
    const bool    fits = n + sizeof(record_t) <= link->size;
    const bool    ready = n + sizeof(record_t) <= room(link);
    const bool    waits = receiver_mode(m, link) != RECEIVER_PASSIVE && !quirk(m, CIPMUX_QUIRK_UDP_DROPS);
    if (fits && !ready && waits) return false;
    if (!ready) {
        m->counters.datagrams_lost++;
        note(m, CIPMUX_REASON_DATAGRAM_LOST, handle.id, (int32_t)n);
        return true;
    }
    follow_sender(link, from);
    if (n == 0 && !quirk(m, CIPMUX_QUIRK_EMPTY_DATAGRAM)) return true;
    record_t record;
    memset(&record, 0, sizeof record); /* its padding too is copied */
    record.length[0] = (uint8_t)n;
    record.length[1] = (uint8_t)(n >> 8);
    record.from = *from;
    ring_put(link, &record, sizeof record);
    ring_put(link, bytes, n);
    link->since = m->now;
    notice_due(m, link, RECEIVE_ARRIVED);
    cipmux_tick(modem, now_us);
    return true;
}
