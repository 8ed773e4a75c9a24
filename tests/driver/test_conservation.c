/* Conservation: a program on a microcontroller and peers in the network exchange streams through driver, wires and
 * modem, with faults from a seed, and a judge who sees both wires watches each byte and each event.
 *
 *   test_conservation [--trace] [--seed=N] [--planted] [COUNT [FIRST]]
 *
 * A seed that fails is printed; `--seed=N --trace` replays it byte by byte. `--planted` wants one to fail: the driver
 * has a bug that was put into it on purpose.
 *
 * What the judge demands:
 *   1. Down: a byte that the program gets is the next one of its link's stream. A gap is bytes of frames that a fault
 *      touched, or it is reported (FAULT, or CLOSED with a cause that is not BY_PEER) within REPORT_LIMIT.
 *      Any other byte (stray) lies in a frame, sent or seen by the driver, that a fault touched.
 *   2. An untouched frame that begins more than RESYNC_LIMIT after the last fault of the wires arrives whole.
 *   3. Up: a byte that a peer gets is the next one of its link's stream, or comes in or right behind an AT+CIPSEND that
 *      a fault touched. What was told SENT has arrived, unless the peer or the network went away.
 *   4. Events make sense: none for a link that is not open, OPENED and CLOSED alternate, UP and DOWN too.
 *   5. Each dial, send and close has its event within OPERATION_LIMIT.
 *   6. When the faults are over the driver is UP and a fresh link echoes within RECOVERY_LIMIT.
 *
 * What the protocol cannot show is counted apart:
 *   escapes    A modem whose prompt was lost takes the driver's "+++" and probes for the payload that it waits for;
 *              1 to 3 bytes always, more when it was late. They may go to a client that has got the id meanwhile.
 *   made up    "CLOSED" in payload whose header was lost: the driver fills the piece that it is sending with zeros.
 *   swallowed  A frame that lost bytes takes as many of what follows, so a short frame behind it can vanish whole.
 *   echoes     What was left of a piece is taken for commands; its echo may look like a frame.
 *   mistaken   The end of a link and the beginning of the next on its id were both lost. */
#include "desk.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNS = 96,        /* TCP connections of one seed */
    LIVES = 320,       /* links that the program has had */
    FRAMES = 512,      /* frames of one connection */
    PIECES = 512,      /* AT+CIPSENDs of one life */
    BLOCK = 32,        /* bytes of a stream that belong together */
    SEND_MAX = 3000,   /* largest send of the program */
    STREAM_MAX = 6000, /* bytes of one stream */
    DIALS = 40,
    FIRST_PORT = 7000, /* each dial has a port of its own */
    SLICE_US = 20000,  /* program and peers act so often */
    BEFORE = 60,       /* the longest burst of the desk, and a header */
};
#define REPORT_LIMIT    (1 * DESK_SECOND)
#define RESYNC_LIMIT    (1 * DESK_SECOND)
#define OPERATION_LIMIT (120 * DESK_SECOND)
#define RECOVERY_LIMIT  (120 * DESK_SECOND)
#define UP_LIMIT        (120 * DESK_SECOND)
#define DIAL_PAUSE      (DESK_SECOND / 2) /* between attempts for the fresh echo */

/* One TCP connection as the network sees it. */
typedef struct {
    int16_t  peer;
    uint32_t age; /* of that peer: it is still the same */
    uint32_t key;
    uint32_t to_send, sent; /* down: by the peer */
    uint32_t printed;       /* down: by the modem, in frames */
    struct {
        uint32_t first, n, unit;
    } frame[FRAMES];
    size_t   frames;
    uint32_t got;    /* up: by the peer, a position in the stream of the life */
    int      life;   /* up; -1: unknown */
    bool     lost;   /* up: nobody knows any more where it is */
    bool     clean;  /* its end was, or will be, a FIN: nothing may get lost */
    bool     stalls; /* it will */
    bool     claimed;
} conn_t;

/* One link as the program sees it: from OPENED or the dial to CLOSED. */
typedef struct {
    uint8_t  link;
    bool     open, ended, dialled, closing, sending, fills, mistaken;
    uint32_t key;
    int      conn;            /* down; -1: unknown */
    uint32_t got;             /* down: the next position */
    uint32_t made, told_sent; /* up: given to sends; told SENT */
    uint32_t filled;          /* given to FILL */
    uint32_t to_make;
    uint64_t asked_us[3]; /* dial, send, close: when; 0: not asked */
    uint64_t gap_us;      /* a gap waits for its report since then; 0: none */
    uint64_t seen_us;     /* RECEIVED last */
    struct {
        uint32_t first, n, unit;
    } piece[PIECES];
    size_t  pieces;
    uint8_t bytes[SEND_MAX];
} life_t;

typedef struct {
    uint64_t seeds, events, down, up, flips, strays, gaps, lost_reported, lost_silent, mistaken, up_wrong, up_lost;
    uint64_t harms[DESK_WIRES][DESK_HARMS], modem_faults, lives, virtual_us, opened, causes[10], faults_told, resync_us;
    uint64_t operation_us[3], recovery_us, up_us, report_us, overruns, unreachable, escapes, made_up, swallowed, echoes;
} sums_t;

static desk_t   desk;
static conn_t   conn[CONNS];
static life_t   life[LIVES];
static int      conns, lives, life_of[CIPDRV_LINKS], dials, clients;
static int      conn_of_link[5]; /* the latest; the modem holds its bytes when it is long gone */
static sums_t   sums;
static uint64_t rng, seed, fault_told_us;
static bool     failed, up, working, stalling, unreachable, gone, cut_off; /* cut_off: modem or network were, once */
static char     failure[400];
static struct { /* the frame that the driver sees now: from where on */
    uint64_t end;
    uint8_t  link;
    bool     touched;
} seen;

