/* The modems' soft-APs: who is on them, which addresses they give away, and what their modems are told. See radio.h. */
#include "radio_parts.h"

#include <string.h>

enum { TELL_JOINED = 1, TELL_LEASED = 2, TELL_LEFT = 4 };

static const uint8_t no_address[4];

/* ---- The soft-AP ----------------------------------------------------------------------------------------------- */

bool radio_soft_ap_is_of(const radio_ap_t *ap, const radio_station_t *station)
{
    return ap->used && ap->owner == station->number + 1;
}

size_t radio_soft_ap_of(const radio_t *radio, const radio_station_t *station)
{
    size_t i = 0;
    while (i < RADIO_APS && !radio_soft_ap_is_of(&radio->ap[i], station)) {
        i++;
    }
    return i;
}

static size_t free_place(const radio_t *radio)
{
    size_t i = 0;
    while (i < RADIO_APS && radio->ap[i].used) {
        i++;
    }
    return i;
}

/* Whoever was on it is off, and nobody is told: it knows. */
static void forget_members(radio_t *radio, size_t ap)
{
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        if (radio->member[i].used && radio->member[i].ap == ap) {
            radio->member[i].used = false;
        }
    }
    radio->ap[ap].epoch++;
    radio->changes++;
}

void radio_soft_ap_off(radio_t *radio, const radio_station_t *station)
{
    size_t i = radio_soft_ap_of(radio, station);
    if (i < RADIO_APS) {
        forget_members(radio, i);
        radio->ap[i].used = false;
        radio->ap[i].owner = 0;
    }
}

static void set_security(cipmux_ap_t *seen, uint8_t security)
{
    static const uint8_t pairwise[] = { 0, 0, 3, 4, 5 }, group[] = { 0, 0, 3, 4, 3 }; /* [wifi 3.7] */
    seen->security = security;
    seen->pairwise = security < sizeof pairwise ? pairwise[security] : 4;
    seen->group = security < sizeof group ? group[security] : 4;
}

void radio_soft_ap_set(radio_t *radio, const radio_station_t *station, const cipmux_request_t *request)
{
    size_t i = radio_soft_ap_of(radio, station);
    bool   anew = i == RADIO_APS || radio->ap[i].ticket != request->ticket;
    i = i == RADIO_APS ? free_place(radio) : i;
    if (i == RADIO_APS) {
        return; /* too many access points: nobody sees this one */
    }
    if (anew) {
        forget_members(radio, i);
    }
    uint32_t   epoch = radio->ap[i].epoch;
    radio_ap_t ap = {
        .used = true, .epoch = epoch, .owner = (uint8_t)(station->number + 1), .ticket = request->ticket
    };
    memcpy(ap.seen.ssid, request->soft_ap.ssid, request->soft_ap.ssid_length);
    ap.seen.ssid_length = request->soft_ap.ssid_length;
    memcpy(ap.seen.bssid, request->soft_ap.mac, 6);
    ap.seen.channel = request->soft_ap.channel;
    ap.seen.rssi = RADIO_SOFT_AP_RSSI;
    ap.seen.bgn = 7;
    set_security(&ap.seen, request->soft_ap.security);
    ap.hidden = request->soft_ap.hidden;
    memcpy(ap.password, request->soft_ap.password, request->soft_ap.password_length);
    ap.password_length = request->soft_ap.password_length;
    ap.max_stations = request->soft_ap.max_stations;
    ap.no_dhcp = !request->soft_ap.dhcp;
    ap.lease_us = (uint64_t)request->soft_ap.lease_ms * 1000;
    ap.silence_us = (uint64_t)request->soft_ap.silence_ms * 1000;
    ap.lease_min = request->soft_ap.lease_min;
    memcpy(ap.first, request->soft_ap.first, 4);
    memcpy(ap.last, request->soft_ap.last, 4);
    memcpy(ap.gateway, request->soft_ap.address, 4);
    memcpy(ap.netmask, request->soft_ap.netmask, 4);
    radio->ap[i] = ap;
    radio->changes++;
}

/* ---- Members --------------------------------------------------------------------------------------------------- */

size_t radio_member_at(const radio_t *radio, size_t ap, const uint8_t mac[6])
{
    size_t i = 0;
    while (i < RADIO_MEMBERS && !(radio->member[i].used && !radio->member[i].left && radio->member[i].ap == ap &&
                                  memcmp(radio->member[i].mac, mac, 6) == 0)) {
        i++;
    }
    return i;
}

