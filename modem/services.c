/* Name servers, ping, SNTP and the update: chapters 3.21 and 3.24-3.27 of the reference. */
#include "internal.h"

#include <string.h>

/* ---- AT+CIPALIVE [3.21] ---- */

verdict_t query_cipalive(modem_t *m)
{
    bool any = false;
    if (quirk(m, CIPMUX_QUIRK_ALIVE_EACH)) say(m, TEXT_ALIVE_HEAD);
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        if (!link_is_open(m, id) || m->link[id].keepalive_s == 0) continue;
        say(m, TEXT_ALIVE, id, m->link[id].keepalive_s);
        any = true;
    }
    if (!any) say(m, TEXT_ALIVE_NONE);
    return VERDICT_OK;
}

/* ---- AT+CIPDNS, _CUR, _DEF [3.24] ---- */

static const cipmux_name_servers_t fallback = { .server = { { 208, 67, 222, 222 }, { 8, 8, 8, 8 } }, .count = 1 };

static bool given(const uint8_t ip[4])
{
    return (ip[0] | ip[1] | ip[2] | ip[3]) != 0;
}

static void take_leased(modem_t *m)
{
    m->names.list = fallback;
    if (given(m->leased_name_server)) memcpy(m->names.list.server[0], m->leased_name_server, 4);
}

void services_leased(modem_t *m, const uint8_t name_server[4])
{
    memcpy(m->leased_name_server, name_server, 4);
    if (!m->names.manual) take_leased(m);
}

/* nonos shows every place, esp-at those that are set. */
verdict_t query_cipdns(modem_t *m)
{
    static const uint8_t        none[4];
    const name_servers_t *const names = m->slot.command->variant == VARIANT_DEF ? &m->saved.names : &m->names;
    const bool                  all = text_of(m, TEXT_DNS_HEAD) == NULL;
    say(m, TEXT_DNS_HEAD, names->manual);
    for (int32_t i = 0; i < (all ? number(m, NUMBER_NAME_SERVERS) : names->list.count); i++)
        say(m, TEXT_DNS_SERVER, i < names->list.count ? names->list.server[i] : none);
    say(m, TEXT_LINE_END);
    return VERDICT_OK;
}

/* The servers of `=1,"<first>","<second>"...`. VERDICT_OK, or the refusal. */
static verdict_t read_servers(modem_t *m, const args_t *args, cipmux_name_servers_t *out)
{
    static const text_t words[CIPMUX_NAME_SERVERS][2] = { { TEXT_IP1_ERROR, TEXT_IP1_INVALID },
                                                          { TEXT_IP2_ERROR, TEXT_IP2_INVALID },
                                                          { TEXT_NONE, TEXT_NONE } };
    for (size_t i = 0; i + 1 < args->count && i < CIPMUX_NAME_SERVERS; i++) {
        const arg_t *const arg = &args->at[i + 1];
        if (arg->kind == ARG_EMPTY && m->family == FAMILY_ESP_AT) continue;
        if (arg->kind != ARG_TEXT) return refuse_argument(m, FAULT_TYPE, i + 1, words[i][0]);
        if (!parse_ip4(arg->text, arg->length, out->server[out->count]))
            return refuse_argument(m, FAULT_PARSE, i + 1, words[i][1]);
        for (size_t before = 0; before < out->count; before++)
            if (!quirk(m, CIPMUX_QUIRK_DNS_EQUAL) && memcmp(out->server[before], out->server[out->count], 4) == 0)
                return refuse(m, CIPMUX_REASON_SAME_SERVER, TEXT_NONE);
        out->count++;
    }
    return VERDICT_OK;
}

