/* The simulated world as a judge: several modems of all dialects in one world and one virtual time, each with a host that
 * types what it likes, well-behaved and hostile, with peers in the network and links from modem to modem, and with faults.
 * Whoever looks at it knows each byte: what was typed and how the modem took it, what a peer sent and got, what the modem
 * printed. What must hold is checked at each step:
 *
 *   bytes     what is sent on a link arrives once, in order, at that link; CLOSED is not told before what the modem took
 *             is printed; SEND OK is not told before the peer has the bytes; a datagram stays whole
 *   answers   each command line has one answer, within a time; each AT+CIPSEND one verdict; nothing else is answered
 *   links     one CLOSED for each CONNECT; an id has one owner, in the modem's eyes, the host's and the network's; five at most
 *   words     every line that is printed is one that the firmware knows
 *   memory    a link holds no more than its window, each block of memory is lent once and comes back, nothing is written
 *             behind it, no request is refused
 *   time      no deadline lies in the past when everything has come to rest, and before a deadline nothing happens: a copy of
 *             the modem that is woken just before it has nothing to say
 *   rest      in the end, without faults, all of this is complete, and every modem answers AT
 *
 * A seed is a list of actions, each with its own random number, so that it fails in the same way when others are left out:
 * that is how a failing seed is made short. No wall clock, no heap. */
#ifndef SIM_H
#define SIM_H

#include "world.h"

#include <stdio.h>

enum {
    NODES = 4,         /* modems */
    ACTIONS = 400,     /* of a seed */
    CONNS = 96,        /* connections and UDP sockets that a modem has had */
    PIECES = 128,      /* payloads of AT+CIPSEND on one connection */
    UP_MAX = 32768,    /* bytes that a host sends on one connection */
    DOWN_RING = 32768, /* bytes to a host that are on their way, at most */
    DATAGRAMS = 64,    /* to one UDP socket */
    POSITIONS = 8,     /* where a peer may be in the host's stream, when sends failed */
    QUEUE = 8192,      /* bytes that a host wants to type */
    INTENTS = 64,      /* commands that a host has in mind */
    SENDS = 8,         /* payloads without a verdict yet */
    DUE = 64,          /* lines without an answer yet */
    LOG_MAX = 40000,   /* entries of a transcript */
    FAILURE = 300,
};
#define SECOND UINT64_C(1000000)
#define ANSWER_LIMIT                                                                                                   \
    (100 * SECOND) /* the longest command: a name that nobody knows, a dial that nobody answers, and reserve */
#define VERDICT_LIMIT (60 * SECOND) /* of a send: its limit is 30 s */

/* ---- A seed's actions ---------------------------------------------------------------------------------------------- */

typedef enum {
    ACT_LINE,        /* the host: a command */
    ACT_SEND,        /* AT+CIPSEND with its payload */
    ACT_DIAL,        /* AT+CIPSTART to somebody */
    ACT_CLOSE,       /* AT+CIPCLOSE */
    ACT_SERVER,      /* AT+CIPSERVER */
    ACT_MUX,         /* AT+CIPMUX */
    ACT_READ,        /* AT+CIPRECVDATA */
    ACT_THROUGH,     /* into passthrough, or out of it */
    ACT_GARBAGE,     /* bytes that are no command */
    ACT_RESTART,     /* AT+RST */
    ACT_DEAF,        /* the host does not read for a while, or slowly */
    ACT_CLIENT,      /* the network: a client knocks */
    ACT_PEER_SENDS,  /* a peer sends */
    ACT_PEER_CLOSES, /* FIN */
    ACT_PEER_RESETS, /* RST */
    ACT_PEER_MOOD,   /* it stalls, holds acknowledgements, falls silent, or no longer */
    ACT_PEER_GONE,   /* it vanishes without a word */
    ACT_DATAGRAM,    /* a UDP peer sends */
    ACT_PLACE,       /* an address behaves in another way */
    ACT_NAMES,       /* the name server is dead, or lives */
    ACT_RADIO,       /* the access point is gone, or back, or throws the station out */
    ACT_PIN,         /* the reset pin */
    ACT_KINDS
} act_kind_t;

typedef struct {
    uint32_t   gap_us; /* since the action before it */
    uint8_t    node;
    act_kind_t kind;
    bool       rude; /* a host's: it does not wait until the command before it is answered */
    uint32_t   random;
    bool       dropped; /* left out */
} action_t;

typedef struct {
    uint64_t seed;
    uint32_t nodes;
    struct {
        uint8_t dialect;
        bool    real, driven;
        uint8_t start; /* bits: 1 CIPMUX=1, 2 a server, 4 passive, 8 CIPDINFO=1 */
    } node[NODES];
    action_t action[ACTIONS];
    size_t   actions;
} plan_t;

