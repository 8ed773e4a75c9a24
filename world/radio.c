/* The simulated radio: see radio.h.
 *
 * A station that joined remembers the access point's epoch. Whatever throws stations out only changes that number; each
 * station finds out by itself at its next radio_offer(). */
#include "radio_parts.h"

#include <string.h>

static const uint8_t first_bssid[6] = { 2, 0, 0, 0, 0, 1 };

/* ---- Life ------------------------------------------------------------------------------------------------------ */

void radio_init(radio_t *radio)
{
    memset(radio, 0, sizeof *radio);
    radio_ap_t *ap = radio_ap(radio, first_bssid);
    memcpy(ap->seen.ssid, "lab", 3);
    ap->seen.ssid_length = 3;
    ap->seen.channel = 6;
    ap->seen.rssi = -50;
    radio_ap_password(ap, "password", 8);
}

void radio_station_init(radio_station_t *station, uint8_t number)
{
    memset(station, 0, sizeof *station);
    station->number = number;
}

static bool is_heard(const radio_ap_t *ap)
{
    return ap->used && !ap->off_air && ap->seen.rssi >= RADIO_FLOOR;
}

/* ---- Which access point is meant ------------------------------------------------------------------------------- */

bool radio_same_name(const cipmux_ap_t *ap, const uint8_t *ssid, size_t length)
{
    return ap->ssid_length == length && memcmp(ap->ssid, ssid, length) == 0;
}

static bool on_channels(const radio_ap_t *ap, uint8_t first, uint8_t channels)
{
    return channels == 0 || (ap->seen.channel >= first && ap->seen.channel < first + channels);
}

static bool scan_shows(const radio_station_t *station, const radio_ap_t *ap)
{
    if (!is_heard(ap) || radio_soft_ap_is_of(ap, station) ||
        !on_channels(ap, station->scan.first_channel, station->scan.channels)) {
        return false;
    }
    if (station->scan.ssid_length != 0 && !radio_same_name(&ap->seen, station->scan.ssid, station->scan.ssid_length)) {
        return false;
    }
    if (!station->scan.any_bssid && memcmp(ap->seen.bssid, station->scan.bssid, 6) != 0) {
        return false;
    }
    return station->scan.channel == 0 || station->scan.channel == ap->seen.channel;
}

static bool join_fits(const radio_station_t *station, const radio_ap_t *ap)
{
    if (!is_heard(ap) || radio_soft_ap_is_of(ap, station) ||
        !radio_same_name(&ap->seen, station->join.ssid, station->join.ssid_length) ||
        !on_channels(ap, station->join.first_channel, station->join.channels)) {
        return false;
    }
    if (!station->join.any_bssid && memcmp(ap->seen.bssid, station->join.bssid, 6) != 0) {
        return false;
    }
    return !(station->join.refuse_open && ap->seen.security <= 1) && ap->seen.security >= station->join.auth_floor;
}

/* The access point that a scan reports next: in the order of the air, or the strongest. RADIO_APS: none is left. */
static size_t scan_next(const radio_t *radio, const radio_station_t *station)
{
    size_t best = RADIO_APS;
    for (size_t i = 0; i < RADIO_APS; i++) {
        if ((station->scanned >> i & 1) != 0 || !scan_shows(station, &radio->ap[i])) {
            continue;
        }
        if (best == RADIO_APS || (station->scan.by_signal && radio->ap[i].seen.rssi > radio->ap[best].seen.rssi)) {
            best = i;
        }
    }
    return best;
}

/* The access point that a join means: the first that fits, or the strongest. RADIO_APS: none. */
static size_t join_target(const radio_t *radio, const radio_station_t *station)
{
    size_t best = RADIO_APS;
    for (size_t i = 0; i < RADIO_APS; i++) {
        if (!join_fits(station, &radio->ap[i])) {
            continue;
        }
        if (best == RADIO_APS || (station->join.strongest && radio->ap[i].seen.rssi > radio->ap[best].seen.rssi)) {
            best = i;
        }
    }
    return best;
}

bool radio_password_fits(const radio_ap_t *ap, const uint8_t *password, size_t length)
{
    return ap->seen.security == 0 ||
           (ap->password_length == length && memcmp(ap->password, password, ap->password_length) == 0);
}

