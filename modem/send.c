/* The sender: AT+CIPSEND, AT+CIPSENDEX and passthrough. There is one for the whole modem; its table holds every
 * transition. The base is nonos, patches make it esp-at. Facts: [tcpip 3.9-3.11, 4.6, 4.8], [conventions 1.13]. */
#include "internal.h"

#include <string.h>

/* clang-format off */
#define TO(state, ...) { SENDER_##state, true, { __VA_ARGS__ } }
/* clang-format on */

/* clang-format off */
CIPMUX_TABLE sender_cell_t sender_cells[SENDER_STATE_COUNT][SEND_EVENT_COUNT] = {
    [SENDER_IDLE] = {
        [SEND_START]      = TO(COLLECTING, SAY_PROMPT),
        [SEND_START_NAME] = TO(RESOLVING, SENDER_ASK_NAME),
        [SEND_THROUGH]    = TO(THROUGH, SAY_PROMPT_THROUGH),
        [SEND_BOOT]       = TO(THROUGH, SENDER_NOTHING),
        [SEND_ACKED_LATE] = TO(IDLE, SAY_SEND_OK),
        [SEND_RESTART]    = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_RESOLVING] = {
        [SEND_FOUND]     = TO(COLLECTING, SENDER_COMMAND_DONE, SAY_PROMPT),
        [SEND_NOT_FOUND] = TO(IDLE, SENDER_COMMAND_FAILED),
        [SEND_ENDED]     = TO(IDLE, SENDER_COMMAND_FAILED),
        [SEND_RESTART]   = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_COLLECTING] = {
        [SEND_COMPLETE] = TO(SETTLING, SENDER_NOTHING),
        [SEND_IN_RAM]   = TO(IDLE, SAY_WRITTEN),
        [SEND_IN_FLASH] = TO(SETTLING, SENDER_NOTHING),
        [SEND_CANCEL]   = TO(IDLE, SAY_CANCELED),
        [SEND_ENDED]    = TO(COLLECTING, SENDER_NOTHING),
        [SEND_RESTART]  = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_SETTLING] = {
        [SEND_QUIET]      = TO(SENDING, SAY_RECV),
        [SEND_QUIET_DEAD] = TO(IDLE, SAY_RECV, SAY_SEND_FAIL),
        [SEND_QUIET_BUFFERED] = TO(IDLE, SAY_RECV),
        [SEND_QUIET_FLASH]  = TO(IDLE, SAY_STORED),
        [SEND_QUIET_UPDATE] = TO(IDLE, SENDER_BEGIN_UPDATE),
        [SEND_ENDED]      = TO(SETTLING, SENDER_NOTHING),
        [SEND_RESTART]    = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_SENDING] = {
        [SEND_TAKEN]       = TO(IDLE, SAY_SEND_OK),
        [SEND_TAKEN_WATCH] = TO(WAITING, SENDER_ASK_WATCH),
        [SEND_REFUSED]     = TO(IDLE, SAY_SEND_FAIL),
        [SEND_ENDED]       = TO(IDLE, SAY_SEND_FAIL),
        [SEND_LATE]        = TO(IDLE, SAY_SEND_FAIL),
        [SEND_RESTART]     = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_WAITING] = {
        [SEND_ACKED]   = TO(IDLE, SAY_SEND_OK),
        [SEND_ENDED]   = TO(IDLE, SAY_SEND_FAIL),
        [SEND_LATE]    = TO(IDLE, SAY_SEND_FAIL),
        [SEND_RESTART] = TO(IDLE, SENDER_NOTHING),
    },
    [SENDER_THROUGH] = {
        [SEND_LEAVE]   = TO(IDLE, SAY_QUITT),
        [SEND_ENDED]   = TO(THROUGH, SENDER_NOTHING),
        [SEND_RESTART] = TO(IDLE, SENDER_NOTHING),
    },
};
/* clang-format on */

/* clang-format off */
#define PATCH(from, event, ...) { FAMILY_ESP_AT, SENDER_##from, SEND_##event, __VA_ARGS__ }
/* clang-format on */

/* clang-format off */
CIPMUX_TABLE sender_patch_t sender_patches[] = {
    /* Recv stands before the busy line of surplus bytes */
    PATCH(COLLECTING, COMPLETE, TO(SETTLING, SAY_RECV)),
    PATCH(SETTLING, QUIET, TO(SENDING, SENDER_NOTHING)),
    PATCH(SETTLING, QUIET_DEAD, TO(IDLE, SAY_SEND_FAIL)),
    PATCH(SETTLING, ENDED, TO(IDLE, SAY_SEND_FAIL)),
};
/* clang-format on */
const size_t sender_patch_count = sizeof sender_patches / sizeof sender_patches[0];

