/* What survives a restart: a copy of the settings that commands save. */
#include "internal.h"

#include <string.h>

void settings_factory(modem_t *m)
{
    m->saved = (settings_t){ .mode = (uint8_t)number(m, NUMBER_MODE_DEFAULT) };
    m->saved.station.any_bssid = true;
    m->saved.station.listen_interval = 3;
    m->saved.autoconnect = true;
    m->saved.country = (country_t){ .code = "CN", .code_length = 2, .first = 1, .count = 13 };
    m->saved.country.policy = (uint8_t)number(m, NUMBER_COUNTRY_POLICY);
    m->saved.sta_proto = (uint8_t)number(m, NUMBER_STA_PROTO);
    m->saved.ap_proto = (uint8_t)number(m, NUMBER_AP_PROTO);
    m->saved.uart = (cipmux_line_t){ .baud = 115200, .data_bits = 8, .stop_bits = 1 };
    m->saved.uart.flow = (uint8_t)number(m, NUMBER_FLOW_DEFAULT);
    m->saved.reconnect_100ms = 1;
    m->saved.autotrace = true;
    m->saved.names.list = (cipmux_name_servers_t){ .server = { { 208, 67, 222, 222 } }, .count = 1 };
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        m->saved.tcp_option[id].linger_s = -1;
    interfaces_factory(m, &m->saved.interfaces);
}

/* nonos: every name but _CUR saves. esp-at: AT+SYSSTORE decides [conventions 1.10]. */
bool settings_wanted(const modem_t *m)
{
    if (m->family == FAMILY_ESP_AT) return m->sysstore;
    return m->slot.command->variant != VARIANT_CUR;
}

/* The arguments of the running AT+SAVETRANSLINK become what the next start enters. */
void settings_take_translink(modem_t *m)
{
    translink_t *const t = &m->saved.translink;
    *t = (translink_t){
        .on = true,
        .host_length = m->slot.name_length,
        .port = m->slot.port,
        .option = m->slot.n,
        .type = m->slot.link,
        .six = m->slot.family == 6,
    };
    memcpy(t->host, m->slot.name, m->slot.name_length);
}
