/* The TCP/IP commands: chapter 3 of the reference, in its order. */
#include "internal.h"

#include <string.h>

/* ---- AT+CIPSTATUS, AT+CIPSTATE [3.1, 4.9] ---- */

static const text_t type_texts[][2] = {
    [CIPMUX_TCP] = { TEXT_TCP, TEXT_TCP6 },
    [CIPMUX_UDP] = { TEXT_UDP, TEXT_UDP6 },
    [CIPMUX_SSL] = { TEXT_SSL, TEXT_SSL6 },
};

const char *link_type_text(const modem_t *m, const link_t *link)
{
    return text_of(m, type_texts[link->type][link->peer.family == 6]);
}

static void say_links(modem_t *m, text_t text)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        const link_t *const l = &m->link[id];
        if (!link_is_open(m, id) || l->state == LINK_HELD) continue;
        say(m, text, id, link_type_text(m, l), &l->peer, l->peer.port, l->local_port, l->served);
    }
}

static bool any_stream(const modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (link_is_open(m, id) && m->link[id].type != CIPMUX_UDP) return true;
    return false;
}

static int status_nonos(const modem_t *m)
{
    if (links_open(m) > 0) return 3;
    if (m->wifi.link_ended) return 4;
    return wifi_has_address(m) ? 2 : 5;
}

static int status_esp_at(const modem_t *m)
{
    if (any_stream(m)) return 3;
    if (wifi_has_address(m)) {
        if (links_open(m) > 0) return quirk(m, CIPMUX_QUIRK_UDP_STATUS);
        return m->wifi.link_ended ? 4 : 2;
    }
    if (!wifi_station_on(m)) return 0;
    return m->wifi.ever_started ? 5 : 1;
}

verdict_t run_cipstatus(modem_t *m)
{
    say(m, TEXT_STATUS, m->family == FAMILY_NONOS ? status_nonos(m) : status_esp_at(m));
    say_links(m, TEXT_STATUS_LINK);
    return VERDICT_OK;
}

verdict_t query_cipstate(modem_t *m)
{
    say_links(m, TEXT_STATE_LINK);
    return VERDICT_OK;
}

/* ---- AT+CIFSR [3.2] ---- */

verdict_t run_cifsr(modem_t *m)
{
    static const uint8_t      none[4];
    const interfaces_t *const own = &m->interfaces;
    cipmux_address_t          local;
    if (wifi_soft_ap_on(m)) {
        local = wifi_local_ip6(own->soft_ap_mac);
        say(m, TEXT_AP_IP, own->soft_ap_network.ip);
        if (m->cipv6) say(m, TEXT_AP_IP6_LL, &local);
        say(m, TEXT_AP_MAC, own->soft_ap_mac);
    }
    if (wifi_station_on(m)) {
        local = wifi_local_ip6(own->station_mac);
        say(m, TEXT_STA_IP, wifi_has_address(m) ? m->wifi.network.ip : none);
        if (m->cipv6 && wifi_has_address(m)) say(m, TEXT_STA_IP6_LL, &local);
        local = wifi_global_ip6(m);
        if (m->cipv6 && local.family != 0) say(m, TEXT_STA_IP6_GL, &local);
        say(m, TEXT_STA_MAC, own->station_mac);
    }
    return VERDICT_OK;
}

/* The old way to set the soft-AP's address. */
verdict_t set_cifsr(modem_t *m, args_t *args)
{
    network_t          network = { .netmask = { 255, 255, 255, 0 } };
    const arg_t *const arg = &args->at[0];
    if (!wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_SOFT_AP_OFF, TEXT_NONE);
    if (args->count != 1 || arg->kind != ARG_TEXT || !parse_ip4(arg->text, arg->length, network.ip))
        return refuse_argument(m, FAULT_PARSE, 0, TEXT_IP_ERROR);
    memcpy(network.gateway, network.ip, 4);
    return soft_ap_move(m, &network);
}

/* ---- AT+CIPV6 [3.3] ---- */

verdict_t query_cipv6(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->cipv6);
    return VERDICT_OK;
}