static cipmux_cause_t join_verdict(const radio_station_t *station, const radio_ap_t *ap)
{
    if (ap->refuses) {
        return CIPMUX_CAUSE_JOIN_REFUSED;
    }
    return radio_password_fits(ap, station->join.password, station->join.password_length) ? CIPMUX_CAUSE_NONE
                                                                                          : CIPMUX_CAUSE_PASSWORD;
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static radio_member_t *member_of(radio_t *radio, const radio_station_t *station)
{
    return radio_member(radio, station->ap, station->join.mac);
}

static void stop_joining(radio_t *radio, radio_station_t *station)
{
    if (station->joined && radio->ap[station->ap].owner != 0) {
        radio_member_leaves(radio, member_of(radio, station));
    }
    station->joining = station->joined = station->leasing = station->advertising = station->silent = false;
    memset(station->address, 0, 4);
}

static void start_scan(radio_station_t *station, uint64_t now_us, const cipmux_request_t *request)
{
    station->scanning = true;
    station->scanned = 0;
    station->scan_ticket = request->ticket;
    station->scan_due_us = now_us + (uint64_t)request->scan.duration_ms * 1000;
    station->scan.ssid_length = request->scan.ssid_length;
    if (request->scan.ssid_length != 0) {
        memcpy(station->scan.ssid, request->scan.ssid, request->scan.ssid_length);
    }
    station->scan.channel = request->scan.channel;
    station->scan.first_channel = request->scan.first_channel;
    station->scan.channels = request->scan.channels;
    station->scan.by_signal = request->scan.by_signal;
    station->scan.any_bssid = request->scan.any_bssid;
    memcpy(station->scan.bssid, request->scan.bssid, 6);
}

static void start_join(radio_t *radio, radio_station_t *station, uint64_t now_us, const cipmux_request_t *request)
{
    stop_joining(radio, station);
    station->joining = true;
    station->join_delayed = false;
    station->join_ticket = request->ticket;
    station->join_due_us = now_us + (uint64_t)request->join.associate_ms * 1000;
    station->lease_ms = request->join.lease_ms;
    station->join.ssid_length = request->join.ssid_length;
    if (request->join.ssid_length != 0) {
        memcpy(station->join.ssid, request->join.ssid, request->join.ssid_length);
    }
    station->join.password_length = request->join.password_length;
    if (request->join.password_length != 0) {
        memcpy(station->join.password, request->join.password, request->join.password_length);
    }
    station->join.first_channel = request->join.first_channel;
    station->join.channels = request->join.channels;
    station->join.any_bssid = request->join.any_bssid;
    memcpy(station->join.bssid, request->join.bssid, 6);
    station->join.refuse_open = request->join.refuse_open;
    station->join.auth_floor = request->join.auth_floor;
    station->silence_ms = request->join.silence_ms;
    station->join.strongest = request->join.strongest;
    station->join.dhcp = request->join.dhcp;
    memcpy(station->join.mac, request->join.mac, 6);
    memcpy(station->join.address, request->join.address, 4);
}

/* `ip` NULL: none. */
static void set_address(radio_station_t *station, const uint8_t *ip)
{
    memset(station->address, 0, 4);
    if (ip != NULL) {
        memcpy(station->address, ip, 4);
    }
}

/* The joined station asks for an address from now on, or has one of its own. */
static void readdress(radio_t *radio, radio_station_t *station, uint64_t now_us, const cipmux_request_t *request)
{
    if (!station->joined) {
        return;
    }
    const radio_ap_t *ap = &radio->ap[station->ap];
    set_address(station, request->address.dhcp ? NULL : request->address.address);
    station->leasing = request->address.dhcp && !ap->no_dhcp;
    station->lease_due_us = now_us + (uint64_t)request->address.lease_ms * 1000 + ap->lease_us;
    if (ap->owner != 0) {
        radio_member_address(radio, member_of(radio, station), request->address.dhcp ? NULL : request->address.address,
                             station->lease_due_us);
    }
}

bool radio_serves(const cipmux_request_t *request)
{
    return request->kind == CIPMUX_REQUEST_SCAN || request->kind == CIPMUX_REQUEST_JOIN ||
           request->kind == CIPMUX_REQUEST_LEAVE || request->kind == CIPMUX_REQUEST_RADIO ||
           request->kind == CIPMUX_REQUEST_SMART || request->kind == CIPMUX_REQUEST_WPS ||
           request->kind == CIPMUX_REQUEST_SOFT_AP || request->kind == CIPMUX_REQUEST_KICK ||
           request->kind == CIPMUX_REQUEST_ADDRESS;
}

void radio_request(radio_t *radio, radio_station_t *station, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind == CIPMUX_REQUEST_SCAN) {
        start_scan(station, now_us, request);
    } else if (request->kind == CIPMUX_REQUEST_JOIN) {
        start_join(radio, station, now_us, request);
    } else if (request->kind == CIPMUX_REQUEST_LEAVE) {
        stop_joining(radio, station);
    } else if (request->kind == CIPMUX_REQUEST_ADDRESS) {
        readdress(radio, station, now_us, request);
    } else if (request->kind == CIPMUX_REQUEST_SOFT_AP) {
        radio_soft_ap_set(radio, station, request);
    } else if (request->kind == CIPMUX_REQUEST_KICK) {
        radio_soft_ap_kicks(radio, station, request->kick.mac);
    } else if (request->kind == CIPMUX_REQUEST_RADIO) {
        if (!request->radio.station) {
            stop_joining(radio, station);
            station->scanning = false;
        }
        if (!request->radio.soft_ap) {
            radio_soft_ap_off(radio, station);
        }
    } else if (request->kind == CIPMUX_REQUEST_SMART) {
        station->smart = request->provision.on;
        station->smart_timed = station->smart_typed = false;
        station->smart_ticket = request->ticket;
    } else if (request->kind == CIPMUX_REQUEST_WPS) {
        station->wps = request->provision.on;
        station->wps_floor = request->provision.auth_floor;
        station->wps_ticket = request->ticket;
    }
}