const sender_cell_t *sender_cell(family_t family, sender_state_t state, sender_event_t event)
{
    for (size_t i = 0; i < sender_patch_count; i++)
        if (sender_patches[i].family == family && sender_patches[i].state == state && sender_patches[i].event == event)
            return &sender_patches[i].cell;
    return &sender_cells[state][event];
}

static void effect(modem_t *m, sender_effect_t what)
{
    const uint8_t id = m->sender.link.id;
    switch (what) {
    case SAY_PROMPT: say(m, TEXT_PROMPT); break;
    case SAY_PROMPT_THROUGH: say(m, TEXT_PROMPT_THROUGH); break;
    case SAY_RECV: say(m, TEXT_RECV, m->sender.taken); break;
    case SAY_SEND_OK: say(m, TEXT_SEND_OK); break;
    case SAY_SEND_FAIL:
        say(m, TEXT_SEND_FAIL);
        note(m, CIPMUX_REASON_SEND_FAILED, id, m->sender.taken);
        break;
    case SAY_CANCELED:
        say(m, TEXT_SEND_CANCELED);
        note(m, CIPMUX_REASON_SEND_CANCELED, id, m->sender.taken);
        break;
    case SAY_QUITT:
        if ((m->sysmsg & 1) != 0) say(m, TEXT_QUITT);
        break;
    case SAY_WRITTEN: say(m, TEXT_USER_WRITTEN); break;
    case SAY_STORED: say(m, TEXT_OK); break;
    case SENDER_BEGIN_UPDATE: services_update_from(m, (const char *)m->sender.memory, m->sender.taken); break;
    case SENDER_ASK_NAME: m->asks |= ASK_RESOLVE; break;
    case SENDER_ASK_WATCH: m->link[id].asks |= LINK_ASK_WATCH; break;
    case SENDER_COMMAND_DONE: slot_end(m, WAIT_TARGET, OUTCOME_DONE); break;
    case SENDER_COMMAND_FAILED: slot_end(m, WAIT_TARGET, OUTCOME_FAILED); break;
    case SENDER_NOTHING:
    case SENDER_EFFECT_COUNT: break;
    }
}

bool sender_step(modem_t *m, sender_event_t event)
{
    sender_t *const            s = &m->sender;
    const sender_cell_t *const cell = sender_cell((family_t)m->family, (sender_state_t)s->state, event);
    if (!cell->legal) return false;
    const bool was_through = s->state == SENDER_THROUGH;
    s->state = cell->next;
    s->since = m->now;
    if (was_through && s->state != SENDER_THROUGH) {
        s->announce = false;
        if (!link_is_open(m, s->link.id)) link_return(m, s->link.id);
    }
    for (size_t i = 0; i < EFFECT_MAX; i++)
        effect(m, (sender_effect_t)cell->effects[i]);
    return true;
}

static void begin(modem_t *m, uint8_t id, uint16_t n, bool escapes)
{
    sender_t *const s = &m->sender;
    s->link = link_handle(m, id);
    s->to = (cipmux_address_t){ 0 };
    s->expected = n;
    s->escapes = escapes;
    s->escape_open = false;
    s->target = SEND_TO_LINK;
    s->memory = NULL;
    s->late = s->announce = false;
    s->taken = s->sent = s->ready = 0;
    s->burst = 0;
    s->plus = 0;
    s->last = 0;
}

/* AT+CIPSEND=... was accepted: behind the prompt `n` bytes are collected. */
verdict_t sender_open(modem_t *m, uint8_t id, uint16_t n, bool escapes)
{
    begin(m, id, n, escapes);
    if (m->slot.name != NULL) {
        sender_step(m, SEND_START_NAME);
        return slot_wait(m, WAIT_TARGET);
    }
    sender_step(m, SEND_START);
    return VERDICT_DONE;
}

verdict_t sender_open_through(modem_t *m)
{
    begin(m, 0, CIPMUX_SEND_MAX, false);
    m->raw = true;
    sender_step(m, SEND_THROUGH);
    return VERDICT_DONE;
}

/* AT+CIPSENDBUF: the payload joins the link's queue, nobody waits for its acknowledgement. */
verdict_t sender_open_buffered(modem_t *m, uint8_t id, uint16_t n)
{
    begin(m, id, n, false);
    m->sender.target = SEND_TO_QUEUE;
    sender_step(m, SEND_START);
    return VERDICT_DONE;
}

