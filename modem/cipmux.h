/* cipmux: the ESP8266 AT modem as a library.
 *
 * PURPOSE
 *   One cipmux_t is one ESP8266 that runs Espressif's AT firmware. Its UART is two calls: cipmux_sink() takes the bytes
 *   that a microcontroller or a person types, cipmux_poll() gives the bytes that the modem answers. Its radio and its
 *   network are whatever the caller makes of them: a simulated world, real sockets, another emulator.
 *
 * RULES
 *   - The engine calls nobody. The caller pulls: bytes, requests, notes and one deadline. So there is no re-entrancy.
 *   - The engine has no clock, no heap, no I/O and no globals. `now_us` is an argument everywhere: microseconds on any
 *     clock that never goes back. Between two calls the engine does nothing.
 *   - After every call: fetch all requests, offer what is waiting, poll the UART, then sleep until cipmux_deadline().
 *   - Partial acceptance is a return value, never a loss. A byte that is not taken is offered again later.
 *   - Every command that is refused leaves a note that says why (cipmux_note()). Notes never reach the AT port.
 *   - Facts about the firmware name their source as [conventions 1.7] (the reference, by file and section) or as a number
 *     in brackets ([100]), the number of a recording of a real module in tests/transcripts/recordings/.
 *
 * A loop, in outline; examples/embed/embed.c is a whole one:
 *
 *   cipmux_power_on(&modem, &config, now);
 *   for (;;) {
 *       taken = cipmux_sink(&modem, now, bytes, n);                // keep what was not taken
 *       while (cipmux_request(&modem, now, &request)) serve(request);
 *       offer_events_and_received_bytes(&modem, now);              // keep what answers LATER or takes less
 *       n = cipmux_poll(&modem, now, out, sizeof out);             // as long as the wire takes bytes
 *       while (cipmux_note(&modem, &note)) log(note);              // while they wait, cipmux_sink() takes nothing
 *       wait_until(cipmux_deadline(&modem)), then cipmux_tick(&modem, now);
 *   }
 */
#ifndef CIPMUX_H
#define CIPMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Constants ------------------------------------------------------------------------------------------------- */

enum {
    CIPMUX_LINKS = 5,            /* link ids 0-4 [tcpip 4.1] */
    CIPMUX_SEND_MAX = 2048,      /* payload of one AT+CIPSEND, bytes [tcpip 4.10] */
    CIPMUX_LINE_MAX = 256,       /* a command line, bytes, its CR LF included [conventions 1.3] */
    CIPMUX_FRAME_MAX = 1460,     /* payload of one +IPD, bytes [tcpip 4.5] */
    CIPMUX_HOST_MAX = 64,        /* a host name, bytes */
    CIPMUX_GMR_MAX = 255,        /* the text of AT+GMR, bytes */
    CIPMUX_SSID_MAX = 32,        /* bytes; any byte value */
    CIPMUX_PASSWORD_MAX = 64,    /* bytes */
    CIPMUX_PINS = 16,            /* GPIO0 to GPIO15 [basic 2.22] */
    CIPMUX_IMAGE_MAX = 2048,     /* the saved settings as an image, bytes */
    CIPMUX_NAME_SERVERS = 3,     /* of AT+CIPDNS */
    CIPMUX_HEAP_SIZE = 45588,    /* free memory of an idle module, bytes [210] */
    CIPMUX_URL_MAX = 8192,       /* of AT+USEROTA, bytes */
    CIPMUX_FLASH_SIZE = 0x19000, /* the user partitions of the flash, bytes [basic 2.21] */
    CIPMUX_SIZE = 4096,          /* sizeof(cipmux_t), bytes */
};

#define CIPMUX_NEVER UINT64_MAX /* cipmux_deadline(): nothing is due */

/* ---- Values ---------------------------------------------------------------------------------------------------- */

/* Names one life of one link. A handle of an earlier life is refused, so a late event cannot touch a reused slot. */
typedef struct {
    uint8_t id;   /* 0-4, the number on the wire */
    uint8_t life; /* counts the lives of this id, modulo 256 */
} cipmux_link_t;

/* An IP address and port. family 0: none. IPv4 uses bytes[0..3], network order. */
typedef struct {
    uint8_t  family; /* 0, 4 or 6 */
    uint8_t  bytes[16];
    uint16_t port;
} cipmux_address_t;

/* Whom to ask for the address of a name, in that order: IPv4 addresses. */
typedef struct {
    uint8_t server[CIPMUX_NAME_SERVERS][4];
    uint8_t count;
} cipmux_name_servers_t;

typedef enum { CIPMUX_TCP, CIPMUX_UDP, CIPMUX_SSL } cipmux_type_t;