void radio_station_reset(radio_t *radio, radio_station_t *station)
{
    stop_joining(radio, station);
    radio_soft_ap_off(radio, station);
    const cipmux_refuses_t refuses = station->refuses; /* no reset changes it */
    radio_station_init(station, station->number);
    station->refuses = refuses;
}

/* ---- Events ---------------------------------------------------------------------------------------------------- */

/* One step of a scan. False: nothing is due, or the modem wants it later. */
static bool offer_scan(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    if (!station->scanning || (now_us < station->scan_due_us && !radio->scan_refused)) {
        return false;
    }
    const size_t   i = radio->scan_refused ? RADIO_APS : scan_next(radio, station);
    cipmux_event_t event = { .kind = CIPMUX_EVENT_SCAN_DONE, .ticket = station->scan_ticket };
    cipmux_ap_t    seen;
    if (i < RADIO_APS) {
        seen = radio->ap[i].seen;
        if (radio->ap[i].hidden && station->scan.ssid_length == 0) {
            seen.ssid_length = 0;
        }
        event.kind = CIPMUX_EVENT_SCAN_ENTRY;
        event.ap = &seen;
    } else if (radio->scan_refused) {
        event.cause = CIPMUX_CAUSE_LOCAL;
    }
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->scanning = i < RADIO_APS;
    if (station->scanning) {
        station->scanned |= (uint32_t)1 << i;
    }
    return true;
}

/* The outcome of an association, when its time has come. */
static bool offer_join(radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    if (!station->joining || now_us < station->join_due_us) {
        return false;
    }
    size_t            target = join_target(radio, station);
    const radio_ap_t *ap = target < RADIO_APS ? &radio->ap[target] : NULL;
    if (ap != NULL && ap->silent) {
        station->join_due_us = CIPMUX_NEVER;
        return false;
    }
    if (ap != NULL && ap->associate_us != 0 && !station->join_delayed) {
        station->join_delayed = true;
        station->join_due_us += ap->associate_us;
        return offer_join(radio, station, now_us, modem);
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LOST, .ticket = station->join_ticket };
    event.cause = ap == NULL ? CIPMUX_CAUSE_NO_AP : join_verdict(station, ap);
    if (event.cause == CIPMUX_CAUSE_NONE && ap->owner != 0 && !radio_soft_ap_has_room(radio, target)) {
        event.cause = CIPMUX_CAUSE_JOIN_REFUSED;
    }
    if (event.cause == CIPMUX_CAUSE_NONE && ap->owner != 0 &&
        !radio_member_may_enter(radio, target, station->join.mac)) {
        return false;
    }
    if (event.cause == CIPMUX_CAUSE_NONE) {
        event.kind = CIPMUX_EVENT_JOINED;
        event.ap = &ap->seen;
    }
    cipmux_answer_t answer = cipmux_event(modem, now_us, &event, NULL);
    if (answer == CIPMUX_LATER) {
        return false;
    }
    station->joining = false;
    if (answer == CIPMUX_TAKEN && event.kind == CIPMUX_EVENT_JOINED) {
        station->joined = true;
        station->ap = target;
        station->epoch = ap->epoch;
        station->rssi = ap->seen.rssi;
        set_address(station, station->join.dhcp ? NULL : station->join.address);
        station->leasing = station->join.dhcp && !ap->no_dhcp;
        station->lease_due_us = now_us + (uint64_t)station->lease_ms * 1000 + ap->lease_us;
        if (ap->owner != 0) {
            station->lease_due_us -= ap->lease_us; /* a modem's soft-AP takes as long as its station */
            radio_member_enters(radio, target, station->join.mac, station->join.dhcp ? NULL : station->join.address,
                                station->lease_due_us);
        }
    }
    return true;
}

