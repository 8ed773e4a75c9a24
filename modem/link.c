/* The life of a link: one full table of state x event. Every transition is here, and nothing else is. The base table is
 * nonos; where esp-at's order or outcome differs a patch replaces the cell. A cell that is missing cannot happen: such an
 * event is refused and changes nothing. Facts: [tcpip 3.5, 3.8, 4.1, 4.2, 4.3]. */
#include "internal.h"

#include <string.h>

/* clang-format off */
#define TO(state, ...) { LINK_##state, true, { __VA_ARGS__ } }
/* clang-format on */

/* clang-format off */
CIPMUX_TABLE link_cell_t link_cells[LINK_STATE_COUNT][LINK_EVENT_COUNT] = {
    [LINK_FREE] = {
        [LINK_START]      = TO(DIALING, ASK_DIAL),
        [LINK_START_NAME] = TO(RESOLVING, DO_NOTHING),
        [LINK_ACCEPT]     = TO(OPEN, SAY_CONNECT),
        [LINK_RESTART]    = TO(FREE, DO_NOTHING),
        [LINK_RESET_PIN]  = TO(FREE, DO_NOTHING),
    },
    [LINK_RESOLVING] = {
        [LINK_FOUND]     = TO(DIALING, ASK_DIAL),
        [LINK_NOT_FOUND] = TO(FREE, SAY_DNS_FAIL, COMMAND_FAILED),
        [LINK_LEFT]      = TO(FREE, COMMAND_FAILED),
        [LINK_CLOSE]     = TO(FREE, COMMAND_FAILED),
        [LINK_RESTART]   = TO(FREE, DO_NOTHING),
        [LINK_RESET_PIN] = TO(FREE, DO_NOTHING),
    },
    [LINK_DIALING] = {
        [LINK_UP]        = TO(OPEN, SAY_CONNECT, COMMAND_DONE),
        [LINK_REFUSED]   = TO(FREE, COMMAND_FAILED, SAY_CLOSED),
        [LINK_FAILED]    = TO(FREE, SAY_CONNECT_FAIL, COMMAND_FAILED),
        [LINK_EXPIRED]   = TO(CLOSING, ASK_HANG_UP, COMMAND_FAILED, SAY_CLOSED),
        [LINK_LEFT]      = TO(CLOSING, ASK_HANG_UP, COMMAND_FAILED, SAY_CLOSED),
        [LINK_CLOSE]     = TO(CLOSING, ASK_HANG_UP),
        [LINK_RESTART]   = TO(CLOSING, ASK_HANG_UP),
        [LINK_RESET_PIN] = TO(CLOSING, ASK_HANG_UP),
    },
    [LINK_OPEN] = {
        [LINK_FIN]         = TO(DRAINING, DO_NOTHING),
        [LINK_DIED]        = TO(DRAINING, DO_NOTHING),
        [LINK_DIED_SERVED] = TO(DYING, DO_NOTHING),
        [LINK_CLOSE]       = TO(ENDING, DO_NOTHING),
        [LINK_LEFT]        = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_LEFT_SERVED] = TO(CLOSING, SAY_CONNECT_FAIL, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESTART]     = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
    },
    [LINK_DRAINING] = {
        [LINK_DRAINED]     = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_UNREAD]      = TO(KEPT, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP),
        [LINK_CLOSE]       = TO(ENDING, DO_NOTHING),
        [LINK_LEFT]        = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_LEFT_SERVED] = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESTART]     = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
    },
    [LINK_DYING] = {
        [LINK_DRAINED]     = TO(CLOSING, SAY_CONNECT_FAIL, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_UNREAD]      = TO(KEPT, SAY_CONNECT_FAIL, FAIL_SEND, ASK_HANG_UP),
        [LINK_CLOSE]       = TO(ENDING, DO_NOTHING),
        [LINK_LEFT_SERVED] = TO(CLOSING, SAY_CONNECT_FAIL, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESTART]     = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
    },
    [LINK_ENDING] = {
        [LINK_FIN]         = TO(ENDING, DO_NOTHING),
        [LINK_DIED]        = TO(ENDING, DO_NOTHING),
        [LINK_DIED_SERVED] = TO(ENDING, DO_NOTHING),
        [LINK_CLOSE]       = TO(ENDING, DO_NOTHING),
        [LINK_DRAINED]     = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_UNREAD]      = TO(KEPT, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP),
        [LINK_LEFT]        = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_LEFT_SERVED] = TO(CLOSING, SAY_CLOSED, FAIL_SEND, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESTART]     = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
    },
    [LINK_HELD] = {
        [LINK_FIN]         = TO(HELD, DO_NOTHING),
        [LINK_DIED]        = TO(HELD, DO_NOTHING),
        [LINK_DIED_SERVED] = TO(HELD, DO_NOTHING),
        [LINK_DRAINED]     = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_CLOSE]       = TO(CLOSING, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN),
        [LINK_LEFT]        = TO(HELD, DO_NOTHING),
        [LINK_LEFT_SERVED] = TO(HELD, DO_NOTHING),
        [LINK_RESTART]     = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(CLOSING, ASK_HANG_UP, ASK_RETURN),
    },
    [LINK_KEPT] = {
        [LINK_DRAINED]     = TO(FREE, ASK_RETURN),
        [LINK_REUSE]       = TO(FREE, ASK_RETURN),
        [LINK_LEFT]        = TO(KEPT, DO_NOTHING),
        [LINK_LEFT_SERVED] = TO(KEPT, DO_NOTHING),
        [LINK_RESTART]     = TO(FREE, ASK_RETURN),
        [LINK_RESET_PIN]   = TO(FREE, ASK_RETURN),
    },
    [LINK_CLOSING] = {
        [LINK_FETCHED]   = TO(FREE, DO_NOTHING),
        [LINK_RESTART]   = TO(CLOSING, DO_NOTHING),
        [LINK_RESET_PIN] = TO(CLOSING, DO_NOTHING),
    },
};
/* clang-format on */

