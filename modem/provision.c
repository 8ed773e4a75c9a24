/* How a module gets its access point without AT+CWJAP, and how it is found afterwards: SmartConfig, WPS, the discovery of
 * WeChat, mDNS. Facts: [wifi 6]. */
#include "internal.h"

#include <string.h>

/* ---- what a phone or an access point tells ---- */

/* Joins in the background with what it was told. False: no firmware takes that. */
static bool join_with(modem_t *m, const cipmux_credentials_t *told, uint8_t floor, bool save)
{
    station_t station = m->wifi.station;
    if (told == NULL || told->ssid_length == 0 || told->ssid_length > CIPMUX_SSID_MAX ||
        told->password_length > CIPMUX_PASSWORD_MAX)
        return false;
    memcpy(station.ssid, told->ssid, told->ssid_length);
    memcpy(station.password, told->password, told->password_length);
    station.ssid_length = told->ssid_length;
    station.password_length = told->password_length;
    station.any_bssid = true;
    station.pci_en = false;
    if (save) {
        m->saved.station = station;
        settings_must_be_stored(m); /* no command is open that could tell a failure */
    }
    m->wifi.station = station;
    m->wifi.auth_floor = floor;
    wifi_join_background(m);
    return true;
}

static void smart_told(modem_t *m, const cipmux_credentials_t *told)
{
    provision_t *const p = &m->provision;
    p->smart = SMART_TOLD;
    if (told != NULL) {
        say(m, TEXT_SMART_INFO);
        say(m, TEXT_SMART_SSID, (const char *)told->ssid, (int)told->ssid_length);
        say(m, TEXT_SMART_PASSWORD, (const char *)told->password, (int)told->password_length);
    }
    if (join_with(m, told, p->auth_floor, m->family == FAMILY_NONOS || m->sysstore)) {
        p->smart = SMART_JOINING;
        return;
    }
    say(m, TEXT_SMART_REFUSED);
    note(m, CIPMUX_REASON_SMART_REFUSED, -1, 0);
}

static void wps_ends(modem_t *m, const cipmux_event_t *event)
{
    provision_t *const p = &m->provision;
    const bool         good = event->cause == CIPMUX_CAUSE_NONE;
    p->wps = false;
    say(m, good ? TEXT_WPS_SUCCESS : TEXT_WPS_FAIL);
    if (good && join_with(m, event->credentials, p->auth_floor, m->family == FAMILY_ESP_AT && m->sysstore)) return;
    note(m, CIPMUX_REASON_WPS_FAILED, -1, (int32_t)event->cause);
}