/* ---- Small things ------------------------------------------------------------------------------------------------ */

static void fail(const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

static void fail(const char *format, ...)
{
    va_list list;
    if (failed) return;
    failed = true;
    va_start(list, format);
    size_t at = (size_t)snprintf(failure, sizeof failure, "at %.3f s: ", (double)desk.now_us / 1e6);
    vsnprintf(failure + at, sizeof failure - at, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    if (desk.options.trace) fprintf(desk.options.trace, "FAILED %s\n", failure);
}

static uint32_t roll(uint32_t sides)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng * UINT64_C(0x2545f4914f6cdd1d) >> 33) % sides);
}

static uint32_t hash(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(x >> 32);
}

/* Byte `at` of a stream: noise, and in between what a modem might say. */
static uint8_t stream(uint32_t key, uint32_t at)
{
    static const char *const words[] = {
        "\r\nOK\r\n",    "\r\n+IPD,0,5:", "\r\n+IPD,4,2000:",     "0,CLOSED\r\n",    "\r\nCLOSED\r\n",
        "\r\nERROR\r\n", "\r\nready\r\n", "\r\n+IPD,3:",          "\r\nSEND OK\r\n", "\r\nSEND FAIL\r\n",
        "4,CONNECT\r\n", "busy p...\r\n", "\r\nRecv 9 bytes\r\n", "\r\n> ",          "WIFI DISCONNECT\r\n"
    };
    uint32_t block = hash(key, at / BLOCK), offset = at % BLOCK;
    if (block % 4 == 0 && at >= BLOCK) {
        const char *word = words[block / 4 % (sizeof words / sizeof *words)];
        if (offset < strlen(word)) return (uint8_t)word[offset];
    }
    return (uint8_t)(hash(key ^ 0x5555, at) >> 24);
}

static desk_unit_t *unit_down(uint32_t number)
{
    return desk_unit(&desk, DESK_TO_DRIVER, number);
}

static desk_unit_t *unit_up(uint32_t number)
{
    return desk_unit(&desk, DESK_TO_MODEM, number);
}

static uint64_t longest(uint64_t *most, uint64_t since_us)
{
    uint64_t us = desk.now_us - since_us;
    if (us > *most) *most = us;
    return us;
}

/* ---- The judge of what comes down -------------------------------------------------------------------------------- */

/* A short frame behind one that lost bytes: that one swallows as many of what follows, so this one can vanish whole,
 * and what follows it looks right. */
static bool swallowed(uint32_t unit, uint32_t n)
{
    bool touched = false;
    for (uint32_t i = 1; i <= 3; i++)
        touched = touched || unit_down(unit - i)->touched;
    return touched && n < BEFORE;
}

/* Bytes [from, to) of a connection do not reach this life. Those of untouched frames want a report. */
static void judge_gap(life_t *l, const conn_t *c, uint32_t from, uint32_t to, bool damaged)
{
    sums.gaps++;
    for (size_t i = 0; i < c->frames; i++) {
        uint32_t first = c->frame[i].first, end = first + c->frame[i].n;
        if (end <= from || first >= to) continue;
        const desk_unit_t *unit = unit_down(c->frame[i].unit);
        uint32_t           n = (end < to ? end : to) - (first > from ? first : from);
        if (unit->touched)
            sums.lost_silent += n;
        else {
            sums.lost_reported += n;
            bool calm =
                desk.last_harm_us[DESK_TO_DRIVER] < unit->at_us && desk.last_harm_us[DESK_TO_MODEM] < unit->at_us;
            if (!damaged && calm && unit->calm_us > RESYNC_LIMIT)
                fail("link %u: a frame %.3f s after the last fault is lost", l->link, (double)unit->calm_us / 1e6);
            if (!damaged && calm && unit->calm_us != CIPMUX_NEVER && unit->calm_us > sums.resync_us)
                sums.resync_us = unit->calm_us;
            if (damaged || fault_told_us + RESYNC_LIMIT >= unit->at_us || l->gap_us) continue;
            if (swallowed(c->frame[i].unit, c->frame[i].n))
                sums.swallowed += n;
            else
                l->gap_us = desk.now_us;
        }
    }
}

/* A byte that is not the next one of the stream. */
static void judge_stray(life_t *l, const desk_byte_t *origin)
{
    sums.strays++;
    if (seen.touched || !origin || unit_down(origin->unit)->touched) return;
    const desk_unit_t *unit = unit_down(origin->unit);
    fail("link %u gets a byte of unit %u (%s, link %u, byte %u), and no fault touched it", l->link, origin->unit,
         unit->text, unit->link, origin->offset);
}

/* Both the end of the connection and the beginning of the next were lost on the wire. */
static bool mistaken(const life_t *l, const conn_t *was, const conn_t *is)
{
    const net_peer_t *peer = &desk.world.net.peer[was->peer];
    if (is <= was || is->claimed || (peer->age == was->age && peer->linked)) return false;
    (void)l;
    return desk.last_harm_us[DESK_TO_DRIVER] > 0;
}