/* clang-format off */
#define PATCH(from, event, ...) { FAMILY_ESP_AT, LINK_##from, LINK_##event, __VA_ARGS__ }
/* clang-format on */
#define ESP_AT_END TO(CLOSING, FAIL_SEND, SAY_CLOSED, ASK_HANG_UP, ASK_RETURN)

/* clang-format off */
CIPMUX_TABLE link_patch_t link_patches[] = {
    /* a failed dial prints no CLOSED */
    PATCH(DIALING, REFUSED, TO(FREE, COMMAND_FAILED)),
    PATCH(DIALING, EXPIRED, TO(CLOSING, ASK_HANG_UP, COMMAND_FAILED)),
    PATCH(DIALING, LEFT, TO(CLOSING, ASK_HANG_UP, COMMAND_FAILED)),
    /* CONNECT FAIL does not exist */
    PATCH(OPEN, DIED_SERVED, TO(DRAINING, DO_NOTHING)),
    /* SEND FAIL stands before CLOSED */
    PATCH(OPEN, LEFT, ESP_AT_END),
    PATCH(OPEN, LEFT_SERVED, ESP_AT_END),
    PATCH(DRAINING, DRAINED, ESP_AT_END),
    PATCH(DRAINING, LEFT, ESP_AT_END),
    PATCH(DRAINING, LEFT_SERVED, ESP_AT_END),
    PATCH(ENDING, DRAINED, ESP_AT_END),
    PATCH(ENDING, LEFT, ESP_AT_END),
    PATCH(ENDING, LEFT_SERVED, ESP_AT_END),
    /* passive: CLOSED is withheld; AT+CIPCLOSE discards */
    PATCH(DRAINING, UNREAD, TO(HELD, FAIL_SEND)),
    PATCH(ENDING, UNREAD, ESP_AT_END),
    /* a restart says nothing */
    PATCH(OPEN, RESTART, TO(CLOSING, ASK_HANG_UP, ASK_RETURN)),
    PATCH(DRAINING, RESTART, TO(CLOSING, ASK_HANG_UP, ASK_RETURN)),
    PATCH(ENDING, RESTART, TO(CLOSING, ASK_HANG_UP, ASK_RETURN)),
};
/* clang-format on */
const size_t link_patch_count = sizeof link_patches / sizeof link_patches[0];

const link_cell_t *link_cell(family_t family, link_state_t state, link_event_t event)
{
    for (size_t i = 0; i < link_patch_count; i++)
        if (link_patches[i].family == family && link_patches[i].state == state && link_patches[i].event == event)
            return &link_patches[i].cell;
    return &link_cells[state][event];
}