verdict_t set_cipv6(modem_t *m, args_t *args)
{
    m->cipv6 = (uint8_t)args->at[0].number;
    if (settings_wanted(m)) m->saved.cipv6 = m->cipv6;
    return VERDICT_OK;
}

/* ---- AT+CIPMUX [3.4, classic.md] ---- */

verdict_t query_cipmux(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->mux);
    return VERDICT_OK;
}

verdict_t set_cipmux(modem_t *m, args_t *args)
{
    const bool wanted = args->at[0].number == 1;
    const bool same = wanted == m->mux;
    if (links_open(m) > 0 && (!same || quirk(m, CIPMUX_QUIRK_MUX_SAME_LINKED)))
        return refuse(m, CIPMUX_REASON_LINK_OPEN, TEXT_LINK_BUILDED);
    if (wanted && m->cipmode) return refuse(m, CIPMUX_REASON_CIPMODE_IS_1, TEXT_IPMODE_MUST);
    if (!same && m->server.port != 0) return refuse(m, CIPMUX_REASON_SERVER_RUNS, TEXT_SERVER_MUST);
    if (!same) links_forget_kept(m);
    m->mux = wanted;
    return VERDICT_OK;
}

/* ---- AT+CIPSTART, AT+CIPSTARTEX [3.5, 3.6] ---- */

typedef struct {
    cipmux_type_t    type;
    bool             six; /* a v6 type */
    const char      *host;
    uint8_t          host_length;
    uint16_t         port, keepalive_s, local_port;
    uint8_t          udp_mode, id;
    cipmux_address_t from;
} dial_t;

/* Names and addresses as they are typed: no blanks, no control characters. */
bool is_host(const modem_t *m, const arg_t *arg)
{
    if (arg->kind != ARG_TEXT || arg->length == 0 || arg->length > number(m, NUMBER_HOST_MAX)) return false;
    for (size_t i = 0; i < arg->length; i++)
        if (arg->text[i] <= ' ' || arg->text[i] > '~') return false;
    return true;
}

static bool read_type(const modem_t *m, const arg_t *arg, dial_t *dial)
{
    for (size_t t = 0; t < sizeof type_texts / sizeof type_texts[0]; t++)
        for (size_t six = 0; six < 2; six++) {
            if (arg->kind != ARG_TEXT || !same_text(arg->text, arg->length, text_of(m, type_texts[t][six]))) continue;
            dial->type = (cipmux_type_t)t;
            dial->six = six == 1;
            return true;
        }
    return false;
}

/* An optional integer: left out, or within the range. */
static bool read_option(const args_t *args, size_t index, int32_t max, uint16_t *out)
{
    if (!arg_given(args, index)) return true;
    const arg_t *const arg = &args->at[index];
    if (arg->kind != ARG_NUMBER || arg->number < 0 || arg->number > max) return false;
    *out = (uint16_t)arg->number;
    return true;
}

/* What follows the port. Returns the index of the argument at fault, or 0. */
static size_t read_options(const modem_t *m, const args_t *args, size_t at, dial_t *dial)
{
    uint16_t mode = 0;
    if (dial->type == CIPMUX_UDP) {
        if (!read_option(args, at, 65535, &dial->local_port)) return at;
        if (!read_option(args, at + 1, 2, &mode)) return at + 1;
        if (mode != 0 && !arg_given(args, at) && quirk(m, CIPMUX_QUIRK_UDP_MODE_NEEDS_PORT)) return at + 1;
        dial->udp_mode = (uint8_t)mode;
        at += 2;
    } else {
        if (!read_option(args, at, 7200, &dial->keepalive_s)) return at;
        at += 1;
    }
    if (m->family == FAMILY_ESP_AT && at < args->count) {
        const arg_t *const arg = &args->at[at];
        const bool         any = arg->kind == ARG_EMPTY || (arg->kind == ARG_TEXT && arg->length == 0);
        if (!any && (arg->kind != ARG_TEXT || !parse_ip4(arg->text, arg->length, dial->from.bytes))) return at;
        if (!any) dial->from.family = 4;
        at++;
    }
    return args->count > at ? at : 0;
}