/* ---- Connections --------------------------------------------------------------------------------------------------- */

typedef enum { PIECE_WAITS, PIECE_SENT, PIECE_FAILED } piece_state_t;

typedef struct {
    uint32_t      first, n;
    piece_state_t state;
    bool          complete; /* the modem has all of it */
} piece_t;

/* One life of one link, from the moment at which the network and the modem had it. */
typedef struct conn {
    cipmux_link_t link;
    bool          udp;
    int16_t       peer;      /* TCP: in net.peer; UDP: in net.socket */
    uint32_t      age;       /* of that peer */
    uint32_t      key, born; /* the how-manieth it is */
    bool          linked;    /* the modem has not hung up */
    bool          told;      /* its CONNECT was told, or never will be */
    bool          ended;     /* and its CLOSED */
    bool          gone;      /* the modem was reset since */
    bool     may_lose; /* it was received passively, or the host left the network: what it did not fetch may be lost */
    bool     vanished; /* bytes of either direction may be lost */
    bool     unjudged; /* up: passthrough lost its link, or was not left in one go */
    bool     reset;    /* the peer reset it */
    bool     failed;   /* up: a send has */
    uint32_t sent, taken, got; /* down: by the peer, by the modem, by the host */
    uint32_t typed;            /* up: by the host, as payload */
    uint32_t at[POSITIONS];    /* up: where the peer may be */
    size_t   positions;
    piece_t  piece[PIECES];
    size_t   pieces;
    uint32_t datagram[DATAGRAMS]; /* UDP: lengths; those that the host has not got */
    size_t   datagrams;
    uint32_t datagrams_sent;
    uint16_t local_port;
    struct conn *twin; /* the other end is another modem's */
    uint8_t      twin_node;
    int16_t      knocks; /* the client there, in its net.peer; -1: none */
    uint32_t     knocks_age;
    bool         twin_ended;
} conn_t;

/* ---- A modem and its host ------------------------------------------------------------------------------------------ */

typedef enum {
    LINE_OTHER,
    LINE_START, /* AT+CIPSTART */
    LINE_SEND,
    LINE_THROUGH,
    LINE_READ,
    LINE_SERVER,
} line_kind_t;

typedef struct {
    char        text[48];
    line_kind_t kind;
    uint8_t     id;
    uint16_t    n;
    uint64_t    at_us;
} due_t;

typedef struct {
    conn_t  *conn; /* NULL: gone, or there is no room to keep it */
    size_t   piece;
    uint32_t n, taken;
    uint64_t at_us; /* complete */
} send_t;

typedef struct {
    act_kind_t kind;
    uint32_t   random;
} intent_t;

typedef struct {
    uint8_t         number;
    cipmux_config_t config;
    cipmux_t        modem;
    world_t         world;
    bool            nonos, dirty;
    bool            through; /* it was in passthrough when looked at last */
    bool            driven;  /* its host is the driver */
    bool            pin;     /* its reset pin is being pulled */
    /* typing */
    uint8_t  queue[QUEUE];
    size_t   queued;
    uint64_t typed_us;   /* the last byte */
    bool     escaping;   /* the queue is "+++" */
    uint64_t escaped_us; /* and was typed then */
    intent_t intent[INTENTS];
    size_t   intents;
    enum { HOST_IDLE, HOST_ANSWER, HOST_PROMPT, HOST_VERDICT } host;
    uint32_t payload_random;
    uint16_t payload_n;
    bool     through_wanted;
    uint64_t pause_us; /* until then the host does nothing */
    /* how the modem took it */
    char     line[300];
    size_t   line_n;
    uint8_t  before;
    bool     busy_burst;
    uint32_t burst_bytes, match;
    uint64_t line_us;
    due_t    due[DUE];
    size_t   dues;
    uint32_t busy_may, busy_must; /* answers "busy" that may, that must come */
    due_t    asked;               /* the last AT+CIPSEND that was read */
    send_t   send[SENDS];         /* whose verdict was not read yet; the last one may be incomplete */
    size_t   sends;
    bool     collecting;
    /* reading */
    uint64_t deaf_until_us;
    uint32_t slow; /* bytes that it reads each millisecond; 0: all */
    uint64_t slow_us;
    uint64_t heard_us; /* it has read everything at that time */
    char     said[400];
    size_t   said_n;
    conn_t  *frame; /* whose payload is being read */
    uint32_t frame_left, frame_n;
    bool     frame_unjudged;
    due_t    answered; /* the last line that was */
    bool     prompted; /* a prompt may follow it */
    uint32_t restarts; /* whose "ready" was not read yet */
    bool     off;
    conn_t  *open[CIPMUX_LINKS], *last[CIPMUX_LINKS];
    bool     dial_failed[CIPMUX_LINKS];
    uint32_t datagrams_skipped;
    /* the network */
    uint32_t born; /* connections so far */
    conn_t   conn[CONNS];
    size_t   conns;
    uint32_t peer_age[NET_PEERS];
    bool     radio_gone;
    uint64_t dead_until_us;
} node_t;