/* The UART's rate and format, as AT+UART writes them [basic 2.8]. A new module has 115200,8,1,0 and no flow control
 * (nonos) or RTS (esp-at). */
typedef struct {
    uint32_t baud;
    uint8_t  data_bits; /* 5-8 */
    uint8_t  stop_bits; /* 1: 1, 2: 1.5, 3: 2 */
    uint8_t  parity;    /* 0 none, 1 odd, 2 even */
    uint8_t  flow;      /* bit 0: RTS, bit 1: CTS */
} cipmux_line_t;

/* What the modem does with its UART just now. */
typedef enum {
    CIPMUX_PHASE_OFF,         /* starting, or deep asleep: what arrives is lost, as on hardware */
    CIPMUX_PHASE_COMMAND,     /* a command line is expected */
    CIPMUX_PHASE_BUSY,        /* a command is open: lines answer "busy" */
    CIPMUX_PHASE_COLLECTING,  /* the next cipmux_collecting() bytes are payload */
    CIPMUX_PHASE_PASSTHROUGH, /* every byte is payload */
} cipmux_phase_t;

/* What a client that knocks at the modem's server meets now. */
typedef enum {
    CIPMUX_ADMIT_NOBODY, /* no server runs */
    CIPMUX_ADMIT_OPEN,   /* offer an ACCEPT */
    CIPMUX_ADMIT_RESET,  /* refuse: the SYN is answered by RST, or the connection is reset at once */
    CIPMUX_ADMIT_FIN,    /* complete the handshake, then close normally [tcpip 4.4] */
    CIPMUX_ADMIT_SILENT, /* leave the SYN unanswered [309]; who cannot do that resets, and says so in its log */
} cipmux_admission_t;

/* By which interface something leaves the modem. */
typedef enum {
    CIPMUX_BY_STATION,
    CIPMUX_BY_SOFT_AP,
    CIPMUX_NO_ROUTE, /* the station has no address, and it is not in the soft-AP's network */
} cipmux_route_t;

/* An access point as a scan finds it and as a join reports it. Fields as in +CWLAP [wifi 3.7]. */
typedef struct {
    uint8_t ssid[CIPMUX_SSID_MAX];
    uint8_t ssid_length; /* 0: hidden */
    uint8_t bssid[6];
    uint8_t channel;     /* 1-14 */
    int8_t  rssi;        /* dBm */
    uint8_t security;    /* ecn: 0 open, 1 WEP, 2 WPA, 3 WPA2, 4 WPA/WPA2, 5 WPA2 enterprise, 6 WPA3, 7 WPA2/WPA3 */
    int16_t freq_offset; /* kHz */
    int16_t freqcal;
    uint8_t pairwise, group; /* 0 none, 3 TKIP, 4 CCMP, 5 both */
    uint8_t bgn;             /* bit 0 b, bit 1 g, bit 2 n */
    uint8_t wps;             /* 0, 1 */
} cipmux_ap_t;

/* What SmartConfig and WPS tell. Lengths beyond those of an access point are refused. */
typedef struct {
    const uint8_t *ssid, *password;
    uint8_t        ssid_length, password_length;
} cipmux_credentials_t;

/* What the radio's firmware (the SDK below the AT commands) refuses: a fault of the module itself. */
typedef enum {
    CIPMUX_REFUSES_NOTHING,
    CIPMUX_REFUSES_STATION_SET,     /* AT+CWJAP: name and password */
    CIPMUX_REFUSES_STATION_CONNECT, /* AT+CWJAP: to begin */
    CIPMUX_REFUSES_WPS_ENABLE,      /* AT+WPS: the steps of starting */
    CIPMUX_REFUSES_WPS_SET,
    CIPMUX_REFUSES_WPS_START,
    CIPMUX_REFUSES_WPS_STOP,
} cipmux_refuses_t;

/* Why something ended or did not begin. */
typedef enum {
    CIPMUX_CAUSE_NONE,
    CIPMUX_CAUSE_FIN,          /* the peer closed */
    CIPMUX_CAUSE_RESET,        /* the peer reset, or the connection died */
    CIPMUX_CAUSE_TIMEOUT,      /* nobody answered, or keepalive gave up */
    CIPMUX_CAUSE_REFUSED,      /* dial: RST to our SYN */
    CIPMUX_CAUSE_UNREACHABLE,  /* dial: no route */
    CIPMUX_CAUSE_LOCAL,        /* dial: no memory, local port in use */
    CIPMUX_CAUSE_TLS,          /* dial: handshake failed, or there is no TLS here */
    CIPMUX_CAUSE_NO_AP,        /* join: no access point of that name (or it was filtered) */
    CIPMUX_CAUSE_PASSWORD,     /* join: wrong password */
    CIPMUX_CAUSE_JOIN_REFUSED, /* join: association refused */
    CIPMUX_CAUSE_AP_LOST,      /* the access point went away or threw the station out */
} cipmux_cause_t;