static void judge_byte(life_t *l, uint8_t c, const desk_byte_t *origin)
{
    const desk_unit_t *unit = origin ? unit_down(origin->unit) : NULL;
    if (!unit || unit->kind != DESK_FRAME || origin->offset == DESK_NO_OFFSET) {
        judge_stray(l, origin);
        return;
    }
    int      from = (int)unit->tag[0];
    uint32_t at = unit->tag[1] + origin->offset;
    if (l->conn < 0 && !conn[from].claimed && unit->link == l->link) {
        l->conn = from;
        conn[from].claimed = true;
    }
    if (l->conn >= 0 && l->conn != from && unit->link == l->link && mistaken(l, &conn[l->conn], &conn[from])) {
        sums.mistaken++;
        l->conn = from;
        conn[from].claimed = true;
        l->got = at;
    }
    if (l->conn != from || at < l->got) {
        judge_stray(l, origin);
        return;
    }
    if (at > l->got) judge_gap(l, &conn[from], l->got, at, false);
    l->got = at + 1;
    sums.down++;
    if (c == stream(conn[from].key, at)) return;
    sums.flips++;
    if (!unit->touched) fail("link %u: byte %u is wrong, and no fault touched its frame", l->link, at);
}

/* Did a fault touch the frame that the driver sees, its header, or what stood before it? A frame that lost bytes
 * swallows as many of what follows; if a line of payload that spells a header stands right there, nobody can see
 * that. */
static void look_at_frame(uint8_t link, const uint8_t *data, uint16_t n)
{
    uint64_t first = desk.sunk + (uint64_t)(data - desk.ring.bytes);
    bool     begins = first != seen.end || link != seen.link;
    seen.touched = seen.touched && !begins;
    for (int i = -BEFORE; i < n && !seen.touched; i++) {
        const desk_byte_t *origin = desk_origin(&desk, data, i);
        seen.touched = !origin || unit_down(origin->unit)->touched;
    }
    seen.end = first + n;
    seen.link = link;
}

static uint16_t received(life_t *l, const uint8_t *data, uint16_t n)
{
    uint16_t take = n;
#if CIPDRV_FLOW
    if (desk.options.driver.flow & 2 && roll(4) == 0) take = (uint16_t)roll(n + 1u);
#endif
    look_at_frame(l->link, data, take);
    for (uint16_t i = 0; i < take; i++)
        judge_byte(l, data[i], desk_origin(&desk, data, i));
    l->seen_us = desk.now_us;
    return take;
}

/* ---- The judge of what goes up ----------------------------------------------------------------------------------- */

/* The AT+CIPSENDs that byte `at` of the stream was in, from the latest on. */
static const desk_unit_t *piece_at(const life_t *l, uint32_t at, size_t *from)
{
    while ((*from)-- > 0) {
        if (at >= l->piece[*from].first && at < l->piece[*from].first + l->piece[*from].n)
            return unit_up(l->piece[*from].unit);
    }
    return NULL;
}

static bool piece_touched(const life_t *l, uint32_t at)
{
    size_t             i = l->pieces;
    const desk_unit_t *unit;
    while ((unit = piece_at(l, at, &i)))
        if (unit->touched) return true;
    return false;
}

/* The count of the last send was garbled, so the modem took what the driver wrote behind it, "+++" and the probe, for payload
 * too. */
static bool escape_behind(const life_t *l, uint32_t at, uint8_t byte)
{
    if (!byte || !strchr("+AT\r\n", byte) || !l->pieces) return false;
    size_t last = l->pieces - 1;
    return at >= l->piece[last].first + l->piece[last].n && unit_up(l->piece[last].unit)->touched;
}

/* A command in the place of a send whose prompt was lost: the driver has paid nothing of it. */
static bool is_escape(const life_t *l, uint32_t at)
{
    size_t             i = l->pieces;
    const desk_unit_t *unit;
    while ((unit = piece_at(l, at, &i)))
        if (!unit->paid) return desk.last_harm_us[DESK_TO_DRIVER] > 0;
    return false;
}

/* The driver was told of the link's end before it had paid the piece, so it made up the rest. With a link that has
 * ended nobody gets that; but "CLOSED" in the payload of a frame whose header was lost looks the same. */
static bool made_up(const life_t *l, uint32_t at)
{
    size_t i = l->pieces;
    return piece_at(l, at, &i) && l->ended && desk.last_harm_us[DESK_TO_DRIVER] > 0;
}

static bool spells(uint32_t key, uint32_t at, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && i < 16; i++)
        if (bytes[i] != stream(key, at + (uint32_t)i)) return false;
    return true;
}

/* Faults touched all of [from, to). */
static bool all_touched(const life_t *l, uint32_t from, uint32_t to)
{
    while (from < to && piece_touched(l, from))
        from++;
    return from >= to;
}

static bool begins_piece(const life_t *l, uint32_t at)
{
    for (size_t i = l->pieces; i-- > 0;)
        if (l->piece[i].first == at) return true;
    return false;
}

/* The next bytes stand elsewhere in the stream, and all that lies between was touched. The bytes before may have been
 * right at the wrong place by chance: then what is lost lies so much earlier. Few bytes prove little, but `first`
 * ones may begin the next send. */
static bool realign(conn_t *c, const life_t *l, const uint8_t *bytes, size_t n, bool first)
{
    for (uint32_t step = 1; step < 2 * 4096; step++) { /* the nearest: words are said again and again */
        uint32_t to = step % 2 ? c->got + (step + 1) / 2 : c->got - step / 2;
        if (to >= l->made || step / 2 > c->got) continue;
        if (n < 6 && !(first && to > c->got && begins_piece(l, to))) continue;
        if (!spells(l->key, to, bytes, n)) continue;
        uint32_t from = c->got, upto = to;
        while (from && upto && !all_touched(l, from, upto) && stream(l->key, from - 1) == stream(l->key, upto - 1))
            from--, upto--;
        if (!all_touched(l, from, upto)) continue;
        if (to < c->got && !piece_touched(l, c->got - 1) && !(to && piece_touched(l, to - 1))) continue;
        sums.up_lost += to > c->got ? to - c->got : 0;
        c->got = to;
        return true;
    }
    return false;
}