verdict_t set_cipdns(modem_t *m, args_t *args)
{
    name_servers_t     names = { .manual = false };
    const arg_t *const on = &args->at[0];
    if (on->kind != ARG_NUMBER || on->number < 0 || on->number > 1)
        return refuse_argument(m, FAULT_VALUE, 0, TEXT_NONE);
    if (args->count > 1 + number(m, NUMBER_NAME_SERVERS))
        return refuse_argument(m, FAULT_COUNT, args->count - 1u, TEXT_NONE);
    const verdict_t verdict = read_servers(m, args, &names.list);
    if (verdict != VERDICT_OK) return verdict;
    names.manual = on->number == 1;
    if (!names.manual || names.list.count == 0) {
        names.list = fallback;
        if (names.manual && quirk(m, CIPMUX_QUIRK_DNS_SECOND)) names.list.count = 2;
    }
    m->names = names;
    if (settings_wanted(m)) m->saved.names = names;
    if (!names.manual && quirk(m, CIPMUX_QUIRK_DNS_AT_ONCE) && wifi_has_address(m)) take_leased(m);
    return VERDICT_OK;
}

/* ---- AT+PING [3.26] ---- */

static verdict_t echo(modem_t *m)
{
    m->asks |= ASK_PING;
    return slot_wait(m, WAIT_ECHO);
}