/* ---- Dialects, times and quirks: how an instance is configured ------------------------------------------------- */

/* Durations, milliseconds. X(name, nonos real, esp-at real, fast, meaning [source]) */
#define CIPMUX_TIMES(X)                                                                                                \
    X(BOOT, 262, 300, 50, "start or restart to ready [wifi 8, 709]")                                                   \
    X(COMMAND, 2, 3, 0, "line end to the answer; busy meanwhile [tcpip 3.9, 209, 210]")                                \
    X(SCAN, 2140, 2004, 0, "AT+CWLAP over all channels [wifi 8, 709]")                                                 \
    X(ASSOCIATE, 5000, 3000, 0, "AT+CWJAP to WIFI CONNECTED [wifi 8]")                                                 \
    X(LEASE, 1000, 1000, 0, "WIFI CONNECTED to WIFI GOT IP [wifi 8]")                                                  \
    X(JOIN_LIMIT, 15000, 15000, 15000, "AT+CWJAP without any outcome gives up [wifi 3.3]")                             \
    X(JOIN_REPORT, 15000, 15000, 0, "a failed AT+CWJAP is not reported before [wifi 3.3]")                             \
    X(JOIN_RETRY, 2000, 1000, 1000, "pause between attempts to join [wifi 8]")                                         \
    X(AUTOJOIN, 1000, 1000, 0, "ready to the first attempt of an automatic join [wifi 8]")                             \
    X(SILENCE, 8000, 6000, 0, "an access point falls silent to WIFI DISCONNECT (GUESS) [wifi 8]")                      \
    X(WPS_LIMIT, 120000, 120000, 120000, "AT+WPS=1 without a pressed button gives up (GUESS) [wifi 6.2]")              \
    X(SOFT_AP_LEASE, 1000, 1000, 0, "+STA_CONNECTED to +DIST_STA_IP [wifi 8]")                                         \
    X(SOFT_AP_SILENT, 300000, 300000, 300000, "a station of the soft-AP that is silent is given up [wifi 8]")          \
    X(REFUSED, 3000, 0, 0, "a refused AT+CIPSTART is not reported before [tcpip 3.5, 102]")                            \
    X(DIAL_LIMIT, 20000, 10000, 20000, "an unanswered AT+CIPSTART gives up [tcpip 3.5]")                               \
    X(DNS_LIMIT, 12000, 12000, 12000, "an unanswered name lookup gives up [tcpip 3.5, 101]")                           \
    X(PING_LIMIT, 1000, 5000, 1000, "an AT+PING without an answer gives up (GUESS) [tcpip 3.26]")                      \
    X(SNTP_RETRY, 15000, 15000, 15000, "an unanswered question for the time is repeated [services 5]")                 \
    X(SNTP_UPDATE, 3600000, 3600000, 3600000, "the time is asked for again (GUESS) [services 5]")                      \
    X(UPDATE_LIMIT, 180000, 180000, 180000, "an AT+CIUPDATE without an end gives up [tcpip 3.27]")                     \
    X(SEND_LIMIT, 30000, 30000, 30000, "payload that the peer does not take becomes SEND FAIL (GUESS)")                \
    X(RECONNECT, 100, 100, 100, "pause before passthrough dials again [tcpip 3.19, 4.8]")                              \
    X(PACKET, 20, 20, 20, "silence that ends a passthrough packet, and that guards +++ [tcpip 4.8]")

typedef enum {
#define X(name, nonos, esp_at, fast, meaning) CIPMUX_TIME_##name,
    CIPMUX_TIMES(X)
#undef X
        CIPMUX_TIME_COUNT
} cipmux_time_t;

/* How an instance behaves where firmwares differ, or where nobody knows and we guess: one small number each, the default
 * from the dialect, changed by cipmux_config_quirk(). X(NAME, "id", min, max, "matrix rows", "values") */
#include "cipmux_quirks.h"

typedef enum {
#define X(name, id, nonos, esp_at, max, rows, values) CIPMUX_QUIRK_##name,
    CIPMUX_QUIRKS(X)
#undef X
        CIPMUX_QUIRK_COUNT
} cipmux_quirk_t;