static bool offer_lease(radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    if (!station->leasing || now_us < station->lease_due_us) {
        return false;
    }
    const radio_ap_t *ap = &radio->ap[station->ap];
    cipmux_event_t    event = { .kind = CIPMUX_EVENT_LEASE, .ticket = station->join_ticket };
    event.address.family = 4;
    if (ap->owner != 0) {
        const radio_member_t *member = member_of(radio, station);
        if (member == NULL || !radio_member_has_address(member)) {
            return false;
        }
        memcpy(event.address.bytes, member->address, 4);
    } else {
        memcpy(event.address.bytes, ap->address, 4);
        event.address.bytes[3] = (uint8_t)(event.address.bytes[3] + station->number);
    }
    memcpy(event.gateway, ap->gateway, 4);
    memcpy(event.netmask, ap->netmask, 4);
    memcpy(event.name_server, ap->name_server, 4);
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->leasing = false;
    set_address(station, event.address.bytes);
    station->advertising = ap->advertises;
    return true;
}

/* The network of the access point's router, right behind the lease. */
static bool offer_network(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    if (!station->advertising) {
        return false;
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ADVERTISED, .ticket = station->join_ticket, .address.family = 6 };
    memcpy(event.address.bytes, radio->ap[station->ap].network6, sizeof radio->ap[station->ap].network6);
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->advertising = false;
    return true;
}

/* Another strength than the modem knows. */
static bool offer_signal(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    const radio_ap_t *ap = &radio->ap[station->ap];
    if (!station->joined || !is_heard(ap) || ap->seen.rssi == station->rssi) {
        return false;
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_SIGNAL, .ticket = station->join_ticket, .ap = &ap->seen };
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->rssi = ap->seen.rssi;
    return true;
}

/* An access point that threw the station out, or has been silent for long enough. One that was gone for a shorter time
 * does not know the station any more, and says so when it returns. */
static bool is_lost(const radio_t *radio, radio_station_t *station, uint64_t now_us)
{
    const radio_ap_t *ap = &radio->ap[station->ap];
    if (!station->joined || is_heard(ap)) {
        station->silent = false;
        return station->joined &&
               (ap->epoch != station->epoch ||
                (ap->owner != 0 && radio_member_at(radio, station->ap, station->join.mac) == RADIO_MEMBERS));
    }
    if (!station->silent) {
        station->silent = true;
        station->silent_due_us = now_us + (uint64_t)station->silence_ms * 1000;
    }
    return now_us >= station->silent_due_us;
}

static bool offer_loss(radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    if (!is_lost(radio, station, now_us)) {
        return false;
    }
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LOST, .ticket = station->join_ticket, .cause = CIPMUX_CAUSE_AP_LOST };
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    stop_joining(radio, station);
    return true;
}

