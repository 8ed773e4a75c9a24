/* The soft-AP: its settings, its stations, and the addresses that it gives them. Facts: [wifi 4]. */
#include "internal.h"

#include <string.h>

static const uint8_t no_ip[4];

/* ---- its stations ---- */

static guest_t *find(modem_t *m, const uint8_t mac[6])
{
    for (size_t i = 0; i < GUEST_MAX; i++)
        if (m->guest[i].used && memcmp(m->guest[i].mac, mac, 6) == 0) return &m->guest[i];
    return NULL;
}

static guest_t *find_free(modem_t *m)
{
    for (size_t i = 0; i < GUEST_MAX; i++)
        if (!m->guest[i].used) return &m->guest[i];
    return NULL;
}

bool soft_ap_has_guests(const modem_t *m)
{
    for (size_t i = 0; i < GUEST_MAX; i++)
        if (m->guest[i].used) return true;
    return false;
}

/* Its links end first [wifi 4.2]. `ip` is its address, or NULL. */
static void leave(modem_t *m, guest_t *guest, const uint8_t *ip, bool print)
{
    if (ip != NULL && memcmp(ip, no_ip, 4) != 0) links_leave(m, true, ip);
    if (print) say_event(m, TEXT_STA_DISCONNECTED, guest->mac);
    guest->used = false;
}

void soft_ap_drop(modem_t *m)
{
    for (size_t i = 0; i < GUEST_MAX; i++)
        if (m->guest[i].used) leave(m, &m->guest[i], m->guest[i].ip, quirk(m, CIPMUX_QUIRK_DROP_LINES));
    links_leave(m, true, NULL);
}

void soft_ap_stop(modem_t *m)
{
    memset(m->guest, 0, sizeof m->guest);
}

void soft_ap_kick(modem_t *m)
{
    for (size_t i = 0; i < GUEST_MAX; i++)
        m->guest[i].kick = m->guest[i].used;
    if (soft_ap_has_guests(m)) m->asks |= ASK_KICK;
}

static cipmux_answer_t guest_joined(modem_t *m, const cipmux_event_t *event)
{
    guest_t *const guest = find_free(m);
    if (guest == NULL || find(m, event->mac) != NULL) return CIPMUX_REFUSED;
    *guest = (guest_t){ .used = true };
    memcpy(guest->mac, event->mac, 6);
    say_event(m, TEXT_STA_CONNECTED, guest->mac);
    return CIPMUX_TAKEN;
}

cipmux_answer_t soft_ap_event(modem_t *m, const cipmux_event_t *event)
{
    guest_t *const  guest = find(m, event->mac);
    cipmux_answer_t answer = CIPMUX_TAKEN;
    if (!wifi_soft_ap_on(m) || event->ticket != m->soft_ap_ticket) {
        answer = CIPMUX_REFUSED;
    } else if (event->kind == CIPMUX_EVENT_STATION_JOINED) {
        answer = guest_joined(m, event);
    } else if (guest == NULL) {
        answer = CIPMUX_REFUSED;
    } else if (event->kind == CIPMUX_EVENT_STATION_LEASED) {
        memcpy(guest->ip, event->address.bytes, 4);
        say_event(m, TEXT_DIST_STA_IP, guest->mac, guest->ip);
    } else if (links_hold_data(m, true, event->address.bytes)) {
        answer = CIPMUX_LATER;
    } else {
        leave(m, guest, event->address.bytes, true);
    }
    if (answer == CIPMUX_REFUSED) m->counters.stale_events++;
    return answer;
}

/* ---- requests ---- */

/* A restart is a new life: whatever is still told about the stations of the old one is refused. */
void soft_ap_ask(modem_t *m, bool restart)
{
    if (restart) m->soft_ap_ticket = ++m->tickets;
    m->asks |= ASK_SOFT_AP;
}