/* What one instance is. Owned by the caller; must outlive the instance and stay unchanged while it runs. */
typedef struct {
    uint8_t     dialect; /* index, see cipmux_dialect_name() */
    uint8_t     mac[6];  /* station; the soft-AP's has bit 1 of the first octet set [wifi 5.3] */
    uint32_t    time_ms[CIPMUX_TIME_COUNT];
    uint8_t     quirk[CIPMUX_QUIRK_COUNT];
    uint8_t    *heap;      /* for AT+USERRAM and AT+USEROTA, this modem's alone; more than CIPMUX_HEAP_SIZE is not
                                   used. NULL: to them the module's memory is used up */
    size_t      heap_size; /* bytes */
    uint8_t    *flash;     /* the user partitions, CIPMUX_FLASH_SIZE bytes, this modem's alone: AT+SYSFLASH. A new
                                   module's are all ff. NULL: it has none */
    const char *gmr; /* what AT+GMR prints in front of its OK, at most CIPMUX_GMR_MAX bytes; NULL: the dialect's text */
} cipmux_config_t;

/* Name of dialect `index`: "classic", "nonos-1.7.6", "esp-at-2.3", "nonos-1.3"; NULL beyond the last. */
const char *cipmux_dialect_name(size_t index);
/* One line about dialect `index`, for a list; NULL beyond the last. */
const char *cipmux_dialect_about(size_t index);

/* A command as a dialect has it; for a list or a manual. The texts live as long as the program. */
enum { CIPMUX_FORM_TEST = 1, CIPMUX_FORM_QUERY = 2, CIPMUX_FORM_SET = 4, CIPMUX_FORM_RUN = 8 };
typedef struct {
    const char *name;      /* behind "AT": "+CIPSTART", "E0"; "" is AT itself */
    unsigned    forms;     /* CIPMUX_FORM_*, of AT+X=? AT+X? AT+X=... AT+X; 0: the dialect has no such command */
    const char *arguments; /* of AT+X=..., a field each: `iA:B` an integer of that range, `xA:B` one that may be hex,
                            * `w` a word of 32 bits, `sA:B` a quoted text of so many bytes; capital `I` `S`: the place may be
                            * empty; `L` the link, only while CIPMUX=1, `A` likewise, 5 means all; behind `?` arguments
                            * may be left out at the end; `*`: any number of the last. NULL: the command reads them itself */
    const char *source;    /* says why the dialect differs from its column; NULL: it does not */
} cipmux_command_t;
/* Command `index` of dialect `dialect`, see cipmux_dialect_name(). False: beyond the last command, or the last dialect. */
bool cipmux_command(size_t index, size_t dialect, cipmux_command_t *out);

/* Fills `config` for a dialect with its quirks, the times of "fast" and the MAC 5c:cf:7f:00:00:01.
 * False: no such dialect, `config` is untouched. */
bool cipmux_config(cipmux_config_t *config, const char *dialect);
/* All times as measured on modules (`real`), or as short as they can be. */
void cipmux_config_timing(cipmux_config_t *config, bool real);
/* One time, by its name in lower case ("boot", "join_limit"). False: no such name. With "reconnect" or "join_retry" 0 an
 * attempt that fails at once is repeated in the same instant, without end: for worlds in which every attempt takes time. */
bool cipmux_config_time(cipmux_config_t *config, const char *name, uint32_t ms);
/* One quirk, by its id. False: no such id, or value beyond its range. */
bool cipmux_config_quirk(cipmux_config_t *config, const char *id, unsigned value);

/* ---- Requests: what the engine wants from the caller ----------------------------------------------------------- */

