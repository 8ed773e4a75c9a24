/* The judge of the conservation test. It sees each byte that the driver's reader gets, each event and each byte that a
 * peer gets; it knows which sent byte each one is and what the faults did in between.
 *
 * The driver's reader is in step while it takes payload for payload, with as much left as there is, and lines for lines.
 * An episode begins with the first byte that a fault touched, took or put in, and ends when the reader is at the begin of
 * a line, in step and without doubt.
 *   1. Out of episodes every byte of a frame is the next one of its link's stream, nothing else is delivered, nothing is
 *      lost, and no FAULT is told. The reader never gets out of step by itself.
 *   2. In an episode: a byte that is not the next one of the stream (stray) is in a frame, as the driver saw it, that a
 *      fault touched. Bytes that are lost are reported within REPORT_LIMIT of the end of the burst that took them: by
 *      FAULT, or by CLOSED with a cause that is not BY_PEER.
 *   3. Within RESYNC_LIMIT of the last fault the reader is in step again and believes what it reads. A fault that hit a command
 *      is met when the driver takes its answer for a later one's. A frame whose header ends in payload does not count: the
 *      time that its bytes take at the line's full speed.
 *   4. Up: a byte that a peer gets is the next one of its link's stream, or a fault touched it, or put one in before the LF of
 *      an AT+CIPSEND, which then is payload; a byte that it misses was in an AT+CIPSEND that a fault touched. What was told
 *      SENT has arrived, unless the peer or the network went away.
 *   5. Events make sense: none for a link that is not open, OPENED and CLOSED alternate, UP and DOWN too.
 *   6. Each dial, send and close has its event within OPERATION_LIMIT.
 *
 * What the protocol cannot show is counted apart, each by its cause:
 *   silent     A frame lost bytes, and what follows took their place; or as many as a fault made its length less.
 *   swallowed  A frame that lost bytes takes as many of what follows. If these end with a line's end nothing shows it, and a
 *              short frame among them is gone without a word.
 *   elsewhere  A fault hit the link in a frame's header.
 *   vanished   A burst took all of a frame.
 *   mistaken   The lines that tell the end of a link and the next one's begin on its id were both hit; the second is
 *              enough when the driver still reads what the ended one left, and the other has ended too or its line of
 *              AT+CIPSTATUS was hit. Or the link in a line that tells a begin was, or the line of AT+CIPSTATUS that tells
 *              that the link before is still there, or the one that told a client's begin, and the driver dialled with
 *              that id.
 *   misled     A fault hit the link or the length in AT+CIPSEND or AT+CIPRECVDATA. What the modem makes of the rest of
 *              the payload can shift the answers: then a later command may be payload too.
 *   escapes    The prompt was hit, or the length in AT+CIPSEND: the modem takes the driver's "+++" and probe for payload. Or
 *              the link ended between AT+CIPSEND and the prompt, and a client got its id and up to PROBES bytes of them.
 *   spelt      "CLOSED" or "CONNECT" in payload whose header was hit, at its begin or behind what another frame took of
 *              it: the link ends, or a server's begins anew.
 *   made up    "CLOSED" in payload whose header was hit: the driver fills the piece that it is sending with zeros. */
#ifndef JUDGE_H
#define JUDGE_H

#include "desk.h"

enum {
    CONNS = 96,      /* TCP connections of one seed */
    LIVES = 320,     /* links that the program has had */
    FRAMES = 512,    /* frames of one connection */
    PIECES = 512,    /* AT+CIPSENDs of one life */
    EPISODES = 8192, /* of one seed */
    BLOCK = 32,      /* bytes of a stream that belong together */
    SEND_MAX = 3000, /* largest send of the program */
    PROBES = 21,     /* bytes of "+++" and AT until the driver looks for the modem at other rates */
};
/* AT+CIPRECVDATA whose OK was eaten is overdue after 1 s; then the modem has to be found before the link is closed. */
#define REPORT_LIMIT (3 * DESK_SECOND / 2)
/* At 115200 baud and more. Below it the time of one more frame of FRAME_MAX bytes: a header that a fault made so long, or
 * one that is payload, has to be counted to its end before the driver can look for the next. */
#define RESYNC_LIMIT    (1 * DESK_SECOND)
#define TICK            4000 /* of the driver's clock */
#define SILENCE         50   /* ticks, its GAP: ends a line and a frame */
#define OPERATION_LIMIT (120 * DESK_SECOND)

