/* The simulated network of one modem: names, peers that it dials, clients of its server, UDP endpoints.
 *
 * Serves the requests RESOLVE, DIAL, HANG_UP, RETURN, WATCH, OPTION, LISTEN and UNLISTEN of cipmux.h (those for simulated
 * hosts, hosts.h, find nobody here), offers their events, and
 * moves bytes. No clock, no heap, no I/O. All pools are fixed; one that overflows, and a request that breaks the contract
 * of cipmux.h, sets net->fault, which a test must look at: nothing is lost silently.
 *
 * TCP, as far as a modem can see it:
 *   - What a peer sends at once is one segment; more than 1460 bytes are cut into segments of 1460 and a rest. A segment is
 *     offered whole as soon as cipmux_receive_room() has room for all of it (no sender splits one for a small window,
 *     RFC 1122 4.2.3.4), so that what the modem sees does not depend on how its UART is polled.
 *   - A peer takes what the modem sends at once, unless it stalls, and acknowledges it at once, unless it holds its
 *     acknowledgements.
 *   - A SYN that the modem leaves unanswered is not sent again.
 *   - A vanished peer ends the connection by TIMEOUT: keepalive_s and 3 s later if the modem asked for keepalive, or
 *     NET_GIVE_UP_US after the first payload that stays without acknowledgement; else never. */
#ifndef WORLD_NET_H
#define WORLD_NET_H

#include "cipmux.h"
#include "hosts.h"

enum {
    NET_NAMES = 32,     /* names of the name server */
    NET_HOST = 255,     /* longest of them, bytes: longer than the modem's limit, so that a test can exceed that */
    NET_PLACES = 64,    /* addresses with a behaviour of their own */
    NET_PEERS = 32,     /* connections, clients and UDP endpoints; those that are over make room for new ones */
    NET_NAME = 24,      /* longest name of a peer, bytes, with its zero */
    NET_SEGMENTS = 64,  /* segments or datagrams that a peer has sent and the modem has not taken */
    NET_DATAGRAMS = 32, /* datagrams that an endpoint has received and nobody has looked at */
    NET_OUTBOX = 16384, /* bytes of those segments; patterns take none */
    NET_INBOX = 16384,  /* bytes that a peer has received since the last look */
    NET_LOOKUPS = 8,
    NET_BLOCKS =
        2 * CIPMUX_LINKS, /* receive memory: a block a link, and one for a life whose RETURN is still to come */
    NET_BLOCK = 8640,     /* the largest cipmux_link_memory() */
    NET_PATTERN = 251,    /* the counting pattern: 0, 1, ... 250, 0, ... */
    NET_GIVE_UP_US = 20000000,
};

/* What happens at an address that is dialled. Anything else refuses. Port 0 is every port of that host, family 0 every address;
 * such a place goes before what is said of one address. */
typedef enum {
    NET_PLACE_LISTEN,
    NET_PLACE_REFUSE,
    NET_PLACE_RESET,
    NET_PLACE_SILENT,
    NET_PLACE_NO_MEMORY,
    NET_PLACE_NO_TLS,
    NET_PLACE_LATE, /* beside what else is said of it: takes so much longer */
} net_place_kind_t;

typedef struct {
    net_place_kind_t kind;
    cipmux_address_t at;
    uint64_t         after_us;
    char             name[NET_NAME]; /* LISTEN: of its first connection */
    unsigned         connections;
} net_place_t;

typedef enum {
    NET_FREE,
    NET_DIALLED,    /* the modem's SYN waits for its outcome */
    NET_KNOCKING,   /* a client's SYN waits for the modem */
    NET_UNANSWERED, /* ... and gets no answer */
    NET_REFUSED,    /* ... and got an RST */
    NET_CONNECTED,  /* the handshake was completed; stays so after the end */
    NET_ENDPOINT,   /* UDP */
} net_state_t;

typedef struct {
    uint32_t at; /* in the outbox, or the position in the pattern */
    uint32_t n;
    bool     pattern;
    uint16_t to_port; /* UDP: of the modem */
} net_segment_t;

/* One connection, client or UDP endpoint. Readable by tests; changed by the functions below. */
typedef struct {
    net_state_t      state;
    char             name[NET_NAME];
    uint32_t         age; /* larger: younger */
    cipmux_address_t address;
    uint16_t         modem_port; /* TCP: of the connection; UDP: from which it heard last, 0: never */
    cipmux_link_t    link;
    bool             linked;  /* the modem has not hung up yet */
    uint64_t         due_us;  /* DIALLED: of its outcome. CONNECTED: when a vanished peer is given up */
    cipmux_cause_t   outcome; /* DIALLED */
    char             dialled_as[NET_HOST + 1]; /* DIALLED, and later: the name, as the modem was told it */
    uint16_t         keepalive_s;
    cipmux_cause_t   ending; /* how the peer ended, NONE: it did not */
    bool             end_told;
    bool             got_fin, got_reset; /* how the modem ended */
    bool             stalled, holding, vanished;
    bool             mute; /* its bytes, and its FIN behind them, wait */
    bool             watched, unacked;
    bool             nodelay;   /* as the modem has set it; nothing here depends on it */
    bool             no_memory; /* the next payload fails in the modem's own stack */
    net_segment_t    segment[NET_SEGMENTS];
    size_t           segments;
    size_t           outbox_used, inbox_used;
    struct {
        uint16_t n, from_port;
    } datagram[NET_DATAGRAMS];
    size_t datagrams;
} net_peer_t;