/* Bytes of a send that was meant for another link: its id was garbled. */
static bool foreign(const uint8_t *bytes, size_t n)
{
    for (int i = 0; i < lives; i++)
        for (size_t k = 0; k < life[i].pieces; k++) {
            if (!unit_up(life[i].piece[k].unit)->touched) continue;
            for (uint32_t at = 0; at < life[i].piece[k].n; at++)
                if (spells(life[i].key, life[i].piece[k].first + at, bytes, n)) return true;
        }
    return false;
}

/* The connection may be that of this life. */
static bool may_be(const conn_t *c, int number)
{
    for (int i = 0; i < conns; i++)
        if (conn[i].life == number) return false;
    return desk.world.net.peer[c->peer].link.id == life[number].link;
}

/* The life that the program has on the connection's link; -1: none. */
static int life_now_of(const conn_t *c)
{
    uint8_t id = desk.world.net.peer[c->peer].link.id;
    return id < CIPDRV_LINKS ? life_of[id] : -1;
}

/* Whose bytes are these? The first of a life, unless few bytes only look so by chance; or others, when the driver
 * knows neither of its end nor of this beginning. */
static void find_life(conn_t *c, const uint8_t *bytes, size_t n)
{
    for (int i = lives; i-- > 0 && c->life < 0;)
        if (life[i].made && spells(life[i].key, 0, bytes, n) && (n >= 6 || may_be(c, i))) c->life = i;
    for (int i = lives; i-- > 0 && c->life < 0 && n >= 6 && desk.last_harm_us[DESK_TO_DRIVER];)
        for (size_t k = life[i].pieces; k-- > 0 && c->life < 0;) {
            if (!spells(life[i].key, life[i].piece[k].first, bytes, n)) continue;
            c->life = i;
            c->got = life[i].piece[k].first;
            life[i].mistaken = true;
            sums.mistaken++;
        }
}

/* Between AT+CIPSEND and its prompt the link ended and a client got its id: the modem takes up to 3 bytes of the
 * driver's "+++" for the payload. The protocol has no other way out, but the driver must close that link. */
static bool escape_for_another(const conn_t *c, const uint8_t *bytes, size_t n)
{
    int number = life_now_of(c);
    if (n > 3 || memcmp(bytes, "+++", n) != 0) return false;
    if (number >= 0 && !life[number].gap_us) life[number].gap_us = desk.now_us;
    sums.escapes++;
    return true;
}

static void judge_up(conn_t *c, const uint8_t *bytes, size_t n)
{
    if (c->life < 0) find_life(c, bytes, n);
    if (c->life < 0) {
        if (!escape_for_another(c, bytes, n) && !desk.last_harm_us[DESK_TO_MODEM] && !desk.last_harm_us[DESK_TO_DRIVER])
            fail("a peer gets %zu bytes that no link has sent", n);
        int number = life_now_of(c);
        if (number >= 0 && !may_be(c, number))
            life[number].mistaken = true; /* it has not heard that its connection ended */
        sums.up_wrong += n;
        return;
    }
    life_t *l = &life[c->life];
    for (size_t i = 0; i < n && !failed; i++) {
        if (c->got < l->made && bytes[i] == stream(l->key, c->got)) {
            c->got++;
            sums.up++;
        } else if (realign(c, l, bytes + i, n - i, i == 0)) {
            i--;
        } else if (bytes[i] == 0 && made_up(l, c->got)) {
            sums.made_up++;
            c->got++;
        } else if (is_escape(l, c->got)) {
            sums.escapes++;
            c->lost = l->mistaken = true;
        } else if (piece_touched(l, c->got) || (c->got && piece_touched(l, c->got - 1)) ||
                   escape_behind(l, c->got, bytes[i])) {
            c->got++;
            sums.up_wrong++;
        } else if (desk.last_harm_us[DESK_TO_MODEM] && (c->lost || n - i < 6 || foreign(bytes + i, n - i))) {
            sums.up_wrong++;
            c->lost = true;
        } else
            fail("link %u: the peer gets %02x for byte %u of %u, and no fault touched its send", l->link, bytes[i],
                 c->got, l->made);
    }
}

/* ---- The network ------------------------------------------------------------------------------------------------- */

static conn_t *conn_of(int16_t peer)
{
    for (int i = conns; i-- > 0;)
        if (conn[i].peer == peer && conn[i].age == desk.world.net.peer[peer].age) return &conn[i];
    return NULL;
}

static bool is_echo(const net_peer_t *peer)
{
    return strncmp(peer->name, "echo", 4) == 0;
}

static void new_conn(int16_t peer)
{
    if (conns == CONNS) {
        fail("the test has too few connections");
        return;
    }
    conn_t *c = &conn[conns++];
    *c = (conn_t){ .peer = peer, .age = desk.world.net.peer[peer].age, .life = -1, .clean = true };
    c->key = hash((uint32_t)seed, 1000000u + c->age);
    c->to_send = roll(4) ? roll(STREAM_MAX) : roll(200);
    if (is_echo(&desk.world.net.peer[peer])) c->to_send = 0;
}

static bool network(desk_t *d)
{
    bool moved = false;
    for (int16_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &d->world.net.peer[i];
        size_t      n;
        if (peer->state != NET_CONNECTED) continue;
        conn_t *c = conn_of(i);
        if (!c) {
            new_conn(i);
            continue;
        }
        if (peer->linked) conn_of_link[peer->link.id] = (int)(c - conn);
        const uint8_t *bytes = net_received(&d->world.net, peer, &n);
        if (!n) continue;
        judge_up(c, bytes, n);
        if (is_echo(peer) && c->life >= 0 && net_send(&d->world.net, peer, bytes, n, 0)) {
            c->key = life[c->life].key;
            c->sent += (uint32_t)n;
        }
        net_look(&d->world.net, peer);
        moved = true;
    }
    return moved;
}

