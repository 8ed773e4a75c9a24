/* Stations that the words made: see radio.h. */
#include "radio_parts.h"

#include <stdio.h>
#include <string.h>

radio_guest_t *radio_find_guest(radio_t *radio, const char *name)
{
    for (size_t i = 0; i < RADIO_GUESTS; i++) {
        if (radio->guest[i].used && strcmp(radio->guest[i].name, name) == 0) {
            return &radio->guest[i];
        }
    }
    return NULL;
}

radio_guest_t *radio_guest(radio_t *radio, const char *name)
{
    radio_guest_t *found = radio_find_guest(radio, name);
    for (size_t i = 0; i < RADIO_GUESTS && found == NULL; i++) {
        if (!radio->guest[i].used) {
            uint8_t mac[6] = { 2, 0, 0, 0, 1, (uint8_t)(i + 1) };
            found = &radio->guest[i];
            memset(found, 0, sizeof *found);
            found->used = true;
            snprintf(found->name, sizeof found->name, "%s", name);
            memcpy(found->mac, mac, 6);
        }
    }
    return found;
}

static radio_member_t *member_of(radio_t *radio, const radio_guest_t *guest)
{
    return guest->joined ? radio_member(radio, guest->ap, guest->mac) : NULL;
}

void radio_guest_leaves(radio_t *radio, radio_guest_t *guest, uint64_t now_us, bool silently)
{
    radio_member_t *member = member_of(radio, guest);
    if (member != NULL && silently) {
        member->silent_due_us = now_us + radio->ap[guest->ap].silence_us;
    } else {
        radio_member_leaves(radio, member);
    }
    guest->joined = guest->waiting = guest->refused = false;
    guest->away = true;
}

void radio_guest_renews(radio_t *radio, radio_guest_t *guest, uint64_t now_us)
{
    radio_member_t *member = member_of(radio, guest);
    if (member != NULL && !member->own_address) {
        member->lease_due_us = now_us;
    }
}

bool radio_guest_joined(const radio_t *radio, const radio_guest_t *guest, uint8_t ip[4])
{
    size_t at = guest->joined ? radio_member_at(radio, guest->ap, guest->mac) : RADIO_MEMBERS;
    bool   joined = at < RADIO_MEMBERS;
    if (ip != NULL) {
        memset(ip, 0, 4);
        if (joined && (radio->member[at].leased || radio->member[at].own_address)) {
            memcpy(ip, radio->member[at].address, 4);
        }
    }
    return joined;
}

bool radio_has_guest(const radio_t *radio, const radio_station_t *station, bool by_soft_ap, uint8_t ip[4])
{
    static const uint8_t none[4];
    const bool           any = memcmp(ip, none, 4) == 0;
    size_t               ap = radio_is_guest(radio, station) ? station->ap : RADIO_APS;
    if (by_soft_ap) {
        ap = radio_soft_ap_of(radio, station);
    }
    for (size_t i = 0; i < RADIO_GUESTS && ap < RADIO_APS; i++) {
        const radio_guest_t *guest = &radio->guest[i];
        uint8_t              has[4];
        if (guest->used && guest->ap == ap && radio_guest_joined(radio, guest, has) && memcmp(has, none, 4) != 0 &&
            (any || memcmp(has, ip, 4) == 0)) {
            memcpy(ip, has, 4);
            return true;
        }
    }
    return false;
}

/* RADIO_APS: there is none of that name. */
static size_t soft_ap_for(const radio_t *radio, const radio_guest_t *guest)
{
    size_t i = 0;
    while (i < RADIO_APS && !(radio->ap[i].used && radio->ap[i].owner != 0 &&
                              radio_same_name(&radio->ap[i].seen, guest->ssid, guest->ssid_length))) {
        i++;
    }
    return i;
}

/* Joins, or is refused until the soft-AP starts anew. False: not now. */
static bool try_to_join(radio_t *radio, radio_guest_t *guest, size_t ap, uint64_t now_us)
{
    const radio_ap_t *target = &radio->ap[ap];
    if (guest->refused && guest->ap == ap && guest->epoch == target->epoch) {
        return false;
    }
    guest->ap = ap;
    guest->epoch = target->epoch;
    guest->refused = !radio_password_fits(target, guest->password, guest->password_length);
    if (guest->refused || !radio_soft_ap_has_room(radio, ap) || !radio_member_may_enter(radio, ap, guest->mac)) {
        return guest->refused;
    }
    guest->joined = true;
    guest->waiting = false;
    radio_member_enters(radio, ap, guest->mac, guest->own_address ? guest->address : NULL,
                        guest->no_dhcp ? CIPMUX_NEVER : now_us + target->lease_us + guest->lease_us);
    return true;
}

static bool guest_turn(radio_t *radio, radio_guest_t *guest, uint64_t now_us)
{
    if (!guest->used || guest->away || member_of(radio, guest) != NULL) {
        return false;
    }
    if (guest->joined) { /* thrown out */
        guest->joined = guest->waiting = false;
        guest->due_us = now_us + RADIO_REJOIN_US;
    }
    size_t ap = soft_ap_for(radio, guest);
    if (ap == RADIO_APS) {
        guest->waiting = false;
        return false;
    }
    if (!guest->waiting) {
        guest->waiting = true;
        guest->due_us = (guest->due_us > now_us ? guest->due_us : now_us) + guest->associate_us;
    }
    return now_us >= guest->due_us && try_to_join(radio, guest, ap, now_us);
}

bool radio_guests_turn(radio_t *radio, uint64_t now_us)
{
    bool moved = false;
    for (size_t i = 0; i < RADIO_GUESTS; i++) {
        moved = guest_turn(radio, &radio->guest[i], now_us) || moved;
    }
    return moved;
}

uint64_t radio_guests_deadline(const radio_t *radio, uint64_t now_us)
{
    uint64_t due_us = CIPMUX_NEVER;
    for (size_t i = 0; i < RADIO_GUESTS; i++) {
        const radio_guest_t *guest = &radio->guest[i];
        if (guest->used && !guest->away && guest->waiting && guest->due_us > now_us && guest->due_us < due_us) {
            due_us = guest->due_us;
        }
    }
    return due_us;
}