static bool ssl_in_use(const modem_t *m)
{
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        if (m->link[id].state != LINK_FREE && m->link[id].state != LINK_KEPT && m->link[id].type == CIPMUX_SSL)
            return true;
    return false;
}

static verdict_t dial_link(modem_t *m, const dial_t *dial)
{
    link_t *const    link = &m->link[dial->id];
    cipmux_address_t peer = { .family = 4, .port = dial->port };
    link_begin(m, dial->id, dial->type, false);
    const bool any = dial->port == 0 && dial->host_length == 1 && dial->host[0] == '0'; /* 0.0.0.0 */
    const bool literal = any || (!dial->six && parse_ip4(dial->host, dial->host_length, peer.bytes));
    if (!literal) peer.family = dial->six ? 6 : 0;
    link->peer = peer;
    link->keepalive_s = dial->keepalive_s;
    link->local_port = dial->local_port;
    link->udp_mode = dial->udp_mode;
    link_remember_host(m, dial->host, dial->host_length);
    m->slot.link = dial->id;
    m->slot.from = dial->from;
    m->slot.name = dial->host;
    m->slot.name_length = dial->host_length;
    m->slot.family = dial->six ? 6 : 4;
    const verdict_t verdict = slot_wait(m, WAIT_LINK);
    if (!literal) m->asks |= ASK_RESOLVE;
    link_step(m, dial->id, literal ? LINK_START : LINK_START_NAME);
    return verdict;
}

/* Type, host, port and options, from argument `at` on; in the order in which the firmware looks at them. */
static verdict_t dial_command(modem_t *m, const args_t *args, size_t at, dial_t *dial)
{
    if (!arg_given(args, at) || !read_type(m, &args->at[at], dial))
        return refuse_argument(m, FAULT_VALUE, at, TEXT_TYPE_ERROR);
    if (dial->six && !m->cipv6) return refuse(m, CIPMUX_REASON_V6_OFF, TEXT_NONE);
    const arg_t *const host = &args->at[at + 1];
    if (!arg_given(args, at + 1) || !is_host(m, host)) return refuse_argument(m, FAULT_PARSE, at + 1, TEXT_IP_ERROR);
    dial->host = host->text;
    dial->host_length = (uint8_t)host->length;
    const arg_t *const port = &args->at[at + 2];
    if (!arg_given(args, at + 2) || port->kind != ARG_NUMBER)
        return refuse_argument(m, FAULT_COUNT, at + 2, TEXT_ENTRY_ERROR);
    const bool any = dial->type == CIPMUX_UDP && arg_given(args, at + 3) && quirk(m, CIPMUX_QUIRK_UDP_ANY_PEER);
    if (port->number < (any ? 0 : 1) || port->number > 65535) return refuse_argument(m, FAULT_VALUE, at + 2, TEXT_NONE);
    dial->port = (uint16_t)port->number;
    const size_t wrong = read_options(m, args, at + 3, dial);
    if (wrong != 0) return refuse_argument(m, FAULT_VALUE, wrong, TEXT_MISS_PARAM);
    if (m->cipmode && dial->udp_mode != 0) return refuse(m, CIPMUX_REASON_THROUGH_NEEDS_UDP_0, TEXT_NONE);
    if (m->cipmode && !through_takes(m, dial->type)) return refuse(m, CIPMUX_REASON_THROUGH_NO_SSL, TEXT_NONE);
    const link_t *const link = &m->link[dial->id];
    if (link->state != LINK_FREE && link->state != LINK_KEPT)
        return refuse(m, m->mux ? CIPMUX_REASON_LINK_IN_USE : CIPMUX_REASON_SINGLE_IN_USE, TEXT_ALREADY);
    if (dial->type == CIPMUX_SSL && !ssl_has_certificates(m, dial->id))
        return refuse(m, CIPMUX_REASON_NO_CERTIFICATE, TEXT_NONE);
    if (dial->type == CIPMUX_SSL && ssl_in_use(m)) return refuse(m, CIPMUX_REASON_ONE_SSL, TEXT_SSL_MAX);
    return dial_link(m, dial);
}

static bool may_dial(const modem_t *m)
{
    return wifi_has_address(m) || wifi_soft_ap_on(m);
}

