/* AT+CIPSENDBUF and its family: payload that is queued in the link's send buffer and acknowledged later, by segment.
 * Facts: [tcpip 3.12]. */
#include "internal.h"

static size_t capacity(const modem_t *m)
{
    return (size_t)number(m, NUMBER_SEND_MEMORY);
}

/* Byte `at` of what is being collected, behind what is queued. The ring is as large as the payload may be at least. */
uint8_t *segments_place(const modem_t *m, const link_t *link, size_t at)
{
    const segments_t *const s = &link->segments;
    return link_send_buffer(link) + (s->head + s->fill + at) % capacity(m);
}

static size_t outstanding(const segments_t *s)
{
    return (size_t)(s->made - s->acked);
}

bool segments_busy(const link_t *link)
{
    return outstanding(&link->segments) > 0;
}

void segments_add(modem_t *m, uint8_t id, uint16_t n)
{
    segments_t *const s = &m->link[id].segments;
    if (s->fill == 0) s->left = n;
    s->made++;
    s->length[s->made % SEGMENT_QUEUE] = n;
    s->fill = (uint16_t)(s->fill + n);
}

bool segments_peek(const modem_t *m, const link_t *link, const void **out, size_t *n)
{
    const segments_t *const s = &link->segments;
    const size_t            end = capacity(m) - s->head;
    *out = link_send_buffer(link) + s->head;
    *n = s->fill < end ? s->fill : end;
    if (*n > s->left) *n = s->left;
    return true;
}

static void watch(modem_t *m, uint8_t id)
{
    segments_t *const s = &m->link[id].segments;
    if (s->watched > s->acked || s->sent == s->acked) return;
    s->watched = s->sent;
    m->link[id].asks |= LINK_ASK_WATCH;
}

void segments_sent(modem_t *m, uint8_t id, size_t n)
{
    segments_t *const s = &m->link[id].segments;
    s->head = (uint16_t)((s->head + n) % capacity(m));
    s->fill = (uint16_t)(s->fill - n);
    s->left = (uint16_t)(s->left - n);
    s->unacked = (uint16_t)(s->unacked + n);
    if (s->left > 0) return;
    s->sent++;
    if (s->sent < s->made) s->left = s->length[(s->sent + 1u) % SEGMENT_QUEUE];
    watch(m, id);
}

static void say_segment(modem_t *m, uint8_t id, uint16_t segment, text_t text, bool line_before)
{
    if (line_before) say(m, TEXT_SEGMENT_LATER);
    if (m->mux) say(m, TEXT_LINK_ID, id);
    say(m, text, segment);
}

void segments_acked(modem_t *m, uint8_t id)
{
    segments_t *const s = &m->link[id].segments;
    while (s->acked < s->watched) {
        s->acked++;
        s->unacked = (uint16_t)(s->unacked - s->length[s->acked % SEGMENT_QUEUE]);
        say_segment(m, id, s->acked, TEXT_SEGMENT_OK, true);
    }
    watch(m, id);
}

/* What was not acknowledged fails: at a disconnect without the line end in front. */
static void fail(modem_t *m, uint8_t id, bool at_disconnect)
{
    segments_t *const s = &m->link[id].segments;
    while (s->acked < s->made) {
        s->acked++;
        say_segment(m, id, s->acked, TEXT_SEGMENT_FAIL, !at_disconnect);
        note(m, CIPMUX_REASON_SEND_FAILED, id, s->length[s->acked % SEGMENT_QUEUE]);
    }
    s->sent = s->watched = s->made;
    s->fill = s->left = s->unacked = 0;
}

/* The longest line is "4,65535,SEND FAIL" CR LF; what else one event prints needs room as well. */
enum { FAIL_LINES = SEGMENT_QUEUE * 19, FAIL_ROOM = FAIL_LINES + 128 };

/* The loss of the network may end five links at once: what the reply has no room for is printed as soon as it has. */
void segments_fail(modem_t *m, uint8_t id, bool at_disconnect)
{
    if (!at_disconnect || reply_fits(m, FAIL_ROOM))
        fail(m, id, at_disconnect);
    else if (segments_busy(&m->link[id]))
        m->fails_due |= (uint8_t)(1u << id);
}

void segments_settle(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS && m->fails_due != 0 && reply_has_room(m); id++) {
        if ((m->fails_due >> id & 1) == 0) continue;
        m->fails_due &= (uint8_t) ~(1u << id);
        fail(m, id, true);
    }
}