typedef enum {
    CIPMUX_REQUEST_NONE,
    CIPMUX_REQUEST_RESOLVE, /* name -> address; answer with RESOLVED and the same ticket */
    CIPMUX_REQUEST_DIAL,    /* open an outgoing link; answer with UP or FAILED */
    CIPMUX_REQUEST_HANG_UP, /* close the link's socket. Exactly one for each link that was UP or accepted, also when the
                                peer ended first, and for a dial that is given up */
    CIPMUX_REQUEST_RETURN,  /* the memory that was lent to this link is the caller's again; once, after HANG_UP */
    CIPMUX_REQUEST_WATCH,   /* say ACKED as soon as the peer's TCP has acknowledged all bytes taken so far */
    CIPMUX_REQUEST_OPTION,  /* the link's TCP_NODELAY changed; no answer */
    CIPMUX_REQUEST_LISTEN,  /* start the server; answer with LISTENING. Which clients get in: cipmux_admission() */
    CIPMUX_REQUEST_UNLISTEN, /* stop the server */
    CIPMUX_REQUEST_SCAN,     /* answer with any number of SCAN_ENTRY, then SCAN_DONE */
    CIPMUX_REQUEST_JOIN,     /* associate; answer with JOINED and LEASE, or with LOST */
    CIPMUX_REQUEST_LEAVE,    /* leave the access point, or stop joining; no answer */
    CIPMUX_REQUEST_LINE,     /* the UART's rate and format change. A barrier: offered when everything printed before was
                                polled; until LINE_SET is answered nothing is printed and no byte is taken */
    CIPMUX_REQUEST_ROM_LINE, /* the same, but the far side does not know: the ROM talks at 74880 baud until the next LINE.
                                Only with the quirk boot-text [conventions 1.9] */
    CIPMUX_REQUEST_STORE,    /* the saved settings changed: store cipmux_image(), answer with STORED. The command that
                                changed them is open until then */
    CIPMUX_REQUEST_RADIO,    /* station and soft-AP were switched on or off; no answer. Off: its stations are gone */
    CIPMUX_REQUEST_SOFT_AP, /* the soft-AP's settings. Its stations are told by STATION_JOINED, _LEASED and _LEFT. A new
                                ticket: it starts anew, and the stations that it had are gone without an event */
    CIPMUX_REQUEST_KICK,    /* throw this station out of the soft-AP; answer with STATION_LEFT */
    CIPMUX_REQUEST_ADDRESS, /* the joined station has another address now, or wants one: then answer with LEASE */
    CIPMUX_REQUEST_SMART,   /* listen for a phone that sends credentials by SmartConfig, or stop; answer with SMART_TYPE
                                and SMART_CREDENTIALS */
    CIPMUX_REQUEST_WPS,     /* look for an access point whose WPS button is pressed, or stop; answer with WPS */
    CIPMUX_REQUEST_MDNS,    /* answer for this name by multicast DNS, or stop; no answer */
    CIPMUX_REQUEST_PINS,    /* what the modem does with its pins has changed; no answer */
    CIPMUX_REQUEST_SLEEP, /* deep asleep from now on, behind everything printed before: nothing is heard until RESET_PIN,
                                which GPIO16 causes after `sleep_ms`, if that is not 0 [basic 2.6] */
    CIPMUX_REQUEST_PING,  /* one ICMP echo; answer with PONG and the same ticket, or not at all */
    CIPMUX_REQUEST_TIME,  /* ask one SNTP server; answer with TIME and the same ticket, or not at all. The one before,
                                if it is still open, is given up */
    CIPMUX_REQUEST_UPDATE, /* look for new firmware; answer with any number of UPDATE and the same ticket */
} cipmux_request_kind_t;

typedef struct {
    cipmux_request_kind_t kind;
    cipmux_link_t         link; /* DIAL HANG_UP RETURN WATCH OPTION */
    uint16_t ticket; /* RESOLVE SCAN JOIN SMART WPS SOFT_AP ADDRESS PING TIME UPDATE: return it with every answer */
    union {
        struct {                        /* pointers are valid until the next call */
            const char           *name; /* not terminated; may be an IPv6 address as text */
            size_t                length;
            uint8_t               family; /* 4, 6, or 0: IPv4 preferred */
            cipmux_name_servers_t servers;
        } resolve;
        struct {
            cipmux_address_t to;
            cipmux_route_t   route; /* as in dial */
        } ping;
        struct {
            const char           *name; /* an address or a name, to be looked up at `servers`; not terminated */
            size_t                length;
            cipmux_name_servers_t servers;
        } time;
        struct {
            bool        https;
            const char *version, *partition; /* as typed; not terminated. Length 0: the newest; the application */
            size_t      version_length, partition_length;
            const char *url; /* AT+USEROTA: from there, not terminated; NULL: AT+CIUPDATE, from its own server */
            size_t      url_length;
        } update;
        struct {
            cipmux_type_t    type;
            cipmux_address_t to;          /* UDP: where CIPSEND goes at first */
            cipmux_address_t from;        /* local address to bind; family 0: any. port: UDP local port, 0: any */
            uint16_t         keepalive_s; /* 0: off. esp-at then probes 3 times, 1 s apart [tcpip 3.5] */
            cipmux_route_t   route;       /* by which interface it leaves */
            const char      *name;        /* as typed, for TLS and the log; not terminated */
            size_t           name_length;
        } dial;
        struct {
            bool     reset;    /* RST instead of FIN [tcpip 3.8] */
            uint16_t linger_s; /* how long unsent bytes may still leave; 0: as long as it takes */
        } hang_up;
        struct {
            bool nodelay;
        } option;
        struct {
            uint16_t port;
            uint8_t  family; /* 4 or 6 */
        } listen;
        struct {
            uint32_t       duration_ms; /* as long as the real one takes; 0: at once */
            const uint8_t *ssid;        /* wanted name, length 0: all */
            uint8_t        ssid_length;
            uint8_t        channel;                 /* 0: all */
            uint8_t        first_channel, channels; /* only so many from there [wifi 5.5]; channels 0: all */
            bool           by_signal;               /* the strongest entry first; else as they are found */
            bool           any_bssid;
            uint8_t        bssid[6];
        } scan;
        struct {
            uint32_t       associate_ms, lease_ms; /* as long as the real ones take; 0: at once */
            const uint8_t *ssid, *password;
            uint8_t        ssid_length, password_length;
            bool           any_bssid;
            uint8_t        bssid[6];
            uint8_t        first_channel, channels; /* only so many from there [wifi 5.5]; channels 0: all */
            bool           refuse_open;             /* pci_en: neither open nor WEP */
            bool           strongest;               /* scan_mode 1; else the first match */
            uint8_t        auth_floor;              /* not to an access point of less security */
            uint32_t       silence_ms;              /* how long the access point may be silent before it is LOST */
            uint8_t        mac[6];                  /* of the station */
            bool           dhcp;                    /* wants an address; else it has this one */
            uint8_t        address[4];
        } join;
        struct {
            uint32_t lease_ms;
            bool     dhcp; /* wants an address; else it has this one */
            uint8_t  address[4];
        } address;
        struct {
            bool station, soft_ap;
        } radio;
        struct {                /* SMART WPS */
            bool    on;         /* false: stop */
            uint8_t auth_floor; /* WPS: as in join */
        } provision;
        struct {
            bool        on;             /* false: stop, and forget the name */
            const char *host, *service; /* one label each, as typed; not terminated */
            uint8_t     host_length, service_length;
            uint16_t    port;
            const char *prefix; /* what is put before the service */
            const char *about;  /* the strings of its TXT record, '\n' between */
        } mdns;
        struct { /* bit n: GPIO n */
            uint16_t driven, high, pulled_up;
        } pins;
        uint32_t sleep_ms;
        struct {
            uint32_t       lease_ms;   /* as long as the real one takes to give an address; 0: at once */
            uint32_t       silence_ms; /* a station that is gone without a word is given up */
            const uint8_t *ssid, *password;
            uint8_t        ssid_length, password_length;
            uint8_t        channel, security; /* security 0: any password is accepted */
            uint8_t        max_stations;
            bool           hidden;
            uint8_t        mac[6], address[4], netmask[4]; /* its own */
            bool           dhcp;
            uint16_t       lease_min;
            uint8_t        first[4], last[4]; /* the addresses that it gives away */
        } soft_ap;
        struct {
            uint8_t mac[6];
        } kick;
        cipmux_line_t line;
    };
} cipmux_request_t;