/* +LINK_CONN:<0 up, 1 failed>,... replaces the CONNECT line when SYSMSG bit 1 is set [conventions 1.8]. */
static void say_connected(modem_t *m, uint8_t id, bool failed)
{
    const link_t *const link = &m->link[id];
    const text_t        word = failed ? TEXT_CONNECT_FAIL : TEXT_CONNECT;
    if ((m->sysmsg & 2) == 0 || text_of(m, word) == NULL) {
        say_link(m, id, word);
        return;
    }
    if (sender_is_through(m) && (m->sysmsg & 4) == 0) return;
    say(m, TEXT_LINK_CONN, failed, id, link_type_text(m, link), link->served, &link->peer, link->peer.port,
        link->local_port);
}

/* The memory of the life `return_life` goes back. */
void link_return(modem_t *m, uint8_t id)
{
    link_t *const link = &m->link[id];
    if (link->memory == NULL) return;
    link->memory = NULL;
    link->asks |= LINK_ASK_RETURN;
}

static void effect(modem_t *m, uint8_t id, effect_t what)
{
    link_t *const link = &m->link[id];
    switch (what) {
    case ASK_DIAL:
        link->asks |= LINK_ASK_DIAL;
        link->since = m->now;
        link->by_soft_ap = soft_ap_reaches(m, &link->peer);
        break;
    case ASK_HANG_UP:
        /* A dial that was not fetched yet never happened. */
        if ((link->asks & LINK_ASK_DIAL) == 0) link->asks |= LINK_ASK_HANG_UP;
        link->asks &= (uint8_t) ~(LINK_ASK_DIAL | LINK_ASK_WATCH | LINK_ASK_OPTION);
        break;
    case ASK_RETURN:
        link->return_life = link->life;
        link->fill = 0;
        link->first_left = 0;
        if (!sender_keeps_memory(m, id)) link_return(m, id);
        break;
    case SAY_CONNECT:
        say_connected(m, id, false);
        if (m->tcp_option[id].nodelay && link->type != CIPMUX_UDP) link->asks |= LINK_ASK_OPTION;
        break;
    case SAY_CONNECT_FAIL:
        if (m->sender.announce)
            say(m, TEXT_CONNECT_FAIL);
        else
            say_connected(m, id, true);
        break;
    case SAY_CLOSED:
        if (m->sender.announce)
            say(m, TEXT_CONNECT_FAIL); /* the passthrough of a start [tcpip 4.3] */
        else
            say_link(m, id, TEXT_CLOSED);
        break;
    case SAY_DNS_FAIL:
        say(m, m->sender.announce ? TEXT_CONNECT_FAIL : TEXT_DNS_FAIL);
        note(m, CIPMUX_REASON_DNS_FAIL, id, 0);
        break;
    case FAIL_SEND: sender_link_ended(m, id); break;
    case COMMAND_DONE: slot_end(m, WAIT_LINK, OUTCOME_DONE); break;
    case COMMAND_FAILED:
        slot_end(m, WAIT_LINK, OUTCOME_FAILED);
        slot_end(m, WAIT_THROUGH, OUTCOME_FAILED);
        break;
    case DO_NOTHING:
    case EFFECT_COUNT: break;
    }
}

/* Applies one event. False: it cannot happen in this state; counted, nothing changed. */
bool link_step(modem_t *m, uint8_t id, link_event_t event)
{
    link_t *const            link = &m->link[id];
    const link_cell_t *const cell = link_cell((family_t)m->family, (link_state_t)link->state, event);
    if (!cell->legal) {
        m->counters.refused_events++;
        return false;
    }
    const bool was_open = link_is_open(m, id);
    const bool was_alive = link->state != LINK_FREE && link->state != LINK_RESOLVING && link->state != LINK_CLOSING;
    link->state = cell->next;
    for (size_t i = 0; i < EFFECT_MAX; i++)
        effect(m, id, (effect_t)cell->effects[i]);
    if (was_open && !link_is_open(m, id)) m->wifi.link_ended = true;
    if (link->state != LINK_FREE && link->state != LINK_CLOSING) return true;
    if (was_alive && link->type == CIPMUX_SSL) ssl_link_ended(m);
    link->since = m->now;
    if (!sender_keeps_memory(m, id)) link_return(m, id); /* what passthrough kept while it dialled again */
    if (link->state == LINK_CLOSING && link->asks == 0) link->state = LINK_FREE;
    return true;
}

cipmux_link_t link_handle(const modem_t *m, uint8_t id)
{
    return (cipmux_link_t){ .id = id, .life = m->link[id].life };
}

link_t *link_find(modem_t *m, cipmux_link_t handle)
{
    if (handle.id >= CIPMUX_LINKS) return NULL;
    link_t *const link = &m->link[handle.id];
    if (link->life != handle.life || link->state == LINK_FREE || link->state == LINK_CLOSING) return NULL;
    return link;
}

