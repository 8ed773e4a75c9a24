/* One modem with a well-behaved caller, in one block of memory: the state of the exhaustive search. A step is a letter of an
 * alphabet: a line, a byte, something that the network does, time. After each step the promises of cipmux.h and of the wire
 * are checked. A board may be copied away and back, but only to where it was: the engine points into its own line. */
#ifndef BOARD_H
#define BOARD_H

#include "internal.h"

/* X(NAME, text): LINE is typed as it is */
#define LETTERS(X)                                                                                                     \
    X(LINE, "AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",80\r\n")                                                               \
    X(LINE, "AT+CIPSTART=1,\"TCP\",\"a.b\",80\r\n")                                                                    \
    X(LINE, "AT+CIPSTART=\"TCP\",\"10.0.2.2\",80\r\n")                                                                 \
    X(LINE, "AT+CIPSEND=0,2\r\n")                                                                                      \
    X(LINE, "AT+CIPSEND=1,1\r\n")                                                                                      \
    X(LINE, "AT+CIPSEND\r\n")                                                                                          \
    X(LINE, "AT+CIPSENDBUF=0,1\r\n")                                                                                   \
    X(LINE, "AT+CIPCLOSE=0\r\n")                                                                                       \
    X(LINE, "AT+CIPCLOSE=5\r\n")                                                                                       \
    X(LINE, "AT+CIPSERVER=1,80\r\n")                                                                                   \
    X(LINE, "AT+CIPSERVER=0\r\n")                                                                                      \
    X(LINE, "AT+CIPMUX=0\r\n")                                                                                         \
    X(LINE, "AT+CIPMUX=1\r\n")                                                                                         \
    X(LINE, "AT+CIPMODE=1\r\n")                                                                                        \
    X(LINE, "AT+CIPRECVMODE=1\r\n")                                                                                    \
    X(LINE, "AT+CIPRECVMODE=0\r\n")                                                                                    \
    X(LINE, "AT+CIPRECVDATA=0,1\r\n")                                                                                  \
    X(LINE, "AT+RST\r\n")                                                                                              \
    X(LINE, "s")                                                                                                       \
    X(LINE, "+")                                                                                                       \
    X(NAME_FOUND, "the name server answers")                                                                           \
    X(NAME_MISSING, "the name server knows no such name")                                                              \
    X(CONNECTED, "the peer accepts")                                                                                   \
    X(REFUSED, "the peer refuses")                                                                                     \
    X(LISTENS, "the server listens")                                                                                   \
    X(KNOCK, "a client connects")                                                                                      \
    X(FIRST_RECEIVES, "a byte for the first link")                                                                     \
    X(LAST_RECEIVES, "a byte for the last link")                                                                       \
    X(FIRST_FIN, "the peer of the first link closes")                                                                  \
    X(LAST_RESET, "the peer of the last link resets")                                                                  \
    X(TAKES, "the network takes a byte")                                                                               \
    X(TAKES_NOT, "the network refuses the bytes")                                                                      \
    X(ACKS, "the peers acknowledge")                                                                                   \
    X(JOINS, "the access point answers")                                                                               \
    X(LEAVES, "the access point vanishes")                                                                             \
    X(TIME, "until the next deadline")                                                                                 \
    X(PAUSE, "19 ms")                                                                                                  \
    X(UART, "the UART stops, or goes on")                                                                              \
    X(PIN, "the reset pin")

/* The network's side of one link, and what of it the wire has shown. */
typedef struct {
    uint8_t life;
    bool    dialling, up, ended; /* the modem dials; connected; the peer has closed */
    bool    watched;             /* the modem waits for acknowledgements */
    bool    open;                /* on the wire: between CONNECT and CLOSED */
    uint8_t dials;               /* whose outcome is not on the wire yet: a failed one may print CLOSED; at most 3 */
    bool    lent[2];             /* pieces of memory that the modem has */
    uint8_t lent_to[2];          /* to which life */
    uint8_t unread;              /* bytes received and not printed */
} peer_t;

typedef struct {
    cipmux_t modem;
    uint64_t now;
    peer_t   peer[CIPMUX_LINKS];
    uint16_t name_ticket; /* of the open question; 0: none */
    uint16_t join_ticket; /* of the last JOIN */
    bool     joins;       /* it is not answered */
    bool     joined;      /* its access point is there */
    bool     listens;     /* LISTEN is not answered */
    uint8_t  line, typed; /* a line of which only so many bytes were taken; 0: none */
    bool     stalled;     /* nobody reads the UART */
    uint8_t  owed;        /* commands that have no verdict yet */
    bool     unclear;     /* passthrough was entered: it says nothing about links */
    bool     starts;      /* and has not printed `ready` yet */
    uint8_t  owed_behind_ready;
    bool     prompted; /* payload was asked for, and its end was not told */
    bool     queued;   /* likewise, for AT+CIPSENDBUF: only its failure is told */
    uint8_t  unsent;   /* payload that the network has not taken */
} board_t;

extern const char *board_wrong; /* what went wrong first, in words; NULL: nothing */
extern board_t     board;

void        board_begin(const char *dialect);
void        board_step(unsigned letter);
unsigned    board_letters(void);
const char *board_letter(unsigned letter);
void        board_reduce(board_t *out); /* the board without what makes no difference for what can follow */

#endif