static bool unit_begins(desk_t *d, desk_wire_t wire, uint32_t number)
{
    desk_unit_t *unit = desk_unit(d, wire, number);
    if (wire == DESK_TO_DRIVER) {
        conn_t *c = conn_of_link[unit->link] < 0 ? NULL : &conn[conn_of_link[unit->link]];
        if (!c || c->printed + unit->n > c->sent) return false; /* an echo; were it a frame, its bytes were strays */
        unit->tag[0] = (uint32_t)(c - conn);
        unit->tag[1] = c->printed;
        c->frame[c->frames % FRAMES].first = c->printed;
        c->frame[c->frames % FRAMES].n = unit->n;
        c->frame[c->frames++ % FRAMES].unit = number;
        c->printed += unit->n;
        if (c->frames > FRAMES) fail("the test has too few frames");
        return true;
    }
    int number_of_life = life_of[CIPDRV_LINKS > 1 ? unit->link : 0];
    if (number_of_life < 0) {
        fail("an AT+CIPSEND of link %u, which is not open", unit->link);
        return true;
    }
    life_t              *l = &life[number_of_life];
    const cipdrv_link_t *link = link_at(&d->driver, unit->link);
    l->piece[l->pieces % PIECES].first = l->made - link->left;
    l->piece[l->pieces % PIECES].n = unit->n;
    l->piece[l->pieces++ % PIECES].unit = number;
    return true;
}

/* The modem prints a byte of a frame. Another than the peer has sent: it is no frame but the echo of what faults, or a
 * reset, have made of a send's payload, which the modem took for commands. */
static bool frame_prints(desk_t *d, uint32_t number, uint16_t offset, uint8_t c)
{
    const desk_unit_t *unit = desk_unit(d, DESK_TO_DRIVER, number);
    conn_t            *of = &conn[unit->tag[0]];
    if (c == stream(of->key, unit->tag[1] + offset)) return true;
    if (!d->last_harm_us[DESK_TO_MODEM] && !cut_off) fail("the modem prints a byte that no peer has sent");
    of->printed = unit->tag[1];
    of->frames--;
    sums.echoes++;
    return false;
}

/* A peer sends a piece of its stream, or does what peers do. */
static void act_as_peer(conn_t *c)
{
    net_peer_t *peer = &desk.world.net.peer[c->peer];
    uint8_t     bytes[1460];
    if (peer->age != c->age || peer->state != NET_CONNECTED || !peer->linked || peer->ending != CIPMUX_CAUSE_NONE)
        return;
    if (c->sent < c->to_send && peer->segments < 8 && roll(3) == 0) {
        uint32_t n = 1 + roll(roll(2) ? 1460 : 60);
        if (n > c->to_send - c->sent) n = c->to_send - c->sent;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = stream(c->key, c->sent + i);
        if (net_send(&desk.world.net, peer, bytes, n, 0)) c->sent += n;
    }
    if (!working || is_echo(peer)) return;
    if (c->sent == c->to_send && roll(60) == 0) net_end(peer, CIPMUX_CAUSE_FIN);
    if (stalling && roll(400) == 0) {
        c->clean = false;
        net_end(peer, CIPMUX_CAUSE_RESET);
    }
    if (stalling && roll(800) == 0) peer->stalled = !peer->stalled;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

static life_t *life_now(uint8_t link)
{
    if (link >= CIPDRV_LINKS) fail("an event for link %u", link);
    int number = link < CIPDRV_LINKS ? life_of[link] : -1;
    return number < 0 ? NULL : &life[number];
}

static life_t *new_life(uint8_t link)
{
    if (lives == LIVES) {
        fail("the test has too few lives");
        lives--;
    }
    life_t *l = &life[lives];
    memset(l, 0, offsetof(life_t, bytes));
    l->link = link;
    l->conn = -1;
    l->key = hash((uint32_t)seed, 2000000u + (uint32_t)lives);
    l->to_make = roll(3) ? roll(STREAM_MAX) : 0;
    life_of[link] = lives++;
    sums.lives++;
    return l;
}

static void opened(uint8_t link, bool client)
{
    life_t *l = life_now(link);
    sums.opened++;
    if (client) {
        if (l) fail("link %u opened twice", link);
        l = new_life(link);
    } else if (!l || l->open)
        fail("link %u opened, but was not dialled", link);
    if (!l) return;
    l->open = true;
    if (l->asked_us[0]) longest(&sums.operation_us[0], l->asked_us[0]);
    l->asked_us[0] = 0;
}

/* What the connection still owed to the life. */
static void judge_end(life_t *l, uint16_t cause)
{
    if (l->conn < 0) return;
    const conn_t     *c = &conn[l->conn];
    const net_peer_t *peer = &desk.world.net.peer[c->peer];
    bool              by_peer = cause == CIPDRV_BY_PEER;
    if (l->got < c->printed) judge_gap(l, c, l->got, c->printed, !by_peer);
    if (by_peer && c->clean && !cut_off && peer->age == c->age && peer->ending == CIPMUX_CAUSE_FIN &&
        c->printed < c->sent && !desk.last_harm_us[DESK_TO_DRIVER] && !desk.last_harm_us[DESK_TO_MODEM])
        fail("link %u: CLOSED BY_PEER with %u bytes that were never read", l->link, c->sent - c->printed);
}

static void closed(uint8_t link, uint16_t cause)
{
    life_t *l = life_now(link);
    if (cause >= 10) fail("link %u closed, cause %u", link, cause);
    if (!l) {
        fail("link %u closed, but was not open", link);
        return;
    }
    sums.causes[cause % 10]++;
    for (int i = 0; i < 3; i++)
        if (l->asked_us[i]) longest(&sums.operation_us[i], l->asked_us[i]);
    if (cause != CIPDRV_BY_PEER && l->gap_us) {
        longest(&sums.report_us, l->gap_us);
        l->gap_us = 0;
    }
    judge_end(l, cause);
    l->open = false;
    l->ended = true;
    memset(l->asked_us, 0, sizeof l->asked_us);
    life_of[link] = -1;
}

static void faulted(void)
{
    sums.faults_told++;
    fault_told_us = desk.now_us;
    for (int i = 0; i < lives; i++)
        if (life[i].gap_us) {
            longest(&sums.report_us, life[i].gap_us);
            life[i].gap_us = 0;
        }
}

static void send(life_t *l, uint32_t n)
{
    if (n > SEND_MAX) n = SEND_MAX;
    l->fills = CIPDRV_FILLS && roll(2);
    if (!l->fills)
        for (uint32_t i = 0; i < n; i++)
            l->bytes[i] = stream(l->key, l->made + i);
    if (!cipdrv_send(&desk.driver, l->link, l->fills ? NULL : l->bytes, (uint16_t)n, CIPDRV_FROM_RAM)) return;
    l->filled = l->made;
    l->made += n;
    l->sending = true;
    l->asked_us[1] = desk.now_us;
}

static void sent(life_t *l)
{
    if (!l->sending) fail("link %u: SENT, but nothing was to be sent", l->link);
    if (l->asked_us[1]) longest(&sums.operation_us[1], l->asked_us[1]);
    l->asked_us[1] = 0;
    l->sending = false;
    l->told_sent = l->made;
    if (roll(2) && l->made < l->to_make && !l->closing) send(l, 1 + roll(l->to_make - l->made));
}

static uint16_t fill(life_t *l, uint8_t *to, uint16_t n)
{
    uint32_t at = l->filled;
    if (!l->sending || !l->fills) fail("link %u: FILL without a send", l->link);
    n = (uint16_t)(1 + roll(n));
    for (uint16_t i = 0; i < n; i++)
        to[i] = stream(l->key, at + i);
    l->filled += n;
    if (l->filled > l->made) fail("link %u: FILL for more than the send has", l->link);
    return n;
}

static uint16_t program(desk_t *d, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)d;
    sums.events++;
    switch (event) {
    case CIPDRV_UP:
        if (up) fail("UP twice");
        up = true;
        return 0;
    case CIPDRV_DOWN:
        if (n > CIPDRV_NO_SERVER) fail("DOWN, cause %u", n);
        up = false;
        unreachable = unreachable || n == CIPDRV_NO_MODEM;
        return 0;
    case CIPDRV_RATE: return 0;
    case CIPDRV_OPENED: opened(link, n); return 0;
    case CIPDRV_CLOSED: closed(link, n); return 0;
    case CIPDRV_FAULT: faulted(); return 0;
    default: break;
    }
    life_t *l = life_now(link);
    if (!l || !l->open) {
        fail("%s for link %u, which is not open", desk_event_name(event), link);
        return n;
    }
    if (event == CIPDRV_RECEIVED) return received(l, data, n);
    if (event == CIPDRV_ROOM) return (uint16_t)(roll(5) ? 1 + roll(n < 1460 ? n : 1460) : 0);
    if (event == CIPDRV_FILL) return fill(l, data, n);
    if (event == CIPDRV_SENT) sent(l);
    return 0;
}

