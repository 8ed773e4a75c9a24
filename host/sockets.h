/* The sockets behind the modem's links: dialling, receiving by credit, sending, hanging up.
 *
 * A byte lives in the kernel or in the modem, never here: each link reads as much as the modem has room for, and the
 * kernel's own buffers are small. So a slow UART closes the peer's TCP window, and SEND OK means what it says. */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include "address.h"
#include "cipmux.h"
#include "sock.h"

typedef struct board board_t;

enum {
    SOCKETS_KERNEL_BUFFER = 5840,     /* SO_RCVBUF and SO_SNDBUF asked for: Linux then holds at most 9.8 KB in each */
    SOCKETS_LOANS = 2 * CIPMUX_LINKS, /* receive memory outlives its link in passive mode */
    SOCKETS_FAREWELLS = 16,
    SOCKETS_FAREWELL_MS = 20000,
    SOCKETS_FAREWELL_BYTES = 65536, /* what a peer may still send after our FIN, discarded */
    SOCKETS_DATAGRAM_MAX = 65536,
    SOCKETS_QUEUE_MAX = 65536, /* bytes of datagrams from other modems that wait for one link */
    SOCKETS_ACK_INTERVAL_US = 1000,
};

typedef enum {
    LINK_IS_FREE,
    LINK_IS_DIALING,
    LINK_IS_CALLING, /* dialling another modem of this process: it decides. Or nobody: no answer will come */
    LINK_IS_DECIDED, /* connected or failed: to be told */
    LINK_IS_OPEN,
    LINK_IS_ENDING, /* the peer's end: to be told */
    LINK_IS_OVER,   /* told; waits for HANG_UP */
} sockets_state_t;

/* A datagram that waits for room in the modem. */
typedef struct sockets_datagram {
    struct sockets_datagram *next;
    cipmux_address_t         from;
    size_t                   size;
    uint8_t                  bytes[];
} sockets_datagram_t;

typedef struct {
    board_t         *board;
    sock_t          *sock;
    sockets_state_t  state;
    cipmux_link_t    id;
    cipmux_cause_t   cause; /* DECIDED, ENDING: why; NONE: connected. OPEN: not NONE once sending has failed */
    cipmux_address_t peer;  /* virtual */
    uint16_t         local_port;
    bool             udp;
    bool             near;     /* UDP: bound to loopback */
    bool             readable; /* the kernel has something */
    bool             paused;   /* no room in the modem: not until half of it is free again */
    bool             blocked;  /* the kernel takes nothing more */
    bool             watched;  /* ACKED is wanted when watch_mark bytes are acknowledged */
    size_t           room;     /* what the modem had room for at the beginning */
    uint64_t         sent, received, watch_mark;
    void            *memory; /* DECIDED: to be lent */

    bool          stalled, mute; /* a mishap: the peer takes nothing; says nothing */
    host_reason_t mishap;        /* DIALING: how it will fail, or DECIDED: not to be told */
    uint64_t      mishap_us;     /* before then; 0: none */

    sockets_datagram_t *first; /* UDP: datagrams that the modem had no room for yet, and their bytes */
    size_t              queued;

    /* TCP to another modem of this process, see call.h */
    board_t *other;   /* NULL: it is no modem */
    uint16_t pair;    /* the same at both ends */
    int      far_end; /* CALLING: the socket for the other modem */
    bool     unheard; /* CALLING: the other modem does not answer */
    bool     gone;    /* out of reach: nothing passes any more, and no end either */
    uint16_t keepalive_s;
    uint64_t silent_until_us; /* gone: when keepalive notices that */
} sockets_link_t;

typedef struct {
    cipmux_link_t id;
    void         *memory; /* NULL: free place */
} sockets_loan_t;

/* A socket whose link is gone: our FIN is out, the peer's is awaited, so that close() does not turn it into a reset. */
typedef struct {
    board_t *board;
    sock_t  *sock; /* NULL: free place */
    uint64_t until_us;
    size_t   discarded;

    /* of another modem: it is still to be seen whether it hears of the end */
    board_t         *other; /* NULL: not, or no longer */
    cipmux_address_t peer;
    uint16_t         pair;
    bool             reset;
} sockets_farewell_t;

typedef struct {
    board_t           *board;
    size_t             first; /* whose turn comes first */
    sockets_link_t     link[CIPMUX_LINKS];
    sockets_loan_t     loan[SOCKETS_LOANS];
    sockets_farewell_t farewell[SOCKETS_FAREWELLS];
    uint8_t           *datagram; /* room for the largest one, once there was a UDP link */
} sockets_t;

void sockets_open(sockets_t *sockets, board_t *board);
void sockets_close(sockets_t *sockets);

/* Is this request for the sockets (DIAL, HANG_UP, RETURN, WATCH)? Serves it. */
bool sockets_request(sockets_t *sockets, uint64_t now_us, const cipmux_request_t *request);
/* Takes an accepted socket; the modem has said TAKEN to its ACCEPT and holds `memory`. */
void sockets_adopt(sockets_t *sockets, cipmux_link_t id, sock_t *sock, const cipmux_address_t *peer,
                   uint16_t local_port, void *memory);
/* Looks which other modems went out of reach. What had arrived from there is read now: the modem is to have it before it
 * hears that a station left. True: something moved. */
bool sockets_look(sockets_t *sockets, uint64_t now_us);
/* Tells the modem what happened, and moves bytes both ways. True: something moved. */
bool     sockets_turn(sockets_t *sockets, uint64_t now_us);
uint64_t sockets_deadline(const sockets_t *sockets, uint64_t now_us);

/* As if the peer of an open link had ended it: FIN, RESET. */
void sockets_end(sockets_link_t *link, cipmux_cause_t cause);
/* FIN, then the peer's end is awaited. Takes the socket. */
void sockets_farewell(sockets_t *sockets, uint64_t now_us, sock_t *sock);
/* The same for the end of a link to another modem; call_part() decides. */
void sockets_part(sockets_t *sockets, uint64_t now_us, sock_t *sock, const sockets_link_t *link, bool reset);
/* A TCP socket as links need it: small buffers, no delay. To be called before listen() or connect(). */
void sockets_prepare_tcp(int fd);

/* ---- For datagram.c and call.c ----------------------------------------------------------------------------------- */

/* The dial failed for an errno, or for a reason that has none. */
void link_fail(sockets_link_t *link, host_reason_t reason);
/* Puts `fd` on the loop as the link's socket. False: the link has failed and `fd` is closed. */
bool link_take(sockets_link_t *link, int fd);

void datagram_dial(sockets_link_t *link, const cipmux_request_t *request, const address_route_t *route);
bool datagram_receive(sockets_link_t *link, uint64_t now_us);
bool datagram_send(sockets_link_t *link, uint64_t now_us);
void datagram_forget(sockets_link_t *link); /* those that wait */

#endif
