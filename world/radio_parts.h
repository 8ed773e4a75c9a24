/* What the files of the simulated radio share, and nobody else needs. */
#ifndef WORLD_RADIO_PARTS_H
#define WORLD_RADIO_PARTS_H

#include "radio.h"

bool radio_same_name(const cipmux_ap_t *ap, const uint8_t *ssid, size_t length);
bool radio_password_fits(const radio_ap_t *ap, const uint8_t *password, size_t length);

/* ---- A modem's soft-AP ----------------------------------------------------------------------------------------- */

void   radio_soft_ap_set(radio_t *radio, const radio_station_t *station, const cipmux_request_t *request);
void   radio_soft_ap_off(radio_t *radio, const radio_station_t *station);
void   radio_soft_ap_kicks(radio_t *radio, const radio_station_t *station, const uint8_t mac[6]);
size_t radio_soft_ap_of(const radio_t *radio, const radio_station_t *station); /* RADIO_APS: it is off */
bool   radio_soft_ap_is_of(const radio_ap_t *ap, const radio_station_t *station);
bool   radio_soft_ap_has_room(const radio_t *radio, size_t ap);
/* Tells its modem one thing about its members. False: nothing to tell, or it wants it later. */
bool     radio_tell(radio_t *radio, const radio_station_t *station, uint64_t now_us, cipmux_t *modem);
uint64_t radio_soft_ap_deadline(const radio_t *radio, uint64_t now_us);

/* ---- Its members ----------------------------------------------------------------------------------------------- */

/* Who is on it with this MAC; NULL, RADIO_MEMBERS: nobody. */
radio_member_t *radio_member(radio_t *radio, size_t ap, const uint8_t mac[6]);
size_t          radio_member_at(const radio_t *radio, size_t ap, const uint8_t mac[6]);
bool            radio_member_has_address(const radio_member_t *member);
/* Not while its modem has still to be told that the same one left. */
bool radio_member_may_enter(const radio_t *radio, size_t ap, const uint8_t mac[6]);
/* `address` NULL: it asks for one at `lease_due_us`. */
void radio_member_enters(radio_t *radio, size_t ap, const uint8_t mac[6], const uint8_t *address,
                         uint64_t lease_due_us);
void radio_member_address(radio_t *radio, radio_member_t *member, const uint8_t *address, uint64_t lease_due_us);
void radio_member_leaves(radio_t *radio, radio_member_t *member); /* NULL: nobody */
/* Gives and renews addresses, and notices who is silent. True: something happened. */
bool radio_leases_turn(radio_t *radio, uint64_t now_us);

/* ---- Guests ---------------------------------------------------------------------------------------------------- */

/* Lets those join whose time has come. True: something happened. */
bool     radio_guests_turn(radio_t *radio, uint64_t now_us);
uint64_t radio_guests_deadline(const radio_t *radio, uint64_t now_us);

#endif
