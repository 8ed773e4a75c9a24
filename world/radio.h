/* The simulated radio: access points on the air, what the modems' stations do with them, and who joins the modems' soft-APs.
 *
 * Answers the requests SCAN, JOIN, LEAVE, ADDRESS, SMART, WPS, RADIO, SOFT_AP and KICK of cipmux.h with the events
 * SCAN_ENTRY, SCAN_DONE, JOINED, LEASE, ADVERTISED, SIGNAL, LOST, SMART_TYPE, SMART_CREDENTIALS, WPS, STATION_JOINED,
 * STATION_LEASED and STATION_LEFT, each when its time has come. No clock, no heap, no
 * I/O. One radio_t is the air; each modem has a radio_station_t of its own in it. Several modems that share an air share its
 * access points and see each other: a modem's soft-AP is an access point for the others, and who joins it, a modem or a
 * guest that the words made, is one member of it.
 *
 *   radio_init(&air);  radio_station_init(&station, 0);
 *   while (cipmux_request(...)) if (radio_serves(&request)) radio_request(&air, &station, now, &request);
 *   radio_offer(&air, &station, now, &modem);              // keeps what the modem answers LATER
 *   wait until radio_deadline(&air, &station, now), or until air.changes counts on: another modem did something
 */
#ifndef WORLD_RADIO_H
#define WORLD_RADIO_H

#include "cipmux.h"

enum {
    RADIO_APS = 32,            /* with the modems' soft-APs */
    RADIO_BUTTON_S = 120,      /* a WPS button stays pressed for so long */
    RADIO_PHONE_MAX = 100,     /* bytes of a name or password that a phone sends */
    RADIO_GUESTS = 16,         /* stations that the words made */
    RADIO_MEMBERS = 48,        /* of all soft-APs, with those that left and may come back */
    RADIO_NAME = 24,           /* longest name of a guest, bytes, with its zero */
    RADIO_REJOIN_US = 1000000, /* a guest that was thrown out comes back so much later */
    RADIO_FLOOR = -95,         /* dBm: an access point that is weaker is not heard */
    RADIO_SOFT_AP_RSSI = -40,
};

/* One access point. Filled by radio_ap(), then changed freely by the caller. */
typedef struct {
    bool        used;
    cipmux_ap_t seen;   /* as a scan reports it; security 0: any password is accepted */
    bool        hidden; /* a scan without its name shows it nameless */
    uint8_t     password[CIPMUX_PASSWORD_MAX];
    uint8_t     password_length;
    bool        silent;       /* never answers an association */
    bool        refuses;      /* refuses each association */
    bool        no_dhcp;      /* associates, but gives no address */
    uint64_t    associate_us; /* more than the modem's own time to associate */
    uint64_t    lease_us;     /* more than the modem's own time to get an address */
    uint8_t     address[4];   /* for station number 0; number n gets an address n higher */
    uint8_t     gateway[4], netmask[4];
    bool        advertises; /* its router tells the stations their IPv6 network */
    uint8_t     network6[8];
    uint64_t    button_until_us; /* WPS button pressed until then */
    uint8_t     name_server[4];  /* that DHCP gives; 0.0.0.0: none */
    bool        off_air;
    uint32_t    epoch; /* changes when every station on it is lost; private */
    /* Of a modem's soft-AP, which is changed by that modem only. */
    uint8_t  owner; /* the modem's number and 1; 0: nobody's */
    uint16_t ticket, lease_min;
    uint8_t  max_stations;
    uint8_t  first[4], last[4]; /* the addresses that it gives away */
    uint64_t silence_us;
} radio_ap_t;

/* A phone that sends an access point's name and password by SmartConfig. They may be longer than is right. */
typedef struct {
    bool     sends;
    uint8_t  type;     /* 1 ESP-TOUCH, 2 AirKiss, 0 another */
    uint64_t after_us; /* so much later than a station begins to listen */
    uint8_t  ssid[RADIO_PHONE_MAX], password[RADIO_PHONE_MAX], ssid_length, password_length;
} radio_phone_t;

