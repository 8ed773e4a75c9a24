/* The modem's server on this computer: one listening socket, published by the rules of address.h, and who gets in. */
#ifndef HOST_PUBLISHER_H
#define HOST_PUBLISHER_H

#include "address.h"
#include "cipmux.h"
#include "sock.h"

typedef struct board board_t;

enum {
    PUBLISHER_BACKLOG = 128,
    PUBLISHER_REFUSALS = 64,     /* clients turned away in one go */
    PUBLISHER_RETRY_US = 100000, /* when the process has no descriptor at all */
};

typedef struct {
    board_t         *board;
    sock_t          *listener; /* NULL: not listening */
    int              spare;    /* given up when there is no other descriptor: the client is then closed, not ignored */
    uint16_t         port;     /* of the modem; 0: off */
    uint8_t          family;   /* 4 or 6 */
    cipmux_address_t at;       /* where it is published */
    bool             answer_due; /* LISTENING is to be told, with `answer` */
    cipmux_cause_t   answer;
    bool             knocking; /* the kernel has clients */
    bool             pauses;   /* this firmware stops listening while it is full, instead of resetting clients */
    bool             paused;
    uint64_t         retry_us; /* accept() again at that time; 0: at once */
    sock_t          *waiting;  /* a client that the modem answered LATER */
    cipmux_address_t waiting_peer;
} publisher_t;

void publisher_open(publisher_t *publisher, board_t *board);
void publisher_close(publisher_t *publisher);
/* For who brings a client in another way. An accepted socket on the board's loop, NULL: no memory. */
sock_t *publisher_sock(publisher_t *publisher, int fd);
/* Offers it to the modem, which sees it as `peer`. TAKEN: the socket is that link's. */
cipmux_answer_t publisher_admit(publisher_t *publisher, uint64_t now_us, sock_t *client, const cipmux_address_t *peer,
                                cipmux_link_t *link);
/* Ends it as cipmux_admission() said. Takes the socket. */
void publisher_turn_away(publisher_t *publisher, uint64_t now_us, sock_t *client, const cipmux_address_t *peer,
                         cipmux_admission_t admission);
/* Is this request for the server (LISTEN, UNLISTEN)? Serves it. */
bool publisher_request(publisher_t *publisher, const cipmux_request_t *request);
/* Lets clients in or turns them away. True: something moved. */
bool     publisher_turn(publisher_t *publisher, uint64_t now_us);
uint64_t publisher_deadline(const publisher_t *publisher);

#endif