void soft_ap_fill(const modem_t *m, cipmux_request_t *out)
{
    const interfaces_t *const own = &m->interfaces;
    const soft_ap_t *const    ap = &own->soft_ap;
    const lease_range_t       range = soft_ap_range(m, own);
    const bool                follows = wifi_has_address(m) || m->wifi.state == WIFI_ASSOCIATED;
    out->ticket = m->soft_ap_ticket;
    out->soft_ap.lease_ms = m->config->time_ms[CIPMUX_TIME_SOFT_AP_LEASE];
    out->soft_ap.silence_ms = m->config->time_ms[CIPMUX_TIME_SOFT_AP_SILENT];
    out->soft_ap.ssid = ap->ssid;
    out->soft_ap.ssid_length = ap->ssid_length;
    out->soft_ap.password = ap->password;
    out->soft_ap.password_length = ap->password_length;
    out->soft_ap.channel = follows ? m->wifi.channel : ap->channel;
    out->soft_ap.security = ap->security;
    out->soft_ap.max_stations = ap->max < GUEST_MAX ? ap->max : GUEST_MAX;
    out->soft_ap.hidden = ap->hidden != 0;
    memcpy(out->soft_ap.mac, own->soft_ap_mac, 6);
    memcpy(out->soft_ap.address, own->soft_ap_network.ip, 4);
    memcpy(out->soft_ap.netmask, own->soft_ap_network.netmask, 4);
    out->soft_ap.dhcp = (own->dhcp & DHCP_SOFT_AP) != 0;
    out->soft_ap.lease_min = range.lease_min;
    memcpy(out->soft_ap.first, range.first, 4);
    memcpy(out->soft_ap.last, range.last, 4);
}

/* One at a time. */
void soft_ap_fill_kick(modem_t *m, cipmux_request_t *out)
{
    bool found = false;
    for (size_t i = 0; i < GUEST_MAX; i++) {
        guest_t *const guest = &m->guest[i];
        if (!guest->used || !guest->kick) continue;
        if (found) m->asks |= ASK_KICK; /* for the next fetch */
        if (found) return;
        found = true;
        guest->kick = false;
        memcpy(out->kick.mac, guest->mac, 6);
    }
}

/* ---- AT+CWSAP, _CUR, _DEF [4.1] ---- */

verdict_t query_cwsap(modem_t *m)
{
    soft_ap_t ap = interfaces_shown(m)->soft_ap;
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    if (ap.ssid_length == 0)
        ap.ssid_length = (uint8_t)compose(m, (char *)ap.ssid, sizeof ap.ssid, TEXT_OWN_SSID, m->config->mac);
    say(m, TEXT_SAP, (const char *)ap.ssid, (int)ap.ssid_length, (const char *)ap.password, (int)ap.password_length,
        ap.channel, ap.security, ap.max, ap.hidden);
    return VERDICT_OK;
}

verdict_t set_cwsap(modem_t *m, args_t *args)
{
    enum { WEP = 1, PASSWORD_MIN = 8 };
    const arg_t *const at = args->at;
    soft_ap_t          ap = { .max = 4 };
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    if (at[2].number < m->wifi.country.first || at[2].number >= m->wifi.country.first + m->wifi.country.count)
        return refuse_argument(m, FAULT_VALUE, 2, TEXT_NONE);
    if (at[3].number == WEP) return refuse_argument(m, FAULT_VALUE, 3, TEXT_NONE);
    if (at[3].number != 0 && at[1].length < PASSWORD_MIN) return refuse_argument(m, FAULT_LENGTH, 1, TEXT_NONE);
    memcpy(ap.ssid, at[0].text, at[0].length);
    ap.ssid_length = (uint8_t)at[0].length;
    memcpy(ap.password, at[1].text, at[1].length);
    ap.password_length = (uint8_t)at[1].length;
    ap.channel = (uint8_t)at[2].number;
    ap.security = (uint8_t)at[3].number;
    if (arg_given(args, 4)) ap.max = (uint8_t)at[4].number;
    if (arg_given(args, 5)) ap.hidden = (uint8_t)at[5].number;
    m->interfaces.soft_ap = ap;
    if (settings_wanted(m)) m->saved.interfaces.soft_ap = ap;
    soft_ap_drop(m);
    soft_ap_ask(m, true);
    return VERDICT_OK;
}

/* ---- AT+CWLIF [4.3] ---- */