verdict_t set_cipstart(modem_t *m, args_t *args)
{
    dial_t dial = { 0 };
    if (!may_dial(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NO_IP);
    const arg_t *const id = &args->at[0];
    if (!m->mux && id->kind == ARG_NUMBER) return refuse(m, CIPMUX_REASON_ID_IN_SINGLE, TEXT_TYPE_ERROR);
    if (!m->mux) return dial_command(m, args, 0, &dial);
    if (id->kind == ARG_TEXT) return refuse(m, CIPMUX_REASON_ID_NEEDED, TEXT_TYPE_ERROR);
    if (id->kind != ARG_NUMBER || id->number < 0 || id->number >= CIPMUX_LINKS)
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_ID_ERROR);
    dial.id = (uint8_t)id->number;
    return dial_command(m, args, 1, &dial);
}

verdict_t set_cipstartex(modem_t *m, args_t *args)
{
    dial_t    dial = { 0 };
    const int free = link_lowest_free(m);
    if (!may_dial(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NO_IP);
    if (m->mux && free < 0) return refuse(m, CIPMUX_REASON_LINK_IN_USE, TEXT_ALREADY);
    dial.id = m->mux ? (uint8_t)free : 0;
    return dial_command(m, args, 0, &dial);
}

/* ---- AT+CIPCLOSE, AT+CIPCLOSEMODE [3.8] ---- */

static verdict_t close_one(modem_t *m, uint8_t id, text_t text)
{
    if (!link_is_open(m, id)) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, text);
    link_step(m, id, LINK_CLOSE);
    return slot_wait(m, WAIT_CLOSED);
}

static verdict_t close_all(modem_t *m)
{
    if (links_open(m) == 0 && quirk(m, CIPMUX_QUIRK_CLOSE_NONE_FAILS))
        return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NONE);
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (link_is_open(m, id)) link_step(m, id, LINK_CLOSE);
    return slot_wait(m, WAIT_CLOSED);
}

verdict_t run_cipclose(modem_t *m)
{
    if (m->mux) return refuse(m, CIPMUX_REASON_ID_NEEDED, TEXT_MUX_1);
    return close_one(m, 0, TEXT_NONE);
}

verdict_t set_cipclose(modem_t *m, args_t *args)
{
    const arg_t *const id = &args->at[0];
    if (!m->mux) return refuse(m, CIPMUX_REASON_ID_IN_SINGLE, TEXT_MUX_0);
    if (args->count != 1 || id->kind != ARG_NUMBER || id->number < 0 || id->number > CIPMUX_LINKS)
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    return id->number == CIPMUX_LINKS ? close_all(m) : close_one(m, (uint8_t)id->number, TEXT_UNLINK);
}

verdict_t set_cipclosemode(modem_t *m, args_t *args)
{
    const uint8_t id = m->mux ? (uint8_t)args->at[0].number : 0;
    if (!link_is_open(m, id)) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NONE);
    m->link[id].close_by_reset = args->at[m->mux ? 1 : 0].number == 1;
    return VERDICT_OK;
}

/* ---- AT+CIPTCPOPT [3.7] ---- */

verdict_t query_ciptcpopt(modem_t *m)
{
    for (int id = 0; id < CIPMUX_LINKS; id++) {
        const tcp_option_t *const o = &m->tcp_option[id];
        say(m, TEXT_TCP_OPTION, id, o->linger_s, o->nodelay, (int)o->send_timeout_ms);
    }
    return VERDICT_OK;
}

static void set_tcp_option(modem_t *m, uint8_t id, const args_t *args, size_t at)
{
    tcp_option_t *const option = &m->tcp_option[id];
    const bool          before = option->nodelay;
    if (arg_given(args, at)) option->linger_s = (int16_t)args->at[at].number;
    if (arg_given(args, at + 1)) option->nodelay = args->at[at + 1].number == 1;
    if (arg_given(args, at + 2)) option->send_timeout_ms = args->at[at + 2].number;
    if (settings_wanted(m)) m->saved.tcp_option[id] = *option;
    if (option->nodelay != before && link_is_open(m, id) && m->link[id].type != CIPMUX_UDP)
        m->link[id].asks |= LINK_ASK_OPTION;
}

