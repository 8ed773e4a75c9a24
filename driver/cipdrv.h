/* cipdrv: an AT driver for the ESP8266, for a microcontroller as small as the ATmega328P.
 *
 * No heap, no blocking call, no delay, no dependency; every wait has a deadline. Bytes of the UART come in through
 * cipdrv_sink() and go out through cipdrv_poll(), time comes in with each call, and what happens is told to one handler
 * of yours. It speaks AT 1.x of the NonOS SDK and ESP-AT 2.x, and finds out which one it has met.
 *
 * You say what is wanted (cipdrv_config_t) and the driver brings the modem there: it finds it at whatever rate and in
 * whatever state it is, sets it up, joins the network, opens the server, and does so again whenever the modem was reset
 * or lost. Links come and go with events. The main loop is always the same:
 *
 *     for (;;) {
 *         n = cipdrv_sink(&driver, now, received, k);         ...first what has arrived; n of the k bytes were taken
 *         n = cipdrv_poll(&driver, now, out, room);           ...then what is to be sent
 *     }
 *
 * Features are chosen at compile time, for all files of the driver and of the program alike; what is left out costs
 * nothing. Licence: 0BSD, see driver/LICENSE. */
#ifndef CIPDRV_H
#define CIPDRV_H

#include <stdbool.h>
#include <stdint.h>

/* ---- Features -------------------------------------------------------------------------------------------------- */

#ifndef CIPDRV_LINKS /* 5: multiple connection mode (AT+CIPMUX=1). 1: single connection mode, smaller */
#define CIPDRV_LINKS 5
#endif
#ifndef CIPDRV_SERVER /* 1: a server for config.server_port. With one link only the dialect "classic" allows it */
#define CIPDRV_SERVER 1
#endif
#ifndef CIPDRV_UDP /* 1: CIPDRV_TYPE_UDP */
#define CIPDRV_UDP 1
#endif
#ifndef CIPDRV_SSL /* 1: CIPDRV_TYPE_SSL */
#define CIPDRV_SSL 0
#endif
#ifndef CIPDRV_PASSIVE /* 1: config.passive, where the modem has it */
#define CIPDRV_PASSIVE 1
#endif
#ifndef CIPDRV_SOFTAP /* 1: config.ap_ssid */
#define CIPDRV_SOFTAP 0
#endif
#ifndef CIPDRV_ASK /* 1: cipdrv_ask(): look up a name, ping, the time */
#define CIPDRV_ASK 0
#endif
#ifndef CIPDRV_THROUGH /* 1: cipdrv_through(), passthrough; needs CIPDRV_LINKS 1 */
#define CIPDRV_THROUGH 0
#endif
#ifndef CIPDRV_FLASH /* 1: CIPDRV_FROM_FLASH */
#define CIPDRV_FLASH 1
#endif
#ifndef CIPDRV_FILLS /* 1: a send may ask for its bytes, CIPDRV_FILL */
#define CIPDRV_FILLS 1
#endif
#ifndef CIPDRV_SWITCH /* 1: a modem found at another rate is switched to config.rate; 0: it is used at the rate it has */
#define CIPDRV_SWITCH 1
#endif
#ifndef CIPDRV_SAVED /* 1: passthrough that the modem would enter at each start (AT+SAVETRANSLINK) is switched off */
#define CIPDRV_SAVED 1
#endif
#ifndef CIPDRV_FLOW /* 1: config.flow */
#define CIPDRV_FLOW 1
#endif
#ifndef CIPDRV_CUR /* 1: NonOS is told not to write the network to its flash; 0: it does when it differs */
#define CIPDRV_CUR 1
#endif
#ifndef CIPDRV_PIECE /* payload of one AT+CIPSEND, 1 to 2048 [tcpip 4.10] */
#define CIPDRV_PIECE 2048
#endif

/* ---- Events ---------------------------------------------------------------------------------------------------- */

typedef struct cipdrv cipdrv_t;

#define CIPDRV_NO_LINK 255

typedef enum {
    /* The handler returns 0 and `data` is NULL where nothing else is said. */
    CIPDRV_RATE,   /* set your UART to n * 100 baud: for what cipdrv_poll() returns from now on; what it returned before
                      * leaves at the old rate. No link */
    CIPDRV_UP,     /* the modem is set up, and has an address if config.ssid is set: links can be opened. No link */
    CIPDRV_DOWN,   /* that ended, or was not reached; n is a cipdrv_cause_t. The driver goes on trying. No link */
    CIPDRV_OPENED, /* `link` is open: the one that you dialled, or a client's when n is 1 */
    CIPDRV_RECEIVED, /* n bytes at `data` came on `link`. Return how many you took: what you leave is offered again */
    CIPDRV_ROOM,     /* passive: n bytes wait in the modem for `link`. Return how many you can take now, 0 for none */
    CIPDRV_FILL,     /* write the next byte of the send whose data is NULL to `data` */
    CIPDRV_SENT,     /* all bytes of the send on `link` were taken by the modem (NonOS: acknowledged by the peer) */
    CIPDRV_CLOSED,   /* `link` is no more, or could not be opened; n is a cipdrv_cause_t. Its id may be used again */
    CIPDRV_FAULT, /* the wire garbled something. No link: bytes for any link may be missing (those that surely miss some are
                      * closed as DAMAGED). A link: one of its datagrams was damaged or not sent; it stays open */
    CIPDRV_ANSWER /* to cipdrv_ask(): n characters at `data`, one or more at a time; n 0: the end, `link` 1: ERROR */
} cipdrv_event_t;