verdict_t run_cwlif(modem_t *m)
{
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    for (size_t i = 0; i < GUEST_MAX; i++) {
        const guest_t *const guest = &m->guest[i];
        const bool           shown = memcmp(guest->ip, no_ip, 4) != 0 || quirk(m, CIPMUX_QUIRK_LIF_STATIC);
        if (guest->used && shown) say(m, TEXT_LIF, guest->ip, guest->mac);
    }
    return VERDICT_OK;
}

/* ---- AT+CWQIF [4.4] ---- */

verdict_t run_cwqif(modem_t *m)
{
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    soft_ap_kick(m);
    return VERDICT_OK;
}

verdict_t set_cwqif(modem_t *m, args_t *args)
{
    uint8_t mac[6];
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    if (!parse_mac(args->at[0].text, args->at[0].length, mac)) return refuse_argument(m, FAULT_PARSE, 0, TEXT_NONE);
    guest_t *const guest = find(m, mac);
    if (guest == NULL && quirk(m, CIPMUX_QUIRK_KICK_UNKNOWN)) return VERDICT_OK;
    if (guest == NULL) return refuse(m, CIPMUX_REASON_NO_STATION, TEXT_NONE);
    guest->kick = true;
    m->asks |= ASK_KICK;
    return VERDICT_OK;
}

/* ---- AT+CWDHCPS, _CUR, _DEF [4.5] ---- */

static uint32_t value_of(const uint8_t ip[4])
{
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static bool is_range(const modem_t *m, const network_t *own, const lease_range_t *range)
{
    const uint32_t first = value_of(range->first), last = value_of(range->last), ip = value_of(own->ip);
    return same_network(own, range->first) && same_network(own, range->last) && first <= last &&
           last - first < (uint32_t)number(m, NUMBER_LEASE_RANGE) && (ip < first || ip > last);
}

/* One that was never set, or is not in the soft-AP's network any more: 100 addresses beside its own, as the SDK's server
 * counts them. */
lease_range_t soft_ap_range(const modem_t *m, const interfaces_t *of)
{
    enum { RANGE = 100, HALF = 128 };
    const uint8_t *const ip = of->soft_ap_network.ip;
    lease_range_t        range = of->range;
    if (range.lease_min != 0 && is_range(m, &of->soft_ap_network, &range)) return range;
    range.lease_min = (uint16_t)number(m, NUMBER_LEASE_DEFAULT);
    memcpy(range.first, ip, 4);
    memcpy(range.last, ip, 4);
    range.first[3] = (uint8_t)(ip[3] < HALF ? ip[3] + 1 : ip[3] - RANGE);
    range.last[3] = (uint8_t)(range.first[3] + RANGE - 1);
    return range;
}

/* _DEF shows zeros for what was never set, in force is the default. */
verdict_t query_cwdhcps(modem_t *m)
{
    const interfaces_t *const shown = interfaces_shown(m);
    const lease_range_t       range = shown == &m->interfaces ? soft_ap_range(m, shown) : shown->range;
    say(m, TEXT_DHCPS, range.lease_min, range.first, range.last);
    return VERDICT_OK;
}

verdict_t set_cwdhcps(modem_t *m, args_t *args)
{
    lease_range_t range = { 0 };
    const bool    on = args->at[0].number == 1;
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    if ((m->interfaces.dhcp & DHCP_SOFT_AP) == 0) return refuse(m, CIPMUX_REASON_SOFT_AP_DHCP_OFF, TEXT_NONE);
    if (args->count != (on ? 4 : 1)) return refuse_argument(m, FAULT_COUNT, args->count, TEXT_NONE);
    if (on) {
        range.lease_min = (uint16_t)args->at[1].number;
        if (!arg_given(args, 1) || !parse_ip4(args->at[2].text, args->at[2].length, range.first))
            return refuse_argument(m, FAULT_PARSE, 2, TEXT_NONE);
        if (!parse_ip4(args->at[3].text, args->at[3].length, range.last) ||
            !is_range(m, &m->interfaces.soft_ap_network, &range))
            return refuse_argument(m, FAULT_VALUE, 3, TEXT_NONE);
    }
    m->interfaces.range = range;
    if (settings_wanted(m)) m->saved.interfaces.range = range;
    soft_ap_ask(m, false);
    if (quirk(m, CIPMUX_QUIRK_DHCPS_KICKS)) soft_ap_kick(m);
    return VERDICT_OK;
}