/* One TCP connection as the network sees it. */
typedef struct {
    int16_t       peer;
    cipmux_link_t link;
    uint32_t      age; /* of that peer: it is still the same */
    uint32_t      key;
    uint32_t      to_send, sent; /* down: by the peer */
    uint32_t      printed;       /* down: by the modem, in frames */
    struct {
        uint32_t first, n, unit;
    } frame[FRAMES];
    size_t         frames;
    int            life;                    /* -1: unknown */
    uint32_t       got;                     /* up: by the peer, a position in the stream of the life */
    desk_arrival_t origin[CIPMUX_SEND_MAX]; /* up: the payload that the modem has collected for it last */
    size_t         origins, taken;          /* of it, and how many of that the peer has */
    bool           clean;                   /* its end was, or will be, a FIN: nothing may get lost */
    bool           late;                    /* its life was another's before */
    bool           plan;                    /* to_send is set */
} conn_t;

/* One link as the program sees it: from OPENED or the dial to CLOSED. */
typedef struct {
    uint8_t  link;
    bool     open, ended, dialled, closing, sending, fills, mistaken;
    bool     renamed; /* opened by a line that a fault touched, or by payload */
    bool     spoilt;  /* its peer got bytes of the driver's commands: it must be told */
    uint32_t key;
    int      conn;            /* -1: unknown */
    uint32_t since;           /* down: the unit that was read when OPENED was told */
    uint32_t got;             /* down: the next position */
    uint32_t made, told_sent; /* up: given to sends; told SENT */
    uint32_t filled;          /* given to FILL */
    uint32_t to_make;
    uint64_t asked_us[3]; /* dial, send, close: when; 0: not asked */
    uint64_t gap_us;      /* a loss waits for its report since then; 0: none */
    uint32_t gap_unit;    /* in this frame */
    uint32_t end_episode; /* in which CLOSED was told; 0: in none */
    struct {
        uint32_t first, n, unit;
    } piece[PIECES];
    size_t  pieces;
    uint8_t bytes[SEND_MAX];
} life_t;

typedef struct {
    uint64_t seeds, events, down, up, flips, strays, reported, silent, swallowed, elsewhere, vanished, mistaken, misled,
        up_wrong, up_lost;
    uint64_t escapes, made_up, spelt;
    uint64_t harms[DESK_WIRES][DESK_HARMS], overruns, modem_faults, unreachable, episodes, faults_told;
    uint64_t lives, opened, causes[10], virtual_us;
    uint64_t resync_us[2];       /* at 115200 baud and more, below it */
    uint64_t spelt_resync_us;    /* beyond that, where payload spelt headers */
    uint64_t not_up, late_up_us; /* within UP_LIMIT, because of noise; behind it */
    uint64_t report_us, operation_us[3], up_us, recovery_us;
} sums_t;

extern desk_t desk;
extern conn_t conn[CONNS];
extern life_t life[LIVES];
extern int    conns, lives, life_of[CIPDRV_LINKS];
extern sums_t sums;
extern bool   failed, up, unreachable, cut_off; /* cut_off: modem or network were, once */
extern char   failure[400];

void judge_start(uint32_t key);              /* a new seed; `key` makes its streams */
void judge_options(desk_options_t *options); /* takes its places at the desk */

void fail(const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;
/* Byte `at` of a stream: noise, and in between what a modem might say. */
uint8_t  stream(uint32_t key, uint32_t at);
uint64_t longest(uint64_t *most, uint64_t since_us);

/* The connection of a peer; NULL: there is no room for one more. */
conn_t *conn_of(int16_t peer);
life_t *life_now(uint8_t link); /* NULL: none */
life_t *new_life(uint8_t link);

/* What the program was told. */
void judge_opened(uint8_t link, bool client);
void judge_closed(uint8_t link, uint16_t cause);
void judge_received(life_t *l, const uint8_t *data, uint16_t n);
void judge_sent(life_t *l);
void judge_fault(uint8_t link);
/* What a peer got. */
void judge_up(conn_t *c, const uint8_t *bytes, size_t n);
/* What must be so at any time, and at the end. */
void judge_now(void);
void judge_arrived(void);

#endif
