/* The simulated radio: access points on the air, and what one modem's station does with them.
 *
 * Answers the requests SCAN, JOIN, LEAVE, SMART, WPS and RADIO of cipmux.h with the events SCAN_ENTRY, SCAN_DONE, JOINED,
 * LEASE, ADVERTISED, SIGNAL, LOST, SMART_TYPE, SMART_CREDENTIALS and WPS, each when its time has come. No clock, no heap, no I/O. One radio_t is the air; each modem has a radio_station_t
 * of its own in it, so that several modems can share the access points.
 *
 *   radio_init(&air);  radio_station_init(&station, 0);
 *   while (cipmux_request(...)) if (radio_serves(&request)) radio_request(&station, now, &request);
 *   radio_offer(&air, &station, now, &modem);              // keeps what the modem answers LATER
 *   wait until radio_deadline(&station, now)
 */
#ifndef WORLD_RADIO_H
#define WORLD_RADIO_H

#include "cipmux.h"

enum {
    RADIO_APS = 32,
    RADIO_BUTTON_S = 120,  /* a WPS button stays pressed for so long */
    RADIO_PHONE_MAX = 100, /* bytes of a name or password that a phone sends */
    RADIO_FLOOR = -95,     /* dBm: an access point that is weaker is not heard */
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
    bool        off_air;
    uint32_t    epoch; /* changes when every station on it is lost; private */
} radio_ap_t;

/* A phone that sends an access point's name and password by SmartConfig. They may be longer than is right. */
typedef struct {
    bool     sends;
    uint8_t  type;     /* 1 ESP-TOUCH, 2 AirKiss, 0 another */
    uint64_t after_us; /* so much later than a station begins to listen */
    uint8_t  ssid[RADIO_PHONE_MAX], password[RADIO_PHONE_MAX], ssid_length, password_length;
} radio_phone_t;

typedef struct {
    radio_ap_t       ap[RADIO_APS];
    radio_phone_t    phone;
    cipmux_refuses_t refuses;
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
    cipmux_refuses_t refuses; /* as the modem knows it */
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
    } scan, join;
} radio_station_t;

/* ---- Life ------------------------------------------------------------------------------------------------------ */

/* The air as it begins: one access point "lab", password "password", channel 6, -50 dBm, 02:00:00:00:00:01, WPA2. */
void radio_init(radio_t *radio);
/* A station that is not joined. `number` makes its address its own when several share an access point. */
void radio_station_init(radio_station_t *station, uint8_t number);

/* ---- The modem's side ------------------------------------------------------------------------------------------ */

/* Is this request for the radio (SCAN, JOIN, LEAVE, SMART, WPS, RADIO)? */
bool radio_serves(const cipmux_request_t *request);
/* Takes one of those. Copies what it needs. */
void radio_request(radio_station_t *station, uint64_t now_us, const cipmux_request_t *request);
/* Offers the modem every event that is due. True: it took at least one. What it answers LATER is kept. */
bool radio_offer(const radio_t *radio, radio_station_t *station, uint64_t now_us, cipmux_t *modem);
/* The next time after `now_us` at which something becomes due, or CIPMUX_NEVER. What is due already is not named: it waits
 * for the modem, not for time. */
uint64_t radio_deadline(const radio_station_t *station, uint64_t now_us);
/* The reset pin: whatever was under way is forgotten, without an event. */
void radio_station_reset(radio_station_t *station);
/* The access point that the station is joined to, or NULL. */
const radio_ap_t *radio_joined(const radio_t *radio, const radio_station_t *station);

/* ---- The air's side: what the words do ------------------------------------------------------------------------- */

/* The access point with this BSSID; a new one with defaults (open, channel 1, -60 dBm, no name) if there is none.
 * bssid NULL: a new one, 02:00:00:00:00:NN with the number of its place. NULL: all RADIO_APS are in use. */
radio_ap_t *radio_ap(radio_t *radio, const uint8_t *bssid);
/* Sets the password and, if security was open, WPA2 with CCMP. length 0: open. */
void radio_ap_password(radio_ap_t *ap, const void *password, size_t length);
/* Every access point of that name leaves the air (their stations are lost) or returns. False: no such name. */
bool radio_ap_air(radio_t *radio, const void *ssid, size_t length, bool on_air);
/* Every access point throws its stations out. */
void radio_kick(radio_t *radio);
/* Forgets all access points; stations on them are lost. */
void radio_forget(radio_t *radio);

#endif