cipmux_answer_t provision_event(modem_t *m, const cipmux_event_t *event)
{
    provision_t *const p = &m->provision;
    const bool         smart = p->smart == SMART_LISTENS && event->ticket == p->smart_ticket;
    const bool         wps = p->wps && event->ticket == p->wps_ticket;
    if (event->kind == CIPMUX_EVENT_SMART_TYPE && smart) {
        const text_t type[] = { TEXT_SMART_UNKNOWN, TEXT_SMART_ESPTOUCH, TEXT_SMART_AIRKISS };
        say(m, TEXT_SMART_TYPE, text_of(m, type[event->smart_type <= 2 ? event->smart_type : 0]));
    } else if (event->kind == CIPMUX_EVENT_SMART_CREDENTIALS && smart) {
        smart_told(m, event->credentials);
    } else if (event->kind == CIPMUX_EVENT_WPS && wps) {
        wps_ends(m, event);
    } else {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    return CIPMUX_TAKEN;
}

/* The station has an address. */
void provision_joined(modem_t *m)
{
    if (m->provision.smart != SMART_JOINING) return;
    m->provision.smart = SMART_TOLD;
    say_event(m, TEXT_SMART_CONNECTED);
}

/* An attempt of the station failed. True: it was the one of SmartConfig, and there is no other. */
bool provision_failed(modem_t *m)
{
    if (m->provision.smart != SMART_JOINING) return false;
    m->provision.smart = SMART_TOLD;
    say(m, TEXT_SMART_FAIL);
    return true;
}

/* ---- life ---- */

/* The station is switched off. */
void provision_station_off(modem_t *m)
{
    provision_t *const p = &m->provision;
    if (p->smart != SMART_OFF) m->asks |= ASK_SMART;
    if (p->wps) m->asks |= ASK_WPS;
    p->smart = SMART_OFF;
    p->wps = false;
}

void provision_stop(modem_t *m)
{
    provision_station_off(m);
    if (m->provision.mdns) m->asks |= ASK_MDNS;
    m->provision.mdns = false;
}

uint64_t provision_deadline(const modem_t *m)
{
    return m->provision.wps ? m->provision.wps_since + time_us(m, CIPMUX_TIME_WPS_LIMIT) : CIPMUX_NEVER;
}

void provision_tick(modem_t *m)
{
    const cipmux_event_t late = { .cause = CIPMUX_CAUSE_TIMEOUT };
    if (m->now < provision_deadline(m)) return;
    wps_ends(m, &late);
    m->asks |= ASK_WPS;
}

void provision_fill(const modem_t *m, uint32_t ask, cipmux_request_t *out)
{
    const provision_t *const p = &m->provision;
    if (ask == ASK_MDNS) {
        out->kind = CIPMUX_REQUEST_MDNS;
        out->mdns.on = p->mdns;
        out->mdns.host = p->host;
        out->mdns.host_length = p->host_length;
        out->mdns.service = p->service;
        out->mdns.service_length = p->service_length;
        out->mdns.port = p->port;
        out->mdns.prefix = text_of(m, TEXT_MDNS_PREFIX) == NULL ? "" : text_of(m, TEXT_MDNS_PREFIX);
        out->mdns.about = text_of(m, TEXT_MDNS_ABOUT);
        return;
    }
    const bool smart = ask == ASK_SMART;
    out->kind = smart ? CIPMUX_REQUEST_SMART : CIPMUX_REQUEST_WPS;
    out->ticket = smart ? p->smart_ticket : p->wps_ticket;
    out->provision.on = smart ? p->smart == SMART_LISTENS : p->wps;
    out->provision.auth_floor = p->auth_floor;
}

/* ---- AT+CWSTARTSMART, AT+CWSTOPSMART [wifi 6.1] ---- */

static verdict_t start_smart(modem_t *m, uint8_t floor)
{
    provision_t *const p = &m->provision;
    if (quirk(m, CIPMUX_QUIRK_SMART_MODE_1) ? m->wifi.mode != 1 : !wifi_station_on(m))
        return refuse(m, CIPMUX_REASON_MODE_1, TEXT_NONE);
    if (m->wifi.state == WIFI_JOINING || m->wifi.state == WIFI_RETRY) wifi_leave(m);
    p->smart = SMART_LISTENS;
    p->smart_ticket = ++m->tickets;
    p->auth_floor = floor;
    m->asks |= ASK_SMART;
    return VERDICT_OK;
}

verdict_t run_cwstartsmart(modem_t *m)
{
    return start_smart(m, 0);
}

verdict_t set_cwstartsmart(modem_t *m, args_t *args)
{
    return start_smart(m, arg_given(args, 1) ? (uint8_t)args->at[1].number : 0);
}

verdict_t run_cwstopsmart(modem_t *m)
{
    if (m->provision.smart != SMART_OFF) m->asks |= ASK_SMART;
    m->provision.smart = SMART_OFF;
    return VERDICT_OK;
}

/* ---- AT+WPS [wifi 6.2] ---- */

static text_t refused_wps(const modem_t *m, bool start)
{
    switch (m->provision.refuses) {
    case CIPMUX_REFUSES_WPS_ENABLE: return start ? TEXT_WPS_ENABLE_FAIL : TEXT_NONE;
    case CIPMUX_REFUSES_WPS_SET: return start ? TEXT_WPS_SET_FAIL : TEXT_NONE;
    case CIPMUX_REFUSES_WPS_START: return start ? TEXT_WPS_START_FAIL : TEXT_NONE;
    case CIPMUX_REFUSES_WPS_STOP: return start ? TEXT_NONE : TEXT_WPS_STOP_FAIL;
    default: return TEXT_NONE;
    }
}

static verdict_t start_wps(modem_t *m, uint8_t floor)
{
    provision_t *const p = &m->provision;
    const text_t       refused = refused_wps(m, true);
    if (quirk(m, CIPMUX_QUIRK_WPS_MODE_1) ? m->wifi.mode != 1 : !wifi_station_on(m))
        return refuse(m, quirk(m, CIPMUX_QUIRK_WPS_MODE_1) ? CIPMUX_REASON_MODE_1 : CIPMUX_REASON_STATION_OFF,
                      TEXT_WPS_MODE);
    if (refused != TEXT_NONE) return refuse(m, CIPMUX_REASON_SDK_REFUSED, refused);
    p->wps = true;
    p->wps_since = m->now;
    p->wps_ticket = ++m->tickets;
    p->auth_floor = floor;
    m->asks |= ASK_WPS;
    say(m, TEXT_WPS_STARTED);
    return VERDICT_OK;
}

verdict_t run_wps(modem_t *m)
{
    return start_wps(m, 0);
}

verdict_t set_wps(modem_t *m, args_t *args)
{
    if (args->at[0].number == 1) return start_wps(m, arg_given(args, 1) ? (uint8_t)args->at[1].number : 0);
    if (refused_wps(m, false) != TEXT_NONE) return refuse(m, CIPMUX_REASON_SDK_REFUSED, refused_wps(m, false));
    if (m->provision.wps) m->asks |= ASK_WPS;
    m->provision.wps = false;
    say(m, TEXT_WPS_STOPPED);
    return VERDICT_OK;
}

/* ---- AT+CWSTARTDISCOVER, AT+CWSTOPDISCOVER [wifi 6.4] ---- */

verdict_t set_cwstartdiscover(modem_t *m, args_t *args)
{
    (void)args;
    note(m, CIPMUX_REASON_DISCOVER_SILENT, -1, 0);
    return VERDICT_OK;
}

verdict_t run_cwstopdiscover(modem_t *m)
{
    (void)m;
    return VERDICT_OK;
}

/* ---- AT+MDNS [wifi 6.3] ---- */

static bool is_label(const arg_t *arg)
{
    return arg->length >= 1 && arg->length <= LABEL_MAX;
}

static void take_label(char *out, uint8_t *length, const arg_t *arg)
{
    memcpy(out, arg->text, arg->length);
    *length = (uint8_t)arg->length;
}

static verdict_t start_mdns(modem_t *m, const args_t *args)
{
    provision_t *const p = &m->provision;
    const uint8_t      modes = quirk(m, CIPMUX_QUIRK_MDNS_MODE);
    if ((modes >= 1 && !wifi_station_on(m)) || (modes >= 2 && m->wifi.mode != 1))
        return refuse(m, CIPMUX_REASON_MODE_1, TEXT_MDNS_MODE);
    if (quirk(m, CIPMUX_QUIRK_MDNS_NEEDS_IP) && !wifi_has_address(m))
        return refuse(m, CIPMUX_REASON_NO_IP, TEXT_MDNS_NO_IP);
    if (args->count != 4) return refuse_argument(m, FAULT_COUNT, args->count < 4 ? args->count : 4, TEXT_MDNS_PARA);
    if (args->at[1].kind != ARG_TEXT) return refuse_argument(m, FAULT_TYPE, 1, TEXT_MDNS_GET_HOST);
    if (args->at[2].kind != ARG_TEXT) return refuse_argument(m, FAULT_TYPE, 2, TEXT_MDNS_GET_SERVICE);
    const arg_t *const port = &args->at[3];
    if (port->kind != ARG_NUMBER || port->number < 1 || port->number > (int32_t)UINT16_MAX)
        return refuse_argument(m, FAULT_VALUE, 3, TEXT_MDNS_PARA);
    if (!is_label(&args->at[1])) return refuse_argument(m, FAULT_LENGTH, 1, TEXT_MDNS_HOST);
    if (!is_label(&args->at[2])) return refuse_argument(m, FAULT_LENGTH, 2, TEXT_MDNS_SERVICE);
    take_label(p->host, &p->host_length, &args->at[1]);
    take_label(p->service, &p->service_length, &args->at[2]);
    p->port = (uint16_t)port->number;
    p->mdns = true;
    m->asks |= ASK_MDNS;
    return VERDICT_OK;
}

verdict_t set_mdns(modem_t *m, args_t *args)
{
    const arg_t *const on = &args->at[0];
    if (on->kind != ARG_NUMBER || on->number < 0 || on->number > 1)
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_MDNS_PARA);
    if (on->number == 1) return start_mdns(m, args);
    if (args->count != 1) return refuse_argument(m, FAULT_COUNT, 1, TEXT_MDNS_PARA_OFF);
    if (m->provision.mdns) m->asks |= ASK_MDNS;
    m->provision.mdns = false;
    return VERDICT_OK;
}
