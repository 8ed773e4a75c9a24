/* The time over the network: one question to an SNTP server (RFC 4330), as AT+CIPSNTPCFG wants it. When to ask again, and
 * whom, is the modem's affair.
 *
 * A packet that is no answer to our question (another mode, a strange originate timestamp, an unsynchronised clock) is
 * ignored and noted; a server that asks to be left alone (stratum 0) counts as none. */
#ifndef HOST_SNTP_H
#define HOST_SNTP_H

#include "cipmux.h"
#include "sock.h"

typedef struct board board_t;

enum { SNTP_PORT = 123, SNTP_SIZE = 48, SNTP_STAMP = 8 };

/* The question, whose transmit timestamp is `stamp`: random, so that only who has seen it can answer. */
void sntp_question(uint8_t out[SNTP_SIZE], const uint8_t stamp[SNTP_STAMP]);

typedef enum { SNTP_IGNORED, SNTP_TIME, SNTP_GO_AWAY } sntp_answer_t;

/* Reads what came `took_us` after that question. TIME: *utc_us is the time at its arrival, since 1970. */
sntp_answer_t sntp_read(const uint8_t *packet, size_t n, const uint8_t stamp[SNTP_STAMP], uint64_t took_us,
                        uint64_t *utc_us);

typedef struct {
    board_t       *board;
    sock_t        *sock; /* NULL: nobody is asked just now */
    uint16_t       ticket;
    char           name[CIPMUX_HOST_MAX + 1];
    uint8_t        stamp[SNTP_STAMP];
    uint64_t       asked_us;
    bool           answered; /* to be told: `cause`, and with NONE that it was `utc_us` at `heard_us` */
    cipmux_cause_t cause;
    uint64_t       utc_us, heard_us;
} sntp_t;

void sntp_open(sntp_t *sntp, board_t *board);
void sntp_close(sntp_t *sntp);
/* Is this request for us (TIME)? Serves it; a question that is still open is given up. */
bool sntp_request(sntp_t *sntp, uint64_t now_us, const cipmux_request_t *request);
/* Tells the answer. True: the modem took it. */
bool sntp_turn(sntp_t *sntp, uint64_t now_us);
bool sntp_is_asking(const sntp_t *sntp); /* an answer is still to come, or to be told */

#endif