verdict_t set_ciptcpopt(modem_t *m, args_t *args)
{
    const fault_t fault = args_check(m, args, "A ? I-1:32767 I0:1 I0:2147483647");
    if (fault.kind != FAULT_NONE) return refuse_argument(m, (fault_kind_t)fault.kind, fault.index, TEXT_NONE);
    const size_t  at = m->mux ? 1 : 0;
    const int32_t id = m->mux ? args->at[0].number : 0;
    for (uint8_t i = 0; i < CIPMUX_LINKS; i++)
        if (i == id || id == CIPMUX_LINKS) set_tcp_option(m, i, args, at);
    return VERDICT_OK;
}

/* ---- AT+CIPSEND, AT+CIPSENDEX [3.9-3.11] ---- */

/* The datagram's own target, from argument `at` on. VERDICT_OK: none, or a good one in the slot. */
static verdict_t read_target(modem_t *m, const args_t *args, size_t at)
{
    const arg_t *const host = &args->at[at], *const port = &args->at[at + 1];
    if (!is_host(m, host)) return refuse_argument(m, FAULT_PARSE, at, TEXT_UDP_IP);
    if (!arg_given(args, at + 1)) return refuse_argument(m, FAULT_COUNT, at + 1, TEXT_UDP_NO_PORT);
    if (port->kind != ARG_NUMBER) return refuse_argument(m, FAULT_TYPE, at + 1, TEXT_UDP_PORT);
    if (port->number < 1 || port->number > 65535) return refuse_argument(m, FAULT_VALUE, at + 1, TEXT_UDP_PORT_RANGE);
    if (args->count > at + 2) return refuse_argument(m, FAULT_COUNT, at + 2, TEXT_NO_TAIL);
    m->slot.name = host->text;
    m->slot.name_length = (uint8_t)host->length;
    m->slot.port = (uint16_t)port->number;
    m->slot.family = 4;
    return VERDICT_OK;
}

static verdict_t send_to(modem_t *m, uint8_t id, uint16_t n, bool escapes)
{
    cipmux_address_t to = { .family = 4, .port = m->slot.port };
    if (m->slot.name == NULL || !parse_ip4(m->slot.name, m->slot.name_length, to.bytes))
        return sender_open(m, id, n, escapes);
    m->slot.name = NULL;
    const verdict_t verdict = sender_open(m, id, n, escapes);
    m->sender.to = to;
    return verdict;
}

static verdict_t send_command(modem_t *m, const args_t *args, bool escapes)
{
    size_t at = 0;
    int    id = 0;
    if (m->cipmode) return refuse(m, CIPMUX_REASON_CIPMODE_IS_1, TEXT_IPMODE_1);
    if (m->mux) {
        if (!arg_given(args, 0) || args->at[0].kind != ARG_NUMBER) return refuse_argument(m, FAULT_TYPE, 0, TEXT_NONE);
        id = args->at[at++].number;
    }
    if (id < 0 || id >= CIPMUX_LINKS || m->link[id].state != LINK_OPEN)
        return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NOT_VALID);
    if (segments_busy(&m->link[id])) return refuse(m, CIPMUX_REASON_SEND_MODE, TEXT_SEND_MODE);
    const arg_t *const n = &args->at[at];
    if (!arg_given(args, at) || n->kind != ARG_NUMBER) return refuse_argument(m, FAULT_TYPE, at, TEXT_NONE);
    if (n->number > number(m, NUMBER_SEND_MAX)) return refuse_argument(m, FAULT_VALUE, at, TEXT_TOO_LONG);
    if (n->number < 1) return refuse_argument(m, FAULT_VALUE, at, TEXT_NONE);
    m->slot.name = NULL;
    if (args->count > at + 1) {
        if (m->link[id].type != CIPMUX_UDP) return refuse_argument(m, FAULT_COUNT, at + 1, TEXT_NO_TAIL);
        const verdict_t verdict = read_target(m, args, at + 1);
        if (verdict != VERDICT_OK) return verdict;
    }
    return send_to(m, (uint8_t)id, (uint16_t)n->number, escapes);
}