/* ---- Events: what the caller tells the engine ------------------------------------------------------------------ */

typedef enum {
    CIPMUX_EVENT_RESOLVED, /* ticket, address; family 0: not found */
    CIPMUX_EVENT_UP,       /* link, address (peer), local_port, memory. UDP: as soon as it is bound */
    CIPMUX_EVENT_FAILED, /* link, cause; address.port may carry the local port. The dial is over, no HANG_UP follows */
    CIPMUX_EVENT_ACCEPT, /* address (client), local_port, memory */
    CIPMUX_EVENT_ACKED,  /* link: answers WATCH */
    CIPMUX_EVENT_ENDED,  /* link, cause FIN, RESET or TIMEOUT; only after cipmux_receive() took every byte before it */
    CIPMUX_EVENT_LISTENING,         /* cause NONE, or LOCAL: cannot listen */
    CIPMUX_EVENT_SCAN_ENTRY,        /* ticket, ap */
    CIPMUX_EVENT_SCAN_DONE,         /* ticket, cause NONE, or LOCAL: the radio refused */
    CIPMUX_EVENT_JOINED,            /* ticket, ap: associated, password accepted */
    CIPMUX_EVENT_LEASE,             /* ticket, address, gateway, netmask, name_server */
    CIPMUX_EVENT_LOST,              /* ticket, cause: the join failed, or the association ended */
    CIPMUX_EVENT_SIGNAL,            /* ticket of JOIN, ap: how strong it is heard now, on which channel */
    CIPMUX_EVENT_ADVERTISED,        /* ticket of JOIN, address: a router told its IPv6 network, the first 64 bits */
    CIPMUX_EVENT_SMART_TYPE,        /* ticket, smart_type: a phone sends */
    CIPMUX_EVENT_SMART_CREDENTIALS, /* ticket, credentials: and all of it was received */
    CIPMUX_EVENT_WPS,               /* ticket, cause NONE and credentials; or why not */
    CIPMUX_EVENT_STATION_JOINED,    /* ticket, mac: a station of the soft-AP, password accepted */
    CIPMUX_EVENT_STATION_LEASED,    /* ticket, mac, address: it got an address from the soft-AP, or got it again */
    CIPMUX_EVENT_STATION_LEFT, /* ticket, mac, address: it left, was thrown out or is silent; its address, if it had one */
    CIPMUX_EVENT_REFUSES,      /* refuses: what the module's own firmware refuses from now on. At first nothing */
    CIPMUX_EVENT_PONG,         /* ticket, ms; or cause: the echo cannot be sent */
    CIPMUX_EVENT_TIME,         /* ticket, utc_us; or cause: there is no such server */
    CIPMUX_EVENT_UPDATE,       /* ticket, step; or cause: it failed */
    CIPMUX_EVENT_LINE_SET,     /* answers LINE */
    CIPMUX_EVENT_STORED,       /* answers STORE: cause NONE, or LOCAL: it failed, and image is what is stored */
    CIPMUX_EVENT_RESET_PIN,    /* reset pin or power cycle: everything but the saved settings is gone */
    CIPMUX_EVENT_PINS,         /* pins: what is connected to them; taken at any time. At first nothing is */
} cipmux_event_kind_t;