/* n bytes for that memory, without a link. */
verdict_t sender_open_memory(modem_t *m, send_to_t target, uint8_t *memory, uint16_t n)
{
    begin(m, 0, n, false);
    m->sender.target = (uint8_t)target;
    m->sender.memory = memory;
    sender_step(m, SEND_START);
    return VERDICT_DONE;
}

bool through_takes(const modem_t *m, cipmux_type_t type)
{
    return type != CIPMUX_SSL || quirk(m, CIPMUX_QUIRK_THROUGH_SSL);
}

/* AT+SAVETRANSLINK: passthrough from the start; its link is dialled as soon as the station has an address. nonos saves
 * the type SSL too [tcpip 3.18], and has no such passthrough [tcpip 4.8]. */
void sender_boot(modem_t *m)
{
    if (!through_takes(m, (cipmux_type_t)m->saved.translink.type)) {
        note(m, CIPMUX_REASON_THROUGH_NO_SSL, -1, 0);
        return;
    }
    begin(m, 0, CIPMUX_SEND_MAX, false);
    m->raw = m->cipmode = true;
    m->sender.announce = true;
    sender_step(m, SEND_BOOT);
}

void sender_settle(modem_t *m)
{
    if (!m->sender.announce || !sender_is_through(m) || m->link[0].state != LINK_OPEN || !reply_has_room(m)) return;
    m->sender.announce = false;
    say(m, TEXT_PROMPT_BOOT);
}

void sender_resolved(modem_t *m, const cipmux_address_t *address)
{
    m->sender.to = *address;
    m->sender.to.port = m->slot.port;
    if (address->family == 0) note(m, CIPMUX_REASON_DNS_FAIL, m->sender.link.id, 0);
    sender_step(m, address->family != 0 ? SEND_FOUND : SEND_NOT_FOUND);
}

bool sender_takes_bytes(const modem_t *m)
{
    return m->sender.state == SENDER_COLLECTING || m->sender.state == SENDER_THROUGH;
}

bool sender_is_through(const modem_t *m)
{
    return m->sender.state == SENDER_THROUGH;
}

bool sender_is_busy(const modem_t *m)
{
    return m->sender.state == SENDER_SETTLING || m->sender.state == SENDER_SENDING || m->sender.state == SENDER_WAITING;
}

/* The link of this CIPSEND, in this life. */
static bool link_alive(const modem_t *m)
{
    const sender_t *const s = &m->sender;
    return m->link[s->link.id].life == s->link.life && m->link[s->link.id].state == LINK_OPEN;
}

/* Passthrough: whole packets that the network has not taken yet. */
static bool packets_wait(const modem_t *m)
{
    return m->sender.sent < m->sender.ready && link_alive(m);
}

static bool burst_is_escape(const sender_t *s)
{
    return s->burst == 3 && s->plus == 3;
}

/* So long a silence ends a packet. */
static bool is_silent(const modem_t *m)
{
    return m->now - m->sender.last >= time_us(m, CIPMUX_TIME_PACKET);
}

/* Passthrough holds the UART while a packet is on its way, and behind a "+++" whose time has come; while the link is down
 * bytes pile up to the buffer's end. */
bool sender_has_room(const modem_t *m)
{
    const sender_t *const s = &m->sender;
    if (s->state != SENDER_THROUGH) return true;
    const bool leaves = burst_is_escape(s) && is_silent(m);
    return s->taken < CIPMUX_SEND_MAX && !packets_wait(m) && !leaves;
}

uint8_t *link_send_buffer(const link_t *link)
{
    return link->memory + link->size;
}

/* Flash can only clear bits: who wants others erases first [basic 2.21]. */
static void store_in_memory(sender_t *s, uint8_t byte)
{
    uint8_t *const at = &s->memory[s->taken++];
    *at = s->target == SEND_TO_FLASH ? (uint8_t)(*at & byte) : byte;
}

/* When the link has gone meanwhile the bytes are only counted. Passthrough has no buffer before its first link. */
static void store(modem_t *m, uint8_t byte)
{
    sender_t *const s = &m->sender;
    link_t *const   link = &m->link[s->link.id];
    const bool      room = link->memory != NULL && link->life == s->link.life;
    if (s->memory != NULL) {
        store_in_memory(s, byte);
        return;
    }
    if (!room && s->state == SENDER_THROUGH) m->counters.bytes_while_off++;
    if (s->taken == CIPMUX_SEND_MAX || (!room && s->state == SENDER_THROUGH)) return;
    const bool queued = s->target == SEND_TO_QUEUE;
    if (room) *(queued ? segments_place(m, link, s->taken) : link_send_buffer(link) + s->taken) = byte;
    s->taken++;
}

