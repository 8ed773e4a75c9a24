/* What can be set about the radio and the station beside joining: chapter 3 of the reference, from AT+CWSTATE on, and 5.5-5.7.
 * Each command stores its values and prints them back. */
#include "internal.h"

#include <string.h>

/* ---- AT+CWSTATE [wifi 2.3, 3.2] ---- */

static int station_state(const modem_t *m)
{
    switch (m->wifi.state) {
    case WIFI_ASSOCIATED: return 1;
    case WIFI_JOINED: return 2;
    case WIFI_JOINING:
    case WIFI_RETRY: return 3;
    default: return m->wifi.ever_started ? 4 : 0;
    }
}

verdict_t query_cwstate(modem_t *m)
{
    const int state = station_state(m);
    say(m, TEXT_CWSTATE, state, (const char *)m->wifi.station.ssid, state == 0 ? 0 : (int)m->wifi.station.ssid_length);
    return VERDICT_OK;
}

/* ---- AT+CWRECONNCFG, AT+CWJAPTO [wifi 3.3, 3.4] ---- */

verdict_t query_cwreconncfg(modem_t *m)
{
    say(m, TEXT_RECONNECT, m->wifi.station.reconnect_s, m->wifi.reconnect_times);
    return VERDICT_OK;
}

verdict_t set_cwreconncfg(modem_t *m, args_t *args)
{
    wifi_t *const w = &m->wifi;
    w->station.reconnect_s = (uint16_t)args->at[0].number;
    w->reconnect_times = (uint16_t)args->at[1].number;
    if (settings_wanted(m)) {
        m->saved.station.reconnect_s = w->station.reconnect_s;
        m->saved.reconnect_times = w->reconnect_times;
    }
    if (w->state == WIFI_RETRY || w->gave_up) { /* it applies to the loss that is there already */
        w->reconnect_attempt = 0;
        wifi_retry(m);
    }
    return VERDICT_OK;
}

verdict_t query_cwjapto(modem_t *m)
{
    const uint32_t usual_s = m->config->time_ms[CIPMUX_TIME_JOIN_LIMIT] / 1000u;
    say(m, TEXT_NAME_VALUE, m->wifi.join_limit_s != 0 ? m->wifi.join_limit_s : (int)usual_s);
    return VERDICT_OK;
}

verdict_t set_cwjapto(modem_t *m, args_t *args)
{
    m->wifi.join_limit_s = (uint16_t)args->at[0].number;
    return VERDICT_OK;
}

/* ---- AT+CWLAPOPT [wifi 3.6] ---- */

verdict_t set_cwlapopt(modem_t *m, args_t *args)
{
    scan_options_t *const o = &m->wifi.scan_options;
    o->sorted = args->at[0].number == 1;
    o->fields = (uint16_t)(args->at[1].number & number(m, NUMBER_SCAN_FIELDS));
    if (arg_given(args, 2)) o->floor = (int8_t)args->at[2].number;
    if (arg_given(args, 3)) o->auths = (uint16_t)args->at[3].number;
    return VERDICT_OK;
}

/* ---- AT+CWSTAPROTO, AT+CWAPPROTO [wifi 5.6] ---- */

static verdict_t query_proto(modem_t *m, bool on, uint8_t proto, cipmux_reason_t off)
{
    if (!on) return refuse(m, off, TEXT_NONE);
    say(m, TEXT_NAME_VALUE_BARE, proto);
    return VERDICT_OK;
}

static verdict_t set_proto(modem_t *m, const args_t *args, uint8_t *proto, uint8_t *saved)
{
    const int32_t wanted = args->at[0].number;
    if (wanted != 1 && wanted != 3 && wanted != 7) return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    *proto = (uint8_t)wanted;
    if (settings_wanted(m)) *saved = *proto;
    return VERDICT_OK;
}

verdict_t query_cwstaproto(modem_t *m)
{
    return query_proto(m, wifi_station_on(m), m->wifi.sta_proto, CIPMUX_REASON_STATION_OFF);
}

verdict_t set_cwstaproto(modem_t *m, args_t *args)
{
    if (!wifi_station_on(m)) return refuse(m, CIPMUX_REASON_STATION_OFF, TEXT_NONE);
    return set_proto(m, args, &m->wifi.sta_proto, &m->saved.sta_proto);
}

verdict_t query_cwapproto(modem_t *m)
{
    return query_proto(m, wifi_soft_ap_on(m), m->wifi.ap_proto, CIPMUX_REASON_SOFT_AP_OFF);
}

verdict_t set_cwapproto(modem_t *m, args_t *args)
{
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    return set_proto(m, args, &m->wifi.ap_proto, &m->saved.ap_proto);
}

/* ---- AT+CWAUTOCONN [wifi 5.7]: for the next start, and always saved ---- */

verdict_t query_cwautoconn(modem_t *m)
{
    say(m, TEXT_NAME_VALUE_BARE, m->saved.autoconnect);
    return VERDICT_OK;
}

verdict_t set_cwautoconn(modem_t *m, args_t *args)
{
    m->saved.autoconnect = args->at[0].number == 1;
    return VERDICT_OK;
}

/* ---- AT+CWCOUNTRY, _CUR, _DEF [wifi 5.5]: only _DEF saves ---- */

enum { CHANNEL_MAX = 14, CODE_SHOWN = 2 };

verdict_t query_cwcountry(modem_t *m)
{
    const country_t *const c = m->slot.command->variant == VARIANT_DEF ? &m->saved.country : &m->wifi.country;
    const int              shown = c->code_length < CODE_SHOWN ? c->code_length : CODE_SHOWN;
    say(m, TEXT_COUNTRY, c->policy, c->code, shown, c->first, c->count);
    return VERDICT_OK;
}

verdict_t set_cwcountry(modem_t *m, args_t *args)
{
    country_t country = {
        .policy = (uint8_t)args->at[0].number,
        .code_length = (uint8_t)args->at[1].length,
        .first = (uint8_t)args->at[2].number,
        .count = (uint8_t)args->at[3].number,
    };
    memcpy(country.code, args->at[1].text, country.code_length);
    if (country.first + country.count - 1 > CHANNEL_MAX && quirk(m, CIPMUX_QUIRK_COUNTRY_CHECKED))
        return refuse_argument(m, FAULT_VALUE, 3, TEXT_NONE);
    m->wifi.country = country;
    if (m->slot.command->variant == VARIANT_DEF) m->saved.country = country;
    return VERDICT_OK;
}