/* A station on a modem's soft-AP, or one that left: its address is kept for its return. Private. */
typedef struct {
    bool     used, left;
    uint8_t  tell; /* what the soft-AP's modem has not been told yet */
    size_t   ap;
    uint8_t  mac[6], address[4]; /* address 0.0.0.0: none */
    bool     own_address;        /* not leased */
    bool     leased;             /* has the address now; else it had it */
    uint64_t lease_due_us;       /* of its first lease, or of the next renewal; CIPMUX_NEVER: it asks for none */
    uint64_t silent_due_us;      /* gone without a word: when that is noticed */
} radio_member_t;

/* A station that the words made: joins the soft-AP of that name whenever there is one. Filled by radio_guest(), then changed
 * freely by the caller. */
typedef struct {
    bool     used;
    char     name[RADIO_NAME];
    uint8_t  mac[6];
    uint8_t  ssid[CIPMUX_SSID_MAX], ssid_length;
    uint8_t  password[CIPMUX_PASSWORD_MAX], password_length;
    bool     own_address; /* has `address`, and asks for none */
    uint8_t  address[4];
    bool     no_dhcp;                /* never asks for an address */
    uint64_t associate_us, lease_us; /* how long it takes; lease_us: more than the soft-AP */
    bool     away;                   /* does not want to be joined */
    /* private */
    bool     joined, waiting, refused;
    uint64_t due_us;
    size_t   ap;
    uint32_t epoch;
} radio_guest_t;

typedef struct {
    radio_ap_t       ap[RADIO_APS];
    radio_member_t   member[RADIO_MEMBERS];
    radio_phone_t    phone;
    cipmux_refuses_t refuses;
    radio_guest_t    guest[RADIO_GUESTS];
    uint32_t         changes;      /* counts what may concern another modem */
    bool             scan_refused; /* AT+CWLAP fails */
} radio_t;

/* One modem's radio. Private. */
typedef struct {
    uint8_t          number;
    bool             scanning, joining, joined, leasing;
    uint64_t         scan_due_us;
    uint32_t         scanned; /* bit per access point: reported, or not to be */
    uint16_t         scan_ticket, join_ticket;
    uint64_t         join_due_us, lease_due_us;
    bool             join_delayed; /* join_due_us already contains the access point's associate_us */
    size_t           ap;           /* joined: the access point, its index, and its epoch at that time */
    uint32_t         epoch;
    uint32_t         lease_ms, silence_ms;
    bool             advertising;   /* ADVERTISED is due */
    int8_t           rssi;          /* as the modem knows it */
    bool             silent;        /* nothing is heard of the access point */
    uint64_t         silent_due_us; /* then it is lost */
    bool             smart, smart_timed, smart_typed;
    uint64_t         smart_due_us;
    bool             wps;
    uint8_t          wps_floor;
    uint8_t          address[4]; /* joined: its own; 0.0.0.0: none yet */
    cipmux_refuses_t refuses;    /* as the modem knows it */
    uint16_t         smart_ticket, wps_ticket;
    /* Copies of what was asked. ssid_length 0 (scan only): any. */
    struct {
        uint8_t ssid[CIPMUX_SSID_MAX], ssid_length;
        uint8_t channel, first_channel, channels;
        bool    any_bssid, by_signal;
        uint8_t bssid[6];
        uint8_t password[CIPMUX_PASSWORD_MAX], password_length;
        bool    refuse_open, strongest;
        uint8_t auth_floor;
        bool    dhcp;
        uint8_t mac[6], address[4];
    } scan, join;
} radio_station_t;

/* ---- Life ------------------------------------------------------------------------------------------------------ */

/* The air as it begins: one access point "lab", password "password", channel 6, -50 dBm, 02:00:00:00:00:01, WPA2. */
void radio_init(radio_t *radio);
/* A station that is not joined. `number` makes its address its own when several share an access point. */
void radio_station_init(radio_station_t *station, uint8_t number);