/* AT+CIPSENDEX: \0 ends, \<c> is c [tcpip 3.10]. True: that was the end. */
static bool store_escaped(modem_t *m, uint8_t byte)
{
    sender_t *const s = &m->sender;
    if (s->escape_open) {
        s->escape_open = false;
        if (byte == '0') return true;
        store(m, byte);
    } else if (byte == '\\') {
        s->escape_open = true;
    } else {
        store(m, byte);
    }
    return false;
}

/* A full buffer ends a packet too, and then plus signs at its end are data. */
static void packet_full(sender_t *s)
{
    if (s->taken < CIPMUX_SEND_MAX) return;
    s->ready = s->taken;
    s->plus = 0;
}

static bool acceptance_is_enough(const modem_t *m)
{
    return m->link[m->sender.link.id].type == CIPMUX_UDP || !quirk(m, CIPMUX_QUIRK_SEND_OK_ON_ACK);
}

static void all_taken(modem_t *m)
{
    sender_t *const s = &m->sender;
    if (s->state == SENDER_THROUGH) {
        if (s->ready == s->taken) s->taken = s->sent = s->ready = 0; /* else the next packet has begun behind it */
    } else {
        sender_step(m, acceptance_is_enough(m) ? SEND_TAKEN : SEND_TAKEN_WATCH);
    }
}

/* What was typed so far is a packet. This is heard before each byte too, since nothing ticks while a frame is open. */
void sender_hear_silence(modem_t *m)
{
    sender_t *const s = &m->sender;
    if (s->burst == 0 || !is_silent(m)) return;
    if (s->state == SENDER_THROUGH && burst_is_escape(s)) return;
    s->burst = s->plus = 0;
    if (s->state != SENDER_THROUGH) return;
    s->ready = s->taken;
    if (!link_alive(m) && quirk(m, CIPMUX_QUIRK_THROUGH_DROPS)) all_taken(m);
}

static void complete(modem_t *m)
{
    switch ((send_to_t)m->sender.target) {
    case SEND_TO_RAM: sender_step(m, SEND_IN_RAM); break;
    case SEND_TO_FLASH: sender_step(m, SEND_IN_FLASH); break;
    case SEND_TO_LINK:
    case SEND_TO_QUEUE:
    case SEND_TO_UPDATE: sender_step(m, SEND_COMPLETE); break;
    }
}

void sender_byte(modem_t *m, uint8_t byte)
{
    sender_t *const s = &m->sender;
    bool            end = false;
    if (s->burst < UINT8_MAX) s->burst++;
    if (byte == '+' && s->plus < UINT8_MAX) s->plus++;
    s->last = m->now;
    if (s->escapes)
        end = store_escaped(m, byte);
    else
        store(m, byte);
    if (s->state == SENDER_THROUGH)
        packet_full(s);
    else if (end || s->taken == s->expected)
        complete(m);
}

bool sender_keeps_memory(const modem_t *m, uint8_t id)
{
    return sender_is_through(m) && m->sender.link.id == id;
}

/* The peer has acknowledged what was sent on this link. */
void sender_acked(modem_t *m, uint8_t id)
{
    sender_t *const s = &m->sender;
    if (s->link.id != id || s->link.life != m->link[id].life) return;
    if (s->state == SENDER_WAITING) sender_step(m, SEND_ACKED);
    if (s->late) sender_step(m, SEND_ACKED_LATE);
    s->late = false;
}

void sender_link_ended(modem_t *m, uint8_t id)
{
    segments_fail(m, id, true);
    if (m->sender.link.id == id) m->sender.late = false;
    if (m->sender.memory == NULL && m->sender.state != SENDER_IDLE && m->sender.link.id == id &&
        m->sender.link.life == m->link[id].life)
        sender_step(m, SEND_ENDED);
}

static uint64_t send_limit_us(const modem_t *m)
{
    const int32_t set_ms = m->tcp_option[m->sender.link.id].send_timeout_ms;
    return set_ms > 0 ? (uint64_t)set_ms * 1000u : time_us(m, CIPMUX_TIME_SEND_LIMIT);
}