verdict_t set_cipsend(modem_t *m, args_t *args)
{
    return send_command(m, args, false);
}
verdict_t set_cipsendex(modem_t *m, args_t *args)
{
    return send_command(m, args, true);
}

verdict_t run_cipsend(modem_t *m)
{
    if (!m->cipmode) return refuse(m, CIPMUX_REASON_CIPMODE_IS_0, TEXT_NONE);
    if (m->mux) return refuse(m, CIPMUX_REASON_THROUGH_NEEDS_SINGLE, TEXT_NONE);
    if (m->server.port != 0) return refuse(m, CIPMUX_REASON_SERVER_RUNS, TEXT_NONE);
    if (m->link[0].state != LINK_OPEN) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NONE);
    if (segments_busy(&m->link[0])) return refuse(m, CIPMUX_REASON_SEND_MODE, TEXT_SEND_MODE);
    return sender_open_through(m);
}

/* ---- AT+CIPDINFO [3.13] ---- */

verdict_t query_cipdinfo(modem_t *m)
{
    say(m, m->dinfo ? TEXT_DINFO_ON : TEXT_DINFO_OFF);
    return VERDICT_OK;
}

verdict_t set_cipdinfo(modem_t *m, args_t *args)
{
    m->dinfo = args->at[0].number == 1;
    return VERDICT_OK;
}

/* ---- AT+CIPSERVER, AT+CIPSERVERMAXCONN, AT+CIPSTO [3.14-3.16] ---- */

verdict_t query_cipserver(modem_t *m)
{
    if (m->server.port == 0)
        say(m, TEXT_SERVER_OFF);
    else
        say(m, TEXT_SERVER_ON, m->server.port, text_of(m, m->server.family == 6 ? TEXT_TCP6 : TEXT_TCP));
    return VERDICT_OK;
}

static verdict_t server_start(modem_t *m, const args_t *args)
{
    dial_t   kind = { .type = CIPMUX_TCP };
    uint16_t port = (uint16_t)number(m, NUMBER_SERVER_PORT);
    if (m->server.port != 0) {
        say(m, TEXT_NO_CHANGE);
        return VERDICT_OK;
    }
    if (arg_given(args, 1)) port = (uint16_t)args->at[1].number;
    if (port == 0) return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    if (arg_given(args, 2) && !read_type(m, &args->at[2], &kind)) return refuse_argument(m, FAULT_VALUE, 2, TEXT_NONE);
    if (kind.type != CIPMUX_TCP) return refuse(m, CIPMUX_REASON_NO_SSL_SERVER, TEXT_NONE);
    if (kind.six && !m->cipv6) return refuse(m, CIPMUX_REASON_V6_OFF, TEXT_NONE);
    if (!m->mux) note(m, CIPMUX_REASON_SINGLE_SERVER, -1, port);
    m->slot.port = port;
    m->server.family = kind.six ? 6 : 4;
    m->asks |= ASK_LISTEN;
    return slot_wait(m, WAIT_SERVER);
}

static verdict_t server_stop(modem_t *m, const args_t *args)
{
    const bool close_too = m->family == FAMILY_ESP_AT && arg_given(args, 1) && args->at[1].number == 1;
    if (m->family == FAMILY_ESP_AT && arg_given(args, 1) && args->at[1].number > 1)
        return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    if (m->server.port == 0) {
        say(m, TEXT_NO_CHANGE);
        return VERDICT_OK;
    }
    m->server.port = 0;
    m->asks |= ASK_UNLISTEN;
    if (close_too) return close_all(m);
    if (quirk(m, CIPMUX_QUIRK_SERVER_TAKES_LINKS)) m->slot.after = AFTER_SERVER_OFF;
    return VERDICT_OK;
}

verdict_t set_cipserver(modem_t *m, args_t *args)
{
    if (!m->mux && !quirk(m, CIPMUX_QUIRK_SINGLE_SERVER)) return refuse(m, CIPMUX_REASON_SERVER_NEEDS_MUX, TEXT_NONE);
    return args->at[0].number == 1 ? server_start(m, args) : server_stop(m, args);
}