/* ---- The modem's side ------------------------------------------------------------------------------------------ */

/* Is this request for the radio? */
bool radio_serves(const cipmux_request_t *request);
/* Takes one of those. Copies what it needs. */
void radio_request(radio_t *radio, radio_station_t *station, uint64_t now_us, const cipmux_request_t *request);
/* Offers the modem every event that is due. True: it took at least one. What it answers LATER is kept. */
bool radio_offer(radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem);
/* The next time after `now_us` at which something becomes due, or CIPMUX_NEVER. What is due already is not named: it waits
 * for the modem, not for time. */
uint64_t radio_deadline(const radio_t *radio, const radio_station_t *station, uint64_t now_us);
/* The reset pin: whatever was under way is forgotten, without an event. */
void radio_station_reset(radio_t *radio, radio_station_t *station);
/* The access point that the station is joined to, or NULL. */
const radio_ap_t *radio_joined(const radio_t *radio, const radio_station_t *station);

/* Whether a station on this modem's soft-AP has this address now; `ip` 0.0.0.0: any, and it becomes the address of the first.
 * False: none. */
bool radio_has_member(const radio_t *radio, const radio_station_t *station, uint8_t ip[4]);
/* Whether the modem of the other station is on a network of this one's: its soft-AP's (`by_soft_ap`), or the one that its
 * station is joined to. `ip` gets the other's address there. */
bool radio_neighbour(const radio_t *radio, const radio_station_t *station, bool by_soft_ap,
                     const radio_station_t *other, uint8_t ip[4]);
/* Whether the station is joined to a modem's soft-AP. */
bool radio_is_guest(const radio_t *radio, const radio_station_t *station);
/* Whether a station that the words made has this address on such a network; `ip` 0.0.0.0: any, and it becomes the address of
 * the first. */
bool radio_has_guest(const radio_t *radio, const radio_station_t *station, bool by_soft_ap, uint8_t ip[4]);

/* Whether a station that had this address on this modem's soft-AP is not there any more. */
bool radio_has_left(const radio_t *radio, const radio_station_t *station, const uint8_t ip[4]);

/* ---- The air's side: what the words do ------------------------------------------------------------------------- */

/* The access point with this BSSID; a new one with defaults (open, channel 1, -60 dBm, no name) if there is none.
 * bssid NULL: a new one, 02:00:00:00:00:NN with the number of its place. NULL: all RADIO_APS are in use. */
radio_ap_t *radio_ap(radio_t *radio, const uint8_t *bssid);
/* Sets the password and, if security was open, WPA2 with CCMP. length 0: open. */
void radio_ap_password(radio_ap_t *ap, const void *password, size_t length);
/* Every access point of that name leaves the air (their stations are lost) or returns. False: no such name. */
bool radio_ap_air(radio_t *radio, const void *ssid, size_t length, bool on_air);
/* Every access point but the modems' own throws its stations out. */
void radio_kick(radio_t *radio);
/* Forgets all access points but the modems' own; stations on them are lost. */
void radio_forget(radio_t *radio);

/* The guest of that name; a new one with a MAC of its own, 02:00:00:00:01:NN, if there is none. NULL: all are in use. */
radio_guest_t *radio_guest(radio_t *radio, const char *name);
radio_guest_t *radio_find_guest(radio_t *radio, const char *name);
/* It leaves, with a word or without, until it is not `away` any more. */
void radio_guest_leaves(radio_t *radio, radio_guest_t *guest, uint64_t now_us, bool silently);
/* It asks for its address again. */
void radio_guest_renews(radio_t *radio, radio_guest_t *guest, uint64_t now_us);
/* Is it joined? `ip` (may be NULL) gets its address, 0.0.0.0: none. */
bool radio_guest_joined(const radio_t *radio, const radio_guest_t *guest, uint8_t ip[4]);

#endif
