/* The station: modes, joining, scanning, what happens when the access point goes away. Facts: [wifi 2, 3], [tcpip 4.2]. */
#include "internal.h"

#include <string.h>

bool wifi_station_on(const modem_t *m)
{
    return (m->wifi.mode & 1) != 0;
}
bool wifi_soft_ap_on(const modem_t *m)
{
    return (m->wifi.mode & 2) != 0;
}
bool wifi_has_address(const modem_t *m)
{
    return m->wifi.state == WIFI_JOINED;
}

static bool associated(const modem_t *m)
{
    return m->wifi.state == WIFI_ASSOCIATED || m->wifi.state == WIFI_JOINED;
}
static bool in_foreground(const modem_t *m)
{
    return m->slot.wait == WAIT_JOIN;
}

/* fe80:: and the MAC as EUI-64. */
cipmux_address_t wifi_local_ip6(const uint8_t mac[6])
{
    const uint8_t    id[8] = { mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };
    cipmux_address_t address = { .family = 6, .bytes = { 0xfe, 0x80 } };
    memcpy(address.bytes + 8, id, sizeof id);
    return address;
}

/* The network of the router and the MAC as EUI-64. */
cipmux_address_t wifi_global_ip6(const modem_t *m)
{
    cipmux_address_t address = wifi_local_ip6(m->interfaces.station_mac);
    if (!m->wifi.advertised) return (cipmux_address_t){ 0 };
    memcpy(address.bytes, m->wifi.network6, sizeof m->wifi.network6);
    return address;
}

/* ---- joining ---- */

static void attempt(modem_t *m)
{
    m->wifi.state = WIFI_JOINING;
    m->wifi.since = m->now;
    m->wifi.ticket = ++m->tickets;
    m->wifi.ever_started = true;
    m->wifi.gave_up = false;
    m->asks |= ASK_JOIN;
}

void wifi_join_background(modem_t *m)
{
    wifi_leave(m);
    m->wifi.reconnect_attempt = 0;
    attempt(m);
}

static void retry_later(modem_t *m, cipmux_time_t pause)
{
    m->wifi.state = WIFI_RETRY;
    m->wifi.due = m->now + time_us(m, pause);
}

/* The pause before the next attempt in the background, and whether there is one [wifi 3.4]. */
void wifi_retry(modem_t *m)
{
    wifi_t *const w = &m->wifi;
    if (!quirk(m, CIPMUX_QUIRK_JOIN_RETRY_SET)) {
        retry_later(m, CIPMUX_TIME_JOIN_RETRY);
        return;
    }
    w->gave_up = w->station.reconnect_s == 0 || (w->reconnect_times != 0 && w->reconnect_attempt == w->reconnect_times);
    w->state = w->gave_up ? WIFI_IDLE : WIFI_RETRY;
    w->due = m->now + w->station.reconnect_s * (uint64_t)1000000;
    w->reconnect_attempt++;
}

/* Ends the association, with what that prints; links first [wifi 2.2]. */
static void drop_association(modem_t *m, bool print)
{
    if (!associated(m)) return;
    links_leave(m, false, NULL);
    if (print) say_event(m, TEXT_WIFI_DISCONNECT);
    m->wifi.state = WIFI_IDLE;
    m->wifi.link_ended = m->wifi.advertised = false;
}

void wifi_leave(modem_t *m)
{
    const bool active = m->wifi.state != WIFI_IDLE;
    drop_association(m, true);
    m->wifi.state = WIFI_IDLE;
    m->wifi.gave_up = false;
    m->asks &= ~(uint32_t)ASK_JOIN;
    if (active) m->asks |= ASK_LEAVE;
}

void wifi_rejoin(modem_t *m)
{
    if (m->wifi.state == WIFI_IDLE) return;
    wifi_leave(m);
    attempt(m);
}

/* In the background, with what was stored: at start, and when the station is switched on. */
void wifi_autojoin(modem_t *m)
{
    if (!wifi_station_on(m) || m->wifi.station.ssid_length == 0 || m->wifi.state != WIFI_IDLE) return;
    m->wifi.reconnect_attempt = 0;
    retry_later(m, CIPMUX_TIME_AUTOJOIN);
}