/* When passthrough dials its link (again); CIPMUX_NEVER: it has one, or cannot. */
static uint64_t redial_at(const modem_t *m)
{
    const link_t *const link = &m->link[0];
    const bool          first = m->sender.announce && link->peer.port == 0;
    if (link->state != LINK_FREE || m->slot.wait == WAIT_THROUGH) return CIPMUX_NEVER;
    if (m->sender.announce && !wifi_has_address(m)) return CIPMUX_NEVER;
    if (first) return 0;
    const uint64_t pause =
        quirk(m, CIPMUX_QUIRK_RECONNECT_SET) ? m->reconnect_100ms * 100000ull : time_us(m, CIPMUX_TIME_RECONNECT);
    return link->since + pause;
}

/* When the state that the sender is in ends by itself. */
uint64_t sender_deadline(const modem_t *m)
{
    const sender_t *const s = &m->sender;
    const uint64_t        packet = s->last + time_us(m, CIPMUX_TIME_PACKET);
    switch ((sender_state_t)s->state) {
    case SENDER_COLLECTING: return burst_is_escape(s) ? packet : CIPMUX_NEVER;
    case SENDER_THROUGH: {
        const bool leaves_later = burst_is_escape(s) && packets_wait(m);
        return earliest(s->burst > 0 && !leaves_later ? packet : CIPMUX_NEVER, redial_at(m));
    }
    case SENDER_SETTLING: return s->last + m->burst_us;
    case SENDER_SENDING:
    case SENDER_WAITING: return s->since + send_limit_us(m);
    case SENDER_IDLE:
    case SENDER_RESOLVING:
    case SENDER_STATE_COUNT: break;
    }
    return CIPMUX_NEVER;
}

/* Payload that nobody takes: SEND FAIL; a stream that was cut in the middle is of no more use and is reset. */
static void send_late(modem_t *m)
{
    const sender_t *const s = &m->sender;
    const bool            cut = s->state == SENDER_SENDING && s->sent > 0;
    m->sender.late = s->state == SENDER_WAITING && quirk(m, CIPMUX_QUIRK_LATE_SEND_OK);
    sender_step(m, SEND_LATE);
    if (!cut || !link_alive(m)) return;
    m->link[s->link.id].close_by_reset = true;
    link_step(m, s->link.id, LINK_CLOSE);
}

/* The saved passthrough's first dial: a name is resolved as for a command, but nothing is answered. */
static void dial_saved(modem_t *m)
{
    const translink_t *const t = &m->saved.translink;
    cipmux_address_t         peer = { .family = 4, .port = t->port };
    const bool               ip = !t->six && parse_ip4(t->host, t->host_length, peer.bytes);
    link_begin(m, 0, (cipmux_type_t)t->type, false);
    if (!ip) peer.family = t->six ? 6 : 0;
    m->link[0].peer = peer;
    if (t->type == CIPMUX_UDP)
        m->link[0].local_port = t->option;
    else
        m->link[0].keepalive_s = t->option;
    link_remember_host(m, t->host, t->host_length);
    m->slot = (slot_t){ .name = t->host, .name_length = t->host_length, .family = t->six ? 6 : 4 };
    if (!ip) {
        slot_wait(m, WAIT_THROUGH);
        m->asks |= ASK_RESOLVE;
    }
    link_step(m, 0, ip ? LINK_START : LINK_START_NAME);
}

/* Passthrough lost its link: dial the same peer again, until +++ [tcpip 4.8]. The address is the one found at first, the
 * name stays for TLS. */
static void dial_again(modem_t *m)
{
    const link_t before = m->link[0];
    if (before.served) m->host_length = 0; /* nobody dialled it */
    link_begin(m, 0, (cipmux_type_t)before.type, false);
    m->link[0].peer = before.peer;
    m->link[0].keepalive_s = before.keepalive_s;
    m->link[0].local_port = before.type == CIPMUX_UDP ? before.local_port : 0;
    link_step(m, 0, LINK_START);
}

static void redial(modem_t *m)
{
    if (m->sender.announce)
        dial_saved(m);
    else
        dial_again(m);
    m->sender.link = link_handle(m, 0);
}

/* It dials again until +++ [tcpip 4.8]. */
static void leave(modem_t *m)
{
    const uint8_t state = m->link[0].state;
    sender_step(m, SEND_LEAVE);
    m->asks &= ~(uint32_t)ASK_RESOLVE;
    if (state == LINK_DIALING || state == LINK_RESOLVING) link_step(m, 0, LINK_CLOSE);
}