extern node_t   node[NODES];
extern uint32_t nodes;
extern uint64_t now_us;
extern char     failure[FAILURE]; /* "": nothing has failed */
extern char     failed_rule[16];  /* which of the above */
extern uint8_t  failed_node;
extern struct sums {
    uint64_t seeds, steps, actions, lines, answers, opened, up, down, datagrams, restarts, virtual_us, rude, bridged,
        driven, driven_up, driven_opened, driven_down, driven_sent;
} sums;

/* Plays the seed's actions. False: failure. */
bool sim_run(const plan_t *plan);
void sim_fail(const node_t *n, const char *rule, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;
bool sim_failed(void);

/* ---- plan.c */
void     plan_make(plan_t *plan, uint64_t seed);
void     plan_act(const action_t *action);
uint32_t mix(uint64_t a, uint64_t b);

/* ---- host.c: what a host types and reads */
void host_start(node_t *n, uint8_t start);
void host_intend(node_t *n, act_kind_t kind, uint32_t random);
void host_type(node_t *n, const void *bytes, size_t length);
void host_line(node_t *n, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;
bool     host_acts(node_t *n);  /* what it has in mind; true: it began something */
bool     host_types(node_t *n); /* true: the modem took something */
uint64_t host_deadline(const node_t *n);
void     host_rude(node_t *n, act_kind_t kind, uint32_t random);

/* ---- driven.c: a host with the driver of driver/ */
void     driven_start(node_t *n, bool server, bool passive);
void     driven_reads(node_t *n, const uint8_t *bytes, size_t length);
bool     driven_acts(node_t *n);
uint64_t driven_deadline(const node_t *n);
void     driven_does(node_t *n, act_kind_t kind, uint32_t random);

/* ---- taken.c: how the modem takes what is typed */
size_t taken_next(node_t *n, size_t length); /* how much of the queue goes into it in one call */
void   taken_bytes(node_t *n, const uint8_t *bytes, size_t length, cipmux_phase_t phase);
void   taken_restart(node_t *n);

/* ---- said.c: what the modem prints */
bool said_read(node_t *n); /* true: there was something */
void said_reset(node_t *n);

/* ---- conn.c: connections */
void        conn_look(node_t *n);    /* behind every offer of the world */
bool        conn_collect(node_t *n); /* what peers got; true: something moved to another modem */
conn_t     *conn_now(node_t *n, uint8_t id);
void        conn_typed(node_t *n, conn_t *c, const uint8_t *data, size_t length);
void        conn_got(node_t *n, conn_t *c, const uint8_t *data, size_t length);
void        conn_got_datagram(node_t *n, conn_t *c, const uint8_t *data, size_t length);
void        conn_told(node_t *n, uint8_t id);   /* CONNECT */
void        conn_closed(node_t *n, uint8_t id); /* CLOSED */
bool        conn_send(node_t *n, conn_t *c, uint32_t length);
void        conn_send_datagram(node_t *n, uint32_t random);
bool        conn_has(node_t *n, const conn_t *c, uint32_t end);
bool        conn_delivered(const node_t *n, const conn_t *c, uint32_t at, const uint8_t *data, size_t length);
conn_t     *conn_pick(node_t *n, uint32_t random, bool udp);
net_peer_t *conn_peer(node_t *n, const conn_t *c);

/* ---- log.c: a transcript of what happened */
extern bool log_on;
void        log_clear(void);
void        log_bytes(const node_t *n, char kind, const void *bytes, size_t length);
void        log_words(const node_t *n, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;
void log_print(FILE *out, uint8_t number);

/* ---- inside.c: what only the inside tells */
bool   inside_raw(const cipmux_t *modem); /* link 0 is printed without +IPD */
bool   inside_dinfo(const cipmux_t *modem);
size_t inside_held(const cipmux_t *modem);   /* bytes of link 0 that it holds */
size_t inside_text(const cipmux_t *modem);   /* bytes of text that it has to say */
size_t inside_framed(const cipmux_t *modem); /* bytes of a +IPD frame, header and all, that it has to say */
size_t inside_raw_left(const cipmux_t *modem);
bool   inside_passive(const cipmux_t *modem);
bool   inside_single(const cipmux_t *modem); /* AT+CIPMUX=0 */
bool   inside_echo(const cipmux_t *modem);
bool   inside_sends(const cipmux_t *modem); /* it answers "busy s..." */

#endif