radio_member_t *radio_member(radio_t *radio, size_t ap, const uint8_t mac[6])
{
    size_t i = radio_member_at(radio, ap, mac);
    return i < RADIO_MEMBERS ? &radio->member[i] : NULL;
}

bool radio_member_has_address(const radio_member_t *member)
{
    return memcmp(member->address, no_address, 4) != 0 && (member->leased || member->own_address);
}

bool radio_soft_ap_has_room(const radio_t *radio, size_t ap)
{
    size_t members = 0;
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        const radio_member_t *member = &radio->member[i];
        members += member->used && member->ap == ap && (!member->left || member->tell != 0) ? 1 : 0;
    }
    return members < radio->ap[ap].max_stations;
}

bool radio_member_may_enter(const radio_t *radio, size_t ap, const uint8_t mac[6])
{
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        const radio_member_t *member = &radio->member[i];
        if (member->used && member->ap == ap && member->tell != 0 && memcmp(member->mac, mac, 6) == 0) {
            return false;
        }
    }
    return true;
}

/* Its own old place, or a free one, or that of another one that left. Only a full table of present ones has none. */
static radio_member_t *place_for(radio_t *radio, size_t ap, const uint8_t mac[6])
{
    radio_member_t *best = NULL;
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        radio_member_t *member = &radio->member[i];
        if (member->used && member->ap == ap && memcmp(member->mac, mac, 6) == 0) {
            return member;
        }
        bool empty = !member->used;
        if (empty || (member->left && member->tell == 0)) {
            best = best == NULL || (empty && best->used) ? member : best;
        }
    }
    return best;
}

void radio_member_enters(radio_t *radio, size_t ap, const uint8_t mac[6], const uint8_t *address, uint64_t lease_due_us)
{
    radio_member_t *member = place_for(radio, ap, mac);
    if (member == NULL) {
        return; /* its station is lost again at once */
    }
    bool known = member->used && member->ap == ap && memcmp(member->mac, mac, 6) == 0;
    if (known && !member->left) { /* it was silent, and nobody noticed */
        member->silent_due_us = CIPMUX_NEVER;
        return;
    }
    if (!known) {
        memset(member, 0, sizeof *member);
    }
    member->used = true;
    member->left = false;
    member->tell = TELL_JOINED;
    member->ap = ap;
    memcpy(member->mac, mac, 6);
    member->silent_due_us = CIPMUX_NEVER;
    radio_member_address(radio, member, address, lease_due_us);
}

/* The address of before stays as a wish. */
void radio_member_address(radio_t *radio, radio_member_t *member, const uint8_t *address, uint64_t lease_due_us)
{
    if (member == NULL) {
        return;
    }
    member->own_address = address != NULL;
    member->leased = false;
    member->lease_due_us = address != NULL ? CIPMUX_NEVER : lease_due_us;
    if (address != NULL) {
        memcpy(member->address, address, 4);
    }
    radio->changes++;
}

void radio_member_leaves(radio_t *radio, radio_member_t *member)
{
    if (member != NULL) {
        member->left = true;
        member->tell |= TELL_LEFT;
        member->lease_due_us = member->silent_due_us = CIPMUX_NEVER;
        radio->changes++;
    }
}

void radio_soft_ap_kicks(radio_t *radio, const radio_station_t *station, const uint8_t mac[6])
{
    size_t i = radio_soft_ap_of(radio, station);
    if (i < RADIO_APS) {
        radio_member_leaves(radio, radio_member(radio, i, mac));
    }
}

bool radio_has_member(const radio_t *radio, const radio_station_t *station, uint8_t ip[4])
{
    size_t ap = radio_soft_ap_of(radio, station);
    bool   any = memcmp(ip, no_address, 4) == 0;
    for (size_t i = 0; i < RADIO_MEMBERS && ap < RADIO_APS; i++) {
        const radio_member_t *member = &radio->member[i];
        if (member->used && !member->left && member->ap == ap && radio_member_has_address(member) &&
            (any || memcmp(member->address, ip, 4) == 0)) {
            memcpy(ip, member->address, 4);
            return true;
        }
    }
    return false;
}

bool radio_has_left(const radio_t *radio, const radio_station_t *station, const uint8_t ip[4])
{
    size_t ap = radio_soft_ap_of(radio, station);
    bool   left = false;
    for (size_t i = 0; i < RADIO_MEMBERS && ap < RADIO_APS; i++) {
        const radio_member_t *member = &radio->member[i];
        if (member->used && member->ap == ap && memcmp(member->address, ip, 4) == 0) {
            if (!member->left && member->silent_due_us == CIPMUX_NEVER) {
                return false;
            }
            left = true;
        }
    }
    return left;
}

