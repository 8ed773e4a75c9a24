/* Echoes, SNTP, names and updates of simulated hosts: see hosts.h. */
#include "hosts.h"

#include <string.h>

void hosts_init(hosts_t *hosts)
{
    memset(hosts, 0, sizeof *hosts);
}

void hosts_client_init(hosts_client_t *client)
{
    memset(client, 0, sizeof *client);
}

bool hosts_same(const cipmux_address_t *a, const cipmux_address_t *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 6 ? 16 : 4) == 0;
}

/* ---- Who is mentioned ------------------------------------------------------------------------------------------ */

const hosts_time_t *hosts_time(const hosts_t *hosts, const char *name, size_t length)
{
    const hosts_time_t *any = NULL;
    for (size_t i = 0; i < hosts->times; i++) {
        const char *known = hosts->time[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            return &hosts->time[i];
        }
        any = strcmp(known, "any") == 0 ? &hosts->time[i] : any;
    }
    return any;
}

bool hosts_name_server_is_dead(const hosts_t *hosts, const uint8_t ip[4])
{
    bool dead = hosts->names_dead;
    for (size_t i = 0; i < hosts->name_servers; i++) {
        dead = dead || (hosts->name_server[i].dead && memcmp(hosts->name_server[i].ip, ip, 4) == 0);
    }
    return dead;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static bool ping(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, const cipmux_request_t *request)
{
    const cipmux_address_t *to = &request->ping.to;
    client->ping.used = false;
    for (size_t i = 0; i < hosts->pings; i++) {
        if (!hosts_same(&hosts->ping[i].at, to)) {
            continue;
        }
        client->ping = (hosts_wait_t){ !hosts->ping[i].lost, request->ticket, now_us + hosts->ping[i].us };
        client->ping_ms = (uint32_t)(hosts->ping[i].us / 1000);
        return true;
    }
    return false;
}

static bool ask_time(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, const cipmux_request_t *request)
{
    const hosts_time_t *said = hosts_time(hosts, request->time.name, request->time.length);
    client->time.used = false;
    if (said == NULL) {
        return false;
    }
    bool answers = said->kind != HOSTS_TIME_SILENT;
    client->time = (hosts_wait_t){ answers, request->ticket, now_us + said->after_us };
    client->time_cause = said->kind == HOSTS_TIME_SAID ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_UNREACHABLE;
    client->time_utc_us = said->utc_us + (client->time.due_us - said->said_us);
    return true;
}

bool hosts_request(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, const cipmux_request_t *request)
{
    switch ((unsigned)request->kind) {
    case CIPMUX_REQUEST_PING: return ping(hosts, client, now_us, request);
    case CIPMUX_REQUEST_TIME: return ask_time(hosts, client, now_us, request);
    case CIPMUX_REQUEST_UPDATE:
        client->update = (hosts_wait_t){ true, request->ticket, now_us + hosts->update_us };
        client->step = 0;
        return true;
    default: return false;
    }
}

/* ---- Events ---------------------------------------------------------------------------------------------------- */

/* True: it is due and the modem has it, or will never want it. */
static bool offer(hosts_wait_t *wait, uint64_t now_us, cipmux_t *modem, cipmux_event_t *event)
{
    event->ticket = wait->ticket;
    if (!wait->used || now_us < wait->due_us || cipmux_event(modem, now_us, event, NULL) == CIPMUX_LATER) {
        return false;
    }
    wait->used = false;
    return true;
}

static bool offer_time(hosts_client_t *client, uint64_t now_us, cipmux_t *modem)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_TIME, .cause = client->time_cause };
    event.utc_us = client->time_utc_us + (now_us - client->time.due_us);
    return offer(&client->time, now_us, modem, &event);
}

static bool offer_update(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, cipmux_t *modem)
{
    bool           good = client->step < hosts->update_steps;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_UPDATE, .step = (uint8_t)(client->step + 1) };
    event.cause = good ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_UNREACHABLE;
    if ((!good && hosts->update_hangs) || !offer(&client->update, now_us, modem, &event)) {
        return false;
    }
    client->step++;
    client->update.used = good && client->step < 5;
    client->update.due_us = now_us + hosts->update_us;
    return true;
}

bool hosts_offer(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, cipmux_t *modem)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_PONG, .ms = client->ping_ms };
    bool           moved = offer(&client->ping, now_us, modem, &event);
    moved = offer_time(client, now_us, modem) || moved;
    return offer_update(hosts, client, now_us, modem) || moved;
}

uint64_t hosts_deadline(const hosts_client_t *client, uint64_t now_us)
{
    const hosts_wait_t *const waits[] = { &client->ping, &client->time, &client->update };
    uint64_t                  due_us = CIPMUX_NEVER;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        if (waits[i]->used && waits[i]->due_us > now_us && waits[i]->due_us < due_us) {
            due_us = waits[i]->due_us;
        }
    }
    return due_us;
}
