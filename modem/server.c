/* The server: who gets in, and when an idle client is dropped. Facts: [tcpip 3.14-3.16, 4.4], [309], classic.md. */
#include "internal.h"

size_t server_links(const modem_t *m)
{
    size_t count = 0;
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        count += m->link[id].served && link_is_open(m, id);
    return count;
}

static bool all_five_are_tcp(const modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (!link_is_open(m, id) || m->link[id].type == CIPMUX_UDP) return false;
    return true;
}

cipmux_admission_t cipmux_admission(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    if (m->server.port == 0) return CIPMUX_ADMIT_NOBODY;
    if (link_lowest_free(m) >= 0 && (!m->mux || server_links(m) < m->server.max)) return CIPMUX_ADMIT_OPEN;
    if (!m->mux || quirk(m, CIPMUX_QUIRK_FULL_RESET)) return CIPMUX_ADMIT_RESET;
    return all_five_are_tcp(m) ? CIPMUX_ADMIT_SILENT : CIPMUX_ADMIT_FIN;
}

uint16_t cipmux_server_port(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->server.port;
}

cipmux_answer_t server_accept(modem_t *m, const cipmux_event_t *event, cipmux_link_t *assigned)
{
    const int id = link_lowest_free(m);
    if (cipmux_admission((const cipmux_t *)m) != CIPMUX_ADMIT_OPEN || id < 0) return CIPMUX_REFUSED;
    link_t *const link = &m->link[id];
    link_begin(m, (uint8_t)id, CIPMUX_TCP, true);
    if (!link_lend(m, link, event)) return CIPMUX_REFUSED;
    link->peer = event->address;
    link->by_soft_ap = soft_ap_reaches(m, &link->peer);
    link_step(m, (uint8_t)id, LINK_ACCEPT);
    if (assigned != NULL) *assigned = link_handle(m, (uint8_t)id);
    return CIPMUX_TAKEN;
}

/* nonos: the accepted links go with their server, behind the OK [tcpip 3.14]. */
void server_off(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (m->link[id].served && link_is_open(m, id)) link_step(m, id, LINK_CLOSE);
}

/* When the idle time of this link is over; CIPMUX_NEVER: it has none. */
static uint64_t idle_until(const modem_t *m, const link_t *link)
{
    if (!link->served || link->state != LINK_OPEN || m->server.idle_s == 0) return CIPMUX_NEVER;
    return link->since + m->server.idle_s * 1000000ull + (uint64_t)number(m, NUMBER_IDLE_EXTRA) * 1000u;
}

uint64_t server_deadline(const modem_t *m)
{
    uint64_t due = CIPMUX_NEVER;
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        due = earliest(due, idle_until(m, &m->link[id]));
    return wake_defers(m, due);
}

void server_tick(modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        if (m->now < idle_until(m, &m->link[id])) continue;
        if (!wake_host(m)) return;
        note(m, CIPMUX_REASON_IDLE_TIMEOUT, id, m->server.idle_s);
        link_step(m, id, LINK_CLOSE);
    }
}