typedef struct {
    cipmux_event_kind_t         kind;
    cipmux_link_t               link;
    uint16_t                    ticket;
    cipmux_cause_t              cause;
    cipmux_address_t            address;
    uint16_t                    local_port;
    void                       *memory;      /* UP ACCEPT: the link's buffers, lent until RETURN */
    size_t                      memory_size; /* bytes, at least cipmux_link_memory() */
    const cipmux_ap_t          *ap;
    uint8_t                     smart_type; /* SMART_TYPE: 1 ESP-TOUCH, 2 AirKiss, 0 another */
    const cipmux_credentials_t *credentials;
    cipmux_refuses_t            refuses;
    const void                 *image; /* STORED */
    size_t                      image_size;
    uint8_t                     gateway[4], netmask[4];
    struct {
        uint16_t driven, high; /* bit n: GPIO n is driven from outside; to a high level */
        uint16_t adc;          /* 0-1024, 1/1024 V */
        uint16_t supply;       /* of the chip, mV; 0: 3300 */
    } pins;
    uint8_t  mac[6];
    uint8_t  name_server[4]; /* LEASE: 0.0.0.0 if it came without */
    uint32_t ms;             /* PONG: how long the echo took */
    uint64_t utc_us;         /* TIME: since 1970-01-01 00:00:00 UTC */
    uint8_t  step;           /* UPDATE: 1 server found, 2 connected, 3 version known, 4 loading, 5 done */
} cipmux_event_t;

typedef enum {
    CIPMUX_TAKEN,   /* done */
    CIPMUX_LATER,   /* not now: offer it again after the next poll, request or tick */
    CIPMUX_REFUSED, /* never: a stale handle or ticket, or no such event in this state. An ACCEPT: reject the client */
} cipmux_answer_t;

/* ---- Notes: why a command was refused, for a log --------------------------------------------------------------- */

#include "cipmux_reasons.h"

typedef enum {
#define X(name, id, sentence, cure) CIPMUX_REASON_##name,
    CIPMUX_REASONS(X)
#undef X
        CIPMUX_REASON_COUNT
} cipmux_reason_t;

typedef struct {
    cipmux_reason_t reason;
    int             link;     /* 0-4, or -1 */
    int32_t         number;   /* what the reason's sentence shows as %d */
    char            text[24]; /* what it shows as %s: the command's name, terminated; "" if none */
} cipmux_note_t;

/* Stable id ("server-needs-mux"), sentence and cure of a reason. */
const char *cipmux_reason_id(cipmux_reason_t reason);
const char *cipmux_reason_sentence(cipmux_reason_t reason);
const char *cipmux_reason_cure(cipmux_reason_t reason);

/* ---- The instance ---------------------------------------------------------------------------------------------- */

/* One modem. The caller owns it. Between calls its bytes may be kept and put back to the same place, which undoes what came
 * between; a copy at another place is no modem, for it points into itself. Contents are private. */
typedef struct {
    uint64_t words[CIPMUX_SIZE / sizeof(uint64_t)];
} cipmux_t;

/* Losses and oddities by cause, since power-on. */
typedef struct {
    uint32_t bytes_while_off; /* UART input lost during start [conventions 1.9] */
    uint32_t busy_lines;      /* command lines answered by "busy" and discarded */
    uint32_t surplus_bytes;   /* payload beyond the announced length, discarded */
    uint32_t
        datagrams_lost; /* UDP datagrams larger than the receive memory, or beyond it in passive mode or with udp-drops */
    uint32_t stale_events;   /* events with an old handle or ticket */
    uint32_t refused_events; /* events that make no sense in the state: a bug of the caller */
    uint32_t notes_lost;     /* notes that were not fetched in time */
} cipmux_counters_t;

/* ---- Life ------------------------------------------------------------------------------------------------------ */

/* Power on: factory settings; `ready` appears after the BOOT time. `config` stays the caller's and must outlive `modem`. */
void cipmux_power_on(cipmux_t *modem, const cipmux_config_t *config, uint64_t now_us);