void wifi_start(modem_t *m)
{
    const settings_t *const saved = &m->saved;
    m->wifi = (wifi_t){
        .mode = saved->mode,
        .station = saved->station,
        .reconnect_times = saved->reconnect_times,
        .country = saved->country,
        .sta_proto = saved->sta_proto,
        .ap_proto = saved->ap_proto,
        .scan_options = { .fields = (uint16_t)number(m, NUMBER_SCAN_FIELDS),
                          .auths = 0xffff,
                          .floor = -100 }, /* [wifi 3.6] */
    };
    m->asks |= ASK_RADIO;
    if (wifi_soft_ap_on(m)) soft_ap_ask(m, true);
    if (saved->autoconnect) wifi_autojoin(m);
}

void wifi_stop(modem_t *m, bool print)
{
    const bool active = m->wifi.state != WIFI_IDLE;
    if (print && associated(m)) say_event(m, TEXT_WIFI_DISCONNECT);
    m->wifi.state = WIFI_IDLE;
    m->asks = ASK_RADIO | (active ? (uint32_t)ASK_LEAVE : 0);
    soft_ap_stop(m);
}

static int join_code(cipmux_cause_t cause)
{
    switch ((unsigned)cause) {
    case CIPMUX_CAUSE_PASSWORD: return 2;
    case CIPMUX_CAUSE_NO_AP: return 3;
    case CIPMUX_CAUSE_JOIN_REFUSED:
    case CIPMUX_CAUSE_AP_LOST: return 4;
    default: return 1; /* no outcome, or no address */
    }
}

/* The foreground join failed: the code, the result, and the end of an association without address [wifi 2.2, 3.3]. */
static void fail_join(modem_t *m)
{
    const int  code = join_code((cipmux_cause_t)m->wifi.cause);
    const bool code_first = quirk(m, CIPMUX_QUIRK_JOIN_CODE_FIRST);
    m->slot.code = 0x010a0000u | VERDICT_FAIL;
    note(m, CIPMUX_REASON_JOIN_FAILED, -1, code);
    if (!code_first) wifi_leave(m);
    say(m, TEXT_JAP_FAIL, code);
    slot_end(m, WAIT_JOIN, OUTCOME_FAILED);
    wifi_leave(m);
}

static void got_address(modem_t *m, const network_t *network)
{
    wifi_t *const w = &m->wifi;
    const bool    renewed = w->state == WIFI_JOINED;
    w->state = WIFI_JOINED;
    w->cause = CIPMUX_CAUSE_NONE;
    w->network = *network;
    if (renewed) return;
    w->link_ended = false;
    say_event(m, TEXT_WIFI_GOT_IP);
    provision_joined(m);
    if (m->cipv6) say_event(m, TEXT_WIFI_GOT_IP6_LL);
    slot_end(m, WAIT_JOIN, OUTCOME_DONE);
}

static bool has_static(const modem_t *m)
{
    static const uint8_t none[4];
    return !station_uses_dhcp(m) && memcmp(m->interfaces.station_network.ip, none, 4) != 0;
}