static uint8_t dial(uint16_t port)
{
    static char host[] = "10.0.2.2";
    uint8_t     link = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, host, port IF_UDP(, 0));
    if (link == CIPDRV_NO_LINK) return link;
    if (life_of[link] >= 0) fail("the driver gives link %u away twice", link);
    life_t *l = new_life(link);
    l->dialled = true;
    l->asked_us[0] = desk.now_us;
    return link;
}

static void close_link(life_t *l)
{
    l->closing = true;
    l->asked_us[2] = desk.now_us;
    cipdrv_close(&desk.driver, l->link);
}

static void dial_somewhere(void)
{
    unsigned port = FIRST_PORT + (unsigned)dials;
    uint32_t what = roll(stalling ? 12 : 20);
    if (dials == DIALS || !up || dial((uint16_t)port) == CIPDRV_NO_LINK) return;
    dials++;
    if (what == 0) return; /* refused */
    if (what == 1)
        desk_say(&desk, "reset 10.0.2.2:%u", port);
    else
        desk_say(&desk, "listen d%u 10.0.2.2:%u", port, port);
}

static void act_as_program(void)
{
    for (uint8_t link = 0; link < CIPDRV_LINKS; link++) {
        life_t *l = life_now(link);
        if (!l || !l->open || l->closing) continue;
        if (!l->sending && l->made < l->to_make && roll(4) == 0) send(l, 1 + roll(l->to_make - l->made));
        if (working && !l->sending && l->made >= l->to_make && roll(100) == 0) close_link(l);
        if (stalling && roll(500) == 0 && !l->closing) close_link(l);
    }
    if (working && up && roll(8) == 0) dial_somewhere();
}

/* ---- A seed ------------------------------------------------------------------------------------------------------ */

/* What must be so at any time. */
static void look_around(void)
{
    static const char *const operations[] = { "dial", "send", "close" };
    for (int i = 0; i < lives; i++) {
        if (life[i].gap_us && desk.now_us - life[i].gap_us > REPORT_LIMIT) {
            fail("link %u: a gap before byte %u is not reported", life[i].link, life[i].got);
            life[i].gap_us = 0;
        }
        for (int k = 0; k < 3; k++)
            if (life[i].asked_us[k] && longest(&sums.operation_us[k], life[i].asked_us[k]) > OPERATION_LIMIT)
                fail("link %u: a %s outlives its deadline", life[i].link, operations[k]);
    }
    if (desk.error[0]) fail("%s", desk.error);
}