verdict_t query_cipservermaxconn(modem_t *m)
{
    say(m, TEXT_MAXCONN, m->server.max);
    return VERDICT_OK;
}

verdict_t set_cipservermaxconn(modem_t *m, args_t *args)
{
    const size_t alive = server_links(m);
    if (m->server.port != 0) return refuse(m, CIPMUX_REASON_SERVER_RUNS, TEXT_NONE);
    if (text_of(m, TEXT_HAVE_CONNECTIONS) != NULL && alive > (size_t)args->at[0].number) {
        say(m, TEXT_HAVE_CONNECTIONS, (int)alive);
        return refuse(m, CIPMUX_REASON_MORE_CLIENTS, TEXT_NONE);
    }
    m->server.max = (uint8_t)args->at[0].number;
    return VERDICT_OK;
}

verdict_t query_cipsto(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->server.idle_s);
    return VERDICT_OK;
}

verdict_t set_cipsto(modem_t *m, args_t *args)
{
    if (m->server.port == 0 && quirk(m, CIPMUX_QUIRK_IDLE_NEEDS_SERVER))
        return refuse(m, CIPMUX_REASON_NO_SERVER, TEXT_NONE);
    m->server.idle_s = (uint16_t)args->at[0].number;
    return VERDICT_OK;
}

/* ---- AT+CIPMODE [3.17] ---- */

verdict_t query_cipmode(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->cipmode);
    return VERDICT_OK;
}

verdict_t set_cipmode(modem_t *m, args_t *args)
{
    const link_t *const link = &m->link[0];
    if (args->at[0].number == 0) {
        m->cipmode = m->raw = false;
        return VERDICT_OK;
    }
    if (m->mux) return refuse(m, CIPMUX_REASON_THROUGH_NEEDS_SINGLE, TEXT_MUX_AND_SERVER);
    if (m->server.port != 0) return refuse(m, CIPMUX_REASON_SERVER_RUNS, TEXT_MUX_AND_SERVER);
    if (link_is_open(m, 0) && link->type == CIPMUX_UDP && link->udp_mode != 0)
        return refuse(m, CIPMUX_REASON_THROUGH_NEEDS_UDP_0, TEXT_NONE);
    if (link_is_open(m, 0) && !through_takes(m, (cipmux_type_t)link->type))
        return refuse(m, CIPMUX_REASON_THROUGH_NO_SSL, TEXT_NONE);
    m->cipmode = true;
    return VERDICT_OK;
}

/* ---- AT+SAVETRANSLINK, AT+CIPRECONNINTV [3.18, 3.19] ---- */

/* =1,"<host>",<port>[,"<type>"[,<keepalive or local port>]] */
static bool read_translink(modem_t *m, const args_t *args)
{
    dial_t   dial = { .type = CIPMUX_TCP };
    uint16_t option = 0;
    if (args->count < 3 || args->count > 5 || !is_host(m, &args->at[1])) return false;
    const arg_t *const port = &args->at[2];
    if (port->kind != ARG_NUMBER || port->number < 1 || port->number > 65535) return false;
    if (arg_given(args, 3) && !read_type(m, &args->at[3], &dial)) return false;
    if (!read_option(args, 4, dial.type == CIPMUX_UDP ? 65535 : 7200, &option)) return false;
    m->slot.name = args->at[1].text;
    m->slot.name_length = (uint8_t)args->at[1].length;
    m->slot.port = (uint16_t)port->number;
    m->slot.n = option;
    m->slot.link = (uint8_t)dial.type;
    m->slot.family = dial.six ? 6 : 4;
    return true;
}

verdict_t set_savetranslink(modem_t *m, args_t *args)
{
    uint8_t            literal[4];
    const arg_t *const on = &args->at[0];
    if (on->kind != ARG_NUMBER || on->number < 0 || on->number > 1)
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    if (on->number == 0) {
        m->saved.translink.on = false;
        return VERDICT_OK;
    }
    if (!read_translink(m, args)) return refuse_argument(m, FAULT_PARSE, 1, TEXT_NONE);
    if (!quirk(m, CIPMUX_QUIRK_TRANSLINK_RESOLVES) || parse_ip4(m->slot.name, m->slot.name_length, literal)) {
        settings_take_translink(m);
        return VERDICT_OK;
    }
    if (!wifi_has_address(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NONE);
    m->asks |= ASK_RESOLVE;
    return slot_wait(m, WAIT_SAVE);
}

verdict_t query_cipreconnintv(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->reconnect_100ms);
    return VERDICT_OK;
}