/* ---- the commands ---- */

verdict_t set_cipsendbuf(modem_t *m, args_t *args)
{
    const uint8_t id = m->mux ? (uint8_t)args->at[0].number : 0;
    const int32_t n = args->at[m->mux ? 1 : 0].number;
    const link_t *link = &m->link[id];
    if (m->cipmode) return refuse(m, CIPMUX_REASON_CIPMODE_IS_1, TEXT_NONE);
    if (link->state != LINK_OPEN) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NOT_VALID);
    if (link->type == CIPMUX_SSL) return refuse(m, CIPMUX_REASON_NOT_TCP, TEXT_SSL_NOT_SUPPORTED);
    if (link->type != CIPMUX_TCP) return refuse(m, CIPMUX_REASON_NOT_TCP, TEXT_NONE);
    if (n > number(m, NUMBER_SEND_MAX)) return refuse_argument(m, FAULT_VALUE, m->mux ? 1 : 0, TEXT_TOO_LONG);
    const segments_t *const s = &link->segments;
    if (s->fill + s->unacked + (size_t)n > capacity(m)) return refuse(m, CIPMUX_REASON_BUFFER_FULL, TEXT_BUFFER_FULL);
    if (outstanding(s) == SEGMENT_QUEUE) return refuse(m, CIPMUX_REASON_BUFFER_FULL, TEXT_QUEUE_FULL);
    say(m, TEXT_SEGMENT, s->made + 1, s->acked);
    return sender_open_buffered(m, id, (uint16_t)n);
}

/* The link that AT+CIPBUFRESET and AT+CIPBUFSTATUS mean. */
static verdict_t buffer_link(modem_t *m, const args_t *args, uint8_t *id)
{
    *id = args != NULL ? (uint8_t)args->at[0].number : 0;
    if (m->cipmode) return refuse(m, CIPMUX_REASON_CIPMODE_IS_1, TEXT_IPMODE_1);
    if (m->mux != (args != NULL))
        return refuse(m, m->mux ? CIPMUX_REASON_ID_NEEDED : CIPMUX_REASON_ID_IN_SINGLE, TEXT_NONE);
    if (m->link[*id].state != LINK_OPEN) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NOT_VALID);
    return VERDICT_OK;
}

static verdict_t buffer_reset(modem_t *m, const args_t *args)
{
    uint8_t         id;
    const verdict_t verdict = buffer_link(m, args, &id);
    if (verdict != VERDICT_OK) return verdict;
    segments_t *const s = &m->link[id].segments;
    if (outstanding(s) > 0) return refuse(m, CIPMUX_REASON_BUFFER_FULL, TEXT_NONE);
    *s = (segments_t){ 0 };
    return VERDICT_OK;
}

static verdict_t buffer_status(modem_t *m, const args_t *args)
{
    uint8_t         id;
    const verdict_t verdict = buffer_link(m, args, &id);
    if (verdict != VERDICT_OK) return verdict;
    const segments_t *const s = &m->link[id].segments;
    say(m, TEXT_BUFFER_STATUS, s->made + 1, s->sent, s->acked, (int)(capacity(m) - s->fill - s->unacked),
        (int)(SEGMENT_QUEUE - outstanding(s)));
    return VERDICT_OK;
}

verdict_t set_cipbufreset(modem_t *m, args_t *args)
{
    return buffer_reset(m, args);
}
verdict_t run_cipbufreset(modem_t *m)
{
    return buffer_reset(m, NULL);
}
verdict_t set_cipbufstatus(modem_t *m, args_t *args)
{
    return buffer_status(m, args);
}
verdict_t run_cipbufstatus(modem_t *m)
{
    return buffer_status(m, NULL);
}

verdict_t set_cipcheckseq(modem_t *m, args_t *args)
{
    const uint8_t           id = m->mux ? (uint8_t)args->at[0].number : 0;
    const int32_t           segment = args->at[m->mux ? 1 : 0].number;
    const segments_t *const s = &m->link[id].segments;
    if (m->link[id].state != LINK_OPEN) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NONE);
    if (segment > s->made || segment + SEGMENT_HISTORY <= s->made)
        return refuse_argument(m, FAULT_VALUE, m->mux ? 1 : 0, TEXT_NONE);
    if (m->mux) say(m, TEXT_LINK_ID, id);
    say(m, segment <= s->acked ? TEXT_SEGMENT_TRUE : TEXT_SEGMENT_FALSE, (int)segment);
    return VERDICT_OK;
}