/* From its CONNECT line to its CLOSED line. */
bool link_is_open(const modem_t *m, uint8_t id)
{
    const uint8_t state = m->link[id].state;
    return state >= LINK_OPEN && state <= LINK_HELD;
}

size_t links_open(const modem_t *m)
{
    size_t count = 0;
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        count += link_is_open(m, id);
    return count;
}

int link_lowest_free(const modem_t *m)
{
    const uint8_t end = m->mux ? CIPMUX_LINKS : 1;
    for (uint8_t id = 0; id < end; id++)
        if (m->link[id].state == LINK_FREE || m->link[id].state == LINK_KEPT) return id;
    return -1;
}

/* A new life in a free slot; a request for the memory of the life before stays. */
void link_begin(modem_t *m, uint8_t id, cipmux_type_t type, bool served)
{
    link_t *const link = &m->link[id];
    if (link->state == LINK_KEPT) link_step(m, id, LINK_REUSE);
    *link = (link_t){
        .life = (uint8_t)(link->life + 1),
        .return_life = link->return_life,
        .asks = link->asks,
        .memory = link->memory,
        .size = link->size,
        .type = (uint8_t)type,
        .served = served,
        .since = m->now,
    };
}

/* What ended links have left unread: in the other mode their ids mean other links, or nothing. */
void links_forget_kept(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (m->link[id].state == LINK_KEPT) link_step(m, id, LINK_REUSE);
}

/* One is enough: only the link of single mode is dialled again. */
void link_remember_host(modem_t *m, const char *host, uint8_t length)
{
    memcpy(m->host, host, length);
    m->host_length = length;
}

/* Passive data that its firmware keeps readable with CLOSED withheld outlives the network too. */
static bool outlives(const modem_t *m, const link_t *link)
{
    return link->state == LINK_OPEN && link->fill > 0 && receiver_mode(m, link) == RECEIVER_PASSIVE &&
           link_cell((family_t)m->family, LINK_DRAINING, LINK_UNREAD)->next == LINK_HELD;
}

static bool goes_by(const link_t *link, bool by_soft_ap, const uint8_t *ip)
{
    return link->by_soft_ap == by_soft_ap && (ip == NULL || memcmp(link->peer.bytes, ip, 4) == 0);
}

/* What was received before the loss is printed first. */
bool links_hold_data(const modem_t *m, bool by_soft_ap, const uint8_t *ip)
{
    for (size_t id = 0; id < CIPMUX_LINKS; id++) {
        const link_t *const link = &m->link[id];
        if (!goes_by(link, by_soft_ap, ip)) continue;
        if (link->fill > 0 && link->type != CIPMUX_UDP && receiver_mode(m, link) != RECEIVER_PASSIVE) return true;
    }
    return false;
}

/* Links that we dialled first, then those of the server. UDP links of nonos say nothing and stay [tcpip 4.2]. */
void links_leave(modem_t *m, bool by_soft_ap, const uint8_t *ip)
{
    for (unsigned served = 0; served < 2; served++)
        for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
            const link_t *const link = &m->link[id];
            if (link->served != (served == 1) || link->state == LINK_FREE || link->state == LINK_CLOSING) continue;
            if (!goes_by(link, by_soft_ap, ip)) continue;
            if (link->type == CIPMUX_UDP && quirk(m, CIPMUX_QUIRK_UDP_STAYS) && link->state >= LINK_OPEN) continue;
            if (outlives(m, link))
                link_step(m, id, link->served ? LINK_DIED_SERVED : LINK_DIED);
            else
                link_step(m, id, link->served ? LINK_LEFT_SERVED : LINK_LEFT);
        }
}

/* What waits for the UART to have printed everything. */
void links_settle(modem_t *m)
{
    bool ending = false;
    for (uint8_t id = 0; id < CIPMUX_LINKS && reply_has_room(m); id++) {
        const link_t *const link = &m->link[id];
        if (link->state < LINK_DRAINING || link->state > LINK_KEPT) continue;
        const bool framed = m->reply.frame_open && m->reply.frame_link == id;
        const bool empty = link->fill == 0 && link->first_left == 0 && !framed;
        const bool ends = link->state == LINK_DRAINING || link->state == LINK_DYING || link->state == LINK_ENDING;
        if (empty)
            link_step(m, id, LINK_DRAINED);
        else if (ends && receive_cells[m->family][receiver_mode(m, link)][RECEIVE_ENDED] == RECEIVE_HOLD)
            link_step(m, id, LINK_UNREAD);
    }
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        ending = ending || m->link[id].state == LINK_ENDING;
    if (m->slot.wait == WAIT_CLOSED && !ending) slot_end(m, WAIT_CLOSED, OUTCOME_DONE);
}