typedef enum {
    CIPDRV_BY_PEER,    /* closed or reset by the other side, or by the modem: idle time, network gone */
    CIPDRV_BY_US,      /* cipdrv_close()                                                              */
    CIPDRV_REFUSED,    /* the dial failed; for DOWN: the network could not be joined                  */
    CIPDRV_LOST,       /* the modem no longer has the link, and no line told its end: the wire lost it */
    CIPDRV_DAMAGED,    /* bytes of its stream were lost on the wire, so the driver closed it          */
    CIPDRV_NOT_SENT,   /* a send failed, or nobody knows whether it went out: the driver closed it    */
    CIPDRV_NO_MODEM,   /* for DOWN: no answer at any rate. A reset of the modem by its pin may help   */
    CIPDRV_RESET,      /* the modem was reset: all its links are gone                                 */
    CIPDRV_NO_NETWORK, /* for DOWN: the access point is gone                                          */
    CIPDRV_NO_SERVER   /* for DOWN: the modem refused the server. It is reset and set up again        */
} cipdrv_cause_t;

/* "No link": `link` is CIPDRV_NO_LINK. Told inside cipdrv_sink() and cipdrv_poll(), RATE in cipdrv_start() too. It may call cipdrv_dial(), _send(), _close() and _ask(). */
typedef uint16_t cipdrv_handler_t(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n);

/* ---- What is wanted -------------------------------------------------------------------------------------------- */

typedef struct {
    cipdrv_handler_t *handler;
    const char       *ssid;     /* network to join, 1 to 32 bytes; NULL: none. Any byte: the driver escapes it */
    const char       *password; /* up to 64 bytes; "" for an open network                                      */
    uint16_t          rate;     /* baud / 100 that you want: 1152. Found at another, the modem is switched      */
#if CIPDRV_FLOW
    uint8_t flow; /* of AT+UART: 0 none, 1 its RTS, 2 its CTS (your RTS line), 3 both */
#endif
#if CIPDRV_SERVER
    uint16_t server_port; /* 1 to 65535, 0: no server */
    uint16_t server_idle; /* seconds until an idle client is closed (AT+CIPSTO), 0: never, up to 7200 */
#endif
#if CIPDRV_PASSIVE
    bool passive; /* receive only what CIPDRV_ROOM asks for (AT+CIPRECVMODE=1) */
#endif
#if CIPDRV_SOFTAP
    const char *ap_ssid;     /* network to offer; NULL: none       */
    const char *ap_password; /* 8 to 64 bytes, "": an open network */
    uint8_t     ap_channel;  /* 1 to 13                            */
#endif
} cipdrv_config_t;

/* ---- The driver ------------------------------------------------------------------------------------------------ */

typedef struct {
    uint8_t        state;  /* see driver/internal.h */
    uint8_t        cause;  /* of its end, while that is not told yet */
    bool           listed; /* in AT+CIPSTATUS, or opened since */
    uint16_t       left;   /* bytes of the send that are not written yet */
    const uint8_t *data;   /* the next of them */
#if CIPDRV_UDP || CIPDRV_SSL
    uint8_t type;
#endif
#if CIPDRV_FLASH
    uint8_t from;
#endif
#if CIPDRV_PASSIVE
    uint16_t unread; /* bytes that wait in the modem */
#endif
} cipdrv_link_t;

/* One driver; the caller's memory, nothing else is used. Its fields are private. */
struct cipdrv {
    const cipdrv_config_t *config;
    uint16_t               now;      /* of this call, in ticks of 4 ms      */
    uint16_t               deadline; /* of the stage                        */
    uint16_t               heard;    /* when the last byte came             */
    uint16_t               value;    /* number of a line, bytes of a frame  */
    const char            *word;     /* reader: the candidate's next byte   */
    const char            *text;     /* writer: the rest of the command     */
    const char            *rest;     /* writer: what follows a part of it   */
    const char            *insert;   /* writer: the rest of its argument    */
    const char            *host;     /* of the dial, or of the question     */
    uint16_t               port;     /* of the dial                         */
    uint16_t               amount;   /* bytes of this send or read          */
    uint8_t                reading;  /* reader's state                      */
    uint8_t                matched;  /* bytes of this line that match       */
    uint8_t                ordinal;  /* the candidate's number              */
    uint8_t                id;       /* link of this line                   */
    uint8_t                command;  /* in the slot                         */
    uint8_t                stage;    /* of the slot                         */
    uint8_t                link;     /* of the command                      */
    uint8_t                tries;    /* of the command, or of the hunt      */
    uint8_t                busy;     /* answers "busy" in a row             */
    uint8_t                doubt;    /* whether lines are believed          */
    uint8_t                rate;     /* index of the present one            */
    bool                   esp_at;   /* the dialect */
    bool                   fresh;    /* it was reset and not touched since */
    bool                   ready;    /* set up */
    bool                   up;       /* the program was told so */
    bool                   check;    /* ask for the modem's links */
    bool                   join;
    bool                   odd;       /* an unknown line came while a verdict was awaited */
    bool                   escaped;   /* writer: the backslash is out */
    bool                   gone;      /* the command's link has ended: its answer is for nobody */
    bool                   passive;   /* the modem can */
    bool                   through;   /* passthrough is wanted */
    bool                   raw;       /* AT+CIPMODE=1 was said */
    bool                   read_last; /* sending and reading take turns */
#if CIPDRV_UDP
    uint16_t local_port;
#endif
#if CIPDRV_ASK
    uint8_t question; /* command that asks it */
#endif
    cipdrv_link_t links[CIPDRV_LINKS];
    char digits[6]; /* writer: a number. Behind the links, so that those are in reach of an AVR's load with offset */
};

