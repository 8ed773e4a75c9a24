/* The instance: power-on, restart, time, and the public calls that join the other files. */
#include "internal.h"

#include <string.h>

static modem_t *self(cipmux_t *modem)
{
    return (modem_t *)modem;
}

bool modem_is_off(const modem_t *m)
{
    return m->ready_at != CIPMUX_NEVER || m->power.asleep;
}
bool modem_is_busy(const modem_t *m)
{
    return m->slot.wait != WAIT_NONE || sender_is_busy(m);
}

/* ---- start ---- */

/* What a restart loses [conventions 1.9]; saved settings come back. */
static void load_settings(modem_t *m)
{
    m->echo = true;
    m->sysstore = true;
    m->mux = m->cipmode = m->dinfo = m->passive = m->syslog = m->raw = false;
    m->sysmsg = m->saved.sysmsg;
    m->cipv6 = m->saved.cipv6;
    interfaces_load(m);
    m->uart = m->saved.uart;
    m->reconnect_100ms = m->saved.reconnect_100ms;
    memcpy(m->tcp_option, m->saved.tcp_option, sizeof m->tcp_option);
    m->server = (server_t){ .max = CIPMUX_LINKS, .idle_s = (uint16_t)number(m, NUMBER_IDLE_DEFAULT) };
    m->ssl_size = (uint16_t)number(m, NUMBER_SSL_SIZE);
    m->ssl_options.fill = 0;
    memcpy(m->certificates, m->saved.certificates, sizeof m->certificates);
    services_start(m);
}

static void measure_burst(modem_t *m)
{
    const cipmux_line_t *const u = &m->uart;
    const uint64_t             bits = 1u + u->data_bits + (u->parity != 0) + (u->stop_bits > 1 ? 2u : 1u);
    m->burst_us = (uint32_t)((uint64_t)number(m, NUMBER_BURST_CHARACTERS) * bits * 1000000u / u->baud);
}

static void boot(modem_t *m, aside_t aside)
{
    const cipmux_line_t before = m->uart;
    line_reset(m);
    load_settings(m);
    io_start(m);
    power_start(m);
    m->user = (user_t){ 0 };
    m->wake = (wake_t){ 0 };
    clock_set(m, 0);
    if (memcmp(&before, &m->uart, sizeof before) != 0) m->asks |= ASK_LINE;
    m->line_held = m->rom_rate = false;
    m->aside =
        (uint8_t)(quirk(m, CIPMUX_QUIRK_BOOT_TEXT) && text_of(m, TEXT_BOOT_HEAD) != NULL ? aside : ASIDE_NOTHING);
    if (m->aside != ASIDE_NOTHING) m->asks |= ASK_LINE;
    m->fails_due = 0;
    m->ready_at = m->now + time_us(m, CIPMUX_TIME_BOOT);
}

void modem_reload(modem_t *m)
{
    m->uart = m->saved.uart;
    measure_burst(m);
    boot(m, ASIDE_ROM);
}

void cipmux_power_on(cipmux_t *modem, const cipmux_config_t *config, uint64_t now_us)
{
    modem_t *const m = self(modem);
    memset(modem, 0, sizeof *modem);
    m->config = config;
    m->now = now_us;
    m->family = (uint8_t)dialects[config->dialect].family;
    settings_factory(m);
    m->reset_cause = 1;
    modem_reload(m);
}

static void forget_everything(modem_t *m, link_event_t event, bool print)
{
    const bool listens = m->slot.wait == WAIT_SERVER && (m->asks & ASK_LISTEN) == 0; /* asked, not answered */
    if (m->server.port != 0 || listens) m->asks |= ASK_UNLISTEN;
    const uint32_t kept = m->asks & (ASK_UNLISTEN | ASK_STORE);
    sender_step(m, SEND_RESTART);
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        link_step(m, id, event);
    command_restart(m);
    wifi_stop(m, print);
    provision_stop(m);
    m->asks |= kept;
    m->line_held = false;
}

static void say_boot_text(modem_t *m)
{
    const char *const log = text_of(m, TEXT_BOOT_LOG);
    const uint8_t     cause = quirk(m, CIPMUX_QUIRK_BOOT_CAUSE);
    say(m, TEXT_BOOT_HEAD, cause != 0 ? cause : m->reset_cause, (int)number(m, NUMBER_BOOT_MODE));
    if (log == NULL) return;
    m->reply.long_text = log;
    m->reply.long_left = (uint16_t)strlen(log);
}