static cipmux_answer_t joined(modem_t *m, const cipmux_event_t *event)
{
    wifi_t *const w = &m->wifi;
    if (w->state != WIFI_JOINING || event->ap == NULL) return CIPMUX_REFUSED;
    memcpy(w->bssid, event->ap->bssid, 6);
    w->channel = event->ap->channel;
    w->rssi = event->ap->rssi;
    w->state = WIFI_ASSOCIATED;
    w->since = m->now;
    if (wifi_soft_ap_on(m)) soft_ap_ask(m, false); /* it follows the station's channel [wifi 4.1] */
    say_event(m, TEXT_WIFI_CONNECTED);
    if (has_static(m)) got_address(m, &m->interfaces.station_network);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t leased(modem_t *m, const cipmux_event_t *event)
{
    network_t network;
    if (!associated(m) || !station_uses_dhcp(m)) return CIPMUX_REFUSED;
    memcpy(network.ip, event->address.bytes, 4);
    memcpy(network.gateway, event->gateway, 4);
    memcpy(network.netmask, event->netmask, 4);
    services_leased(m, event->name_server);
    got_address(m, &network);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t advertised(modem_t *m, const cipmux_event_t *event)
{
    wifi_t *const w = &m->wifi;
    if (!associated(m) || event->address.family != 6) return CIPMUX_REFUSED;
    memcpy(w->network6, event->address.bytes, sizeof w->network6);
    if (!w->advertised && m->cipv6) say_event(m, TEXT_WIFI_GOT_IP6_GL);
    w->advertised = true;
    return CIPMUX_TAKEN;
}

static cipmux_answer_t heard(modem_t *m, const cipmux_event_t *event)
{
    if (!associated(m) || event->ap == NULL) return CIPMUX_REFUSED;
    m->wifi.rssi = event->ap->rssi;
    m->wifi.channel = event->ap->channel;
    return CIPMUX_TAKEN;
}

/* By DHCP the address goes until there is a new one; a static one is there at once; with neither nothing changes. */
void wifi_readdress(modem_t *m)
{
    if (!associated(m)) return;
    if (station_uses_dhcp(m)) {
        m->wifi.state = WIFI_ASSOCIATED;
        m->wifi.since = m->now;
    } else if (has_static(m)) {
        m->wifi.state = WIFI_JOINED;
        m->wifi.network = m->interfaces.station_network;
        if (quirk(m, CIPMUX_QUIRK_STATIC_GOT_IP)) m->slot.after = AFTER_GOT_IP;
    }
    m->asks |= ASK_ADDRESS;
}

static cipmux_answer_t lost(modem_t *m, const cipmux_event_t *event)
{
    if (m->wifi.state == WIFI_IDLE || m->wifi.state == WIFI_RETRY) return CIPMUX_REFUSED;
    if (associated(m) && links_hold_data(m, false, NULL)) return CIPMUX_LATER;
    if (!in_foreground(m)) note(m, CIPMUX_REASON_WIFI_LOST, -1, (int32_t)event->cause);
    if (associated(m)) m->wifi.reconnect_attempt = 0;
    drop_association(m, true);
    m->wifi.cause = (uint8_t)event->cause;
    if (in_foreground(m))
        retry_later(m, CIPMUX_TIME_JOIN_RETRY);
    else if (provision_failed(m))
        m->wifi.state = WIFI_IDLE;
    else
        wifi_retry(m);
    return CIPMUX_TAKEN;
}

/* A line of AT+CWLAP. A field whose bit is 0 is left out with its comma [wifi 3.7]. */
static void print_entry(modem_t *m, const cipmux_ap_t *ap)
{
    enum { FIELD_SSID = 1, FIELD_BSSID = 3, FIELDS = 11 };
    const scan_options_t *const o = &m->wifi.scan_options;
    const bool                  offsets = quirk(m, CIPMUX_QUIRK_SCAN_OFFSETS) == 1;
    const int                   value[FIELDS] = {
                          ap->security,
                          0,
                          ap->rssi,
                          0,
                          ap->channel,
        offsets ? ap->freq_offset : 0,
        offsets ? ap->freqcal : 0,
                          ap->pairwise,
                          ap->group,
                          ap->bgn,
                          ap->wps,
    };
    bool first = true;
    if (ap->rssi < o->floor || (o->auths >> ap->security & 1) == 0) return;
    say(m, TEXT_LAP_BEGIN);
    for (size_t i = 0; i < FIELDS; i++) {
        if ((o->fields >> i & 1) == 0) continue;
        if (!first) say(m, TEXT_LAP_COMMA);
        first = false;
        if (i == FIELD_SSID)
            say(m, TEXT_LAP_SSID, (const char *)ap->ssid, (int)ap->ssid_length);
        else if (i == FIELD_BSSID)
            say(m, TEXT_LAP_BSSID, ap->bssid);
        else
            say(m, TEXT_LAP_NUMBER, value[i]);
    }
    say(m, TEXT_LAP_END);
}

static cipmux_answer_t scanned(modem_t *m, const cipmux_event_t *event)
{
    const cipmux_ap_t *const ap = event->ap;
    if (m->slot.wait != WAIT_SCAN || event->ticket != m->slot.ticket) return CIPMUX_REFUSED;
    if (event->kind == CIPMUX_EVENT_SCAN_ENTRY) {
        if (ap == NULL) return CIPMUX_REFUSED;
        print_entry(m, ap);
    } else if (event->cause == CIPMUX_CAUSE_NONE) {
        slot_end(m, WAIT_SCAN, OUTCOME_DONE);
    } else {
        if (!m->slot.filtered) say(m, TEXT_SCAN_FAIL);
        note(m, CIPMUX_REASON_SCAN_REFUSED, -1, 0);
        slot_end(m, WAIT_SCAN, OUTCOME_FAILED);
    }
    return CIPMUX_TAKEN;
}

cipmux_answer_t wifi_event(modem_t *m, const cipmux_event_t *event)
{
    cipmux_answer_t answer;
    if (event->kind == CIPMUX_EVENT_SCAN_ENTRY || event->kind == CIPMUX_EVENT_SCAN_DONE)
        answer = scanned(m, event);
    else if (event->ticket != m->wifi.ticket)
        answer = CIPMUX_REFUSED;
    else if (event->kind == CIPMUX_EVENT_JOINED)
        answer = joined(m, event);
    else if (event->kind == CIPMUX_EVENT_LEASE)
        answer = leased(m, event);
    else if (event->kind == CIPMUX_EVENT_SIGNAL)
        answer = heard(m, event);
    else if (event->kind == CIPMUX_EVENT_ADVERTISED)
        answer = advertised(m, event);
    else
        answer = lost(m, event);
    if (answer == CIPMUX_REFUSED) m->counters.stale_events++;
    return answer;
}

/* ---- time ---- */

static bool failure_known(const modem_t *m)
{
    return m->wifi.cause != CIPMUX_CAUSE_NONE && m->wifi.state == WIFI_RETRY;
}

static uint64_t foreground_deadline(const modem_t *m)
{
    const uint64_t limit = m->slot.since + (uint64_t)m->wifi.limit_ms * 1000u;
    const uint64_t report = m->slot.since + (uint64_t)m->wifi.report_ms * 1000u;
    return failure_known(m) ? earliest(limit, report) : limit;
}

uint64_t wifi_deadline(const modem_t *m)
{
    uint64_t due = CIPMUX_NEVER;
    if (in_foreground(m))
        due = foreground_deadline(m);
    else if (m->wifi.state == WIFI_ASSOCIATED)
        due = wake_defers(m, m->wifi.since + time_us(m, CIPMUX_TIME_JOIN_LIMIT));
    if (m->wifi.state == WIFI_RETRY) due = earliest(due, m->wifi.due);
    return due;
}

void wifi_tick(modem_t *m)
{
    if (m->now < wifi_deadline(m)) return;
    if (in_foreground(m) && m->now >= foreground_deadline(m)) {
        fail_join(m);
    } else if (m->wifi.state == WIFI_RETRY) {
        if (m->now >= m->wifi.due) attempt(m);
    } else if (wake_host(m)) {
        /* associated in the background, and no address came */
        say_event(m, TEXT_DHCP_TIMEOUT);
        note(m, CIPMUX_REASON_NO_LEASE, -1, 0);
        wifi_leave(m);
        wifi_retry(m);
    }
}

/* ---- requests ---- */

void wifi_fill_join(const modem_t *m, cipmux_request_t *out)
{
    const station_t *const s = &m->wifi.station;
    out->ticket = m->wifi.ticket;
    out->join.associate_ms = m->config->time_ms[CIPMUX_TIME_ASSOCIATE];
    out->join.lease_ms = m->config->time_ms[CIPMUX_TIME_LEASE];
    out->join.ssid = s->ssid;
    out->join.ssid_length = s->ssid_length;
    out->join.password = s->password;
    out->join.password_length = s->password_length;
    out->join.any_bssid = s->any_bssid;
    memcpy(out->join.bssid, s->bssid, 6);
    out->join.first_channel = m->wifi.country.first;
    out->join.channels = m->wifi.country.count;
    out->join.refuse_open = s->pci_en;
    out->join.auth_floor = m->wifi.auth_floor;
    out->join.silence_ms = m->config->time_ms[CIPMUX_TIME_SILENCE];
    out->join.strongest = m->family == FAMILY_NONOS || s->strongest;
    out->join.dhcp = station_uses_dhcp(m);
    memcpy(out->join.address, m->interfaces.station_network.ip, 4);
    memcpy(out->join.mac, m->interfaces.station_mac, 6);
}

void wifi_fill_address(const modem_t *m, cipmux_request_t *out)
{
    out->ticket = m->wifi.ticket;
    out->address.lease_ms = m->config->time_ms[CIPMUX_TIME_LEASE];
    out->address.dhcp = station_uses_dhcp(m);
    memcpy(out->address.address, m->interfaces.station_network.ip, 4);
}

void wifi_fill_scan(const modem_t *m, cipmux_request_t *out)
{
    out->ticket = m->slot.ticket;
    out->scan.duration_ms = m->config->time_ms[CIPMUX_TIME_SCAN];
    out->scan.ssid = (const uint8_t *)m->slot.name;
    out->scan.ssid_length = m->slot.name_length;
    out->scan.channel = m->wifi.scan_channel;
    out->scan.first_channel = m->wifi.country.first;
    out->scan.channels = m->wifi.country.count;
    out->scan.by_signal = m->wifi.scan_options.sorted;
    out->scan.any_bssid = m->wifi.scan_any_bssid;
    memcpy(out->scan.bssid, m->wifi.scan_bssid, 6);
    if (out->scan.channel != 0) out->scan.duration_ms /= 13;
}

/* ---- AT+CWMODE [wifi 3.1] ---- */

verdict_t test_cwmode(modem_t *m)
{
    say(m, TEXT_MODE_RANGE);
    return VERDICT_OK;
}

verdict_t query_cwmode(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->slot.command->variant == VARIANT_DEF ? m->saved.mode : m->wifi.mode);
    return VERDICT_OK;
}

void wifi_mode_changed(modem_t *m)
{
    if (!wifi_station_on(m)) {
        wifi_leave(m);
        provision_station_off(m);
    }
    if (!wifi_soft_ap_on(m)) soft_ap_drop(m);
}

verdict_t set_cwmode(modem_t *m, args_t *args)
{
    const uint8_t mode = (uint8_t)args->at[0].number;
    const uint8_t was = m->wifi.mode;
    const bool    join = !arg_given(args, 1) || args->at[1].number == 1;
    if (settings_wanted(m)) m->saved.mode = mode;
    if (mode == was) return VERDICT_OK;
    m->wifi.mode = mode;
    m->asks |= ASK_RADIO;
    if (!wifi_station_on(m)) m->wifi.ever_started = false;
    if (quirk(m, CIPMUX_QUIRK_LEAVE_BEFORE_OK)) wifi_mode_changed(m);
    m->slot.after = (was & 1) == 0 && join ? AFTER_MODE_JOIN : AFTER_MODE;
    if ((was & 2) == 0 && wifi_soft_ap_on(m)) soft_ap_ask(m, true);
    return VERDICT_OK;
}

/* ---- AT+CWJAP [wifi 3.3] ---- */

verdict_t query_cwjap(modem_t *m)
{
    const wifi_t *const    w = &m->wifi;
    const station_t *const stored = m->slot.command->variant == VARIANT_DEF ? &m->saved.station : &w->station;
    const bool             nonos = m->family == FAMILY_NONOS;
    if (nonos && !wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    if (nonos ? !wifi_has_address(m) : !associated(m)) {
        say(m, TEXT_NO_AP);
        return VERDICT_OK;
    }
    say(m, TEXT_JAP, (const char *)stored->ssid, (int)stored->ssid_length, w->bssid, w->channel, w->rssi,
        stored->pci_en, stored->reconnect_s, stored->listen_interval, stored->strongest, stored->pmf);
    return VERDICT_OK;
}

static verdict_t join(modem_t *m)
{
    if (m->provision.refuses == CIPMUX_REFUSES_STATION_CONNECT)
        return refuse(m, CIPMUX_REASON_SDK_REFUSED, TEXT_STATION_CONNECT_FAIL);
    m->wifi.cause = CIPMUX_CAUSE_NONE;
    wifi_leave(m);
    attempt(m);
    return slot_wait(m, WAIT_JOIN);
}

static void take_text(uint8_t *out, uint8_t *length, const arg_t *arg)
{
    memcpy(out, arg->text, arg->length);
    *length = (uint8_t)arg->length;
}

static uint16_t option(const args_t *args, size_t index, uint16_t otherwise)
{
    return arg_given(args, index) ? (uint16_t)args->at[index].number : otherwise;
}

/* A time-out of its own moves the report of a failure too, unless failures are reported at once. */
static void set_limits(modem_t *m, uint32_t timeout_s)
{
    m->wifi.limit_ms = m->config->time_ms[CIPMUX_TIME_JOIN_LIMIT];
    m->wifi.report_ms = m->config->time_ms[CIPMUX_TIME_JOIN_REPORT];
    if (timeout_s == 0) timeout_s = m->wifi.join_limit_s;
    if (timeout_s == 0) return;
    m->wifi.limit_ms = timeout_s * 1000u;
    if (m->wifi.report_ms != 0) m->wifi.report_ms = m->wifi.limit_ms;
}

verdict_t set_cwjap(modem_t *m, args_t *args)
{
    station_t new_station = m->wifi.station;
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    if (m->provision.smart != SMART_OFF && quirk(m, CIPMUX_QUIRK_SMART_LOCKS_JOIN))
        return refuse(m, CIPMUX_REASON_SMART_RUNS, TEXT_SMART_STARTED);
    if (arg_given(args, 0)) take_text(new_station.ssid, &new_station.ssid_length, &args->at[0]);
    if (arg_given(args, 1)) take_text(new_station.password, &new_station.password_length, &args->at[1]);
    if (new_station.ssid_length == 0) return refuse_argument(m, FAULT_LENGTH, 0, TEXT_NONE);
    new_station.any_bssid = !arg_given(args, 2);
    if (arg_given(args, 2) && !parse_mac(args->at[2].text, args->at[2].length, new_station.bssid))
        return refuse_argument(m, FAULT_PARSE, 2, TEXT_NONE);
    new_station.pci_en = option(args, 3, 0) == 1;
    new_station.reconnect_s = option(args, 4, 1);
    new_station.listen_interval = (uint8_t)option(args, 5, 3);
    new_station.strongest = option(args, 6, 0) == 1;
    set_limits(m, option(args, 7, 0));
    new_station.pmf = (uint8_t)option(args, 8, 0);
    if (m->provision.refuses == CIPMUX_REFUSES_STATION_SET)
        return refuse(m, CIPMUX_REASON_SDK_REFUSED, TEXT_STATION_SET_FAIL);
    m->wifi.station = new_station;
    m->wifi.auth_floor = 0;
    if (settings_wanted(m)) m->saved.station = new_station; /* before the attempt: bad credentials are kept too */
    return join(m);
}

verdict_t run_cwjap(modem_t *m)
{
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    if (wifi_has_address(m)) return VERDICT_OK;
    if (m->wifi.station.ssid_length == 0) return refuse(m, CIPMUX_REASON_NO_CREDENTIALS, TEXT_NONE);
    set_limits(m, 0);
    return join(m);
}

/* ---- AT+CWQAP [wifi 3.5] ---- */

verdict_t run_cwqap(modem_t *m)
{
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_QAP_FAIL);
    if (quirk(m, CIPMUX_QUIRK_LEAVE_BEFORE_OK))
        wifi_leave(m);
    else
        m->slot.after = AFTER_LEAVE;
    return VERDICT_OK;
}

/* ---- AT+CWLAP [wifi 3.7] ---- */

static verdict_t scan(modem_t *m)
{
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    m->asks |= ASK_SCAN;
    return slot_wait(m, WAIT_SCAN);
}

verdict_t run_cwlap(modem_t *m)
{
    m->wifi.scan_channel = 0;
    m->wifi.scan_any_bssid = true;
    return scan(m);
}

verdict_t set_cwlap(modem_t *m, args_t *args)
{
    m->wifi.scan_channel = (uint8_t)option(args, 2, 0);
    m->wifi.scan_any_bssid = !arg_given(args, 1);
    if (arg_given(args, 1) && !parse_mac(args->at[1].text, args->at[1].length, m->wifi.scan_bssid))
        return refuse_argument(m, FAULT_PARSE, 1, TEXT_NONE);
    m->slot.filtered = true;
    if (arg_given(args, 0)) {
        m->slot.name = args->at[0].text;
        m->slot.name_length = (uint8_t)args->at[0].length;
    }
    return scan(m);
}