static void act_as_fate(bool server, bool modem_faults)
{
    if (server && up && !gone && roll(10) == 0 && clients < 40) desk_say(&desk, "client c%d to 80", clients++);
    if (!modem_faults) return;
    if (roll(500) == 0) {
        sums.modem_faults++;
        cut_off = true;
        desk_say(&desk, "reset-pin");
    }
    if (roll(500) == 0) {
        sums.modem_faults++;
        gone = !gone;
        cut_off = true;
        desk_say(&desk, gone ? "ap-gone ssid=lab" : "ap-back ssid=lab");
    }
    if (roll(500) == 0) {
        cut_off = true;
        desk_say(&desk, "kick");
    }
}

/* The program has the modem's reset pin, for a modem that is at a rate that no driver can guess. */
static void slice(void)
{
    if (unreachable) {
        unreachable = false;
        sums.unreachable++;
        cut_off = true;
        desk_say(&desk, "reset-pin");
    }
    desk_run(&desk, SLICE_US);
    look_around();
}

/* What was told SENT has arrived: NonOS says so when the peer has it, ESP-AT when it will have it unless the link
 * breaks. */
static void judge_sent(void)
{
    bool acknowledged = strncmp(desk.options.dialect, "esp", 3) != 0;
    for (int i = 0; i < conns; i++) {
        const conn_t     *c = &conn[i];
        const net_peer_t *peer = &desk.world.net.peer[c->peer];
        if (c->life < 0 || c->lost || peer->age != c->age) continue;
        const life_t *l = &life[c->life];
        if (l->mistaken || (!acknowledged && !peer->got_fin)) continue;
        uint32_t astray = 0; /* sends whose link was garbled */
        for (size_t k = 0; k < l->pieces; k++)
            if (unit_up(l->piece[k].unit)->touched) astray += l->piece[k].n;
        if (c->got + astray < l->told_sent)
            fail("link %u: %u bytes were told SENT, the peer has %u", l->link, l->told_sent, c->got);
    }
}

/* All faults are over: the links end, and a fresh one echoes. */
static void judge_recovery(void)
{
    uint64_t begin_us = desk.now_us, dialled_us = 0;
    life_t  *echo = NULL;
    memset(desk.options.every, 0, sizeof desk.options.every);
    desk_say(&desk, "ap-back ssid=lab");
    desk_say(&desk, "listen echo 10.0.2.2:7");
    for (int i = 0; i < NET_PEERS; i++)
        desk.world.net.peer[i].stalled = false;
    while (!failed && (!echo || echo->got < 2 * BLOCK)) {
        slice();
        for (uint8_t link = 0; link < CIPDRV_LINKS; link++) {
            life_t *l = life_now(link);
            if (l && l->open && l != echo && !l->closing) close_link(l);
        }
        if (echo && life_of[echo->link] != (int)(echo - life)) echo = NULL;
        uint8_t link = !echo && up && desk.now_us > dialled_us + DIAL_PAUSE ? dial(7) : CIPDRV_NO_LINK;
        if (link != CIPDRV_NO_LINK) dialled_us = desk.now_us;
        if (link != CIPDRV_NO_LINK) echo = &life[life_of[link]];
        if (echo) echo->to_make = 2 * BLOCK;
        if (echo && echo->open && echo->made == 0) send(echo, 2 * BLOCK);
        if (desk.now_us - begin_us > RECOVERY_LIMIT) fail("no fresh echo since the faults are over");
    }
    longest(&sums.recovery_us, begin_us);
    judge_sent();
}

static uint32_t pick(const uint32_t *from, size_t n)
{
    return from[roll((uint32_t)n)];
}
#define PICK(...) pick((const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* Faults of the wires: some kinds, often or rarely. */
static void choose_faults(desk_options_t *options)
{
    uint32_t wires = PICK(0, 0, 1, 2, 2, 3, 3), often = PICK(300, 1500, 5000, 15000);
    for (uint32_t wire = 0; wire < DESK_WIRES; wire++)
        for (int harm = 0; harm < DESK_HARMS; harm++)
            if (wires >> wire & 1 && roll(2)) options->every[wire][harm] = often / 2 + roll(often);
}

static desk_options_t choose(bool *server, FILE *trace)
{
    static const char *const dialects[] = { "nonos-1.7.6", "esp-at-2.3", "classic" };
    desk_options_t           options = desk_options(dialects[roll(3)]);
    options.seed = seed + 77;
    options.real = roll(4) == 0;
    options.period_us = PICK(200, 500, 1000, 1000, 2000);
    options.program = program;
    options.network = network;
    options.begins = unit_begins;
    options.prints = frame_prints;
    options.trace = trace;
    options.driver.ssid = "lab";
    options.driver.password = "password";
    options.driver.rate = (uint16_t)PICK(1152, 1152, 1152, 576, 2304, 1152);
    if (options.driver.rate > 1152) options.receive = 512;
#if CIPDRV_FLOW
    options.driver.flow = roll(3) == 0 ? 3 : 0;
#endif
#if CIPDRV_PASSIVE
    options.driver.passive = roll(2);
#endif
#if CIPDRV_SERVER
    *server = (CIPDRV_LINKS > 1 || strcmp(options.dialect, "classic") == 0) && roll(3);
    options.driver.server_port = *server ? 80 : 0;
    options.driver.server_idle = *server && roll(4) == 0 ? 3 : 0;
#else
    *server = false;
#endif
    return options;
}

