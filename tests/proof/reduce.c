/* What of a board makes a difference for what can follow. Two boards that are equal here are one state of the search, so this
 * file is what it has to be believed: each line says what is left out.
 *
 * - The clock: times are kept as ages or as time that is left, up to an hour; no time limit here is longer.
 * - Names of lives and tickets: only whether they fit.
 * - Bytes behind the end of a text, and what a closed frame, an idle sender, an idle slot or a free link has left behind.
 * - Counters of losses. */
#include "board.h"

#include <string.h>

static uint64_t hour(uint64_t us)
{
    const uint64_t most = 3600000000u;
    return us < most ? us : most;
}

static uint64_t age(uint64_t since)
{
    return since <= board.now ? hour(board.now - since) : UINT64_MAX - hour(since - board.now);
}

static uint64_t left(uint64_t due)
{
    if (due == CIPMUX_NEVER) return due;
    return due >= board.now ? hour(due - board.now) : 0;
}

static void reduce_reply(reply_t *r)
{
    char text[REPLY_RING] = { 0 };
    for (size_t i = 0; i < r->fill; i++)
        text[i] = r->ring[(r->head + i) % REPLY_RING];
    memcpy(r->ring, text, sizeof text);
    r->head = 0;
    if (r->long_left == 0) r->long_text = NULL;
    if (r->frame_open) return;
    r->frame_link = r->frame_tail = r->frame_head_at = r->frame_head_length = 0;
    memset(r->frame_head, 0, sizeof r->frame_head);
}

static void reduce_link(const modem_t *m, link_t *link, peer_t *peer)
{
    for (unsigned piece = 0; piece < 2; piece++)
        peer->lent_to[piece] = peer->lent[piece] ? (uint8_t)(link->life - peer->lent_to[piece]) : 0;
    peer->life = peer->up || peer->dialling ? (uint8_t)(link->life - peer->life) : 0;
    link->return_life = (link->asks & LINK_ASK_RETURN) != 0 ? (uint8_t)(link->life - link->return_life) : 0;
    link->life = 0;
    link->since = age(link->since);
    if (link->fill == 0) link->head = 0;
    const bool timed = link->state == LINK_DIALING || (link->state == LINK_OPEN && link->served);
    if (!timed && m->sender.state != SENDER_THROUGH) link->since = 0;
    if (link->state != LINK_FREE || m->sender.state == SENDER_THROUGH) return;
    *link = (link_t){ .memory = link->memory, .asks = link->asks, .return_life = link->return_life };
}

static void reduce_sender(const modem_t *now, sender_t *s)
{
    const bool fits = now->link[s->link.id].life == s->link.life;
    if (s->state == SENDER_IDLE && !s->late) *s = (sender_t){ 0 };
    s->link.life = fits;
    s->since = s->state == SENDER_SENDING || s->state == SENDER_WAITING ? age(s->since) : 0;
    if (s->burst == 0 || age(s->last) >= 20000)
        s->last = age(s->last) >= 20000;
    else
        s->last = UINT64_MAX - age(s->last);
}

static void reduce_slot(const modem_t *now, slot_t *s)
{
    if (s->command == NULL && s->wait == WAIT_NONE && now->sender.state != SENDER_THROUGH) *s = (slot_t){ 0 };
    s->since = s->wait != WAIT_NONE ? age(s->since) : 0;
    s->ticket = s->ticket == board.name_ticket;
}

static void reduce_line(const modem_t *now, line_t *l)
{
    const bool in_use = now->slot.command != NULL || now->slot.wait != WAIT_NONE;
    if (!in_use) memset(l->text + l->length, 0, sizeof l->text - l->length);
    l->last = age(l->last);
    if (l->last > 1000000) l->last = 1000000;
}

static void reduce_wifi(wifi_t *w)
{
    const bool waits = w->state == WIFI_JOINING || w->state == WIFI_ASSOCIATED || w->state == WIFI_RETRY;
    w->since = waits ? age(w->since) : 0;
    w->due = waits ? left(w->due) : 0;
    w->ticket = w->ticket == board.join_ticket;
}

void board_reduce(board_t *out)
{
    const modem_t *const now = (const modem_t *)&board.modem;
    modem_t *const       m = (modem_t *)&out->modem;
    *out = board;
    reduce_reply(&m->reply);
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        reduce_link(now, &m->link[id], &out->peer[id]);
    reduce_sender(now, &m->sender);
    reduce_slot(now, &m->slot);
    reduce_line(now, &m->line);
    reduce_wifi(&m->wifi);
    m->ready_at = left(m->ready_at);
    m->sntp.due = left(m->sntp.due);
    m->sntp.asked = age(m->sntp.asked);
    m->wake.due = left(m->wake.due);
    m->update.since = m->provision.wps_since = 0; /* neither is begun here */
    m->utc.offset_us = 0;                         /* nor is the clock read */
    m->soft_ap_ticket = 0;
    m->tickets = 0;
    m->now = out->now = 0;
    memset(m->note, 0, sizeof m->note); /* all are fetched after each step */
    m->note_head = 0;
    m->counters = (cipmux_counters_t){ 0 };
    out->name_ticket = board.name_ticket != 0;
    out->join_ticket = board.joins;
}