/* ---- Addresses ------------------------------------------------------------------------------------------------- */

static uint32_t value_of(const uint8_t ip[4])
{
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

/* Whether another member has the address; `remembered`: or had it. */
static bool is_taken(const radio_t *radio, const radio_member_t *by, uint32_t ip, bool remembered)
{
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        const radio_member_t *other = &radio->member[i];
        if (other != by && other->used && other->ap == by->ap && value_of(other->address) == ip &&
            (remembered || !other->left)) {
            return true;
        }
    }
    return value_of(radio->ap[by->ap].gateway) == ip;
}

/* The address that it had, else one that nobody had, else one of somebody who left. False: all are taken. */
static bool choose_address(const radio_t *radio, radio_member_t *member)
{
    const radio_ap_t *ap = &radio->ap[member->ap];
    uint32_t          first = value_of(ap->first), last = value_of(ap->last), had = value_of(member->address);
    if (had >= first && had <= last && !is_taken(radio, member, had, false)) {
        return true;
    }
    for (int remembered = 1; remembered >= 0; remembered--) {
        for (uint32_t ip = first; ip <= last; ip++) {
            if (!is_taken(radio, member, ip, remembered == 1)) {
                uint8_t bytes[4] = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip };
                memcpy(member->address, bytes, 4);
                return true;
            }
        }
    }
    return false;
}

bool radio_leases_turn(radio_t *radio, uint64_t now_us)
{
    bool moved = false;
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        radio_member_t   *member = &radio->member[i];
        const radio_ap_t *ap = &radio->ap[member->ap];
        if (!member->used || member->left) {
            continue;
        }
        if (now_us >= member->silent_due_us) {
            radio_member_leaves(radio, member);
            moved = true;
        } else if (now_us >= member->lease_due_us && !ap->no_dhcp && member->silent_due_us == CIPMUX_NEVER &&
                   choose_address(radio, member)) {
            member->leased = true;
            member->tell |= TELL_LEASED;
            member->lease_due_us = now_us + (uint64_t)ap->lease_min * 30000000; /* half of it, RFC 2131 4.4.5 */
            radio->changes++;
            moved = true;
        }
    }
    return moved;
}

/* ---- What the modem is told ------------------------------------------------------------------------------------ */

static bool tell_of(const radio_t *radio, radio_member_t *member, uint64_t now_us, cipmux_t *modem)
{
    static const struct {
        uint8_t             tell;
        cipmux_event_kind_t kind;
    } order[] = { { TELL_JOINED, CIPMUX_EVENT_STATION_JOINED },
                  { TELL_LEASED, CIPMUX_EVENT_STATION_LEASED },
                  { TELL_LEFT, CIPMUX_EVENT_STATION_LEFT } };
    size_t i = 0;
    while ((member->tell & order[i].tell) == 0) {
        i++;
    }
    cipmux_event_t event = { .kind = order[i].kind, .ticket = radio->ap[member->ap].ticket };
    memcpy(event.mac, member->mac, 6);
    if (order[i].tell != TELL_JOINED && radio_member_has_address(member)) {
        event.address.family = 4;
        memcpy(event.address.bytes, member->address, 4);
    }
    if (cipmux_event(modem, now_us, &event, NULL) == CIPMUX_LATER) {
        return false;
    }
    member->tell &= (uint8_t)~order[i].tell;
    return true;
}

bool radio_tell(radio_t *radio, const radio_station_t *station, uint64_t now_us, cipmux_t *modem)
{
    size_t ap = radio_soft_ap_of(radio, station);
    for (size_t i = 0; i < RADIO_MEMBERS && ap < RADIO_APS; i++) {
        radio_member_t *member = &radio->member[i];
        if (member->used && member->ap == ap && member->tell != 0 && tell_of(radio, member, now_us, modem)) {
            return true;
        }
    }
    return false;
}

uint64_t radio_soft_ap_deadline(const radio_t *radio, uint64_t now_us)
{
    uint64_t due_us = radio_guests_deadline(radio, now_us);
    for (size_t i = 0; i < RADIO_MEMBERS; i++) {
        const radio_member_t *member = &radio->member[i];
        if (member->used && !member->left) {
            due_us = member->lease_due_us > now_us && member->lease_due_us < due_us ? member->lease_due_us : due_us;
            due_us = member->silent_due_us > now_us && member->silent_due_us < due_us ? member->silent_due_us : due_us;
        }
    }
    return due_us;
}