static void through_tick(modem_t *m)
{
    sender_t *const s = &m->sender;
    sender_hear_silence(m);
    if (burst_is_escape(s) && is_silent(m) && !packets_wait(m)) leave(m);
    if (s->state != SENDER_THROUGH) return;
    if (m->now >= redial_at(m)) redial(m);
}

/* The burst of the payload is over: what happens to it? */
static void settled(modem_t *m)
{
    const sender_t *const s = &m->sender;
    if (s->target == SEND_TO_FLASH) {
        sender_step(m, SEND_QUIET_FLASH);
    } else if (s->target == SEND_TO_UPDATE) {
        sender_step(m, SEND_QUIET_UPDATE);
    } else if (!link_alive(m)) {
        sender_step(m, SEND_QUIET_DEAD);
    } else if (s->target == SEND_TO_QUEUE) {
        sender_step(m, SEND_QUIET_BUFFERED);
        segments_add(m, s->link.id, s->taken);
    } else {
        sender_step(m, SEND_QUIET);
    }
}

void sender_tick(modem_t *m)
{
    sender_t *const s = &m->sender;
    if (m->now < sender_deadline(m)) return;
    if (s->state == SENDER_COLLECTING)
        sender_step(m, SEND_CANCEL);
    else if (s->state == SENDER_THROUGH)
        through_tick(m);
    else if (s->state == SENDER_SETTLING) {
        settled(m);
        if (s->state == SENDER_SENDING && s->taken == 0) sender_step(m, SEND_TAKEN);
    } else
        send_late(m);
}

/* ---- the network's side ---- */

static bool waits_to_be_sent(const modem_t *m, cipmux_link_t link)
{
    const sender_t *const s = &m->sender;
    if (link.id != s->link.id || link.life != s->link.life || !link_alive(m)) return false;
    return (s->state == SENDER_SENDING && reply_has_room(m)) || (s->state == SENDER_THROUGH && packets_wait(m));
}

static bool link_has_segments(const modem_t *m, cipmux_link_t link)
{
    if (link.id >= CIPMUX_LINKS || !reply_has_room(m)) return false;
    const link_t *const l = &m->link[link.id];
    return l->life == link.life && l->state == LINK_OPEN && l->segments.fill > 0;
}

static uint16_t send_end(const modem_t *m)
{
    return sender_is_through(m) ? m->sender.ready : m->sender.taken;
}

static size_t piece(const modem_t *m)
{
    const size_t left = (size_t)(send_end(m) - m->sender.sent);
    const size_t max = (size_t)number(m, NUMBER_THROUGH_PIECE);
    return sender_is_through(m) && left > max ? max : left;
}

bool cipmux_send_peek(const cipmux_t *modem, cipmux_link_t link, const void **out, size_t *n, cipmux_address_t *to)
{
    const modem_t *const m = (const modem_t *)modem;
    if (link_has_segments(m, link)) {
        if (to != NULL) *to = m->link[link.id].peer;
        return segments_peek(m, &m->link[link.id], out, n);
    }
    if (!waits_to_be_sent(m, link)) return false;
    *out = link_send_buffer(&m->link[link.id]) + m->sender.sent;
    *n = piece(m);
    if (to != NULL) *to = m->sender.to.family != 0 ? m->sender.to : m->link[link.id].peer;
    return true;
}

void cipmux_send_done(cipmux_t *modem, uint64_t now_us, cipmux_link_t link, size_t n)
{
    modem_t *const m = (modem_t *)modem;
    if (link_has_segments(m, link)) {
        segments_sent(m, link.id, n);
        cipmux_tick(modem, now_us);
        return;
    }
    if (!waits_to_be_sent(m, link)) return;
    cipmux_tick(modem, now_us);
    sender_t *const s = &m->sender;
    s->sent = (uint16_t)(s->sent + (n < piece(m) ? n : piece(m)));
    if (s->sent == send_end(m)) all_taken(m);
    cipmux_tick(modem, now_us);
}

void cipmux_send_failed(cipmux_t *modem, uint64_t now_us, cipmux_link_t link)
{
    modem_t *const m = (modem_t *)modem;
    if (link_has_segments(m, link)) {
        segments_fail(m, link.id, false);
        return;
    }
    if (!waits_to_be_sent(m, link)) return;
    cipmux_tick(modem, now_us);
    if (m->sender.state == SENDER_THROUGH) {
        m->sender.sent = m->sender.ready;
        all_taken(m);
    } else
        sender_step(m, SEND_REFUSED);
    cipmux_tick(modem, now_us);
}