/* Time, wherever it goes in: the low 16 bits of a clock with ticks of 4 ms, CIPDRV_TICKS(milliseconds). */
#define CIPDRV_TICKS(ms) ((uint16_t)((ms) / 4))

/* Starts, or starts anew: all links are forgotten without an event. `config` must stay as it is while the driver lives.
 * The first event is CIPDRV_RATE. */
void cipdrv_start(cipdrv_t *driver, const cipdrv_config_t *config, uint16_t now);

/* n bytes from the UART. Returns how many were taken: fewer only when the handler left payload. Call it before
 * cipdrv_poll(), and no later than 100 ms after bytes came; without any it need not be called. */
uint16_t cipdrv_sink(cipdrv_t *driver, uint16_t now, const uint8_t *data, uint16_t n);

/* Writes up to n bytes for the UART to `out` and returns their number. All that depends on time happens here. */
uint16_t cipdrv_poll(cipdrv_t *driver, uint16_t now, uint8_t *out, uint16_t n);

/* Ticks from the last call's `now` until cipdrv_poll() has something to do, unless bytes arrive, the program asks for
 * something or has room again; 0: now. */
uint16_t cipdrv_deadline(const cipdrv_t *driver);

/* The UART lost bytes or saw bad ones (overrun, frame error): what they were part of is treated as damaged. */
void cipdrv_fault(cipdrv_t *driver);

/* ---- Links ----------------------------------------------------------------------------------------------------- */

enum { CIPDRV_TYPE_TCP, CIPDRV_TYPE_UDP, CIPDRV_TYPE_SSL };

/* Opens a link to host:port (a name or an address, at most 63 bytes; must stay until the event). Returns its id, whose
 * event is OPENED or CLOSED, or CIPDRV_NO_LINK: no link is free, or another dial goes on. Ids are taken from the top,
 * because the modem gives its clients those from the bottom. With CIPDRV_UDP, `local_port` 0 lets the modem choose; else
 * answers come from any sender and go to the latest one (mode 2) [tcpip 4.7]. */
uint8_t cipdrv_dial(cipdrv_t *driver, uint8_t type, const char *host, uint16_t port
#if CIPDRV_UDP
                    ,
                    uint16_t local_port
#endif
);

/* Where the bytes of a send are. */
enum { CIPDRV_FROM_RAM, CIPDRV_FROM_FLASH };

/* Sends n bytes (1 to 65535) at `data`, in RAM or in the AVR's flash; they must stay until SENT or CLOSED. With data NULL
 * the handler is asked for them (CIPDRV_FILL). On UDP each CIPDRV_PIECE bytes are one datagram. False: the link is not open
 * or still sends. */
bool cipdrv_send(cipdrv_t *driver, uint8_t link, const void *data, uint16_t n, uint8_t from);

/* Closes a link after what was given to cipdrv_send(). CLOSED follows; nothing if it is not open. */
void cipdrv_close(cipdrv_t *driver, uint8_t link);

#if CIPDRV_ASK
enum { CIPDRV_ASK_NAME, CIPDRV_ASK_PING, CIPDRV_ASK_TIME };
/* Asks for the address of `name`, for its round trip in ms, or for the time as text (`name` is the time zone in hours,
 * "0", and the first answers are 1970). `name` must stay until the answer. False: another question or dial goes on. */
bool cipdrv_ask(cipdrv_t *driver, uint8_t what, const char *name);
#endif

#if CIPDRV_THROUGH
/* Passthrough on the open link: RECEIVED and cipdrv_send() go on as before, but with no frames on the wire and no answers, so
 * SENT only says that the bytes are written, and an end of the link is not told: the modem dials again by itself. Leaving it
 * (off, or cipdrv_close()) takes 1.3 s; RECEIVED goes on meanwhile, and only bytes that arrive in its last milliseconds are
 * lost, with a FAULT. */
void cipdrv_through(cipdrv_t *driver, bool on);
#endif

#endif