/* AT+RST and AT+RESTORE, behind their OK: CLOSED lines, WIFI DISCONNECT, boot text; ready comes later [conventions 1.9]. */
void modem_restart(modem_t *m, bool erase)
{
    forget_everything(m, LINK_RESTART, true);
    if (erase) {
        settings_factory(m);
        settings_must_be_stored(m);
    }
    boot(m, ASIDE_SDK);
    say_boot_text(m);
}

void modem_forced_restart(modem_t *m)
{
    note(m, CIPMUX_REASON_FORCED_RESTART, -1, 0);
    say(m, TEXT_FORCE_RESTART);
    if (quirk(m, CIPMUX_QUIRK_FORCED_OK)) say(m, TEXT_OK);
    modem_restart(m, false);
}

void modem_forget(modem_t *m)
{
    forget_everything(m, LINK_RESET_PIN, false);
}

/* The reset pin: what was on its way to the UART is gone too. */
static void reset_pin(modem_t *m)
{
    modem_forget(m);
    m->reply = (reply_t){ 0 };
    m->reset_cause = 2;
    boot(m, ASIDE_ROM);
}

/* ---- time ---- */

static void settle(modem_t *m)
{
    receive_settle(m);
    links_settle(m);
    sender_settle(m);
    segments_settle(m);
    slot_settle(m);
}

void cipmux_tick(cipmux_t *modem, uint64_t now_us)
{
    modem_t *const m = self(modem);
    if (now_us > m->now) m->now = now_us;
    if (!reply_has_room(m)) return;
    if (m->power.asleep) return;
    if (modem_is_off(m)) {
        if (m->now < m->ready_at || (m->asks & ASK_LINE) != 0 || m->line_held) return;
        m->ready_at = CIPMUX_NEVER;
        say(m, TEXT_READY);
        wifi_start(m);
        if (m->saved.translink.on) sender_boot(m);
        return;
    }
    line_tick(m);
    wake_tick(m);
    sender_tick(m);
    slot_tick(m);
    server_tick(m);
    links_tick(m);
    wifi_tick(m);
    provision_tick(m);
    services_tick(m);
    settle(m);
}

uint64_t cipmux_deadline(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    if (!reply_has_room(m)) return CIPMUX_NEVER; /* the next poll goes on */
    if (m->line_held || (m->asks & ASK_LINE) != 0) return CIPMUX_NEVER;
    if (m->power.asleep) return CIPMUX_NEVER;
    if (modem_is_off(m)) return m->ready_at;
    uint64_t due = earliest(line_deadline(m), sender_deadline(m));
    due = earliest(due, slot_deadline(m));
    due = earliest(due, wake_deadline(m));
    due = earliest(due, server_deadline(m));
    due = earliest(due, links_deadline(m));
    due = earliest(due, provision_deadline(m));
    due = earliest(due, services_deadline(m));
    return earliest(due, wifi_deadline(m));
}

/* ---- UART in ---- */

static bool asks_pending(const modem_t *m)
{
    uint32_t asks = m->asks;
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        asks |= m->link[id].asks;
    return asks != 0;
}

/* A byte is dealt with only when whatever it may cause has room: an answer, requests, notes. Passthrough answers nothing,
 * and goes both ways at once. */
static bool takes_byte(const modem_t *m)
{
    if (m->line_held) return false;
    if (modem_is_off(m)) return true;
    if (!reply_has_room(m) && !sender_is_through(m)) return false;
    return !asks_pending(m) && m->note_fill + 3 <= NOTE_RING && sender_has_room(m);
}

size_t cipmux_sink(cipmux_t *modem, uint64_t now_us, const void *bytes, size_t n)
{
    modem_t *const m = self(modem);
    size_t         taken = 0;
    cipmux_tick(modem, now_us);
    sender_hear_silence(m);
    while (taken < n && takes_byte(m)) {
        const uint8_t byte = ((const uint8_t *)bytes)[taken++];
        if (modem_is_off(m))
            m->counters.bytes_while_off++;
        else if (sender_takes_bytes(m))
            sender_byte(m, byte);
        else
            line_byte(m, byte);
        settle(m);
    }
    return taken;
}

size_t cipmux_uart_buffer(const cipmux_t *modem, size_t *rts_at)
{
    const modem_t *const m = (const modem_t *)modem;
    *rts_at = (size_t)number(m, NUMBER_RTS_AT);
    return (size_t)number(m, NUMBER_UART_BUFFER);
}

/* ---- events ---- */