verdict_t set_cipreconnintv(modem_t *m, args_t *args)
{
    m->reconnect_100ms = (uint16_t)args->at[0].number;
    if (settings_wanted(m)) m->saved.reconnect_100ms = m->reconnect_100ms;
    return VERDICT_OK;
}

/* ---- AT+CIPRECVMODE, AT+CIPRECVDATA, AT+CIPRECVLEN [3.20] ---- */

verdict_t query_ciprecvmode(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->passive);
    return VERDICT_OK;
}

verdict_t set_ciprecvmode(modem_t *m, args_t *args)
{
    if (m->raw && quirk(m, CIPMUX_QUIRK_RAW_LOCKS_RECVMODE)) return refuse(m, CIPMUX_REASON_CIPMODE_IS_1, TEXT_NONE);
    m->passive = args->at[0].number == 1;
    return VERDICT_OK;
}

verdict_t set_ciprecvdata(modem_t *m, args_t *args)
{
    const uint8_t       id = m->mux ? (uint8_t)args->at[0].number : 0;
    const link_t *const link = &m->link[id];
    if (link->state < LINK_OPEN || link->state > LINK_KEPT) return refuse(m, CIPMUX_REASON_LINK_NOT_OPEN, TEXT_NONE);
    if (receiver_mode(m, link) != RECEIVER_PASSIVE) return refuse(m, CIPMUX_REASON_NOT_PASSIVE, TEXT_NONE);
    if (receive_held(m, id) == 0) return refuse(m, CIPMUX_REASON_NOTHING_HELD, TEXT_NONE);
    m->slot.link = id;
    m->slot.read_length = (uint32_t)args->at[m->mux ? 1 : 0].number;
    return slot_wait(m, WAIT_READ);
}

verdict_t query_ciprecvlen(modem_t *m)
{
    int held[CIPMUX_LINKS];
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        const bool none = m->link[id].state < LINK_OPEN || m->link[id].state > LINK_KEPT;
        held[id] = none ? -(int)quirk(m, CIPMUX_QUIRK_UNUSED_LENGTH) : (int)receive_held(m, id);
    }
    if (!m->mux && text_of(m, TEXT_READ_LENGTH) != NULL)
        say(m, TEXT_READ_LENGTH, held[0] < 0 ? 0 : held[0]);
    else
        say(m, TEXT_READ_LENGTHS, held[0], held[1], held[2], held[3], held[4]);
    return VERDICT_OK;
}

/* ---- AT+CIPDOMAIN [3.23] ---- */

verdict_t set_cipdomain(modem_t *m, args_t *args)
{
    const arg_t *const name = &args->at[0];
    const bool         network = m->family == FAMILY_ESP_AT && args->count == 2;
    cipmux_address_t   address = { .family = 4 };
    if (args->count > (network ? 2 : 1) || !is_host(m, name)) return refuse_argument(m, FAULT_PARSE, 0, TEXT_IP_ERROR);
    if (network && (args->at[1].kind != ARG_NUMBER || args->at[1].number < 1 || args->at[1].number > 3))
        return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    const int32_t net = network ? args->at[1].number : 1;
    if (net == 3 && !m->cipv6) return refuse(m, CIPMUX_REASON_V6_OFF, TEXT_NONE);
    if (!wifi_has_address(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_DNS_FAIL);
    if (parse_ip4(name->text, name->length, address.bytes)) {
        say(m, TEXT_DOMAIN, &address);
        return VERDICT_OK;
    }
    m->slot.name = name->text;
    m->slot.name_length = (uint8_t)name->length;
    m->slot.family = net == 3 ? 6 : net == 2 || !m->cipv6 ? 4 : 0;
    m->asks |= ASK_RESOLVE;
    return slot_wait(m, WAIT_NAME);
}