/* Flash: settings that outlive the instance. Behind cipmux_power_on(): the settings of `image` (n bytes; 0: a new module's,
 * with factory settings) are in force, and from now on each change of them is a request STORE. False: the image is
 * damaged or of another kind, factory settings are in force. */
bool cipmux_use_flash(cipmux_t *modem, const void *image, size_t n);
/* Writes the saved settings, at most CIPMUX_IMAGE_MAX bytes; returns how many. */
size_t cipmux_image(const cipmux_t *modem, void *out);
/* Is that a whole, undamaged image? */
bool cipmux_image_is_good(const void *image, size_t n);

/* UART in: takes bytes, returns how many. Fewer than n while a request or notes wait to be fetched or while output waits
 * to be polled; offer the rest again. */
size_t cipmux_sink(cipmux_t *modem, uint64_t now_us, const void *bytes, size_t n);

/* The buffer that the module has in front of cipmux_sink(): bytes [tcpip 4.10]. With RTS flow control its RTS goes high
 * when *rts_at bytes wait in it. For a caller that lets a UART lose what a real one loses; others just offer again. */
size_t cipmux_uart_buffer(const cipmux_t *modem, size_t *rts_at);

/* UART out: gives up to `capacity` bytes, returns how many; 0: there are no more. A +IPD frame is one unit: nothing else is
 * printed inside, and a call ends with it: sink what waits before the next one, or a download starves the commands. */
size_t cipmux_poll(cipmux_t *modem, uint64_t now_us, void *out, size_t capacity);

/* When to call cipmux_tick() at the latest; CIPMUX_NEVER if nothing is due. A deadline also says when an event that was
 * answered LATER is worth offering again. */
uint64_t cipmux_deadline(const cipmux_t *modem);
void     cipmux_tick(cipmux_t *modem, uint64_t now_us);

/* The next request. False: none. Each is given once. */
bool cipmux_request(cipmux_t *modem, uint64_t now_us, cipmux_request_t *out);

/* Tells an event. `assigned` (may be NULL) gets the link of an ACCEPT that was TAKEN. */
cipmux_answer_t cipmux_event(cipmux_t *modem, uint64_t now_us, const cipmux_event_t *event, cipmux_link_t *assigned);

/* Link bytes, in: credit, never refusal. `room` is how much cipmux_receive() takes now; 0: stop reading that socket. */
size_t cipmux_receive_room(const cipmux_t *modem, cipmux_link_t handle);
size_t cipmux_receive(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const void *bytes, size_t n);
/* One whole datagram. False: no room now, keep it. One that can never fit is taken, counted and noted. */
bool cipmux_datagram(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const cipmux_address_t *from,
                     const void *bytes, size_t n);
/* Memory that each open link needs, bytes: the receive window and the send buffer of the real module [tcpip 4.10]. An idle
 * modem has none. */
size_t cipmux_link_memory(const cipmux_t *modem);

/* Link bytes, out: what waits to be sent on `link`. `*out` stays valid until cipmux_send_done(). UDP: exactly one datagram
 * (true with n = 0: an empty one), to `*to`. TCP: a piece of the stream. False: nothing waits. */
bool cipmux_send_peek(const cipmux_t *modem, cipmux_link_t link, const void **out, size_t *n, cipmux_address_t *to);
/* `n` of those bytes were taken by the network; a datagram is taken whole. */
void cipmux_send_done(cipmux_t *modem, uint64_t now_us, cipmux_link_t link, size_t n);
/* The network refused those bytes for lack of memory, or could not send the datagram: SEND FAIL, the link stays [211]. */
void cipmux_send_failed(cipmux_t *modem, uint64_t now_us, cipmux_link_t link);

/* What a client that knocks at the server meets now; changes only by calls. */
cipmux_admission_t cipmux_admission(const cipmux_t *modem);
/* By which interface a datagram to this address leaves now. */
cipmux_route_t cipmux_route(const cipmux_t *modem, const cipmux_address_t *to);
/* Port that the server listens on, 0: none. */
uint16_t cipmux_server_port(const cipmux_t *modem);

/* How the UART runs now. */
cipmux_line_t cipmux_line(const cipmux_t *modem);

cipmux_phase_t cipmux_phase(const cipmux_t *modem);
/* Bytes of payload still expected in CIPMUX_PHASE_COLLECTING, else 0. */
size_t cipmux_collecting(const cipmux_t *modem);

/* The oldest note. False: none. */
bool              cipmux_note(cipmux_t *modem, cipmux_note_t *out);
cipmux_counters_t cipmux_counters(const cipmux_t *modem);

#ifdef __cplusplus
}
#endif
#endif