static void start_seed(uint64_t number, bool *server, FILE *trace)
{
    seed = number;
    rng = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    roll(2);
    conns = lives = dials = clients = 0;
    fault_told_us = 0;
    failed = up = working = unreachable = gone = cut_off = false;
    memset(&seen, 0, sizeof seen);
    memset(life_of, -1, sizeof life_of);
    memset(conn_of_link, -1, sizeof conn_of_link);
    desk_options_t options = choose(server, trace);
    desk_start(&desk, &options);
    stalling = roll(3) == 0;
}

static void run_seed(uint64_t number, FILE *trace)
{
    bool           server;
    desk_options_t faults = { 0 };
    start_seed(number, &server, trace);
    choose_faults(&faults);
    bool modem_faults = roll(3) == 0;
    if (roll(4) == 0) memcpy(desk.options.every, faults.every, sizeof faults.every); /* from the first byte on */
    uint64_t begin_us = desk.now_us;
    while (!failed && !up && desk.now_us - begin_us < UP_LIMIT)
        slice();
    longest(&sums.up_us, begin_us);
    if (!up && !desk.last_harm_us[0] && !desk.last_harm_us[1]) fail("it does not come up");
    memcpy(desk.options.every, faults.every, sizeof faults.every);
    working = true;
    uint64_t until_us = desk.now_us + DESK_SECOND * (3 + roll(6));
    while (!failed && desk.now_us < until_us) {
        slice();
        for (int i = 0; i < conns; i++)
            act_as_peer(&conn[i]);
        act_as_program();
        act_as_fate(server, modem_faults);
    }
    working = false;
    if (!failed) judge_recovery();
    for (int wire = 0; wire < DESK_WIRES; wire++) {
        sums.overruns += desk.overruns[wire];
        for (int harm = 0; harm < DESK_HARMS; harm++)
            sums.harms[wire][harm] += desk.harms[wire][harm];
    }
    sums.virtual_us += desk.now_us;
    sums.seeds++;
}

static double s(uint64_t us)
{
    return (double)us / 1e6;
}

static void report(void)
{
    static const char *const wires[] = { "to the modem ", "to the driver" };
    printf("%llu seeds, %.0f s of virtual time, %llu events, %llu links opened (%llu asked or accepted)\n",
           (unsigned long long)sums.seeds, s(sums.virtual_us), (unsigned long long)sums.events,
           (unsigned long long)sums.opened, (unsigned long long)sums.lives);
    printf("bytes right: %llu down, %llu up\n", (unsigned long long)sums.down, (unsigned long long)sums.up);
    for (int wire = 0; wire < DESK_WIRES; wire++)
        printf("faults %s: %llu flips, %llu drops, %llu inserts, %llu bursts lost, %llu bursts garbled\n", wires[wire],
               (unsigned long long)sums.harms[wire][0], (unsigned long long)sums.harms[wire][1],
               (unsigned long long)sums.harms[wire][2], (unsigned long long)sums.harms[wire][3],
               (unsigned long long)sums.harms[wire][4]);
    printf(
        "resets and lost networks: %llu; overruns: %llu; FAULT told: %llu; NO_MODEM, so the program resets it: %llu\n",
        (unsigned long long)sums.modem_faults, (unsigned long long)sums.overruns, (unsigned long long)sums.faults_told,
        (unsigned long long)sums.unreachable);
    printf("down, in frames that a fault touched: %llu bytes wrong, %llu strays, %llu lost\n",
           (unsigned long long)sums.flips, (unsigned long long)sums.strays, (unsigned long long)sums.lost_silent);
    printf("down, in other frames, lost and reported: %llu, after at most %.3f s of silence; swallowed whole by frames "
           "that "
           "lost bytes: %llu; %llu ends not heard\n",
           (unsigned long long)sums.lost_reported, s(sums.report_us), (unsigned long long)sums.swallowed,
           (unsigned long long)sums.mistaken);
    printf("up, in sends that a fault touched: %llu bytes wrong, %llu lost; sends with the driver's commands for "
           "payload: %llu; bytes made up: %llu; taken for "
           "commands, and echoed as a frame: %llu\n",
           (unsigned long long)sums.up_wrong, (unsigned long long)sums.up_lost, (unsigned long long)sums.escapes,
           (unsigned long long)sums.made_up, (unsigned long long)sums.echoes);
    printf("CLOSED:");
    for (uint16_t cause = 0; cause < 10; cause++)
        if (sums.causes[cause]) printf(" %s %llu", desk_cause_name(cause), (unsigned long long)sums.causes[cause]);
    printf("\nlongest: resync %.3f s, up %.1f s, dial %.1f s, send %.1f s, close %.1f s, fresh echo %.1f s\n",
           s(sums.resync_us), s(sums.up_us), s(sums.operation_us[0]), s(sums.operation_us[1]), s(sums.operation_us[2]),
           s(sums.recovery_us));
}

int main(int argc, char **argv)
{
    uint64_t count = 100, first = 0, failures = 0;
    FILE    *trace = NULL;
    int      numbers = 0;
    bool     planted = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = stdout;
        else if (strcmp(argv[i], "--planted") == 0)
            planted = true;
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            first = strtoull(argv[i] + 7, NULL, 10), count = 1;
        else if (numbers++ == 0)
            count = strtoull(argv[i], NULL, 10);
        else
            first = strtoull(argv[i], NULL, 10);
    }
    for (uint64_t i = first; i < first + count; i++) {
        run_seed(i, trace);
        if (!failed) continue;
        printf("seed %llu (%s): %s\n", (unsigned long long)i, desk.options.dialect, failure);
        if (++failures == 20 || planted) break;
    }
    report();
    printf("%llu seeds failed\n", (unsigned long long)failures);
    bool good = planted ? failures != 0 : failures == 0;
    printf("%d passed, %d failed\n", good, !good);
    return !good;
}