/* A phone's SmartConfig: first its protocol is known, then what it says. */
static bool offer_smart(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    const radio_phone_t *phone = &radio->phone;
    if (!station->smart || !phone->sends) {
        station->smart_timed = false;
        return false;
    }
    if (!station->smart_timed) {
        station->smart_timed = true;
        station->smart_due_us = now_us + phone->after_us;
    }
    if (now_us < station->smart_due_us) {
        return false;
    }
    const cipmux_credentials_t told = { phone->ssid, phone->password, phone->ssid_length, phone->password_length };
    cipmux_event_t             event = { .kind = CIPMUX_EVENT_SMART_TYPE, .ticket = station->smart_ticket };
    event.smart_type = phone->type;
    if (station->smart_typed) {
        event.kind = CIPMUX_EVENT_SMART_CREDENTIALS;
        event.credentials = &told;
    }
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->smart = !station->smart_typed;
    station->smart_typed = true;
    return true;
}

/* WPS: one access point with a pressed button tells its name and password; two at once are one too many. */
static bool offer_wps(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    const radio_ap_t *pressed = NULL;
    size_t            count = 0;
    for (size_t i = 0; i < RADIO_APS; i++) {
        const radio_ap_t *ap = &radio->ap[i];
        if (is_heard(ap) && now_us < ap->button_until_us && ap->seen.security >= station->wps_floor) {
            pressed = ap;
            count++;
        }
    }
    if (!station->wps || count == 0) {
        return false;
    }
    const cipmux_credentials_t told = { pressed->seen.ssid, pressed->password, pressed->seen.ssid_length,
                                        pressed->password_length };
    cipmux_event_t event = { .kind = CIPMUX_EVENT_WPS, .ticket = station->wps_ticket, .credentials = &told };
    event.cause = count == 1 ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_JOIN_REFUSED;
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    station->wps = false;
    return true;
}

static bool offer_refusal(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_REFUSES, .refuses = radio->refuses };
    if (radio->refuses == station->refuses || cipmux_event(modem, now_us, &event, NULL) != CIPMUX_TAKEN) {
        return false;
    }
    station->refuses = radio->refuses;
    return true;
}

bool radio_offer(radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    bool moved = radio_guests_turn(radio, now_us);
    moved = radio_leases_turn(radio, now_us) || moved;
    while (radio_tell(radio, station, now_us, modem) || offer_scan(radio, station, now_us, modem) ||
           offer_loss(radio, station, now_us, modem) || offer_join(radio, station, now_us, modem) ||
           offer_lease(radio, station, now_us, modem) || offer_network(radio, station, now_us, modem) ||
           offer_signal(radio, station, now_us, modem) || offer_smart(radio, station, now_us, modem) ||
           offer_wps(radio, station, now_us, modem) || offer_refusal(radio, station, now_us, modem)) {
        radio_leases_turn(radio, now_us);
        moved = true;
    }
    return moved;
}

static uint64_t sooner(uint64_t due_us, uint64_t now_us, bool pending, uint64_t at_us)
{
    return pending && at_us > now_us && at_us < due_us ? at_us : due_us;
}

uint64_t radio_deadline(const radio_t *radio, const radio_station_t *station, uint64_t now_us)
{
    uint64_t due_us = radio_soft_ap_deadline(radio, now_us);
    due_us = sooner(due_us, now_us, station->scanning, station->scan_due_us);
    due_us = sooner(due_us, now_us, station->joining, station->join_due_us);
    due_us = sooner(due_us, now_us, station->silent, station->silent_due_us);
    due_us = sooner(due_us, now_us, station->smart && station->smart_timed, station->smart_due_us);
    return sooner(due_us, now_us, station->leasing, station->lease_due_us);
}

const radio_ap_t *radio_joined(const radio_t *radio, const radio_station_t *station)
{
    return station->joined ? &radio->ap[station->ap] : NULL;
}

bool radio_is_guest(const radio_t *radio, const radio_station_t *station)
{
    return station->joined && radio->ap[station->ap].owner != 0;
}

/* Joined, and not thrown out meanwhile. */
static bool is_on(const radio_t *radio, const radio_station_t *station)
{
    const radio_ap_t *ap = &radio->ap[station->ap];
    return station->joined && is_heard(ap) && ap->epoch == station->epoch &&
           (ap->owner == 0 || radio_member_at(radio, station->ap, station->join.mac) < RADIO_MEMBERS);
}

/* Access points of one name are one network; a modem's soft-AP is one of its own. */
static bool same_network(const radio_t *radio, size_t a, size_t b)
{
    const radio_ap_t *one = &radio->ap[a], *two = &radio->ap[b];
    return a == b ||
           (one->owner == 0 && two->owner == 0 && radio_same_name(&one->seen, two->seen.ssid, two->seen.ssid_length));
}