typedef struct {
    net_place_t place[NET_PLACES];
    size_t      places;
    struct {
        char             name[NET_HOST + 1];
        cipmux_address_t address; /* family 0: does not resolve */
        uint64_t         after_us;
        uint8_t          server[4]; /* which name server knows it; 0.0.0.0: each one */
    } name[NET_NAMES];
    size_t         names;
    const hosts_t *hosts; /* which name servers answer; NULL: all */
    struct {
        bool             used;
        uint16_t         ticket;
        uint64_t         due_us;
        cipmux_address_t address;
    } lookup[NET_LOOKUPS];
    struct { /* the modem's UDP sockets */
        bool          used, up, watched;
        cipmux_link_t link;
        uint16_t      port;
    } socket[CIPMUX_LINKS];
    uint16_t   listening_port; /* 0: no server */
    bool       listening_untold, listen_fails;
    uint64_t   listening_due_us, listen_after_us; /* when it is told, and how much later the next one is */
    uint16_t   next_local_port, next_client_port;
    uint32_t   next_age;
    uint32_t   datagrams_nowhere; /* to a port of the modem or an address that nobody has */
    char       fault[160];        /* "": none */
    net_peer_t peer[NET_PEERS];
    struct {
        bool          used;
        cipmux_link_t link;
    } block[NET_BLOCKS];
    /* Bytes. Not cleared by net_init(). */
    uint64_t memory[NET_BLOCKS][NET_BLOCK / sizeof(uint64_t)];
    uint8_t  outbox[NET_PEERS][NET_OUTBOX], inbox[NET_PEERS][NET_INBOX];
} net_t;

/* ---- The modem's side ------------------------------------------------------------------------------------------ */

/* Nobody anywhere, no names; names fail at once, addresses refuse. */
void net_init(net_t *net);
/* Takes any request that is not the radio's. */
void net_request(net_t *net, uint64_t now_us, const cipmux_request_t *request);
/* Offers events and moves bytes in both directions. True: it moved something. */
bool net_offer(net_t *net, uint64_t now_us, cipmux_t *modem);
/* The next time after `now_us` at which something becomes due, or CIPMUX_NEVER. What is due already waits for the modem. */
uint64_t net_deadline(const net_t *net, uint64_t now_us);
/* Do SYNs to this port of the modem get an answer other than RST? */
bool net_is_listening(const net_t *net, const cipmux_t *modem, uint16_t port);

/* ---- The other side: what the words do. False or NULL: a pool is full --------------------------------------------- */

/* The behaviour of an address, found or new; the caller fills it. */
net_place_t *net_place(net_t *net, net_place_kind_t kind, const cipmux_address_t *at);
/* What a name resolves to, at that name server (0.0.0.0: at each one); family 0: nothing. */
bool net_name(net_t *net, const char *name, const uint8_t server[4], const cipmux_address_t *address,
              uint64_t after_us);
/* A client sends its SYN. from->family 0: 10.0.2.2 and the next port from 50001. */
net_peer_t *net_client(net_t *net, const char *name, const cipmux_address_t *from, uint16_t to_port);
net_peer_t *net_endpoint(net_t *net, const char *name, const cipmux_address_t *at);
/* The youngest peer of that name, or NULL. */
net_peer_t *net_peer(net_t *net, const char *name);
/* The other end of the modem's link, or NULL. */
net_peer_t *net_peer_at(net_t *net, uint8_t link);
/* Is there still something between this peer and the modem? */
bool net_is_alive(const net_peer_t *peer);

/* One segment or datagram to the modem: `n` bytes, or with bytes NULL n bytes of the pattern. */
bool net_send(net_t *net, net_peer_t *peer, const void *bytes, size_t n, uint16_t to_port);
/* What the peer has received and nobody has looked at. UDP: the first datagram, *n SIZE_MAX if there is none. */
const uint8_t *net_received(const net_t *net, const net_peer_t *peer, size_t *n);
/* Looked at. */
void net_look(net_t *net, net_peer_t *peer);
/* The peer ends: FIN after what it sent, RST at once (what the modem had no room for is lost), or silently. */
void net_end(net_peer_t *peer, cipmux_cause_t how);
void net_vanish(net_peer_t *peer, uint64_t now_us);
/* Bytes sent that the modem has not taken. */
size_t net_unread(const net_peer_t *peer);

#endif