verdict_t set_ping(modem_t *m, args_t *args)
{
    const arg_t *const host = &args->at[0];
    cipmux_address_t   to = { .family = 4 };
    if (!is_host(m, host)) return refuse_argument(m, FAULT_PARSE, 0, TEXT_NONE);
    if (!wifi_has_address(m) && !wifi_soft_ap_on(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NONE);
    m->slot.from = to;
    if (parse_ip4(host->text, host->length, m->slot.from.bytes)) return echo(m);
    if (!wifi_has_address(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NONE);
    m->slot.name = host->text;
    m->slot.name_length = (uint8_t)host->length;
    m->slot.family = m->cipv6 ? 0 : 4;
    m->asks |= ASK_RESOLVE;
    return slot_wait(m, WAIT_HOST);
}

void services_found(modem_t *m, const cipmux_address_t *address)
{
    if (address->family == 0) {
        say(m, TEXT_PING_NO_NAME);
        note(m, CIPMUX_REASON_DNS_FAIL, -1, 0);
        slot_end(m, WAIT_HOST, OUTCOME_FAILED);
        return;
    }
    m->slot.from = *address;
    echo(m);
}

static void ping_failed(modem_t *m)
{
    say(m, TEXT_PING_TIMEOUT);
    note(m, CIPMUX_REASON_PING_FAILED, -1, 0);
    slot_end(m, WAIT_ECHO, OUTCOME_FAILED);
}

static bool pong(modem_t *m, const cipmux_event_t *event)
{
    if (m->slot.wait != WAIT_ECHO || event->ticket != m->slot.ticket) return false;
    if (event->cause != CIPMUX_CAUSE_NONE) {
        ping_failed(m);
        return true;
    }
    say(m, TEXT_PONG, (int)event->ms);
    slot_end(m, WAIT_ECHO, OUTCOME_DONE);
    return true;
}

/* ---- AT+CIPSNTPCFG, AT+CIPSNTPTIME [3.25, services 5] ---- */

static const char *const default_servers[SNTP_SERVERS] = { "cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org" };

static size_t sntp_servers(const sntp_t *s)
{
    return s->count > 0 ? s->count : SNTP_SERVERS;
}

static const char *sntp_server(const sntp_t *s, size_t index, size_t *length)
{
    *length = s->count > 0 ? s->length[index] : strlen(default_servers[index]);
    return s->count > 0 ? s->server[index] : default_servers[index];
}

verdict_t query_cipsntpcfg(modem_t *m)
{
    const sntp_t *const s = &m->sntp;
    if (!s->on) {
        say(m, TEXT_SNTP_OFF);
        return VERDICT_OK;
    }
    say(m, TEXT_SNTP_ON, s->zone_min / 60);
    for (size_t i = 0; i < sntp_servers(s); i++) {
        size_t            length;
        const char *const server = sntp_server(s, i, &length);
        say(m, TEXT_SNTP_SERVER, server, (int)length);
    }
    say(m, TEXT_SNTP_END);
    return VERDICT_OK;
}

/* Hours, or beyond their range [+-]hhmm. False: neither. */
static bool read_zone(const modem_t *m, int32_t typed, int16_t *minutes)
{
    *minutes = (int16_t)(typed * 60);
    if (m->family == FAMILY_NONOS || (typed >= -12 && typed <= 14)) return true;
    *minutes = (int16_t)(typed / 100 * 60 + typed % 100);
    return typed % 100 > -60 && typed % 100 < 60;
}

verdict_t set_cipsntpcfg(modem_t *m, args_t *args)
{
    sntp_t sntp = { .on = args->at[0].number == 1, .zone_min = m->sntp.zone_min };
    if (sntp.on && !arg_given(args, 1) && m->family == FAMILY_NONOS)
        return refuse_argument(m, FAULT_COUNT, 1, TEXT_NONE);
    if (arg_given(args, 1) && !read_zone(m, args->at[1].number, &sntp.zone_min))
        return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    for (size_t i = 2; i < args->count; i++) {
        const arg_t *const arg = &args->at[i];
        if (arg->kind != ARG_TEXT || arg->length == 0) continue;
        memcpy(sntp.server[sntp.count], arg->text, arg->length);
        sntp.length[sntp.count++] = (uint8_t)arg->length;
    }
    sntp.due = m->now;
    m->sntp = sntp;
    m->asks &= ~(uint32_t)ASK_TIME;
    return VERDICT_OK;
}

static char *two_digits(char *out, unsigned value, char pad)
{
    *out++ = value < 10 ? pad : (char)('0' + value / 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

static char *letters(char *out, const char *names, unsigned index)
{
    memcpy(out, names + (size_t)index * 3, 3);
    out[3] = ' ';
    return out + 4;
}

/* Days since 1970-01-01 to a date of the Gregorian calendar. */
static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468; /* to 0000-03-01, so that a leap day ends its year */
    const int64_t  era = (days >= 0 ? days : days - 146096) / 146097;
    const unsigned of_era = (unsigned)(days - era * 146097);
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * march + 2) / 5 + 1;
    *month = march < 10 ? march + 3 : march - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* `Www Mmm DD HH:MM:SS YYYY`, terminated. */
static void text_time(const modem_t *m, char *out, int64_t seconds)
{
    const int64_t  days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    const unsigned rest = (unsigned)(seconds - days * 86400);
    int64_t        year;
    unsigned       month, day;
    date_of(days, &year, &month, &day);
    out = letters(out, "ThuFriSatSunMonTueWed", (unsigned)((days % 7 + 7) % 7));
    out = letters(out, "JanFebMarAprMayJunJulAugSepOctNovDec", month - 1);
    out = two_digits(out, day, text_of(m, TEXT_DAY_PAD)[0]);
    *out++ = ' ';
    out = two_digits(out, rest / 3600, '0');
    *out++ = ':';
    out = two_digits(out, rest / 60 % 60, '0');
    *out++ = ':';
    out = two_digits(out, rest % 60, '0');
    *out++ = ' ';
    out[text_number(out, year)] = '\0';
}

verdict_t query_cipsntptime(modem_t *m)
{
    char    text[40];
    int64_t seconds = 0;
    if (!m->sntp.on && quirk(m, CIPMUX_QUIRK_SNTP_OFF_FAILS)) return refuse(m, CIPMUX_REASON_SNTP_OFF, TEXT_NONE);
    if (m->utc.set || quirk(m, CIPMUX_QUIRK_SNTP_COUNTS)) seconds = ((int64_t)m->now + m->utc.offset_us) / 1000000;
    if (m->utc.set) seconds += (int64_t)m->sntp.zone_min * 60;
    text_time(m, text, seconds);
    say(m, TEXT_SNTP_TIME, text);
    return VERDICT_OK;
}

static void ask_time(modem_t *m)
{
    m->sntp.asking = true;
    m->sntp.asked = m->now;
    m->sntp.due = m->now + time_us(m, CIPMUX_TIME_SNTP_RETRY);
    m->sntp.ticket = ++m->tickets;
    m->asks |= ASK_TIME;
}

/* The next server is asked at once; behind the last one there is a pause since the last question. */
static void time_failed(modem_t *m)
{
    sntp_t *const s = &m->sntp;
    note(m, CIPMUX_REASON_SNTP_FAILED, -1, s->current + 1);
    s->asking = false;
    s->current = (uint8_t)((s->current + 1u) % sntp_servers(s));
    s->due = s->current > 0 ? m->now : s->asked + time_us(m, CIPMUX_TIME_SNTP_RETRY);
}

static bool time_told(modem_t *m, const cipmux_event_t *event)
{
    sntp_t *const s = &m->sntp;
    if (!s->asking || event->ticket != s->ticket) return false;
    if (event->cause != CIPMUX_CAUSE_NONE) {
        time_failed(m);
        return true;
    }
    m->utc = (utc_t){ .offset_us = (int64_t)event->utc_us - (int64_t)m->now, .set = true };
    s->asking = false;
    s->due = m->now + time_us(m, CIPMUX_TIME_SNTP_UPDATE);
    return true;
}

static uint64_t sntp_deadline(const modem_t *m)
{
    const sntp_t *const s = &m->sntp;
    return s->on && (s->asking || wifi_has_address(m)) ? s->due : CIPMUX_NEVER;
}

/* ---- AT+CIUPDATE [3.27] ---- */

verdict_t query_ciupdate(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->update.state);
    return VERDICT_OK;
}

static verdict_t start_update(modem_t *m, const update_t *wanted)
{
    if (m->update.running) return refuse(m, CIPMUX_REASON_UPDATE_RUNS, TEXT_NONE);
    if (!wifi_has_address(m)) return refuse(m, CIPMUX_REASON_NO_IP, TEXT_NONE);
    m->update = *wanted;
    m->update.since = m->now;
    m->update.running = true;
    m->update.ticket = ++m->tickets;
    m->asks |= ASK_UPDATE;
    return wanted->in_background ? VERDICT_OK : slot_wait(m, WAIT_UPDATE);
}

verdict_t run_ciupdate(modem_t *m)
{
    const update_t wanted = { .version = "", .partition = "" };
    return start_update(m, &wanted);
}

/* =<http or https>[,"<version>"][,"<partition>"][,<in the background>] */
verdict_t set_ciupdate(modem_t *m, args_t *args)
{
    const arg_t *const at = args->at;
    update_t           wanted = { .https = at[0].number == 1, .version = "", .partition = "" };
    if (arg_given(args, 1)) {
        wanted.version = at[1].text;
        wanted.version_length = (uint8_t)at[1].length;
    }
    if (arg_given(args, 2)) {
        wanted.partition = at[2].text;
        wanted.partition_length = (uint8_t)at[2].length;
        wanted.data = at[2].length > 0 && !same_text(at[2].text, at[2].length, "ota");
    }
    wanted.in_background = arg_given(args, 3) && at[3].number == 1;
    return start_update(m, &wanted);
}

/* The URL of AT+USEROTA is there: http only. Its answer comes when all is done; AT+CIUPDATE? knows nothing of it. */
void services_update_from(modem_t *m, const char *url, uint16_t length)
{
    static const char scheme[] = "http://";
    update_t          wanted = { .version = "", .partition = "", .state = m->update.state };
    verdict_t         verdict = VERDICT_ERROR;
    wanted.url = url;
    wanted.url_length = length;
    slot_wait(m, WAIT_UPDATE);
    if (length < sizeof scheme || memcmp(url, scheme, sizeof scheme - 1) != 0)
        note(m, CIPMUX_REASON_NO_HTTP_URL, -1, 0);
    else
        verdict = start_update(m, &wanted);
    if (verdict == VERDICT_ERROR) slot_end(m, WAIT_UPDATE, OUTCOME_FAILED);
}

static void update_ends(modem_t *m, bool done)
{
    update_t *const u = &m->update;
    u->running = false;
    if (!done) {
        note(m, CIPMUX_REASON_UPDATE_FAILED, -1, u->step + 1);
        if (u->url == NULL) u->state = -1;
        if (u->in_background) say_event(m, TEXT_UPDATE_STEP, -1);
    }
    if (u->in_background) return;
    if (!u->data) m->slot.after = AFTER_RESTART;
    if (done && !u->data) m->saved.other_image = true; /* the one that ran until now */
    slot_end(m, WAIT_UPDATE, done ? OUTCOME_DONE : OUTCOME_FAILED);
}

static bool update_told(modem_t *m, const cipmux_event_t *event)
{
    update_t *const u = &m->update;
    if (!u->running || event->ticket != u->ticket) return false;
    if (event->cause != CIPMUX_CAUSE_NONE || event->step < 1 || event->step > 4) {
        update_ends(m, event->cause == CIPMUX_CAUSE_NONE);
        return true;
    }
    u->step = event->step;
    if (u->url != NULL) return true;
    u->state = (int8_t)event->step;
    say_event(m, TEXT_UPDATE_STEP, event->step);
    return true;
}

/* ---- requests, events, time ---- */

void services_start(modem_t *m)
{
    m->names = m->saved.names;
    m->sntp = (sntp_t){ 0 };
    m->update = (update_t){ 0 };
}

void services_fill(const modem_t *m, uint32_t ask, cipmux_request_t *out)
{
    switch (ask) {
    case ASK_PING:
        out->kind = CIPMUX_REQUEST_PING;
        out->ticket = m->slot.ticket;
        out->ping.to = m->slot.from;
        out->ping.route = cipmux_route((const cipmux_t *)m, &out->ping.to);
        break;
    case ASK_TIME:
        out->kind = CIPMUX_REQUEST_TIME;
        out->ticket = m->sntp.ticket;
        out->time.name = sntp_server(&m->sntp, m->sntp.current, &out->time.length);
        out->time.servers = m->names.list;
        break;
    default:
        out->kind = CIPMUX_REQUEST_UPDATE;
        out->ticket = m->update.ticket;
        out->update.https = m->update.https;
        out->update.url = m->update.url;
        out->update.url_length = m->update.url_length;
        out->update.version = m->update.version;
        out->update.version_length = m->update.version_length;
        out->update.partition = m->update.partition;
        out->update.partition_length = m->update.partition_length;
        break;
    }
}

/* PONG, TIME, UPDATE. False: not an event of this file. */
bool services_event(modem_t *m, const cipmux_event_t *event, cipmux_answer_t *answer)
{
    bool taken;
    switch ((unsigned)event->kind) {
    case CIPMUX_EVENT_PONG: taken = pong(m, event); break;
    case CIPMUX_EVENT_TIME: taken = time_told(m, event); break;
    case CIPMUX_EVENT_UPDATE: taken = update_told(m, event); break;
    default: return false;
    }
    if (!taken) m->counters.stale_events++;
    *answer = taken ? CIPMUX_TAKEN : CIPMUX_REFUSED;
    return true;
}

static uint64_t update_deadline(const modem_t *m)
{
    const uint64_t due = m->update.since + time_us(m, CIPMUX_TIME_UPDATE_LIMIT);
    if (!m->update.running) return CIPMUX_NEVER;
    return m->update.in_background ? wake_defers(m, due) : due;
}

static uint64_t ping_deadline(const modem_t *m)
{
    return m->slot.wait == WAIT_ECHO ? m->slot.since + time_us(m, CIPMUX_TIME_PING_LIMIT) : CIPMUX_NEVER;
}

uint64_t services_deadline(const modem_t *m)
{
    return earliest(earliest(ping_deadline(m), sntp_deadline(m)), update_deadline(m));
}

void services_tick(modem_t *m)
{
    if (m->now >= ping_deadline(m)) ping_failed(m);
    if (m->now >= update_deadline(m) && (!m->update.in_background || wake_host(m))) update_ends(m, false);
    if (m->now < sntp_deadline(m)) return;
    if (m->sntp.asking) {
        time_failed(m);
        m->sntp.due = m->now; /* it was silent for as long as the pause is */
    }
    if (wifi_has_address(m)) ask_time(m);
}
