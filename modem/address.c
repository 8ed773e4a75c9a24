/* What the two interfaces are called: addresses, DHCP, MACs and the host name. Facts: [wifi 5]. */
#include "internal.h"

#include <string.h>

static const uint8_t never_set[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

const interfaces_t *interfaces_shown(const modem_t *m)
{
    return m->slot.command->variant == VARIANT_DEF ? &m->saved.interfaces : &m->interfaces;
}

void interfaces_factory(const modem_t *m, interfaces_t *out)
{
    static const network_t soft_ap = { { 192, 168, 4, 1 }, { 192, 168, 4, 1 }, { 255, 255, 255, 0 } };
    *out = (interfaces_t){ .soft_ap_network = soft_ap, .dhcp = DHCP_STATION | DHCP_SOFT_AP };
    out->soft_ap.channel = 1;
    out->soft_ap.max = (uint8_t)number(m, NUMBER_AP_STORED_MAX);
    memcpy(out->station_mac, never_set, sizeof never_set);
    memcpy(out->soft_ap_mac, never_set, sizeof never_set);
}

/* What was never set is the module's own: the soft-AP's MAC is the station's with bit 1 of the first octet set [5.3]. */
void interfaces_load(modem_t *m)
{
    enum { AP_MAX = 4 };
    interfaces_t *const own = &m->interfaces;
    soft_ap_t *const    ap = &own->soft_ap;
    *own = m->saved.interfaces;
    m->host_name_length = 0;
    if (memcmp(own->station_mac, never_set, sizeof never_set) == 0) memcpy(own->station_mac, m->config->mac, 6);
    if (memcmp(own->soft_ap_mac, never_set, sizeof never_set) == 0) {
        memcpy(own->soft_ap_mac, m->config->mac, 6);
        own->soft_ap_mac[0] |= 2;
    }
    if (ap->ssid_length != 0) return;
    ap->ssid_length = (uint8_t)compose(m, (char *)ap->ssid, sizeof ap->ssid, TEXT_OWN_SSID, m->config->mac);
    ap->max = AP_MAX;
}

bool station_uses_dhcp(const modem_t *m)
{
    return (m->interfaces.dhcp & DHCP_STATION) != 0;
}

/* ---- networks ---- */

bool same_network(const network_t *network, const uint8_t ip[4])
{
    for (size_t i = 0; i < 4; i++)
        if (((network->ip[i] ^ ip[i]) & network->netmask[i]) != 0) return false;
    return true;
}

bool soft_ap_reaches(const modem_t *m, const cipmux_address_t *to)
{
    return wifi_soft_ap_on(m) && to->family == 4 && same_network(&m->interfaces.soft_ap_network, to->bytes);
}

/* 1.0.0.0 to 223.255.255.255, and a netmask without a gap. */
static bool is_host_network(const network_t *network)
{
    enum { LOOPBACK = 127, MULTICAST = 224 };
    uint8_t before = 0xff;
    for (size_t i = 0; i < 4; i++) {
        const uint8_t mask = network->netmask[i];
        const uint8_t gap = (uint8_t)~mask;
        if ((before != 0xff && mask != 0) || (gap & (gap + 1)) != 0) return false;
        before = mask;
    }
    return network->netmask[0] != 0 && network->ip[0] != 0 && network->ip[0] != LOOPBACK && network->ip[0] < MULTICAST;
}

/* "ip"[,"gateway","netmask"]; `network` has the gateway for when it is left out. */
static verdict_t read_network(modem_t *m, const args_t *args, network_t *network, bool gateway_is_ip)
{
    uint8_t *const fields[] = { network->ip, network->gateway, network->netmask };
    if (arg_given(args, 1) != arg_given(args, 2)) return refuse_argument(m, FAULT_COUNT, args->count, TEXT_NONE);
    for (size_t i = 0; i < 3; i++)
        if (arg_given(args, i) && !parse_ip4(args->at[i].text, args->at[i].length, fields[i]))
            return refuse_argument(m, FAULT_PARSE, i, TEXT_NONE);
    if (!arg_given(args, 1)) {
        static const uint8_t class_c[4] = { 255, 255, 255, 0 };
        memcpy(network->netmask, class_c, 4);
        if (quirk(m, CIPMUX_QUIRK_GATEWAY_FOLLOWS)) {
            memcpy(network->gateway, network->ip, 4);
            if (!gateway_is_ip) network->gateway[3] = 1;
        }
    }
    return is_host_network(network) ? VERDICT_OK : refuse(m, CIPMUX_REASON_NO_HOST_ADDRESS, TEXT_NONE);
}

static void say_network(modem_t *m, const network_t *network)
{
    say(m, TEXT_NETWORK, network->ip, network->gateway, network->netmask);
}

/* ---- AT+CIPSTA, _CUR, _DEF [5.2] ---- */

verdict_t query_cipsta(modem_t *m)
{
    const interfaces_t *const shown = interfaces_shown(m);
    const bool                live = shown == &m->interfaces && wifi_has_address(m);
    const cipmux_address_t    none = { .family = 6 };
    const cipmux_address_t    local = wifi_local_ip6(m->interfaces.station_mac);
    say_network(m, live ? &m->wifi.network : &shown->station_network);
    const cipmux_address_t global = wifi_global_ip6(m);
    if (m->cipv6) say(m, TEXT_NETWORK6, live ? &local : &none, global.family != 0 ? &global : &none);
    return VERDICT_OK;
}

static void set_static(interfaces_t *of, const network_t *network)
{
    of->station_network = *network;
    of->dhcp &= (uint8_t)~DHCP_STATION;
}

verdict_t set_cipsta(modem_t *m, args_t *args)
{
    network_t       network = wifi_has_address(m) ? m->wifi.network : m->interfaces.station_network;
    const verdict_t verdict = read_network(m, args, &network, false);
    if (verdict != VERDICT_OK) return verdict;
    set_static(&m->interfaces, &network);
    if (settings_wanted(m)) set_static(&m->saved.interfaces, &network);
    wifi_readdress(m);
    return VERDICT_OK;
}

/* ---- AT+CIPAP, _CUR, _DEF [5.2] ---- */

verdict_t query_cipap(modem_t *m)
{
    say_network(m, &interfaces_shown(m)->soft_ap_network);
    return VERDICT_OK;
}

/* Its DHCP server restarts, its stations stay. */
verdict_t soft_ap_move(modem_t *m, const network_t *to)
{
    m->interfaces.soft_ap_network = *to;
    if (settings_wanted(m)) m->saved.interfaces.soft_ap_network = *to;
    if (wifi_soft_ap_on(m)) soft_ap_ask(m, false);
    return VERDICT_OK;
}

verdict_t set_cipap(modem_t *m, args_t *args)
{
    static const uint8_t class_c[4] = { 255, 255, 255, 0 };
    network_t            network = m->interfaces.soft_ap_network;
    if (!wifi_soft_ap_on(m) && quirk(m, CIPMUX_QUIRK_CIPAP_NEEDS_AP))
        return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    const verdict_t verdict = read_network(m, args, &network, true);
    if (verdict != VERDICT_OK) return verdict;
    if (memcmp(network.netmask, class_c, 4) != 0 && quirk(m, CIPMUX_QUIRK_AP_CLASS_C))
        return refuse(m, CIPMUX_REASON_NO_HOST_ADDRESS, TEXT_NONE);
    return soft_ap_move(m, &network);
}

/* ---- AT+CWDHCP, _CUR, _DEF [5.1] ---- */

verdict_t query_cwdhcp(modem_t *m)
{
    const uint8_t dhcp = interfaces_shown(m)->dhcp;
    const uint8_t swapped = (uint8_t)((dhcp & 1) << 1 | dhcp >> 1);
    say(m, TEXT_NAME_VALUE_BARE, quirk(m, CIPMUX_QUIRK_DHCP_BITS) ? swapped : dhcp);
    return VERDICT_OK;
}

/* The station's static address goes when it asks for one again. */
static void switch_dhcp(interfaces_t *of, uint8_t which, bool on)
{
    if (on) {
        of->dhcp |= which;
        if ((which & DHCP_STATION) != 0) of->station_network = (network_t){ 0 };
    } else {
        of->dhcp &= (uint8_t)~which;
    }
}

verdict_t set_cwdhcp(modem_t *m, args_t *args)
{
    static const uint8_t modes[] = { DHCP_SOFT_AP, DHCP_STATION, DHCP_STATION | DHCP_SOFT_AP, 0 };
    const bool           nonos = m->family == FAMILY_NONOS; /* =<mode>,<on>; esp-at: =<on>,<bits> */
    const int32_t        first = args->at[0].number, second = args->at[1].number;
    const uint8_t        which = nonos ? modes[first] : (uint8_t)second;
    const bool           on = nonos ? second == 1 : first == 1;
    const uint8_t        before = m->interfaces.dhcp;
    if (nonos && which == 0 && !quirk(m, CIPMUX_QUIRK_DHCP_MODE_3))
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    switch_dhcp(&m->interfaces, which, on);
    if (settings_wanted(m)) switch_dhcp(&m->saved.interfaces, which, on);
    const uint8_t changed = before ^ m->interfaces.dhcp;
    if ((changed & DHCP_STATION) != 0) wifi_readdress(m);
    if ((changed & DHCP_SOFT_AP) != 0 && wifi_soft_ap_on(m)) soft_ap_ask(m, false);
    return VERDICT_OK;
}

/* ---- AT+CIPSTAMAC, AT+CIPAPMAC, _CUR, _DEF [5.3] ---- */

verdict_t query_cipstamac(modem_t *m)
{
    say(m, TEXT_MAC, interfaces_shown(m)->station_mac);
    return VERDICT_OK;
}

verdict_t query_cipapmac(modem_t *m)
{
    say(m, TEXT_MAC, interfaces_shown(m)->soft_ap_mac);
    return VERDICT_OK;
}

/* A MAC of one interface: neither a group's nor nobody's. */
static verdict_t read_mac(modem_t *m, const args_t *args, uint8_t mac[6])
{
    static const uint8_t nobody[6];
    if (!parse_mac(args->at[0].text, args->at[0].length, mac)) return refuse_argument(m, FAULT_PARSE, 0, TEXT_NONE);
    if ((mac[0] & 1) != 0 || memcmp(mac, nobody, 6) == 0) return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    return VERDICT_OK;
}

/* Whether that interface may get another MAC now; VERDICT_OK: yes. */
static verdict_t check_interface(modem_t *m, bool on, bool runs, cipmux_reason_t off)
{
    if (!on && quirk(m, CIPMUX_QUIRK_MAC_NEEDS_INTERFACE)) return refuse(m, off, TEXT_NONE);
    if (runs && !quirk(m, CIPMUX_QUIRK_MAC_WHILE_RUNNING)) return refuse(m, CIPMUX_REASON_INTERFACE_RUNS, TEXT_NONE);
    return VERDICT_OK;
}

verdict_t set_cipstamac(modem_t *m, args_t *args)
{
    uint8_t         mac[6];
    const verdict_t verdict =
        check_interface(m, wifi_station_on(m), m->wifi.state != WIFI_IDLE, CIPMUX_REASON_STATION_OFF);
    if (verdict != VERDICT_OK || read_mac(m, args, mac) != VERDICT_OK) return VERDICT_ERROR;
    memcpy(m->interfaces.station_mac, mac, 6);
    if (settings_wanted(m)) memcpy(m->saved.interfaces.station_mac, mac, 6);
    m->slot.after = AFTER_REJOIN;
    return VERDICT_OK;
}

verdict_t set_cipapmac(modem_t *m, args_t *args)
{
    uint8_t         mac[6];
    const verdict_t verdict = check_interface(m, wifi_soft_ap_on(m), soft_ap_has_guests(m), CIPMUX_REASON_SOFT_AP_OFF);
    if (verdict != VERDICT_OK || read_mac(m, args, mac) != VERDICT_OK) return VERDICT_ERROR;
    memcpy(m->interfaces.soft_ap_mac, mac, 6);
    if (settings_wanted(m)) memcpy(m->saved.interfaces.soft_ap_mac, mac, 6);
    if (wifi_soft_ap_on(m)) m->slot.after = AFTER_SOFT_AP;
    return VERDICT_OK;
}

/* ---- AT+CWHOSTNAME [5.4] ---- */

verdict_t query_cwhostname(modem_t *m)
{
    char       own[HOST_NAME_MAX];
    const bool given = m->host_name_length > 0;
    if (!wifi_station_on(m) && texts[TEXT_NO_HOST_NAME][m->family] == NULL)
        return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    if (!wifi_station_on(m)) {
        say(m, TEXT_NO_HOST_NAME);
        return VERDICT_OK;
    }
    const size_t n = compose(m, own, sizeof own, TEXT_OWN_HOST_NAME, m->interfaces.station_mac);
    say(m, TEXT_HOST_NAME, given ? (const char *)m->host_name : own, given ? (int)m->host_name_length : (int)n);
    return VERDICT_OK;
}

/* Never saved. */
verdict_t set_cwhostname(modem_t *m, args_t *args)
{
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    memcpy(m->host_name, args->at[0].text, args->at[0].length);
    m->host_name_length = (uint8_t)args->at[0].length;
    return VERDICT_OK;
}