static cipmux_answer_t resolved(modem_t *m, const cipmux_event_t *event)
{
    if (!slot_resolves(m) || event->ticket != m->slot.ticket) {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    slot_resolved(m, &event->address);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t listening(modem_t *m, const cipmux_event_t *event)
{
    if (m->slot.wait != WAIT_SERVER) {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    if (event->cause == CIPMUX_CAUSE_NONE) {
        m->server.port = m->slot.port;
        slot_end(m, WAIT_SERVER, OUTCOME_DONE);
    } else {
        say(m, TEXT_SERVER_FAILURE);
        note(m, CIPMUX_REASON_CANNOT_LISTEN, -1, m->slot.port);
        slot_end(m, WAIT_SERVER, OUTCOME_FAILED);
    }
    return CIPMUX_TAKEN;
}

static cipmux_answer_t acked(modem_t *m, const cipmux_event_t *event)
{
    link_t *const link = link_find(m, event->link);
    if (link == NULL) {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    if (quirk(m, CIPMUX_QUIRK_IDLE_ACK_COUNTS)) link->since = m->now;
    if (segments_busy(link))
        segments_acked(m, event->link.id);
    else
        sender_acked(m, event->link.id);
    return CIPMUX_TAKEN;
}

/* The line runs at the ROM's rate. Behind the ROM's text comes the SDK's, then the line as it is set. */
static void say_aside(modem_t *m)
{
    if (m->aside == ASIDE_ROM)
        say_boot_text(m);
    else
        say(m, TEXT_BOOT_SDK);
    m->aside = m->aside == ASIDE_ROM ? ASIDE_SDK : ASIDE_NOTHING;
    m->asks |= ASK_LINE;
}

static cipmux_answer_t line_set(modem_t *m)
{
    if (!m->line_held) {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    m->line_held = false;
    if (m->aside != ASIDE_NOTHING) {
        say_aside(m);
        return CIPMUX_TAKEN;
    }
    measure_burst(m);
    slot_end(m, WAIT_LINE, OUTCOME_DONE);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t stored(modem_t *m, const cipmux_event_t *event)
{
    if (!m->storing) {
        m->counters.stale_events++;
        return CIPMUX_REFUSED;
    }
    m->storing = false;
    slot_end(m, WAIT_STORE, settings_stored(m, event) ? OUTCOME_DONE : OUTCOME_FAILED);
    return CIPMUX_TAKEN;
}

static cipmux_answer_t dispatch(modem_t *m, const cipmux_event_t *event, cipmux_link_t *assigned)
{
    cipmux_answer_t answer;
    if (link_event(m, event, &answer) || services_event(m, event, &answer)) return answer;
    switch ((unsigned)event->kind) {
    case CIPMUX_EVENT_RESOLVED: return resolved(m, event);
    case CIPMUX_EVENT_ACCEPT: return server_accept(m, event, assigned);
    case CIPMUX_EVENT_ACKED: return acked(m, event);
    case CIPMUX_EVENT_LISTENING: return listening(m, event);
    case CIPMUX_EVENT_SMART_TYPE:
    case CIPMUX_EVENT_SMART_CREDENTIALS:
    case CIPMUX_EVENT_WPS: return provision_event(m, event);
    case CIPMUX_EVENT_REFUSES: m->provision.refuses = (uint8_t)event->refuses; return CIPMUX_TAKEN;
    case CIPMUX_EVENT_STATION_JOINED:
    case CIPMUX_EVENT_STATION_LEASED:
    case CIPMUX_EVENT_STATION_LEFT: return soft_ap_event(m, event);
    default: return wifi_event(m, event);
    }
}

cipmux_answer_t cipmux_event(cipmux_t *modem, uint64_t now_us, const cipmux_event_t *event, cipmux_link_t *assigned)
{
    modem_t *const m = self(modem);
    cipmux_tick(modem, now_us);
    if (event->kind == CIPMUX_EVENT_RESET_PIN) {
        reset_pin(m);
        return CIPMUX_TAKEN;
    }
    if (event->kind == CIPMUX_EVENT_LINE_SET) return line_set(m);
    if (event->kind == CIPMUX_EVENT_STORED) return stored(m, event);
    if (event->kind == CIPMUX_EVENT_PINS) return io_told(m, event);
    if (!reply_has_room(m) || asks_pending(m) || m->note_fill + 3 > NOTE_RING) return CIPMUX_LATER;
    if (modem_is_off(m)) return CIPMUX_REFUSED;
    if (wake_holds(m, event)) return CIPMUX_LATER;
    const cipmux_answer_t answer = dispatch(m, event, assigned);
    settle(m);
    return answer;
}

/* ---- requests ---- */

static bool fetch_close(modem_t *m, cipmux_request_t *out)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        link_t *const link = &m->link[id];
        if ((link->asks & (LINK_ASK_HANG_UP | LINK_ASK_RETURN)) == 0) continue;
        out->link = link_handle(m, id);
        if ((link->asks & LINK_ASK_HANG_UP) != 0) {
            link->asks &= (uint8_t)~LINK_ASK_HANG_UP;
            out->kind = CIPMUX_REQUEST_HANG_UP;
            out->hang_up.reset = link->close_by_reset || m->tcp_option[id].linger_s == 0;
            if (m->tcp_option[id].linger_s > 0) out->hang_up.linger_s = (uint16_t)m->tcp_option[id].linger_s;
        } else {
            link->asks &= (uint8_t)~LINK_ASK_RETURN;
            out->kind = CIPMUX_REQUEST_RETURN;
            out->link.life = link->return_life;
        }
        if (link->state == LINK_CLOSING && link->asks == 0) link_step(m, id, LINK_FETCHED);
        return true;
    }
    return false;
}

static bool fetch_link(modem_t *m, cipmux_request_t *out)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        link_t *const link = &m->link[id];
        if (link->asks == 0) continue;
        out->link = link_handle(m, id);
        if ((link->asks & LINK_ASK_WATCH) != 0) {
            link->asks &= (uint8_t)~LINK_ASK_WATCH;
            out->kind = CIPMUX_REQUEST_WATCH;
            return true;
        }
        if ((link->asks & LINK_ASK_OPTION) != 0) {
            link->asks &= (uint8_t)~LINK_ASK_OPTION;
            out->kind = CIPMUX_REQUEST_OPTION;
            out->option.nodelay = m->tcp_option[id].nodelay;
            return true;
        }
        link->asks &= (uint8_t)~LINK_ASK_DIAL;
        out->kind = CIPMUX_REQUEST_DIAL;
        out->dial.type = (cipmux_type_t)link->type;
        out->dial.to = link->peer;
        out->dial.from = m->slot.from;
        out->dial.from.port = link->local_port;
        out->dial.keepalive_s = link->keepalive_s;
        out->dial.route = cipmux_route((const cipmux_t *)m, &link->peer);
        out->dial.name = m->host;
        out->dial.name_length = m->host_length;
        return true;
    }
    return false;
}

static const cipmux_line_t rom_line = { .baud = 74880, .data_bits = 8, .stop_bits = 1 };

static void fill(modem_t *m, uint32_t ask, cipmux_request_t *out)
{
    switch (ask) {
    case ASK_RADIO:
        out->kind = CIPMUX_REQUEST_RADIO;
        out->radio.station = wifi_station_on(m) && !modem_is_off(m);
        out->radio.soft_ap = wifi_soft_ap_on(m) && !modem_is_off(m);
        break;
    case ASK_SOFT_AP:
        out->kind = CIPMUX_REQUEST_SOFT_AP;
        soft_ap_fill(m, out);
        break;
    case ASK_KICK:
        out->kind = CIPMUX_REQUEST_KICK;
        soft_ap_fill_kick(m, out);
        break;
    case ASK_ADDRESS:
        out->kind = CIPMUX_REQUEST_ADDRESS;
        wifi_fill_address(m, out);
        break;
    case ASK_LEAVE: out->kind = CIPMUX_REQUEST_LEAVE; break;
    case ASK_STORE: out->kind = CIPMUX_REQUEST_STORE; break;
    case ASK_LINE:
        out->kind = m->rom_rate ? CIPMUX_REQUEST_ROM_LINE : CIPMUX_REQUEST_LINE;
        out->line = m->rom_rate ? rom_line : m->uart;
        break;
    case ASK_UNLISTEN: out->kind = CIPMUX_REQUEST_UNLISTEN; break;
    case ASK_PINS: io_fill(m, out); break;
    case ASK_SLEEP:
        out->kind = CIPMUX_REQUEST_SLEEP;
        out->sleep_ms = m->power.sleep_ms;
        break;
    case ASK_RESOLVE:
        out->kind = CIPMUX_REQUEST_RESOLVE;
        out->ticket = m->slot.ticket;
        out->resolve.name = m->slot.name;
        out->resolve.length = m->slot.name_length;
        out->resolve.family = m->slot.family;
        out->resolve.servers = m->names.list;
        break;
    case ASK_LISTEN:
        out->kind = CIPMUX_REQUEST_LISTEN;
        out->listen.port = m->slot.port;
        out->listen.family = m->server.family;
        break;
    case ASK_SMART:
    case ASK_WPS:
    case ASK_MDNS: provision_fill(m, ask, out); break;
    case ASK_PING:
    case ASK_TIME:
    case ASK_UPDATE: services_fill(m, ask, out); break;
    case ASK_JOIN:
        out->kind = CIPMUX_REQUEST_JOIN;
        wifi_fill_join(m, out);
        break;
    default:
        out->kind = CIPMUX_REQUEST_SCAN;
        wifi_fill_scan(m, out);
        break;
    }
}

/* What ends comes before what begins. */
bool cipmux_request(cipmux_t *modem, uint64_t now_us, cipmux_request_t *out)
{
    static const uint32_t order[] = { ASK_STORE,   ASK_PINS,     ASK_RADIO, ASK_LEAVE, ASK_SOFT_AP, ASK_KICK,
                                      ASK_ADDRESS, ASK_UNLISTEN, ASK_SMART, ASK_WPS,   ASK_MDNS,    ASK_RESOLVE,
                                      ASK_LISTEN,  ASK_JOIN,     ASK_SCAN,  ASK_PING,  ASK_TIME,    ASK_UPDATE };
    modem_t *const        m = self(modem);
    cipmux_tick(modem, now_us);
    *out = (cipmux_request_t){ 0 };
    if (fetch_close(m, out)) return true;
    if ((m->asks == ASK_LINE || m->asks == ASK_SLEEP) && reply_is_idle(m)) { /* barriers: behind all printed before */
        m->line_held = m->asks == ASK_LINE;
        if (m->line_held) m->rom_rate = m->aside != ASIDE_NOTHING;
        fill(m, m->asks, out);
        m->asks = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if ((m->asks & order[i]) == 0) continue;
        m->asks &= ~order[i];
        if (order[i] == ASK_STORE) m->storing = true;
        fill(m, order[i], out);
        return true;
    }
    return fetch_link(m, out);
}

/* ---- what the modem is doing ---- */

cipmux_line_t cipmux_line(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    return m->rom_rate ? rom_line : m->uart;
}

cipmux_phase_t cipmux_phase(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    if (modem_is_off(m)) return CIPMUX_PHASE_OFF;
    if (m->sender.state == SENDER_COLLECTING) return CIPMUX_PHASE_COLLECTING;
    if (sender_is_through(m)) return CIPMUX_PHASE_PASSTHROUGH;
    return modem_is_busy(m) ? CIPMUX_PHASE_BUSY : CIPMUX_PHASE_COMMAND;
}

size_t cipmux_collecting(const cipmux_t *modem)
{
    const sender_t *const s = &((const modem_t *)modem)->sender;
    return s->state == SENDER_COLLECTING ? (size_t)(s->expected - s->taken) : 0;
}

cipmux_route_t cipmux_route(const cipmux_t *modem, const cipmux_address_t *to)
{
    const modem_t *const m = (const modem_t *)modem;
    if (soft_ap_reaches(m, to)) return CIPMUX_BY_SOFT_AP;
    return wifi_has_address(m) ? CIPMUX_BY_STATION : CIPMUX_NO_ROUTE;
}

/* ---- notes ---- */

void note(modem_t *m, cipmux_reason_t reason, int link, int32_t value)
{
    if (m->note_fill == NOTE_RING) {
        m->counters.notes_lost++;
        return;
    }
    note_t *const n = &m->note[(m->note_head + m->note_fill++) % NOTE_RING];
    *n = (note_t){ .reason = (uint8_t)reason, .link = (int8_t)link, .number = value };
    if (m->slot.command == NULL) return;
    const char *const name = m->slot.command->name;
    memcpy(n->text, "AT", 2);
    for (size_t i = 0; i < NOTE_TEXT - 3 && name[i] != '\0'; i++)
        n->text[i + 2] = name[i];
}

bool cipmux_note(cipmux_t *modem, cipmux_note_t *out)
{
    modem_t *const m = self(modem);
    if (m->note_fill == 0) return false;
    const note_t *const n = &m->note[m->note_head];
    *out = (cipmux_note_t){ .reason = (cipmux_reason_t)n->reason, .link = n->link, .number = n->number };
    memcpy(out->text, n->text, sizeof n->text);
    m->note_head = (uint8_t)((m->note_head + 1) % NOTE_RING);
    m->note_fill--;
    return true;
}

cipmux_counters_t cipmux_counters(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->counters;
}