bool radio_neighbour(const radio_t *radio, const radio_station_t *station, bool by_soft_ap,
                     const radio_station_t *other, uint8_t ip[4])
{
    static const uint8_t none[4];
    const radio_ap_t    *ap = &radio->ap[station->ap], *others = &radio->ap[other->ap];
    const uint8_t       *address = none;
    if (by_soft_ap) {
        address = is_on(radio, other) && radio_soft_ap_is_of(others, station) ? other->address : none;
    } else if (!is_on(radio, station)) {
        address = none;
    } else if (radio_soft_ap_is_of(ap, other)) {
        address = ap->gateway;
    } else if (is_on(radio, other) && same_network(radio, station->ap, other->ap)) {
        address = other->address;
    }
    memcpy(ip, address, 4);
    return memcmp(ip, none, 4) != 0;
}

/* ---- The air --------------------------------------------------------------------------------------------------- */

static void ap_defaults(radio_ap_t *ap, const uint8_t *bssid)
{
    static const uint8_t address[4] = { 10, 0, 2, 15 }, gateway[4] = { 10, 0, 2, 2 }, netmask[4] = { 255, 255, 255, 0 };
    uint32_t             epoch = ap->epoch;
    memset(ap, 0, sizeof *ap);
    ap->epoch = epoch;
    ap->used = true;
    memcpy(ap->seen.bssid, bssid, 6);
    ap->seen.channel = 1;
    ap->seen.rssi = -60;
    ap->seen.bgn = 7;
    memcpy(ap->address, address, 4);
    memcpy(ap->gateway, gateway, 4);
    memcpy(ap->name_server, gateway, 4);
    memcpy(ap->netmask, netmask, 4);
}

static radio_ap_t *find_bssid(radio_t *radio, const uint8_t *bssid)
{
    for (size_t i = 0; i < RADIO_APS; i++) {
        if (radio->ap[i].used && radio->ap[i].owner == 0 && memcmp(radio->ap[i].seen.bssid, bssid, 6) == 0) {
            return &radio->ap[i];
        }
    }
    return NULL;
}

radio_ap_t *radio_ap(radio_t *radio, const uint8_t *bssid)
{
    radio_ap_t *found = bssid == NULL ? NULL : find_bssid(radio, bssid);
    if (found != NULL) {
        return found;
    }
    for (size_t i = 0; i < RADIO_APS; i++) {
        if (!radio->ap[i].used) {
            uint8_t own[6] = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) };
            while (bssid == NULL && find_bssid(radio, own) != NULL) {
                own[5]++;
            }
            ap_defaults(&radio->ap[i], bssid != NULL ? bssid : own);
            return &radio->ap[i];
        }
    }
    return NULL;
}

void radio_ap_password(radio_ap_t *ap, const void *password, size_t length)
{
    if (length > CIPMUX_PASSWORD_MAX) {
        length = CIPMUX_PASSWORD_MAX;
    }
    ap->password_length = (uint8_t)length;
    if (length == 0) {
        ap->seen.security = ap->seen.pairwise = ap->seen.group = 0;
        return;
    }
    memcpy(ap->password, password, length);
    if (ap->seen.security == 0) {
        ap->seen.security = 3;
        ap->seen.pairwise = ap->seen.group = 4;
    }
}

bool radio_ap_air(radio_t *radio, const void *ssid, size_t length, bool on_air)
{
    bool found = false;
    for (size_t i = 0; i < RADIO_APS; i++) {
        radio_ap_t *ap = &radio->ap[i];
        if (ap->used && ap->owner == 0 && radio_same_name(&ap->seen, ssid, length)) {
            found = true;
            ap->off_air = !on_air;
            ap->epoch += on_air ? 0 : 1;
        }
    }
    return found;
}

void radio_kick(radio_t *radio)
{
    for (size_t i = 0; i < RADIO_APS; i++) {
        radio->ap[i].epoch += radio->ap[i].owner == 0 ? 1 : 0;
    }
}

void radio_forget(radio_t *radio)
{
    radio_kick(radio);
    for (size_t i = 0; i < RADIO_APS; i++) {
        radio->ap[i].used = radio->ap[i].used && radio->ap[i].owner != 0;
    }
}