/* Takes the receive memory that comes with UP and ACCEPT. False: there is none, a bug of the caller. */
bool link_lend(modem_t *m, link_t *link, const cipmux_event_t *event)
{
    if (event->memory == NULL || event->memory_size < cipmux_link_memory((const cipmux_t *)m)) {
        m->counters.refused_events++;
        return false;
    }
    if (link->memory != NULL) { /* kept for passthrough's unsent bytes */
        const size_t size = (size_t)number(m, NUMBER_RECEIVE_MEMORY);
        memcpy((uint8_t *)event->memory + size, link->memory + size, (size_t)number(m, NUMBER_SEND_MEMORY));
        link_return(m, (uint8_t)(link - m->link));
    }
    link->memory = event->memory;
    link->size = (uint16_t)number(m, NUMBER_RECEIVE_MEMORY);
    link->local_port = event->local_port;
    return true;
}

static cipmux_answer_t link_up(modem_t *m, link_t *link, const cipmux_event_t *event)
{
    if (link->state != LINK_DIALING) {
        m->counters.refused_events++;
        return CIPMUX_REFUSED;
    }
    if (!link_lend(m, link, event)) return CIPMUX_REFUSED;
    if (event->address.family != 0) link->peer = event->address;
    link->since = m->now;
    link_step(m, event->link.id, LINK_UP);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t dial_failed(modem_t *m, link_t *link, const cipmux_event_t *event)
{
    const bool slow = event->cause == CIPMUX_CAUSE_REFUSED || event->cause == CIPMUX_CAUSE_RESET;
    if (slow && m->now < link->since + time_us(m, CIPMUX_TIME_REFUSED)) return CIPMUX_LATER;
    if (event->local_port != 0) link->local_port = event->local_port;
    if (!link_step(m, event->link.id, event->cause == CIPMUX_CAUSE_LOCAL ? LINK_FAILED : LINK_REFUSED))
        return CIPMUX_REFUSED;
    note(m, CIPMUX_REASON_DIAL_FAILED, event->link.id, (int32_t)event->cause);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t link_ended(modem_t *m, const link_t *link, const cipmux_event_t *event)
{
    const link_event_t died = link->served ? LINK_DIED_SERVED : LINK_DIED;
    return link_step(m, event->link.id, event->cause == CIPMUX_CAUSE_FIN ? LINK_FIN : died) ? CIPMUX_TAKEN
                                                                                            : CIPMUX_REFUSED;
}

/* UP, FAILED, ENDED. False: not an event of a link. */
bool link_event(modem_t *m, const cipmux_event_t *event, cipmux_answer_t *answer)
{
    if (event->kind != CIPMUX_EVENT_UP && event->kind != CIPMUX_EVENT_FAILED && event->kind != CIPMUX_EVENT_ENDED)
        return false;
    link_t *const link = link_find(m, event->link);
    *answer = CIPMUX_REFUSED;
    if (link == NULL) {
        m->counters.stale_events++;
        return true;
    }
    if (event->kind == CIPMUX_EVENT_FAILED)
        *answer = dial_failed(m, link, event);
    else if (event->kind == CIPMUX_EVENT_ENDED)
        *answer = link_ended(m, link, event);
    else
        *answer = link_up(m, link, event);
    return true;
}

uint64_t links_deadline(const modem_t *m)
{
    uint64_t due = CIPMUX_NEVER;
    for (size_t id = 0; id < CIPMUX_LINKS; id++) {
        const link_t *const link = &m->link[id];
        if (link->state != LINK_DIALING) continue;
        const uint64_t refused = link->since + time_us(m, CIPMUX_TIME_REFUSED);
        due = earliest(due, link->since + time_us(m, CIPMUX_TIME_DIAL_LIMIT));
        if (refused > m->now) due = earliest(due, refused); /* a refusal may be waiting outside */
    }
    return due;
}

void links_tick(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        const link_t *const link = &m->link[id];
        if (link->state != LINK_DIALING || m->now < link->since + time_us(m, CIPMUX_TIME_DIAL_LIMIT)) continue;
        note(m, CIPMUX_REASON_DIAL_FAILED, id, CIPMUX_CAUSE_TIMEOUT);
        link_step(m, id, LINK_EXPIRED);
    }
}
